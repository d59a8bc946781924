"""The groups in some order, and below them a line to type a filter."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from textual import on, work
from textual.containers import Vertical
from textual.markup import escape
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Verdict
from vtsfind.base.words import counted
from vtsfind.engine.review.filters import Filter, GroupView, Listing, Sort, parse_filter
from vtsfind.engine.review.review import Review
from vtsfind.tui.widgets.group_list import GroupList

_SORTS = list(Sort)
_NO_GROUPS = "There are no {}."
_NO_MATCH = "No group matches the filter. Press Esc to show all groups."
_NO_ORDER: npt.NDArray[np.int64] = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which groups are to be listed, and in which order."""

    listing: Listing
    view: GroupView
    sort: Sort
    criteria: Filter
    is_reversed: bool


class OrderReady(Message):
    """A worker has filtered and sorted the groups as was wished."""

    def __init__(self, wish: _Wish, order: npt.NDArray[np.int64]) -> None:
        super().__init__()
        self.wish = wish
        self.order = order


class GroupPane(Vertical):
    """The groups of one view, with a cursor for each view."""

    class GroupsListed(Message):
        """Other groups are listed, or in another order."""

    class FilterRefused(Message):
        """The typed filter cannot be understood."""

        def __init__(self, error: VtsfindError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._shown: tuple[Review, Listing, GroupView] | None = None
        self._sort = Sort.GAIN
        self._reversed = False
        self._filter = Filter()
        self._current: dict[GroupView, tuple[Review, int | None]] = {}
        """The group under the cursor in each view, and the review that it is of."""

    def compose(self) -> Iterable[Widget]:
        """The list and the line."""
        yield GroupList(id="groups")
        field = Input(placeholder="words, kind:edit, >5MB, is:check", id="filter")
        field.display = False
        yield field

    @property
    def groups(self) -> GroupList:
        """The list."""
        return self.query_one(GroupList)

    @property
    def is_showing(self) -> bool:
        """Whether there are groups to list, even if none passes the filter."""
        return self._shown is not None

    def show(self, review: Review, listing: Listing, view: GroupView, group: int | None = None) -> None:
        """Show groups; the cursor returns to where it was in the view, or goes to the first undecided group.

        If a group is given, by its index, it goes there, and no filter hides it.
        """
        self._shown = (review, listing, view)
        if group is not None:
            self._current[view] = (review, group)
            self._filter = Filter()
            with self.prevent(Input.Changed):
                self.key_escape()
        self._list_again()

    def show_none(self, text: str) -> None:
        """Show a text, as long as there are no groups."""
        self._shown = None
        self.groups.show(None, _NO_ORDER, empty=text)
        self.groups.border_title, self.groups.border_subtitle = "Groups", ""

    # -- order and filter ------------------------------------------------------------------------------------------

    def sort_by_next(self) -> None:
        """Sort by the next criterion."""
        self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
        self._list_again()

    def reverse(self) -> None:
        """Reverse the order."""
        self._reversed = not self._reversed
        self._list_again()

    def show_next_kind(self) -> None:
        """Show only the next kind of groups; all kinds after the last one."""
        if self._shown is None:
            return
        present = [verdict for verdict, count in self._shown[1].counts().items() if count]
        now = [verdict for verdict in present if self._filter.verdicts == {verdict}]
        after = present.index(now[0]) + 1 if now else 0
        verdicts = frozenset({present[after]}) if after < len(present) else frozenset(Verdict)
        self._filter_by(replace(self._filter, verdicts=verdicts))

    def show_all_kinds(self) -> None:
        """Show all kinds of groups."""
        self._filter_by(replace(self._filter, verdicts=frozenset(Verdict)))

    def _filter_by(self, criteria: Filter) -> None:
        self._filter = criteria
        self._list_again()

    def _list_again(self) -> None:
        if self._shown:
            self._reorder(self.wish(*self._shown[1:]))

    def wish(self, listing: Listing, view: GroupView) -> _Wish:
        """What is to be listed now, of some groups."""
        return _Wish(listing, view, self._sort, self._filter, self._reversed)

    @work(thread=True, exclusive=True, group="order")
    def _reorder(self, wish: _Wish) -> None:
        order = wish.listing.order(wish.sort, wish.criteria, wish.view, is_reversed=wish.is_reversed)
        self.post_message(OrderReady(wish, order))

    @on(OrderReady)
    def _take_order(self, message: OrderReady) -> None:
        message.stop()
        if self._shown is None or message.wish != self.wish(*self._shown[1:]):  # something else is wished now
            return
        review, listing, view = self._shown
        cursor = self._place(review, view, message.order)
        empty = _NO_MATCH if listing.count(view) else _NO_GROUPS.format(view)
        self.groups.show(review, message.order, cursor, empty=empty)
        self._note_current()
        self.show_progress()
        arrow = "\u2191" if self._reversed else "\u2193"
        self.groups.border_subtitle = f"{self._sort.value} {arrow}"
        self.post_message(self.GroupsListed())

    def show_progress(self) -> None:
        """Say above the list how many groups it has, and how many of them are decided."""
        if self._shown is None:
            return
        review, _, view = self._shown
        order = self.groups.order
        filtered = f": {self._filter}" if str(self._filter) else ""
        decided = review.count_decided(order)
        title = f"{counted(len(order), 'group')} of {view}{filtered}"
        self.groups.border_title = escape(f"{title}, {decided:,} decided" if decided else title)

    @on(GroupList.GroupHighlighted)
    def _note_current(self) -> None:
        if self._shown:
            review, _, view = self._shown
            self._current[view] = review, self.groups.group

    def _place(self, review: Review, view: GroupView, order: npt.NDArray[np.int64]) -> int:
        """Where the cursor was in a review; the first undecided group of a new one."""
        of, group = self._current.get(view, (None, None))
        if of is not review:
            return review.next_open(order, -1) or 0
        found = np.flatnonzero(order == group)
        return int(found[0]) if len(found) else 0

    # -- typing a filter -------------------------------------------------------------------------------------------

    def ask_for_filter(self) -> None:
        """Focus the line."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    @on(Input.Changed)
    def _filter_typed(self, event: Input.Changed) -> None:
        try:
            criteria = parse_filter(event.value)
        except VtsfindError:  # half typed
            return
        self._filter_by(criteria)

    @on(Input.Submitted)
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            parse_filter(event.value)
        except VtsfindError as error:
            self.post_message(self.FilterRefused(error))
            return
        event.input.display = bool(event.value)
        self.groups.focus()

    def key_escape(self) -> None:
        """Clear and hide the filter, that of kinds as well."""
        field = self.query_one(Input)
        field.value = ""
        field.display = False
        self.groups.focus()
        self.show_all_kinds()
