"""Two aligned pictures in blocks: how each block of one correlates with that of the other, and how far it lies off."""

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats
from vtsfind.find.threads import opencv
from vtsfind.find.verification.registration import affine_fit

Grid = npt.NDArray[np.float32]
"""(rows, columns) float32, one value a block."""
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]

BLOCK_PX = 16
MIN_SAME_CORRELATION = 0.9
"""Correlation from which a block counts as the same."""

_MIN_TEXTURE_STD = 3.0
_MIN_SHIFT_CORRELATION = 0.8
_MAX_SHIFT_PX = 3.0
_MIN_RELIABLE_BLOCKS = 8
_MIN_CHANGED_BLOCKS = 4
_MAX_GAIN_DEVIATION_SHARE = 0.35


class BlockStatistics:
    """What is known of each block.

    Parameters
    ----------
    target, moved
        Two pictures in one frame, (h, w) float32 brightness.
    inside
        Where the second one is, (h, w).
    """

    def __init__(self, target: Floats, moved: Floats, inside: Mask) -> None:
        self.fully_inside: Mask = block_means(inside.astype(np.float32)) > 0.98
        self.a_mean, self.b_mean = block_means(target), block_means(moved)
        self.a_variance = np.maximum(block_means(target * target) - self.a_mean**2, 0)
        self.b_variance = np.maximum(block_means(moved * moved) - self.b_mean**2, 0)
        self.covariance = block_means(target * moved) - self.a_mean * self.b_mean
        self.textured: Mask = self.fully_inside & (
            np.maximum(self.a_variance, self.b_variance) > _MIN_TEXTURE_STD**2
        )
        root = np.sqrt(np.maximum(self.a_variance * self.b_variance, 1e-6))
        self.correlation: Grid = np.where(
            (self.a_variance > 0.25) & (self.b_variance > 0.25), self.covariance / root, 0
        )
        self.same: Mask = self.textured & (self.correlation >= MIN_SAME_CORRELATION)
        gain = self.covariance / np.maximum(self.b_variance, 1e-3)
        self.residual: Grid = np.sqrt(np.maximum(self.a_variance - gain * self.covariance, 0))
        self._measure_shifts(target, moved, gain)

    def _measure_shifts(self, target: Floats, moved: Floats, gain: Grid) -> None:
        """How far each block must go to lie on its place, by the brightness' slope (Lucas and Kanade, 1981)."""
        cv2 = opencv()
        across = cv2.filter2D(moved, -1, np.array([[-0.5, 0, 0.5]], np.float32))
        down = cv2.filter2D(moved, -1, np.array([[-0.5], [0], [0.5]], np.float32))
        x, y = block_means(across), block_means(down)
        xx, yy = block_means(across * across) - x * x, block_means(down * down) - y * y
        xy = block_means(across * down) - x * y
        # Of what is left when the block, with its contrast made equal, is taken from the target.
        ox = (
            block_means(across * target)
            - x * self.a_mean
            - gain * (block_means(across * moved) - x * self.b_mean)
        )
        oy = (
            block_means(down * target)
            - y * self.a_mean
            - gain * (block_means(down * moved) - y * self.b_mean)
        )
        regularisation = 0.02 * (xx + yy) + 1e-2
        xx, yy = xx + regularisation, yy + regularisation
        size = xx * yy - xy * xy
        scale = np.where(gain > 0.05, 1 / np.maximum(gain, 0.05), 0) / size
        shifts = -np.stack([(yy * ox - xy * oy) * scale, (xx * oy - xy * ox) * scale], -1)
        self.shifts: npt.NDArray[np.float32] = np.clip(shifts, -_MAX_SHIFT_PX, _MAX_SHIFT_PX)
        self.reliable: Mask = self.textured & (self.correlation > 0.6) & (size > 0.05 * (xx + yy) ** 2 / 4)

    def correction(self) -> Matrix | None:
        """An affine map, (2, 3), that brings the moved picture closer to its place; None if too little is known."""
        rows, columns = np.nonzero(self.reliable)
        places = np.column_stack([(columns + 0.5) * BLOCK_PX, (rows + 0.5) * BLOCK_PX, np.ones(len(rows))])
        shifts = self.shifts[rows, columns].astype(np.float64)
        kept = np.ones(len(rows), bool)
        fitted: Matrix = np.zeros((2, 3))
        for _ in range(3):
            found = affine_fit(places[kept], shifts[kept]) if kept.sum() >= _MIN_RELIABLE_BLOCKS else None
            if found is None:
                return None
            fitted = found
            residuals = np.hypot(*(shifts - places @ fitted.T).T)
            kept = residuals <= max(0.3, float(np.median(residuals)) * 1.5)
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
        return min(
            self._mixing(self.b_variance), self._mixing(self.a_variance)
        )  # a mixture has less of the photo's contrast

    def _mixing(self, own: Grid) -> tuple[float, float, float]:
        """What `mixing` says if the photo is the picture whose blocks have these variances."""
        clear = self.fully_inside & (own > _MIN_TEXTURE_STD**2)
        if not clear.any():
            return 1.0, 0.0, 0.0
        gains = self.covariance[clear] / own[clear]
        gain = float(np.median(gains))
        near = np.abs(gains - gain) < _MAX_GAIN_DEVIATION_SHARE * abs(gain)
        changed = near[~self.same[clear]]
        return gain, float(near.mean()), float(changed.mean()) if len(changed) >= _MIN_CHANGED_BLOCKS else 1.0

    def coherent_shift_px(self, part: Mask) -> tuple[float, float]:
        """How far, in pixels, blocks lie off their places together with their neighbours, and how far each by itself.

        What makes a single block seem displaced, such as the traces of compression, differs from block to block and is
        averaged away; what is nearer or farther moves as a whole. 80th percentiles.
        """
        clear = self.reliable & part & (self.correlation > _MIN_SHIFT_CORRELATION)
        reliable = clear.astype(np.float32)
        near = _neighbourhood_sum(reliable)
        steady = clear & (near >= 4)
        if not steady.any():
            return 0.0, 0.0
        together = np.stack(
            [_neighbourhood_sum(self.shifts[:, :, n] * reliable) / np.maximum(near, 1) for n in (0, 1)], -1
        )
        alone = self.shifts - together
        coherent_shift_px, incoherent_shift_px = (
            float(np.percentile(np.hypot(*d[steady].T), 80)) for d in (together, alone)
        )
        return coherent_shift_px, incoherent_shift_px


def block_means(values: Floats) -> Grid:
    """The mean of each block, without the rows and columns that do not fill one."""
    cv2 = opencv()
    rows, columns = values.shape[0] // BLOCK_PX, values.shape[1] // BLOCK_PX
    if not rows or not columns:
        return np.zeros((rows, columns, *values.shape[2:]), np.float32)
    cut = values[: rows * BLOCK_PX, : columns * BLOCK_PX]
    result: Grid = cv2.resize(cut, (columns, rows), interpolation=cv2.INTER_AREA)
    return result


def largest_same_rectangle(same: Mask, textured: Mask) -> Mask:
    """The rectangle of blocks in which most are the same and few are not, as a mask."""
    scores = np.where(same, 1.0, np.where(textured, -2.0, 0.0))
    rows, columns = scores.shape
    sums = np.vstack([np.zeros((1, columns)), np.cumsum(scores, 0)])
    tops, bottoms = np.triu_indices(rows + 1, 1)
    strips = np.cumsum(np.column_stack([np.zeros(len(tops)), sums[bottoms] - sums[tops]]), 1)
    lowest = np.minimum.accumulate(strips, 1)
    best = strips - lowest
    strip, right = np.unravel_index(int(best.argmax()), best.shape)
    left = int(strips[strip, : right + 1].argmin())
    part = np.zeros_like(same)
    part[tops[strip] : bottoms[strip], left:right] = True
    return part


def _neighbourhood_sum(values: Grid) -> Grid:
    """Sum each block and its eight neighbours."""
    cv2 = opencv()
    result: Grid = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return result
