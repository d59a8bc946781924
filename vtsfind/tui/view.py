"""One large picture that is zoomed and moved: the newest wish is drawn in a worker, older ones are forgotten."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from vtsfind.base.groups import Box
from vtsfind.tui.gallery import Gallery
from vtsfind.tui.picture import Drawing
from vtsfind.tui.scaling import WHOLE, Look, Pixels
from vtsfind.tui.shelf import Overlay
from vtsfind.tui.words import wrapped

_BOX_COLOUR = (255, 176, 0)


class Drawn(Message):
    """A view's drawing is there."""

    def __init__(self, view: "PictureView", wish: object, drawing: Drawing) -> None:
        super().__init__()
        self.view = view
        self.wish = wish
        self.drawing = drawing

    def can_replace(self, message: Message) -> bool:
        """Only the latest drawing of a view counts."""
        return isinstance(message, Drawn) and message.view is self.view


class PictureView(Widget):
    """A picture, or words where there is none."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"picture--words"}

    def __init__(self, gallery: Gallery, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._gallery = gallery
        self._pixels: Pixels | None = None
        self._look = WHOLE
        self._box: Box | None = None
        self._words = ""
        self._wish: object = None
        self._drawing: Drawing | None = None
        self._drawn: dict[object, Drawing] = {}

    def show(self, pixels: Pixels, look: Look, box: Box | None = None) -> None:
        """Show a part of a picture, with a frame around `box`."""
        if pixels is not self._pixels:
            self._forget()
        self._pixels, self._look, self._box, self._words = pixels, look, box, ""
        self._redraw()

    def say(self, words: str) -> None:
        """Show words in place of a picture."""
        self._pixels, self._drawing, self._words = None, None, words
        self._forget()
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._forget()
        self._redraw()

    def _forget(self) -> None:
        self._drawn.clear()

    def _redraw(self) -> None:
        if self._pixels is None or not self.size:
            return
        wish = (id(self._pixels), self._look, self._box, self.size)
        self._wish = wish
        known = self._drawn.get(wish)
        if known is not None:
            self._take(known)
        else:
            self._draw(self._pixels, self._look, self._box, wish, lambda: self._wish is wish)

    @work(thread=True, group="view")
    def _draw(
        self, pixels: Pixels, look: Look, box: Box | None, wish: object, is_wanted: Callable[[], bool]
    ) -> None:
        if not is_wanted():
            return
        artist = self._gallery.artist
        seen, columns, rows = artist.window(look, pixels, self.size.width, self.size.height)
        framed = pixels if box is None else _framed(pixels, box, (seen.right - seen.left) / columns)
        drawing = artist.draw(framed, columns, rows, seen)
        if is_wanted():
            self.post_message(Drawn(self, wish, drawing))

    def on_drawn(self, message: Drawn) -> None:
        """Show what was drawn, unless something else is wanted by now."""
        if message.view is not self:
            return
        message.stop()
        self._drawn[message.wish] = message.drawing
        while len(self._drawn) > 4:
            self._drawn.pop(next(iter(self._drawn)))
        if message.wish == self._wish:
            self._take(message.drawing)

    def _take(self, drawing: Drawing) -> None:
        self._gallery.send(drawing)
        self._drawing = drawing
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width, height = self.size
        drawing, style = self._drawing, self.rich_style
        if drawing is None:
            said = wrapped(self._words, max(1, width - 4), 6)
            at = y - (height - len(said)) // 2
            words = said[at].center(width) if 0 <= at < len(said) else " " * width
            return Strip(
                [Segment(words, style + self.get_component_rich_style("picture--words", partial=True))]
            )
        above, before = (height - drawing.rows) // 2, (width - drawing.columns) // 2
        if drawing.over and y == above:
            self.call_after_refresh(self._overlay, drawing, before, above)
        if not 0 <= y - above < drawing.rows:
            return Strip.blank(width, style)
        content = [
            Segment(text, own or Style.null()) if not drawing.over else Segment(text, style)
            for text, own, _ in drawing.lines[y - above]
        ]
        return Strip([Segment(" " * before, style), *content]).extend_cell_length(width, style)

    def _overlay(self, drawing: Drawing, before: int, above: int) -> None:
        region = self.content_region
        if self.screen.is_current and drawing is self._drawing:
            place = Region(region.x + before, region.y + above, drawing.columns, drawing.rows)
            self.post_message(Overlay(place, drawing))


def _framed(pixels: Pixels, box: Box, character: float) -> Pixels:
    """Draw a frame around a part; a character shows the fraction `character` of the width."""
    height, width, _ = pixels.shape
    thick = max(1, round(width * character * 0.4))
    framed = pixels.copy()
    left, right = round(box.left * width), round(box.right * width)
    top, bottom = round(box.top * height), round(box.bottom * height)
    colour = np.array(_BOX_COLOUR, np.uint8)
    framed[max(0, top - thick) : top + thick, max(0, left - thick) : right + thick] = colour
    framed[max(0, bottom - thick) : bottom + thick, max(0, left - thick) : right + thick] = colour
    framed[max(0, top - thick) : bottom + thick, max(0, left - thick) : left + thick] = colour
    framed[max(0, top - thick) : bottom + thick, max(0, right - thick) : right + thick] = colour
    return framed
