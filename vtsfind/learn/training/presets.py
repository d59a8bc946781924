"""The recipes of the field: one for each protocol, method, number of bits and backbone.

In mode ``fixed`` they follow what the methods' own authors do: Adam, a hash head that learns faster than the pre-trained
backbone (1e-3 for one layer, 1e-4 for the two layers of the head `all`, against 1e-5), a rise of the rates over one epoch and
a cosine afterwards, and a state that is chosen on pictures held out of the training set. In mode ``paper`` they are what the
published code of the VTS paper (Dubey, Singh, Chu, 2021) does: all training pictures, one rate of 1e-5 for everything,
constant, ImageNet's mean and deviation, heads that start saturated, float32, no gradient clipping, short batches at the end
of an epoch, and the last state, or, as published, the best of five on the test queries. Both: batches of 32, 150 epochs of the
pictures that are learned from.
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
from vtsfind.learn.recipes import Goal, Recipe, Schedule, TrainingTask, Validation, held_out_count

HEAD_NAME = "scene"
Selection = Literal["validation", "last", "test"]
_DEFAULT_SELECTION: dict[Mode, Selection] = {"fixed": "validation", "paper": "last"}

_BATCH, _EPOCHS = 32, 150
_VALIDATION_EPOCHS = {"validation": 5, "test": 30}
_PATIENCE_VALIDATIONS = 6
_ALL_TOKEN_BACKBONES = {"vts16", "vts32"}
_DROPOUT = {"vts16": 0.1, "vts32": 0.1}
_PRETRAINED_TAGS = {
    "vts16": "orig_in21k",
    "vts32": "orig_in21k",
    "transhash": "orig_in21k",
    # torchvision's first weights, which the published code has.
    "resnet50": "tv_in1k",
}
_HELD_OUT_SHARE = 0.1
_VOTING_PROTOCOLS = {"nuswide-21@5000", "nuswide-21-m", "coco@5000"}
"""Where the published code of CSQ and DPN takes all classes of an image into account; elsewhere the first one alone."""
_VOTING_METHODS = {"csq", "dpn"}
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
    """Of everything random, including the split of the protocol."""
    start: str | None = None
    """See `Recipe.start`; the weights of the backbone that its library publishes by default."""
    select: Selection | None = None
    """Which state is kept: the best on pictures held out of the training set, the last, or the best on the test queries,
    which is good for reproducing published figures only. Unless given, `validation` in `fixed` and `last` in `paper`, which
    holds nothing out."""
    features: FeatureKind | None = None
    """The features that the heads read; by default `all` for VTS16 and VTS32, and what suits the other backbones."""

    @property
    def selection(self) -> Selection:
        """Which state is kept."""
        return self.select or _DEFAULT_SELECTION[self.mode]

    @property
    def name(self) -> str:
        """The model's name: `backbone.objective.dataset.bits`, with what differs from a preset's defaults in it.

        >>> PresetOptions("cifar10", "csq", 32).name
        'vts16.csq.cifar10@54000.32'
        >>> PresetOptions("cifar10", "csq", 32, features="cls", mode="paper", seed=2).name
        'vts16-cls.csq.cifar10@54000.32.paper.seed2'
        """
        usual = default_features(self.backbone)
        read = "" if self.features in {None, usual} else f"-{self.features}"
        name = f"{self.backbone}{read}.{self.method}.{find_protocol(self.dataset).name}.{self.bits}"
        return (
            name
            + ("" if self.mode == "fixed" else f".{self.mode}")
            + (f".seed{self.seed}" if self.seed != 1 else "")
        )


def default_features(name: str) -> FeatureKind:
    """The default features of a backbone."""
    return "all" if name in _ALL_TOKEN_BACKBONES else "dual" if backbone(name).dual else "lite"


def preset_recipe(preset: PresetOptions, *, pictures: int | None = None) -> Recipe:
    """Make a recipe of the field.

    Parameters
    ----------
    preset
        What is asked for.
    pictures
        Size of the training set as it lies there; the protocol's by default.

    Raises
    ------
    UsageError
        When there is no such protocol, method or backbone, the training set's size is not known, or the mode `paper` is to
        hold pictures out. Whether the bits are possible is seen when the data are there.
    """
    options(preset.method)
    protocol, known = find_protocol(preset.dataset), backbone(preset.backbone)
    count = pictures or protocol.sizes["train"]
    if count is None:
        raise UsageError(f"The size of the training set of '{protocol.name}' is not known.")
    if preset.batch < 1 or preset.epochs < 1:
        raise UsageError(
            f"{preset.epochs} epochs of batches of {preset.batch} cannot be trained.", "Give at least 1."
        )
    features = preset.features or default_features(preset.backbone)
    paper = preset.mode == "paper"
    if paper and preset.selection == "validation":
        raise UsageError(
            "The published procedure learns from all training pictures and holds none out.",
            "Use --select last or --select test with --mode paper.",
        )
    if preset.selection == "validation":
        count -= held_out_count(count, _HELD_OUT_SHARE)
    network = NetworkSpec(
        backbone=preset.backbone,
        size=known.size,
        heads=(Head(HEAD_NAME, preset.bits),),
        features=features,
        paper_init=paper,
        dropout=_DROPOUT.get(preset.backbone, 0.0),
    )
    several = {"several": "first"} if paper and _takes_the_first_class(preset.method, protocol.name) else {}
    goal = Goal(head=HEAD_NAME, objective=preset.method, mode=preset.mode, options={**several})
    task = TrainingTask(
        goals=(goal,),
        protocol=protocol.name,
        split_seed=preset.seed,
        views="window" if protocol.transform.augmented else "plain",
        pictures=preset.batch,
        short_batches=paper,
    )
    return Recipe(
        name=preset.name,
        network=network,
        tasks=(task,),
        schedule=_schedule(preset, count, features),
        start=_published_start(preset.backbone) if preset.start is None else preset.start,
        validation=_validation(preset, count),
        imagenet_statistics=paper,
        aligned_positions=paper,
        seed=preset.seed,
        note=f"Training pictures: {protocol.title}, from {protocol.source}. Terms: {protocol.licence}",
    )


def _takes_the_first_class(method: str, protocol: str) -> bool:
    return method in _VOTING_METHODS and protocol not in _VOTING_PROTOCOLS


def count_training_pictures(
    preset: PresetOptions, data: Path, progress: Progress, cancel: CancelToken, *, download: bool = True
) -> int:
    """Size of the training set, which is opened to be counted.

    Raises
    ------
    UsageError, StorageError, Cancelled
        See `vtsfind.learn.data.protocols.open_protocol`, of which `download` is an argument.
    """
    _, split = open_protocol(
        preset.dataset, data, seed=preset.seed, download=download, progress=progress, cancel=cancel
    )
    return len(split.train)


def _steps(preset: PresetOptions, epochs: int, count: int) -> int:
    """Batches that show `count` pictures `epochs` times."""
    if preset.mode == "paper":  # every epoch ends in a short batch
        return epochs * math.ceil(count / preset.batch)
    return math.ceil(epochs * count / preset.batch)


def _schedule(preset: PresetOptions, count: int, features: FeatureKind) -> Schedule:
    """The schedule for `count` pictures."""
    steps = _steps(preset, preset.epochs, count)
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
        warmup=min(_steps(preset, 1, count), steps // 10),
        optimiser="adam",
        weight_decay=0.0,
        average=0.99,
        checkpoint=_CHECKPOINT_STEPS,
    )


def _validation(preset: PresetOptions, count: int) -> Validation | None:
    if preset.selection == "last":
        return None
    every = _steps(preset, _VALIDATION_EPOCHS[preset.selection], count)
    if preset.selection == "test":
        return Validation(every=every, on="test")
    return Validation(share=_HELD_OUT_SHARE, every=every, patience=_PATIENCE_VALIDATIONS)


def _published_start(name: str) -> str:
    return f"published:{_PRETRAINED_TAGS[name]}" if name in _PRETRAINED_TAGS else "published"
