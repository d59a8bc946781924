"""Two pictures in one frame, in blocks: means, variances, correlations, and how far each block lies off its place."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats
from vtsfind.find.threads import opencv

Grid = npt.NDArray[np.float32]
"""(rows, columns) float32, one value a block."""
Mask = npt.NDArray[np.bool_]

BLOCK_PX = 16
"""Side of a block: large enough for a correlation to mean something, small enough that a face in a group is a few of them."""
_MIN_VARIANCE = 0.25
"""Levels squared: half a level of deviation is rounding, and correlates with nothing."""
_MAX_SHIFT_PX = 3.0
"""Beyond it the slope at a block's place says nothing of where the block belongs."""
_FLAT_SLOPES = 0.05
_REGULARISATION = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """A picture, (h, w) float32, with the mean and the variance of each block."""

    picture: Floats
    mean: Grid
    variance: Grid

    @classmethod
    def of(cls, picture: Floats) -> Self:
        """Measure a picture."""
        mean = block_means(picture)
        return cls(picture, mean, np.maximum(block_means(picture * picture) - mean * mean, 0))


@dataclass(frozen=True, slots=True, eq=False)
class BlockStatistics:
    """What is known of each block of a target and of a picture laid on it."""

    target: Blocks
    source: Blocks
    covariance: Grid
    correlation: Grid
    """-1 to 1; 0 where one of the two is flat."""

    @property
    def gain(self) -> Grid:
        """Contrast of the target over that of the source, where they show the same."""
        return np.asarray(self.covariance / np.maximum(self.source.variance, 1e-3))

    @property
    def texture(self) -> Grid:
        """The greater of both variances."""
        return np.maximum(self.target.variance, self.source.variance)


def block_statistics(target: Blocks, source: Blocks) -> BlockStatistics:
    """Compare two pictures block by block."""
    covariance = block_means(target.picture * source.picture) - target.mean * source.mean
    textured = (target.variance > _MIN_VARIANCE) & (source.variance > _MIN_VARIANCE)
    root = np.sqrt(np.maximum(target.variance * source.variance, 1e-6))
    return BlockStatistics(target, source, covariance, np.where(textured, covariance / root, 0))


def block_means(values: Floats) -> Grid:
    """The mean of each block, without the rows and columns that do not fill one."""
    rows, columns = values.shape[0] // BLOCK_PX, values.shape[1] // BLOCK_PX
    if not rows or not columns:
        return np.zeros((rows, columns, *values.shape[2:]), np.float32)
    cut = values[: rows * BLOCK_PX, : columns * BLOCK_PX]
    result: Grid = opencv().resize(cut, (columns, rows), interpolation=opencv().INTER_AREA)
    return result


def block_shifts(blocks: BlockStatistics) -> tuple[Grid, Mask]:
    """How far each block of the source must go to lie on its place, by the slopes of brightness (Lucas and Kanade, 1981).

    Returns
    -------
    Shifts (rows, columns, 2) in pixels, x and y; and the blocks whose slopes go in two directions, so that both are known.
    """
    cv2 = opencv()
    target, source = blocks.target.picture, blocks.source.picture
    across = cv2.filter2D(source, -1, np.array([[-0.5, 0, 0.5]], np.float32))
    down = cv2.filter2D(source, -1, np.array([[-0.5], [0], [0.5]], np.float32))
    gain = blocks.gain
    x, y = block_means(across), block_means(down)
    xx, yy = block_means(across * across) - x * x, block_means(down * down) - y * y
    xy = block_means(across * down) - x * y

    def unexplained(slope: Floats, mean: Grid) -> Grid:
        """Covariance of a slope with what is left when the block, with its contrast made equal, is taken from the target."""
        of_target = block_means(slope * target) - mean * blocks.target.mean
        return np.asarray(of_target - gain * (block_means(slope * source) - mean * blocks.source.mean))

    ox, oy = unexplained(across, x), unexplained(down, y)
    regularisation = _REGULARISATION * (xx + yy) + 1e-2
    xx, yy = xx + regularisation, yy + regularisation
    size = xx * yy - xy * xy
    scale = np.where(gain > _FLAT_SLOPES, 1 / np.maximum(gain, _FLAT_SLOPES), 0) / size
    shifts = -np.stack([(yy * ox - xy * oy) * scale, (xx * oy - xy * ox) * scale], -1)
    return np.clip(shifts, -_MAX_SHIFT_PX, _MAX_SHIFT_PX), size > _FLAT_SLOPES * (xx + yy) ** 2 / 4


def neighbourhood_sum(values: Grid) -> Grid:
    """Sum each block and its eight neighbours."""
    cv2 = opencv()
    result: Grid = cv2.boxFilter(values, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return result


def largest_same_rectangle(same: Mask, compared: Mask) -> Mask:
    """The rectangle of blocks in which most are the same and few are not, as a mask."""
    scores = np.where(same, 1.0, np.where(compared, -2.0, 0.0))
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


def block_pixels(blocks: Mask, shape: tuple[int, ...]) -> Mask:
    """The pixels of some blocks, as a mask of a picture of this shape."""
    mask = np.zeros(shape, bool)
    filled = blocks.repeat(BLOCK_PX, 0).repeat(BLOCK_PX, 1)
    mask[: filled.shape[0], : filled.shape[1]] = filled
    return mask
