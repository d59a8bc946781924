"""How alike two photos are once one is laid on the other, block by block.

An edit leaves the blocks that it does not touch nearly identical, and in place. Another shot of the same scene does not:
near things move against far ones, people move, and noise is never the same twice. So what counts is not how alike the
pictures are on the whole, but how many blocks are the same, and how exactly they lie on each other.

Blocks are compared by correlation, which leaves brightness and contrast aside, on brightness alone, which leaves colour
aside, and after the finer picture is reduced to the detail of the coarser.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.find.align import Alignment
from vtsfind.find.features import Features, Floats
from vtsfind.find.opencv import opencv

Matrix = npt.NDArray[np.float64]

BLOCK = 16
FEWEST_BLOCKS = 6
"""Blocks with something to be seen below which nothing is said."""

_BLUR = 1.0
_TEXTURE = 3.0
_SAME = 0.9
_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Likeness:
    """What the comparison of aligned pictures gave."""

    blocks: int
    """Blocks in the part where the pictures overlap, in which something is to be seen."""
    low: float
    """30th percentile of the blocks' correlations, -1 to 1."""
    middle: float
    """Their median."""
    same: float
    """Share of the blocks that correlate at 0.9 or more."""
    displaced: float
    """90th percentile of how far, in pixels, blocks that are alike lie off their place."""
    shades: float
    """Correlation of the brightness of all blocks, between the pictures."""
    colour: float
    """Mean difference of the colours of all blocks, in levels of 255."""
    noise: float
    """Median over the blocks that are alike of what is different in them, in levels of 255, after brightness and contrast."""
    overlap: float
    """Share of the comparison's frame that both pictures fill."""


def likeness(first: Features, second: Features, alignment: Alignment) -> tuple[Likeness, Alignment] | None:
    """Compare two photos under a map; None when too little of them can be compared.

    Returns
    -------
    The likeness, and the alignment with its map made more exact.
    """
    matrix = alignment.matrix
    if (
        alignment.scale > 1
    ):  # one pixel of the second covers more than one of the first: the second is coarser
        inverse = _inverse(matrix)
        result = _compared(second, first, inverse)
        if result is None:
            return None
        return result[0], Alignment(_inverse(result[1]), alignment.inliers, alignment.matches)
    result = _compared(first, second, matrix)
    if result is None:
        return None
    return result[0], Alignment(result[1], alignment.inliers, alignment.matches)


def _inverse(matrix: Matrix) -> Matrix:
    cv2 = opencv()
    inverse: Matrix = cv2.invertAffineTransform(matrix)
    return inverse


def _compared(coarse: Features, fine: Features, matrix: Matrix) -> tuple[Likeness, Matrix] | None:
    """Compare in the coarser picture's frame; `matrix` takes places of the finer picture there."""
    cv2 = opencv()
    target = cv2.GaussianBlur(coarse.grey, (0, 0), _BLUR)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source = _softened(fine.grey, scale)
    for _ in range(_ROUNDS):
        moved, inside = _warped(source, matrix, target.shape)
        blocks = _Blocks(target, moved, inside)
        correction = blocks.correction()
        if correction is None:
            break
        matrix = _after(correction, matrix)
    moved, inside = _warped(source, matrix, target.shape)
    blocks = _Blocks(target, moved, inside)
    if blocks.textured.sum() < FEWEST_BLOCKS:
        return None
    colours = (
        _block_means(coarse.picture.astype(np.float32), blocks),
        _block_means(
            _warped(_softened(fine.picture.astype(np.float32), scale), matrix, target.shape)[0], blocks
        ),
    )
    return blocks.likeness(float(np.abs(colours[0] - colours[1]).mean())), matrix


def _softened(picture: Floats, scale: float) -> Floats:
    """Take out the detail that is lost when the picture is scaled, and then as much as the target had taken out."""
    cv2 = opencv()
    sigma = float(np.hypot(_BLUR / scale, 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1))))
    soft: Floats = cv2.GaussianBlur(picture, (0, 0), sigma)
    return soft


def _warped(picture: Floats, matrix: Matrix, shape: tuple[int, ...]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Lay a picture into a frame of (height, width); also say where it is."""
    cv2 = opencv()
    size = (shape[1], shape[0])
    moved: Floats = cv2.warpAffine(
        picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    here = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), matrix, size, flags=cv2.INTER_LINEAR)
    return moved, here > 250


def _after(correction: Matrix, matrix: Matrix) -> Matrix:
    return np.column_stack(
        [correction[:, :2] @ matrix[:, :2], correction[:, :2] @ matrix[:, 2] + correction[:, 2]]
    )


def _block_means(values: Floats, blocks: "_Blocks") -> Floats:
    means: Floats = _tiles(values, blocks.rows, blocks.columns).mean((2, 3))[blocks.whole]
    return means


def _tiles(values: npt.NDArray[np.float32], rows: int, columns: int) -> npt.NDArray[np.float32]:
    """(rows, columns, BLOCK, BLOCK, ...)."""
    cut = values[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK, *values.shape[2:]).swapaxes(1, 2)


class _Blocks:
    """Two aligned pictures in blocks, and the sums over each."""

    def __init__(self, target: Floats, moved: Floats, inside: npt.NDArray[np.bool_]) -> None:
        self.rows, self.columns = target.shape[0] // BLOCK, target.shape[1] // BLOCK
        across, down = np.gradient(moved, axis=1), np.gradient(moved, axis=0)
        a, b, gx, gy = (_tiles(v, self.rows, self.columns) for v in (target, moved, across, down))
        self.whole = _tiles(inside.astype(np.float32), self.rows, self.columns).mean((2, 3)) > 0.98
        self.a_mean, self.b_mean = a.mean((2, 3)), b.mean((2, 3))
        a = a - self.a_mean[:, :, None, None]
        b = b - self.b_mean[:, :, None, None]
        self.aa, self.bb, self.ab = (a * a).mean((2, 3)), (b * b).mean((2, 3)), (a * b).mean((2, 3))
        self.textured = self.whole & (np.maximum(self.aa, self.bb) > _TEXTURE**2)
        root = np.sqrt(np.maximum(self.aa * self.bb, 1e-6))
        self.correlation = np.where((self.aa > 0.25) & (self.bb > 0.25), self.ab / root, 0)
        self._shift(a, b, gx, gy)

    def _shift(self, a: Floats, b: Floats, gx: Floats, gy: Floats) -> None:
        """How far each block of `b` must go to lie on `a`, by the brightness' slope (Lucas and Kanade, 1981)."""
        gain = self.ab / np.maximum(self.bb, 1e-3)
        off = a - gain[:, :, None, None] * b
        self.residual = np.sqrt((off * off).mean((2, 3)))
        gx, gy = (gain[:, :, None, None] * (g - g.mean((2, 3), keepdims=True)) for g in (gx, gy))
        xx, yy, xy = (gx * gx).mean((2, 3)), (gy * gy).mean((2, 3)), (gx * gy).mean((2, 3))
        ox, oy = (gx * off).mean((2, 3)), (gy * off).mean((2, 3))
        slack = 0.02 * (xx + yy) + 1e-3
        xx, yy = xx + slack, yy + slack
        size = xx * yy - xy * xy
        # b(x - d) = b - d g: the content must move by minus the solution of the slopes' equations.
        self.dx, self.dy = -(yy * ox - xy * oy) / size, -(xx * oy - xy * ox) / size
        self.firm = self.textured & (self.correlation > 0.6) & (size > 0.05 * (xx + yy) ** 2 / 4)

    def correction(self) -> Matrix | None:
        """An affine map that brings the blocks of the moved picture closer to their places; None if there is none."""
        rows, columns = np.nonzero(self.firm)
        if len(rows) < 8:
            return None
        places = np.column_stack([(columns + 0.5) * BLOCK, (rows + 0.5) * BLOCK, np.ones(len(rows))])
        shifts = np.clip(np.column_stack([self.dx[rows, columns], self.dy[rows, columns]]), -3, 3).astype(
            np.float64
        )
        kept = np.ones(len(rows), bool)
        solution = np.zeros((3, 2))
        for _ in range(3):
            solution = np.linalg.lstsq(places[kept], shifts[kept], rcond=None)[0]
            off = np.hypot(*(shifts - places @ solution).T)
            kept = off <= max(0.3, float(np.median(off)) * 1.5)
            if kept.sum() < 8:
                return None
        correction: Matrix = solution.T + np.array([[1, 0, 0], [0, 1, 0]])
        return correction

    def likeness(self, colour: float) -> Likeness:
        """Sum up."""
        correlations = self.correlation[self.textured]
        alike = self.textured & (self.correlation > 0.8)
        shift = np.hypot(self.dx, self.dy)[self.firm]
        a, b = self.a_mean[self.whole], self.b_mean[self.whole]
        spread = float(a.std() * b.std())
        return Likeness(
            blocks=int(self.textured.sum()),
            low=float(np.percentile(correlations, 30)),
            middle=float(np.median(correlations)),
            same=float((correlations >= _SAME).mean()),
            displaced=float(np.percentile(shift, 90)) if len(shift) else 9.0,
            shades=float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 1e-3 else 0.0,
            colour=colour,
            noise=float(np.median(self.residual[alike])) if alike.any() else 255.0,
            overlap=float(self.whole.mean()),
        )
