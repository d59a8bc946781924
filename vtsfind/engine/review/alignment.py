"""Two photos in one frame: alignment by the evidence of their comparison, difference, and sharpness."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Box, Evidence

if TYPE_CHECKING:
    from vtsfind.media.shot_quality import ShotQuality

Pixels = npt.NDArray[np.uint8]

_PADDING_GREY = 24
"""Grey of the part of a frame that a picture does not show."""
_MAX_SHOWN_DIFFERENCE = 96.0
"""Difference, of 255, that is drawn brightest."""
_VISIBLE_DIFFERENCE = 24
"""Difference, of 255, that is visible beside compression noise."""
_HEATMAP_COLOURS = np.array(
    [[14, 16, 26], [72, 22, 104], [206, 62, 78], [252, 176, 64], [255, 252, 220]], np.float64
)
_SHARPNESS_SIDE_PX = 1024
"""Pixels of the longer side at which sharpness is compared, at most."""


def apply_orientation(pixels: Pixels, turn: int) -> Pixels:
    """Rotate and mirror a picture by an EXIF orientation (1 to 8)."""
    if turn in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if turn in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if turn in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def orient_box(box: Box, turn: int) -> Box:
    """Where a box of a picture lies after `apply_orientation`."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if turn in {5, 6, 7, 8}:
        left, top, right, bottom = top, left, bottom, right
    if turn in {2, 3, 6, 7}:
        left, right = 1 - right, 1 - left
    if turn in {3, 4, 7, 8}:
        top, bottom = 1 - bottom, 1 - top
    return Box(left, top, right, bottom)


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """Two pictures in one frame."""

    first: Pixels
    """(h, w, 3)."""
    second: Pixels
    """(h, w, 3)."""
    shared: Box
    """The part of the frame that both show."""


def aligned(first: Pixels, second: Pixels, evidence: Evidence, longest: int = 1400) -> AlignedPair:
    """Bring two pictures into one frame by the evidence of their comparison.

    Parameters
    ----------
    first, second
        (h, w, 3) uint8 of any size; `evidence` is of the pair in this order.
    evidence
        The orientation of the second, and the part of the wider picture that the other one shows.
    longest
        The longer side of the frame in pixels, at most.
    """
    second = apply_orientation(second, evidence.turn)
    box = evidence.box
    if box is not None and evidence.boxed == 1:
        box = orient_box(box, evidence.turn)
    if box is None or evidence.boxed is None:
        height, width = fitted_size(max((first, second), key=lambda each: each.size), longest)
        whole = Box(0.0, 0.0, 1.0, 1.0)
        return AlignedPair(resized(first, height, width), resized(second, height, width), whole)
    wide, narrow = (first, second) if evidence.boxed == 0 else (second, first)
    height, width = fitted_size(wide, longest)
    frame = resized(wide, height, width)
    placed = np.full_like(frame, _PADDING_GREY)
    top, bottom = _pixel_span(box.top, box.bottom, height)
    left, right = _pixel_span(box.left, box.right, width)
    placed[top:bottom, left:right] = resized(narrow, bottom - top, right - left)
    pair = (frame, placed) if evidence.boxed == 0 else (placed, frame)
    return AlignedPair(*pair, box)


def difference(pair: AlignedPair) -> Pixels:
    """A heat map (h, w, 3) of the difference of two aligned pictures; black where only one shows anything."""
    gap = np.abs(pair.first.astype(np.int16) - pair.second).max(axis=2).astype(np.float32)
    strength = np.clip(gap / _MAX_SHOWN_DIFFERENCE, 0, 1) ** 0.7
    place = strength * (len(_HEATMAP_COLOURS) - 1)
    lower = np.minimum(place.astype(np.int64), len(_HEATMAP_COLOURS) - 2)
    share = (place - lower)[..., None]
    heat: Pixels = (_HEATMAP_COLOURS[lower] * (1 - share) + _HEATMAP_COLOURS[lower + 1] * share).astype(
        np.uint8
    )
    height, width = gap.shape
    top, bottom = _pixel_span(pair.shared.top, pair.shared.bottom, height)
    left, right = _pixel_span(pair.shared.left, pair.shared.right, width)
    shown = np.zeros_like(heat)
    shown[top:bottom, left:right] = heat[top:bottom, left:right]
    return shown


def differing_share(pair: AlignedPair) -> float:
    """The share, 0 to 1, of the pixels shown by both in which two aligned pictures differ visibly."""
    height, width = pair.first.shape[:2]
    rows = slice(*_pixel_span(pair.shared.top, pair.shared.bottom, height))
    columns = slice(*_pixel_span(pair.shared.left, pair.shared.right, width))
    gap = np.abs(pair.first[rows, columns].astype(np.int16) - pair.second[rows, columns]).max(axis=2)
    return float((gap > _VISIBLE_DIFFERENCE).mean())


def shared_boxes(evidence: Evidence) -> tuple[Box, Box]:
    """The part of each of two pictures that the other shows too; the second in the orientation of the first."""
    whole = Box(0.0, 0.0, 1.0, 1.0)
    if evidence.box is None or evidence.boxed is None:
        return whole, whole
    return (evidence.box, whole) if evidence.boxed == 0 else (whole, orient_box(evidence.box, evidence.turn))


def shared_parts(first: Pixels, second: Pixels, evidence: Evidence) -> tuple[Pixels, Pixels]:
    """The part of each of two unaligned pictures that the other shows too."""
    box = evidence.box
    if box is None or evidence.boxed is None:
        return first, second
    wide = (first, second)[evidence.boxed]
    height, width = wide.shape[:2]
    inner = wide[
        slice(*_pixel_span(box.top, box.bottom, height)), slice(*_pixel_span(box.left, box.right, width))
    ]
    return (inner, second) if evidence.boxed == 0 else (first, inner)


def sharpness(first: Pixels, second: Pixels) -> tuple[float, float]:
    """The sharpness of two pictures at the size of the smaller: the mean absolute gradient, in grey levels."""
    longest = min(_SHARPNESS_SIDE_PX, max(first.shape), max(second.shape))
    return _mean_gradient(first, longest), _mean_gradient(second, longest)


def rated_shot(pixels: Pixels, longest: int) -> "ShotQuality":
    """How good a shot is, by a picture of it; `longest` is the longer side of the photo at full size, in pixels."""
    from vtsfind.media.shot_quality import shot_quality

    return shot_quality(pixels, longest)


def _mean_gradient(pixels: Pixels, longest: int) -> float:
    grey = resized(pixels, *fitted_size(pixels, longest)).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize a picture: by area means where it shrinks, linearly where it grows."""
    return _resize_axis(_resize_axis(pixels, height, 0), width, 1)


def _resize_axis(pixels: Pixels, size: int, axis: int) -> Pixels:
    own = pixels.shape[axis]
    if own == size:
        return pixels
    shape = [1, 1, 1]
    shape[axis] = size
    if size < own:
        starts = np.arange(size) * own // size
        counts = np.diff([*starts.tolist(), own]).reshape(shape)
        sums = np.add.reduceat(pixels, starts, axis=axis, dtype=np.uint32)
        means: Pixels = ((sums + counts // 2) // counts).astype(np.uint8)
        return means
    places = np.clip((np.arange(size) + 0.5) * own / size - 0.5, 0, own - 1)
    lower = places.astype(np.int64)
    upper = np.minimum(lower + 1, own - 1)
    share = (places - lower).astype(np.float32).reshape(shape)
    mixed = np.take(pixels, lower, axis) * (1 - share) + np.take(pixels, upper, axis) * share
    return np.asarray(mixed + 0.5, np.uint8)


def fitted_size(pixels: Pixels, longest: int) -> tuple[int, int]:
    """Height and width of a picture scaled down to a longer side of at most `longest` pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _pixel_span(start: float, end: float, size: int) -> tuple[int, int]:
    first = min(max(0, round(start * size)), size - 1)
    return first, max(first + 1, min(size, round(end * size)))
