"""Two photos of a group closely: side by side, flickering in one place, or as their difference; and their facts."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, TypeGuard

from textual import work
from textual.binding import BindingType
from textual.containers import Container
from textual.markup import escape
from textual.message import Message
from textual.widget import Widget

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Evidence, Photo
from vtsfind.base.paths import show_path
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure
from vtsfind.engine.previews.decode import Preview
from vtsfind.engine.review.alignment import (
    AlignedPair,
    aligned,
    difference,
    differing_share,
    rated_shot,
    shared_parts,
    sharpness,
)
from vtsfind.engine.review.facts import ComparedFile, FileFact, facts
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.relations import Relation, related_to
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.graphics.scaling import Pixels
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import DecisionsChanged, GroupOrder
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.widgets.card_grid import failure_text
from vtsfind.tui.widgets.cards import MARK_LABELS, group_title
from vtsfind.tui.widgets.facts_panel import FactsPanel
from vtsfind.tui.widgets.pair_view import PairMode, PairPictures, PairView

_LOADING = "\u2026"
_SCROLLED_LINES = 3
"""Lines of the facts that a key scrolls by: some stay in view."""


class PairAligned(Message):
    """A worker has aligned two pictures."""

    def __init__(
        self,
        pair: tuple[bytes, bytes],
        frame: AlignedPair,
        difference_map: Pixels,
        share: float,
        lines: list[FileFact],
    ) -> None:
        super().__init__()
        self.pair = pair
        self.frame = frame
        self.difference_map = difference_map
        self.share = share
        self.lines = lines


class ComparePage(Page):
    """The screen that compares two photos.

    Parameters
    ----------
    order
        The list of groups it was opened from.
    number, member
        The group and the photo to start with.
    """

    KEY_SCOPE = KeyScope.COMPARE
    TAB = "groups"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.COMPARE)

    def __init__(self, order: GroupOrder, number: int, member: int) -> None:
        super().__init__()
        self._order = order
        self._number = number
        self._member = member
        self._aligned_pair: PairAligned | None = None

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Container(
            PairView(self.context.pictures, id="pictures"),
            FactsPanel(id="facts-side"),
            id="compare",
        )

    def on_mount(self) -> None:
        """Show the first pair."""
        self._choose_member(self._member)

    @property
    def _view(self) -> PairView:
        return self.query_one(PairView)

    @property
    def _review(self) -> Review:
        review = self.context.session.review
        assert review, "a comparison is opened from a review"
        return review

    @property
    def _pair(self) -> tuple[int, int]:
        """The members that are compared: the keeper and another one."""
        return self._review.decision(self._number).keeper, self._member

    def _relations(self) -> tuple[Relation, Relation]:
        """The same, as they are to each other."""
        keeper, other = self._pair
        relations = related_to(self._review.groups[self._number], keeper)
        return relations[keeper], relations[other]

    def _photos(self) -> tuple[Photo, Photo]:
        keeper, other = self._relations()
        return keeper.member.photo, other.member.photo

    def _choose_member(self, member: int) -> None:
        count = len(self._review.groups[self._number].members)
        keeper = self._review.decision(self._number).keeper
        member %= count
        self._member = member if member != keeper else (keeper + 1) % count
        self._view.show_whole()
        self._refresh_pair()

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        if action == "other(1)":
            return len(self._review.groups[self._number].members) > 2
        mode = self._view.mode
        return (
            mode is PairMode.FLICKER or action != f"mode('{mode.value}')"
        )  # to flicker once more swaps them

    # -- pictures --------------------------------------------------------------------------------------------------

    def picture_ready(self, path: bytes) -> None:
        """Show what has become ready of the pair."""
        if path in {photo.path for photo in self._photos()}:
            self._refresh_pair()

    def _refresh_pair(self) -> None:
        photos = self._photos()
        if self._aligned_pair is not None and self._aligned_pair.pair != (photos[0].path, photos[1].path):
            self._aligned_pair = None
        group = self._review.groups[self._number]
        evidence = self._relations()[1].member.evidence
        first, second = (self.context.pictures.best_preview(photo.path) for photo in photos)
        done = self._aligned_pair
        self._view.show(
            PairPictures(
                _picture_or_text(first),
                _picture_or_text(second),
                evidence,
                aligned=done.frame if done else None,
                difference=done.difference_map if done else None,
            )
        )
        self._show_titles()
        self._show_facts(done.lines if done else [])
        if done is None and _is_large(first) and _is_large(second):
            self._compare(photos, first, second, evidence, is_other_shot=is_burst(group))

    @work(thread=True, exclusive=True, group="compare")
    def _compare(
        self,
        photos: tuple[Photo, Photo],
        first: Preview,
        second: Preview,
        evidence: Evidence,
        *,
        is_other_shot: bool,
    ) -> None:
        frame = aligned(first.pixels, second.pixels, evidence)
        sharp: tuple[float | None, float | None] = (None, None)
        if not is_other_shot:  # shots are rated by their sharpest part
            sharp = sharpness(*shared_parts(first.pixels, second.pixels, evidence))
        files = [_file(*each) for each in zip(photos, (first, second), sharp, strict=True)]
        if is_other_shot:
            files = [
                replace(file, shot=rated_shot(each.pixels, max(file.info.width, file.info.height)))
                for file, each in zip(files, (first, second), strict=True)
            ]
        paths = (photos[0].path, photos[1].path)
        self.post_message(
            PairAligned(paths, frame, difference(frame), differing_share(frame), facts(files[0], files[1]))
        )

    def on_pair_aligned(self, message: PairAligned) -> None:
        """Show the aligned pair."""
        if message.pair == tuple(photo.path for photo in self._photos()):
            self._aligned_pair = message
            self._refresh_pair()

    # -- text ------------------------------------------------------------------------------------------------------

    def _show_titles(self) -> None:
        view, places = self._view, self._pair
        names = [show_path(photo.path).rpartition("/")[2] for photo in self._photos()]
        marks = [MARK_LABELS[self._review.mark(self._number, place)][0] for place in places]
        titles = [
            escape(f"{place + 1}{mark}{name}") for place, mark, name in zip(places, marks, names, strict=True)
        ]
        if view.mode is PairMode.FLICKER:
            view.first.border_title = titles[int(view.is_second_shown)]
        elif view.mode is PairMode.DIFFERENCE:
            share = (
                f", visible in {100 * self._aligned_pair.share:.1f} % of what both show"
                if self._aligned_pair
                else ""
            )
            view.first.border_title = f"difference of {places[0] + 1} and {places[1] + 1}{share}"
        else:
            view.first.border_title, view.second.border_title = titles

    def _show_facts(self, lines: list[FileFact]) -> None:
        group = self._review.groups[self._number]
        panel = self.query_one(FactsPanel)
        panel.border_title = escape(group_title(group, self._pair[0]))
        status = self._review.decision(self._number).status
        panel.border_subtitle = "" if status is ReviewStatus.OPEN else status.value
        reasons = [f"{place + 1} {self._review.reason(self._number, place)}" for place in self._pair]
        first, second = (str(place + 1) for place in self._pair)
        panel.show(self._relations(), (first, second), reasons, lines)

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back to the groups."""
        self.dismiss()

    def action_mode(self, mode: str) -> None:
        """Choose how the photos are shown."""
        self._view.set_mode(PairMode(mode))
        self._show_titles()
        self.refresh_status()

    def action_details(self) -> None:
        """Show or hide all facts, and the numbers behind the verdict."""
        self.query_one(FactsPanel).toggle_class("-details")
        self._refresh_pair()

    def action_scroll(self, by: int) -> None:
        """Scroll the facts."""
        self.query_one(FactsPanel).scroll_relative(y=by * _SCROLLED_LINES, animate=False)

    def action_box(self) -> None:
        """Show or hide the box."""
        self._view.toggle_box()

    def action_other(self, by: int) -> None:
        """Compare with another photo."""
        count = len(self._review.groups[self._number].members)
        keeper = self._pair[0]
        member = (self._member + by) % count
        self._choose_member(member if member != keeper else (member + by) % count)

    def action_zoom(self, by: int) -> None:
        """Zoom in or out."""
        self._view.zoom(by)

    def action_whole(self) -> None:
        """Show the whole photos."""
        self._view.show_whole()

    def action_pan(self, right: int, down: int) -> None:
        """Move both photos."""
        self._view.pan(right, down)

    def action_group(self, by: int) -> None:
        """Go to another group."""
        self._go(self._order.step(by))

    def _go(self, number: int | None) -> None:
        if number is not None:
            self._number, self._aligned_pair = number, None
            self._choose_member(self._review.in_question(number))
            self.refresh_status()

    def _apply_to_review(self, name: str, *arguments: int) -> bool:
        try:
            getattr(self._review, name)(self._number, *arguments)
        except VtsfindError as error:
            self.context.show_error(error)
            return False
        self._decisions_changed()
        return True

    def _show_decision(self) -> None:
        self._show_titles()
        self._show_facts(self._aligned_pair.lines if self._aligned_pair else [])

    def _decisions_changed(self) -> None:
        self.refresh_status()
        self.post_message(DecisionsChanged(self))

    def action_accept(self) -> None:
        """Accept and go to the next undecided group."""
        if self._apply_to_review("accept"):
            number = self._order.step_to_open()
            self._go(number)
            if number is None:
                self.notify("All groups in the list are decided. F5 shows the plan.", timeout=4)

    def action_drop(self) -> None:
        """Keep or remove the photo on the right."""
        if self._apply_to_review("toggle", self._member):
            self._show_decision()

    def action_choose(self, digit: int) -> None:
        """Keep another photo instead."""
        if digit <= len(self._review.groups[self._number].members) and self._apply_to_review(
            "choose", digit - 1
        ):
            self._aligned_pair = None
            self._choose_member(self._member)

    def action_refuse(self) -> None:
        """Remember that the photo on the right is not a duplicate."""
        if self._apply_to_review("refuse", self._member):
            self._show_decision()

    def action_undo(self) -> None:
        """Undo the last decision."""
        try:
            _, numbers = self._review.undo()
        except VtsfindError as error:
            self.context.show_error(error)
            return
        self._decisions_changed()
        if len(numbers) == 1 and numbers[0] != self._number:
            self._order.show_first(numbers)
            self._go(numbers[0])
        else:
            self._choose_member(self._member)

    def action_view(self) -> None:
        """Open the photo on the right."""
        open_photo(self, self._photos()[1].path)

    def action_folder(self) -> None:
        """Open the folder of the photo on the right."""
        open_folder(self, self._photos()[1].path)


def _picture_or_text(preview: Preview | Failure | None) -> Pixels | str:
    if isinstance(preview, Preview):
        return preview.pixels
    return failure_text(preview) if preview else _LOADING


def _is_large(preview: Preview | Failure | None) -> TypeGuard[Preview]:
    """Whether a picture is the large one, which has the details of the file."""
    return isinstance(preview, Preview) and preview.details is not None


def _file(photo: Photo, preview: Preview, sharpness_value: float | None) -> ComparedFile:
    changed = datetime.fromtimestamp(preview.stamp.mtime_ns / 1e9).astimezone()
    return ComparedFile(
        os.path.basename(show_path(photo.path)),
        preview.stamp.size,
        f"{changed:%Y-%m-%d %H:%M:%S}",
        preview.info or photo.info,
        preview.details or Details(),
        sharpness_value,
    )
