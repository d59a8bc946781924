"""Things that moved between two pictures: shifts that no smooth field explains, and blocks that are found elsewhere."""

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import BLOCK_PX, Mask
from vtsfind.find.verification.quantiles import quantile

FOUND_CORRELATION = 0.85
"""From which on a block counts as found."""
_SEARCH_RADIUS_PX = 28


def uneven(shifts: npt.NDArray[np.floating], steady: Mask, otherwise: float) -> float:
    """80th percentile of what a quadratic field of place leaves of shifts, in pixels; `otherwise` for too few blocks."""
    rows, columns = np.nonzero(steady)
    if len(rows) < 14:
        return otherwise
    u, v = ((p - p.mean()) / max(1, np.ptp(p)) for p in (columns, rows))
    terms = np.column_stack([np.ones_like(u), u, v, u * u, u * v, v * v])
    fitted, *_ = np.linalg.lstsq(terms, shifts[steady], rcond=None)
    return float(quantile(np.hypot(*(shifts[steady] - terms @ fitted).T), 0.8))


def match_elsewhere(own: Floats, other: Floats, x: int, y: int) -> float:
    """How well a block is found near its place in the other picture, less if it is found beside itself in its own."""
    cv2 = opencv()
    block = own[y : y + BLOCK_PX, x : x + BLOCK_PX]
    top, left = max(0, y - _SEARCH_RADIUS_PX), max(0, x - _SEARCH_RADIUS_PX)
    window = np.s_[top : y + BLOCK_PX + _SEARCH_RADIUS_PX, left : x + BLOCK_PX + _SEARCH_RADIUS_PX]
    best = float(cv2.matchTemplate(other[window], block, cv2.TM_CCOEFF_NORMED).max())
    if best < FOUND_CORRELATION - 0.05:
        return best
    beside = cv2.matchTemplate(own[window], block, cv2.TM_CCOEFF_NORMED)
    y, x = y - top, x - left
    beside[max(0, y - 3) : y + 4, max(0, x - 3) : x + 4] = -1
    return best - max(0.0, float(beside.max()) - 0.8)
