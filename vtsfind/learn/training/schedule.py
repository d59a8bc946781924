"""The optimiser of a recipe, and its learning-rate schedule."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from vtsfind.learn.recipes import Schedule

_OPTIMISERS: dict[str, type[torch.optim.AdamW] | type[torch.optim.Adam]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
}


def make_optimiser(
    schedule: Schedule, backbone: Iterable[nn.Parameter], heads: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """Make the optimiser: separate rates for the backbone and for heads and objectives, weight decay for matrices only."""
    groups = []
    for rate, parameters in ((schedule.backbone_rate, list(backbone)), (schedule.head_rate, list(heads))):
        for decay, members in (
            (schedule.weight_decay, [p for p in parameters if p.ndim > 1]),
            (0.0, [p for p in parameters if p.ndim <= 1]),
        ):
            groups.append({"params": members, "lr": rate, "highest": rate, "weight_decay": decay})
    return _OPTIMISERS[schedule.optimiser](groups)


def set_rates(optimiser: torch.optim.Optimizer, step: int, schedule: Schedule, spent: float = 0.0) -> float:
    """Set the learning rates of a step; returns their share, see `rate_share`."""
    share = rate_share(step, schedule, spent)
    for group in optimiser.param_groups:
        group["lr"] = share * group["highest"]
    return share


def rate_share(step: int, schedule: Schedule, spent: float = 0.0) -> float:
    """The learning rate of a step as a share of the peak: a linear warm-up, then a cosine decay to zero or a constant.

    Parameters
    ----------
    step
        The step.
    schedule
        Of the recipe.
    spent
        The share of the time budget that is spent; the decay goes by this where it is ahead of the steps.
    """
    if step < schedule.warmup:
        return (step + 1) / schedule.warmup
    if schedule.course == "constant":
        return 1.0
    done = (step - schedule.warmup) / max(1, schedule.steps - schedule.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, max(done, spent))))
