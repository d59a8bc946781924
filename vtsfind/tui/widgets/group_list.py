"""The list of groups, a line each; only visible lines are made."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from vtsfind.base.groups import MAX_SHORT_LABEL, Group, Verdict
from vtsfind.base.paths import show_path_from_home
from vtsfind.base.words import file_size
from vtsfind.engine.review.filters import weakest_verdict
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.widgets.cursor_list import CursorList
from vtsfind.tui.widgets.text_width import cut, cut_path

_STATUS_SIGNS = {
    ReviewStatus.ACCEPTED: ("\u2713", "good"),
    ReviewStatus.REFUSED: ("\u2260", "warn"),
    ReviewStatus.OPEN: (" ", "dim"),
}
_STYLE_NAMES = ("cursor", "decided", "dim", "good", "warn", "key", "gain", "name")
_CURSOR_BAR = "\u258c"
_PARTLY_MARKED_SIGN = ("\u2022", "key")
_IN_DOUBT_SIGN = ("?", "warn")
_FIXED_WIDTH = 19 + MAX_SHORT_LABEL
"""Characters of the columns before the name."""
_MIN_NAME_WIDTH = 14
"""Characters of a name that must be left for the number of the group to be shown."""
_MIN_FOLDER_WIDTH = 12
"""Characters below which a folder is not shown: too little of it would be left."""
_MAX_CACHED_ROWS = 2000
_EMPTY_ORDER: npt.NDArray[np.int64] = np.zeros(0, np.int64)


class GroupList(CursorList):
    """Groups in some order, with a cursor."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"grouplist--{name}" for name in (*_STYLE_NAMES, *Verdict)}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+b", "page(-1)", show=False),
        Binding("ctrl+f", "page(1)", show=False),
        Binding("left,h", "screen.member(-1)", show=False),
        Binding("right,l", "screen.member(1)", show=False),
    ]

    @dataclass
    class GroupHighlighted(Message):
        """The cursor has moved to another group."""

        place: int

    class GroupOpened(Message):
        """The group under the cursor was chosen."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("grouplist", id=id)
        self.order: npt.NDArray[np.int64] = _EMPTY_ORDER
        self._review: Review | None = None
        self._row_cache: dict[tuple[int, int], tuple[Verdict, int, str, str]] = {}
        """By group and keeper."""

    def show(
        self, review: Review | None, order: npt.NDArray[np.int64], cursor: int = 0, *, empty: str = ""
    ) -> None:
        """Show groups in some order; `empty` is the text if there are none."""
        self._review, self.order = review, order
        self._row_cache.clear()
        self._show_lines(len(order), cursor, empty)

    @property
    def group(self) -> int | None:
        """The index in `Review.groups` of the group under the cursor; None if the list is empty."""
        return int(self.order[self.cursor]) if len(self.order) else None

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        place, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if self._review is None or place >= len(self.order):
            return self._line_below(y, width)
        number = int(self.order[place])
        is_current_row = place == self.cursor
        decision = self._review.decision(number)
        sign, kind = _STATUS_SIGNS[decision.status]
        if decision.status is ReviewStatus.OPEN and self._review.is_marked(number):
            sign, kind = _PARTLY_MARKED_SIGN
        elif decision.status is ReviewStatus.OPEN and self._review.needs_look(number):
            sign, kind = _IN_DOUBT_SIGN
        verdict, count, name, folder = self._row_fields(number, decision.keeper)
        decided = decision.status is not ReviewStatus.OPEN
        gain = file_size(self._review.removes(number).gain)
        room = max(0, width - _FIXED_WIDTH)
        number_width = len(str(self._review.groups[-1].number))
        has_number = room > number_width + _MIN_NAME_WIDTH
        if has_number:
            room -= number_width + 1
        shown = cut(name, room) if cell_len(name) > room else name
        folder_width = room - cell_len(shown) - 2
        shown_folder = (
            cut_path(folder, folder_width) if folder_width >= min(_MIN_FOLDER_WIDTH, len(folder)) else ""
        )
        parts = [
            (f"{_CURSOR_BAR if is_current_row else ' '}{sign} ", kind),
            (f"{self._review.groups[number].number:>{number_width}} " * has_number, "dim"),
            (f"{verdict.short_label:<{MAX_SHORT_LABEL + 1}}", "decided" if decided else verdict.value),
            (f"{count:>3} ", "dim"),
            (f"{gain:>9}  ", "decided" if decided else "gain"),
            (shown, "decided" if decided else "name"),
            ("  ", ""),
            (shown_folder, "dim"),
        ]
        background = "cursor" if is_current_row else ""
        segments = [Segment(text, self._line_style(style, background)) for text, style in parts if text]
        return Strip(segments).adjust_cell_length(width, self._line_style("", background))

    def _row_fields(self, number: int, keeper: int) -> tuple[Verdict, int, str, str]:
        words = self._row_cache.get((number, keeper))
        if words is None:
            assert self._review
            if len(self._row_cache) > _MAX_CACHED_ROWS:
                self._row_cache.clear()
            words = self._row_cache[number, keeper] = row_fields(self._review.groups[number], keeper)
        return words

    # -- moving ----------------------------------------------------------------------------------------------------

    def step(self, by: int) -> int | None:
        """Move the cursor by some groups; gives the index of the group under it."""
        self.cursor += by
        return self.group

    def show_first(self, numbers: Sequence[int]) -> None:
        """Move the cursor to the first one of some groups, if any of them is in the list."""
        places = np.flatnonzero(np.isin(self.order, numbers))
        if len(places):
            self.cursor = int(places[0])

    def step_to_open(self) -> int | None:
        """Move the cursor to the next undecided group; gives its index, None if all are decided."""
        place = self._review.next_open(self.order, self.cursor) if self._review else None
        if place is None:
            return None
        self.cursor = place
        return self.group

    def _highlighted(self, place: int) -> None:
        self.post_message(self.GroupHighlighted(place))

    def _opened(self, place: int) -> None:
        del place
        self.post_message(self.GroupOpened())


def row_fields(group: Group, keeper: int) -> tuple[Verdict, int, str, str]:
    """Columns of a group: verdict, photos, name and folder of the keeper, which is called by its index."""
    folder, _, name = show_path_from_home(group.members[keeper].photo.path).rpartition("/")
    return weakest_verdict(group), len(group.members), name, folder
