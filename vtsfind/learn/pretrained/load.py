"""Start weights for a backbone, read from published files.

``.safetensors``
    Names as in timm, or a whole model of vtsfind, of which the backbone is taken.
``.npz``
    The original vision transformers, see `vtsfind.learn.pretrained.npz`.
``.onnx``
    A DINOv2-shaped transformer whose initialisers keep the names of the transformers library
    (`backbone.encoder.layer.N...`). The linear layers of such a file are anonymous matrices; the node that uses one
    names it. Needs the package `onnx`.
``.pth``
    A state dictionary of tensors with timm's names, or in the same order as timm's, whatever their names. Nothing but
    tensors is unpickled.

Classifiers are left out, and so are blocks beyond the network's depth, with the norm behind the last of them. A local
stream that the file has not starts as a copy (`vtsfind.learn.models.transhash`). The grid of position embeddings is resampled
to the network's by timm: bicubic, with pixels as areas, smoothed where it shrinks. Where the published code is followed, it is
bilinear instead, the corners of both grids on each other and not smoothed, which is what `scipy.ndimage.zoom` of order 1 gives
there. At the sizes of the paper the grids are the same and nothing is resampled.
"""

import math
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional as F

from vtsfind.base.errors import UsageError, package_missing
from vtsfind.base.settings import places
from vtsfind.learn.models.transhash import LOCAL_PREFIXES
from vtsfind.learn.pretrained.npz import read_npz

_LAYER_NAMES = {
    "attn.proj": "attention.output.dense",
    "ls1.gamma": "layer_scale1.lambda1",
    "ls2.gamma": "layer_scale2.lambda1",
}
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,
    UnpicklingError,
    SafetensorError,
    zipfile.BadZipFile,
    zlib.error,
)
# What may be missing: the norm of a whole transformer does not belong behind a shortened one, and torch's old files do not
# count batches.
_OPTIONAL_WEIGHTS = ("norm.", "local_norm."), "num_batches_tracked"


def starts_folder() -> Path:
    """The user's folder of start weights, which `vtsfind models import` fills."""
    return places().data / "starts"


def load_start(network: Any, path: Path, *, aligned_positions: bool = False) -> None:
    """Fill a backbone with start weights.

    Parameters
    ----------
    network
        From `vtsfind.learn.models.network.make_backbone`, or any timm model without a classifier; changed in place.
    path
        The file, in a format above. If it does not exist, the file of this name in `starts_folder` is used.
    aligned_positions
        See `fit_to_backbone`.

    Raises
    ------
    UsageError
        When the file cannot be read or does not fit the backbone; names the first weight that differs.
    """
    own = starts_folder() / path.name
    if not path.is_file() and own.is_file():
        path = own
    fitting = fit_to_backbone(read_start(path, network), network, path, aligned_positions=aligned_positions)
    network.load_state_dict(fitting, strict=False)


def read_start(path: Path, network: Any) -> dict[str, Tensor]:
    """Read start weights from a file.

    Parameters
    ----------
    path
        The file, in a format above.
    network
        Their backbone, which determines the names of the tensors in some formats.

    Returns
    -------
    timm's name to float tensor, without a classifier.

    Raises
    ------
    UsageError
        When the file cannot be read.
    """
    readers = {
        ".safetensors": _from_safetensors,
        ".npz": lambda path, _: read_npz(path),
        ".onnx": _from_onnx,
        ".pth": _from_pickle,
    }
    if path.suffix not in readers:
        raise UsageError(f"{path} is no kind of weights that can be read.", f"Known: {', '.join(readers)}.")
    if not path.is_file():
        raise UsageError(
            f"The start weights {path} are not there.", "See docs/weights.md for where to get them."
        )
    try:
        state = readers[path.suffix](path, network)
    except _READ_ERRORS as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise UsageError(
            f"The start weights {path} cannot be read: {reason}.", "Get the file again."
        ) from error
    unwanted = (*classifier_prefixes(network), "pre_logits.")
    return {name: values for name, values in state.items() if not name.startswith(unwanted)}


def fit_to_backbone(
    state: Mapping[str, Tensor], network: Any, path: Path, *, aligned_positions: bool = False
) -> dict[str, Tensor]:
    """Adapt start weights to the shape of a backbone.

    Parameters
    ----------
    state
        From `read_start`.
    network
        The backbone; not changed.
    path
        Names the file in errors.
    aligned_positions
        Whether the grid of positions is resampled as the published code does it.

    Raises
    ------
    UsageError
        When they do not fit; names the first weight that differs.
    """
    wanted = network.state_dict()
    fitting = dict(state)
    if hasattr(network, "blocks") and hasattr(network, "pos_embed"):
        fitting = _with_local_stream(_cut_blocks(fitting, len(network.blocks)), wanted)
        given, grid = fitting.get("pos_embed"), wanted.get("pos_embed")
        if given is not None and grid is not None and given.shape != grid.shape:
            fitting["pos_embed"] = _resample_positions(given, network, aligned=aligned_positions)
    difference = _difference(fitting, wanted)
    if difference:
        raise UsageError(
            f"{path} does not fit the backbone: {difference}.", "Use another start, backbone or depth."
        )
    return fitting


def _difference(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
    """Why tensors do not fit a network, in words; empty if they do."""
    begins, ends = _OPTIONAL_WEIGHTS
    for name, values in wanted.items():
        if name not in state:
            if not name.startswith(begins) and not name.endswith(ends):
                return f"'{name}' is not in the file"
        elif state[name].shape != values.shape:
            return f"'{name}' has the shape {tuple(state[name].shape)}, not {tuple(values.shape)}"
    extra = sorted(set(state) - set(wanted))
    return f"'{extra[0]}' has no place in it" if extra else ""


def classifier_prefixes(network: Any) -> tuple[str, ...]:
    """Prefixes of the names of an architecture's classifier tensors."""
    names = (getattr(network, "pretrained_cfg", None) or {}).get("classifier") or ()
    return tuple(f"{name}." for name in ((names,) if isinstance(names, str) else names))


def _cut_blocks(state: dict[str, Tensor], depth: int) -> dict[str, Tensor]:
    """Remove the blocks from `depth` on, and the norm after them."""
    beyond = any(_block_number(name) >= depth for name in state)
    return {
        name: values
        for name, values in state.items()
        if _block_number(name) < depth and not (beyond and name.startswith(_OPTIONAL_WEIGHTS[0]))
    }


def _block_number(name: str) -> int:
    """Number of the block that a tensor belongs to; -1 for none."""
    parts = name.split(".")
    return int(parts[1]) if parts[0] == "blocks" and len(parts) > 1 and parts[1].isdecimal() else -1


def _with_local_stream(state: dict[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Initialise a missing local stream as a copy; remove one that the network does not have."""
    last = max(map(_block_number, wanted))
    for local, source in LOCAL_PREFIXES.items():
        for name in wanted:
            origin = source.format(last=last) + name.removeprefix(local)
            if name.startswith(local) and name not in state and origin in state:
                state[name] = state[origin]
    return {
        name: values
        for name, values in state.items()
        if name in wanted or not name.startswith(tuple(LOCAL_PREFIXES))
    }


def _resample_positions(positions: Tensor, network: Any, *, aligned: bool) -> Tensor:
    """Bring position embeddings (1, t, d) to the grid of a network; as they are if they lie on no square grid."""
    from timm.layers.pos_embed import resample_abs_pos_embed

    prefix = 0 if getattr(network, "no_embed_class", False) else int(network.num_prefix_tokens)
    cells = positions.shape[1] - prefix if positions.ndim == 3 else -1
    if cells < 1 or math.isqrt(cells) ** 2 != cells:
        return positions
    if aligned:
        return _resample_aligned(positions, list(network.patch_embed.grid_size), prefix)
    grid: Tensor = resample_abs_pos_embed(
        positions, list(network.patch_embed.grid_size), num_prefix_tokens=prefix
    )
    return grid


def _resample_aligned(positions: Tensor, size: list[int], prefix: int) -> Tensor:
    """Resample a square grid (1, prefix + s s, d) bilinearly to `size`, with the corners of both on each other."""
    side = math.isqrt(positions.shape[1] - prefix)
    grid = positions[:, prefix:].mT.reshape(1, -1, side, side)
    resized = F.interpolate(grid, size, mode="bilinear", align_corners=True)
    return torch.cat([positions[:, :prefix], resized.flatten(2).mT], dim=1)


def _from_safetensors(path: Path, network: Any) -> dict[str, Tensor]:
    del network
    from safetensors.torch import load_file

    state = load_file(path)
    inner = {k.removeprefix("backbone."): v for k, v in state.items() if k.startswith("backbone.")}
    return {name: value.float() for name, value in (inner or state).items()}


def _from_pickle(path: Path, network: Any) -> dict[str, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError("it is no dictionary of tensors")
    wanted = list(network.state_dict())
    if all(name in state for name in wanted if not name.endswith(_OPTIONAL_WEIGHTS[1])):
        return state
    return dict(zip(wanted, state.values(), strict=False))


def _from_onnx(path: Path, network: Any) -> dict[str, Tensor]:
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped, unused-ignore]
        from onnx import numpy_helper
    except ImportError:
        raise package_missing(str(path), "onnx") from None
    try:
        graph = onnx.load(path).graph
    except DecodeError as error:
        raise ValueError("it is no ONNX file") from error
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
