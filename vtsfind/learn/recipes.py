"""Recipes: the complete description of a training, in one TOML file that is kept with the model.

A recipe is read into the frozen classes below. Every key of the file is a field; an unknown key is an error, so that a
misspelt key fails at once.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import tomli_w

from vtsfind.base.errors import UsageError
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.base.tables import read_table, to_toml_value
from vtsfind.learn.data.formats import Source
from vtsfind.learn.models.spec import NetworkSpec

ViewKind = Literal["plain", "window", "mild", "edits"]
Optimiser = Literal["adamw", "adam"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Augmentation = Literal["workers", "device"]


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network whose features a head learns (distillation)."""

    backbone: str
    """A name that `vtsfind.learn.models.backbones.backbone` knows; empty for a whole network in an ONNX file."""
    start: str
    """The file of its weights, or the ONNX file, relative to the folder of starts."""
    size: int
    """Side of its input, in pixels."""
    dims: int = 0
    """Number of principal components of its features that are learned; 0 for as many as bits."""
    pull: float = 0.0
    """How far features are moved to the mean of their class: 0 not at all, 1 completely."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One objective on one head."""

    head: str
    objective: str
    """A name in the table `vtsfind.learn.objectives.OBJECTIVES`."""
    mode: Literal["fixed", "paper"] = "fixed"
    """Whether the objective is computed correctly or as the published code does."""
    weight: float = 1.0
    """Multiplies every term."""
    start: Literal["random", "identity", "targets"] = "random"
    """Initialisation of the head: at random, or in closed form, see `vtsfind.learn.training.closed_form`."""
    end: Literal["", "random", "identity", "targets"] = ""
    """The closed form in which `Schedule.refit` fits it in the end; that of `start` by default, `random` for none."""
    end_views: ViewKind | None = None
    """The views for that fit; by default those of the task."""
    options: dict[str, float | int | str] = field(default_factory=dict)
    """Keyword arguments of the objective."""
    teacher: Teacher | None = None
    """The teacher of the target codes; only for objectives that take targets."""


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """A set of pictures, their views, and the goals of learning from them."""

    goals: tuple[Goal, ...]
    data: tuple[Source, ...] = ()
    """Folders of pictures; empty if there is a protocol."""
    protocol: str = ""
    """A name in `vtsfind.learn.data.protocols`, whose training set is learned from and whose look is the model's."""
    split_seed: int = 1
    """What the protocol's parts are drawn with, where they are drawn."""
    views: ViewKind = "plain"
    """How a picture is shown: as queries are, a random square of it and maybe mirrored, mildly changed, or edited as people
    do (`vtsfind.media.edits`)."""
    pictures: int = 32
    """Different pictures in a batch."""
    views_each: int = 1
    """Views of each picture in a batch."""
    strength: float = 1.0
    """Of the edits, 0 to 1."""
    shortest: int = 256
    """Pixels on the short side at which photos are opened; where views are made on the device, the side of the squares that are
    kept there."""
    short_batches: bool = False
    """Whether an epoch ends with a batch of the pictures that are left, as in the published code; else that batch is filled
    up with the first pictures of the next epoch."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, how fast, and how it is computed."""

    steps: int
    """Optimiser steps; each takes one batch of every task."""
    minutes: float = 0.0
    """Time budget: training ends after as many minutes if the steps have not ended it before, and the rates fall by the one that is
    nearer to its end. 0 for none. With a budget, the model depends on the speed of the machine."""
    backbone_rate: float = 1e-4
    """Highest learning rate of the backbone."""
    head_rate: float = 1e-3
    """Highest learning rate of the heads and of the objectives' own weights."""
    warmup: int = 100
    """Steps in which the rates rise linearly; 0 begins with the highest."""
    course: Literal["cosine", "constant"] = "cosine"
    """The rates after the warm-up: a cosine decay to zero, or constant."""
    optimiser: Optimiser = "adamw"
    weight_decay: float = 0.02
    """Of matrices; vectors are not decayed."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 for no clipping."""
    average: float = 0.999
    """Decay of the exponential moving average of the weights, which becomes the model; 0 for the weights themselves."""
    refit: int = 0
    """Number of views from which the heads are refitted in closed form after training; 0 for no refit."""
    checkpoint: int = 100
    """Steps between checkpoints."""
    parts: int = 1
    """Parts in which the backbone sees a batch, one after the other, to save memory. Objectives see the whole batch, so the
    gradient is that of one part, but for dropout and for batch normalisation inside the backbone."""
    recompute: bool = False
    """Whether the backbone's activations are recomputed for the gradient instead of stored, to save memory."""
    precision: Precision = "auto"
    """Of the backbone and the heads in training; `auto` is the fastest that the device has in hardware."""
    compile: bool = False
    """Whether torch compiles the backbone first: minutes at the start for faster steps, mostly on GPUs."""
    augment: Augmentation = "workers"
    """Where views are made: by worker processes, one picture at a time (`vtsfind.media.edits`); or on the training device, a whole
    batch at a time (`vtsfind.learn.augment`), from all pictures in its memory."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The validation, which selects the best state and may stop a run early. Only with protocols."""

    share: float = 0.1
    """Of the training set that is held out of training: each of these pictures is compared with all others of them."""
    every: int = 500
    """Steps between two validations."""
    patience: int = 0
    """Number of validations without a better result after which the run stops; 0 for never."""
    on: Literal["held out", "test"] = "held out"
    """`test` validates on the queries and database of the protocol instead, as the published code does, and marks the model:
    its figures are then too good, and only useful for reproducing published ones."""


@dataclass(frozen=True, slots=True)
class SecondFit:
    """How the heads of a second backbone are fitted to it; nothing else of the network changes then."""

    start: str
    """The file of the second backbone's weights, relative to the folder of starts."""
    pull: float
    """How far the features of labelled pictures are moved to the mean of their class: 0 not at all, 1 completely."""
    epochs: int


@dataclass(frozen=True, slots=True)
class CaptionedPhotos:
    """Photos with captions."""

    pictures: str
    """The folder of the photos, relative to the folder of data."""
    captions: str
    """A file with the name of a photo and a caption on each line, apart by a tab."""


@dataclass(frozen=True, slots=True)
class WordsFit:
    """How the head `words` is fitted to the second backbone, and a table of words to it; see `vtsfind.learn.training.words`."""

    photos: tuple[CaptionedPhotos, ...]
    teacher: str
    """The folder of a sentence encoder, relative to the folder of starts."""
    classifier: str
    """The file of the second backbone's weights with its classifier of ImageNet, relative to the folder of starts."""
    sentences: str = ""
    """More captions, one a line, for the table alone: a file, relative to the folder of data."""
    dims: int = 64
    """Of the table, and of the space in which photos and words meet."""
    whitening: float = 0.5
    """How evenly these dimensions count: 0 as captions spread over them, 1 all the same."""
    word_ridge: float = 0.1
    """Keeps rare words where the teacher puts them."""
    picture_ridge: float = 3.0
    """Strength of the ridge in the fit of the head."""
    class_weight: float = 0.5
    """Of a class beside 1 for a photo."""
    class_length: float = 0.5
    """Of the weights of a class beside 1 for the features of a photo."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """The complete description of a training."""

    name: str
    """The model's name: `backbone.objective.dataset.bits`."""
    network: NetworkSpec
    tasks: tuple[TrainingTask, ...]
    schedule: Schedule
    start: str = ""
    """The backbone's start weights: a file, relative to the folder of starts; `published`, or `published:TAG`, for those that
    the backbone's library publishes; empty for random ones."""
    second: SecondFit | None = None
    """The only training, for a network with a second backbone: `start` is then a whole model, whose backbone and other heads stay
    as they are, and the tasks have pictures but no goals."""
    words: WordsFit | None = None
    """The only training, for another head of a finished model: `start` is then the file of a registered one, all of which stays as it
    is, and there are no tasks."""
    validation: Validation | None = None
    """Of the first goal of the first task."""
    imagenet_statistics: bool = False
    """Whether pictures are normalised by ImageNet's mean and deviation whatever the backbone was trained with, as the
    published code does."""
    aligned_positions: bool = False
    """Whether a grid of positions is brought to another size as the published code does it: bilinear, with the corners of
    both grids on each other. Else as timm does it: bicubic, with pixels as areas."""
    seed: int = 1
    licence: str = "Apache-2.0"
    """Of the weights that come out."""
    note: str = ""
    """A sentence or two for the model card: the origin of data, start weights and teachers."""


def held_out_count(pictures: int, share: float) -> int:
    """How many of `count` pictures a validation with this `share` holds out."""
    return round(share * pictures)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UsageError
        When the file is missing or not TOML, or has an invalid key or value; the message names the place.
    """
    return parse_recipe(recipe_bytes(path), str(path))


def recipe_bytes(path: Path) -> bytes:
    """The content of a recipe file.

    Raises
    ------
    UsageError
        When it is missing or cannot be read.
    """
    try:
        return read_bounded(path, MAX_SETTINGS_BYTES)
    except FileNotFoundError:
        raise UsageError(f"There is no recipe {path}.", "Check the path.") from None
    except OSError as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}.", "Correct it.") from error


def parse_recipe(content: bytes, where: str, changes: Mapping[str, Any] | None = None) -> Recipe:
    """Read the content of a recipe.

    Parameters
    ----------
    content
        TOML.
    where
        Names the recipe in errors.
    changes
        Other values for some keys, each a path such as ``schedule.steps`` or ``tasks.0.pictures``.

    Raises
    ------
    UsageError
        When it is not TOML, or has an invalid key or value; the message names the place.
    """
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The recipe {where} cannot be read: {error}.", "Correct it.") from error
    for path, value in (changes or {}).items():
        _set_value(table, path, value)
    recipe: Recipe = read_table(Recipe, table, where)
    _check(recipe, where)
    return recipe


def recipe_text(recipe: Recipe) -> str:
    """A recipe as TOML with every key, so that it does not depend on defaults."""
    return tomli_w.dumps(to_toml_value(asdict(recipe)))


def _set_value(table: dict[str, Any], path: str, value: Any) -> None:
    """Set the value at a path of keys and indices."""
    *before, last = path.split(".")
    inner: Any = table
    try:
        for key in before:
            inner = inner[int(key)] if isinstance(inner, list) else inner.setdefault(key, {})
        inner[int(last) if isinstance(inner, list) else last] = value
    except (ValueError, IndexError, TypeError, AttributeError):
        raise UsageError(
            f"A recipe has no place '{path}'.", "Give a path such as schedule.steps or tasks.0.pictures."
        ) from None


def _check(recipe: Recipe, where: str) -> None:
    """Check that the parts of a recipe are consistent."""
    counts = {"schedule: steps": recipe.schedule.steps, "schedule: parts": recipe.schedule.parts}
    counts["schedule: checkpoint"] = recipe.schedule.checkpoint
    counts |= {f"tasks[{number}]: pictures": task.pictures for number, task in enumerate(recipe.tasks)}
    counts |= {f"tasks[{number}]: views_each": task.views_each for number, task in enumerate(recipe.tasks)}
    if recipe.validation:
        counts["validation: every"] = recipe.validation.every
        if not 0 < recipe.validation.share < 1:
            raise UsageError(
                f"{where}: validation: share is {recipe.validation.share}, and should be between 0 and 1.",
                "Leave `validation` out to hold nothing out.",
            )
    for name, count in counts.items():
        if count < 1:
            raise UsageError(f"{where}: {name} is {count}, and should be at least 1.")
    heads = {head.name for head in recipe.network.heads}
    _check_hidden(recipe.network, heads, where)
    _check_second(recipe, heads, where)
    for task in recipe.tasks:
        if bool(task.data) == bool(task.protocol):
            message = "both `data` and" if task.data else "neither `data` nor"
            raise UsageError(f"{where} has a task with {message} `protocol`.", "Give one of them.")
        for goal in task.goals:
            _check_goal(goal, heads, recipe.network, where)
    if recipe.validation and not (recipe.tasks and recipe.tasks[0].protocol and recipe.tasks[0].goals):
        raise UsageError(
            f"{where} has a validation, but its first task has no protocol.", "Leave `validation` out."
        )


def _check_hidden(network: NetworkSpec, heads: set[str], where: str) -> None:
    for name, width in network.hidden.items():
        if name not in heads:
            raise UsageError(
                f"{where} has a hidden layer for the head '{name}', which the network has not.",
                f"Heads: {', '.join(sorted(heads))}.",
            )
        if width < 1:
            raise UsageError(
                f"{where}: the hidden layer of '{name}' is {width} wide, and should be at least 1."
            )
    if network.hidden and network.features not in {"cls", "lite"}:
        raise UsageError(
            f"{where} has hidden layers for heads that read '{network.features}'.", "Leave `hidden` out."
        )


def _check_second(recipe: Recipe, heads: set[str], where: str) -> None:
    second = recipe.network.second
    if (second is None) != (recipe.second is None and recipe.words is None):
        raise UsageError(
            f"{where} has a second backbone in the network or its fit, but not both.",
            "Give `network.second` and `second`, or `words`, together.",
        )
    if second is None or recipe.second is None:
        return
    if not recipe.second.epochs > 0:
        raise UsageError(f"{where}: second: epochs is {recipe.second.epochs}, and should be at least 1.")
    if not set(second.heads) <= heads or not second.heads:
        raise UsageError(
            f"{where} has a second backbone for the heads {', '.join(second.heads) or 'none'}.",
            f"Name some of: {', '.join(sorted(heads))}.",
        )
    if any(task.goals for task in recipe.tasks):
        raise UsageError(f"{where} fits a second backbone, and has goals.", "Leave the goals out.")


def _check_goal(goal: Goal, heads: set[str], network: NetworkSpec, where: str) -> None:
    if goal.head not in heads:
        raise UsageError(f"{where} has a goal for the head '{goal.head}', which the network has not.")
    if "targets" in {goal.start, goal.end} and goal.teacher is None:
        raise UsageError(f"{where} starts the head '{goal.head}' from targets, but no teacher gives any.")
    groups = goal.options.get("groups", 2)
    if goal.objective == "transhash" and network.dual and groups != network.groups:
        raise UsageError(
            f"{where} has {network.groups} groups of patches in the network, but {groups} in the objective 'transhash'.",
            "Give both the same `groups`.",
        )
