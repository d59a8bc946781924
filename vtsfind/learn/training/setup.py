"""What a training run starts with, made from its recipe: objectives, network, teachers' codes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.objectives import create
from vtsfind.learn.objectives.base import Objective
from vtsfind.learn.pretrained.from_timm import is_published, load_published
from vtsfind.learn.pretrained.load import load_start
from vtsfind.learn.recipes import Recipe
from vtsfind.learn.training.distillation import target_codes
from vtsfind.learn.training.runs import RunOptions

Targets = Mapping[tuple[int, int], Tensor]
"""(Task, goal) to the teacher's codes, (n, k) of -1 and +1."""


def make_objectives(recipe: Recipe, pictures: Sequence[Pictures]) -> list[list[Objective]]:
    """The objectives of each task; those without a teacher are bound.

    Parameters
    ----------
    recipe
        The recipe.
    pictures
        Of each task.
    """
    return [
        [_objective(recipe, number, place, of_task) for place in range(len(recipe.tasks[number].goals))]
        for number, of_task in enumerate(pictures)
    ]


def _objective(recipe: Recipe, number: int, place: int, pictures: Pictures) -> Objective:
    goal = recipe.tasks[number].goals[place]
    objective = create(goal.objective, mode=goal.mode, **goal.options)
    if goal.teacher is None:
        objective.bind(
            bits=next(head.bits for head in recipe.network.heads if head.name == goal.head),
            classes=len(pictures.classes),
            rows=len(pictures),
            seed=recipe.seed,
            multilabel=bool((pictures.labels.sum(1) > 1).any()),
        )
    return objective


def make_network(recipe: Recipe, starts: Path) -> HashNetwork:
    """The network with its start weights; everything else in it is drawn with the recipe's seed.

    Parameters
    ----------
    recipe
        The recipe.
    starts
        The folder of start weights.

    Raises
    ------
    UsageError
        When the start weights are missing or do not fit, or the backbone cannot recompute its activations.
    DownloadFailed
        When published weights cannot be downloaded.
    """
    torch.manual_seed(recipe.seed)
    network = HashNetwork(recipe.network)
    if is_published(recipe.start):
        known = backbone(recipe.network.backbone)
        load_published(network.backbone, known, recipe.start, aligned_positions=recipe.aligned_positions)
    elif recipe.start:
        load_start(network.backbone, starts / recipe.start, aligned_positions=recipe.aligned_positions)
    if recipe.schedule.recompute:
        if not hasattr(network.backbone, "set_grad_checkpointing"):
            raise UsageError(
                f"The backbone '{recipe.network.backbone}' cannot recompute its activations.",
                "Remove `recompute` from the recipe.",
            )
        network.backbone.set_grad_checkpointing(enable=True)
    return network


def choose_attention(network: HashNetwork, device: torch.device, precision: torch.dtype) -> str:
    """Choose how a transformer computes attention in training; returns its name.

    Two matrix products are faster than torch's fused attention on processors in bfloat16, whose backward pass of it is slow
    (`benchmarks/augment.py` measures both).
    """
    layers = [layer for layer in network.backbone.modules() if hasattr(layer, "fused_attn")]
    products = device.type == "cpu" and precision == torch.bfloat16
    for layer in layers:
        layer.fused_attn = layer.fused_attn and not products
    if not layers:
        return "none"
    return "fused" if layers[0].fused_attn else "matrix products"


def bind_teachers(
    goals: Sequence[Sequence[Objective]],
    recipe: Recipe,
    pictures: Sequence[Pictures],
    run: RunOptions,
    *,
    progress: Progress,
    cancel: CancelToken,
) -> Targets:
    """Bind the objectives that have a teacher to its codes; returns these codes.

    Parameters
    ----------
    goals
        From `make_objectives`; changed in place.
    recipe, pictures
        As for `make_objectives`.
    run
        Names the folders of start weights and of the run, which caches the teachers' features.
    progress, cancel
        Of the teachers.
    """
    targets = target_codes(
        recipe, list(pictures), starts=run.starts, cache=run.folder, progress=progress, cancel=cancel
    )
    for (number, place), codes in targets.items():
        goals[number][place].bind_targets(codes)
    return targets
