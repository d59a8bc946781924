"""Whether a picture breaks off along the edges of a part of it, as it does around a photo that was put into a frame.

Where a part is cut out of a photo, the photo goes on beyond the cut as if nothing were there. Along the edges of a photo on a
screen, in a card or beside another one, nearly every line that crosses the edge changes there, and more than it does near by.
"""

import numpy as np

from vtsfind.base.groups import Box
from vtsfind.find.features.features import Floats, Pixels

_MIN_INSET_SHARE = 0.02
"""An edge so near to the picture's own, in shares of the side, is no edge within it."""
_CORNER_MARGIN_PX = 3
_MIN_EDGE_PX = 12
_EDGE_TOLERANCE_PX = 2
"""How far, in pixels of the small picture, an edge may be from where the box has it."""
_REFERENCE_OFFSETS_PX = (-9, -7, -5, -4, 4, 5, 7, 9)
_MIN_STEP_LEVELS = 6.0
_MIN_STEP_RATIO = 2.0


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
    edges = [_discontinuous_share(picture, at, rows) for at in columns if _is_inside(at, width)]
    edges += [
        _discontinuous_share(picture.transpose(1, 0, 2), at, columns) for at in rows if _is_inside(at, height)
    ]
    return min(edges, default=None)


def _is_inside(at: float, length: int) -> bool:
    return _MIN_INSET_SHARE * length < at < (1 - _MIN_INSET_SHARE) * length


def _discontinuous_share(picture: Pixels, at: float, span: tuple[float, float]) -> float:
    """The share of the rows of a span that change at a column."""
    first, last = round(span[0]) + _CORNER_MARGIN_PX, round(span[1]) - _CORNER_MARGIN_PX
    if last - first < _MIN_EDGE_PX:
        return 0.0
    middle, margin = round(at), _EDGE_TOLERANCE_PX + max(_REFERENCE_OFFSETS_PX)
    left = max(0, middle - margin - 2)
    steps = _steps(picture[max(0, first) : last, left : middle + margin + 2].astype(np.float32))
    places = [middle + offset - left - 2 for offset in range(-_EDGE_TOLERANCE_PX, _EDGE_TOLERANCE_PX + 1)]
    return max((_salient_share(steps, place) for place in places), default=0.0)


def _salient_share(steps: Floats, place: int) -> float:
    """The share of the rows whose step at a place is large, and larger than around it."""
    count = steps.shape[1]
    around = [place + offset for offset in _REFERENCE_OFFSETS_PX if 0 <= place + offset < count]
    if not 0 <= place < count or not around:
        return 0.0
    steps_here = steps[:, place]
    return float(
        (
            (steps_here > _MIN_STEP_LEVELS) & (steps_here > _MIN_STEP_RATIO * np.median(steps[:, around], 1))
        ).mean()
    )


def _steps(rows: Floats) -> Floats:
    """How much each row changes between its columns, in levels: the mean of two pixels against that of the two before them.

    The first step is that between columns 1 and 2.
    """
    means = (rows[:, 1:] + rows[:, :-1]) / 2
    steps: Floats = np.abs(means[:, 2:] - means[:, :-2]).max(2)
    return steps
