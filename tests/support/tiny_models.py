"""A small data set of drawn class folders, and models to measure on it."""

from pathlib import Path

import torch

from support.drawn_photos import scene
from vtsfind.base.records import Head, Preprocessing
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.register import write_model
from vtsfind.learn.models.registry import ModelCard
from vtsfind.learn.models.spec import NetworkSpec

CLASSES = ("cat", "dog", "fox")
NAME = "tiny.csq.drawn.16"
SPEC = NetworkSpec("vitti16", 32, (Head("copy", 16), Head("scene", 12)), depth=1)


def draw_classes(folder: Path, *, train: int = 8, val: int = 3) -> Path:
    """Draw folders `train` and `val` with three classes each; the database is `train`, 24 pictures, 9 are queries."""
    for part, count in (("train", train), ("val", val)):
        for number, label in enumerate(CLASSES):
            (folder / part / label).mkdir(parents=True)
            for picture in range(count):
                seed = 1000 * number + 100 * (part == "val") + picture
                scene(seed, 48, 40).save(folder / part / label / f"{picture}.png")
    return folder


def make_model(
    folder: Path, *, name: str = NAME, seed: int = 0, spec: NetworkSpec = SPEC, recipe: str = ""
) -> ModelCard:
    """Write a model with random weights; `recipe` is the text of its recipe."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    if recipe:
        (folder / "recipe.toml").write_text(recipe)
    return write_model(
        HashNetwork(spec), Preprocessing(size=spec.size), folder, name=name, licence="Apache-2.0"
    )


def recipe_text(*objectives: str, name: str = NAME, more: str = "") -> str:
    """A recipe that trains the head `scene` by some objectives."""
    goals = "".join(f'[[tasks.goals]]\nhead = "scene"\nobjective = "{one}"\n{more}\n' for one in objectives)
    return (
        f'name = "{name}"\n[network]\nbackbone = "vitti16"\nsize = 32\ndepth = 1\n'
        'heads = [{ name = "copy", bits = 16 }, { name = "scene", bits = 12 }]\n'
        '[schedule]\nsteps = 1\n[[tasks]]\ndata = [{ kind = "photos", path = "x" }]\n' + goals
    )
