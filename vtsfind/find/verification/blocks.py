"""Two aligned pictures in blocks: how each block of one correlates with that of the other, and how far it lies off."""

import numpy as np
import numpy.typing as npt

from vtsfind.find.opencv import opencv
from vtsfind.find.verification.features import Floats
from vtsfind.find.verification.registration import affine_fit

Grid = npt.NDArray[np.float32]
"""(rows, columns) float32, one value a block."""
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]

BLOCK = 16
SAME = 0.9
"""Correlation from which a block counts as the same."""

_TEXTURE = 3.0
_CLEAR = 0.8
_LARGEST_SHIFT = 3.0
_FEWEST_FIRM = 8
_FEWEST_CHANGED = 4
_NEAR_GAIN = 0.35


class Blocks:
    """What is known of each block.

    Parameters
    ----------
    target, moved
        Two pictures in one frame, (h, w) float32 brightness.
    inside
        Where the second one is, (h, w).
    """

    def __init__(self, target: Floats, moved: Floats, inside: Mask) -> None:
        self.whole: Mask = means(inside.astype(np.float32)) > 0.98
        self.a_mean, self.b_mean = means(target), means(moved)
        self.aa = np.maximum(means(target * target) - self.a_mean**2, 0)
        self.bb = np.maximum(means(moved * moved) - self.b_mean**2, 0)
        self.ab = means(target * moved) - self.a_mean * self.b_mean
        self.textured: Mask = self.whole & (np.maximum(self.aa, self.bb) > _TEXTURE**2)
        root = np.sqrt(np.maximum(self.aa * self.bb, 1e-6))
        self.correlation: Grid = np.where((self.aa > 0.25) & (self.bb > 0.25), self.ab / root, 0)
        self.same: Mask = self.textured & (self.correlation >= SAME)
        gain = self.ab / np.maximum(self.bb, 1e-3)
        self.residual: Grid = np.sqrt(np.maximum(self.aa - gain * self.ab, 0))
        self._measure_shifts(target, moved, gain)

    def _measure_shifts(self, target: Floats, moved: Floats, gain: Grid) -> None:
        """How far each block must go to lie on its place, by the brightness' slope (Lucas and Kanade, 1981)."""
        cv2 = opencv()
        across = cv2.filter2D(moved, -1, np.array([[-0.5, 0, 0.5]], np.float32))
        down = cv2.filter2D(moved, -1, np.array([[-0.5], [0], [0.5]], np.float32))
        x, y = means(across), means(down)
        xx, yy = means(across * across) - x * x, means(down * down) - y * y
        xy = means(across * down) - x * y
        # Of what is left when the block, with its contrast made equal, is taken from the target.
        ox = means(across * target) - x * self.a_mean - gain * (means(across * moved) - x * self.b_mean)
        oy = means(down * target) - y * self.a_mean - gain * (means(down * moved) - y * self.b_mean)
        slack = 0.02 * (xx + yy) + 1e-2
        xx, yy = xx + slack, yy + slack
        size = xx * yy - xy * xy
        scale = np.where(gain > 0.05, 1 / np.maximum(gain, 0.05), 0) / size
        shifts = -np.stack([(yy * ox - xy * oy) * scale, (xx * oy - xy * ox) * scale], -1)
        self.shifts: npt.NDArray[np.float32] = np.clip(shifts, -_LARGEST_SHIFT, _LARGEST_SHIFT)
        self.firm: Mask = self.textured & (self.correlation > 0.6) & (size > 0.05 * (xx + yy) ** 2 / 4)

    def correction(self) -> Matrix | None:
        """An affine map, (2, 3), that brings the moved picture closer to its place; None if too little is known."""
        rows, columns = np.nonzero(self.firm)
        places = np.column_stack([(columns + 0.5) * BLOCK, (rows + 0.5) * BLOCK, np.ones(len(rows))])
        shifts = self.shifts[rows, columns].astype(np.float64)
        kept = np.ones(len(rows), bool)
        fitted: Matrix = np.zeros((2, 3))
        for _ in range(3):
            found = affine_fit(places[kept], shifts[kept]) if kept.sum() >= _FEWEST_FIRM else None
            if found is None:
                return None
            fitted = found
            off = np.hypot(*(shifts - places @ fitted.T).T)
            kept = off <= max(0.3, float(np.median(off)) * 1.5)
        correction: Matrix = fitted + np.array([[1, 0, 0], [0, 1, 0]])
        return correction

    def mixing(self) -> tuple[float, float, float]:
        """How one picture is mixed into the other, if it is.

        Where a second picture shines through a photo, what is left of the photo's own contrast is the same everywhere, also in
        the blocks that do not look the same any more; where something took its place, nothing is left.

        Returns
        -------
        The contrast of the photo that is in the mixture, as a share of its own; the share of blocks that have about that
        much of it; and the share of those among them that are not the same, 1 where there are hardly any.
        """
        return min(self._mixing(self.bb), self._mixing(self.aa))  # a mixture has less of the photo's contrast

    def _mixing(self, own: Grid) -> tuple[float, float, float]:
        """What `mixing` says if the photo is the picture whose blocks have these variances."""
        clear = self.whole & (own > _TEXTURE**2)
        if not clear.any():
            return 1.0, 0.0, 0.0
        gains = self.ab[clear] / own[clear]
        gain = float(np.median(gains))
        near = np.abs(gains - gain) < _NEAR_GAIN * abs(gain)
        changed = near[~self.same[clear]]
        return gain, float(near.mean()), float(changed.mean()) if len(changed) >= _FEWEST_CHANGED else 1.0

    def sway(self, part: Mask) -> tuple[float, float]:
        """How far, in pixels, blocks lie off their places together with their neighbours, and how far each by itself.

        What makes a single block seem displaced, such as the traces of compression, differs from block to block and is
        averaged away; what is nearer or farther moves as a whole. 80th percentiles.
        """
        clear = self.firm & part & (self.correlation > _CLEAR)
        firm = clear.astype(np.float32)
        near = _summed(firm)
        steady = clear & (near >= 4)
        if not steady.any():
            return 0.0, 0.0
        together = np.stack([_summed(self.shifts[:, :, n] * firm) / np.maximum(near, 1) for n in (0, 1)], -1)
        alone = self.shifts - together
        sway, jitter = (float(np.percentile(np.hypot(*d[steady].T), 80)) for d in (together, alone))
        return sway, jitter


def means(values: Floats) -> Grid:
    """The mean of each block, without the rows and columns that do not fill one."""
    cv2 = opencv()
    rows, columns = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    if not rows or not columns:
        return np.zeros((rows, columns, *values.shape[2:]), np.float32)
    cut = values[: rows * BLOCK, : columns * BLOCK]
    result: Grid = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
    return result


def largest_part(same: Mask, textured: Mask) -> Mask:
    """The rectangle of blocks in which most are the same and few are not, as a mask."""
    worth = np.where(same, 1.0, np.where(textured, -2.0, 0.0))
    rows, columns = worth.shape
    sums = np.vstack([np.zeros((1, columns)), np.cumsum(worth, 0)])
    tops, bottoms = np.triu_indices(rows + 1, 1)
    strips = np.cumsum(np.column_stack([np.zeros(len(tops)), sums[bottoms] - sums[tops]]), 1)
    lowest = np.minimum.accumulate(strips, 1)
    best = strips - lowest
    strip, right = np.unravel_index(int(best.argmax()), best.shape)
    left = int(strips[strip, : right + 1].argmin())
    part = np.zeros_like(same)
    part[tops[strip] : bottoms[strip], left:right] = True
    return part


def _summed(values: Grid) -> Grid:
    """Sum each block and its eight neighbours."""
    cv2 = opencv()
    result: Grid = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return result
