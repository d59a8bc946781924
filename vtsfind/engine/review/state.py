"""The decision about one group of duplicates, and the steps that lead to it: plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ReviewStatus(StrEnum):
    """Where the decision about a group stands."""

    OPEN = "open"
    """Nobody has decided; the policy's proposal is shown."""
    ACCEPTED = "accepted"
    """The marks hold: what is marked to go is part of the plan."""
    REFUSED = "refused"
    """These are no duplicates."""


class Mark(StrEnum):
    """What becomes of one photo of a group."""

    KEEPER = "keeper"
    """It is kept, and the others of the group are judged against it."""
    KEEP = "keep"
    """It is kept, too."""
    DROP = "drop"
    """It goes."""
    NOT_DUPLICATE = "stranger"
    """It is no duplicate of the keeper, and stays."""


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """The decision about one group; members are named by their place in `Group.members`."""

    status: ReviewStatus = ReviewStatus.OPEN
    keeper: int = 0
    kept: frozenset[int] = frozenset()
    """Members that stay beside the keeper."""
    non_duplicates: frozenset[int] = frozenset()
    """Members that are no duplicates of the keeper."""

    def mark(self, member: int) -> Mark:
        """What becomes of a member."""
        if member == self.keeper:
            return Mark.KEEPER
        if member in self.non_duplicates or self.status is ReviewStatus.REFUSED:
            return Mark.NOT_DUPLICATE
        return Mark.KEEP if member in self.kept else Mark.DROP

    def members_to_remove(self, size: int) -> list[int]:
        """The members that go, of a group with `size` of them."""
        return [member for member in range(size) if self.mark(member) is Mark.DROP]


DEFAULT_DECISION = GroupDecision()
"""What the policy proposes: the first member stays, the others go. The state of a group that nobody touched."""

EncodedDecision = tuple[str, int, tuple[int, ...], tuple[int, ...]]
"""A choice as it is stored: standing, keeper, kept, strangers; members by their place in the order of paths."""


@dataclass(frozen=True, slots=True)
class ReviewStep:
    """One act of a person, as it is stored: what it was, and the choices of the groups after it, by key."""

    label: str
    after: Mapping[str, EncodedDecision | None]
    """None where the proposal stands again."""
    undoes: bool = False
    """Whether this takes the latest step back that still stands."""


class StepLog(Protocol):
    """Where steps are kept."""

    def steps(self) -> Iterable[ReviewStep]:
        """All steps so far, oldest first."""

    def append(self, step: ReviewStep) -> None:
        """Keep one more; it lasts when this returns."""


class UnsavedSteps:
    """A `StepLog` that keeps nothing beyond the process."""

    def steps(self) -> Iterable[ReviewStep]:
        """None."""
        return ()

    def append(self, step: ReviewStep) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class ReviewTotals:
    """How far a review is."""

    decided: int = 0
    """Groups that were accepted or refused."""
    files: int = 0
    """Files that accepted groups give up."""
    gain: int = 0
    """Bytes of those files."""
