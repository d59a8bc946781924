"""A list of any number of lines with a cursor; only visible lines are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip

from vtsfind.tui.widgets.cursor_list import CursorList
from vtsfind.tui.widgets.text_width import Line, cut


class RowList(CursorList):
    """Lines of text, each made when it becomes visible."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"rowlist--{name}" for name in ("cursor", "dim", "good", "bad", "warn", "key", "name", "strong")
    }

    @dataclass
    class RowHighlighted(Message):
        """The cursor has moved to another line."""

        rows: "RowList"
        row: int

        @property
        def control(self) -> "RowList":
            """The list, for handlers with a selector."""
            return self.rows

    @dataclass
    class RowOpened(Message):
        """The line under the cursor was chosen."""

        rows: "RowList"
        row: int

        @property
        def control(self) -> "RowList":
            """The list, for handlers with a selector."""
            return self.rows

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("rowlist", id=id)
        self._row: Callable[[int], Line] = lambda _: []

    def show(self, count: int, row: Callable[[int], Line], cursor: int = 0, *, empty: str = "") -> None:
        """Show `count` lines made by `row`; `empty` is the text if there are none."""
        self._row = row
        self._show_lines(count, cursor, empty)

    @property
    def row(self) -> int | None:
        """The line under the cursor, None if there is none."""
        return self.cursor if self._count else None

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        place, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if place >= self._count:
            return self._line_below(y, width)
        is_current_row = place == self.cursor
        background = "cursor" if is_current_row else ""
        segments = [Segment("\u258c" if is_current_row else " ", self._line_style("key", background))]
        left = width - 1
        for text, name in self._row(place):
            shown = cut(text, left).rstrip(" ") if left < len(text) else text
            segments.append(Segment(shown, self._line_style(name, background)))
            left -= segments[-1].cell_length
        return Strip(segments).adjust_cell_length(width, self._line_style("", background))

    def _highlighted(self, place: int) -> None:
        self.post_message(self.RowHighlighted(self, place))

    def _opened(self, place: int) -> None:
        self.post_message(self.RowOpened(self, place))
