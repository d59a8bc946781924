"""What is decided about groups of duplicates, each group with regard to the others that have files of it."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from vtsfind.act.edit_kind import edit_kind
from vtsfind.act.make_plan import PlanOrigin, make_plan
from vtsfind.act.removal import stay_reasons
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, StayKind, StayReason, Verdict
from vtsfind.base.operations import Action
from vtsfind.base.paths import show_path
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.engine.review.encoding import shot_key
from vtsfind.engine.review.overlaps import (
    Claims,
    Overlaps,
    Place,
    claims,
    copy_that_stays,
    going_by,
    is_burst,
)
from vtsfind.engine.review.state import GroupDecision, Mark, ReviewStatus, ReviewTotals, proposal_for

_EMPTY_ORIGIN = PlanOrigin("", "", "", b"")
_ACTIONS = {
    Mark.KEEPER: Action.KEEP,
    Mark.KEEP: Action.KEEP,
    Mark.DROP: Action.TRASH,
    Mark.NOT_DUPLICATE: None,
}
WAS_KEPT = "you kept it when others of its burst went"
_WORTH = frozenset({StayKind.HAS_MORE, StayKind.BETTER})
"""Why a file stays, if that is to its credit."""


class Decisions:
    """The decisions about some groups, as they stand; groups and members are called by index.

    Parameters
    ----------
    protected
        Whether the photo of a path must not be removed; None if none is such.
    asked
        Verdicts that the user named, see `vtsfind.act.removal.stay_reason`.
    kept_shots
        The keys of shots that a person kept when others of their bursts were removed, see `encoding.shot_key`.
    """

    def __init__(
        self,
        protected: Callable[[bytes], bool] | None,
        asked: Collection[Verdict],
        kept_shots: Collection[str] = frozenset(),
    ) -> None:
        self.groups: Sequence[Group] = ()
        self._protected = protected
        self._asked = asked
        self._kept_shots = kept_shots
        self._decisions: dict[int, GroupDecision] = {}
        self._overlaps = Overlaps()

    def decision(self, number: int) -> GroupDecision:
        """The decision about a group; `number` is its index in `groups`."""
        return self._decisions.get(number) or self._proposal(number)

    @property
    def decisions(self) -> Mapping[int, GroupDecision]:
        """By number, of the groups that have a decision or marks of the user."""
        return self._decisions

    def place_of(self, path: bytes) -> Place | None:
        """The first group that has a file, and the member that it is; None if none has. Copies come before bursts."""
        for number, group in enumerate(self.groups):
            for place, member in enumerate(group.members):
                if member.photo.path == path:
                    return number, place
        return None

    def is_marked(self, number: int) -> bool:
        """Whether a group has a decision or marks of the user."""
        return number in self._decisions

    def mark(self, number: int, member: int) -> Mark:
        """What happens to a member."""
        return Mark.DROP if self.goes_in(number, member) else self.decision(number).mark(member)

    def goes_in(self, number: int, member: int) -> Place | None:
        """Where a member goes in another group that is accepted; None if it does not."""
        path = self.groups[number].members[member].photo.path
        if not self._overlaps.others(path, number):
            return None
        claimed = claims(self._overlaps.together(number), self.groups, self._decisions)
        found = going_by(path, claimed, self.groups, self._decisions)
        return found if found and found[0] != number else None

    def goes_for(
        self, going: Place, claimed: Claims, decisions: Mapping[int, GroupDecision]
    ) -> tuple[Place, int]:
        """Where a file that goes is a copy of one that stays, and that one; else where it goes, and the keeper there."""
        for place in self._copies_of(*going):
            kept = copy_that_stays(place, claimed, self.groups, decisions)
            if kept is not None:
                return place, kept
        return going, decisions[going[0]].keeper

    def goes_elsewhere(self, number: int) -> int:
        """How many members of a group go in other groups that are accepted."""
        return sum(
            self.goes_in(number, place) is not None for place in range(len(self.groups[number].members))
        )

    def in_question(self, number: int) -> int:
        """The member that a decision is about first: one that goes, else another shot, else any beside the keeper; not what goes elsewhere."""
        members, keeper = self.groups[number].members, self.decision(number).keeper
        beside = [
            place for place in range(len(members)) if place != keeper and not self.goes_in(number, place)
        ]
        return min(
            beside,
            key=lambda place: (
                self.mark(number, place) is not Mark.DROP,
                members[place].verdict is not Verdict.BURST,
            ),
            default=keeper,
        )

    def removes(self, number: int) -> ReviewTotals:
        """What a group adds to the plan by its marks, whether they are accepted or not, beside what goes in other groups."""
        members = self.groups[number].members
        decision = self.decision(number)
        gone = decision.members_to_remove(len(members))
        if self._overlaps.has(number):
            near = {each: self._decisions.get(each) for each in self._overlaps.together(number)}
            others = {each: made for each, made in near.items() if made and each != number}
            supposed = others | {number: replace(decision, status=ReviewStatus.ACCEPTED)}
            is_accepted = decision.status is ReviewStatus.ACCEPTED
            claimed = claims(sorted(supposed) if is_accepted else supposed, self.groups, supposed)
            gone = tuple(
                place
                for place in gone
                if going_by(members[place].photo.path, claimed, self.groups, supposed) == (number, place)
            )
        own = [members[place].photo.stamp.size for place in gone]
        return ReviewTotals(1, len(own), sum(own))

    def needs_look(self, number: int) -> bool:
        """Whether it is in doubt which photo of a group to keep, and nobody marked any."""
        return number not in self._decisions and self.groups[number].needs_look

    def reason(self, number: int, member: int) -> str:
        """Why a member is kept or removed, for people."""
        other = self.goes_in(number, member)
        if other:
            claimed = claims(self._overlaps.together(number), self.groups, self._decisions)
            (group, _), keeper = self.goes_for(other, claimed, self._decisions)
            kept = self._place(group, keeper)
            what = f"for {kept}, another shot" if is_burst(self.groups[group]) else f"as a copy of {kept}"
            return f"goes {what}, in group {self.groups[other[0]].number}"
        own, each = self.own_reason(number, member), self.groups[number].members[member]
        if not own and each.verdict and self.was_kept(number, member):
            return f"stays: {WAS_KEPT}; {each.reason}" if each.reason else f"stays: {WAS_KEPT}"
        kind = edit_kind(each, self.groups[number].members[0])
        if kind and not own and each.is_kept_edit:
            return f"stays: {kind}; it may be wanted as well"
        return own or each.explanation

    def was_kept(self, number: int, member: int) -> bool:
        """Whether a member of a burst was kept when others of its burst were removed: it is not marked to go by itself."""
        return (
            is_burst(self.groups[number])
            and shot_key(self.groups[number].members[member].photo) in self._kept_shots
        )

    def own_reason(self, number: int, member: int) -> str:
        """What the user decided of a member, or what it is to the keeper now, if that is not what was proposed; else empty."""
        mark, proposed = self.decision(number).mark(member), proposal_for(self.groups[number]).mark(member)
        if mark is Mark.NOT_DUPLICATE:
            return ""
        if mark is proposed:
            return self._beside_chosen(number, member) if self.decision(number).keeper else ""
        goes = None if self.is_marked(number) else self.goes_in(number, 0)
        if goes and mark is not Mark.DROP:
            return f"kept, as {self._name(number, 0)} goes in group {self.groups[goes[0]].number}"
        if mark is Mark.KEEPER or (mark is Mark.KEEP and proposed is not Mark.KEEPER):
            return "kept by your choice"
        said = "stays, too"
        if mark is Mark.DROP and self._copy_mark(number, member) is Mark.DROP:
            other, _ = self._copies_of(number, member)[0]
            kept = self.decision(other).keeper
            goes_too = any(
                (other, kept) in self._copies_of(number, place)
                for place in self.decision(number).members_to_remove(len(self.groups[number].members))
            )
            return f"goes {'with' if goes_too else 'as a copy of'} {self._name(other, kept)}"
        if mark is Mark.DROP:
            said = "you chose another keeper" if proposed is Mark.KEEPER else "removed by your choice"
        worth = self._own_worth(number, member)
        return f"{said}; it {worth}" if worth else said

    def _beside_chosen(self, number: int, member: int) -> str:
        """Why a member stays or goes beside another keeper than the one that its own reason speaks of."""
        decision = self.decision(number)
        if decision.mark(member) is Mark.DROP:
            return f"goes as a copy of {self._name(number, decision.keeper)}"
        if is_burst(self.groups[number]):
            return f"stays: {WAS_KEPT}" if self.was_kept(number, member) else "stays, too"
        reason = self._stay_reasons(number, decision.keeper)[member]
        return f"stays: {reason.words}" if reason else "stays, too"

    def _own_worth(self, number: int, member: int) -> str:
        """What a member has that the chosen keeper lacks, in words that follow `it`; empty if it has nothing."""
        keeper = self.decision(number).keeper
        reason = None if member == keeper else self._stay_reasons(number, keeper)[member]
        return reason.words if reason and reason.kind in _WORTH else ""

    def _proposal(self, number: int) -> GroupDecision:
        """What is proposed for a group; another keeper where that one goes in another group."""
        group = self.groups[number]
        proposed = proposal_for(group)
        if not self._overlaps.has(number):
            return proposed
        other = self.goes_in(number, proposed.keeper)
        if not other:
            return proposed
        going = {place for place in range(len(group.members)) if self.goes_in(number, place)}
        kept = self.groups[other[0]].members[self._decisions[other[0]].keeper].photo.path
        left = [place for place in range(len(group.members)) if place not in going]
        left.sort(key=lambda place: group.members[place].photo.path != kept)
        if not left:
            return proposed
        staying = {place for place, reason in self._stay_reasons(number, left[0]).items() if reason}
        staying |= set(left) if is_burst(group) else set()
        return GroupDecision(keeper=left[0], kept=frozenset((staying | going) - {left[0]}))

    def _shot(self, number: int, member: int) -> set[int]:
        """A member, and of a burst what goes with it: the copies that go for it in their own group, as marked or proposed."""
        found = {member}
        if self._copy_mark(number, member) is Mark.KEEPER:
            copies = {each for each, _ in self._copies_of(number, member)}
            found |= {
                place
                for place in range(len(self.groups[number].members))
                if copies & {other for other, _ in self._copies_of(number, place)}
                and self._copy_mark(number, place) is Mark.DROP
            }
        return found

    def _copies_of(self, number: int, member: int) -> list[Place]:
        """Where a member of a burst is among its copies; nowhere for a member of another group."""
        group = self.groups[number]
        return self._overlaps.others(group.members[member].photo.path, number) if is_burst(group) else []

    def _are_copies(self, number: int, members: Sequence[int]) -> bool:
        """Whether members of a burst are copies of each other: what becomes of them is decided in their own group."""
        groups = [{other for other, _ in self._copies_of(number, place)} for place in members]
        return bool(set[int].intersection(*groups))

    def _copy_mark(self, number: int, member: int) -> Mark | None:
        """What a member of a burst is marked in the group of its copies; None if it has none."""
        marks = [self.decision(other).mark(place) for other, place in self._copies_of(number, member)]
        return marks[0] if marks else None

    def _replacement(self, number: int, decision: GroupDecision) -> int:
        """The kept member that takes the keeper's place."""
        name, group = self._name(number, decision.keeper), self.groups[number].number
        if not decision.kept:
            raise UsageError(
                f"One photo of each group must stay: {name}.",
                "To keep another one instead, press its digit. To keep none, accept, write the plan (F5, w), and in that file write "
                f"trash instead of keep, and `remove-all {group}` below `group {group}`.",
            )
        for place in sorted(decision.kept):
            if not self._stay_reasons(number, place)[decision.keeper]:
                return place
        raise UsageError(
            f"No other kept photo has everything that {name} contains, so it stays.",
            "To remove it all the same, press the digit of the photo to keep instead, then mark this one (space).",
        )

    def _stay_reasons(self, number: int, keeper: int) -> dict[int, StayReason | None]:
        members = self.groups[number].members
        return stay_reasons(members, keeper, self._asked, SidecarPlaces().problem)

    def _check(
        self,
        number: int,
        decision: GroupDecision,
        pending: Mapping[int, GroupDecision] = MappingProxyType({}),
    ) -> None:
        """Raise `UsageError` for marks that a plan must not contain, such as a keeper not compared with what is removed."""
        members = self.groups[number].members
        gone = decision.members_to_remove(len(members)) if self._protected else ()
        for place in gone:
            path = members[place].photo.path
            if self._protected and self._protected(path):
                raise UsageError(
                    f"{show_path(path)} is in a reference folder and must stay.", "Keep it too (space)."
                )
        if decision.keeper or decision.non_duplicates:
            marks = {each.photo.path: _ACTIONS[decision.mark(place)] for place, each in enumerate(members)}
            make_plan([self.groups[number]], _EMPTY_ORIGIN, marks=marks)
        if self._overlaps.has(number):
            near = {each: self._decisions.get(each) for each in self._overlaps.together(number)}
            near |= {each: pending[each] for each in near.keys() & pending.keys()}
            self._require_keepers(
                number, {each: made for each, made in near.items() if made} | {number: decision}
            )

    def _require_keepers(self, number: int, decisions: Mapping[int, GroupDecision]) -> None:
        """Raise `UsageError` if a file would go for one that goes itself."""
        claimed = claims(self._overlaps.together(number), self.groups, decisions)
        for path, places in claimed.items():
            if going_by(path, claimed, self.groups, decisions):
                continue
            other, place = places[0]
            last, keeper = self._name(other, place), decisions[other].keeper
            kept = self._name(other, keeper)
            goes, _ = claimed[self.groups[other].members[keeper].photo.path][0]
            if other == number:
                raise UsageError(
                    f"{kept} goes in group {self.groups[goes].number} of {_kind(self.groups[goes])}, so {last} would be the last of its picture.",
                    "Keep it (space), or press v and remove it there, too.",
                )
            raise UsageError(
                f"{kept} must stay: {last} goes for it in group {self.groups[other].number} of {_kind(self.groups[other])}.",
                "Choose another keeper there (v changes between copies and bursts), or keep this one.",
            )

    def _goes_elsewhere(self, number: int, member: int, other: int) -> UsageError:
        group = self.groups[other]
        return UsageError(
            f"{self._name(number, member)} goes in group {group.number} of {_kind(group)}.",
            "Keep it there; v changes between copies and bursts.",
        )

    def _place(self, number: int, member: int) -> str:
        """Its name and the folder that it is in: copies often have one name."""
        path = self.groups[number].members[member].photo.path
        return show_path(os.path.join(os.path.basename(os.path.dirname(path)), os.path.basename(path)))

    def _name(self, number: int, member: int) -> str:
        return show_path(os.path.basename(self.groups[number].members[member].photo.path))


def _kind(group: Group) -> str:
    """Where a group is shown."""
    return "bursts" if is_burst(group) else "copies"
