"""Colours of pictures: how few make up most of one, and how strong they are."""

import numpy as np

from vtsfind.find.features.features import Pixels

_FEW_COLOURS = 6
_MIN_PIXELS = 16
"""Fewer than these are of one colour by chance."""


def few_colours_share(pixels: Pixels) -> float:
    """The share of pixels, (n, 3), that the six most frequent colours make up; 1 for hardly any pixels."""
    if len(pixels) < _MIN_PIXELS:
        return 1.0
    red, green, blue = (pixels >> 4).astype(np.intp).T
    counts = np.bincount(red * 256 + green * 16 + blue, minlength=4096)
    return float(np.sort(counts)[-_FEW_COLOURS:].sum() / len(pixels))


def saturation(picture: Pixels) -> float:
    """The median difference of a pixel's largest and smallest channel, in levels."""
    return float(np.median(picture.max(2).astype(np.int16) - picture.min(2)))
