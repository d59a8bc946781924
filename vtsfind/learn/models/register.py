"""Writing a model: its weights as half-precision safetensors, and its entry in a registry."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tomli_w

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.base.tables import to_toml_value
from vtsfind.learn.models.network import HashNetwork
from vtsfind.learn.models.registry import REGISTRY, ModelCard, PartFile, registered_models
from vtsfind.store.atomic import replace_file


def write_model(
    network: HashNetwork,
    preprocessing: Preprocessing,
    folder: Path,
    *,
    name: str,
    licence: str,
    note: str = "",
    split: str = "",
    metrics: Mapping[str, float | str] | None = None,
    shared: Sequence[Path] = (),
    is_own: Callable[[str], bool] | None = None,
    words: bytes | None = None,
) -> ModelCard:
    """Write `NAME.safetensors`, and a registry of this one model, which names the recipe `recipe.toml` beside it.

    Parameters
    ----------
    network
        The trained network; its weights are rounded to half precision.
    preprocessing
        Of its input.
    folder
        The run folder.
    name, licence, note, split, metrics
        See `ModelCard`.
    shared
        Files that have the weights that the model's own has not, see `ModelCard`; they are copied into the folder.
    is_own
        Whether a weight, by its name, is written into the model's own file; by default all are.
    words
        The content of its table of words, if it has one.

    Returns
    -------
    The model's card.
    """
    from safetensors.torch import save

    state = {
        key: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for key, value in network.state_dict().items()
        if is_own is None or is_own(key)
    }
    content = save(state)
    rest = tuple(_part(folder, path.name, path.read_bytes()) for path in shared)
    file = f"{name}.safetensors"
    replace_file(folder / file, content)
    card = ModelCard(
        name=name,
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        network=network.spec,
        preprocessing=preprocessing,
        licence=licence,
        shared=rest,
        words=_part(folder, f"{name}.words.safetensors", words) if words else None,
        recipe="recipe.toml",
        note=note,
        split=split,
        metrics=dict(metrics or {}),
        folder=folder,
    )
    replace_file(folder / REGISTRY, tomli_w.dumps({"models": {card.name: _fields(card)}}).encode())
    return card


def _part(folder: Path, name: str, content: bytes) -> PartFile:
    replace_file(folder / name, content)
    return PartFile(name, hashlib.sha256(content).hexdigest())


def finished_model(run: Path) -> ModelCard:
    """The model of a run folder, after a check of its weights.

    Raises
    ------
    UsageError
        When the run has no model yet, or the folder has several.
    ModelDamaged
        When the weights do not have the checksum in the registry.
    """
    made = registered_models((run,))
    if not made:
        raise UsageError(f"There is no finished model in {run}.", "Finish the training first.")
    if len(made) > 1:
        raise UsageError(f"There are {len(made)} models in {run}.", "Name a run folder, which has one.")
    (card,) = made.values()
    for file in (card.file, card.recipe, *(part.file for part in card.parts)):
        if Path(file).name != file:
            raise UsageError(f"{run / REGISTRY} names '{file}', which is not in its folder.", "Correct it.")
    card.verify()
    return card


def register_model(run: Path, folder: Path, *, name: str = "") -> ModelCard:
    """Copy the model of a run folder into a folder of registered models.

    Parameters
    ----------
    run
        A run folder with a finished model.
    folder
        The folder of the registry, which is created if necessary.
    name
        The name of the model there; by default its own.

    Returns
    -------
    The registered card.

    Raises
    ------
    UsageError
        When the run has no model yet, or the registry has another model of this name.
    ModelDamaged
        When the weights do not have the checksum in the run's registry.
    """
    card = finished_model(run)
    name = name or card.name
    present = dict(registered_models((folder,)))
    if name in present and present[name].sha256 != card.sha256:
        raise UsageError(
            f"{folder} has another model '{name}'.", "Remove that first, or change the name in the recipe."
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = f"{name}.safetensors"
    recipe = f"{name}.recipe.toml" if (run / card.recipe).is_file() else ""
    replace_file(folder / file, card.path.read_bytes())
    for part in card.parts:
        if not (folder / part.file).exists():
            replace_file(folder / part.file, (run / part.file).read_bytes())
    if recipe:
        replace_file(folder / recipe, (run / card.recipe).read_bytes())
    adopted = replace(card, name=name, file=file, recipe=recipe, default=False, folder=folder)
    tables = {c.name: _fields(c) for c in [*(c for c in present.values() if c.name != name), adopted]}
    replace_file(folder / REGISTRY, tomli_w.dumps({"models": tables}).encode())
    return adopted


def _fields(card: ModelCard) -> dict[str, Any]:
    """The card as a TOML table: without its name and folder, and without empty values."""
    return {
        name: to_toml_value(value)
        for name, value in asdict(card).items()
        if name not in {"name", "folder"} and value not in ("", None, False, {}, ())
    }
