"""A list of lines with a cursor: what all such lists have in common."""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from vtsfind.tui.widgets.styles import LineStyles
from vtsfind.tui.widgets.text_width import centred, cut


class CursorList(ScrollView, can_focus=True):
    """Lines of text with a cursor; a subclass draws them, and posts its own messages.

    Parameters
    ----------
    styles
        What the names of its component classes begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move(-1000000000)", show=False),
        Binding("end,G", "move(1000000000)", show=False),
    ]
    cursor: reactive[int] = reactive(0, init=False)

    def __init__(self, styles: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._count = 0
        self._empty = ""
        self._line_style = LineStyles(self, styles)

    def notify_style_update(self) -> None:
        """Forget the styles of the former theme."""
        super().notify_style_update()
        self._line_style.clear()

    def _show_lines(self, count: int, cursor: int, empty: str) -> None:
        """Show so many lines; `empty` is the text if there are none."""
        self._count, self._empty = count, empty
        self.virtual_size = Size(1, count)
        self.set_reactive(CursorList.cursor, self.validate_cursor(cursor))
        self._reveal()
        self.refresh()

    def _line_below(self, y: int, width: int) -> Strip:
        """What stands where there is no line, in row `y` of the screen: nothing, or the text of an empty list."""
        text = "" if self._count else centred(self._empty, y, width, self.size.height)
        return Strip([Segment(cut(text, width), self._line_style("dim"))]).adjust_cell_length(
            width, self._line_style()
        )

    def _highlighted(self, place: int) -> None:
        """Say that the cursor has moved to a line."""
        raise NotImplementedError

    def _opened(self, place: int) -> None:
        """Say that a line was chosen."""
        raise NotImplementedError

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return min(max(cursor, 0), max(0, self._count - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        """Scroll to the line under the cursor."""
        top = self.scroll_offset.y
        self.refresh(*(Region(0, place - top, self.size.width, 1) for place in (before, now)))
        self._reveal()
        self._highlighted(now)

    def _reveal(self) -> None:
        if self.size:
            self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False, force=True)

    def action_move(self, by: int) -> None:
        """Move by lines."""
        self.cursor += by

    def action_page(self, by: int) -> None:
        """Move by pages."""
        self.scroll_relative(y=by * max(1, self.size.height), animate=False, force=True)
        self.cursor += by * max(1, self.size.height)

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        """Select the clicked line; a second click opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y + self.scroll_offset.y >= self._count:
            return
        place = offset.y + self.scroll_offset.y
        if place == self.cursor and event.chain >= 2:
            self._opened(place)
        self.cursor = place
