"""The best of several shots of one scene, suggested by sharpness and exposure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.engine.previews.decode import Pixels
from vtsfind.engine.review.alignment import fitted_size, resized

_MAX_SIDE_PX = 1024
"""The longer side that shots are rated at, in pixels, at most."""
_SCALE = 0.5
"""Shots are rated at half their size: the noise of JPEG files is averaged out (it made up to 17 % of the gradient, then 5 %)."""
_BLOCK_PX = 32
_SHARPEST_SHARE = 0.25
"""Share of the blocks whose mean gradient counts: the subject, where the background is out of focus."""
_WHITE, _BLACK = 250, 5
"""Grey levels from which, and up to which, a pixel has lost its detail."""
_CLIPPING_WEIGHT = 2.0
"""Loss of score for each share of pixels that lost detail beyond the best exposed shot: 5 % count as 10 % of sharpness."""
_CLEAR_LEAD = 0.03
"""Lead in score from which one shot is clearly better: JPEG quality 92 instead of 95 makes up to 1 %."""
_NOTABLE_CLIPPING = 0.01


@dataclass(frozen=True, slots=True)
class ShotQuality:
    """How good a shot is, comparable only with other shots of the same scene."""

    sharpness: float
    """Mean absolute gradient of its sharpest quarter, in grey levels a pixel."""
    white: float
    """Share of the pixels that are white, 0 to 1."""
    black: float
    """Share of the pixels that are black, 0 to 1."""


@dataclass(frozen=True, slots=True)
class BestShot:
    """The suggested shot of a group."""

    best: int | None
    """Its index; None if no shot is clearly better than the others."""
    reasons: tuple[str, ...]
    """For each shot, why it is suggested, or what is worse about it."""


def shot_quality(pixels: Pixels) -> ShotQuality:
    """Rate a picture, (h, w, 3) uint8, of the size that is to be rated."""
    side = min(_MAX_SIDE_PX, max(1, round(_SCALE * max(pixels.shape[:2]))))
    grey = resized(pixels, *fitted_size(pixels, side)).mean(axis=2, dtype=np.float32)
    return ShotQuality(_sharpness(grey), float((grey >= _WHITE).mean()), float((grey <= _BLACK).mean()))


def _sharpness(grey: npt.NDArray[np.float32]) -> float:
    """The mean absolute gradient of the sharpest blocks; 0 for a picture of one line."""
    if min(grey.shape) < 2:
        return 0.0
    gradient = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    blocks = np.sort(_block_means(gradient).ravel())
    count = max(1, round(_SHARPEST_SHARE * len(blocks)))
    return float(blocks[-count:].mean())


def _block_means(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The means of square blocks; the rest at the right and the bottom is left out, unless there is nothing else."""
    height, width = (max(1, side // _BLOCK_PX) for side in values.shape)
    side_y, side_x = min(_BLOCK_PX, values.shape[0]), min(_BLOCK_PX, values.shape[1])
    cut = values[: height * side_y, : width * side_x]
    means: npt.NDArray[np.float32] = cut.reshape(height, side_y, width, side_x).mean(axis=(1, 3))
    return means


def best_shot(qualities: Sequence[ShotQuality | None]) -> BestShot:
    """Choose the best of several shots.

    Parameters
    ----------
    qualities
        The rating of each shot; None for one that cannot be read.
    """
    rated = [quality for quality in qualities if quality]
    if not rated:
        return BestShot(None, ("",) * len(qualities))
    sharpest = max(quality.sharpness for quality in rated) or 1.0
    least_clipped = min(quality.white + quality.black for quality in rated)
    scores = [
        quality.sharpness / sharpest - _CLIPPING_WEIGHT * (quality.white + quality.black - least_clipped)
        if quality
        else -np.inf
        for quality in qualities
    ]
    order = np.argsort(scores, kind="stable")[::-1]
    first = int(order[0])
    is_clear = len(rated) > 1 and scores[first] - scores[int(order[1])] >= _CLEAR_LEAD
    reference = qualities[first]
    assert reference
    reasons = [_reason(quality, reference) if quality else "" for quality in qualities]
    if is_clear:
        reasons[first] = _merits(reference, [quality for quality in rated if quality is not reference])
    return BestShot(first if is_clear else None, tuple(reasons))


def _reason(shot: ShotQuality, best: ShotQuality) -> str:
    """What is worse about a shot than about the best one."""
    parts = []
    share = shot.sharpness / (best.sharpness or 1.0)
    if share < 1 - _CLEAR_LEAD:
        parts.append(f"less sharp ({100 * share:.0f}%)")
    if shot.white - best.white >= _NOTABLE_CLIPPING:
        parts.append(f"{100 * shot.white:.0f}% is blown out")
    if shot.black - best.black >= _NOTABLE_CLIPPING:
        parts.append(f"{100 * shot.black:.0f}% is black")
    return ", ".join(parts) or "as sharp and as well exposed as the best"


def _merits(best: ShotQuality, others: Sequence[ShotQuality]) -> str:
    """Why a shot is the best."""
    parts = []
    if best.sharpness * (1 - _CLEAR_LEAD) > max(other.sharpness for other in others):
        parts.append("sharpest")
    if best.white + best.black + _NOTABLE_CLIPPING <= min(other.white + other.black for other in others):
        parts.append("best exposed")
    return " and ".join(parts) or "best in sharpness and exposure together"
