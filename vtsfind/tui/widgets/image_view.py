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
from vtsfind.graphics.renderer import Drawing
from vtsfind.graphics.scaling import WHOLE, Look, Pixels
from vtsfind.tui.services.thumbnails import Gallery
from vtsfind.tui.widgets.card_grid import Overlay
from vtsfind.tui.widgets.text_width import wrapped

Wish = tuple[int, Look, Box | None, Size]
"""A picture (by its identity), the part of it, the frame in it, and the size of the view."""

_KEPT = 4
_BOX_COLOUR = (255, 176, 0)


class Drawn(Message):
    """A view's drawing is there."""

    def __init__(self, view: "PictureView", wish: "Wish", pixels: Pixels, drawing: Drawing) -> None:
        super().__init__()
        self.view = view
        self.wish = wish
        self.pixels = pixels
        self.drawing = drawing


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
        self._wish: Wish | None = None
        self._drawing: Drawing | None = None
        self._drawn: dict[Wish, tuple[Pixels, Drawing]] = {}

    def show(self, pixels: Pixels, look: Look, box: Box | None = None) -> None:
        """Show a part of a picture, with a frame around `box`; at once, if it was drawn before."""
        if self._gallery.artist.graphics is Graphics.OFF:
            self.say("Pictures are off; --graphics auto draws them.")
            return
        self._pixels, self._look, self._box, self._words = pixels, look, box, ""
        self._redraw()

    def prepare(self, pixels: Pixels, look: Look, box: Box | None = None) -> None:
        """Draw something that will be shown next."""
        wish = self._wish_for(pixels, look, box)
        if wish not in self._drawn and self.size and self._gallery.artist.graphics is not Graphics.OFF:
            self._draw(pixels, look, box, wish, lambda: True)

    def say(self, words: str) -> None:
        """Show words in place of a picture."""
        self._pixels, self._drawing, self._wish, self._words = None, None, None, words
        self._keep(0)
        self.refresh()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self._redraw()

    def on_unmount(self) -> None:
        """Have the terminal forget the pictures."""
        self._keep(0)

    def _wish_for(self, pixels: Pixels, look: Look, box: Box | None) -> "Wish":
        # The picture is kept with its drawing, so no other one can have its number meanwhile.
        return id(pixels), look, box, self.size

    def _redraw(self) -> None:
        if self._pixels is None or not self.size:
            return
        wish = self._wish = self._wish_for(self._pixels, self._look, self._box)
        known = self._drawn.get(wish)
        if known is not None:
            self._take(known[1])
        else:
            self._draw(self._pixels, self._look, self._box, wish, lambda: self._wish == wish)

    @work(thread=True, group="view")
    def _draw(
        self, pixels: Pixels, look: Look, box: Box | None, wish: "Wish", is_wanted: Callable[[], bool]
    ) -> None:
        if not is_wanted():
            return
        artist, place = self._gallery.artist, wish[3]
        seen, columns, rows = artist.window(look, pixels, place.width, place.height)
        framed = pixels if box is None else _framed(pixels, box, (seen.right - seen.left) / columns)
        self.post_message(Drawn(self, wish, pixels, artist.draw(framed, columns, rows, seen)))

    def on_drawn(self, message: Drawn) -> None:
        """Show what was drawn, unless something else is wanted by now."""
        message.stop()
        self._drawn[message.wish] = (message.pixels, message.drawing)
        self._keep(_KEPT)
        if message.wish == self._wish:
            self._take(message.drawing)

    def _keep(self, most: int) -> None:
        """Forget drawings but the latest so many."""
        while len(self._drawn) > most:
            _, drawing = self._drawn.pop(next(iter(self._drawn)))
            if drawing is not self._drawing:
                self._gallery.release(drawing)

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
            self.app.post_message(Overlay(place, drawing))


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
