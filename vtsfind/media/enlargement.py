"""Whether a picture was enlarged: how likely that is, by what resampling leaves behind.

An enlargement has no detail above the highest frequency of its original, or only mirrored copies of lower ones, so its spectrum
leaves the power law of natural pictures (Field, "Relations between the statistics of natural images and the response properties
of cortical cells", 1987). Interpolated pixels also repeat their relation to the original ones with a fixed period, which the
second difference shows (Gallagher, "Detection of linear and cubic interpolation in JPEG compressed images", 2005). A logistic
regression weighs both; `benchmarks.fit_enlargement` fitted it.
"""

from functools import cached_property
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from vtsfind.media.decode import Pixels

Floats = npt.NDArray[np.float64]

_CROP_PX: Final = 1024
"""Side of the middle of a picture that is looked at."""
_MIN_SIDE_PX: Final = 128
"""Shorter side of the smallest picture that counts as an enlargement."""
_MIN_DETAILED_SIDE_PX: Final = 96
"""Smallest side at which detail can be measured."""
_MIN_RMS_LEVELS: Final = 1.0
"""Resampling loss, in levels of 255, below which a picture is too flat to measure."""
_MIN_LOSS_RATIO: Final = 0.3
"""Smallest ratio of the losses of halving and quartering of a picture that was not enlarged.

Of 100 reduced photographs, saved as JPEG of quality 75 or not, none had less than 0.40; enlarged to twice their size they had
0.16 to 0.34, half of them less than 0.24.
"""
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


class Middle:
    """The middle of a picture in grey, and what comes back of it when it is reduced and enlarged again.

    Parameters
    ----------
    grey
        The middle.
    """

    def __init__(self, grey: Image.Image) -> None:
        self.grey = grey

    @classmethod
    def of(cls, pixels: Pixels) -> Self:
        """The middle of a picture (h, w, 3) in its full size."""
        height, width = pixels.shape[:2]
        left, top = max(0, width - _CROP_PX) // 2, max(0, height - _CROP_PX) // 2
        return cls(Image.fromarray(pixels[top : top + _CROP_PX, left : left + _CROP_PX]).convert("L"))

    @cached_property
    def from_half(self) -> Image.Image:
        """What comes back from half the size."""
        return self._from(2)

    @cached_property
    def from_quarter(self) -> Image.Image:
        """What comes back from a quarter of the size."""
        return self._from(4)

    def _from(self, factor: int) -> Image.Image:
        size = self.grey.width // factor, self.grey.height // factor
        small = self.grey.resize(size, Image.Resampling.LANCZOS)
        return small.resize(self.grey.size, Image.Resampling.BICUBIC)


def detail(middle: Middle) -> float | None:
    """The estimated original size of an enlarged picture, as a share of its size: 0.5 or 0.25; None if not enlarged.

    Halving a picture loses about as much as halving it again, because the objects of a scene have all sizes. If it loses
    hardly anything, the picture was enlarged, or has no more detail than an enlargement.
    """
    share = 1.0
    while share > 0.25 and min(middle.grey.size) >= _MIN_DETAILED_SIDE_PX:
        half, quarter = (
            _rms(middle.grey, each, np.float32) for each in (middle.from_half, middle.from_quarter)
        )
        if quarter < _MIN_RMS_LEVELS or half >= _MIN_LOSS_RATIO * quarter:
            break
        share /= 2
        size = middle.grey.width // 2, middle.grey.height // 2
        middle = Middle(middle.grey.resize(size, Image.Resampling.LANCZOS))
    return share if share < 1 else None


def _rms(first: Image.Image, second: Image.Image, precision: type[np.floating]) -> float:
    """The root mean square difference of two grey pictures, in levels of 255."""
    difference = np.asarray(first, precision) - np.asarray(second, precision)
    return float(np.sqrt((difference**2).mean()))


def enlarged_probability(middle: Middle) -> float | None:
    """The probability, 0 to 1, that a picture was enlarged by 1.2 or more.

    0 for one that is too small to be an enlargement; None if it is flat.
    """
    if min(middle.grey.size) < _MIN_SIDE_PX:
        return 0.0
    measured = traces(middle)
    return None if measured is None else round(float(1 / (1 + np.exp(-(measured @ _WEIGHTS + _BIAS)))), 3)


def traces(middle: Middle) -> Floats | None:
    """What resampling may have left in a picture of 128 pixels or more a side, (17,); None if it is flat."""
    values: Floats = np.asarray(middle.grey, np.float64)
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
    return np.concatenate([peaks, [_loss_ratio(middle)], bands, np.abs(np.diff(bands)), [off, slope]])


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


def _loss_ratio(middle: Middle) -> float:
    """What halving a picture loses, as a share of what quartering loses."""
    half, quarter = (_rms(middle.grey, each, np.float64) for each in (middle.from_half, middle.from_quarter))
    return half / max(quarter, 0.5)
