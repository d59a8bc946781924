"""Start weights for a backbone, read from files that others published.

``.safetensors``
    Names as in timm; heads are left out.
``.onnx``
    A DINOv2-shaped transformer whose initialisers keep the names of the transformers library
    (`backbone.encoder.layer.N...`). The linear layers of such a file are anonymous matrices; the node that uses one
    names it. Needs the package `onnx`.
``.pth``
    A state dictionary of tensors in the same order as timm's, whatever their names. Nothing but tensors is unpickled.

The grid of position embeddings is resampled to the network's, and blocks beyond its depth are left out.
"""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from vtsfind.base.errors import UsageError

_LAYER_NAMES = {
    "attn.proj": "attention.output.dense",
    "ls1.gamma": "layer_scale1.lambda1",
    "ls2.gamma": "layer_scale2.lambda1",
}


def load_start(network: Any, path: Path) -> None:
    """Fill a timm model with start weights.

    Parameters
    ----------
    network
        The timm model; changed in place.
    path
        The file, of a kind above.

    Raises
    ------
    UsageError
        When the file cannot be read or does not fit the model; names the first weight that is missing.
    """
    readers = {".safetensors": _from_safetensors, ".onnx": _from_onnx, ".pth": _from_order}
    if path.suffix not in readers:
        raise UsageError(f"{path} is no kind of weights that can be read.", f"Known: {', '.join(readers)}.")
    if not path.is_file():
        raise UsageError(
            f"The start weights {path} are not there.", "See docs/weights.md for where to get them."
        )
    try:
        state = _fitted(readers[path.suffix](path, network), network)
    except (OSError, ValueError, KeyError, RuntimeError, UnpicklingError, SafetensorError) as error:
        raise UsageError(
            f"The start weights {path} cannot be read: {error}.", "Get the file again."
        ) from error
    try:
        result = network.load_state_dict(state, strict=False)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise UsageError(f"{path} does not fit the backbone: {reason}", "Use another start.") from error
    # The last normalisation of a whole transformer does not belong behind a shortened one.
    missing = [name for name in result.missing_keys if not name.startswith("norm.")]
    if missing or result.unexpected_keys:
        raise UsageError(
            f"{path} does not fit the backbone: '{(missing + result.unexpected_keys)[0]}' differs."
        )


def _fitted(state: dict[str, Tensor], network: Any) -> dict[str, Tensor]:
    if not hasattr(network, "blocks") or not hasattr(network, "pos_embed"):
        return state
    from timm.layers.pos_embed import resample_abs_pos_embed

    depth = len(network.blocks)
    whole = any(name.startswith(f"blocks.{depth}.") for name in state)
    kept = {
        name: value
        for name, value in state.items()
        if not (name.startswith("blocks.") and int(name.split(".")[1]) >= depth)
        and not (whole and name.startswith("norm."))
        and not name.startswith("head.")
    }
    grid = network.patch_embed.grid_size
    kept["pos_embed"] = resample_abs_pos_embed(
        kept["pos_embed"], list(grid), num_prefix_tokens=int(network.num_prefix_tokens)
    )
    return kept


def _from_safetensors(path: Path, network: Any) -> dict[str, Tensor]:
    del network
    from safetensors.torch import load_file

    state = load_file(path)
    inner = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
    return {name: value.float() for name, value in (inner or state).items()}


def _from_order(path: Path, network: Any) -> dict[str, Tensor]:
    values = list(torch.load(path, map_location="cpu", weights_only=True).values())
    names = [name for name in network.state_dict() if not name.startswith(("classifier.", "head."))]
    return dict(zip(names, values, strict=False))


def _from_onnx(path: Path, network: Any) -> dict[str, Tensor]:
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError:
        raise UsageError(f"{path} needs the package onnx.", "Run: python3 -m pip install onnx") from None
    graph = onnx.load(path).graph
    tensors = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()).float() for t in graph.initializer}
    by_node = {
        node.name: tensors[name]
        for node in graph.node
        if node.op_type in {"MatMul", "Concat", "Reshape", "Transpose"}
        for name in node.input
        if name in tensors
    }
    state = {
        "cls_token": tensors["backbone.embeddings.cls_token"],
        "patch_embed.proj.weight": tensors["backbone.embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": tensors["backbone.embeddings.patch_embeddings.projection.bias"],
        "pos_embed": _positions(tensors),
    }
    for name, shape in network.state_dict().items():
        if name.startswith("blocks."):
            state[name] = _onnx_layer(name, tensors, by_node).reshape(shape.shape)
    return state


def _positions(tensors: dict[str, Tensor]) -> Tensor:
    """Join the two constants that the export made of the position embedding: of the class token, and of the grid."""
    width = tensors["backbone.embeddings.cls_token"].shape[-1]
    parts = sorted(
        (t for n, t in tensors.items() if n.startswith("onnx::") and t.ndim == 3 and t.shape[-1] == width),
        key=lambda t: t.shape[1],
    )
    return torch.cat(parts, dim=1)


def _onnx_layer(name: str, tensors: dict[str, Tensor], by_node: dict[str, Tensor]) -> Tensor:
    _, number, rest = name.split(".", 2)
    layer = f"encoder.layer.{number}"
    stem, _, kind = rest.rpartition(".")
    if stem == "attn.qkv":
        parts = [f"attention.attention.{part}" for part in ("query", "key", "value")]
        return torch.cat([_linear(f"{layer}.{part}", kind, tensors, by_node) for part in parts])
    if rest in _LAYER_NAMES:
        return tensors[f"backbone.{layer}.{_LAYER_NAMES[rest]}"]
    return _linear(f"{layer}.{_LAYER_NAMES.get(stem, stem)}", kind, tensors, by_node)


def _linear(layer: str, kind: str, tensors: dict[str, Tensor], by_node: dict[str, Tensor]) -> Tensor:
    named = tensors.get(f"backbone.{layer}.{kind}")
    if named is not None:
        return named
    return by_node[
        f"/backbone/{layer.replace('layer.', 'layer#').replace('.', '/').replace('#', '.')}/MatMul"
    ].T
