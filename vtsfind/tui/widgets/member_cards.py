"""The photos of the selected group: their cards, the title above them, and the rating of other shots."""

from contextlib import suppress
from dataclasses import dataclass

from textual import on, work
from textual.markup import escape
from textual.message import Message

from vtsfind.base.groups import Group
from vtsfind.base.progress import Cancelled
from vtsfind.base.words import counted, file_size, listed
from vtsfind.engine.review.best_shot import BestShot
from vtsfind.engine.review.filters import weakest_verdict
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.services.shot_ratings import ShotRatings, has_shots
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.cards import group_cards


@dataclass
class ShotsRated(Message):
    """A worker has rated the shots of a group."""

    group: Group


class MemberCards(CardGrid):
    """The cards of one group in one row.

    Parameters
    ----------
    pictures
        The cache of pictures.
    ratings
        Rates the shots of bursts.
    """

    DEFAULT_CLASSES = "members"

    def __init__(
        self,
        pictures: PictureCache,
        ratings: ShotRatings,
        *,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(pictures, one_row=True, id=id)
        self._ratings = ratings
        self._shown: tuple[Review, int] | None = None
        self.others: tuple[str, ...] = ()
        """Who else looks at the group now."""

    def show_group(self, review: Review, number: int, cursor: int = 0) -> None:
        """Show a group; `number` is its index in `review.groups`."""
        self._shown = (review, number)
        group = review.groups[number]
        rating = self._ratings.get(group)
        if rating is None and has_shots(group):
            self._rate(group)
        width = self.text_width(len(group.members))
        self.show(group_cards(review, number, width, rating), cursor)
        self._show_title()
        status = {
            ReviewStatus.OPEN: f"check: {group.doubt or 'only the path decides'}"
            if group.tied
            else "undecided",
            ReviewStatus.ACCEPTED: "\u2713 accepted",
            ReviewStatus.REFUSED: "\u2260 not duplicates",
        }
        others = (
            f"{listed(self.others)} {'looks' if len(self.others) == 1 else 'look'} at it too, "
            if self.others
            else ""
        )
        self.border_subtitle = escape(others + status[review.decision(number).status])

    def show_none(self, text: str = "") -> None:
        """Show a text, for no group."""
        self._shown = None
        self.show([], empty=text)
        self.border_title = self.border_subtitle = ""

    @property
    def rating(self) -> BestShot | None:
        """The rating of the shots; None if the group has none, or they are not rated yet."""
        return self._ratings.get(self._shown[0].groups[self._shown[1]]) if self._shown else None

    @work(thread=True, exclusive=True, group="shots")
    def _rate(self, group: Group) -> None:
        with suppress(Cancelled):
            self._ratings.rate(group)
            self.post_message(ShotsRated(group))

    @on(ShotsRated)
    def _show_rating(self, message: ShotsRated) -> None:
        message.stop()
        if self._shown and self._shown[0].groups[self._shown[1]] is message.group:
            self.show_group(*self._shown, cursor=self.cursor)

    @on(CardGrid.CardsScrolled)
    def _show_title(self) -> None:
        if self._shown is None:
            return
        review, number = self._shown
        group = review.groups[number]
        left, right = self.hidden
        more = f", \u2190 {left} more" * bool(left) + f", {right} more \u2192" * bool(right)
        self.border_title = (
            f"Group {group.number}: {counted(len(group.members), 'photo')}{more}, {weakest_verdict(group).label},"
            f" frees {file_size(review.removes(number).gain)}"
        )
