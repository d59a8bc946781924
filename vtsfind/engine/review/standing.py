"""What the review of a library says of groups that are found outside of it: a photo that a person keeps there is not proposed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.groups import Group
from vtsfind.engine.duplicates.results import Duplicates
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session_log import stored_steps
from vtsfind.engine.review.shared_log import SharedSteps
from vtsfind.engine.review.state import Mark, ReviewStep, UnsavedSteps

KEPT = "you keep it in `vtsfind browse`"


class _StoredSteps(UnsavedSteps):
    """The steps of a review that may be going on elsewhere: they are read only."""

    def __init__(self, library: Path) -> None:
        self._library = library

    def steps(self) -> Iterable[ReviewStep]:
        """All stored steps, oldest first."""
        return stored_steps(self._library)


def with_kept_in_review(found: Duplicates) -> Duplicates:
    """The same groups, in which nothing is proposed that a person keeps in the review of the library.

    A group that has changed since is undecided, as in the review itself.

    Raises
    ------
    StorageError
        If the review cannot be read, or its server does not answer.
    """
    review = _review(found.groups, found.library)
    groups = (_kept(group, number, review) for number, group in enumerate(found.groups))
    return replace(found, groups=tuple(groups))


def _review(groups: Sequence[Group], library: Place) -> Review:
    if not isinstance(library, ServerAddress):
        return Review(groups, _StoredSteps(library))
    shared = SharedSteps(library)
    try:
        review = Review(groups, shared)
        review.take(shared.news())
    finally:
        shared.close()
    return review


def _kept(group: Group, number: int, review: Review) -> Group:
    if not review.is_marked(number):
        return group
    members = (
        replace(member, stay_reason=KEPT)
        if member.may_go and review.mark(number, place) is not Mark.DROP
        else member
        for place, member in enumerate(group.members)
    )
    return replace(group, members=tuple(members))
