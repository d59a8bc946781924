"""The decision about one group of duplicates, and the steps that change it: plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol

from vtsfind.base.errors import StorageError
from vtsfind.base.groups import Group


class ReviewStatus(StrEnum):
    """The state of the decision about a group."""

    OPEN = "open"
    """Undecided; the policy's proposal is shown."""
    ACCEPTED = "accepted"
    """The marks are accepted: what they remove is part of the plan."""
    REFUSED = "refused"
    """The photos are not duplicates."""


class Mark(StrEnum):
    """What happens to one photo of a group."""

    KEEPER = "keeper"
    """It is kept, and the others are compared with it."""
    KEEP = "keep"
    """It is kept too."""
    DROP = "drop"
    """It is removed."""
    NOT_DUPLICATE = "not-duplicate"
    """It is not a duplicate of the keeper, and is kept."""


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """The decision about one group; members are indices in `Group.members`."""

    status: ReviewStatus = ReviewStatus.OPEN
    keeper: int = 0
    kept: frozenset[int] = frozenset()
    """Members that are kept beside the keeper."""
    non_duplicates: frozenset[int] = frozenset()
    """Members that are not duplicates of the keeper."""

    def mark(self, member: int) -> Mark:
        """What happens to a member."""
        if member == self.keeper:
            return Mark.KEEPER
        if member in self.non_duplicates or self.status is ReviewStatus.REFUSED:
            return Mark.NOT_DUPLICATE
        return Mark.KEEP if member in self.kept else Mark.DROP

    def members_to_remove(self, size: int) -> tuple[int, ...]:
        """The members to remove, of a group of `size`."""
        if self.status is ReviewStatus.REFUSED:
            return ()
        return _others(size, self.keeper, self.kept, self.non_duplicates)


@cache
def _others(size: int, keeper: int, kept: frozenset[int], non_duplicates: frozenset[int]) -> tuple[int, ...]:
    """The members that do not stay, worked out once for the many groups that are decided in the same way."""
    staying = {keeper, *kept, *non_duplicates}
    return tuple(member for member in range(size) if member not in staying)


def proposal_for(group: Group) -> GroupDecision:
    """What is proposed for a group: the first member is kept, and so are those that are not proposed for removal."""
    return shared(
        ReviewStatus.OPEN, 0, frozenset([i for i, each in enumerate(group.members) if i and not each.may_go])
    )


@cache
def shared(
    status: ReviewStatus, keeper: int, kept: frozenset[int], non_duplicates: frozenset[int] = frozenset()
) -> GroupDecision:
    """One value for the many groups that are decided in the same way."""
    return GroupDecision(status, keeper, kept, non_duplicates)


def is_proposal(group: Group, decision: GroupDecision) -> bool:
    """Whether a decision is what is proposed, undecided."""
    return decision.status is ReviewStatus.OPEN and decision == proposal_for(group)


DigestPair = tuple[bytes, bytes]
"""The contents (SHA-256) of two photos."""


def non_duplicate_pairs(group: Group, decision: GroupDecision) -> set[DigestPair]:
    """The pairs of contents in a group that are marked as not duplicates; twice the same one where two files have it."""
    if not (decision.non_duplicates or decision.status is ReviewStatus.REFUSED):
        return set()
    keeper = group.members[decision.keeper].photo.digest
    return {
        (keeper, member.photo.digest)
        for place, member in enumerate(group.members)
        if decision.mark(place) is Mark.NOT_DUPLICATE
    }


EncodedDecision = tuple[str, int, tuple[int, ...], tuple[int, ...]]
"""A stored decision: status, keeper, kept, not duplicates; members are ranks in the order of paths."""


Marks = Mapping[str, EncodedDecision | None]
"""Decisions by group key; None for the proposal, undecided."""


SETTLED = "apply"
"""The label of a step that notes which files were removed: decisions cannot bring them back, so neither it nor a step before it is undone."""


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One action of the user as it is stored: its label, and the decisions after it, by group key."""

    label: str
    after: Marks
    """None where the group is back to the proposal, undecided."""
    undoes: bool = False
    """Whether this step undoes the last step that is not undone yet."""


class StepOutdated(StorageError):
    """Somebody else decided about the same group a moment ago."""


class StepLog(Protocol):
    """Where steps are stored."""

    def steps(self) -> Iterable[ReviewStep]:
        """All stored steps, oldest first."""

    def append(self, step: ReviewStep) -> None:
        """Store one more step.

        Raises
        ------
        StepOutdated
            If somebody else decided about one of its groups, which this review has not taken yet; nothing is stored.
        """

    def news(self) -> Marks:
        """What others decided since the last call, or since the log was opened."""


class UnsavedSteps:
    """A `StepLog` that stores nothing."""

    def steps(self) -> Iterable[ReviewStep]:
        """None."""
        return ()

    def append(self, step: ReviewStep) -> None:
        """Ignore it."""

    def news(self) -> Marks:
        """None."""
        return {}


@dataclass(frozen=True, slots=True)
class ReviewTotals:
    """The progress of a review."""

    decided: int = 0
    """Groups that are accepted or refused."""
    files: int = 0
    """Photos that accepted groups remove."""
    gain: int = 0
    """Bytes of those photos."""

    def __add__(self, other: "ReviewTotals") -> "ReviewTotals":
        return ReviewTotals(self.decided + other.decided, self.files + other.files, self.gain + other.gain)

    def __sub__(self, other: "ReviewTotals") -> "ReviewTotals":
        return ReviewTotals(self.decided - other.decided, self.files - other.files, self.gain - other.gain)
