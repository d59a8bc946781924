"""The original vision transformer weights: `.npz` files of the JAX code (Dosovitskiy et al., 2021), in timm's names.

The VTS paper starts from `imagenet21k/ViT-B_16.npz` and `ViT-B_32.npz` of that code, TransHash most likely from
`ViT-L_32.npz`. Axis letters: p patch side, d width, h heads, e width of a head (d / h), m width of the MLP, n patches.

=========================================================  =====================  ==============================
array                                                      shape                  tensor
=========================================================  =====================  ==============================
``cls``                                                    (1, 1, d)              ``cls_token``
``embedding/kernel``, ``bias``                             (p, p, 3, d), (d,)     ``patch_embed.proj``
``Transformer/posembed_input/pos_embedding``               (1, n + 1, d)          ``pos_embed``
``Transformer/encoder_norm/scale``, ``bias``               (d,)                   ``norm``
``Transformer/encoderblock_I/`` and below that             *of block I, counted from 0*
``LayerNorm_0/scale``, ``bias``                            (d,)                   ``norm1``
``MultiHeadDotProductAttention_1/query/kernel``, ``bias``  (d, h, e), (h, e)      first third of ``attn.qkv``
the same with ``key`` and with ``value``                   (d, h, e), (h, e)      second and last third of it
``MultiHeadDotProductAttention_1/out/kernel``, ``bias``    (h, e, d), (d,)        ``attn.proj``
``LayerNorm_2/scale``, ``bias``                            (d,)                   ``norm2``
``MlpBlock_3/Dense_0/kernel``, ``bias``                    (d, m), (m,)           ``mlp.fc1``
``MlpBlock_3/Dense_1/kernel``, ``bias``                    (m, d), (d,)           ``mlp.fc2``
=========================================================  =====================  ==============================

Kernels map rows to columns, where torch has it the other way round. The classifier (``head``) and the layer before it
(``pre_logits``) are left out.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.lib.npyio import NpzFile
from torch import Tensor

Floats = npt.NDArray[np.float32]


def read_npz(path: Path) -> dict[str, Tensor]:
    """Read a file of the original weights.

    Arrays of objects, which would be unpickled, are refused.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    timm's name to float32 tensor.

    Raises
    ------
    KeyError
        When an array of the table above is not there.
    ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error
        When the file is no archive of plain arrays, or is damaged.
    """
    with path.open("rb") as raw:
        file: Any = np.load(raw, allow_pickle=False)
        if not isinstance(file, NpzFile):
            raise ValueError("it is no archive of named arrays")  # noqa: TRY004 - the content is wrong, not the caller
        state = _converted(file)
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in state.items()}


def _converted(file: NpzFile) -> dict[str, Floats]:
    state = {
        "cls_token": _array(file, "cls"),
        "patch_embed.proj.weight": _array(file, "embedding/kernel").transpose(3, 2, 0, 1),
        "patch_embed.proj.bias": _array(file, "embedding/bias"),
        "pos_embed": _array(file, "Transformer/posembed_input/pos_embedding"),
        "norm.weight": _array(file, "Transformer/encoder_norm/scale"),
        "norm.bias": _array(file, "Transformer/encoder_norm/bias"),
    }
    number = 0
    while f"Transformer/encoderblock_{number}/LayerNorm_0/scale" in file:
        block = _block(file, f"Transformer/encoderblock_{number}")
        state |= {f"blocks.{number}.{name}": values for name, values in block.items()}
        number += 1
    return state


def _array(file: NpzFile, name: str) -> Floats:
    values: Floats = np.asarray(file[name], np.float32)
    return values


def _block(file: NpzFile, place: str) -> dict[str, Floats]:
    """The tensors of one block, by timm's names within it."""
    attention = f"{place}/MultiHeadDotProductAttention_1"
    inputs = [f"{attention}/{part}" for part in ("query", "key", "value")]
    out = _array(file, f"{attention}/out/kernel")
    state = {
        "attn.qkv.weight": np.concatenate([_join_heads(_array(file, f"{part}/kernel")).T for part in inputs]),
        "attn.qkv.bias": np.concatenate([_array(file, f"{part}/bias").ravel() for part in inputs]),
        "attn.proj.weight": out.reshape(-1, out.shape[-1]).T,
        "attn.proj.bias": _array(file, f"{attention}/out/bias"),
    }
    for name, original in (("norm1", "LayerNorm_0"), ("norm2", "LayerNorm_2")):
        state[f"{name}.weight"] = _array(file, f"{place}/{original}/scale")
        state[f"{name}.bias"] = _array(file, f"{place}/{original}/bias")
    for name, original in (("mlp.fc1", "MlpBlock_3/Dense_0"), ("mlp.fc2", "MlpBlock_3/Dense_1")):
        state[f"{name}.weight"] = _array(file, f"{place}/{original}/kernel").T
        state[f"{name}.bias"] = _array(file, f"{place}/{original}/bias")
    return state


def _join_heads(kernel: Floats) -> Floats:
    """Join the heads of a kernel (d, h, e) to (d, h e)."""
    return kernel.reshape(len(kernel), -1)
