"""Whether a picture was enlarged: how likely that is, by what resampling leaves behind.

An enlargement has no detail above the highest frequency of its original, or only mirrored copies of lower ones, so its spectrum
leaves the power law of natural pictures (Field, "Relations between the statistics of natural images and the response properties
of cortical cells", 1987). Interpolated pixels also repeat their relation to the original ones with a fixed period, which the
second difference shows (Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", 2005). A logistic
regression weighs both; `benchmarks.fit_enlargement` fitted it.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from vtsfind.media.decode import Pixels

Floats = npt.NDArray[np.float64]

_CROP_PX: Final = 1024
"""Side of the middle of a picture that is looked at."""
_MIN_SIDE_PX: Final = 128
"""Shorter side of the smallest picture that counts as an enlargement."""
_MIN_LEVELS: Final = 4.0
"""Standard deviation, in levels of 255, below which a picture is too flat."""
_BANDS: Final = 64
_LAW_BANDS: Final = slice(6, 28)
"""The lower frequencies, to which a power law is fitted."""
_HIGH_BANDS: Final = (28, 34, 40, 46, 52, 58)
"""Where bands of six begin that are compared with the law."""
_TYPICAL_DROP: Final = 0.35
"""Decades by which the highest frequencies of JPEG files lie below the law."""
_LOWEST_PERIODIC: Final = 0.12
_BLOCKS_PER_CYCLE: Final = 8
"""JPEG blocks leave peaks at multiples of this part of the sampling frequency."""
_BLOCK_PEAK_WIDTH: Final = 0.06
_SMOOTHED: Final = 17
"""Length of the mean that is taken off the differences."""
_WEIGHTS: Final = np.array([
    1.18, 2.3226, 0.2078, -11.6652, 6.9844, -1.5372, -0.4055, 0.9544, -0.1903,
    -3.0736, 4.8386, 5.2384, -0.8261, -5.1247, 2.5039, 3.5544, -0.6919,
])  # fmt: skip
_BIAS: Final = -2.7864


def enlarged_probability(pixels: Pixels) -> float | None:
    """The probability, 0 to 1, that a picture (h, w, 3) in its full size was enlarged by 1.2 or more.

    0 for one that is too small to be an enlargement; None if it is flat.
    """
    if min(pixels.shape[:2]) < _MIN_SIDE_PX:
        return 0.0
    measured = traces(pixels)
    return None if measured is None else round(float(1 / (1 + np.exp(-(measured @ _WEIGHTS + _BIAS)))), 3)


def traces(pixels: Pixels) -> Floats | None:
    """What resampling may have left in a picture (h, w, 3) of 128 pixels or more a side, (17,); None if it is flat."""
    height, width = pixels.shape[:2]
    left, top = max(0, width - _CROP_PX) // 2, max(0, height - _CROP_PX) // 2
    grey = Image.fromarray(pixels[top : top + _CROP_PX, left : left + _CROP_PX]).convert("L")
    values: Floats = np.asarray(grey, np.float64)
    if values.std() < _MIN_LEVELS:
        return None
    axes = (values, values.T)
    spectrum = np.log10(np.mean([_spectrum(axis) for axis in axes], axis=0) + 1e-3)
    octaves = np.log10(np.arange(1, _BANDS + 1))
    slope, offset = np.polyfit(octaves[_LAW_BANDS], spectrum[_LAW_BANDS], 1)
    drop = slope * octaves + offset - spectrum
    bands = np.array([drop[first : first + 6].mean() for first in _HIGH_BANDS])
    (first, first_half), (second, second_half) = (_peaks(axis) for axis in axes)
    peaks = np.log([min(first, second), max(first, second), min(first_half, second_half)])
    off = min(abs(bands[-1] - _TYPICAL_DROP), 1.5)
    return np.concatenate([peaks, [_loss_ratio(grey)], bands, np.abs(np.diff(bands)), [off, slope]])


def _spectrum(values: Floats) -> Floats:
    """The power (64,) of the rows of a picture, up to half the sampling frequency."""
    windowed = (values - values.mean(1, keepdims=True)) * np.hanning(values.shape[1])
    power = (np.abs(np.fft.rfft(windowed, axis=1)) ** 2).mean(0)
    smooth = np.convolve(power, np.full(5, 0.2), "same")
    shares = np.linspace(0, 1, _BANDS + 1)[1:]
    return np.asarray(np.interp(shares, np.linspace(0, 1, len(power)), smooth))


def _peaks(values: Floats) -> tuple[float, float]:
    """How far the highest period of the rows' second differences stands out, and how far every second pixel does."""
    second = np.abs(values[:, 2:] - 2 * values[:, 1:-1] + values[:, :-2])
    columns = np.log(second.mean(0) + 0.1)
    padded = np.pad(columns, _SMOOTHED // 2, mode="reflect")
    columns -= np.convolve(padded, np.full(_SMOOTHED, 1 / _SMOOTHED), "valid")
    strength = np.abs(np.fft.rfft(columns * np.hanning(len(columns))))
    frequency = np.linspace(0, 0.5, len(strength))
    blocks = frequency * _BLOCKS_PER_CYCLE
    free = (frequency > _LOWEST_PERIODIC) & (np.abs(blocks - np.round(blocks)) > _BLOCK_PEAK_WIDTH)
    usual = np.median(strength[free]) + 1e-9
    half = strength[np.abs(frequency - 0.5) < 0.01].max()
    return float(strength[free].max() / usual), float(half / usual + 1e-3)


def _loss_ratio(grey: Image.Image) -> float:
    """What halving a picture loses, as a share of what quartering loses."""
    losses = []
    for factor in (2, 4):
        small = grey.resize((grey.width // factor, grey.height // factor), Image.Resampling.LANCZOS)
        back = np.asarray(small.resize(grey.size, Image.Resampling.BICUBIC), np.float64)
        losses.append(float(np.sqrt(((np.asarray(grey, np.float64) - back) ** 2).mean())))
    return losses[0] / max(losses[1], 0.5)
