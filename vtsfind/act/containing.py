"""Pictures that show all of another one on a part of theirs: originals of crops, screenshots, collages, cards.

Such a picture has more pixels than the one in it, and yet may have fewer of what both show. Whether what is around the part
belongs to the scene, as in the original of a crop, or not, as in a collage, the pictures only hint at: a collage breaks off
where the photo in it ends, but so does a painting that was cut out of a photo of a wall. And that the narrower
one spends more pixels on what both show may come of enlarging the crop. What tells is whose camera's data are there.
"""

from dataclasses import dataclass
from enum import Enum, auto
from math import log, sqrt
from typing import Final

from vtsfind.act.rules import KeepCandidate, effective_pixels
from vtsfind.base.groups import Evidence

_MAX_BOX_SHARE: Final = 0.9
"""A box with a larger share of the picture is no part of it: a strip was cut off, or put on."""
_MAX_ASPECT_LOG_DIFFERENCE: Final = 0.05
"""How far, in logarithms, the shape of the box may be from that of a picture that is all in it."""
_MIN_DETAIL_SHARE: Final = 0.9
"""The narrower picture has less detail below this share of the width that the box has: boxes are measured on small pictures."""
_MAX_COLLAGE_BOX_SHARE: Final = 0.6
"""A picture that shows another one cut off on less than this share of itself is no other crop of the same shot."""
_EDGE_SHARE: Final = 0.01
"""How near, in shares of the side, a box ends to an edge at which it is cut off."""
_MIN_BORDER_DISCONTINUITY_SHARE: Final = 0.5
"""Share of the lines across an edge that change there: at most 0.4 for crops of photos, most often more than 0.8 for cards."""
_FIRST_TRANSPOSED_ORIENTATION: Final = 5
"""EXIF orientations from this one on swap width and height."""


class Framing(Enum):
    """What a wider picture is to the narrower one that it shows."""

    WIDER = auto()
    """A camera's shot, or one with more detail of what both show: the narrower one has nothing that it lacks."""
    FRAME = auto()
    """No camera's shot, while the narrower one is, with all the detail: what is around it was put there."""
    COLLAGE = auto()
    """No camera's shot, and it shows only part of the narrower one, which has all the detail."""
    LIKELY_FRAME = auto()
    """No camera's data tell, but it breaks off where the narrower one ends, which has all the detail."""
    UNCLEAR = auto()
    """The original of a crop, or a collage, a card, a screenshot: no camera's data tell."""


@dataclass(frozen=True, slots=True)
class Inset:
    """How a wider picture shows a narrower one."""

    width: int
    """Pixels of the wider picture that the narrower one takes."""
    height: int
    framing: Framing

    @property
    def size(self) -> str:
        """The pixels, as people write them."""
        return f"{self.width}x{self.height}"


def inset(wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence) -> Inset | None:
    """Tell how a picture shows another.

    Parameters
    ----------
    wider, narrower
        The pictures; `evidence.box` lies in the wider one.
    evidence
        What was seen when the two were compared.

    Returns
    -------
    None if the box is not a part of the picture with all of the narrower one in it, or with a piece of it in a collage.
    """
    box = evidence.box
    if box is None:
        return None
    share_x, share_y = box.right - box.left, box.bottom - box.top
    width, height = share_x * wider.photo.info.width, share_y * wider.photo.info.height
    own = narrower.photo.info.width, narrower.photo.info.height
    if evidence.turn >= _FIRST_TRANSPOSED_ORIENTATION:
        own = own[1], own[0]
    if min(width, height, *own) < 1 or share_x * share_y > _MAX_BOX_SHARE:
        return None
    log_aspect_difference = log(width / height * own[1] / own[0])
    if abs(log_aspect_difference) <= _MAX_ASPECT_LOG_DIFFERENCE:
        return Inset(round(width), round(height), _framing(wider, narrower, width * height, evidence))
    # The side along which nothing is cut off tells the scale.
    cut, scale = (box.top, box.bottom), width / own[0]
    if log_aspect_difference < 0:
        cut, scale = (box.left, box.right), height / own[1]
    if _is_collage(wider, narrower, cut, share_x * share_y, scale):
        return Inset(round(width), round(height), Framing.COLLAGE)
    return None


def _is_collage(
    wider: KeepCandidate, narrower: KeepCandidate, cut: tuple[float, float], share: float, scale: float
) -> bool:
    """Whether a picture shows another one, at this scale on this share of itself, cut off where the box ends."""
    at_edge = cut[0] < _EDGE_SHARE or cut[1] > 1 - _EDGE_SHARE
    detail = sqrt(effective_pixels(narrower) / (narrower.photo.info.width * narrower.photo.info.height))
    return (
        not _is_camera_shot(wider)
        and at_edge
        and share < _MAX_COLLAGE_BOX_SHARE
        and detail >= _MIN_DETAIL_SHARE * scale
    )


def _framing(wider: KeepCandidate, narrower: KeepCandidate, box_pixels: float, evidence: Evidence) -> Framing:
    if _is_camera_shot(wider) or sqrt(effective_pixels(narrower) / box_pixels) < _MIN_DETAIL_SHARE:
        return Framing.WIDER
    if narrower.details.camera or wider.details.screenshot:
        return Framing.FRAME
    return (
        Framing.LIKELY_FRAME
        if (evidence.broken_off or 0) >= _MIN_BORDER_DISCONTINUITY_SHARE
        else Framing.UNCLEAR
    )


def _is_camera_shot(picture: KeepCandidate) -> bool:
    """Whether a camera made a picture, as far as its data tell."""
    return bool(picture.details.camera) and not picture.details.screenshot
