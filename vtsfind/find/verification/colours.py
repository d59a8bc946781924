"""Colours of pictures: how few make up most of one, and how strong they are."""

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Pixels
from vtsfind.find.threads import opencv

_FEW_COLOURS = 6
_MIN_PIXELS = 16
"""Fewer than these are of one colour by chance."""


def few_colours_share(pixels: Pixels) -> float:
    """The share of pixels, (n, 3), that the six most frequent colours make up; 1 for hardly any pixels."""
    if len(pixels) < _MIN_PIXELS:
        return 1.0
    red, green, blue = pixels.T
    colours = (red.astype(np.intp) & 0xF0) << 4 | green & 0xF0 | blue >> 4
    counts = np.bincount(colours, minlength=4096)
    return float(np.sort(counts[counts > 0])[-_FEW_COLOURS:].sum() / len(pixels))


def saturation(picture: Pixels) -> float:
    """The median difference of a pixel's largest and smallest channel, in levels."""
    levels = np.bincount(colour_levels(picture).ravel(), minlength=256).cumsum()
    # The two in the middle are one if there is an odd number.
    lower, upper = np.searchsorted(levels, [(levels[-1] - 1) // 2, levels[-1] // 2], "right")
    return float(lower + upper) / 2


def colour_levels(picture: Pixels) -> npt.NDArray[np.uint8]:
    """How far the channels of each pixel are apart, (h, w), in levels."""
    cv2 = opencv()
    red, green, blue = cv2.split(np.ascontiguousarray(picture))
    largest, smallest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return np.asarray(cv2.subtract(largest, smallest))
