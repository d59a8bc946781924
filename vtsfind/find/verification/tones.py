"""How the tones and colours of one picture differ from those of another that shows the same in full, for people: it decides nothing."""

import numpy as np

from vtsfind.find.features.features import Floats, Pixels
from vtsfind.find.threads import opencv
from vtsfind.media.orientation import upright

_CELLS = 16
"""Cells on each side: what is drawn over a picture fills less than half of them, so medians do not see it."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in brightness (ITU-R BT.601)."""


def tone_change(first: Pixels, second: Pixels, turn: int) -> tuple[float, float]:
    """By how many levels of 255 the second of two pictures, (h, w, 3), is lighter, and how far its colours are off beyond that.

    `turn` is the EXIF orientation that aligns the second with the first. Medians over the cells of the frame.
    """
    change = _cells(upright(second, turn)) - _cells(first)
    lighter = change @ _LUMA
    recoloured = np.abs(change - lighter[..., None]).max(-1)
    return float(np.median(lighter)), float(np.median(recoloured))


def _cells(picture: Pixels) -> Floats:
    """(n, n, 3): the mean colour of each cell."""
    whole = np.ascontiguousarray(picture)
    cells = opencv().resize(whole, (_CELLS, _CELLS), interpolation=opencv().INTER_AREA)
    return np.asarray(cells, np.float32)
