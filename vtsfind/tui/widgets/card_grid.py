"""Pictures with a few lines of text each: in one row, or in as many as it takes. Only what is seen is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vtsfind.base.records import Failure
from vtsfind.graphics.protocols import Graphics
from vtsfind.graphics.renderer import RenderedPicture
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.styles import LineStyles
from vtsfind.tui.widgets.text_width import Line, centred, cut, wrapped

_CURSOR_EDGE = "\u258c"
_MAX_CARDS_SAMPLED = 64
"""Cards that are looked at to find out how many lines of text there are."""


@dataclass(frozen=True, slots=True)
class PhotoCard:
    """One picture of a shelf."""

    path: bytes
    head: Line
    """Above the picture."""
    text: tuple[Line, ...]
    """Below it; what does not fit is left out, from the end."""


_COMPONENT_NAMES = (
    "card",
    "cursor",
    "name",
    "dim",
    "key",
    "good",
    "bad",
    "warn",
    "strong",
    "keeper",
    "drop",
    "keep",
    "stranger",
)


class CardGrid(ScrollView, can_focus=True):
    """Cards beside each other.

    Parameters
    ----------
    gallery
        Where the pictures come from.
    min_card_width, max_card_width
        Characters of a card; the widest only in one row.
    lines
        Of a card, if there are several rows of them.
    one_row
        Whether there is only one row, as high as the shelf.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"shelf--{name}" for name in _COMPONENT_NAMES),
        *(f"shelf--{name}" for name in ("bytes", "pixels", "resave", "turned", "edit", "burst", "similar")),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "step(-1)", show=False),
        Binding("right", "step(1)", show=False),
        Binding("up", "rows(-1)", show=False),
        Binding("down", "rows(1)", show=False),
        Binding("pageup", "pages(-1)", show=False),
        Binding("pagedown", "pages(1)", show=False),
        Binding("home", "step(-1000000)", show=False),
        Binding("end", "step(1000000)", show=False),
    ]
    cursor: reactive[int] = reactive(0, init=False)

    @dataclass
    class CardHighlighted(Message):
        """The cursor is on another card."""

        card: int

    @dataclass
    class CardOpened(Message):
        """The card under the cursor was chosen."""

        card: int

    def __init__(
        self,
        gallery: PictureCache,
        *,
        min_card_width: int = 20,
        max_card_width: int = 48,
        lines: int = 14,
        one_row: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._gallery = gallery
        self._min_card_width, self._max_card_width, self._lines = min_card_width, max_card_width, lines
        self._one_row = one_row
        self._cards: Sequence[PhotoCard] = ()
        self._empty = ""
        self._max_text_lines = 0
        self._line_style = LineStyles(self, "shelf")
        self._pending_overlays: dict[int, tuple[int, int, RenderedPicture]] = {}

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def cards(self) -> Sequence[PhotoCard]:
        """What is shown."""
        return self._cards

    def show(self, cards: Sequence[PhotoCard], cursor: int = 0, *, empty: str = "") -> None:
        """Show other cards, or others in place of the same; `empty` says why there are none."""
        self._cards, self._empty = cards, empty
        self._max_text_lines = max((len(card.text) for card in cards[:_MAX_CARDS_SAMPLED]), default=0)
        self._arrange()
        self.set_reactive(CardGrid.cursor, min(max(cursor, 0), max(0, len(cards) - 1)))
        self._reveal()
        self.refresh()

    def text_width(self, count: int) -> int:
        """Characters that a line of text can have if there are so many cards."""
        width = self.scrollable_content_region.width
        shown = max(1, min(count, width // self._min_card_width)) if self._one_row else self._columns
        return max(8, min(width // shown, self._max_card_width)) - 2

    def picture_ready(self, path: bytes) -> None:
        """Draw again if this photo is among the cards."""
        if any(card.path == path for card in self._visible()):
            self.refresh()

    def check(self) -> None:
        """Have the files of the pictures that are seen looked at."""
        self._gallery.check(card.path for card in self._visible())

    def _visible(self) -> list[PhotoCard]:
        width, height = self._card_cells
        columns = self._columns
        if self._one_row:
            first = self.scroll_offset.x // width
            return list(self._cards[first : first + self.size.width // width + 2])
        first = self.scroll_offset.y // height * columns
        return list(self._cards[first : first + (self.size.height // height + 2) * columns])

    @property
    def _columns(self) -> int:
        if self._one_row:
            return max(1, len(self._cards))
        return max(1, self.scrollable_content_region.width // self._min_card_width)

    @property
    def _card_cells(self) -> tuple[int, int]:
        """Characters and lines of a card."""
        width, height = self.scrollable_content_region.size
        if not self._one_row:
            return max(8, width // self._columns), self._lines
        shown = max(1, min(len(self._cards), width // self._min_card_width))
        return max(8, min(width // shown, self._max_card_width)), max(1, height)

    def _arrange(self) -> None:
        width, height = self._card_cells
        rows = -(-len(self._cards) // self._columns)
        if self._one_row:
            needed = width * len(self._cards)
            # Another virtual size means another layout of the screen: only where there is something to scroll.
            self.virtual_size = Size(needed if needed > self.scrollable_content_region.width else 1, 1)
        else:
            self.virtual_size = Size(1, rows * height)

    def _reveal(self) -> None:
        if not self.size:
            return
        width, height = self._card_cells
        if self._one_row:
            region = Region(self.cursor * width, 0, width, 1)
        else:
            region = Region(0, self.cursor // self._columns * height, 1, height)
        self.scroll_to_region(region, animate=False, force=True)

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        super().notify_style_update()
        self._line_style.clear()

    # -- drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        width, height = self._card_cells
        left, top = self.scroll_offset
        visible = self.size.width
        style = self._line_style()
        if not self._cards:
            text = centred(self._empty, y, visible, self.size.height)
            return Strip([Segment(cut(text, visible), self._line_style("dim"))], visible)
        row, inner = (0, y) if self._one_row else divmod(y + top, height)
        first = left // width if self._one_row else row * self._columns
        shown = visible // width + 2 if self._one_row else self._columns
        segments: list[Segment] = []
        for place in range(first, min(first + shown, len(self._cards))):
            segments += self._card_line(place, inner, width, height)
        strip = Strip(segments)
        offset = left - first * width if self._one_row else 0
        return strip.crop_extend(offset, offset + visible, style)

    def _card_line(self, place: int, inner: int, width: int, height: int) -> list[Segment]:
        card = self._cards[place]
        is_current_card = place == self.cursor
        background = "cursor" if is_current_card else "card"
        text = self._text_lines(height)
        room = height - 1 - text
        edge = Segment(_CURSOR_EDGE if is_current_card else " ", self._line_style("key", background))
        if inner == 0:
            return self._line(card.head, width, background, edge)
        if inner <= room:
            return self._picture_line(place, inner - 1, (width - 2, room), background, edge)
        below = inner - room - 1
        return self._line(card.text[below] if below < len(card.text) else [], width, background, edge)

    def _text_lines(self, height: int) -> int:
        """How many lines of text each card has: at most half of its height."""
        return min(self._max_text_lines, max(1, (height - 1) // 2))

    def _line(self, line: Line, width: int, background: str, edge: Segment) -> list[Segment]:
        """A line of text, of exactly that width."""
        segments, left = [edge], width - 2
        for text, name in line:
            wide = cell_len(text)
            shown = text if wide <= left else cut(text, left)
            segments.append(Segment(shown, self._line_style(name, background)))
            left -= min(wide, left)
        segments.append(Segment(" " * (left + 1), self._line_style("", background)))
        return segments

    def _picture_line(
        self, place: int, line: int, room: tuple[int, int], background: str, edge: Segment
    ) -> list[Segment]:
        columns, rows = room
        width = columns + 2
        path = self._cards[place].path
        if self._gallery.renderer.graphics is Graphics.OFF:
            return self._line([], width, background, edge)
        picture = self._gallery.rendered(path, columns, rows)
        if isinstance(picture, RenderedPicture):
            above = (rows - picture.rows) // 2
            before = (columns - picture.columns) // 2
            if line == above and picture.overlay:
                self._overlay(place, before, line, picture)
            if 0 <= line - above < picture.rows:
                background_style = self._line_style("", background)
                after = width - 1 - before - picture.columns
                content = [
                    Segment(text, background_style if picture.overlay else style)
                    for text, style, _ in picture.lines[line - above]
                ]
                return [
                    edge,
                    Segment(" " * before, background_style),
                    *content,
                    Segment(" " * after, background_style),
                ]
            return self._line([], width, background, edge)
        message_lines = wrapped(_failure_text(picture), columns, 3) if picture else ["\u2026"]
        at = line - (rows - len(message_lines)) // 2
        words = cut(message_lines[at].center(columns), columns) if 0 <= at < len(message_lines) else ""
        return self._line([(words, "bad" if picture else "dim")], width, background, edge)

    def _overlay(self, place: int, before: int, line: int, picture: RenderedPicture) -> None:
        """Have a picture of pixels written over its blank characters, once these are on the screen."""
        width, height = self._card_cells
        x = place * width if self._one_row else place % self._columns * width
        y = 0 if self._one_row else place // self._columns * height
        if not self._pending_overlays:
            self.call_after_refresh(self._write_overlays)
        self._pending_overlays[place] = (x + 1 + before, y + 1 + line, picture)

    def _write_overlays(self) -> None:
        overlays, self._pending_overlays = self._pending_overlays, {}
        if not self.screen.is_current:
            return
        region = self.scrollable_content_region
        for x, y, picture in overlays.values():
            place = Region(x, y, picture.columns, picture.rows).translate(
                (region.x - self.scroll_offset.x, region.y - self.scroll_offset.y)
            )
            if region.contains_region(place):
                self.app.post_message(Overlay(place, picture))

    # -- moving ----------------------------------------------------------------------------------------------------

    def watch_cursor(self, _before: int, now: int) -> None:
        """Bring the card under the cursor into view."""
        self._reveal()
        self.refresh()
        self.post_message(self.CardHighlighted(now))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a card."""
        return min(max(cursor, 0), max(0, len(self._cards) - 1))

    def action_step(self, by: int) -> None:
        """Move along."""
        self.cursor += by

    def action_rows(self, by: int) -> None:
        """Move by rows."""
        moved = self.cursor + by * self._columns
        if not self._one_row and 0 <= moved < len(self._cards) + (by > 0) * (self._columns - 1):
            self.cursor = moved

    def action_pages(self, by: int) -> None:
        """Move by what is seen."""
        width, height = self._card_cells
        page = self.size.width // width if self._one_row else self.size.height // height * self._columns
        self.cursor += by * max(1, page)

    def on_resize(self) -> None:
        """Arrange the cards anew."""
        self._arrange()
        self._reveal()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose the card that was clicked; twice opens it."""
        offset = event.get_content_offset(self)
        if offset is None or not self._cards:
            return
        width, height = self._card_cells
        left, top = self.scroll_offset
        if self._one_row:
            place = (offset.x + left) // width
        else:
            place = (offset.y + top) // height * self._columns + min(offset.x // width, self._columns - 1)
        if place >= len(self._cards):
            return
        if place == self.cursor and event.chain >= 2:
            self.post_message(self.CardOpened(place))
        self.cursor = place


@dataclass
class Overlay(Message):
    """A picture of pixels is to be written at a place of the screen."""

    place: Region
    picture: RenderedPicture


def _failure_text(failure: Failure) -> str:
    """Why there is no picture."""
    return f"This file {failure.reason.value}." + (f" {failure.detail}" if failure.detail else "")
