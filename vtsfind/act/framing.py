"""Pictures that contain another one: originals of crops, screenshots, collages, cards.

Such a picture (the wider one) has more pixels than the one that it contains (the narrower one), but may show the common part
with fewer. The pixels alone cannot tell whether the surroundings belong to the scene, as in the original of a crop, or not,
as in a collage: the border of the narrower picture is a discontinuity in a collage, but also around a painting that was cut
out of a photo of a wall. And a narrower picture with more pixels on the common part may be an enlarged crop. Camera data
decide: the picture that has them is the original.
"""

from dataclasses import dataclass
from enum import Enum, auto
from math import log, sqrt
from typing import Final

from vtsfind.act.file_rules import is_screenshot
from vtsfind.act.keep_rules import KeepCandidate, effective_pixels, has_camera_data
from vtsfind.base.groups import Evidence

_MAX_BOX_SHARE: Final = 0.9
"""Largest area of the box, as a share of the picture; above it a strip was cut off or added, no more."""
_MAX_ASPECT_LOG_DIFFERENCE: Final = 0.05
"""Largest difference of the natural logarithms of two aspect ratios that count as the same."""
_MIN_DETAIL_SHARE: Final = 0.9
"""The narrower picture has less detail if its width is below this share of the width of the box."""
_MAX_COLLAGE_BOX_SHARE: Final = 0.6
"""Area share of a truncated picture below which the wider one is a collage, not another crop of the same shot."""
_MIN_BORDER_SHARE: Final = 0.03
"""Smallest border, as a share of the area."""
_EDGE_SHARE: Final = 0.01
"""Distance to an edge, as a share of the side, below which a box touches it."""
_MIN_BORDER_DISCONTINUITY_SHARE: Final = 0.5
"""Share of the lines across an edge that change there: at most 0.4 for crops of photos, mostly above 0.8 for cards."""
_FIRST_TRANSPOSED_ORIENTATION: Final = 5
"""EXIF orientations from this one on swap width and height."""


class Framing(Enum):
    """What a wider picture is to the narrower one that it contains."""

    WIDER = auto()
    """A camera shot, or it has more detail of the common part: the narrower picture adds nothing."""
    FRAME = auto()
    """Not a camera shot, while the narrower picture is one with all the detail: the surroundings were added."""
    COLLAGE = auto()
    """Not a camera shot, and it contains only a part of the narrower picture, which has all the detail."""
    LIKELY_FRAME = auto()
    """No camera data, but a border discontinuity around the narrower picture, which has all the detail."""
    UNCLEAR = auto()
    """The original of a crop, or a collage, card or screenshot: there are no camera data to decide."""


@dataclass(frozen=True, slots=True)
class Inset:
    """How a wider picture contains a narrower one."""

    width: int
    """Pixels of the wider picture that the narrower one occupies."""
    height: int
    framing: Framing

    @property
    def size(self) -> str:
        """Width and height as text, such as `640x480`."""
        return f"{self.width}x{self.height}"


def inset(wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence) -> Inset | None:
    """Determine how a picture contains another.

    Parameters
    ----------
    wider, narrower
        The pictures; `evidence.box` lies in the wider one.
    evidence
        Of the comparison of the two.

    Returns
    -------
    None if the wider picture contains neither all of the narrower one nor, in a collage, a part of it.
    """
    box = evidence.box
    if box is None:
        return None
    share_x, share_y = box.right - box.left, box.bottom - box.top
    info = wider.photo.info
    width, height = share_x * info.width, share_y * info.height
    shown = _side_px(share_x, info.width), _side_px(share_y, info.height)
    own = narrower.photo.info.width, narrower.photo.info.height
    if evidence.turn >= _FIRST_TRANSPOSED_ORIENTATION:
        own = own[1], own[0]
    if min(width, height, *own) < 1:
        return None
    bordered = _is_bordered(wider, narrower, evidence, share_x * share_y)
    if share_x * share_y > _MAX_BOX_SHARE and not bordered:
        return None
    log_aspect_difference = log(width / height * own[1] / own[0])
    if bordered or abs(log_aspect_difference) <= _MAX_ASPECT_LOG_DIFFERENCE:
        box_pixels = width * height
        if bordered:  # the box around a rotated picture contains the corners
            box_pixels = min(box_pixels, _pixels(wider) * (1 - wider.details.border))
        framing = _framing(wider, narrower, box_pixels, evidence, bordered=bordered)
        return Inset(*shown, framing)
    # The scale follows from the side along which nothing is cut off.
    cut, scale = (box.top, box.bottom), width / own[0]
    if log_aspect_difference < 0:
        cut, scale = (box.left, box.right), height / own[1]
    if _is_collage(wider, narrower, cut, share_x * share_y, scale):
        return Inset(*shown, Framing.COLLAGE)
    return None


def _side_px(share: float, side: int) -> int:
    """Pixels of a side that a box takes: all of them if nearly so, for boxes are not exact to a pixel."""
    return side if share > 1 - _EDGE_SHARE else round(share * side)


def _is_collage(
    wider: KeepCandidate, narrower: KeepCandidate, cut: tuple[float, float], share: float, scale: float
) -> bool:
    """Whether a picture contains a truncated part of another one, at this scale and on this share of its area."""
    at_edge = cut[0] < _EDGE_SHARE or cut[1] > 1 - _EDGE_SHARE
    detail = sqrt(_compared_pixels(narrower, wider) / _pixels(narrower))
    return (
        not (_is_camera_shot(wider) or is_screenshot_of(narrower, wider))
        and at_edge
        and (share < _MAX_COLLAGE_BOX_SHARE or is_screenshot_of(wider, narrower))
        and detail >= _MIN_DETAIL_SHARE * scale
    )


def is_screenshot_of(picture: KeepCandidate, other: KeepCandidate) -> bool:
    """Whether of two pictures, one in the other, the first is a screenshot and the other is none."""
    return is_screenshot(picture) and not is_screenshot(other)


def is_photo_on_screen(picture: KeepCandidate, screen: KeepCandidate, evidence: Evidence) -> bool:
    """Whether a picture counts as the photo that a screenshot shows; `evidence` is of the two, in either order.

    A picture of the whole screen without camera data is a copy of the screenshot.
    """
    is_whole_screen = evidence.agreement is not None and evidence.box is None
    return is_screenshot_of(screen, picture) and (has_camera_data(picture) or not is_whole_screen)


def _pixels(picture: KeepCandidate) -> int:
    return picture.photo.info.width * picture.photo.info.height


def _compared_pixels(narrower: KeepCandidate, wider: KeepCandidate) -> int:
    """Pixels that count of a picture in another one: all beside a screenshot, which shows an enlargement as one, too."""
    return _pixels(narrower) if is_screenshot_of(wider, narrower) else effective_pixels(narrower)


def _framing(
    wider: KeepCandidate, narrower: KeepCandidate, box_pixels: float, evidence: Evidence, *, bordered: bool
) -> Framing:
    has_less = sqrt(_compared_pixels(narrower, wider) / box_pixels) < _MIN_DETAIL_SHARE
    # A screen shows small photos enlarged, and whoever takes a screenshot has the photo at hand.
    is_shot_on_screen = is_screenshot_of(wider, narrower) and _is_camera_shot(narrower)
    if _is_camera_shot(wider) or (has_less and not is_shot_on_screen):
        return Framing.WIDER
    if narrower.details.camera or is_screenshot(wider) or bordered:
        return Framing.FRAME
    return (
        Framing.LIKELY_FRAME
        if (evidence.broken_off or 0) >= _MIN_BORDER_DISCONTINUITY_SHARE
        else Framing.UNCLEAR
    )


def _is_bordered(wider: KeepCandidate, narrower: KeepCandidate, evidence: Evidence, share: float) -> bool:
    """Whether only the wider picture has a border, which begins where the narrower one ends, or fills the corners around it.

    A plain background is a border, too, but then what was cut out of it has one as well, unless it was cut closely.
    """
    return (
        wider.details.border > _MIN_BORDER_SHARE >= narrower.details.border
        and ((evidence.broken_off or 0) >= _MIN_BORDER_DISCONTINUITY_SHARE or share > _MAX_BOX_SHARE)
        and not _is_camera_shot(wider)
    )


def _is_camera_shot(picture: KeepCandidate) -> bool:
    """Whether the metadata of a picture say that a camera took it."""
    return bool(picture.details.camera) and not is_screenshot(picture)
