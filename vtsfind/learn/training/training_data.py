"""The training and validation data of a recipe, opened and checked before anything is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats.pictures import Pictures, RowNumbers
from vtsfind.learn.data.protocols import find_protocol, open_protocol
from vtsfind.learn.data.splits import Split
from vtsfind.learn.models.backbones import IMAGENET_MEAN, IMAGENET_STD, backbone
from vtsfind.learn.recipes import Recipe, TrainingTask, Validation, held_out_count
from vtsfind.learn.training.batches import Batches
from vtsfind.learn.training.device_batches import DeviceBatches
from vtsfind.media.decode import needed_side

_HOLD_OUT_STREAM = 0x7660
_CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """The pictures of the validation."""

    queries: Pictures
    database: Pictures | None
    """None where each query is compared with all other queries."""
    top: int | None
    """Number of results that count; None for all."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """The data of a recipe."""

    sources: tuple[Batches, ...]
    """Of each task."""
    preprocessing: Preprocessing
    split: Split | None
    """Of the first task that has a protocol."""
    validation_set: ValidationSet | None


def open_training_data(
    recipe: Recipe,
    root: Path,
    *,
    share: tuple[int, int],
    device: torch.device = _CPU,
    progress: Progress,
    cancel: CancelToken,
) -> TrainingData:
    """Open the data of all tasks.

    Parameters
    ----------
    recipe
        The recipe.
    root
        The folder of all data.
    share
        Of every batch that is made here, see `Batches`.
    device
        Where views are made, if the recipe says so.
    progress, cancel
        Of a download, and of decoding pictures for the device.

    Raises
    ------
    UsageError
        When data are missing, cannot be used, or are too few for a batch; or a batch cannot be shared evenly.
    """
    preprocessing = preprocessing_of(recipe)
    sources: list[Batches] = []
    first: Split | None = None
    validation_set: ValidationSet | None = None
    for number, task in enumerate(recipe.tasks):
        given: Pictures | None = None
        if task.protocol:
            pictures, split = open_protocol(
                task.protocol,
                root,
                seed=task.split_seed,
                shortest=needed_side(preprocessing),
                progress=progress,
                cancel=cancel,
            )
            rows = split.train
            if recipe.validation and number == 0:
                rows, validation_set = _validation_rows(recipe.validation, pictures, split, recipe.seed)
            given = pictures.subset(rows)
            first = first or split
        on_device = recipe.schedule.augment == "device"
        make = (
            partial(DeviceBatches, device=device, progress=progress, cancel=cancel) if on_device else Batches
        )
        source = make(
            task,
            root,
            preprocessing,
            steps=recipe.schedule.steps,
            seed=recipe.seed + number,
            share=share,
            given=given,
        )
        sources.append(source)
        _check_batch(task, sources[-1].pictures, share[1])
    return TrainingData(tuple(sources), preprocessing, first, validation_set)


def preprocessing_of(recipe: Recipe) -> Preprocessing:
    """The preprocessing: that of the backbone, with the transform of the first protocol of the tasks, if there is one."""
    shown = backbone(recipe.network.backbone).preprocessing(recipe.network.size)
    if recipe.imagenet_statistics:
        shown = replace(shown, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    protocols = [task.protocol for task in recipe.tasks if task.protocol]
    return find_protocol(protocols[0]).transform.preprocessing(shown) if protocols else shown


def hold_out(rows: RowNumbers, share: float, seed: int) -> tuple[RowNumbers, RowNumbers]:
    """Draw the share of rows that is held out; returns the other rows and these, each in their order.

    Drawn from raw random numbers, for the reason that `vtsfind.learn.data.splits` gives.
    """
    keys = np.random.PCG64([seed, _HOLD_OUT_STREAM]).random_raw(len(rows))
    out = np.zeros(len(rows), bool)
    out[np.argsort(keys, kind="stable")[: held_out_count(len(rows), share)]] = True
    return rows[~out], rows[out]


def _validation_rows(
    validation: Validation, pictures: Pictures, split: Split, seed: int
) -> tuple[RowNumbers, ValidationSet]:
    """The rows of the training set, and the pictures of the validation."""
    if validation.on == "test":
        top = find_protocol(split.protocol).top_k
        return split.train, ValidationSet(pictures.subset(split.query), pictures.subset(split.database), top)
    rows, out = hold_out(split.train, validation.share, seed)
    if len(out) < 2 or not len(rows):
        raise UsageError(
            f"A share of {validation.share} of {len(split.train):,} training pictures leaves too few to train and judge by.",
            "Give another `share`, or leave `validation` out of the recipe.",
        )
    return rows, ValidationSet(pictures.subset(out), None, None)


def _check_batch(task: TrainingTask, pictures: Sequence[object] | Pictures, processes: int) -> None:
    if len(pictures) < task.pictures:
        raise UsageError(
            f"There are {len(pictures):,} pictures to train on, fewer than the {task.pictures:,} of a batch.",
            f"Give a batch of at most {len(pictures):,}.",
        )
    if task.pictures % processes:
        raise UsageError(
            f"A batch of {task.pictures:,} pictures cannot be shared evenly by {processes} processes.",
            f"Give a batch of {-(-task.pictures // processes) * processes:,}.",
        )
    left = len(pictures) % task.pictures if task.short_batches else 0
    if left % processes:
        raise UsageError(
            f"The last {left:,} pictures of an epoch cannot be shared evenly by {processes} processes.",
            "Use fewer processes, or --mode fixed.",
        )
