"""What compression explains of the difference of two pictures: one that was saved from the other is what saving makes of it, to the last bit.

Then all that is left was changed. Where encoders or decoders round in other ways, or there was another compression in between, something is
left in many places.
"""

from dataclasses import dataclass

import numpy as np

from vtsfind.find.features.features import Pixels
from vtsfind.find.threads import opencv
from vtsfind.media.jpeg_compression import JpegCompression, compressed
from vtsfind.media.metadata import UPRIGHT
from vtsfind.media.orientation import as_stored, upright

MAX_SAVED_PX = 1 << 26
"""Larger pictures are not compressed again, so that memory suffices."""
MAX_UNEXPLAINED = 0.1
"""Share of their difference that may be left when one picture was made from the other by this compression. Of 239 photos saved again
nothing is left, with a square of 2 % of the side changed at most 0.099; of pairs of which both were saved from a third at least 0.167
(docs/results/compression.json).
"""
MAX_INEXACT_SHARE = 0.03
"""Share of the pixels with texture up to which one place is a change. A square of 6 % of the side in a photo of 256 pixels leaves at most 0.025; other
libraries, which round in other ways, at least 0.035. Of 600 photos saved twice 2 have less, in three places or more, where 600 squares have one.
"""
_PLACE_PX = 17
"""Side of the square around a pixel in which others belong to the same place: JPEG changes 16 pixels at once."""


@dataclass(frozen=True, slots=True)
class FullPicture:
    """All of a picture."""

    pixels: Pixels
    """(h, w, 3) uint8, sRGB."""
    compression: JpegCompression | None = None
    """How they were compressed; None if they are not those of a JPEG."""
    orientation: int = 1
    """The EXIF orientation that they were stored with."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Two pictures, (h, w, 3) uint8, aligned; of the one that the other was saved from, what that saving makes of it."""

    target: Pixels
    source: Pixels
    is_exact: bool
    """Whether a copy is the same to the last bit where it was not changed. A JPEG that was turned without loss is not."""

    @property
    def is_changed_in_one_place(self) -> bool:
        """Whether they are the same to the last bit but for one small place."""
        return self.is_exact and _differ_in_one_place(self.target, self.source)


def explained(first: FullPicture, second: FullPicture, turn: int) -> Explained:
    """Do to the one of two pictures what saving the other one did, if that was saved from it.

    `turn` is the EXIF orientation that aligns the second with the first.
    """
    target, source = first.pixels, np.ascontiguousarray(upright(second.pixels, turn))
    if target.shape != source.shape or target.shape[0] * target.shape[1] > MAX_SAVED_PX:
        return Explained(target, source, is_exact=False)
    either = (_saved_as(second, turn, target), source), (target, _saved_as(first, 1, source))
    left = [opencv().norm(*each, opencv().NORM_L1) for each in either]
    is_explained = min(left) <= MAX_UNEXPLAINED * opencv().norm(target, source, opencv().NORM_L1)
    is_turned = turn != UPRIGHT or first.orientation != second.orientation
    return Explained(
        *(either[int(np.argmin(left))] if is_explained else (target, source)),
        is_exact=None in (first.compression, second.compression) or not is_turned,
    )


def _saved_as(copy: FullPicture, turn: int, origin: Pixels) -> Pixels:
    """What saving as a copy was saved makes of pixels that a turn aligns with it."""
    if copy.compression is None:
        return origin
    stored = as_stored(as_stored(origin, turn), copy.orientation)
    saved = compressed(np.ascontiguousarray(stored), copy.compression)
    return np.ascontiguousarray(upright(upright(saved, copy.orientation), turn))


def _differ_in_one_place(first: Pixels, second: Pixels) -> bool:
    """Whether two pictures of one size are the same to the last bit but for one small place."""
    cv2 = opencv()
    differs = (first != second).any(2)
    near = cv2.dilate(differs.astype(np.uint8), np.ones((_PLACE_PX, _PLACE_PX), np.uint8))
    if cv2.connectedComponents(near)[0] != 1 + 1:  # what lies around is one, too
        return False
    steps = (
        cv2.morphologyEx(each, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) for each in (first, second)
    )
    textured = np.maximum(*steps).any(2)
    return bool(differs.sum() <= MAX_INEXACT_SHARE * (textured | differs).sum())
