"""Laying the finer of two photos on the coarser one, exactly: a plane map, made exact by blocks, and a smooth bend.

A lens, a curved print and a screen bend straight lines, so that no plane map fits everywhere; a cubic polynomial of place does.
Near things that moved against far ones are not smooth, and stay off their places.
"""

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Features, Floats, Pixels
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import (
    BLOCK_PX,
    Blocks,
    Mask,
    block_means,
    block_shifts,
    block_statistics,
)
from vtsfind.find.verification.quantiles import median, quantile
from vtsfind.find.verification.registration import Matrix, affine_fit, project

MARGIN_PX = 3
"""At its edges a picture that was turned or framed is mixed with what is around it."""
BLUR_SIGMA_PX = 1.0
"""What takes noise out of pictures before blocks are laid on each other."""
MIN_TEXTURE_VARIANCE = 9.0
"""Levels squared: a block of less has nothing to be recognised by."""
_MIN_BLOCKS = 4
_MIN_RELIABLE_CORRELATION = 0.6
_ROUNDS = 2
_MIN_RELIABLE_BLOCKS = 8
_MIN_HOMOGRAPHY_BLOCKS = 24
_CONVERGED_PX = 0.02
_LOST_PX = 12.0
"""A correction larger than this is no correction."""
_BEND_ROUNDS = 3
_MIN_BEND_BLOCKS = 30
"""Ten unknowns in each direction."""
_MIN_BEND_GAIN = 0.75
"""A bend is believed if it leaves at most this share of the shifts."""
_BENT_PX = 0.12
"""Shifts below it are those of interpolation."""
_MAX_BEND_PX = 24.0

P = TypeVar("P", Floats, Pixels)
Maps = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(slots=True, eq=False)
class Overlay:
    """The finer photo in the frame of the coarser one.

    Parameters
    ----------
    coarse, fine
        The photos.
    matrix
        (3, 3): takes places of the finer one to the coarser.
    """

    coarse: Features
    fine: Features
    matrix: Matrix
    bend_px: float = 0.0
    """How far the bend takes the place that it takes farthest."""
    correction_px: float = 0.0
    """How far corners went when the map was made exact."""
    inside: Mask = field(init=False)
    """(h, w): where both pictures are, without their margins."""
    full: Mask = field(init=False)
    """Blocks that lie inside."""
    _maps: Maps | None = None

    def lay(self) -> bool:
        """Use the map as it is; False if too little of the pictures lies on each other."""
        return self._update_inside()

    def refine(self) -> bool:
        """Make the map exact; False if too little of the pictures lies on each other."""
        target, source = Blocks.of(self.coarse.denoised), self.source(BLUR_SIGMA_PX / self.scale)
        for _ in range(_ROUNDS):
            if not self._update_inside():
                return False
            if not self._refine_plane(target, source):
                break
        return self._update_inside() and self._refine_bend(target, source)

    @property
    def scale(self) -> float:
        """Pixels of the coarser picture that one of the finer covers, along a side; at most about 1."""
        return max(local_scale(self.matrix, self.fine), 1e-2)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frame, in pixels."""
        height, width = self.coarse.grey.shape
        return height, width

    def source(self, sigma_px: float = 0.0) -> Floats:
        """The finer picture's brightness, without the detail that is lost when it is scaled, and blurred by some pixels of its own."""
        lost = 0.5 * np.sqrt(max(0.0, 1 / self.scale**2 - 1))
        return blurred(self.fine.grey, float(np.hypot(lost, sigma_px)))

    def warp(self, picture: P, outside: int | None = None) -> P:
        """Lay a picture of the finer photo's size into the frame; beyond its edges it is continued, or of one value."""
        cv2 = opencv()
        border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
        height, width = self.shape
        if self._maps is not None:
            warped: P = cv2.remap(
                picture, *self._maps, cv2.INTER_LINEAR, borderMode=border, borderValue=outside or 0
            )
            return warped
        plane: P = cv2.warpPerspective(
            picture,
            self.matrix,
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=border,
            borderValue=outside or 0,
        )
        return plane

    def _update_inside(self) -> bool:
        inner = np.s_[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        frame, own = np.zeros(self.fine.grey.shape, np.uint8), np.zeros(self.shape, bool)
        frame[inner], own[inner] = 255, True
        self.inside = (self.warp(frame, 0) > 250) & own
        self.full = block_means(self.inside.astype(np.float32)) > 0.98
        return int(self.full.sum()) >= _MIN_BLOCKS

    def _shifts(self, target: Blocks, warped: Floats) -> tuple[Matrix, Matrix]:
        """Middles of reliable blocks (n, 2), in pixels, and how far each must go (n, 2)."""
        blocks = block_statistics(target, Blocks.of(warped))
        shifts, known = block_shifts(blocks)
        reliable = (
            self.full
            & (blocks.texture > MIN_TEXTURE_VARIANCE)
            & (blocks.correlation > _MIN_RELIABLE_CORRELATION)
            & known
        )
        rows, columns = np.nonzero(reliable)
        places = np.column_stack([(columns + 0.5) * BLOCK_PX, (rows + 0.5) * BLOCK_PX])
        return places, shifts[rows, columns].astype(np.float64)

    def _refine_plane(self, target: Blocks, source: Floats) -> bool:
        """Correct the plane map once; False when it is exact, or can't be made so."""
        places, shifts = self._shifts(target, self.warp(source))
        correction = _plane_correction(places, shifts, homography=self._is_homography())
        if correction is None:
            return False
        height, width = self.shape
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
        moved = float(np.abs(project(correction, corners) - corners).max())
        self.correction_px += moved
        if moved > _LOST_PX:
            return False
        matrix = correction @ self.matrix
        self.matrix = matrix / matrix[2, 2]
        return moved >= _CONVERGED_PX

    def _is_homography(self) -> bool:
        return bool(np.abs(self.matrix[2, :2]).max() > 1e-9)

    def _refine_bend(self, target: Blocks, source: Floats) -> bool:
        places, shifts = self._shifts(target, self.warp(source))
        if len(places) < _MIN_BEND_BLOCKS or quantile(np.hypot(*shifts.T), 0.8) <= _BENT_PX:
            return True
        coefficients = np.zeros((10, 2))
        for number in range(_BEND_ROUNDS):
            fitted, left = _fit_bend(np.stack(self._cubic(*places.T), -1), shifts)
            gained = quantile(left, 0.8) <= _MIN_BEND_GAIN * quantile(np.hypot(*shifts.T), 0.8)
            if fitted is None or (number == 0 and not gained):
                break
            coefficients = coefficients + fitted
            if not self._bend(coefficients):
                break
            places, shifts = self._shifts(target, self.warp(source))
            if len(places) < _MIN_BEND_BLOCKS:
                break
        return self._maps is None or self._update_inside()

    def _bend(self, coefficients: Matrix) -> bool:
        """Look every place up where the bend says that it comes from; False, and plane again, if that is too far."""
        height, width = self.shape
        x, y = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
        terms = np.stack([np.broadcast_to(term, (height, width)) for term in self._cubic(x, y)])
        right, down = (coefficients.T @ terms.reshape(len(terms), -1)).reshape(2, height, width)
        self.bend_px = min(float(np.hypot(right, down).max()), _MAX_BEND_PX)
        if self.bend_px >= _MAX_BEND_PX:
            self._maps = None
            return False
        back = np.linalg.inv(self.matrix)
        x, y = x - right, y - down
        depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
        self._maps = (
            ((back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth).astype(np.float32),
            ((back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth).astype(np.float32),
        )
        return True

    def _cubic(self, x: Matrix, y: Matrix) -> list[Matrix]:
        """The ten terms of a cubic polynomial of places."""
        height, width = self.shape
        u, v = x / width * 2 - 1, y / height * 2 - 1
        return [np.ones_like(u), u, v, u * u, u * v, v * v, u**3, u * u * v, u * v * v, v**3]


def blurred(picture: P, sigma_px: float) -> P:
    """Blur by a Gaussian; not at all below a twentieth of a pixel."""
    if sigma_px < 0.05:
        return picture
    result: P = opencv().GaussianBlur(picture, (0, 0), sigma_px)
    return result


def local_scale(matrix: Matrix, source: Features) -> float:
    """Pixels that one pixel in the middle of a picture covers under a map, along a side."""
    return float(np.sqrt(abs(np.linalg.det(jacobian(matrix, source)))))


def anisotropy(matrix: Matrix, source: Features) -> float:
    """How much longer one side of a square in the middle of a picture becomes than the other."""
    large, small = np.linalg.svd(jacobian(matrix, source), compute_uv=False)
    return float(large / max(small, 1e-6))


def jacobian(matrix: Matrix, source: Features) -> Matrix:
    """The 2 x 2 part of a map in the middle of a picture: where steps of one pixel across and down lead."""
    height, width = source.grey.shape
    middle = np.array([[0, 0], [1, 0], [0, 1]]) + np.array([width, height]) / 2
    landed = project(matrix, middle)
    return np.column_stack([landed[1] - landed[0], landed[2] - landed[0]])


def _plane_correction(places: Matrix, shifts: Matrix, *, homography: bool) -> Matrix | None:
    """The plane map that takes most blocks to their places; None if too few agree."""
    kept = np.ones(len(places), bool)
    homogeneous = np.column_stack([places, np.ones(len(places))])
    fitted: Matrix | None = None
    for _ in range(3):
        fitted = affine_fit(homogeneous[kept], shifts[kept]) if kept.sum() >= _MIN_RELIABLE_BLOCKS else None
        if fitted is None:
            return None
        residuals = np.hypot(*(shifts - homogeneous @ fitted.T).T)
        kept = residuals <= max(0.3, float(median(residuals)) * 1.5)
    if fitted is None or kept.sum() < _MIN_RELIABLE_BLOCKS:
        return None
    if homography and kept.sum() >= _MIN_HOMOGRAPHY_BLOCKS:
        plane, _ = opencv().findHomography(places[kept], places[kept] + shifts[kept], 0)
        return None if plane is None else np.asarray(plane, np.float64)
    return np.vstack([fitted + np.array([[1, 0, 0], [0, 1, 0]]), [0, 0, 1]])


def _fit_bend(terms: Matrix, shifts: Matrix) -> tuple[Matrix | None, Matrix]:
    """Coefficients (10, 2) of the bend that takes most blocks to their places, and how far each is then off, in pixels."""
    kept = np.ones(len(terms), bool)
    fitted: Matrix | None = None
    residuals = np.hypot(*shifts.T)
    for _ in range(2):
        if kept.sum() < _MIN_BEND_BLOCKS * 0.8:
            return None, residuals
        squares = terms[kept].T @ terms[kept] + 0.05 * np.eye(terms.shape[1])
        solved: Matrix = np.asarray(np.linalg.solve(squares, terms[kept].T @ shifts[kept]), np.float64)
        residuals, fitted = np.hypot(*(shifts - terms @ solved).T), solved
        kept = residuals <= max(0.3, float(median(residuals)) * 2)
    return fitted, residuals
