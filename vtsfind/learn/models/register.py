"""Writing a model: weights as half-precision safetensors, and its entry in a registry."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tomli_w

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.registry import REGISTRY, Card, registered
from vtsfind.learn.training.recipes import Recipe, plain
from vtsfind.store.atomic import replace_file


def write_model(
    network: HashNetwork,
    recipe: Recipe,
    preprocessing: Preprocessing,
    folder: Path,
    *,
    split: str = "",
    metrics: Mapping[str, float | str] | None = None,
) -> Card:
    """Write `NAME.safetensors` and a registry of this one model.

    Parameters
    ----------
    network
        With the weights to keep; they are rounded to half precision.
    recipe
        That made it.
    preprocessing
        Of its input.
    folder
        Where to.
    split, metrics
        See `Card`.

    Returns
    -------
    The model's card.
    """
    from safetensors.torch import save

    state = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    content = save(state)
    file = f"{recipe.name}.safetensors"
    replace_file(folder / file, content)
    card = Card(
        name=recipe.name,
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        network=recipe.network,
        preprocessing=preprocessing,
        licence=recipe.licence,
        recipe="recipe.toml",
        note=recipe.note,
        split=split,
        metrics=dict(metrics or {}),
        folder=folder,
    )
    replace_file(folder / REGISTRY, tomli_w.dumps({"models": {card.name: _fields(card)}}).encode())
    return card


def finished(run: Path) -> Card:
    """The model of a run folder, made sure to have the promised content.

    Raises
    ------
    UsageError
        When the run has no model yet, or the folder is not of one run.
    ModelDamaged
        When the weights are not what the registry promises.
    """
    made = registered((run,))
    if not made:
        raise UsageError(f"There is no finished model in {run}.", "Let the training end first.")
    if len(made) > 1:
        raise UsageError(f"There are {len(made)} models in {run}.", "Give a run folder, which has one.")
    (card,) = made.values()
    for file in (card.file, card.recipe):
        if Path(file).name != file:
            raise UsageError(f"{run / REGISTRY} names '{file}', which is not in its folder.", "Mend it.")
    card.verify()
    return card


def adopt(run: Path, folder: Path, *, name: str = "") -> Card:
    """Copy the model of a run folder into a folder of registered models.

    Parameters
    ----------
    run
        A run folder with a finished model.
    folder
        Where the registry is, or shall be.
    name
        What the model is called there; its own name unless given.

    Returns
    -------
    The card, as registered.

    Raises
    ------
    UsageError
        When the run has no model yet, or the registry has another of that name.
    ModelDamaged
        When the weights are not what the run's registry promises.
    """
    card = finished(run)
    name = name or card.name
    present = dict(registered((folder,)))
    if name in present and present[name].sha256 != card.sha256:
        raise UsageError(
            f"{folder} has another model '{name}'.", "Remove it first, or change the recipe's name."
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{name}.safetensors"
    recipe = f"{name}.recipe.toml" if (run / card.recipe).is_file() else ""
    replace_file(folder / file, card.path.read_bytes())
    if recipe:
        replace_file(folder / recipe, (run / card.recipe).read_bytes())
    adopted = replace(card, name=name, file=file, recipe=recipe, default=False, folder=folder)
    tables = {c.name: _fields(c) for c in [*(c for c in present.values() if c.name != name), adopted]}
    replace_file(folder / REGISTRY, tomli_w.dumps({"models": tables}).encode())
    return adopted


def _fields(card: Card) -> dict[str, Any]:
    """The card as TOML: without what the table's name and place say already, and without empty values."""
    return {
        name: plain(value)
        for name, value in asdict(card).items()
        if name not in {"name", "folder"} and value not in ("", None, False, {})
    }
