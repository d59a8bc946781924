"""The review: all groups at one side, the photos of the current one at the other, a key for each decision."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from textual import on, work
from textual.binding import BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Verdict
from vtsfind.base.records import show_path
from vtsfind.engine.review.filters import Filter, Sort, wanted, weakest_verdict
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.messages import WorkDone, WorkFailed, WorkProgress
from vtsfind.tui.screens.compare import ComparePage
from vtsfind.tui.services.open_external import show_file, show_folder
from vtsfind.tui.widgets.bulk_accept import BulkAcceptDialog
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.cards import group_cards
from vtsfind.tui.widgets.group_list import GroupList
from vtsfind.tui.widgets.screen_base import BusyDialog, Page, page_bindings
from vtsfind.tui.widgets.text_width import counted, size

_CHECK_EVERY_S = 3.0
_SORTS = list(Sort)


class OrderReady(Message):
    """Groups have been put in order."""

    def __init__(self, order: npt.NDArray[np.int64], keep: int | None) -> None:
        super().__init__()
        self.order = order
        self.keep = keep
        """The group that the cursor stays on, if it is still there."""


class GroupsPage(Page):
    """The screen of groups."""

    KEY_SCOPE = KeyScope.GROUPS
    NAME = "groups"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(KeyScope.GROUPS)
    AUTO_FOCUS = "#groups"

    def __init__(self) -> None:
        super().__init__()
        self._sort = Sort.GAIN
        self._backwards = False
        self._filter = Filter()
        self._empty_text = "Looking for duplicates \u2026"

    def body(self) -> Iterable[Widget]:
        """Lay it out."""
        yield Container(
            Vertical(
                GroupList(id="groups"),
                Input(placeholder="words, kind:edit, >5MB", id="filter"),
                id="list-side",
            ),
            CardGrid(self.browse.gallery, one_row=True, id="members"),
            id="review",
        )

    def on_mount(self) -> None:
        """Fill it."""
        self._members.can_focus = False
        self.query_one("#filter").display = False
        self.groups_changed()
        self.set_interval(_CHECK_EVERY_S, self._members.check)

    @property
    def _list(self) -> GroupList:
        return self.query_one("#groups", GroupList)

    @property
    def _members(self) -> CardGrid:
        return self.query_one("#members", CardGrid)

    # -- what is shown ---------------------------------------------------------------------------------------------

    def groups_changed(self) -> None:
        """Show other groups."""
        if not self.is_mounted:
            return
        review = self.browse.browsing.review
        if review is None:
            self._list.show(None, np.zeros(0, np.int64), empty=self._empty_text)
            self._members.show([])
            self._update_title()
            return
        self._empty_text = "There are no duplicates." if not review.groups else "No group is like that."
        self._reorder()

    def work_progress(self, message: WorkProgress) -> None:
        """Say how far the search for groups is."""
        if message.what == "groups" and self.browse.browsing.review is None:
            total = f" of {message.total:,}" if message.total else ""
            self._empty_text = f"{message.phase.value} \u2026 {message.done:,}{total}"
            self.groups_changed()

    def work_failed(self, message: WorkFailed) -> None:
        """Say why there are no groups."""
        if message.what == "groups" and self.browse.browsing.review is None:
            self._empty_text = self.browse.error_text(message.error)
            self.groups_changed()

    def review_changed(self) -> None:
        """Show decisions that were made elsewhere."""
        if self.is_mounted:
            self._list.refresh()
            self._show_members(self._members.cursor)

    def picture_ready(self, path: bytes) -> None:
        """Show a picture."""
        self._members.picture_ready(path)

    @work(thread=True, exclusive=True, group="order")
    def _reorder(self) -> None:
        listing = self.browse.browsing.listing
        if listing is None:
            return
        order = listing.order(self._sort, self._filter, is_reversed=self._backwards)
        self.post_message(OrderReady(order, self._list.group))

    @on(OrderReady)
    def _take_order(self, message: OrderReady) -> None:
        found = (
            np.flatnonzero(message.order == message.keep) if message.keep is not None else message.order[:0]
        )
        cursor = int(found[0]) if len(found) else 0
        self._list.show(self.browse.browsing.review, message.order, cursor, empty=self._empty_text)
        self._show_members()
        self._update_title()

    @on(GroupList.GroupHighlighted)
    def _on_group_highlighted(self) -> None:
        self._show_members()

    def _show_members(self, cursor: int = 0) -> None:
        review, number = self.browse.browsing.review, self._list.group
        if review is None or number is None:
            self._members.show([])
            self._members.border_title = self._members.border_subtitle = ""
            return
        group = review.groups[number]
        self._members.show(group_cards(review, number, self._members.text_width(len(group.members))), cursor)
        self._members.border_title = (
            f"Group {group.number}: {counted(len(group.members), 'photo')}, {weakest_verdict(group).value},"
            f" gives {size(group.gain)}"
        )
        status = {
            ReviewStatus.OPEN: f"tied: {group.doubt or 'only the path decides'}" if group.tied else "open",
            ReviewStatus.ACCEPTED: "\u2713 accepted",
            ReviewStatus.REFUSED: "\u2260 no duplicates",
        }
        self._members.border_subtitle = status[review.decision(number).status]

    def _update_title(self) -> None:
        count = len(self._list.order)
        kinds = "" if self._filter.matches_all else ", filtered"
        self._list.border_title = counted(count, "group") + kinds
        arrow = "\u2191" if self._backwards else "\u2193"
        self._list.border_subtitle = f"{self._sort.value} {arrow}"

    # -- deciding --------------------------------------------------------------------------------------------------

    def _after_decision(self, *, advance: bool = False) -> None:
        """Show a decision, and go on to the next open group if it closed this one."""
        review = self.browse.browsing.review
        member = self._members.cursor
        if advance and review:
            after = review.next_open(self._list.order, self._list.cursor)
            if after is not None:
                self._list.cursor, member = after, 0
            else:
                self.notify("Every group here is decided. F5 shows the plan.", timeout=4)
        self._list.refresh()
        self._show_members(member)
        self.browse.notify_review_changed(self)

    def _apply_to_review(self, name: str, *arguments: int | None, advance: bool = False) -> None:
        review, number = self.browse.browsing.review, self._list.group
        if review is None or number is None:
            return
        try:
            getattr(review, name)(number, *arguments)
        except VtsfindError as error:
            self.browse.tell(error)
            return
        self._after_decision(advance=advance)

    def action_accept(self) -> None:
        """Let the marks hold."""
        self._apply_to_review("accept", advance=True)

    def action_drop(self) -> None:
        """Keep or drop the photo under the cursor."""
        self._apply_to_review("toggle", self._members.cursor)

    def action_choose(self, digit: int) -> None:
        """Make a photo the keeper."""
        if digit <= len(self._members.cards):
            self._apply_to_review("choose", digit - 1)

    def action_refuse(self) -> None:
        """Say that the photo under the cursor is no duplicate."""
        review, number = self.browse.browsing.review, self._list.group
        self._apply_to_review("refuse", self._members.cursor)
        closed = review and number is not None and review.decision(number).status is ReviewStatus.REFUSED
        if closed:
            self._after_decision(advance=True)

    def action_reopen(self) -> None:
        """Take every mark of the group away."""
        self._apply_to_review("reopen")

    def action_undo(self) -> None:
        """Take the latest step back, and show the group that it was about."""
        review = self.browse.browsing.review
        if review is None:
            return
        try:
            label, numbers = review.undo()
        except VtsfindError as error:
            self.browse.tell(error)
            return
        if len(numbers) == 1:
            places = np.flatnonzero(self._list.order == numbers[0])
            if len(places):
                self._list.cursor = int(places[0])
        else:
            self.notify(f"Taken back: {label}, {counted(len(numbers), 'group')}.", timeout=3)
        self._after_decision()

    def action_accept_all(self) -> None:
        """Accept all groups that are alike, after showing how many."""
        review, listing, number = self.browse.browsing.review, self.browse.browsing.listing, self._list.group
        if review is None or listing is None or number is None:
            return
        verdict = weakest_verdict(review.groups[number])

        def choices() -> Sequence[tuple[str, list[int]]]:
            by_kind = self._open_among(listing.similar_groups(number, by_folders=False))
            by_folders = self._open_among(listing.similar_groups(number, by_folders=True))
            return [
                (f"of the kind '{verdict.value}'", by_kind),
                ("of these folders, as sure or surer", by_folders),
            ]

        self.browse.push_screen(BulkAcceptDialog(choices(), review.groups), self._accept_many)

    def _open_among(self, numbers: npt.NDArray[np.int64]) -> list[int]:
        review = self.browse.browsing.review
        assert review
        shown = np.intersect1d(numbers, self._list.order).tolist()
        return [number for number in shown if review.decision(number).status is ReviewStatus.OPEN]

    def _accept_many(self, numbers: list[int] | None) -> None:
        review = self.browse.browsing.review
        if not numbers or review is None:
            return
        label = f"accept {counted(len(numbers), 'group')}"
        if self.browse.jobs.start("accept", lambda _progress, _cancel: review.accept_all(numbers, label)):
            self.browse.push_screen(BusyDialog(f"Accepting {counted(len(numbers), 'group')} \u2026"))

    def work_done(self, message: WorkDone) -> None:
        """Show that many groups are accepted."""
        if message.what == "accept":
            self.notify(f"Accepted: {message.result:,} groups. One 'u' takes all of it back.", timeout=4)
            self._after_decision(advance=True)

    # -- moving, sorting, looking ----------------------------------------------------------------------------------

    def action_member(self, by: int) -> None:
        """Go to another photo of the group."""
        self._members.cursor += by

    def action_next_open(self) -> None:
        """Go to the next open group."""
        review = self.browse.browsing.review
        place = review.next_open(self._list.order, self._list.cursor) if review else None
        if place is None:
            self.notify("Every group here is decided.", timeout=3)
        else:
            self._list.cursor = place

    def action_sort(self) -> None:
        """Sort by the next thing."""
        self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
        self._reorder()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._backwards = not self._backwards
        self._reorder()

    def action_kinds(self) -> None:
        """Show the next kind only, and all kinds after the last."""
        listing = self.browse.browsing.listing
        if listing is None:
            return
        present = [verdict for verdict, (count, _) in listing.counts().items() if count]
        now = [verdict for verdict in present if self._filter.verdicts == {verdict}]
        after = present.index(now[0]) + 1 if now else 0
        verdicts = frozenset({present[after]}) if after < len(present) else frozenset(Verdict)
        self._filter = Filter(verdicts, self._filter.text, self._filter.gain)
        self._reorder()

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#filter")
    def _filter_typed(self, event: Input.Changed) -> None:
        try:
            self._filter = wanted(event.value)
        except VtsfindError:  # half typed
            return
        self._reorder()

    @on(Input.Submitted, "#filter")
    def _filter_done(self, event: Input.Submitted) -> None:
        try:
            wanted(event.value)
        except VtsfindError as error:
            self.browse.tell(error)
            return
        event.input.display = bool(event.value)
        self._list.focus()

    def key_escape(self) -> None:
        """Leave the filter, and take it away."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self._list.focus()

    @on(GroupList.GroupOpened)
    @on(CardGrid.CardOpened)
    def action_compare(self) -> None:
        """Look closely."""
        review, number = self.browse.browsing.review, self._list.group
        if review is not None and number is not None:
            self.browse.push_screen(ComparePage(self, number, self._members.cursor))

    def action_similar(self) -> None:
        """Search for photos like the one under the cursor."""
        path = self._path
        if path is not None:
            self.browse.search_for(path)

    def action_view(self) -> None:
        """Open the photo."""
        if self._path is not None:
            show_file(self, self._path)

    def action_folder(self) -> None:
        """Open its folder."""
        if self._path is not None:
            show_folder(self, self._path)

    @property
    def _path(self) -> bytes | None:
        cards = self._members.cards
        return cards[self._members.cursor].path if cards else None

    def go_to(self, by: int) -> int | None:
        """Move on by groups; gives the group under the cursor then."""
        self._list.cursor += by
        return self._list.group

    def go_to_open(self) -> int | None:
        """Move on to the next open group; gives it, None if there is none."""
        review = self.browse.browsing.review
        place = review.next_open(self._list.order, self._list.cursor) if review else None
        if place is None:
            self.notify("Every group here is decided. F5 shows the plan.", timeout=4)
            return None
        self._list.cursor = place
        return self._list.group

    def title_of(self, number: int) -> str:
        """A group in a few words."""
        review = self.browse.browsing.review
        assert review
        group = review.groups[number]
        return f"Group {group.number}: {weakest_verdict(group).value}, {show_path(group.keeper.path)}"
