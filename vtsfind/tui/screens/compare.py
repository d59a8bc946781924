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
    difference,
    differing,
    evidence_between,
    facts,
    shared_parts,
    sharpness,
    turned,
    turned_box,
)
from vtsfind.engine.review.state import Standing
from vtsfind.graphics.scaling import WHOLE, Pixels
from vtsfind.tui.keys import Part
from vtsfind.tui.services.open_external import show_file, show_folder
from vtsfind.tui.widgets.cards import MARKS
from vtsfind.tui.widgets.image_view import PictureView
from vtsfind.tui.widgets.screen_base import Page, page_bindings
from vtsfind.tui.widgets.text_width import size

if TYPE_CHECKING:
    from vtsfind.tui.screens.groups import GroupsPage

_PAN = 0.2
_ZOOM = 1.5


class Compared(Message):
    """Two pictures have been brought into one frame."""

    def __init__(
        self, pair: tuple[bytes, bytes], frame: Aligned, heat: Pixels, share: float, lines: list[Fact]
    ) -> None:
        super().__init__()
        self.pair = pair
        self.frame = frame
        self.heat = heat
        self.share = share
        self.lines = lines


class Compare(Page):
    """The screen of two photos.

    Parameters
    ----------
    groups
        The screen that it lies on, which knows the order of groups.
    number, member
        The group and the photo to begin with.
    """

    PART = Part.COMPARE
    NAME = "groups"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(Part.COMPARE)

    def __init__(self, groups: "GroupsPage", number: int, member: int) -> None:
        super().__init__()
        self._groups = groups
        self._number = number
        self._member = member
        self._mode = "side"
        self._second_shown = False
        self._box_shown = True
        self._look = WHOLE
        self._compared: Compared | None = None
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
        return self._review.choice(self._number).keeper, self._member

    def _photos(self) -> tuple[Photo, Photo]:
        members = self._review.groups[self._number].members
        first, second = self._pair
        return members[first].photo, members[second].photo

    def _choose_member(self, member: int) -> None:
        count = len(self._review.groups[self._number].members)
        keeper = self._review.choice(self._number).keeper
        member %= count
        self._member = member if member != keeper else (keeper + 1) % count
        self._look = WHOLE
        self._refresh_pair()

    # -- pictures --------------------------------------------------------------------------------------------------

    def picture_ready(self, path: bytes) -> None:
        """Go on when both pictures are there."""
        if path in {photo.path for photo in self._photos()}:
            self._refresh_pair()

    def _refresh_pair(self) -> None:
        pair = self._photos()
        previews = [self.browse.gallery.large(photo.path) for photo in pair]
        self._show_titles()
        paths = (pair[0].path, pair[1].path)
        if self._compared is not None and self._compared.pair == paths:
            self._show()
            return
        self._compared = None
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
    def _compare(self, photos: tuple[Photo, Photo], first: Preview, second: Preview, seen: Evidence) -> None:
        frame = aligned(first.pixels, second.pixels, seen)
        sharp = sharpness(*shared_parts(first.pixels, second.pixels, seen))
        files = [_file(*each) for each in zip(photos, (first, second), sharp, strict=True)]
        paths = (photos[0].path, photos[1].path)
        self.post_message(
            Compared(paths, frame, difference(frame), differing(frame), facts(files[0], files[1], size))
        )

    def on_compared(self, message: Compared) -> None:
        """Show what was brought into one frame."""
        if message.pair == tuple(photo.path for photo in self._photos()):
            self._compared = message
            self._show()

    def _show(self) -> None:
        compared = self._compared
        if compared is None:
            return
        first, second = self.query_one("#first", PictureView), self.query_one("#second", PictureView)
        second.display = self._mode == "side"
        box = compared.frame.shared if self._box_shown and compared.frame.shared != _WHOLE_BOX else None
        if self._mode == "side":
            own = [self.browse.gallery.large(path) for path in compared.pair]
            if isinstance(own[0], Preview) and isinstance(own[1], Preview):
                seen = evidence_between(self._review.groups[self._number], *self._pair)
                boxes = self._boxes(seen)
                first.show(own[0].pixels, self._look, boxes[0])
                second.show(self._turned(own[1].pixels, seen.turn), self._look, boxes[1])
        elif self._mode == "flicker":
            pictures = (compared.frame.first, compared.frame.second)
            first.show(pictures[self._second_shown], self._look, box)
            first.prepare(pictures[not self._second_shown], self._look, box)
        else:
            first.show(compared.heat, self._look, box)
        self._show_titles()
        self._show_facts(compared.lines)

    def _turned(self, pixels: Pixels, turn: int) -> Pixels:
        """The second picture as it stands beside the first; the same array for the same picture."""
        known = getattr(self, "_turned_known", None)
        if known is None or known[0] is not pixels or known[1] != turn:
            known = (pixels, turn, pixels if turn == 1 else turned(pixels, turn))
            self._turned_known = known
        shown: Pixels = known[2]
        return shown

    def _boxes(self, seen: Evidence) -> tuple[Box | None, Box | None]:
        if not self._box_shown or seen.box is None:
            return None, None
        return (seen.box, None) if seen.boxed == 0 else (None, turned_box(seen.box, seen.turn))

    # -- words -----------------------------------------------------------------------------------------------------

    def _show_titles(self) -> None:
        first, second = self.query_one("#first", PictureView), self.query_one("#second", PictureView)
        places = self._pair
        names = [show_path(photo.path).rpartition("/")[2] for photo in self._photos()]
        marks = [MARKS[self._review.mark(self._number, place)][0] for place in places]
        titles = [f"{place + 1}{mark}{name}" for place, mark, name in zip(places, marks, names, strict=True)]
        if self._mode == "flicker":
            first.border_title = titles[int(self._second_shown)]
        elif self._mode == "difference":
            share = f", {100 * self._compared.share:.1f} % of the pixels" if self._compared else ""
            first.border_title = f"difference of {places[0] + 1} and {places[1] + 1}{share}"
        else:
            first.border_title, second.border_title = titles
        zoom = f"{self._look.zoom:.1f}\u00d7" if self._look.zoom > 1 else ""
        first.border_subtitle = second.border_subtitle = zoom
        first.set_class(self._mode == "flicker" and self._second_shown, "-second")

    def _show_facts(self, lines: list[Fact]) -> None:
        group = self._review.groups[self._number]
        member = group.members[self._member]
        seen = evidence_between(group, *self._pair)
        side = self.query_one("#facts-side")
        side.border_title = self._groups.title_of(self._number)
        standing = self._review.choice(self._number).standing
        side.border_subtitle = "" if standing is Standing.OPEN else standing.value
        table = Table(box=None, padding=(0, 1), show_header=False, expand=True)
        table.add_column(no_wrap=True, style="dim")
        table.add_column(ratio=1, overflow="fold")
        table.add_column(ratio=1, overflow="fold")
        colours = self.browse.theme_variables
        good, bad, other = colours["text-success"], colours["text-error"], colours["text-warning"]
        words = Text(evidence_words(seen), style="bold")
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
        self._second_shown = not self._second_shown if self._mode == "flicker" else True
        self._mode = "flicker"
        self._show()

    def action_box(self) -> None:
        """Show or hide the box."""
        self._box_shown = not self._box_shown
        self._show()

    def action_other(self, by: int) -> None:
        """Compare with another photo."""
        count = len(self._review.groups[self._number].members)
        keeper = self._pair[0]
        member = (self._member + by) % count
        self._choose_member(member if member != keeper else (member + by) % count)

    def action_zoom(self, by: int) -> None:
        """Look closer or from farther away."""
        self._look = self._look.zoomed(_ZOOM**by)
        self._show()

    def action_whole(self) -> None:
        """Show the whole photos."""
        self._look = WHOLE
        self._show()

    def action_pan(self, right: int, down: int) -> None:
        """Move, both photos."""
        self._look = self._look.moved(right * _PAN, down * _PAN)
        self._show()

    def action_group(self, by: int) -> None:
        """Go to another group."""
        self._go(self._groups.go_to(by))

    def _go(self, number: int | None) -> None:
        if number is not None:
            self._number, self._compared = number, None
            self._choose_member(1)

    def _try(self, name: str, *arguments: int) -> bool:
        try:
            getattr(self._review, name)(self._number, *arguments)
        except VtsfindError as error:
            self.browse.tell(error)
            return False
        self.browse.review_touched(self)
        return True

    def action_accept(self) -> None:
        """Let the marks hold, and go on."""
        if self._try("accept"):
            self._go(self._groups.go_to_open())

    def action_drop(self) -> None:
        """Keep the photo on the right, or let it go."""
        if self._try("toggle", self._member):
            self._show_titles()

    def action_choose(self, digit: int) -> None:
        """Make a photo the keeper."""
        if digit <= len(self._review.groups[self._number].members) and self._try("choose", digit - 1):
            self._compared = None
            self._choose_member(self._member)

    def action_refuse(self) -> None:
        """Say that the photo on the right is no duplicate."""
        if self._try("refuse", self._member):
            self._show_titles()
            self._show_facts(self._compared.lines if self._compared else [])

    def action_undo(self) -> None:
        """Take the latest step back."""
        try:
            _, numbers = self._review.undo()
        except VtsfindError as error:
            self.browse.tell(error)
            return
        self.browse.review_touched(self)
        if len(numbers) == 1:
            self._number, self._compared = numbers[0], None
        self._choose_member(self._member)

    def action_view(self) -> None:
        """Open the photo on the right."""
        show_file(self, self._photos()[1].path)

    def action_folder(self) -> None:
        """Open its folder."""
        show_folder(self, self._photos()[1].path)


_WHOLE_BOX = Box(0.0, 0.0, 1.0, 1.0)


def _file(photo: Photo, preview: Preview, sharp: float) -> File:
    folder, _, name = show_path(photo.path).rpartition("/")
    changed = datetime.fromtimestamp(preview.stamp.mtime_ns / 1e9).astimezone()
    return File(
        name,
        folder,
        preview.stamp.size,
        f"{changed:%Y-%m-%d %H:%M:%S}",
        preview.info or photo.info,
        preview.details or Details(),
        sharp,
    )


def evidence_words(seen: Evidence) -> str:
    """What was seen of a pair, in one line."""
    words = [seen.note] if seen.note else []
    if seen.distance is not None and seen.bits:
        words.append(f"{seen.distance} of {seen.bits} bits differ")
    if seen.agreement is not None:
        words.append(f"{100 * seen.agreement:.1f} % alike where they overlap")
    if seen.inliers is not None:
        words.append(f"{seen.inliers} local features agree")
    if seen.box is not None:
        share = (seen.box.right - seen.box.left) * (seen.box.bottom - seen.box.top)
        words.append(f"one shows {100 * share:.0f} % of the other")
    if seen.turn != 1:
        words.append("turned or mirrored")
    if seen.seconds_apart is not None:
        words.append(f"{seen.seconds_apart} s apart")
    return "; ".join(words) or "compared by way of another photo"
