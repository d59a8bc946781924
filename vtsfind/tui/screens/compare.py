"""Two photos of a group closely: side by side, flickering in one place, or as their difference; and their facts."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from textual import work
from textual.binding import BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widget import Widget

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Box, Evidence, Photo
from vtsfind.base.paths import show_path
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure
from vtsfind.engine.previews.decode import Preview
from vtsfind.engine.review.alignment import (
    AlignedPair,
    aligned,
    apply_orientation,
    difference,
    differing_share,
    evidence_between,
    orient_box,
    shared_parts,
    sharpness,
)
from vtsfind.engine.review.facts import ComparedFile, FileFact, facts
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.graphics.scaling import FULL_BOX, FULL_VIEW, Pixels
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import DecisionsChanged, GroupOrder
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.widgets.card_grid import failure_text
from vtsfind.tui.widgets.cards import MARK_LABELS, group_title
from vtsfind.tui.widgets.facts_panel import FactsPanel
from vtsfind.tui.widgets.image_view import ZoomView

_PAN_STEP_SHARE = 0.2
"""Share of the view that one key moves it by."""
_ZOOM_FACTOR = 1.5


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
        self._mode = "side"
        self._is_second_shown = False
        self._is_box_shown = True
        self._viewport = FULL_VIEW
        self._aligned_pair: PairAligned | None = None

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        pictures = self.context.pictures
        yield Container(
            Horizontal(ZoomView(pictures, id="first"), ZoomView(pictures, id="second"), id="pictures"),
            FactsPanel(id="facts-side"),
            id="compare",
        )

    def on_mount(self) -> None:
        """Show the first pair."""
        self._choose_member(self._member)

    @property
    def _review(self) -> Review:
        review = self.context.session.review
        assert review, "a comparison is opened from a review"
        return review

    @property
    def _pair(self) -> tuple[int, int]:
        """The members that are compared: the keeper and another one."""
        return self._review.decision(self._number).keeper, self._member

    def _photos(self) -> tuple[Photo, Photo]:
        members = self._review.groups[self._number].members
        first, second = self._pair
        return members[first].photo, members[second].photo

    def _choose_member(self, member: int) -> None:
        count = len(self._review.groups[self._number].members)
        keeper = self._review.decision(self._number).keeper
        member %= count
        self._member = member if member != keeper else (keeper + 1) % count
        self._viewport = FULL_VIEW
        self._refresh_pair()

    # -- pictures --------------------------------------------------------------------------------------------------

    def picture_ready(self, path: bytes) -> None:
        """Show the pair when both pictures are ready."""
        if path in {photo.path for photo in self._photos()}:
            self._refresh_pair()

    def _refresh_pair(self) -> None:
        pair = self._photos()
        previews = [self.context.pictures.large_preview(photo.path) for photo in pair]
        self._show_titles()
        paths = (pair[0].path, pair[1].path)
        if self._aligned_pair is not None and self._aligned_pair.pair == paths:
            self._show()
            return
        self._aligned_pair = None
        for view, preview in zip(("#first", "#second"), previews, strict=True):
            if preview is None:
                self.query_one(view, ZoomView).show_text("\u2026")
            elif isinstance(preview, Failure):
                self.query_one(view, ZoomView).show_text(failure_text(preview))
        self._show_facts([])
        first, second = previews
        if isinstance(first, Preview) and isinstance(second, Preview):
            group = self._review.groups[self._number]
            self._compare(pair, first, second, evidence_between(group, *self._pair))

    @work(thread=True, exclusive=True, group="compare")
    def _compare(
        self, photos: tuple[Photo, Photo], first: Preview, second: Preview, evidence: Evidence
    ) -> None:
        frame = aligned(first.pixels, second.pixels, evidence)
        sharpness_value = sharpness(*shared_parts(first.pixels, second.pixels, evidence))
        files = [_file(*each) for each in zip(photos, (first, second), sharpness_value, strict=True)]
        paths = (photos[0].path, photos[1].path)
        self.post_message(
            PairAligned(paths, frame, difference(frame), differing_share(frame), facts(files[0], files[1]))
        )

    def on_pair_aligned(self, message: PairAligned) -> None:
        """Show the aligned pair."""
        if message.pair == tuple(photo.path for photo in self._photos()):
            self._aligned_pair = message
            self._show()

    def _show(self) -> None:
        aligned_pair = self._aligned_pair
        if aligned_pair is None:
            return
        first, second = self.query_one("#first", ZoomView), self.query_one("#second", ZoomView)
        second.display = self._mode == "side"
        box = (
            aligned_pair.frame.shared
            if self._is_box_shown and aligned_pair.frame.shared != FULL_BOX
            else None
        )
        if self._mode == "side":
            own = [self.context.pictures.large_preview(path) for path in aligned_pair.pair]
            if isinstance(own[0], Preview) and isinstance(own[1], Preview):
                evidence = evidence_between(self._review.groups[self._number], *self._pair)
                boxes = self._boxes(evidence)
                first.show(own[0].pixels, self._viewport, boxes[0])
                second.show(self._turned(own[1].pixels, evidence.turn), self._viewport, boxes[1])
        elif self._mode == "flicker":
            pictures = (aligned_pair.frame.first, aligned_pair.frame.second)
            first.show(pictures[self._is_second_shown], self._viewport, box)
            first.prepare(pictures[not self._is_second_shown], self._viewport, box)
        else:
            first.show(aligned_pair.difference_map, self._viewport, box)
        self._show_titles()
        self._show_facts(aligned_pair.lines)

    def _turned(self, pixels: Pixels, turn: int) -> Pixels:
        """The second picture in the orientation of the first; the same array for the same picture."""
        cached = getattr(self, "_turned_known", None)
        if cached is None or cached[0] is not pixels or cached[1] != turn:
            cached = (pixels, turn, pixels if turn == 1 else apply_orientation(pixels, turn))
            self._turned_known = cached
        shown: Pixels = cached[2]
        return shown

    def _boxes(self, evidence: Evidence) -> tuple[Box | None, Box | None]:
        if not self._is_box_shown or evidence.box is None:
            return None, None
        return (
            (evidence.box, None) if evidence.boxed == 0 else (None, orient_box(evidence.box, evidence.turn))
        )

    # -- text ------------------------------------------------------------------------------------------------------

    def _show_titles(self) -> None:
        first, second = self.query_one("#first", ZoomView), self.query_one("#second", ZoomView)
        places = self._pair
        names = [show_path(photo.path).rpartition("/")[2] for photo in self._photos()]
        marks = [MARK_LABELS[self._review.mark(self._number, place)][0] for place in places]
        titles = [f"{place + 1}{mark}{name}" for place, mark, name in zip(places, marks, names, strict=True)]
        if self._mode == "flicker":
            first.border_title = titles[int(self._is_second_shown)]
        elif self._mode == "difference":
            share = f", {100 * self._aligned_pair.share:.1f} % of the pixels" if self._aligned_pair else ""
            first.border_title = f"difference of {places[0] + 1} and {places[1] + 1}{share}"
        else:
            first.border_title, second.border_title = titles
        zoom = f"{self._viewport.zoom:.1f}\u00d7" if self._viewport.zoom > 1 else ""
        first.border_subtitle = second.border_subtitle = zoom
        first.set_class(self._mode == "flicker" and self._is_second_shown, "-second")

    def _show_facts(self, lines: list[FileFact]) -> None:
        group = self._review.groups[self._number]
        panel = self.query_one(FactsPanel)
        panel.border_title = group_title(group)
        status = self._review.decision(self._number).status
        panel.border_subtitle = "" if status is ReviewStatus.OPEN else status.value
        panel.show(evidence_between(group, *self._pair), group.members[self._member].reason, lines)

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back to the groups."""
        self.dismiss()

    def action_mode(self, mode: str) -> None:
        """Choose how the photos are shown."""
        self._mode = mode
        self._show()

    def action_flicker(self) -> None:
        """Switch between the photos in one place."""
        self._is_second_shown = not self._is_second_shown if self._mode == "flicker" else True
        self._mode = "flicker"
        self._show()

    def action_box(self) -> None:
        """Show or hide the box."""
        self._is_box_shown = not self._is_box_shown
        self._show()

    def action_other(self, by: int) -> None:
        """Compare with another photo."""
        count = len(self._review.groups[self._number].members)
        keeper = self._pair[0]
        member = (self._member + by) % count
        self._choose_member(member if member != keeper else (member + by) % count)

    def action_zoom(self, by: int) -> None:
        """Zoom in or out."""
        self._viewport = self._viewport.zoomed(_ZOOM_FACTOR**by)
        self._show()

    def action_whole(self) -> None:
        """Show the whole photos."""
        self._viewport = FULL_VIEW
        self._show()

    def action_pan(self, right: int, down: int) -> None:
        """Move both photos."""
        self._viewport = self._viewport.panned(right * _PAN_STEP_SHARE, down * _PAN_STEP_SHARE)
        self._show()

    def action_group(self, by: int) -> None:
        """Go to another group."""
        self._go(self._order.step(by))

    def _go(self, number: int | None) -> None:
        if number is not None:
            self._number, self._aligned_pair = number, None
            self._choose_member(1)

    def _apply_to_review(self, name: str, *arguments: int) -> bool:
        try:
            getattr(self._review, name)(self._number, *arguments)
        except VtsfindError as error:
            self.context.show_error(error)
            return False
        self._decisions_changed()
        return True

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
            self._show_titles()

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
            self._show_titles()
            self._show_facts(self._aligned_pair.lines if self._aligned_pair else [])

    def action_undo(self) -> None:
        """Undo the last decision."""
        try:
            _, numbers = self._review.undo()
        except VtsfindError as error:
            self.context.show_error(error)
            return
        self._decisions_changed()
        if len(numbers) == 1:
            self._number, self._aligned_pair = numbers[0], None
        self._choose_member(self._member)

    def action_view(self) -> None:
        """Open the photo on the right."""
        open_photo(self, self._photos()[1].path)

    def action_folder(self) -> None:
        """Open the folder of the photo on the right."""
        open_folder(self, self._photos()[1].path)


def _file(photo: Photo, preview: Preview, sharpness_value: float) -> ComparedFile:
    folder, _, name = show_path(photo.path).rpartition("/")
    changed = datetime.fromtimestamp(preview.stamp.mtime_ns / 1e9).astimezone()
    return ComparedFile(
        name,
        folder,
        preview.stamp.size,
        f"{changed:%Y-%m-%d %H:%M:%S}",
        preview.info or photo.info,
        preview.details or Details(),
        sharpness_value,
    )
