"""The review: the list of groups beside the photos of the selected group, and a key for each decision."""

from collections.abc import Iterable
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from vtsfind.base.errors import VtsfindError
from vtsfind.base.words import counted
from vtsfind.engine.review.bulk import bulk_choices
from vtsfind.engine.review.filters import GroupView
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.session import error_message
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import (
    CompareGroup,
    DecisionsChanged,
    JobDone,
    JobFailed,
    JobProgressed,
    SearchSimilar,
)
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.dialogs import BulkAcceptDialog, BusyDialog
from vtsfind.tui.widgets.group_list import GroupList
from vtsfind.tui.widgets.group_pane import GroupPane
from vtsfind.tui.widgets.key_bar import KeyBar
from vtsfind.tui.widgets.member_cards import MemberCards

_CHECK_EVERY_S = 3.0
_VIEWS = list(GroupView)
_FINDING = {"groups", "bursts"}
"""The jobs that find groups."""
_OPENING = "Opening the library \u2026"
_WHAT_NEXT = (
    "vtsfind compares the photos of the library '{}' to find {}. Then their groups are here, the one that frees most first."
    " Nothing is removed before you confirm it on the Apply screen (F5)."
    " Meanwhile F2 to F6 show the other screens; q quits, and keeps what was compared."
)
_AFTER_FAILURE = "F2 shows the libraries; there r compares again."
_NOTHING_TO_REVIEW = "v shows other groups, F4 searches, and F2 indexes more folders."


class OthersSeen(Message):
    """A worker has asked what others do who share the library."""

    def __init__(self, group: int, names: tuple[str, ...], *, has_news: bool) -> None:
        super().__init__()
        self.group = group
        self.names = names
        self.has_news = has_news


class GroupsPage(Page):
    """The screen of groups."""

    KEY_SCOPE = KeyScope.GROUPS
    TAB = "groups"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.GROUPS)
    AUTO_FOCUS = "#groups"

    def __init__(self) -> None:
        super().__init__()
        self._loading_texts = ("", "")
        """Shown in both panes while the groups are being found, or could not be found."""
        self._sought: int | None = None
        """The photo to select in the group that is to be listed."""

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Container(
            GroupPane(id="list-side"),
            MemberCards(self.context.pictures, id="members"),
            id="review",
        )

    def on_mount(self) -> None:
        """Show the groups and check files from time to time."""
        self._members.can_focus = False
        self.groups_changed()
        self.set_interval(_CHECK_EVERY_S, self._members.check)
        self.set_interval(_CHECK_EVERY_S, self._ask_for_others)

    @property
    def _pane(self) -> GroupPane:
        return self.query_one(GroupPane)

    @property
    def _list(self) -> GroupList:
        return self._pane.groups

    @property
    def _members(self) -> MemberCards:
        return self.query_one("#members", MemberCards)

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        review, number = self.context.session.review, self._list.group
        if review is None or number is None:
            return action in {"undo", "next_view", "filter"}
        return action != "best" or is_burst(review.groups[number])

    # -- what is shown ---------------------------------------------------------------------------------------------

    def groups_changed(self) -> None:
        """Show other groups."""
        session = self.context.session
        waits = session.view is GroupView.BURSTS and not session.has_bursts
        if session.review is None or session.listing is None or waits:
            stage, next_text = self._loading_texts
            self._pane.show_none(stage or _OPENING)
            self._members.show_none(next_text or _WHAT_NEXT.format(session.settings.library, session.view))
        else:
            self._loading_texts = ("", "")
            self._pane.show(session.review, session.listing, session.view)

    def job_progressed(self, message: JobProgressed) -> None:
        """Show the progress of finding groups."""
        if message.job in _FINDING and not self._pane.is_showing:
            total = f" of {message.total:,}" if message.total else ""
            self._loading_texts = (f"{message.phase.value}: {message.done:,}{total}", "")
            self.groups_changed()

    def job_failed(self, message: JobFailed) -> None:
        """Show why there are no groups."""
        if message.job in _FINDING and not self._pane.is_showing:
            self._loading_texts = (error_message(message.error), _AFTER_FAILURE)
            self.groups_changed()

    def decisions_changed(self) -> None:
        """Show decisions that were made on another screen."""
        if self.is_mounted:
            self._list.refresh()
            self._pane.show_progress()
            self._show_members(self._members.cursor)

    def picture_ready(self, path: bytes) -> None:
        """Draw a picture."""
        self._members.picture_ready(path)

    def show_member(self, number: int, member: int) -> None:
        """Show one photo of a group, in the view that has it, whatever was filtered."""
        session = self.context.session
        if session.review is None or session.listing is None:
            return
        if session.view is not GroupView.ALL:
            session.view = session.listing.view_of(number)
        self._sought = member
        self._pane.show(session.review, session.listing, session.view, number)

    @on(GroupPane.GroupsListed)
    def _on_groups_listed(self) -> None:
        self._show_members(self._sought)
        self._sought = None

    @on(GroupList.GroupHighlighted)
    def _on_group_highlighted(self) -> None:
        self._members.others = ()
        self._show_members()
        self._ask_for_others()

    def _ask_for_others(self) -> None:
        if self.context.session.is_shared and self._list.group is not None:
            self._look_at(self._list.group)

    @work(thread=True, exclusive=True, group="others")
    def _look_at(self, number: int) -> None:
        try:
            names, has_news = self.context.session.look_at(number)
        except VtsfindError:  # the next decision says so
            return
        self.post_message(OthersSeen(number, names, has_news=has_news))

    @on(OthersSeen)
    def _show_others(self, message: OthersSeen) -> None:
        try:
            taken = self.context.session.take_news() if message.has_news else []
        except VtsfindError as error:
            self.context.show_error(error)
            return
        if message.group == self._list.group and (taken or message.names != self._members.others):
            self._members.others = message.names
            self._show_members(self._members.cursor)
        if taken:
            self._list.refresh()
            self._pane.show_progress()
            self.refresh_status()
            self.post_message(DecisionsChanged(self))

    def _show_members(self, cursor: int | None = None) -> None:
        review, number = self.context.session.review, self._list.group
        if review is not None and number is not None:
            self._members.show_group(review, number, cursor)
        else:
            self._members.show_none("Nothing to show." if review and review.groups else _NOTHING_TO_REVIEW)
        self.query(KeyBar).refresh()

    # -- deciding --------------------------------------------------------------------------------------------------

    def _after_decision(self, *, advance: bool = False) -> None:
        """Show a decision, and go to the next undecided group if asked to."""
        member: int | None = self._members.cursor
        if advance:
            if self._list.step_to_open() is None:
                self.notify(f"All groups in the list are decided. {self._what_next()}", timeout=4)
            else:
                member = None
        self._list.refresh()
        self._pane.show_progress()
        self._show_members(member)
        self.refresh_status()
        self.post_message(DecisionsChanged(self))

    def _what_next(self) -> str:
        """Where to go on after the last group of the list."""
        view, listing = self.context.session.view, self.context.session.listing
        has_bursts = view is GroupView.COPIES and listing is not None and listing.count(GroupView.BURSTS) > 0
        return "F5 shows the plan, v the bursts." if has_bursts else "F5 shows the plan."

    def _apply_to_review(self, name: str, *arguments: int | None, advance: bool = False) -> bool:
        """Decide about the group under the cursor; gives whether that could be done."""
        review, number = self.context.session.review, self._list.group
        if review is None or number is None:
            return False
        try:
            getattr(review, name)(number, *arguments)
        except VtsfindError as error:
            self.context.show_error(error)
            if self.context.session.is_shared:  # another person's decision may be there now
                self._after_decision()
            return False
        self._after_decision(advance=advance)
        return True

    def action_accept(self) -> None:
        """Accept and go to the next undecided group."""
        self._apply_to_review("accept", advance=True)

    def action_drop(self) -> None:
        """Keep or remove the photo under the cursor."""
        self._apply_to_review("toggle", self._members.cursor)

    def action_choose(self, digit: int) -> None:
        """Keep another photo instead."""
        if digit <= len(self._members.cards):
            self._apply_to_review("choose", digit - 1)

    def action_refuse(self) -> None:
        """Remember that the photo under the cursor is not a duplicate."""
        review, number = self.context.session.review, self._list.group
        self._apply_to_review("refuse", self._members.cursor)
        closed = review and number is not None and review.decision(number).status is ReviewStatus.REFUSED
        if closed:
            self._after_decision(advance=True)

    def action_reopen(self) -> None:
        """Reset the group to the proposal, undecided."""
        self._apply_to_review("reopen")

    def action_undo(self) -> None:
        """Undo the last decision, and show its group."""
        review = self.context.session.review
        if review is None:
            return
        try:
            label, numbers = review.undo()
        except VtsfindError as error:
            self.context.show_error(error)
            return
        where = counted(len(numbers), "group")
        if len(numbers) == 1:
            where = f"group {review.groups[numbers[0]].number}"
        self._list.show_first(numbers)
        self.notify(f"Undone: {label}, {where}.", timeout=3)
        self._after_decision()

    def action_accept_all(self) -> None:
        """Offer to accept all groups of the same kind, or in the same folders."""
        review, listing, number = self.context.session.review, self.context.session.listing, self._list.group
        if review is None or listing is None or number is None:
            return
        choices = bulk_choices(review, listing, self._list.order, number)
        self.app.push_screen(BulkAcceptDialog(choices), self._accept_many)

    def _accept_many(self, numbers: tuple[int, ...] | None) -> None:
        review = self.context.session.review
        if not numbers or review is None:
            return
        if self.context.jobs.start("accept", lambda _progress, _cancel: review.accept_all(numbers)):
            self.app.push_screen(BusyDialog(f"Accepting {counted(len(numbers), 'group')} \u2026"))

    def job_done(self, message: JobDone) -> None:
        """Show that many groups were accepted."""
        if message.job == "accept":
            count = message.result if isinstance(message.result, int) else 0
            accepted = f"Accepted {counted(count, 'group')}."
            self.notify(f"{accepted} Press u once to undo all of it." if count else accepted, timeout=4)
            self._after_decision(advance=True)

    # -- moving, sorting, filtering ----------------------------------------------------------------------------------

    def action_member(self, by: int) -> None:
        """Select another photo of the group."""
        self._members.cursor += by

    def action_next_open(self) -> None:
        """Go to the next undecided group."""
        if self._list.step_to_open() is None:
            self.notify("All groups in the list are decided.", timeout=3)

    def action_next_view(self) -> None:
        """Show copies, bursts, or both."""
        session = self.context.session
        session.view = _VIEWS[(_VIEWS.index(session.view) + 1) % len(_VIEWS)]
        self._pane.show_all_kinds()
        self.groups_changed()

    def action_best(self) -> None:
        """Keep no other shot of the scene than the keeper."""
        review, number = self.context.session.review, self._list.group
        if review is None or number is None:
            return
        if is_burst(review.groups[number]):
            if not self._apply_to_review("keep_only", review.decision(number).keeper):
                return
            staying = review.staying_beside(number, review.decision(number).keeper)
            if staying:
                self.notify(f"Kept beside the keeper: {staying}.", timeout=8)
        else:
            self.notify("This is no burst.", timeout=3)

    def action_sort(self) -> None:
        """Sort by the next criterion."""
        self._pane.sort_by_next()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self._pane.reverse()

    def action_kinds(self) -> None:
        """Show only the next kind of groups; all kinds after the last one."""
        self._pane.show_next_kind()

    def action_filter(self) -> None:
        """Focus the filter."""
        self._pane.ask_for_filter()

    @on(GroupPane.FilterRefused)
    def _show_filter_error(self, message: GroupPane.FilterRefused) -> None:
        self.context.show_error(message.error)

    @on(GroupList.GroupOpened)
    @on(CardGrid.CardOpened)
    def action_compare(self) -> None:
        """Compare two photos closely."""
        review, number = self.context.session.review, self._list.group
        if review is not None and number is not None:
            self.post_message(CompareGroup(self._list, number, self._members.cursor))

    def action_similar(self) -> None:
        """Search for photos similar to the one under the cursor."""
        path = self._path
        if path is not None:
            self.post_message(SearchSimilar(path))

    def action_view(self) -> None:
        """Open the photo."""
        if self._path is not None:
            open_photo(self, self._path)

    def action_folder(self) -> None:
        """Open its folder."""
        if self._path is not None:
            open_folder(self, self._path)

    @property
    def _path(self) -> bytes | None:
        cards = self._members.cards
        return cards[self._members.cursor].path if cards else None
