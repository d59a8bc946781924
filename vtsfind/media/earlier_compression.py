"""Whether a picture was a JPEG of lower quality before it was saved as it is, by what that left in its pixels.

A JPEG keeps multiples of the steps of its table (ITU-T T.81). Where a picture is compressed at many qualities in turn, it loses next to nothing
at the quality that it had before: its "ghost" (Farid, "Exposing digital forgeries from JPEG ghosts", 2009, section II). The grid of blocks must
be the same, so nothing is found in what was scaled, cropped or framed since.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from vtsfind.media.decode import Pixels

LUMINANCE_TABLE: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
"""The steps for brightness of the JPEG standard (ITU-T T.81, annex K)."""
MIN_BELOW: Final = 8
"""How far below the quality of the file an earlier one must be: nearer ones can't be told apart."""

_SIDE_PX = 256
"""Side of the central part that is looked at."""
_BLOCK_PX = 8
_QUALITIES = np.arange(5, 96, 3)
_NEIGHBOURS = 2
"""Tried qualities on either side, from which the usual loss at the one between them is known."""
_MIN_DIP = 0.35
"""Natural logarithm of the usual loss, divided by the one measured, from which on it is a trace. Of 239 reduced photos none has one as it is
or saved once; all have one where they were saved at quality 8 to 69 before (docs/results/compression.json)."""
_MIN_TEXTURE = 4.0
"""Levels squared, of all but a block's mean: a smoother block tells nothing of a table."""
_MIN_BLOCKS = 32
"""Blocks of texture without which a dip is chance."""
_LEAST_LOSS = 0.05
"""Levels squared: what rounding to whole levels leaves."""


def steps(qualities: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
    """The tables for brightness, (n, 8, 8), of qualities, (n,), on the scale of the Independent JPEG Group, 1 to 100."""
    scales = np.where(qualities < 50, 5000 // np.maximum(qualities, 1), 200 - 2 * qualities)
    tables: npt.NDArray[np.int_] = np.clip((LUMINANCE_TABLE * scales[:, None, None] + 50) // 100, 1, 255)
    return tables


def earlier_quality(pixels: Pixels, quality: int | None) -> int | None:
    """The quality of a JPEG that a picture was before, to about 3; None if nothing shows.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, all of them, in the orientation that they are stored in.
    quality
        Of the file itself; None if it is no JPEG.
    """
    coefficients = _coefficients(pixels)
    if len(coefficients) < _MIN_BLOCKS:
        return None
    losses = [_loss(coefficients, table) for table in _TABLES]
    levels = np.log(np.array(losses) + _LEAST_LOSS)
    usual = (levels[: -2 * _NEIGHBOURS] + levels[2 * _NEIGHBOURS :]) / 2
    inner = _QUALITIES[_NEIGHBOURS:-_NEIGHBOURS]
    is_trace = usual - levels[_NEIGHBOURS:-_NEIGHBOURS] > _MIN_DIP
    is_trace &= inner <= (quality or 100) - MIN_BELOW
    # Multiples of a step are multiples of its half, too: the lowest one is the one that was there.
    return int(inner[is_trace.argmax()]) if is_trace.any() else None


def _loss(coefficients: npt.NDArray[np.float32], table: npt.NDArray[np.float32]) -> float:
    """The mean square of what rounding coefficients (n, 8, 8) to multiples of steps (8, 8) takes away."""
    left = coefficients / table  # one array for all: larger ones do not fit the processor's cache
    np.rint(left, out=left)
    left *= table
    np.subtract(coefficients, left, out=left)
    return float(np.square(left, out=left).mean())


def _coefficients(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Those of the central blocks that have texture, (n, 8, 8): as those of the brightness in a JPEG."""
    top, left = (max(0, side - _SIDE_PX) // (2 * _BLOCK_PX) * _BLOCK_PX for side in pixels.shape[:2])
    part = pixels[top : top + _SIDE_PX, left : left + _SIDE_PX].astype(np.float32)
    rows, columns = (side // _BLOCK_PX for side in part.shape[:2])
    grey = part[: rows * _BLOCK_PX, : columns * _BLOCK_PX] @ _LUMA - 128
    blocks = grey.reshape(rows, _BLOCK_PX, columns, _BLOCK_PX).transpose(0, 2, 1, 3)
    found: npt.NDArray[np.float32] = _COSINES @ blocks.reshape(-1, _BLOCK_PX, _BLOCK_PX) @ _COSINES.T
    squares = np.square(found)
    is_textured = squares.sum((1, 2)) - squares[:, 0, 0] > _MIN_TEXTURE * _BLOCK_PX**2
    textured: npt.NDArray[np.float32] = found[is_textured]
    return textured


def _cosines() -> npt.NDArray[np.float32]:
    """The matrix of the discrete cosine transform of type 2, orthonormal, (8, 8)."""
    at = np.arange(_BLOCK_PX)
    matrix = np.cos((2 * at[None] + 1) * at[:, None] * np.pi / (2 * _BLOCK_PX)) * np.sqrt(2 / _BLOCK_PX)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_COSINES: Final = _cosines()
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
"""The brightness of red, green and blue (ITU-R BT.601)."""
_TABLES: Final = steps(_QUALITIES).astype(np.float32)
