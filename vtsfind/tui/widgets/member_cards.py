"""The photos of the selected group: their cards, and the title above them."""

from textual import on
from textual.markup import escape

from vtsfind.base.groups import Group
from vtsfind.base.words import counted, file_size, listed
from vtsfind.engine.review.filters import weakest_verdict
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.cards import LINES_ABOVE_REASON, REASON_LINES, group_cards

_HIGH_LINES = 22
"""Lines of the pane from which on a card, half of it picture, has room for a long reason."""


class MemberCards(CardGrid):
    """The cards of one group in one row.

    Parameters
    ----------
    pictures
        The cache of pictures.
    """

    DEFAULT_CLASSES = "members"

    def __init__(
        self,
        pictures: PictureCache,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(pictures, one_row=True, id=id)
        self._shown: tuple[Review, int] | None = None
        self.others: tuple[str, ...] = ()
        """Who else looks at the group now."""

    def show_group(self, review: Review, number: int, cursor: int | None = None) -> None:
        """Show a group; `number` is its index in `review.groups`. Without a cursor it is on the photo that is in question."""
        self._shown = (review, number)
        group = review.groups[number]
        width = self.text_width(len(group.members))
        room = max(1, self.text_lines - LINES_ABOVE_REASON)
        reason_lines = min(room, REASON_LINES[self.size.height >= _HIGH_LINES])
        at = review.in_question(number) if cursor is None else cursor
        self.show(group_cards(review, number, width, reason_lines), at)
        self._show_title()
        undecided = "undecided"
        if review.is_marked(number):
            undecided = "marked: a accepts, u undoes"
        elif group.tied:
            undecided = f"check: {group.doubt or 'equal but for their paths'}"
        elif group.needs_look:
            undecided = f"check: {group.doubt_words}"
        status = {
            ReviewStatus.OPEN: undecided,
            ReviewStatus.ACCEPTED: "\u2713 accepted",
            ReviewStatus.REFUSED: "\u2260 not duplicates",
        }
        others = (
            f"{listed(self.others)} {'looks' if len(self.others) == 1 else 'look'} at it too, "
            if self.others
            else ""
        )
        self.border_subtitle = escape(others + status[review.decision(number).status])

    def on_resize(self) -> None:
        """Write the text of the cards for the new width."""
        if self._shown:
            self.show_group(*self._shown, self.cursor)

    def show_none(self, text: str = "") -> None:
        """Show a text, for no group."""
        self._shown = None
        self.show([], empty=text)
        self.border_title = self.border_subtitle = ""

    @on(CardGrid.CardsScrolled)
    def _show_title(self) -> None:
        if self._shown is None:
            return
        review, number = self._shown
        group = review.groups[number]
        left, right = self.hidden
        more = f", \u2190 {left} more" * bool(left) + f", {right} more \u2192" * bool(right)
        what = f"{_photos_words(group)}{more}"
        if not is_burst(group):
            what += f", {weakest_verdict(group).label}"
        self.border_title = f"Group {group.number}: {what}, {_gain_words(review, number)}"


def _photos_words(group: Group) -> str:
    """How many photos a group has, and of how many shots; copies of a shot are none."""
    photos, shots = len(group.members), 1 + sum(member.is_other_shot for member in group.members)
    if shots == 1:
        return counted(photos, "photo")
    return f"{photos:,} shots" if shots == photos else f"{photos:,} photos of {shots:,} shots"


def _gain_words(review: Review, number: int) -> str:
    """What a group frees, in words."""
    gain = review.removes(number).gain
    if gain:
        return f"frees {file_size(gain)}"
    elsewhere = review.goes_elsewhere(number)
    if not elsewhere:
        return "nothing goes"
    return "1 goes in another group" if elsewhere == 1 else f"{elsewhere:,} go in other groups"
