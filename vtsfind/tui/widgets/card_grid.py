"""Photo cards: a picture with a few lines of text each, in one row or in several. Only what is visible is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vtsfind.base.groups import Verdict
from vtsfind.base.records import Failure
from vtsfind.graphics.detect import Graphics
from vtsfind.graphics.renderer import RenderedPicture
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.grid_layout import GridLayout
from vtsfind.tui.widgets.overlay import Overlay
from vtsfind.tui.widgets.styles import LineStyles
from vtsfind.tui.widgets.text_width import Line, centred, cut, wrapped

_CURSOR_EDGE = "\u258c"
_MAX_CARDS_SAMPLED = 64
"""Cards that are looked at to find the number of lines of text."""


@dataclass(frozen=True, slots=True)
class PhotoCard:
    """One photo with text."""

    path: bytes
    head: Line
    """Above the picture."""
    text: tuple[Line, ...]
    """Below it; what does not fit is left out, from the end."""


_STYLE_NAMES = (
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
    "not-duplicate",
)


class CardGrid(ScrollView, can_focus=True):
    """Photo cards with a cursor.

    Parameters
    ----------
    pictures
        The cache of pictures.
    min_card_width, max_card_width
        Width of a card, in characters; the largest counts only in one row.
    lines
        Height of a card in several rows, in lines.
    one_row
        Whether there is only one row, as high as the grid.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"cardgrid--{name}" for name in (*_STYLE_NAMES, *Verdict)}
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
        """The cursor has moved to another card."""

        card: int

    @dataclass
    class CardOpened(Message):
        """The card under the cursor was chosen."""

        card: int

    class CardsScrolled(Message):
        """Other cards are visible."""

    def __init__(
        self,
        pictures: PictureCache,
        *,
        min_card_width: int = 20,
        max_card_width: int = 48,
        lines: int = 14,
        one_row: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._pictures = pictures
        self._min_card_width, self._max_card_width, self._lines = min_card_width, max_card_width, lines
        self._one_row = one_row
        self._cards: Sequence[PhotoCard] = ()
        self._empty_text = ""
        self._max_text_lines = 0
        self._line_style = LineStyles(self, "cardgrid")
        self._pending_overlays: dict[int, tuple[Region, RenderedPicture]] = {}

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def cards(self) -> Sequence[PhotoCard]:
        """The cards."""
        return self._cards

    def show(self, cards: Sequence[PhotoCard], cursor: int = 0, *, empty: str = "") -> None:
        """Show other cards; `empty` is the text if there are none."""
        self._cards, self._empty_text = cards, empty
        self._max_text_lines = max((len(card.text) for card in cards[:_MAX_CARDS_SAMPLED]), default=0)
        self.virtual_size = self._grid_for(len(cards)).virtual_size
        self.set_reactive(CardGrid.cursor, min(max(cursor, 0), max(0, len(cards) - 1)))
        self._reveal()
        self.refresh()

    @property
    def hidden(self) -> tuple[int, int]:
        """Of one row, the number of cards beyond the left and the right edge, at least in part."""
        return self._grid.hidden(self.scroll_offset)

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Tell that other cards are visible."""
        super().watch_scroll_x(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.CardsScrolled())

    def text_width(self, count: int) -> int:
        """Width of a line of text on each of so many cards, in characters."""
        return self._grid_for(count).card.width - 2

    @property
    def text_lines(self) -> int:
        """Lines of text below the picture that a card has room for, at least one."""
        return _lines_of_text(self._grid_for(1).card.height)

    def picture_ready(self, path: bytes) -> None:
        """Draw again if the photo is visible."""
        if any(card.path == path for card in self._visible()):
            self.refresh()

    def check(self) -> None:
        """Check whether the files of the visible photos have changed."""
        self._pictures.check(card.path for card in self._visible())

    def _grid_for(self, count: int) -> GridLayout:
        return GridLayout(
            view=self.scrollable_content_region.size,
            count=count,
            min_card_width=self._min_card_width,
            max_card_width=self._max_card_width,
            card_lines=self._lines,
            one_row=self._one_row,
        )

    @property
    def _grid(self) -> GridLayout:
        return self._grid_for(len(self._cards))

    def _visible(self) -> list[PhotoCard]:
        return [self._cards[index] for index in self._grid.visible(self.scroll_offset)]

    def _reveal(self) -> None:
        if self.size:
            self.scroll_to_region(self._grid.region(self.cursor), animate=False, force=True)

    def notify_style_update(self) -> None:
        """Forget the styles of the former theme."""
        super().notify_style_update()
        self._line_style.clear()

    # -- drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        layout = self._grid
        width, height = layout.card
        left, top = self.scroll_offset
        visible = self.size.width
        if not self._cards:
            text = centred(self._empty_text, y, visible, self.size.height)
            return Strip([Segment(cut(text, visible), self._line_style("dim"))], visible)
        row, line = (0, y) if self._one_row else divmod(y + top, height)
        first = left // width if self._one_row else row * layout.columns
        shown = visible // width + 2 if self._one_row else layout.columns
        segments: list[Segment] = []
        for index in range(first, min(first + shown, len(self._cards))):
            segments += self._card_line(index, line, layout)
        offset = left - first * width if self._one_row else 0
        return Strip(segments).crop_extend(offset, offset + visible, self._line_style())

    def _card_line(self, index: int, line: int, layout: GridLayout) -> list[Segment]:
        """One line of one card."""
        card = self._cards[index]
        width, height = layout.card
        background = "cursor" if index == self.cursor else "card"
        picture_rows = height - 1 - self._text_lines(height)
        if line == 0:
            return self._text_line(card.head, width, background)
        if line <= picture_rows:
            return self._picture_line(index, line - 1, picture_rows, layout)
        below = line - picture_rows - 1
        return self._text_line(card.text[below] if below < len(card.text) else [], width, background)

    def _text_lines(self, height: int) -> int:
        """The lines of text on each card."""
        return min(self._max_text_lines, _lines_of_text(height))

    def _edge(self, background: str) -> Segment:
        return Segment(_CURSOR_EDGE if background == "cursor" else " ", self._line_style("key", background))

    def _text_line(self, line: Line, width: int, background: str) -> list[Segment]:
        """A line of text, cut and padded to a width."""
        segments, left = [self._edge(background)], width - 2
        for text, name in line:
            wide = cell_len(text)
            shown = text if wide <= left else cut(text, left)
            segments.append(Segment(shown, self._line_style(name, background)))
            left -= min(wide, left)
        segments.append(Segment(" " * (left + 1), self._line_style("", background)))
        return segments

    def _picture_line(self, index: int, line: int, rows: int, layout: GridLayout) -> list[Segment]:
        """One line of a card's picture, or of the text in its place."""
        width = layout.card.width
        columns = width - 2
        background = "cursor" if index == self.cursor else "card"
        if self._pictures.renderer.graphics is Graphics.OFF:
            return self._text_line([], width, background)
        picture = self._pictures.rendered(self._cards[index].path, columns, rows)
        if not isinstance(picture, RenderedPicture):
            return self._placeholder_line(picture, line, (columns, rows), background)
        above, before = (rows - picture.rows) // 2, (columns - picture.columns) // 2
        if line == above and picture.overlay:
            corner = layout.origin(index) + Offset(1 + before, 1 + line)
            self._request_overlay(index, Region(corner.x, corner.y, picture.columns, picture.rows), picture)
        if not 0 <= line - above < picture.rows:
            return self._text_line([], width, background)
        blank = self._line_style("", background)
        content = [
            Segment(text, blank if picture.overlay else style)
            for text, style, _ in picture.lines[line - above]
        ]
        after = width - 1 - before - picture.columns
        return [self._edge(background), Segment(" " * before, blank), *content, Segment(" " * after, blank)]

    def _placeholder_line(
        self, failure: Failure | None, line: int, size: tuple[int, int], background: str
    ) -> list[Segment]:
        """One line of the text shown where there is no picture, or none yet."""
        columns, rows = size
        lines = wrapped(failure_text(failure), columns, 3) if failure else ["\u2026"]
        at = line - (rows - len(lines)) // 2
        text = cut(lines[at].center(columns), columns) if 0 <= at < len(lines) else ""
        return self._text_line([(text, "bad" if failure else "dim")], columns + 2, background)

    def _request_overlay(self, index: int, place: Region, picture: RenderedPicture) -> None:
        """Write a picture of pixels over its blank characters as soon as these are on the screen."""
        if not self._pending_overlays:
            self.call_after_refresh(self._write_overlays)
        self._pending_overlays[index] = (place, picture)

    def _write_overlays(self) -> None:
        overlays, self._pending_overlays = self._pending_overlays, {}
        if not self.screen.is_current:
            return
        region = self.scrollable_content_region
        for place, picture in overlays.values():
            on_screen = place.translate((region.x - self.scroll_offset.x, region.y - self.scroll_offset.y))
            if region.contains_region(on_screen):
                self.app.post_message(Overlay(on_screen, picture))

    # -- moving ----------------------------------------------------------------------------------------------------

    def watch_cursor(self, _before: int, now: int) -> None:
        """Scroll to the card under the cursor."""
        self._reveal()
        self.refresh()
        self.post_message(self.CardHighlighted(now))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a card."""
        return min(max(cursor, 0), max(0, len(self._cards) - 1))

    def action_step(self, by: int) -> None:
        """Move by cards."""
        self.cursor += by

    def action_rows(self, by: int) -> None:
        """Move by rows."""
        columns = self._grid.columns
        moved = self.cursor + by * columns
        if not self._one_row and 0 <= moved < len(self._cards) + (by > 0) * (columns - 1):
            self.cursor = moved

    def action_pages(self, by: int) -> None:
        """Move by pages."""
        self.cursor += by * self._grid.page

    def on_resize(self) -> None:
        """Lay the cards out for the new size."""
        self.virtual_size = self._grid.virtual_size
        self._reveal()
        self.refresh()
        self.post_message(self.CardsScrolled())

    def on_click(self, event: events.Click) -> None:
        """Select the clicked card; a second click opens it."""
        offset = event.get_content_offset(self)
        index = self._grid.index_at(offset, self.scroll_offset) if offset is not None else None
        if index is None:
            return
        if index == self.cursor and event.chain >= 2:
            self.post_message(self.CardOpened(index))
        self.cursor = index


def _lines_of_text(height: int) -> int:
    """The most lines of text on a card of a height: half of it."""
    return max(1, (height - 1) // 2)


def failure_text(failure: Failure) -> str:
    """Why there is no picture."""
    return f"This file {failure.reason.value}." + (f" {failure.detail}" if failure.detail else "")
