"""What saving as JPEG does to pictures, without writing any: cosine coefficients of 8 x 8 blocks are rounded to multiples.

ITU-T T.81, with the tables of its annex K, scaled by quality as the library of the Independent JPEG Group scales them, and
colours at half the resolution. The lossless part of JPEG is left out, since it changes nothing.

Axis letters: b pictures, h rows, w columns, n blocks.
"""

import math
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from vtsfind.learn.augment.draws import Draws, change

_LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
_CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_BLOCK = 8
_UNIT = 2 * _BLOCK
"""Pixels of a side that share one block of colours."""


def recompressed(pictures: Tensor, draws: Draws) -> Tensor:
    """Save some pictures as JPEG, (b, 3, h, w) float in 0..1, of any quality from bad to good."""
    edited, quality = draws.edits(0.45), draws.uniform(12, 92)
    return change(pictures, edited, lambda some, rows: jpeg(some, quality[rows].to(some.device)))


def jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """Save pictures as JPEG and read them again.

    Parameters
    ----------
    pictures
        (b, 3, h, w) float in 0..1.
    quality
        (b,) of 1 to 100.

    Returns
    -------
    (b, 3, h, w) float in 0..1.
    """
    height, width = pictures.shape[2:]
    padded = F.pad(pictures.float(), (0, -width % _UNIT, 0, -height % _UNIT), mode="replicate")
    to_ycc = padded.new_tensor(_TO_YCC)
    ycc = torch.einsum("ij,bjhw->bihw", to_ycc, padded) * 255
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    luma = _rounded(ycc[:, :1] - 128, _LUMA_TABLE, scale) + 128
    small = F.avg_pool2d(ycc[:, 1:], 2)
    colours = F.interpolate(
        _rounded(small, _CHROMA_TABLE, scale), scale_factor=2.0, mode="bilinear", align_corners=False
    )
    saved = torch.cat([luma, colours], dim=1)
    back = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(to_ycc), saved)[:, :, :height, :width] / 255
    return back.clamp(0, 1)


def _rounded(values: Tensor, table: tuple[tuple[int, ...], ...], scale: Tensor) -> Tensor:
    """Round the coefficients of values, (b, c, h, w) around 0, to multiples of a table at each scale, (b,) in per cent."""
    b, c, h, w = values.shape
    steps = (values.new_tensor(table).flatten() * scale[:, None] + 50).div(100).floor().clamp(1, 255)
    blocks = values.view(b, c, h // _BLOCK, _BLOCK, w // _BLOCK, _BLOCK).permute(0, 1, 2, 4, 3, 5)
    transform = _cosines(values.device)
    coefficients = blocks.reshape(b, -1, _BLOCK * _BLOCK) @ transform.T / steps[:, None]
    kept = (coefficients.round() * steps[:, None]) @ transform
    laid = kept.view(b, c, h // _BLOCK, w // _BLOCK, _BLOCK, _BLOCK).permute(0, 1, 2, 4, 3, 5)
    return laid.reshape(b, c, h, w)


@cache
def _cosines(device: torch.device) -> Tensor:
    """The cosine transform of a block, (64, 64), from pixels to coefficients, both row by row; orthonormal."""
    n = torch.arange(_BLOCK, dtype=torch.float64)
    line = torch.cos((2 * n[None] + 1) * n[:, None] * math.pi / (2 * _BLOCK)) * math.sqrt(2 / _BLOCK)
    line[0] /= math.sqrt(2)
    return torch.kron(line, line).float().to(device)
