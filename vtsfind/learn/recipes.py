"""Recipes: everything that makes a model, in one TOML file that is kept with the model it made.

A recipe is read into the frozen classes below. Every key of the file is a field; an unknown key is an error, so that a
misspelt option fails at once.
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vtsfind.base.errors import UsageError
from vtsfind.base.tables import read_table
from vtsfind.learn.datasets import Source
from vtsfind.learn.spec import NetworkSpec

Views = Literal["plain", "mild", "edits"]


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network whose view of the pictures a head shall learn."""

    backbone: str
    """A name that `vtsfind.learn.backbones.backbone` knows."""
    start: str
    """The file of its weights, relative to the folder of starts."""
    size: int
    """Side of its input, in pixels."""
    dims: int = 0
    """Principal components of its features that are taught; 0 for as many as bits."""
    pull: float = 0.0
    """Share of a picture's class in what the teacher tells: 0 keeps its features, 1 leaves nothing but the class."""


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
    """How the head starts: at random, or in closed form, see `vtsfind.learn.headstart`."""
    options: dict[str, float | int | str] = field(default_factory=dict)
    """Keyword arguments of the objective."""
    teacher: Teacher | None = None
    """Gives every picture its own target code; only for objectives that take targets."""


@dataclass(frozen=True, slots=True)
class Task:
    """A set of pictures, how they are shown, and what is to be learned from them."""

    data: tuple[Source, ...]
    goals: tuple[Goal, ...]
    views: Views = "plain"
    """How a picture is shown: as it is, mildly changed, or edited as people do (`vtsfind.media.edits`)."""
    pictures: int = 32
    """Different pictures in a batch."""
    views_each: int = 1
    """Views of each picture in a batch."""
    strength: float = 1.0
    """Of the edits, 0 to 1."""
    shortest: int = 256
    """Pixels on the short side at which photos are opened."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast. The rates rise linearly, then fall to zero by a cosine."""

    steps: int
    """Optimiser steps; each takes one batch of every task."""
    backbone_rate: float = 1e-4
    """Highest learning rate of the backbone."""
    head_rate: float = 1e-3
    """Highest learning rate of the heads and of the objectives' own weights."""
    warmup: int = 100
    """Steps of the rise."""
    weight_decay: float = 0.02
    """Of matrices; vectors are not decayed."""
    clip: float = 1.0
    """Largest norm of the whole gradient."""
    average: float = 0.999
    """Decay of the running average of the weights, which is what is kept in the end."""
    refit: int = 0
    """Views from which heads that started in closed form are fitted so again in the end; 0 leaves them as trained."""
    checkpoint: int = 100
    """Steps between checkpoints."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that makes a model."""

    name: str
    """The model's name: `backbone.objective.dataset.bits`."""
    network: NetworkSpec
    tasks: tuple[Task, ...]
    schedule: Schedule
    start: str = ""
    """File of the backbone's start weights, relative to the folder of starts; empty for random ones."""
    seed: int = 1
    licence: str = "Apache-2.0"
    """Of the weights that come out."""
    note: str = ""
    """A sentence or two for the model card: where data, start and teachers come from."""


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    UsageError
        When the file is not there, is no TOML, or has a key or a value that does not belong there; names the place.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"There is no recipe {path}.", "Check the path.") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"The recipe {path} cannot be read: {error}.", "Mend it.") from error
    recipe: Recipe = read_table(Recipe, table, str(path))
    heads = {head.name for head in recipe.network.heads}
    for goal in (goal for task in recipe.tasks for goal in task.goals):
        if goal.head not in heads:
            raise UsageError(f"{path} has a goal for the head '{goal.head}', which the network has not.")
        if goal.start == "targets" and goal.teacher is None:
            raise UsageError(f"{path} starts the head '{goal.head}' from targets, but no teacher gives any.")
    return recipe
