"""What a review leads to: the groups of a plan, with what becomes of each file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from vtsfind.base.groups import Group, StayReason
from vtsfind.base.operations import Action, Operation
from vtsfind.engine.review.overlaps import Claims, claims, going_by, is_burst
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import GroupDecision, Mark, ReviewStatus

_ACTIONS = {
    Mark.KEEPER: Action.KEEP,
    Mark.KEEP: Action.KEEP,
    Mark.DROP: Action.KEEP,  # of a group that is not accepted
    Mark.NOT_DUPLICATE: None,
}
KEPT = StayReason("you keep it in `vtsfind browse`")
CHOSEN = StayReason("you chose it in `vtsfind browse`")


@dataclass(frozen=True, slots=True)
class Planned:
    """Groups to plan, and what was decided about them."""

    groups: list[Group]
    """Each with the files that go in it and those that stay; a file goes in one of them."""
    actions: dict[bytes, Action | None]
    """By path: keep, none (None), or what becomes of files that go."""
    keepers: dict[int, bytes]
    """By number of the group the path of the keeper, where it is not the one that was proposed."""
    removed_by: dict[bytes, tuple[int, ...]]
    """By path of what goes the numbers of all groups that are to remove it; it is planned in one of them."""

    def groups_of(self, todo: Iterable[Operation]) -> frozenset[int]:
        """The numbers of the groups that are to remove something by some operations."""
        return frozenset().union(*[self.removed_by.get(operation.path, ()) for operation in todo])


def planned(
    review: Review, action: Action = Action.TRASH, *, undecided: bool = False, asked: int = 0
) -> Planned:
    """What a review plans: groups that remove something, with the user's reasons where they differ from the policy's.

    Parameters
    ----------
    review
        The review.
    action
        What becomes of files that go.
    undecided
        Whether what is proposed for groups of copies that are undecided is planned as well. A mark of the user that is not
        accepted yet can only keep a file.
    asked
        How many groups, the first, are listed though all in them stays.
    """
    decisions = dict(review.decisions)
    if undecided:
        decisions = {number: _supposed(review, number) for number in range(len(review.groups))}
    claimed = claims(sorted(decisions), review.groups, decisions)
    found = {path: going_by(path, claimed, review.groups, decisions) for path in claimed}
    going = {path: place for path, place in found.items() if place}
    planned_in = {path: review.goes_for(place, claimed, decisions)[0] for path, place in going.items()}
    listed = sorted({number for number, _ in planned_in.values()}.union(range(asked)))
    groups: list[Group] = []
    actions: dict[bytes, Action | None] = {}
    for number in listed:
        group, decision = review.groups[number], decisions.get(number) or review.decision(number)
        members = []
        for place, found_member in enumerate(group.members):
            path = found_member.photo.path
            if path in claimed and planned_in.get(path) != (number, place):
                continue  # it goes in another group, or stays since what it would go for goes
            mark = decision.mark(place)
            reason = review.own_reason(*going.get(path, (number, place)))
            member = replace(found_member, reason=reason or found_member.reason)
            if mark is Mark.KEEPER and review.is_marked(number):
                members.append(replace(member, stay_reason=CHOSEN))
            elif mark is Mark.KEEP and undecided and member.may_go:
                members.append(replace(member, stay_reason=KEPT))
            else:
                members.append(member)
            if path not in claimed:
                actions[path] = _ACTIONS[mark] or actions.get(path)
            elif not action.links:  # a name becomes a link only where a kept file has its content
                actions[path] = action
        if len(members) > 1:
            groups.append(replace(group, members=tuple(members)))
    removed_by = {path: tuple(review.groups[number].number for number, _ in claimed[path]) for path in going}
    return Planned(groups, actions, _chosen_keepers(review, decisions, claimed), removed_by)


def _supposed(review: Review, number: int) -> GroupDecision:
    """The decision about a group, or what it would be if what is proposed were accepted."""
    decision = review.decision(number)
    if decision.status is not ReviewStatus.OPEN or is_burst(review.groups[number]):
        return decision
    proposed = {place for place, member in enumerate(review.groups[number].members) if member.may_go}
    dropped = set(decision.members_to_remove(len(review.groups[number].members)))
    return replace(decision, status=ReviewStatus.ACCEPTED, kept=decision.kept | frozenset(dropped - proposed))


def _chosen_keepers(
    review: Review, decisions: Mapping[int, GroupDecision], claimed: Claims
) -> dict[int, bytes]:
    chosen = {
        review.groups[number].number: review.groups[number].members[decision.keeper].photo.path
        for number, decision in decisions.items()
        if decision.keeper and decision.status is ReviewStatus.ACCEPTED
    }
    return {number: path for number, path in chosen.items() if path not in claimed}
