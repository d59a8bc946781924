"""Files that are in several groups: a copy is one of a shot, and the shot is one of a scene.

What becomes of a file is one question, whichever group it is looked at in. It goes if an accepted group removes it whose keeper stays.
A file that would go for one that goes itself is the last of its picture there, and stays.
"""

from collections.abc import Iterable, Mapping, Sequence

from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.duplicates.keeper_ranking import SAME_FRAME_VERDICTS
from vtsfind.engine.review.state import GroupDecision, Mark, ReviewStatus
from vtsfind.find.clustering.union_find import UnionFind

Place = tuple[int, int]
"""A group, and a member in it, by index."""


def is_burst(group: Group) -> bool:
    """Whether a group has other shots of a scene."""
    return Verdict.BURST in [member.verdict for member in group.members]


class Overlaps:
    """Which groups have files in common."""

    def __init__(self) -> None:
        self._places: dict[bytes, tuple[Place, ...]] = {}
        """Of the files of bursts."""
        self._together: dict[int, tuple[int, ...]] = {}

    def add(self, groups: Sequence[Group], bursts: Iterable[int]) -> None:
        """Note the bursts of these indices, which may have files of groups of copies."""
        new = {member.photo.path for number in bursts for member in groups[number].members}
        if not new:
            return
        places: dict[bytes, list[Place]] = {}
        for number, group in enumerate(groups):
            for place, member in enumerate(group.members):
                if member.photo.path in new:
                    places.setdefault(member.photo.path, []).append((number, place))
        self._places |= {path: tuple(found) for path, found in places.items() if len(found) > 1}
        connected = UnionFind(
            (found[0][0], number) for found in self._places.values() for number, _ in found[1:]
        )
        sets: dict[int, set[int]] = {}
        for found in self._places.values():
            sets.setdefault(connected.of(found[0][0]), set()).update(number for number, _ in found)
        self._together = {
            number: numbers
            for each in sets.values()
            for numbers in [tuple(sorted(each))]
            for number in numbers
        }

    def has(self, number: int) -> bool:
        """Whether a group has files in common with others."""
        return number in self._together

    def together(self, number: int) -> tuple[int, ...]:
        """The groups whose decisions bear on those of a group, itself among them."""
        return self._together.get(number, (number,))

    def with_overlapping(self, numbers: Iterable[int]) -> set[int]:
        """Some groups, and those whose decisions bear on theirs."""
        found = set(numbers)
        return found.union(*[self._together[each] for each in self._together.keys() & found])

    def others(self, path: bytes, number: int) -> list[Place]:
        """Where else a file is."""
        places = self._places.get(path)
        return [place for place in places if place[0] != number] if places else []


Claims = dict[bytes, list[Place]]
"""The files that accepted groups are to remove, each with its places in those groups."""


def claims(numbers: Iterable[int], groups: Sequence[Group], decisions: Mapping[int, GroupDecision]) -> Claims:
    """What the accepted ones of some groups are to remove."""
    found: Claims = {}
    for number in numbers:
        decision = decisions.get(number)
        if decision and decision.status is ReviewStatus.ACCEPTED:
            members = groups[number].members
            for place in decision.members_to_remove(len(members)):
                found.setdefault(members[place].photo.path, []).append((number, place))
    return found


def going_by(
    path: bytes, claimed: Claims, groups: Sequence[Group], decisions: Mapping[int, GroupDecision]
) -> Place | None:
    """Where a file goes: in the first group that removes it and whose keeper stays; None if it stays."""
    for number, place in claimed.get(path, ()):
        if groups[number].members[decisions[number].keeper].photo.path not in claimed:
            return number, place
    return None


def copy_that_stays(
    place: Place, claimed: Claims, groups: Sequence[Group], decisions: Mapping[int, GroupDecision]
) -> int | None:
    """The copy that stays of a member of a group of copies, the one that a plan checks; None if none does, or it is an edit."""
    number, own = place
    group, decision = groups[number], decisions.get(number)

    def is_copy(each: int) -> bool:
        is_refused = decision is not None and decision.mark(each) is Mark.NOT_DUPLICATE
        return not is_refused and group.members[each].verdict in {None, *SAME_FRAME_VERDICTS}

    staying = [
        each
        for each, member in enumerate(group.members)
        if is_copy(own) and is_copy(each) and member.photo.path not in claimed
    ]
    digest = group.members[own].photo.digest
    return min(staying, key=lambda each: (group.members[each].photo.digest != digest, each), default=None)
