"""Hash heads trained on the features of a frozen backbone, in minutes on any machine.

A head standardises the features with the training set's mean and deviation, optionally applies dropout and a hidden layer,
and ends in the bits, centred by a batch normalisation without scale or shift. Training shows every picture once in each epoch,
in a random one of its views, so that there is augmentation although only features are used. The objectives are those that
train whole networks (`vtsfind.learn.objectives.base`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import cos, pi

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken
from vtsfind.learn.data.formats.pictures import Labels
from vtsfind.learn.objectives.base import Objective

HalfMatrix = npt.NDArray[np.float16]

_ROWS_PER_BLOCK = 4096
_WARMUP_SHARE = 0.1
_MIN_RELATIVE_STD = 1e-3


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How a head is trained."""

    epochs: int = 30
    batch: int = 128
    rate: float = 1e-3
    """Peak learning rate of AdamW: a linear warm-up over the first tenth of the steps, then a cosine decay to zero."""
    weight_decay: float = 0.05
    hidden: int = 0
    """Width of a hidden layer; 0 for a linear head."""
    dropout: float = 0.0
    """Dropout probability of the standardised features."""
    hidden_dropout: float | None = None
    """Share of the hidden values that is; the same as of the features by default."""
    centred: bool = True
    """Whether the bits are centred by a batch normalisation."""
    options: dict[str, float | int | str] = field(default_factory=dict)
    """Of the objective."""


class FeatureHead(nn.Module):
    """From features (b, d) to bits (b, k), both float.

    Parameters
    ----------
    mean, deviation
        (d,), of the training set's features.
    bits
        k.
    hyperparameters
        Hidden layer, dropout and centring.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor, bits: int, hyperparameters: Hyperparameters) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        # A nearly constant feature has no information and would be amplified to noise.
        flat = deviation <= _MIN_RELATIVE_STD * deviation.mean()
        self.register_buffer("scale", (1 / deviation).masked_fill(flat, 0))
        layers: list[nn.Module] = [nn.Dropout(hyperparameters.dropout)]
        width = len(mean)
        if hyperparameters.hidden:
            dropped = (
                hyperparameters.dropout
                if hyperparameters.hidden_dropout is None
                else hyperparameters.hidden_dropout
            )
            layers += [nn.Linear(width, hyperparameters.hidden), nn.ReLU(), nn.Dropout(dropped)]
            width = hyperparameters.hidden
        layers.append(nn.Linear(width, bits))
        if hyperparameters.centred:
            layers.append(nn.BatchNorm1d(bits, affine=False))
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return the real outputs; a bit is 1 where they are above zero."""
        outputs: Tensor = self.layers((features.float() - self.mean) * self.scale)
        return outputs


def train_head(
    objective: Objective,
    views: Sequence[HalfMatrix],
    labels: Labels,
    hyperparameters: Hyperparameters,
    *,
    seed: int,
    cancel: CancelToken | None = None,
) -> FeatureHead:
    """Train one head.

    Parameters
    ----------
    objective
        Bound to these n rows.
    views
        Features of the training set, (n, d) each, in one or more views of its pictures.
    labels
        (n, c).
    hyperparameters
        Of the head and its training.
    seed
        Of the initial weights, the order of the pictures and the choice of views.
    cancel
        Checked after every epoch.

    Returns
    -------
    The head, in evaluation mode.

    Raises
    ------
    UsageError
        When there are fewer than two pictures, or the loss is not finite.
    Cancelled
        When it is cancelled.
    """
    rows = len(labels)
    if rows < 2:
        raise UsageError(f"A head cannot be trained on {rows} pictures.", "Use more training pictures.")
    view_features = torch.from_numpy(np.stack(views))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = FeatureHead(*_statistics(view_features), objective.bits, hyperparameters)
        _fit(
            head,
            objective,
            view_features,
            torch.from_numpy(labels),
            hyperparameters=hyperparameters,
            cancel=cancel or CancelToken(),
        )
    return head.eval()


def _statistics(view_features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the features of all views, (v, n, d) to (d,) each."""
    flat = view_features.flatten(0, 1).float()
    return flat.mean(0), flat.std(0)


def _fit(
    head: FeatureHead,
    objective: Objective,
    view_features: Tensor,
    labels: Tensor,
    *,
    hyperparameters: Hyperparameters,
    cancel: CancelToken,
) -> None:
    rows, size = len(labels), min(hyperparameters.batch, len(labels))
    optimiser = torch.optim.AdamW(
        [*head.parameters(), *objective.parameters()],
        lr=hyperparameters.rate,
        weight_decay=hyperparameters.weight_decay,
    )
    # The last, incomplete batch of an epoch is skipped: a batch of one cannot be centred.
    steps_per_epoch = rows // size
    head.train()
    objective.train()
    for epoch in range(hyperparameters.epochs):
        objective.start_epoch(epoch)
        order = torch.randperm(rows)
        view_of_row = torch.randint(len(view_features), (rows,))
        for step in range(steps_per_epoch):
            for group in optimiser.param_groups:
                group["lr"] = hyperparameters.rate * _learning_rate_share(
                    (epoch * steps_per_epoch + step + 1) / (hyperparameters.epochs * steps_per_epoch)
                )
            chosen = order[step * size : (step + 1) * size]
            terms = objective(head(view_features[view_of_row[chosen], chosen]), labels[chosen], chosen)
            loss = torch.stack(list(terms.values())).sum()
            if not bool(loss.isfinite()):
                raise UsageError(
                    f"The loss is not finite in epoch {epoch + 1}, batch {step + 1}: "
                    f"{', '.join(f'{name} {float(term.detach())}' for name, term in terms.items())}.",
                    "Lower the learning rate.",
                )
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        cancel.check()


def _learning_rate_share(share: float) -> float:
    """The learning rate after a share of the steps, as a share of the peak."""
    if share < _WARMUP_SHARE:
        return share / _WARMUP_SHARE
    return (1 + cos(pi * (share - _WARMUP_SHARE) / (1 - _WARMUP_SHARE))) / 2


@torch.inference_mode()
def head_outputs(head: FeatureHead, features: HalfMatrix) -> npt.NDArray[np.float32]:
    """The real outputs of a head for features (n, d), as (n, k)."""
    parts = [
        head(torch.from_numpy(features[first : first + _ROWS_PER_BLOCK])).numpy()
        for first in range(0, len(features), _ROWS_PER_BLOCK)
    ]
    joined: npt.NDArray[np.float32] = np.concatenate(parts)
    return joined
