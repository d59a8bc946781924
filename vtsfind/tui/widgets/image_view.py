"""One large picture with zoom and pan; a worker draws the latest request, older ones are dropped."""

from collections.abc import Callable
from typing import ClassVar, NamedTuple

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vtsfind.base.groups import Box
from vtsfind.graphics.detect import Graphics
from vtsfind.graphics.renderer import RenderedPicture
from vtsfind.graphics.scaling import FULL_BOX, Pixels, Viewport
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.overlay import Overlay
from vtsfind.tui.widgets.text_width import wrapped


class RenderRequest(NamedTuple):
    """What is to be drawn."""

    picture: int
    """The id of the picture."""
    viewport: Viewport
    box: Box | None
    part: Box
    size: Size
    """Of the widget."""


_MAX_CACHED = 4
_BOX_COLOUR = (255, 176, 0)


class PictureRendered(Message):
    """A worker has drawn a picture."""

    def __init__(
        self, view: "ZoomView", request: RenderRequest, pixels: Pixels, rendered: RenderedPicture
    ) -> None:
        super().__init__()
        self.view = view
        self.request = request
        self.pixels = pixels
        self.rendered = rendered


class ZoomView(Widget):
    """A picture, or text where there is none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"zoomview--text"}

    def __init__(self, pictures: PictureCache, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pictures = pictures
        self._shown: tuple[Pixels, Viewport, Box | None, Box] | None = None
        self._text = ""
        self._current_request: RenderRequest | None = None
        self._current_picture: RenderedPicture | None = None
        self._rendered_by_request: dict[RenderRequest, tuple[Pixels, RenderedPicture]] = {}

    def show(
        self, pixels: Pixels, viewport: Viewport, *, box: Box | None = None, part: Box = FULL_BOX
    ) -> None:
        """Show a picture, at once if it is in the cache.

        Parameters
        ----------
        pixels
            (h, w, 3) uint8.
        viewport
            What to show of `part`.
        box
            Where to draw a frame; nowhere for None.
        part
            The part of the picture that `viewport` is relative to.
        """
        if self._pictures.renderer.graphics is Graphics.OFF:
            self.show_text("Pictures are off. Start vtsfind with --graphics auto to see them.")
            return
        self._shown, self._text = (pixels, viewport, box, part), ""
        self._redraw()

    def prepare(
        self, pixels: Pixels, viewport: Viewport, *, box: Box | None = None, part: Box = FULL_BOX
    ) -> None:
        """Draw a picture into the cache, to show it next."""
        request = self._request_for(pixels, viewport, box, part)
        if (
            request not in self._rendered_by_request
            and self.size
            and self._pictures.renderer.graphics is not Graphics.OFF
        ):
            self._draw(pixels, request, lambda: True)

    def show_text(self, text: str) -> None:
        """Show text in place of a picture."""
        self._shown, self._current_picture, self._current_request, self._text = None, None, None, text
        self._trim_cache(0)
        self.refresh()

    def on_resize(self) -> None:
        """Draw the picture in the new size."""
        self._redraw()

    def on_unmount(self) -> None:
        """Let the terminal delete the pictures."""
        self._trim_cache(0)

    def _request_for(self, pixels: Pixels, viewport: Viewport, box: Box | None, part: Box) -> RenderRequest:
        # The cache keeps the picture beside its drawing, so no other one can get its id meanwhile.
        return RenderRequest(id(pixels), viewport, box, part, self.size)

    def _redraw(self) -> None:
        if self._shown is None or not self.size:
            return
        request = self._current_request = self._request_for(*self._shown)
        cached = self._rendered_by_request.get(request)
        if cached is not None:
            self._show_rendered(cached[1])
        else:
            self._draw(self._shown[0], request, lambda: self._current_request == request)

    @work(thread=True, group="view")
    def _draw(self, pixels: Pixels, request: RenderRequest, is_wanted: Callable[[], bool]) -> None:
        if not is_wanted():
            return
        source_window, columns, rows = self._pictures.renderer.window(
            request.viewport, pixels, request.size.width, request.size.height, request.part
        )
        boxed_pixels = pixels
        if request.box is not None:
            boxed_pixels = _with_box(
                pixels, request.box, (source_window.right - source_window.left) / columns
            )
        rendered = self._pictures.draw(boxed_pixels, columns, rows, source_window)
        self.post_message(PictureRendered(self, request, pixels, rendered))

    def on_picture_rendered(self, message: PictureRendered) -> None:
        """Show what was drawn, unless it is out of date."""
        message.stop()
        self._rendered_by_request[message.request] = (message.pixels, message.rendered)
        self._trim_cache(_MAX_CACHED)
        if message.request == self._current_request:
            self._show_rendered(message.rendered)

    def _trim_cache(self, max_count: int) -> None:
        """Remove all drawings but the latest so many."""
        while len(self._rendered_by_request) > max_count:
            _, rendered = self._rendered_by_request.pop(next(iter(self._rendered_by_request)))
            if rendered is not self._current_picture:
                self._pictures.release(rendered)

    def _show_rendered(self, rendered: RenderedPicture) -> None:
        self._pictures.send(rendered)
        self._current_picture = rendered
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width, height = self.size
        rendered, style = self._current_picture, self.rich_style
        if rendered is None:
            message_lines = wrapped(self._text, max(1, width - 4), 6)
            at = y - (height - len(message_lines)) // 2
            words = message_lines[at].center(width) if 0 <= at < len(message_lines) else " " * width
            return Strip(
                [Segment(words, style + self.get_component_rich_style("zoomview--text", partial=True))]
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
    """Draw a frame around a box; a character is the fraction `character` of the width of the picture."""
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
