"""One large picture that is zoomed and moved: the newest wish is drawn in a worker, older ones are forgotten."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vtsfind.base.groups import Box
from vtsfind.graphics.protocols import Graphics
from vtsfind.graphics.renderer import RenderedPicture
from vtsfind.graphics.scaling import FULL_VIEW, Pixels, Viewport
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.card_grid import Overlay
from vtsfind.tui.widgets.text_width import wrapped

RenderRequest = tuple[int, Viewport, Box | None, Size]
"""A picture (by its identity), the part of it, the frame in it, and the size of the view."""

_MAX_CACHED = 4
_BOX_COLOUR = (255, 176, 0)


class PictureRendered(Message):
    """A view's drawing is there."""

    def __init__(
        self, view: "PictureView", request: "RenderRequest", pixels: Pixels, rendered: RenderedPicture
    ) -> None:
        super().__init__()
        self.view = view
        self.request = request
        self.pixels = pixels
        self.rendered = rendered


class PictureView(Widget):
    """A picture, or words where there is none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"picture--words"}

    def __init__(self, gallery: PictureCache, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._gallery = gallery
        self._pixels: Pixels | None = None
        self._viewport = FULL_VIEW
        self._box: Box | None = None
        self._words = ""
        self._current_request: RenderRequest | None = None
        self._current_picture: RenderedPicture | None = None
        self._rendered_by_request: dict[RenderRequest, tuple[Pixels, RenderedPicture]] = {}

    def show(self, pixels: Pixels, viewport: Viewport, box: Box | None = None) -> None:
        """Show a part of a picture, with a frame around `box`; at once, if it was drawn before."""
        if self._gallery.renderer.graphics is Graphics.OFF:
            self.say("Pictures are off; --graphics auto draws them.")
            return
        self._pixels, self._viewport, self._box, self._words = pixels, viewport, box, ""
        self._redraw()

    def prepare(self, pixels: Pixels, viewport: Viewport, box: Box | None = None) -> None:
        """Draw something that will be shown next."""
        request = self._request_for(pixels, viewport, box)
        if (
            request not in self._rendered_by_request
            and self.size
            and self._gallery.renderer.graphics is not Graphics.OFF
        ):
            self._draw(pixels, viewport, box, request, lambda: True)

    def say(self, words: str) -> None:
        """Show words in place of a picture."""
        self._pixels, self._current_picture, self._current_request, self._words = None, None, None, words
        self._trim_cache(0)
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def on_unmount(self) -> None:
        """Have the terminal forget the pictures."""
        self._trim_cache(0)

    def _request_for(self, pixels: Pixels, viewport: Viewport, box: Box | None) -> "RenderRequest":
        # The picture is kept with its drawing, so no other one can have its number meanwhile.
        return id(pixels), viewport, box, self.size

    def _redraw(self) -> None:
        if self._pixels is None or not self.size:
            return
        request = self._current_request = self._request_for(self._pixels, self._viewport, self._box)
        cached = self._rendered_by_request.get(request)
        if cached is not None:
            self._show_rendered(cached[1])
        else:
            self._draw(
                self._pixels, self._viewport, self._box, request, lambda: self._current_request == request
            )

    @work(thread=True, group="view")
    def _draw(
        self,
        pixels: Pixels,
        viewport: Viewport,
        box: Box | None,
        request: "RenderRequest",
        is_wanted: Callable[[], bool],
    ) -> None:
        if not is_wanted():
            return
        renderer, place = self._gallery.renderer, request[3]
        source_window, columns, rows = renderer.window(viewport, pixels, place.width, place.height)
        boxed_pixels = (
            pixels
            if box is None
            else _with_box(pixels, box, (source_window.right - source_window.left) / columns)
        )
        self.post_message(
            PictureRendered(self, request, pixels, renderer.draw(boxed_pixels, columns, rows, source_window))
        )

    def on_picture_rendered(self, message: PictureRendered) -> None:
        """Show what was drawn, unless something else is wanted by now."""
        message.stop()
        self._rendered_by_request[message.request] = (message.pixels, message.rendered)
        self._trim_cache(_MAX_CACHED)
        if message.request == self._current_request:
            self._show_rendered(message.rendered)

    def _trim_cache(self, max_count: int) -> None:
        """Forget drawings but the latest so many."""
        while len(self._rendered_by_request) > max_count:
            _, rendered = self._rendered_by_request.pop(next(iter(self._rendered_by_request)))
            if rendered is not self._current_picture:
                self._gallery.release(rendered)

    def _show_rendered(self, rendered: RenderedPicture) -> None:
        self._gallery.send(rendered)
        self._current_picture = rendered
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width, height = self.size
        rendered, style = self._current_picture, self.rich_style
        if rendered is None:
            message_lines = wrapped(self._words, max(1, width - 4), 6)
            at = y - (height - len(message_lines)) // 2
            words = message_lines[at].center(width) if 0 <= at < len(message_lines) else " " * width
            return Strip(
                [Segment(words, style + self.get_component_rich_style("picture--words", partial=True))]
            )
        above, before = (height - rendered.rows) // 2, (width - rendered.columns) // 2
        if rendered.overlay and y == above:
            self.call_after_refresh(self._overlay, rendered, before, above)
        if not 0 <= y - above < rendered.rows:
            return Strip.blank(width, style)
        content = [
            Segment(text, own or Style.null()) if not rendered.overlay else Segment(text, style)
            for text, own, _ in rendered.lines[y - above]
        ]
        return Strip([Segment(" " * before, style), *content]).extend_cell_length(width, style)

    def _overlay(self, rendered: RenderedPicture, before: int, above: int) -> None:
        region = self.content_region
        if self.screen.is_current and rendered is self._current_picture:
            place = Region(region.x + before, region.y + above, rendered.columns, rendered.rows)
            self.app.post_message(Overlay(place, rendered))


def _with_box(pixels: Pixels, box: Box, character: float) -> Pixels:
    """Draw a frame around a part; a character shows the fraction `character` of the width."""
    height, width, _ = pixels.shape
    thick = max(1, round(width * character * 0.4))
    boxed_pixels = pixels.copy()
    left, right = round(box.left * width), round(box.right * width)
    top, bottom = round(box.top * height), round(box.bottom * height)
    colour = np.array(_BOX_COLOUR, np.uint8)
    boxed_pixels[max(0, top - thick) : top + thick, max(0, left - thick) : right + thick] = colour
    boxed_pixels[max(0, bottom - thick) : bottom + thick, max(0, left - thick) : right + thick] = colour
    boxed_pixels[max(0, top - thick) : bottom + thick, max(0, left - thick) : left + thick] = colour
    boxed_pixels[max(0, top - thick) : bottom + thick, max(0, right - thick) : right + thick] = colour
    return boxed_pixels
