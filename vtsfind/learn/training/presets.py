"""The recipes of the field: one for each protocol, method, number of bits and backbone.

In mode ``fixed`` they follow what the methods' own authors do: Adam, a hash head that learns faster than the pre-trained
backbone (1e-3 for one layer, 1e-4 for the two layers of the head `all`, against 1e-5), a rise of the rates over one epoch and
a cosine afterwards, and a state that is chosen on pictures held out of the training set. In mode ``paper`` they are what the
published code of the VTS paper (Dubey, Singh, Chu, 2021) does: one rate of 1e-5 for everything, constant, ImageNet's mean and
deviation, heads that start saturated, float32, no gradient clipping, and the last state. Both: batches of 32, 150 epochs.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.base.records import Head
from vtsfind.learn.data.protocols import find_protocol, open_protocol
from vtsfind.learn.models.backbones import backbone
from vtsfind.learn.models.spec import FeatureKind, NetworkSpec
from vtsfind.learn.objectives import Mode, options
from vtsfind.learn.training.recipes import Goal, Recipe, Schedule, TrainingTask, Validation

HEAD_NAME = "scene"
Selection = Literal["validation", "last", "test"]

_BATCH, _EPOCHS = 32, 150
_VALIDATION_EPOCHS = {"validation": 5, "test": 30}
_PATIENCE_VALIDATIONS = 6
_ALL_TOKEN_BACKBONES = {"vts16", "vts32"}
_DROPOUT = {"vts16": 0.1, "vts32": 0.1}
_PRETRAINED_TAGS = {"vts16": "orig_in21k", "vts32": "orig_in21k", "transhash": "orig_in21k"}
_CHECKPOINT_STEPS = 500


@dataclass(frozen=True, slots=True)
class PresetOptions:
    """What a recipe of the field is asked for by."""

    dataset: str
    """A protocol, see `vtsfind.learn.data.protocols.find_protocol`."""
    method: str
    """A name in `vtsfind.learn.objectives.OBJECTIVES`."""
    bits: int
    backbone: str = "vts16"
    """See `vtsfind.learn.models.backbones.backbone`."""
    mode: Mode = "fixed"
    epochs: int = _EPOCHS
    batch: int = _BATCH
    seed: int = 1
    """Of everything random, the drawing of the protocol's parts included."""
    start: str | None = None
    """See `Recipe.start`; the weights of the backbone that its library publishes unless given."""
    select: Selection = "validation"
    """Which state is kept: the best on pictures held out of the training set, the last, or the best on the test queries,
    which is good for reproducing published figures only."""


def preset_recipe(preset: PresetOptions, *, pictures: int | None = None) -> Recipe:
    """Make a recipe of the field.

    Parameters
    ----------
    preset
        What is asked for.
    pictures
        Size of the training set, for protocols that leave it open.

    Raises
    ------
    UsageError
        When there is no such protocol, method or backbone, or the training set's size is not known. Whether the bits are
        possible is seen when the data are there.
    """
    options(preset.method)
    protocol, known = find_protocol(preset.dataset), backbone(preset.backbone)
    count = protocol.sizes["train"] or pictures
    if count is None:
        raise UsageError(f"The size of the training set of '{protocol.name}' is not known.")
    if preset.batch < 1 or preset.epochs < 1:
        raise UsageError(
            f"{preset.epochs} epochs of batches of {preset.batch} cannot be trained.", "Give at least 1."
        )
    features: FeatureKind = (
        "all" if preset.backbone in _ALL_TOKEN_BACKBONES else "dual" if known.dual else "lite"
    )
    paper = preset.mode == "paper"
    network = NetworkSpec(
        backbone=preset.backbone,
        size=known.size,
        heads=(Head(HEAD_NAME, preset.bits),),
        features=features,
        paper_init=paper,
        dropout=_DROPOUT.get(preset.backbone, 0.0),
    )
    goal = Goal(head=HEAD_NAME, objective=preset.method, mode=preset.mode)
    task = TrainingTask(
        goals=(goal,),
        protocol=protocol.name,
        split_seed=preset.seed,
        views="window" if protocol.transform.augmented else "plain",
        pictures=preset.batch,
    )
    return Recipe(
        name=f"{preset.backbone}.{preset.method}.{protocol.name}.{preset.bits}",
        network=network,
        tasks=(task,),
        schedule=_schedule(preset, math.ceil(count / preset.batch), features),
        start=_published_start(preset.backbone) if preset.start is None else preset.start,
        validation=_validation(preset, math.ceil(count / preset.batch)),
        imagenet_statistics=paper,
        seed=preset.seed,
        note=f"Training pictures: {protocol.title}, from {protocol.source}. Terms: {protocol.licence}",
    )


def count_training_pictures(
    preset: PresetOptions, data: Path, progress: Progress, cancel: CancelToken
) -> int | None:
    """Size of the training set, opened to be counted, where the protocol leaves it open; None where it does not.

    Raises
    ------
    UsageError, StorageError, Cancelled
        See `vtsfind.learn.data.protocols.open_protocol`.
    """
    if find_protocol(preset.dataset).sizes["train"] is not None:
        return None
    _, split = open_protocol(preset.dataset, data, seed=preset.seed, progress=progress, cancel=cancel)
    return len(split.train)


def _schedule(preset: PresetOptions, epoch: int, features: FeatureKind) -> Schedule:
    """The schedule for epochs of `epoch` steps."""
    steps = preset.epochs * epoch
    if preset.mode == "paper":
        return Schedule(
            steps=steps,
            backbone_rate=1e-5,
            head_rate=1e-5,
            warmup=0,
            course="constant",
            optimiser="adam",
            weight_decay=0.0,
            clip=0.0,
            average=0.0,
            checkpoint=_CHECKPOINT_STEPS,
            precision="float32",
        )
    return Schedule(
        steps=steps,
        backbone_rate=1e-5,
        head_rate=1e-4 if features == "all" else 1e-3,
        warmup=min(epoch, steps // 10),
        optimiser="adam",
        weight_decay=0.0,
        average=0.99,
        checkpoint=_CHECKPOINT_STEPS,
    )


def _validation(preset: PresetOptions, epoch: int) -> Validation | None:
    if preset.select == "last":
        return None
    every = _VALIDATION_EPOCHS[preset.select] * epoch
    if preset.select == "test":
        return Validation(every=every, on="test")
    return Validation(every=every, patience=_PATIENCE_VALIDATIONS)


def _published_start(name: str) -> str:
    return f"published:{_PRETRAINED_TAGS[name]}" if name in _PRETRAINED_TAGS else "published"
