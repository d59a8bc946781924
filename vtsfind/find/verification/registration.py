"""Which affine map, if any, carries one photo's local features onto another's.

Features are matched both ways (each other's nearest, and clearly nearer than the second nearest). A match of two SIFT
features alone says how to turn, scale and shift one picture onto the other, so every match is tried as such a guess; the
guesses with the most matches in agreement are refined to affine maps by least squares. Nothing is random.

Mirrored pictures need no features of their own: mirroring reorders the values of a SIFT descriptor.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.find.verification.features import Features, Floats

FEWEST = 6
"""Matches in agreement below which no map is believed."""

_CERTAIN = 40
"""Matches in agreement that leave no doubt about the mirror state."""
_RATIO = 0.8
_GUESSES = 150
_REFINED = 4
_NEARLY_ALL = 0.9
_TOLERANCES = (9.0, 5.0, 3.0, 2.5)
_STRAY_GROWTH = 0.25
_STRAY_TURN = 20.0
_STRAY_FROM = 4.0
_STRAY_TO = 48.0
_LARGEST_SCALE = 10.0
_LARGEST_STRETCH = 2.2

# A descriptor is 4 rows x 4 columns x 8 directions, in the frame of the feature: mirroring turns the rows and the directions over.
_MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].ravel()


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the second small picture lies on the first."""

    matrix: npt.NDArray[np.float64]
    """(2, 3): takes a place in the second picture, in pixels, to the first."""
    inliers: int
    """Matches that agree."""
    matches: int
    """All matches, in this mirror state."""
    strays: int = 0
    """Matches of equal size and direction that lie off their place, but near it: of things that moved."""

    @property
    def mirrored(self) -> bool:
        """Whether the second picture is a mirror image."""
        return float(np.linalg.det(self.matrix[:, :2])) < 0

    @property
    def scale(self) -> float:
        """Pixels of the first picture that one of the second covers, along a side."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))


def align(first: Features, second: Features) -> Alignment | None:
    """Find the affine map under which most features agree, or None."""
    best: Alignment | None = None
    for mirrored in (False, True):
        found = _aligned(first, second, mirrored=mirrored)
        if found and (best is None or found.inliers > best.inliers):
            best = found
        if best and best.inliers >= _CERTAIN:
            break
    return best


def _aligned(first: Features, second: Features, *, mirrored: bool) -> Alignment | None:
    rows, columns = _matches(
        first.descriptors, second.descriptors[:, _MIRRORED] if mirrored else second.descriptors
    )
    if len(rows) < FEWEST:
        return None
    here, there = first.points[rows], second.points[columns]
    if mirrored:
        there = there * np.array([-1, 1, 1, -1], np.float32) + np.array([0, 0, 0, 180], np.float32)
    best: npt.NDArray[np.float64] | None = None
    most = FEWEST - 1
    for guess in _guesses(here, there):
        matrix, count = _refine(guess, here[:, :2], there[:, :2])
        if matrix is not None and count > most:
            best, most = matrix, count
        if most > _NEARLY_ALL * len(rows):
            break
    if best is None:
        return None
    strays = _strays(best, here, there)
    if mirrored:
        best = best * np.array([-1, 1, 1])
    return Alignment(best, most, len(rows), strays)


def _strays(matrix: npt.NDArray[np.float64], here: Floats, there: Floats) -> int:
    """See `Alignment.strays`."""
    landed = there[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    off = np.hypot(*(landed - here[:, :2]).T)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    growth = np.log(here[:, 2] / np.maximum(there[:, 2] * scale, 1e-3))
    turn = np.rad2deg(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))
    angle = (here[:, 3] - there[:, 3] - turn + 180) % 360 - 180
    alike = (np.abs(growth) < _STRAY_GROWTH) & (np.abs(angle) < _STRAY_TURN)
    return int((alike & (off > _STRAY_FROM * max(1.0, scale)) & (off < _STRAY_TO)).sum())


def _matches(
    first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of descriptors that are each other's nearest, and much nearer than the next."""
    if len(first) < 2 or len(second) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    a, b = first.astype(np.float32), second.astype(np.float32)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * (a @ b.T)
    nearest = squares.argmin(1)
    rows = np.flatnonzero(squares.argmin(0)[nearest] == np.arange(len(a)))
    columns = nearest[rows]
    mutual = squares[rows]
    closest = mutual[np.arange(len(rows)), columns]
    mutual[np.arange(len(rows)), columns] = np.inf
    kept = closest < _RATIO**2 * mutual.min(1)
    return rows[kept], columns[kept]


def _guesses(here: Floats, there: Floats) -> list[npt.NDArray[np.float64]]:
    """Turn, scale and shift by each match alone; those that most matches agree with, best first."""
    scale = here[:, 2] / np.maximum(there[:, 2], 1e-3)
    angle = np.deg2rad(here[:, 3] - there[:, 3])
    turn = (scale * np.exp(1j * angle)).astype(np.complex64)
    p = (here[:, 0] + 1j * here[:, 1]).astype(np.complex64)
    q = (there[:, 0] + 1j * there[:, 1]).astype(np.complex64)
    shift = p - turn * q
    some = np.unique(np.linspace(0, len(p) - 1, min(len(p), _GUESSES)).astype(int))
    off = np.abs(turn[some, None] * q[None] + shift[some, None] - p[None])
    # What is far from the match that guesses suffers most from its wrong angle.
    allowed = _TOLERANCES[0] + 0.1 * np.abs(p[some, None] - p[None])
    agreeing = (off < allowed).sum(1)
    order = np.argsort(-agreeing, kind="stable")[:_REFINED]
    return [
        np.array([[z.real, -z.imag, s.real], [z.imag, z.real, s.imag]], np.float64)
        for z, s in ((turn[some[i]], shift[some[i]]) for i in order)
    ]


def _refine(
    matrix: npt.NDArray[np.float64], here: Floats, there: Floats
) -> tuple[npt.NDArray[np.float64] | None, int]:
    """Fit an affine map to the matches that agree, more and more strictly."""
    homogeneous = np.column_stack([there, np.ones(len(there))]).astype(np.float64)
    for step, tolerance in enumerate((_TOLERANCES[0] * 2, *_TOLERANCES)):
        off = np.hypot(*(homogeneous @ matrix.T - here).T)
        agreeing = off < tolerance
        if agreeing.sum() < max(FEWEST, 3):
            return None, 0
        if step < len(_TOLERANCES):
            fitted = affine_fit(homogeneous[agreeing], here[agreeing].astype(np.float64))
            if fitted is None:
                return None, 0
            matrix = fitted
    return (matrix, int(agreeing.sum())) if _sensible(matrix) else (None, 0)


def affine_fit(
    there: npt.NDArray[np.float64], here: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    """The affine map, (2, 3), that takes places (n, 3), the last value 1, nearest to others (n, 2): least squares.

    Its three equations are solved as they are, many times as fast as by a decomposition of all places. None if the
    places lie on a line.
    """
    try:
        return np.asarray(np.linalg.solve(there.T @ there, there.T @ here).T, np.float64)
    except np.linalg.LinAlgError:
        return None


def _sensible(matrix: npt.NDArray[np.float64]) -> bool:
    """Whether a map neither shrinks nor stretches a picture out of recognition."""
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(small > 1 / _LARGEST_SCALE and large < _LARGEST_SCALE and large / small < _LARGEST_STRETCH)
