"""Two photos of a group, closely: beside each other, flickering in one place, or their difference; and what they say."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import work
from textual.binding import BindingType
from textual.containers import Container, Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Box, Evidence, Photo
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, show_path
from vtsfind.engine.previews.decode import Preview
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.side_by_side import (
    Aligned,
    Fact,
    File,
    aligned,
    apply_orientation,
    difference,
    differing_share,
    evidence_between,
    facts,
    orient_box,
    shared_parts,
    sharpness,
)
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.graphics.scaling import FULL_VIEW, Pixels
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.services.open_external import show_file, show_folder
from vtsfind.tui.widgets.cards import MARK_LABELS
from vtsfind.tui.widgets.image_view import PictureView
from vtsfind.tui.widgets.screen_base import Page, page_bindings
from vtsfind.tui.widgets.text_width import size

if TYPE_CHECKING:
    from vtsfind.tui.screens.groups import GroupsPage

_PAN_STEP_SHARE = 0.2
_ZOOM_FACTOR = 1.5


class PairAligned(Message):
    """Two pictures have been brought into one frame."""

    def __init__(
        self,
        pair: tuple[bytes, bytes],
        frame: Aligned,
        difference_map: Pixels,
        share: float,
        lines: list[Fact],
    ) -> None:
        super().__init__()
        self.pair = pair
        self.frame = frame
        self.difference_map = difference_map
        self.share = share
        self.lines = lines


class ComparePage(Page):
    """The screen of two photos.

    Parameters
    ----------
    groups
        The screen that it lies on, which knows the order of groups.
    number, member
        The group and the photo to begin with.
    """

    KEY_SCOPE = KeyScope.COMPARE
    NAME = "groups"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(KeyScope.COMPARE)

    def __init__(self, groups: "GroupsPage", number: int, member: int) -> None:
        super().__init__()
        self._groups = groups
        self._number = number
        self._member = member
        self._mode = "side"
        self._is_second_shown = False
        self._is_box_shown = True
        self._viewport = FULL_VIEW
        self._aligned_pair: PairAligned | None = None
        self._waiting: tuple[bytes, bytes] | None = None

    def body(self) -> Iterable[Widget]:
        """Lay it out."""
        gallery = self.browse.gallery
        yield Container(
            Horizontal(PictureView(gallery, id="first"), PictureView(gallery, id="second"), id="pictures"),
            VerticalScroll(
                Static(id="evidence"), Static(id="facts"), Static(id="same"), id="facts-side", can_focus=False
            ),
            id="compare",
        )

    def on_mount(self) -> None:
        """Fill it."""
        self._choose_member(self._member)

    @property
    def _review(self) -> Review:
        review = self.browse.browsing.review
        assert review, "there are groups while they are compared"
        return review

    @property
    def _pair(self) -> tuple[int, int]:
        """The members that are compared: the keeper, and another one."""
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
        """Go on when both pictures are there."""
        if path in {photo.path for photo in self._photos()}:
            self._refresh_pair()

    def _refresh_pair(self) -> None:
        pair = self._photos()
        previews = [self.browse.gallery.large_preview(photo.path) for photo in pair]
        self._show_titles()
        paths = (pair[0].path, pair[1].path)
        if self._aligned_pair is not None and self._aligned_pair.pair == paths:
            self._show()
            return
        self._aligned_pair = None
        for view, preview in zip(("#first", "#second"), previews, strict=True):
            if preview is None:
                self.query_one(view, PictureView).say("\u2026")
            elif isinstance(preview, Failure):
                self.query_one(view, PictureView).say(f"This file {preview.reason.value}. {preview.detail}")
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
            PairAligned(
                paths, frame, difference(frame), differing_share(frame), facts(files[0], files[1], size)
            )
        )

    def on_pair_aligned(self, message: PairAligned) -> None:
        """Show what was brought into one frame."""
        if message.pair == tuple(photo.path for photo in self._photos()):
            self._aligned_pair = message
            self._show()

    def _show(self) -> None:
        aligned_pair = self._aligned_pair
        if aligned_pair is None:
            return
        first, second = self.query_one("#first", PictureView), self.query_one("#second", PictureView)
        second.display = self._mode == "side"
        box = (
            aligned_pair.frame.shared
            if self._is_box_shown and aligned_pair.frame.shared != _FULL_BOX
            else None
        )
        if self._mode == "side":
            own = [self.browse.gallery.large_preview(path) for path in aligned_pair.pair]
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
        """The second picture as it stands beside the first; the same array for the same picture."""
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

    # -- words -----------------------------------------------------------------------------------------------------

    def _show_titles(self) -> None:
        first, second = self.query_one("#first", PictureView), self.query_one("#second", PictureView)
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

    def _show_facts(self, lines: list[Fact]) -> None:
        group = self._review.groups[self._number]
        member = group.members[self._member]
        evidence = evidence_between(group, *self._pair)
        side = self.query_one("#facts-side")
        side.border_title = self._groups.title_of(self._number)
        status = self._review.decision(self._number).status
        side.border_subtitle = "" if status is ReviewStatus.OPEN else status.value
        table = Table(box=None, padding=(0, 1), show_header=False, expand=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(ratio=1, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        colours = self.browse.theme_variables
        good, bad, other = colours["text-success"], colours["text-error"], colours["text-warning"]
        words = Text(evidence_text(evidence), style="bold")
        words.append(f"\n{member.reason}", style="not bold italic")
        self.query_one("#evidence", Static).update(words)
        for line in (line for line in lines if not line.same):
            styles = [other, other]
            if line.better:
                styles = [good, bad] if line.better == 1 else [bad, good]
            table.add_row(
                line.name, Text(line.first or "\u2013", styles[0]), Text(line.second or "\u2013", styles[1])
            )
        same = [f"{line.name} {line.first}" for line in lines if line.same]
        self.query_one("#facts", Static).update(table)
        self.query_one("#same", Static).update(Text(f"the same: {', '.join(same)}" if same else ""))

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """Go back to the groups."""
        self.dismiss()

    def action_mode(self, mode: str) -> None:
        """Show the photos another way."""
        self._mode = mode
        self._show()

    def action_flicker(self) -> None:
        """Swap the photos in one place."""
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
        """Look closer or from farther away."""
        self._viewport = self._viewport.zoomed(_ZOOM_FACTOR**by)
        self._show()

    def action_whole(self) -> None:
        """Show the whole photos."""
        self._viewport = FULL_VIEW
        self._show()

    def action_pan(self, right: int, down: int) -> None:
        """Move, both photos."""
        self._viewport = self._viewport.panned(right * _PAN_STEP_SHARE, down * _PAN_STEP_SHARE)
        self._show()

    def action_group(self, by: int) -> None:
        """Go to another group."""
        self._go(self._groups.go_to(by))

    def _go(self, number: int | None) -> None:
        if number is not None:
            self._number, self._aligned_pair = number, None
            self._choose_member(1)

    def _apply_to_review(self, name: str, *arguments: int) -> bool:
        try:
            getattr(self._review, name)(self._number, *arguments)
        except VtsfindError as error:
            self.browse.tell(error)
            return False
        self.browse.notify_review_changed(self)
        return True

    def action_accept(self) -> None:
        """Let the marks hold, and go on."""
        if self._apply_to_review("accept"):
            self._go(self._groups.go_to_open())

    def action_drop(self) -> None:
        """Keep the photo on the right, or let it go."""
        if self._apply_to_review("toggle", self._member):
            self._show_titles()

    def action_choose(self, digit: int) -> None:
        """Make a photo the keeper."""
        if digit <= len(self._review.groups[self._number].members) and self._apply_to_review(
            "choose", digit - 1
        ):
            self._aligned_pair = None
            self._choose_member(self._member)

    def action_refuse(self) -> None:
        """Say that the photo on the right is no duplicate."""
        if self._apply_to_review("refuse", self._member):
            self._show_titles()
            self._show_facts(self._aligned_pair.lines if self._aligned_pair else [])

    def action_undo(self) -> None:
        """Take the latest step back."""
        try:
            _, numbers = self._review.undo()
        except VtsfindError as error:
            self.browse.tell(error)
            return
        self.browse.notify_review_changed(self)
        if len(numbers) == 1:
            self._number, self._aligned_pair = numbers[0], None
        self._choose_member(self._member)

    def action_view(self) -> None:
        """Open the photo on the right."""
        show_file(self, self._photos()[1].path)

    def action_folder(self) -> None:
        """Open its folder."""
        show_folder(self, self._photos()[1].path)


_FULL_BOX = Box(0.0, 0.0, 1.0, 1.0)


def _file(photo: Photo, preview: Preview, sharpness_value: float) -> File:
    folder, _, name = show_path(photo.path).rpartition("/")
    changed = datetime.fromtimestamp(preview.stamp.mtime_ns / 1e9).astimezone()
    return File(
        name,
        folder,
        preview.stamp.size,
        f"{changed:%Y-%m-%d %H:%M:%S}",
        preview.info or photo.info,
        preview.details or Details(),
        sharpness_value,
    )


def evidence_text(evidence: Evidence) -> str:
    """What was seen of a pair, in one line."""
    words = [evidence.note] if evidence.note else []
    if evidence.distance is not None and evidence.bits:
        words.append(f"{evidence.distance} of {evidence.bits} bits differ")
    if evidence.agreement is not None:
        words.append(f"{100 * evidence.agreement:.1f} % alike where they overlap")
    if evidence.inliers is not None:
        words.append(f"{evidence.inliers} local features agree")
    if evidence.box is not None:
        share = (evidence.box.right - evidence.box.left) * (evidence.box.bottom - evidence.box.top)
        words.append(f"one shows {100 * share:.0f} % of the other")
    if evidence.turn != 1:
        words.append("turned or mirrored")
    if evidence.seconds_apart is not None:
        words.append(f"{evidence.seconds_apart} s apart")
    return "; ".join(words) or "compared by way of another photo"
