"""Which plane map, if any, carries one photo's local features onto another's.

Features are matched both ways (each other's nearest, and clearly nearer than the second nearest). A match of two SIFT
features alone says how to turn, scale and shift one picture onto the other, so every match is tried as such a hypothesis;
those with the most matches in agreement are refined to affine maps by least squares. A homography grown from the best of them
takes its place where clearly more matches agree with it: a photo of a print, a corrected building. Nothing is random.

Mirrored pictures need no features of their own: mirroring reorders the values of a SIFT descriptor.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Features, Floats, LocalFeatures
from vtsfind.find.threads import opencv

Matrix = npt.NDArray[np.float64]

MIN_MATCHES = 6
"""Matches in agreement below which no map is believed."""
_MIN_COARSE_MATCHES = 4
"""Coarse matches in agreement below which no closer look is taken: three always agree on an affine map. Of 396 pairs of photos of other
things one has as many."""
_FEW_COARSE_POINTS = 20
"""A thumbnail of 100 pixels has about as many coarse features. Of 150 photos of 480 pixels and more none has fewer than 52."""
_CONCLUSIVE_INLIERS = 40
"""Matches in agreement that leave no doubt about the mirror state."""
_ENOUGH_INLIERS = 15
"""Matches in agreement from which on it is not asked whether more coarse ones agree."""
_LOWE_RATIO = 0.8
_MAX_HYPOTHESES = 150
_MAX_REFINED_HYPOTHESES = 4
_EARLY_STOP_INLIER_SHARE = 0.9
_TOLERANCES_PX = (9.0, 5.0, 3.0, 2.5)
_OUTLIER_MAX_LOG_SCALE = 0.25
_OUTLIER_MAX_ANGLE_DEGREES = 20.0
_OUTLIER_MIN_OFFSET_PX = 4.0
_OUTLIER_MAX_OFFSET_PX = 48.0
_HOMOGRAPHY_TOLERANCES_PX = (14.0, 10.0, 7.0, 5.0, 4.0, 3.0)
"""A homography is fitted to the matches within these of it, one after the other, so that it grows from where it began."""
_MIN_HOMOGRAPHY_MATCHES = 12
"""Eight unknowns need four matches; three times as many leave a fit that one wrong match can't turn."""
_MIN_HOMOGRAPHY_GAIN = 1.12
_MIN_HOMOGRAPHY_EXTRA_MATCHES = 3
_MIN_DEPTH_RATIO = 0.25
"""The far side of a photographed print is at most four times as far as the near one."""
_MIRROR = np.diag([-1.0, 1.0, 1.0])
_MAX_SCALE = 10.0
_MAX_ANISOTROPY = 2.2

# A descriptor is 4 rows x 4 columns x 8 directions, in the frame of the feature: mirroring turns the rows and the directions over.
_MIRRORED_DESCRIPTOR_ORDER = np.arange(128).reshape(4, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].ravel()
_MIRRORED_ORDER = np.append(_MIRRORED_DESCRIPTOR_ORDER, [128, 129])
"""The same for the columns of `LocalFeatures.distance_factors`."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How the second small picture lies on the first."""

    matrix: Matrix
    """(3, 3): takes a place in the second picture, in pixels and homogeneous, to the first."""
    inliers: int
    """Matches that agree."""
    matches: int
    """All matches, in this mirror state."""
    outliers: int = 0
    """Matches of equal size and direction that lie off their place, but near it: of things that moved."""


def project(matrix: Matrix, points: Matrix) -> Matrix:
    """Where a map, (3, 3), takes places, (n, 2)."""
    homogeneous = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def align(first: Features, second: Features) -> Alignment | None:
    """Find the plane map under which most local features agree, or None.

    Letters and edges that were added can be all of the strongest features of a picture; then more of the coarse ones agree.
    """
    fine = _align(first.local, second.local, second)
    if fine and fine.inliers >= _ENOUGH_INLIERS:
        return fine
    coarse = _align(first.coarse, second.coarse, second)
    return max((each for each in (fine, coarse) if each), key=lambda each: each.inliers, default=None)


def may_align(first: Features, second: Features) -> bool:
    """Whether some coarse local features agree on a plane map, or are too few to tell, so that a closer look is worth its time."""
    if min(len(each.coarse.packed_points) for each in (first, second)) < _FEW_COARSE_POINTS:
        return True
    matched = (_matched_points(first.coarse, second.coarse, mirrored=mirrored) for mirrored in (False, True))
    return any(_affine_map(*points, _MIN_COARSE_MATCHES)[0] is not None for points in matched)


def _align(first: LocalFeatures, second: LocalFeatures, photo: Features) -> Alignment | None:
    best: Alignment | None = None
    for mirrored in (False, True):
        found = _align_mirror_state(first, second, photo, mirrored=mirrored)
        if found and (best is None or found.inliers > best.inliers):
            best = found
        if best and best.inliers >= _CONCLUSIVE_INLIERS:
            break
    return best


def _align_mirror_state(
    first: LocalFeatures, second: LocalFeatures, photo: Features, *, mirrored: bool
) -> Alignment | None:
    target_points, source_points = _matched_points(first, second, mirrored=mirrored)
    best, count = _affine_map(target_points, source_points, MIN_MATCHES)
    if best is None:
        return None
    outliers = _count_outliers(best, target_points, source_points)
    matrix, inliers = _homography(best, target_points[:, :2], source_points[:, :2], photo, mirrored=mirrored)
    if mirrored:
        matrix = matrix @ _MIRROR
    return Alignment(matrix, max(count, inliers), len(target_points), outliers)


def _matched_points(first: LocalFeatures, second: LocalFeatures, *, mirrored: bool) -> tuple[Floats, Floats]:
    """The points, (n, 4) each, of features that match, those of the second picture as in its mirror image if that is asked."""
    rows, columns = _mutual_matches(first, second, mirrored=mirrored)
    target_points, source_points = first.points[rows], second.points[columns]
    if mirrored:
        source_points = source_points * np.array([-1, 1, 1, -1], np.float32) + np.array(
            [0, 0, 0, 180], np.float32
        )
    return target_points, source_points


def _affine_map(target_points: Floats, source_points: Floats, least: int) -> tuple[Matrix | None, int]:
    """The affine map, (2, 3), with which most matches agree, and how many; None if they are fewer than asked for."""
    best, best_count = None, least - 1
    if len(target_points) < least:
        return best, best_count
    for hypothesis in _hypotheses(target_points, source_points):
        matrix, count = _refine(hypothesis, target_points[:, :2], source_points[:, :2], least)
        if matrix is not None and count > best_count:
            best, best_count = matrix, count
        if best_count > _EARLY_STOP_INLIER_SHARE * len(target_points):
            break
    return best, best_count


def _homography(
    affine: Matrix, target_points: Floats, source_points: Floats, photo: Features, *, mirrored: bool
) -> tuple[Matrix, int]:
    """Grow a homography from an affine map; gives the affine map, as (3, 3), where it explains as much."""
    targets, sources = target_points.astype(np.float64), source_points.astype(np.float64)
    start: Matrix = np.vstack([affine, [0.0, 0.0, 1.0]])
    agreeing_affine = _agreeing(start, targets, sources, _HOMOGRAPHY_TOLERANCES_PX[-1])
    enough = _MIN_HOMOGRAPHY_GAIN * agreeing_affine.sum() + _MIN_HOMOGRAPHY_EXTRA_MATCHES
    if len(targets) <= enough:
        return start, 0
    matrix, fitted_to = start, np.zeros(len(targets), bool)
    for tolerance in _HOMOGRAPHY_TOLERANCES_PX:
        agreeing = _agreeing(matrix, targets, sources, tolerance)
        if agreeing.sum() < _MIN_HOMOGRAPHY_MATCHES:
            return start, 0
        if (agreeing == fitted_to).all():
            continue
        fitted_to = agreeing
        fitted, _ = opencv().findHomography(sources[agreeing], targets[agreeing], 0)
        if fitted is None:
            return start, 0
        matrix = fitted / fitted[2, 2]
    inliers = int(_agreeing(matrix, targets, sources, _HOMOGRAPHY_TOLERANCES_PX[-1]).sum())
    if inliers <= enough:
        return start, 0
    height, width = photo.picture.shape[:2]  # decoded for few pairs only
    if not _is_convex(matrix @ _MIRROR if mirrored else matrix, (width, height)):
        return start, 0
    return matrix, inliers


def _agreeing(matrix: Matrix, targets: Matrix, sources: Matrix, tolerance_px: float) -> npt.NDArray[np.bool_]:
    return np.asarray(np.hypot(*(project(matrix, sources) - targets).T) < tolerance_px)


def _is_convex(matrix: Matrix, frame: tuple[int, int]) -> bool:
    """Whether a map keeps the frame (width, height) of the second picture a convex four-sided figure of sane perspective."""
    width, height = frame
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    if depth.min() <= _MIN_DEPTH_RATIO * depth.max():
        return False
    landed = project(matrix, corners)
    edges = np.roll(landed, -1, 0) - landed
    turns = edges[:, 0] * np.roll(edges[:, 1], -1) - edges[:, 1] * np.roll(edges[:, 0], -1)
    return bool((turns > 0).all() or (turns < 0).all())


def _count_outliers(matrix: npt.NDArray[np.float64], target_points: Floats, source_points: Floats) -> int:
    """See `Alignment.outliers`."""
    projected = source_points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    residuals = np.hypot(*(projected - target_points[:, :2]).T)
    scale = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    log_scale = np.log(target_points[:, 2] / np.maximum(source_points[:, 2] * scale, 1e-3))
    turn = np.rad2deg(np.arctan2(matrix[1, 0] - matrix[0, 1], matrix[0, 0] + matrix[1, 1]))
    angle = (target_points[:, 3] - source_points[:, 3] - turn + 180) % 360 - 180
    consistent = (np.abs(log_scale) < _OUTLIER_MAX_LOG_SCALE) & (np.abs(angle) < _OUTLIER_MAX_ANGLE_DEGREES)
    return int(
        (
            consistent
            & (residuals > _OUTLIER_MIN_OFFSET_PX * max(1.0, scale))
            & (residuals < _OUTLIER_MAX_OFFSET_PX)
        ).sum()
    )


def _mutual_matches(
    first: LocalFeatures, second: LocalFeatures, *, mirrored: bool
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pairs of features that are each other's nearest by their descriptors, and much nearer than the next."""
    if len(first.descriptors) < 2 or len(second.descriptors) < 2:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    factors = second.distance_factors
    if mirrored:
        factors = factors[:, _MIRRORED_ORDER]
    squares = first.distance_terms @ factors.T  # whole numbers below 2^24: exact
    nearest = squares.argmin(1)
    rows = np.flatnonzero(squares.argmin(0)[nearest] == np.arange(len(squares)))
    columns = nearest[rows]
    mutual = squares[rows]
    closest = mutual[np.arange(len(rows)), columns]
    mutual[np.arange(len(rows)), columns] = np.inf
    kept = closest < _LOWE_RATIO**2 * mutual.min(1)
    return rows[kept], columns[kept]


def _hypotheses(target_points: Floats, source_points: Floats) -> list[npt.NDArray[np.float64]]:
    """Turn, scale and shift by each match alone; those that most matches agree with, best first."""
    scale = target_points[:, 2] / np.maximum(source_points[:, 2], 1e-3)
    angle = np.deg2rad(target_points[:, 3] - source_points[:, 3])
    turn = (scale * np.exp(1j * angle)).astype(np.complex64)
    p = (target_points[:, 0] + 1j * target_points[:, 1]).astype(np.complex64)
    q = (source_points[:, 0] + 1j * source_points[:, 1]).astype(np.complex64)
    shift = p - turn * q
    sampled = np.unique(np.linspace(0, len(p) - 1, min(len(p), _MAX_HYPOTHESES)).astype(int))
    residuals = np.abs(turn[sampled, None] * q[None] + shift[sampled, None] - p[None])
    # What is far from the match that guesses suffers most from its wrong angle.
    allowed = _TOLERANCES_PX[0] + 0.1 * np.abs(p[sampled, None] - p[None])
    agreeing = (residuals < allowed).sum(1)
    order = np.argsort(-agreeing, kind="stable")[:_MAX_REFINED_HYPOTHESES]
    return [
        np.array([[z.real, -z.imag, s.real], [z.imag, z.real, s.imag]], np.float64)
        for z, s in ((turn[sampled[i]], shift[sampled[i]]) for i in order)
    ]


def _refine(
    matrix: npt.NDArray[np.float64], target_points: Floats, source_points: Floats, least: int
) -> tuple[npt.NDArray[np.float64] | None, int]:
    """Fit an affine map to the matches that agree, more and more strictly."""
    homogeneous = np.column_stack([source_points, np.ones(len(source_points))]).astype(np.float64)
    for step, tolerance in enumerate((_TOLERANCES_PX[0] * 2, *_TOLERANCES_PX)):
        residuals = np.hypot(*(homogeneous @ matrix.T - target_points).T)
        agreeing = residuals < tolerance
        if agreeing.sum() < least:
            return None, 0
        if step < len(_TOLERANCES_PX):
            fitted = affine_fit(homogeneous[agreeing], target_points[agreeing].astype(np.float64))
            if fitted is None:
                return None, 0
            matrix = fitted
    return (matrix, int(agreeing.sum())) if _is_plausible(matrix) else (None, 0)


def affine_fit(
    source_points: npt.NDArray[np.float64], target_points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64] | None:
    """The affine map, (2, 3), that takes places (n, 3), the last value 1, nearest to others (n, 2): least squares.

    Its three equations are solved as they are, many times as fast as by a decomposition of all places. None if the
    places lie on a line.
    """
    try:
        return np.asarray(
            np.linalg.solve(source_points.T @ source_points, source_points.T @ target_points).T, np.float64
        )
    except np.linalg.LinAlgError:
        return None


def _is_plausible(matrix: npt.NDArray[np.float64]) -> bool:
    """Whether a map neither shrinks nor stretches a picture out of recognition."""
    large, small = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return bool(small > 1 / _MAX_SCALE and large < _MAX_SCALE and large / small < _MAX_ANISOTROPY)
