"""Whether two photos that show the same differ in some part after all, seen at the finest scale that both have.

A verdict rests on small pictures, in which a digit or a far face is less than a pixel. Here all pixels are compared, of brightness
and of both colours: the finer photo is laid on the coarser one, given its tones, and subtracted. Compression, scaling and noise
leave more where there is more texture, but about as much at all places of like texture, and it cancels out over a few pixels. So a
part differs if the mean difference over a small window is many times what it is elsewhere in these two pictures. What is large is seen in the small pictures already.

Where one was saved as JPEG from the other, its tables say exactly what compression did: the other one, compressed in the same way,
takes the place of the usual difference. If that is the copy to the last bit but for a few places, these were changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Difference
from vtsfind.find.features.features import Floats, Pixels
from vtsfind.find.threads import opencv
from vtsfind.find.verification.block_grid import BLOCK_PX, Blocks, block_shifts, block_statistics
from vtsfind.find.verification.explained import Explained, FullPicture, explained
from vtsfind.find.verification.overlay import BLUR_SIGMA_PX, MIN_TEXTURE_VARIANCE, blurred
from vtsfind.find.verification.photometry import fit_tone_curve
from vtsfind.find.verification.quantiles import median, quantile
from vtsfind.find.verification.registration import Matrix, affine_fit
from vtsfind.find.verification.replaced import is_replaced

MAX_COMPARED_PX = 1 << 24
"""Larger pictures are compared at this many pixels, so that memory suffices."""
MAX_EXCESS = 10.0
"""How many times the usual difference at places of like texture one place may differ. Of 150 photos, saved again as JPEG
of quality 30 to 95, 6 exceed it, of 150 resized by any filter 17, and of 150 squares of 2 % of the side from another photo 98 in 100."""
MIN_EXCESS_OF_TEXTURED = 4.0
"""How many times the usual difference at places of the larger of both textures it must be as well. Of 320 WebP copies of photos 10 are lost
without, 6 with this limit, of 320 resized ones 13 and 4; of squares of other colours it costs 1 in 160.
"""
MIN_USUAL_LEVELS = 0.5
"""What rounding leaves: no smaller difference is the usual one."""

_WINDOWS_PX = (3, 5)
"""Sides of the squares over which a difference is averaged: the stroke of a digit, and twice that."""
_TEXTURE_WINDOW_PX = 9
"""Side of the square around a pixel that tells how much texture is there: about a block of JPEG."""
_CLASSES_PER_OCTAVE = 2
"""Classes for each doubling of the texture."""
_TEXTURE_CLASSES = 8 * _CLASSES_PER_OCTAVE
"""Eight doublings, from 1 level of 255 on."""
_USUAL_SHARE = 0.75
"""Of the differences in a class that are no larger than the usual one: a quarter of it may differ, and this is still the rest's."""
_MIN_CLASS_SAMPLES = 50
"""Samples without which a class has no usual difference of its own."""
_SAMPLES = 40_000
"""Pixels that the usual differences and the tones are taken from."""
_NEAR_TONES = 9
"""Levels that count as about one tone."""
_SURE_SAMPLES = 200
"""Samples of about a tone from which on they count more than that most tones are as they were: a curve of few samples is wrong by up to
25 levels, which costs true copies."""
_MARGIN_PX = 3
"""What is left out at the edges, where windows see beyond the picture and scaling rounds."""
_INNER = np.s_[_MARGIN_PX:-_MARGIN_PX, _MARGIN_PX:-_MARGIN_PX]
_STRIP_ROWS = 128
"""Rows that are measured at once: arrays of a whole picture do not fit the processor's cache."""
_HALO_ROWS = max(*_WINDOWS_PX, _TEXTURE_WINDOW_PX) // 2
"""Rows beside them that their windows see."""
_REGISTERED_PX = 1 << 20
"""Pixels at which the place of one picture on the other is measured."""
_MIN_CORRELATION = 0.6
"""Of a block with its counterpart, below which it says nothing of the place. Of 320 copies that were trimmed by
up to 3 pixels, turned or bent a little 58 are lost without this limit, and 47 with it."""
_MIN_BLOCKS = 8
"""Blocks from which a place is known: an affine map needs three."""
_FITS = 3
"""Times that the map is fitted, each without the blocks that the one before does not fit."""
_MAX_RESIDUAL_RATIO = 1.5
"""How far off a block may be, in medians of all."""
_EXACT_PX = 0.08
"""Pixels by which no picture is moved: interpolation would cost more than it mends."""


Classes = npt.NDArray[np.uint8]


def difference(first: FullPicture, second: FullPicture, turn: int) -> Difference:
    """What two pictures that lie frame on frame differ in by more than compression, scaling and noise explain.

    `turn` is the EXIF orientation that aligns the second with the first.
    """
    pair = explained(first, second, turn)
    channels = _laid_channels(pair)
    target, source = next(channels)
    curve = _tone_curve(target, source)
    excesses = _excesses(target, source, curve)
    if _largest(excesses) <= MAX_EXCESS:
        is_part = _largest_of(channels) > MAX_EXCESS or pair.is_changed_in_one_place
        return Difference.PART if is_part else Difference.NONE
    changed = np.zeros(target.shape, bool)
    changed[_INNER] = excesses[0] > MAX_EXCESS
    toned = opencv().LUT(source, curve[:, None])
    return Difference.REPLACED if is_replaced(target, toned, changed) else Difference.PART


def largest_excess(first: FullPicture, second: FullPicture, turn: int) -> float:
    """How many times the usual difference the largest one is."""
    return _largest_of(_laid_channels(explained(first, second, turn)))


def _laid_channels(pair: Explained) -> Iterator[tuple[Pixels, Pixels]]:
    """The two, (h, w) uint8 each, laid on each other: their brightness, then each colour at half the size."""
    cv2 = opencv()
    target, source = (
        cv2.cvtColor(each, cv2.COLOR_RGB2YCrCb) for each in _in_one_size(pair.target, pair.source)
    )
    source = _laid(target, source)
    yield np.ascontiguousarray(target[..., 0]), np.ascontiguousarray(source[..., 0])
    half = tuple(side // 2 for side in target.shape[1::-1])
    for channel in (1, 2):
        one, other = (
            cv2.resize(each[..., channel], half, interpolation=cv2.INTER_AREA) for each in (target, source)
        )
        yield one, other


def _largest_of(channels: Iterable[tuple[Pixels, Pixels]]) -> float:
    return max(_largest(_excesses(*each, _tone_curve(*each))) for each in channels)


def _largest(excesses: Sequence[Floats]) -> float:
    return max(float(each.max(initial=0)) for each in excesses)


def _in_one_size(first: Pixels, second: Pixels) -> tuple[Pixels, Pixels]:
    height, width = (min(sides) for sides in zip(first.shape[:2], second.shape[:2], strict=True))
    scale = min(1.0, float(np.sqrt(MAX_COMPARED_PX / (width * height))))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    resized = (
        each if each.shape[1::-1] == size else opencv().resize(each, size, interpolation=opencv().INTER_AREA)
        for each in map(np.ascontiguousarray, (first, second))
    )
    one, other = resized
    return one, other


def _laid(target: Pixels, source: Pixels) -> Pixels:
    """Lay a picture on another one of its size, from which it is off by little."""
    cv2 = opencv()
    height, width = target.shape[:2]
    scale = min(1.0, float(np.sqrt(_REGISTERED_PX / (width * height))))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = (
        blurred(
            cv2.resize(each[..., 0], size, interpolation=cv2.INTER_AREA).astype(np.float32), BLUR_SIGMA_PX
        )
        for each in (target, source)
    )
    correction = _correction(*small)
    if correction is None:
        return source
    correction = correction * np.array([[1, 1, 1 / scale], [1, 1, 1 / scale]])
    corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)
    off = float(np.abs(corners @ correction[:, :2].T + correction[:, 2] - corners).max())
    if off <= _EXACT_PX:
        return source
    laid: Pixels = cv2.warpAffine(
        source, correction, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return laid


def _correction(target: Floats, source: Floats) -> Matrix | None:
    """The affine map, (2, 3), that takes most blocks of the source to their places; None if there are too few."""
    blocks = block_statistics(Blocks.of(target), Blocks.of(source))
    shifts, known = block_shifts(blocks)
    rows, columns = np.nonzero(
        known & (blocks.texture > MIN_TEXTURE_VARIANCE) & (blocks.correlation > _MIN_CORRELATION)
    )
    places = np.column_stack([(columns + 0.5) * BLOCK_PX, (rows + 0.5) * BLOCK_PX, np.ones(len(rows))])
    wanted = shifts[rows, columns].astype(np.float64)
    kept = np.ones(len(rows), bool)
    fitted: Matrix | None = None
    for _ in range(_FITS):
        fitted = affine_fit(places[kept], wanted[kept]) if kept.sum() >= _MIN_BLOCKS else None
        if fitted is None:
            return None
        residuals = np.hypot(*(wanted - places @ fitted.T).T)
        kept = residuals <= median(residuals) * _MAX_RESIDUAL_RATIO
    return None if fitted is None else fitted + np.array([[1, 0, 0], [0, 1, 0]])


def _excesses(target: Pixels, source: Pixels, curve: Floats) -> list[Floats]:
    """How many times the usual difference that of each pixel but those at the edges is, in one channel, for each window.

    `curve` has the tone of the target for each of the source.

    What is in one of the pictures only must not make its own place one of much texture: the lesser of both textures counts. But
    compression takes away what is faint: what is too much must stand out beside places of the larger texture, too.
    """
    if min(target.shape) <= 2 * _MARGIN_PX:
        return [np.zeros((0, 0), np.float32)]
    lesser, greater, *differences = _measured(target, source, curve)
    return [_excess(each, lesser, greater) for each in differences]


def _excess(difference: Floats, lesser: Classes, greater: Classes) -> Floats:
    """How many times the usual difference each one is, from the classes of the lesser and of the greater texture."""
    excess: Floats = difference * opencv().LUT(lesser, 1 / _usual(difference, lesser))
    is_unusual = excess > MAX_EXCESS
    if is_unusual.any():
        usual = _usual(difference[~is_unusual], greater[~is_unusual])
        is_faint = difference[is_unusual] <= MIN_EXCESS_OF_TEXTURED * usual[greater[is_unusual]]
        excess[is_unusual] = np.where(is_faint, np.float32(MAX_EXCESS), excess[is_unusual])
    return excess


def _measured(target: Pixels, source: Pixels, curve: Floats) -> list[npt.NDArray[Any]]:
    """Of each pixel but those at the edges what `_of_strip` tells, (h, w) each."""
    measured: list[npt.NDArray[Any]] = [
        np.empty(target.shape, each) for each in (np.uint8, np.uint8, *(np.float32 for _ in _WINDOWS_PX))
    ]
    for top in range(0, len(target), _STRIP_ROWS):
        own = np.s_[top : top + _STRIP_ROWS]
        above = min(top, _HALO_ROWS)
        seen = np.s_[top - above : top + _STRIP_ROWS + _HALO_ROWS]
        within = np.s_[above : above + len(target[own])]
        for whole, part in zip(measured, _of_strip(target[seen], source[seen], curve), strict=True):
            whole[own] = part[within]
    return [each[_INNER] for each in measured]


def _tone_curve(target: Pixels, source: Pixels) -> Floats:
    """The tone of the target for each of the source, (256,); the same one where there is too little of it to tell."""
    step = max(1, target.size // _SAMPLES)
    tones, wanted = (each.ravel()[::step] for each in (source, target))
    curve = fit_tone_curve(tones.astype(np.float32), wanted.astype(np.float32))
    near = np.convolve(np.bincount(tones, minlength=256), np.ones(_NEAR_TONES), "same")
    levels = np.arange(256)
    return np.asarray(levels + (curve - levels) * near / (near + _SURE_SAMPLES), np.float32)


def _of_strip(target: Pixels, source: Pixels, curve: Floats) -> Iterator[npt.NDArray[Any]]:
    """Of each pixel the class of the lesser texture and of the greater, (h, w) uint8, then its difference over each window, (h, w) float32."""
    cv2 = opencv()
    toned: Floats = cv2.LUT(source, curve[:, None])
    wanted = target.astype(np.float32)
    textures = _deviation(wanted), _deviation(toned)
    for either in (np.minimum, np.maximum):
        octaves = np.log2(either(*textures) + 1) * _CLASSES_PER_OCTAVE
        yield np.minimum(octaves, _TEXTURE_CLASSES - 1).astype(np.uint8)
    residual = wanted - toned
    for window in _WINDOWS_PX:
        yield np.abs(cv2.blur(residual, (window, window)))


def _deviation(picture: Floats) -> Floats:
    """The standard deviation around each pixel."""
    window = _TEXTURE_WINDOW_PX, _TEXTURE_WINDOW_PX
    mean = opencv().blur(picture, window)
    return np.asarray(np.sqrt(np.maximum(opencv().blur(picture * picture, window) - mean * mean, 0)))


def _usual(differences: Floats, classes: Classes) -> Floats:
    """The usual difference in each class of texture, (256,); more texture makes no less usual."""
    step = max(1, differences.size // _SAMPLES)
    of_class, sampled = classes.ravel()[::step], differences.ravel()[::step]
    usual = np.full(_TEXTURE_CLASSES, MIN_USUAL_LEVELS)
    ends = np.cumsum(np.bincount(of_class, minlength=_TEXTURE_CLASSES))
    for number, own in enumerate(np.split(sampled[np.argsort(of_class, kind="stable")], ends[:-1])):
        if len(own) >= _MIN_CLASS_SAMPLES:
            usual[number] = max(MIN_USUAL_LEVELS, float(quantile(own, _USUAL_SHARE)))
    return np.resize(np.maximum.accumulate(usual).astype(np.float32), 256)
