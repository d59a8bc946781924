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
from vtsfind.learn.models.registry import REGISTRY, ModelCard, registered_models
from vtsfind.learn.training.recipes import Recipe, to_toml_value
from vtsfind.store.atomic import replace_file


def write_model(
    network: HashNetwork,
    recipe: Recipe,
    preprocessing: Preprocessing,
    folder: Path,
    *,
    split: str = "",
    metrics: Mapping[str, float | str] | None = None,
) -> ModelCard:
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
        See `ModelCard`.

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
    card = ModelCard(
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


def finished_model(run: Path) -> ModelCard:
    """The model of a run folder, made sure to have the promised content.

    Raises
    ------
    UsageError
        When the run has no model yet, or the folder is not of one run.
    ModelDamaged
        When the weights are not what the registry promises.
    """
    made = registered_models((run,))
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


def register_model(run: Path, folder: Path, *, name: str = "") -> ModelCard:
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
    card = finished_model(run)
    name = name or card.name
    present = dict(registered_models((folder,)))
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


def _fields(card: ModelCard) -> dict[str, Any]:
    """The card as TOML: without what the table's name and place say already, and without empty values."""
    return {
        name: to_toml_value(value)
        for name, value in asdict(card).items()
        if name not in {"name", "folder"} and value not in ("", None, False, {})
    }
