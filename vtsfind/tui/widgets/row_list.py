"""A list of any number of lines with a cursor; only visible lines are made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vtsfind.tui.widgets.styles import LineStyles
from vtsfind.tui.widgets.text_width import Line, centred, cut


class RowList(ScrollView, can_focus=True):
    """Lines of text, each made when it becomes visible."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"rowlist--{name}" for name in ("cursor", "dim", "good", "bad", "warn", "key", "name", "strong")
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000000)", show=False),
        Binding("end,G", "move(1000000000)", show=False),
    ]
    cursor: reactive[int] = reactive(0, init=False)

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
        super().__init__(id=id)
        self._count = 0
        self._row: Callable[[int], Line] = lambda _: []
        self._empty = ""
        self._line_style = LineStyles(self, "rowlist")

    def notify_style_update(self) -> None:
        """Forget the styles of the theme before."""
        super().notify_style_update()
        self._line_style.clear()

    def show(self, count: int, row: Callable[[int], Line], cursor: int = 0, *, empty: str = "") -> None:
        """Show `count` lines made by `row`; `empty` is the text if there are none."""
        self._count, self._row, self._empty = count, row, empty
        self.virtual_size = Size(1, count)
        self.set_reactive(RowList.cursor, self.validate_cursor(cursor))
        self._reveal()
        self.refresh()

    @property
    def row(self) -> int | None:
        """The line under the cursor, None if there is none."""
        return self.cursor if self._count else None

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        place, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if place >= self._count:
            text = "" if self._count else centred(self._empty, y, width, self.size.height)
            return Strip([Segment(cut(text, width), self._line_style("dim"))]).adjust_cell_length(
                width, self._line_style()
            )
        is_current_row = place == self.cursor
        background = "cursor" if is_current_row else ""
        segments = [Segment("\u258c" if is_current_row else " ", self._line_style("key", background))]
        left = width - 1
        for text, name in self._row(place):
            shown = cut(text, left).rstrip(" ") if left < len(text) else text
            segments.append(Segment(shown, self._line_style(name, background)))
            left -= segments[-1].cell_length
        return Strip(segments).adjust_cell_length(width, self._line_style("", background))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return min(max(cursor, 0), max(0, self._count - 1))

    def watch_cursor(self, now: int) -> None:
        """Scroll to the line under the cursor."""
        self._reveal()
        self.refresh()
        self.post_message(self.RowHighlighted(self, now))

    def _reveal(self) -> None:
        if self.size:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Move by lines."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.cursor += by * max(1, self.size.height)

    def on_click(self, event: events.Click) -> None:
        """Select the clicked line; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.scroll_offset.y >= self._count:
            return
        place = offset.y + self.scroll_offset.y
        if place == self.cursor and event.chain >= 2:
            self.post_message(self.RowOpened(self, place))
        self.cursor = place
