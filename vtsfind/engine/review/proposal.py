"""The plan that a review leads to, with what a person is told about it."""

from dataclasses import dataclass

from vtsfind.act.plan import Plan, operations
from vtsfind.base.addresses import Place
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Operation
from vtsfind.base.records import Failure
from vtsfind.engine.apply.plans import plan_for_groups
from vtsfind.engine.review.planned import Planned, planned
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import ReviewStatus


@dataclass(frozen=True, slots=True)
class Proposal:
    """The plan made from the review."""

    plan: Plan
    operations: tuple[Operation, ...]
    """All operations, in order."""
    gone: tuple[Failure, ...]
    """Photos of the review that no longer exist."""
    planned: Planned
    """The groups that it was made of."""
    other_shots: frozenset[bytes]
    """Photos that go as other shots of what is kept, not as copies of it."""
    complete: bool
    """Whether all groups were found; the bursts are found last."""
    decided: int
    """How many groups the user decided; nothing may go in some of them."""
    marked: tuple[int, ...]
    """The numbers of groups that the user marked, but did not accept; nothing in them goes."""

    @property
    def photos(self) -> int:
        """Number of photos that are removed."""
        return sum(operation.sidecar_of is None for operation in self.operations)

    @property
    def sidecars(self) -> int:
        """Number of sidecar files that are removed with their photos, or move over to the kept ones."""
        return len(self.operations) - self.photos

    @property
    def size(self) -> int:
        """Bytes of the photos that are removed."""
        return sum(operation.size for operation in self.operations if operation.sidecar_of is None)

    @property
    def groups(self) -> int:
        """Number of decided groups that remove something."""
        return len(self.planned.groups_of(self.operations))


def propose(review: Review, library: Place, command: str, *, complete: bool) -> Proposal:
    """The plan of what a review has accepted. Reads the state of files and changes none.

    Parameters
    ----------
    review
        The review.
    library
        Where the library is that it is of.
    command
        What the head of the plan says made it.
    complete
        Whether all groups were found.

    Raises
    ------
    PlanRefused
        If the review's marks break the rules of plans.
    """
    made = planned(review)
    plan, gone = plan_for_groups(made.groups, library=library, command=command, marks=made.actions)
    marked = tuple(
        review.groups[number].number
        for number, decision in review.decisions.items()
        if decision.status is ReviewStatus.OPEN
    )
    return Proposal(
        plan,
        operations(plan),
        tuple(gone),
        made,
        _other_shots(plan),
        complete,
        review.totals.decided,
        marked,
    )


def _other_shots(plan: Plan) -> frozenset[bytes]:
    """The photos that go for another shot: they are one of the first photo of their group, or what is kept is."""
    found = set()
    for group in plan.groups:
        for file in group.files:
            keeper = group.keeper_of(file)
            if file.is_changed and keeper and Verdict.BURST in {file.verdict, keeper.verdict}:
                found.add(file.path)
    return frozenset(found)
