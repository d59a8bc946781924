"""Whether a picture breaks off along the edges of a part of it, as it does around a photo that was put into a frame.

Where a part is cut out of a photo, the photo goes on beyond the cut as if nothing were there. Along the edges of a photo on a
screen, in a card or beside another one, nearly every line that crosses the edge changes there, and more than it does near by.
"""

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Box
from vtsfind.find.features import Floats, Pixels

_OUTER = 0.02
"""An edge so near to the picture's own, in shares of the side, is no edge within it."""
_CORNER = 3
_SHORTEST = 12
_STRAY = 2
"""How far, in pixels of the small picture, an edge may be from where the box has it."""
_AROUND = (-9, -7, -5, -4, 4, 5, 7, 9)
_LEAST_STEP = 6.0
_STANDS_OUT = 2.0


def broken_off(picture: Pixels, box: Box) -> float | None:
    """The share of the lines across the box's edges that change there, on the edge where it is least.

    Parameters
    ----------
    picture
        (h, w, 3) uint8, the small one.
    box
        A part of it.

    Returns
    -------
    0 to 1; None if no edge of the box lies within the picture.
    """
    height, width = picture.shape[:2]
    rows, columns = (box.top * height, box.bottom * height), (box.left * width, box.right * width)
    lying = picture.astype(np.float32)
    standing = lying.transpose(1, 0, 2)
    edges = [_broken(lying, at, rows) for at in columns if _within(at, width)]
    edges += [_broken(standing, at, columns) for at in rows if _within(at, height)]
    return min(edges, default=None)


def _within(at: float, length: int) -> bool:
    return _OUTER * length < at < (1 - _OUTER) * length


def _broken(picture: Floats, at: float, span: tuple[float, float]) -> float:
    """The share of the rows of a span that change at a column."""
    first, last = round(span[0]) + _CORNER, round(span[1]) - _CORNER
    if last - first < _SHORTEST:
        return 0.0
    rows = picture[max(0, first) : last]
    columns = range(round(at) - _STRAY, round(at) + _STRAY + 1)
    return max((_standing_out(rows, column) for column in columns), default=0.0)


def _standing_out(rows: Floats, column: int) -> float:
    here = _steps(rows, column)
    around = [steps for steps in (_steps(rows, column + off) for off in _AROUND) if steps is not None]
    if here is None or not around:
        return 0.0
    return float(((here > _LEAST_STEP) & (here > _STANDS_OUT * np.median(around, 0))).mean())


def _steps(rows: Floats, column: int) -> npt.NDArray[np.float32] | None:
    """How much each row changes at a column: the mean of two pixels after it against that of two before it, in levels."""
    if column < 2 or column + 2 > rows.shape[1]:
        return None
    after, before = rows[:, column : column + 2].mean(1), rows[:, column - 2 : column].mean(1)
    steps: npt.NDArray[np.float32] = np.abs(after - before).max(1)
    return steps
