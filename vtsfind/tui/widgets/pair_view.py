"""Two pictures to compare: side by side, flickering in one place, or as their difference, with one zoom for both."""

from dataclasses import dataclass
from enum import Enum

from textual.app import ComposeResult
from textual.containers import Horizontal

from vtsfind.base.groups import Box, Evidence
from vtsfind.engine.review.alignment import AlignedPair, apply_orientation, shared_boxes
from vtsfind.graphics.scaling import FULL_BOX, FULL_VIEW, Pixels, Viewport
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.image_view import ZoomView

_PAN_STEP_SHARE = 0.2
"""Share of the view that one key moves it by."""
_ZOOM_FACTOR = 1.5
_ALIGNING = "\u2026"


class PairMode(Enum):
    """How two pictures are shown."""

    SIDE = "side"
    FLICKER = "flicker"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True)
class PairPictures:
    """What there is of two photos to show; a text stands for a picture that is not ready or cannot be read."""

    first: Pixels | str
    second: Pixels | str
    evidence: Evidence
    aligned: AlignedPair | None = None
    """Both in one frame; None until a worker has aligned them."""
    difference: Pixels | None = None
    """The heat map of their difference; None until a worker has made it."""


class PairView(Horizontal):
    """Two pictures with one zoom.

    Zoomed in, both views show the same detail in the same size, whatever the sizes and crops of the two photos are.

    Parameters
    ----------
    pictures
        The cache of pictures, which draws them.
    """

    def __init__(self, pictures: PictureCache, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.first = ZoomView(pictures, id="first")
        self.second = ZoomView(pictures, id="second")
        self.mode = PairMode.SIDE
        self.is_second_shown = False
        """Of two flickering pictures, whether the second is shown."""
        self.viewport: Viewport | None = None
        """The part that is shown of what both pictures show; None for the whole pictures."""
        self._is_box_shown = True
        self._pair: PairPictures | None = None
        self._oriented: tuple[Pixels, int, Pixels] | None = None

    def compose(self) -> ComposeResult:
        """Lay the two views out."""
        yield self.first
        yield self.second

    def show(self, pair: PairPictures) -> None:
        """Show a pair, or more of the same pair."""
        self._pair = pair
        self._redraw()

    def set_mode(self, mode: PairMode) -> None:
        """Choose how the pictures are shown; flickering once more shows the other one."""
        self.is_second_shown = not self.is_second_shown if self.mode is mode is PairMode.FLICKER else True
        self.mode = mode
        self._redraw()

    def toggle_box(self) -> None:
        """Show or hide the part of the wider picture that the other one shows."""
        self._is_box_shown = not self._is_box_shown
        self._redraw()

    def zoom(self, by: int) -> None:
        """Zoom in or out: from the whole pictures to the part that both show, then into it."""
        if self.viewport is None:
            is_same_part = self._pair is None or shared_boxes(self._pair.evidence) == (FULL_BOX, FULL_BOX)
            self._zoom_to(None if by < 0 else FULL_VIEW.zoomed(_ZOOM_FACTOR) if is_same_part else FULL_VIEW)
        else:
            zoomed_out = by < 0 and self.viewport.zoom == FULL_VIEW.zoom
            self._zoom_to(None if zoomed_out else self.viewport.zoomed(_ZOOM_FACTOR**by))

    def show_whole(self) -> None:
        """Show the whole pictures."""
        self._zoom_to(None)

    def pan(self, right: int, down: int) -> None:
        """Move both views."""
        if self.viewport is not None:
            self._zoom_to(self.viewport.panned(right * _PAN_STEP_SHARE, down * _PAN_STEP_SHARE))

    def _zoom_to(self, viewport: Viewport | None) -> None:
        self.viewport = viewport
        self._redraw()

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _redraw(self) -> None:
        zoom = self.viewport.zoom if self.viewport else 1.0
        self.first.border_subtitle = self.second.border_subtitle = f"{zoom:.1f}\u00d7" if zoom > 1 else ""
        self.second.display = self.mode is PairMode.SIDE
        self.first.set_class(self.mode is PairMode.FLICKER and self.is_second_shown, "-second")
        pair = self._pair
        if pair is None:
            return
        if self.mode is PairMode.SIDE:
            self._draw_side_by_side(pair)
        elif pair.aligned is None or pair.difference is None:
            self.first.show_text(
                next((each for each in (pair.first, pair.second) if isinstance(each, str)), _ALIGNING)
            )
        else:
            self._draw_in_one_place(pair.aligned, pair.difference)

    def _draw_side_by_side(self, pair: PairPictures) -> None:
        boxes = shared_boxes(pair.evidence)
        second = (
            pair.second if isinstance(pair.second, str) else self._orient(pair.second, pair.evidence.turn)
        )
        for view, picture, box in zip((self.first, self.second), (pair.first, second), boxes, strict=True):
            if isinstance(picture, str):
                view.show_text(picture)
            elif self.viewport is None:
                view.show(picture, FULL_VIEW, box=self._visible(box))
            else:
                view.show(picture, self.viewport, part=box)

    def _draw_in_one_place(self, aligned: AlignedPair, difference: Pixels) -> None:
        shown = [difference]
        if self.mode is PairMode.FLICKER:
            shown = (
                [aligned.second, aligned.first] if self.is_second_shown else [aligned.first, aligned.second]
            )
        viewport, part, box = FULL_VIEW, FULL_BOX, self._visible(aligned.shared)
        if self.viewport is not None:
            viewport, part, box = self.viewport, aligned.shared, None
        self.first.show(shown[0], viewport, box=box, part=part)
        for other in shown[1:]:
            self.first.prepare(other, viewport, box=box, part=part)

    def _visible(self, box: Box) -> Box | None:
        return box if self._is_box_shown and box != FULL_BOX else None

    def _orient(self, pixels: Pixels, turn: int) -> Pixels:
        """The second picture in the orientation of the first; the same array for the same picture."""
        if turn == 1:
            return pixels
        if self._oriented is None or self._oriented[0] is not pixels or self._oriented[1] != turn:
            self._oriented = (pixels, turn, apply_orientation(pixels, turn))
        return self._oriented[2]
