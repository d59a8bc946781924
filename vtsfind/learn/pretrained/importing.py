"""Importing a model from another machine, or published start weights."""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.base.paths import show_path
from vtsfind.base.settings import places
from vtsfind.learn.models.backbones import backbone as backbone_named
from vtsfind.learn.models.network import HashNetwork, make_backbone
from vtsfind.learn.models.register import finished_model, register_model
from vtsfind.learn.models.registry import REGISTRY, ModelCard, registered_models
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.pretrained.load import fit_to_backbone, read_start, starts_folder
from vtsfind.store.atomic import replace_file

SUFFIX = ".safetensors"
_NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]*")


@dataclass(frozen=True, slots=True)
class StartWeights:
    """Start weights in the user's folder of starts."""

    path: Path
    """The file; a recipe names it by its name alone."""
    backbone: str
    """The backbone that they fit."""
    weights: int
    """Number of weights in it."""
    size: int
    """Bytes."""
    sha256: str
    """Of the file, in hex."""


def import_model(run: Path, *, name: str = "") -> ModelCard:
    """Copy the model of a run folder, for example from another machine, to the user's own models.

    Parameters
    ----------
    run
        A folder with a `registry.toml` of one model, its weights and its recipe.
    name
        The name of the model here; by default its own.

    Returns
    -------
    The registered card, also if the same model was registered before.

    Raises
    ------
    UsageError
        When the folder has no model, its registry is wrong, or another model has this name.
    ModelDamaged
        When the weights do not have the checksum in the registry, or do not fit the network.
    """
    if not (run / REGISTRY).is_file():
        raise UsageError(
            f"There is no {REGISTRY} in {run}, so it is no folder of a model.",
            "Give the run folder of a training that has ended, or a file of start weights.",
        )
    card = finished_model(run)
    name = _check_name(name or card.name)
    known = registered_models()
    if name in known:
        if known[name].sha256 == card.sha256:
            return known[name]
        raise UsageError(
            f"There is another model '{name}' in {known[name].folder}.", "Choose another name with --name."
        )
    _check_shapes(card)
    target = places().models / f"{name}{SUFFIX}"
    if target.exists() and _sha256(target.read_bytes()) != card.sha256:
        raise UsageError(f"There is a file {target}.", "Choose another name with --name, or remove the file.")
    return register_model(run, places().models, name=name)


def import_start(file: Path, *, name: str = "", backbone: str, depth: int | None = None) -> StartWeights:
    """Check start weights and copy them, as safetensors with timm's names, to the user's folder of start weights.

    Position embeddings are not resampled here, but when they are loaded.

    Parameters
    ----------
    file
        In a format that `vtsfind.learn.pretrained.load` reads.
    name
        The name of the start weights, without a suffix; by default that of the file.
    backbone
        The backbone of the weights.
    depth
        Minimum number of blocks of the weights, if fewer than the backbone has.

    Raises
    ------
    UsageError
        When the file cannot be read, does not fit the backbone, or has a number that is not finite, or when there are other
        start weights of this name.
    """
    name = _check_name((name or file.stem).removesuffix(SUFFIX))
    with torch.device("meta"):
        network = make_backbone(NetworkSpec(backbone, backbone_named(backbone).size, (), depth=depth))
    state = read_start(file, network)
    fit_to_backbone(state, network, file)
    for tensor, values in state.items():
        if not torch.isfinite(values).all():
            raise UsageError(f"{file} has a number in '{tensor}' that is not finite.", "Get the file again.")
    content = _serialised(state, f"{show_path(os.fsencode(file.name))}, for {backbone}")
    path = starts_folder() / f"{name}{SUFFIX}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    elif path.read_bytes() != content:
        raise UsageError(
            f"There are other start weights '{name}' in {path}.",
            "Choose another name with --name, or remove the file.",
        )
    weights = sum(values.numel() for values in state.values())
    return StartWeights(path, backbone, weights, len(content), _sha256(content))


def _check_name(name: str) -> str:
    if not _NAME_PATTERN.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot be a name here.",
            "Choose one of letters, digits, '.', '_', '@', '+' and '-' with --name.",
        )
    return name


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _serialised(state: dict[str, Tensor], source: str) -> bytes:
    from safetensors.torch import save

    # Tensors of a file may be views of one another, which safetensors refuses.
    own = {name: values.clone(memory_format=torch.contiguous_format) for name, values in state.items()}
    # One fact only: safetensors writes several in a random order, and the same start shall give the same file.
    return save(own, {"source": source})


def _check_shapes(card: ModelCard) -> None:
    """Check that a file of weights has every tensor of the card's network, without reading the tensors."""
    from safetensors import SafetensorError, safe_open

    with torch.device("meta"):
        network = HashNetwork(card.network)
    wanted = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    found: dict[str, tuple[int, ...]] = {}
    for path in card.files:
        try:
            with safe_open(path, framework="pt") as file:
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no dict
        except SafetensorError as error:
            raise ModelDamaged(
                f"The weights of '{card.name}' in {path} cannot be read: {error}.", "Copy the folder again."
            ) from error
        found |= {
            n: shape for n, shape in shapes.items() if path == card.path or not card.network.is_second(n)
        }
    differing = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    if differing:
        raise ModelDamaged(
            f"The weights of '{card.name}' in {card.path} do not fit its network: '{differing[0]}' differs.",
            "Copy the folder again, with its own registry.",
        )
