"""What a person decides about groups of duplicates: marks, the chosen keeper, and which photos are no duplicates.

A file may be in two groups, see `vtsfind.engine.review.overlaps`: what is decided of it in one shows in the other, and no decision is taken
by which a file goes for one that goes itself.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.engine.review.decisions import STAYS_BESIDE_BEST
from vtsfind.engine.review.encoding import encode_decision, group_key
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.recorded import RecordedDecisions
from vtsfind.engine.review.state import (
    SETTLED,
    DigestPair,
    GroupDecision,
    Mark,
    ReviewStatus,
    non_duplicate_pairs,
    proposal_for,
    shared,
)


class Review(RecordedDecisions):
    """The decisions about some groups, and the ways to change them; see `RecordedDecisions` for the parameters.

    Every method that decides raises `StorageError` if the step cannot be stored; then nothing has changed.
    """

    def accept(self, number: int) -> None:
        """Accept the marks of a group.

        Raises
        ------
        UsageError
            If a plan must not contain them: a removed photo was not compared with any that stays.
        """
        decision = replace(self.decision(number), status=ReviewStatus.ACCEPTED)
        self._check(number, decision)
        self._decide("accept", {number: decision})

    def accept_all(self, numbers: Iterable[int], label: str = "accept") -> int:
        """Accept many groups in one step: those that are undecided, valid, and do not need a look; returns their number."""
        changes: dict[int, GroupDecision] = {}
        for number in numbers:
            decision = self.decision(number)
            if decision.status is not ReviewStatus.OPEN or self.needs_look(number):
                continue
            accepted = shared(ReviewStatus.ACCEPTED, decision.keeper, decision.kept, decision.non_duplicates)
            try:
                self._check(number, accepted, changes)
            except UsageError:
                continue
            changes[number] = accepted
        if changes:
            self._decide(label, changes)
        return len(changes)

    def toggle(self, number: int, member: int) -> None:
        """Keep a member that would be removed, or remove one that would be kept.

        Raises
        ------
        UsageError
            If it is the keeper, and no other member is kept that has everything which its file contains; or if it goes in
            another group.
        """
        decision = self.decision(number)
        other = self.goes_in(number, member)
        match decision.mark(member):
            case Mark.DROP:
                changed = replace(decision, kept=decision.kept | self._shot(number, member))
            case _ if other:
                raise self._goes_elsewhere(number, member, other[0])
            case Mark.KEEPER:
                next_keeper = self._replacement(number, decision)
                changed = replace(decision, keeper=next_keeper, kept=decision.kept - {next_keeper})
            case _:
                changed = _unmarked(decision, self._shot(number, member))
        self._mark("mark", number, changed)

    def choose(self, number: int, member: int) -> None:
        """Make a member the keeper. Kept with it are those that were marked so, and those that may not be removed for it.

        Of a burst of which one shot only is kept, that one is kept in place of the other.

        Raises
        ------
        UsageError
            If it goes in another group.
        """
        other = self.goes_in(number, member)
        if other:
            raise self._goes_elsewhere(number, member, other[0])
        if self._keeps_one_shot(number):
            self.keep_only(number, member)
            return
        decision = _unmarked(self.decision(number), {member})
        if is_burst(self.groups[number]):
            others = set(range(len(self.groups[number].members))) - {member}
            kept = others - set(decision.members_to_remove(len(others) + 1))
            kept |= {self.decision(number).keeper} - {member}
        else:
            kept = set(decision.kept - proposal_for(self.groups[number]).kept)
            kept |= {place for place, reason in self._stay_reasons(number, member).items() if reason}
        self._mark(
            "keeper",
            number,
            replace(decision, keeper=member, kept=frozenset(kept - decision.non_duplicates)),
        )

    def keep_only(self, number: int, member: int) -> None:
        """Of a burst, keep one shot, and remove the others but what is an edit or no duplicate, see also `_stays_beside_best`.

        Raises
        ------
        UsageError
            If that changes nothing.
        """
        changed = self._only(number, member)
        if changed == self.decision(number):
            why = f": the others are {STAYS_BESIDE_BEST}" if changed.kept else ""
            raise UsageError(f"Nothing else of this burst goes{why}.", "Space marks the selected photo.")
        self._mark("keep only", number, changed)

    def refuse(self, number: int, member: int | None = None) -> None:
        """Mark a member as not a duplicate of the keeper; for the keeper, or None, all members."""
        group, decision = self.groups[number], self.decision(number)
        if member is None or member == decision.keeper or len(group.members) == 2:
            changed = replace(decision, status=ReviewStatus.REFUSED)
        else:
            non_duplicates = decision.non_duplicates | {member}
            every = len(non_duplicates) == len(group.members) - 1
            status = ReviewStatus.REFUSED if every else decision.status
            changed = replace(
                decision, status=status, non_duplicates=non_duplicates, kept=decision.kept - {member}
            )
        self._mark("not a duplicate", number, changed)

    def reopen(self, number: int) -> None:
        """Reset a group to the proposal, undecided."""
        self._decide("reset", {number: proposal_for(self.groups[number])})

    def settle(self, removed: Collection[bytes]) -> None:
        """Note in one step that files were removed: what is left of the groups that they were in is decided as it was."""
        changes, left = {}, {}
        for number, decision in self._decisions.items():
            group = self.groups[number]
            if not any(member.photo.path in removed for member in group.members):
                continue
            if decision.members_to_remove(len(group.members)):  # else it is as good once they are back
                changes[number] = proposal_for(group)
            rest = [
                place
                for place, each in enumerate(group.members)
                if each.photo.path not in removed
                and not self.goes_in(number, place)
                and (decision.status is ReviewStatus.OPEN or decision.mark(place) is not Mark.DROP)
            ]
            if len(rest) > 1 and decision.keeper in rest and not self._are_copies(number, rest):
                what_is_left = replace(group, members=tuple(group.members[place] for place in rest))
                places = {place: new for new, place in enumerate(rest)}
                settled = replace(
                    decision,
                    keeper=places[decision.keeper],
                    kept=frozenset(places[each] for each in decision.kept if each in places),
                    non_duplicates=frozenset(
                        places[each] for each in decision.non_duplicates if each in places
                    ),
                )
                left[group_key(what_is_left)] = encode_decision(what_is_left, settled)
        if changes or left:
            self._decide(SETTLED, changes, left, notify=False)

    def non_duplicate_pairs(self, number: int) -> set[DigestPair]:
        """The pairs of contents in a group that are marked as not duplicates."""
        decision = self._decisions.get(number)
        return non_duplicate_pairs(self.groups[number], decision) if decision else set()

    def _keeps_one_shot(self, number: int) -> bool:
        """Whether a group is a burst of which one shot only is kept, as `keep_only` marks it."""
        group, decision = self.groups[number], self.decision(number)
        goes = decision.members_to_remove(len(group.members))
        return is_burst(group) and bool(goes) and decision == self._only(number, decision.keeper)

    def _only(self, number: int, member: int) -> GroupDecision:
        """Marks by which of a burst one shot is kept, and what stays beside it."""
        copies = {each for each, _ in self._copies_of(number, member)}
        kept = {
            place
            for place, each in enumerate(self.groups[number].members)
            if each.verdict is Verdict.EDIT
            or copies & {other for other, _ in self._copies_of(number, place)}
            or self._stays_beside_best(number, place, member)
        }
        decision = _unmarked(self.decision(number), {member})
        return replace(decision, keeper=member, kept=frozenset(kept - decision.non_duplicates - {member}))

    def _mark(self, label: str, number: int, decision: GroupDecision) -> None:
        """Store marks; a group that is accepted stays so if no further photo goes."""
        size = len(self.groups[number].members)
        further = set(decision.members_to_remove(size)) - set(self.decision(number).members_to_remove(size))
        if decision.status is ReviewStatus.ACCEPTED and further:
            decision = replace(decision, status=ReviewStatus.OPEN)
        elif decision.status is ReviewStatus.ACCEPTED:
            self._check(number, decision)
        self._decide(label, {number: decision})


def _unmarked(decision: GroupDecision, members: Collection[int]) -> GroupDecision:
    """The decision without the marks of some members, which are then removed."""
    status = ReviewStatus.OPEN if decision.status is ReviewStatus.REFUSED else decision.status
    return replace(
        decision,
        status=status,
        kept=decision.kept - set(members),
        non_duplicates=decision.non_duplicates - set(members),
    )
