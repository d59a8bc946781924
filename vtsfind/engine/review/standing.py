"""What the review of a library says of groups that are found outside of it.

A photo that a person keeps there is not proposed, and a plan has what was accepted there.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.groups import Evidence, Group, Member
from vtsfind.base.operations import Action
from vtsfind.engine.duplicates.results import Duplicates
from vtsfind.engine.library.decisions import revoked
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.planned import CHOSEN, KEPT, Planned, planned
from vtsfind.engine.review.relations import beside
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session_log import stored_steps
from vtsfind.engine.review.state import Mark, Marks, ReviewStatus, ReviewStep, UnsavedSteps


class _StoredSteps(UnsavedSteps):
    """The steps of a review that may be going on elsewhere: they are read only."""

    def __init__(self, library: Place) -> None:
        self._library = library

    def steps(self) -> Iterable[ReviewStep]:
        """All stored steps, oldest first."""
        return () if isinstance(self._library, ServerAddress) else stored_steps(self._library)

    def news(self) -> Marks:
        """The decisions on a server."""
        if not isinstance(self._library, ServerAddress):
            return {}
        from vtsfind.engine.review.shared_log import SharedSteps

        with closing(SharedSteps(self._library)) as shared:
            return shared.news()


def with_kept_in_review(found: Duplicates) -> Duplicates:
    """The same groups, in which nothing is proposed that a person keeps in the review of the library.

    A group that has changed since is undecided, as in the review itself.

    Raises
    ------
    StorageError
        If the review cannot be read, or its server does not answer.
    """
    return _with_kept(found, _review(found.groups, found.library))


def _with_kept(found: Duplicates, review: Review) -> Duplicates:
    groups = (_kept(group, number, review) for number, group in enumerate(found.groups))
    return replace(found, groups=tuple(groups))


def planned_with_review(
    found: Duplicates, action: Action, find_bursts: Callable[[], Sequence[Group]]
) -> tuple[Duplicates, Planned]:
    """The same groups as of `with_kept_in_review`, and what to plan of them: what was accepted in the review, else what is proposed.

    Parameters
    ----------
    found
        The groups of copies, and the bursts if they were asked for.
    action
        What becomes of files that go.
    find_bursts
        Finds the bursts; called if the review may speak of them.

    Raises
    ------
    StorageError
        If the review cannot be read, or its server does not answer.
    """
    review = _review(found.groups, found.library)
    kept = _with_kept(found, review)
    if review.has_other_decisions and not any(map(is_burst, found.groups)):
        last = max((group.number for group in found.groups), default=0)
        review.add([replace(each, number=last + n) for n, each in enumerate(find_bursts(), 1)])
    return kept, planned(review, action, undecided=True, asked=len(found.groups))


def _review(groups: Sequence[Group], library: Place) -> Review:
    return Review(groups, _StoredSteps(library), revoked=lambda pairs: revoked(pairs, library))


def _kept(group: Group, number: int, review: Review) -> Group:
    if not review.is_marked(number):
        return group
    members = [_standing(each, number, place, review) for place, each in enumerate(group.members)]
    decision = review.decision(number)
    chosen = decision.keeper
    kept = replace(
        group,
        members=_led_by(chosen, members, number, review) if chosen else tuple(members),
        decided=decision.status is not ReviewStatus.OPEN,
    )
    return replace(kept, tied=False, doubt="") if chosen or kept.decided else kept


def _standing(member: Member, number: int, place: int, review: Review) -> Member:
    """A member with what the review says of it."""
    if _goes(number, place, review):
        return replace(member, stay_reason=None, reason=review.own_reason(number, place) or member.reason)
    return replace(member, stay_reason=KEPT) if member.may_go else member


def _goes(number: int, place: int, review: Review) -> bool:
    """Whether a member goes by what was accepted, or may go by what is proposed."""
    if review.mark(number, place) is not Mark.DROP:
        return False
    is_accepted = review.decision(number).status is ReviewStatus.ACCEPTED
    return is_accepted or review.groups[number].members[place].may_go


def _led_by(chosen: int, members: Sequence[Member], number: int, review: Review) -> tuple[Member, ...]:
    """The members with the keeper that the user chose at the front; the others were compared with the former one only."""
    former, keeper = members[0], members[chosen]
    others = (
        replace(
            beside(each, keeper, former.photo.digest),
            evidence=replace(each.evidence, indirect=True),
            reason=review.own_reason(number, place) if _goes(number, place, review) else "",
        )
        for place, each in enumerate(members)
        if place not in {0, chosen}
    )
    return (
        replace(
            keeper, verdict=None, evidence=Evidence(), reason=CHOSEN.words, stay_reason=None, copy_of=None
        ),
        replace(
            former,
            verdict=keeper.verdict,
            evidence=keeper.evidence.swapped(),
            reason=review.own_reason(number, 0) or former.reason,
            stay_reason=None if _goes(number, 0, review) else KEPT,
        ),
        *others,
    )
