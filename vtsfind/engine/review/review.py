"""What a person decides about groups of duplicates: marks, the chosen keeper, and which photos are no duplicates.

A file may be in two groups, see `vtsfind.engine.review.overlaps`: what is decided of it in one shows in the other, and no decision is taken
by which a file goes for one that goes itself.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from vtsfind.act.file_rules import is_screenshot
from vtsfind.act.keep_rules import KeepCandidate
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Member, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.words import listed
from vtsfind.engine.review.decisions import WAS_KEPT
from vtsfind.engine.review.encoding import encode_decision, group_key, shot_key
from vtsfind.engine.review.overlaps import is_burst
from vtsfind.engine.review.recorded import RecordedDecisions
from vtsfind.engine.review.state import (
    SETTLED,
    DigestPair,
    EncodedDecision,
    GroupDecision,
    Mark,
    ReviewStatus,
    non_duplicate_pairs,
    proposal_for,
    shared,
)

_KEPT: EncodedDecision = (ReviewStatus.ACCEPTED.value, 0, (), ())
"""What is stored of a shot that was kept when others of its burst were removed."""
_ONE_SCENE_S = 3600
"""Seconds within which shots are of one scene as a person sees it; what shows the same hours later was shot for itself."""


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
        """Of a burst, keep one shot, and remove the others but those that `staying_beside` names.

        Raises
        ------
        UsageError
            If that changes nothing.
        """
        changed = self._only(number, member)
        if changed == self.decision(number):
            staying = self.staying_beside(number, member)
            why = f"; kept beside the keeper: {staying}" if staying else ""
            raise UsageError(f"Nothing else of this burst goes{why}.", "Space marks the selected photo.")
        self._mark("keep only", number, changed)

    def staying_beside(self, number: int, best: int) -> str:
        """What stays when the best shot of a burst is to be kept only, with the reasons, in words; empty if nothing does.

        Copies of the best shot are left out: they are decided in their own group.
        """
        names: dict[str, list[str]] = {}
        for place, reason in self._staying_beside(number, best).items():
            if reason:
                names.setdefault(reason, []).append(self._name(number, place))
        return ", ".join(f"{listed(each)} ({reason})" for reason, each in names.items())

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
        changes: dict[int, GroupDecision] = {}
        left: dict[str, EncodedDecision | None] = {}
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
            if is_burst(group) and decision.status is ReviewStatus.ACCEPTED and number in changes:
                left |= {shot_key(group.members[place].photo): _KEPT for place in rest}
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
        kept = frozenset(self._staying_beside(number, member))
        return replace(_unmarked(self.decision(number), {member}), keeper=member, kept=kept)

    def _staying_beside(self, number: int, best: int) -> dict[int, str]:
        """The members of a burst that stay when the best shot is to be kept only, with the reason; an empty one for its copies."""
        copies = {each for each, _ in self._copies_of(number, best)}
        found: dict[int, str] = {}
        for place in range(len(self.groups[number].members)):
            if place == best or place in self.decision(number).non_duplicates:
                continue
            if copies & {other for other, _ in self._copies_of(number, place)}:
                found[place] = ""
            elif reason := self._why_beside(number, place, best):
                found[place] = reason
        return found

    def _why_beside(self, number: int, member: int, best: int) -> str:
        """Why a shot stays when the best one is to be kept only, in a few words; empty if it goes.

        It stays if it is not certainly of the same scene, as no screenshot is, nor what was shot at another time or with the camera
        held in another way, or if it is kept beside its copies, or these beside it: an edit without its photo is worth less than both.
        """
        each, first = self.groups[number].members[member], self.groups[number].members[best]
        mark, copies = self._copy_mark(number, member), self._copies_of(number, member)
        reasons = {
            "an edit": each.verdict is Verdict.EDIT,
            "a screenshot": is_screenshot(KeepCandidate(each.photo, each.details or Details())),
            WAS_KEPT: self.was_kept(number, member),
            "a copy or an edit of it stays": mark is Mark.KEEPER
            and any(self.decision(other).kept for other, _ in copies),
            "it stays among its copies": mark is Mark.KEEP,
            # A copy of another shot, which was not compared either, goes with that.
            "": mark is Mark.DROP,
            "it may be of another scene": bool(each.evidence.indirect),
            "the camera was held another way": _held(each) != _held(first),
            "taken more than an hour apart": _seconds_apart(each.photo, first.photo) > _ONE_SCENE_S,
        }
        return next((words for words, holds in reasons.items() if holds), "")

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


def _seconds_apart(first: Photo, second: Photo) -> float:
    """Seconds between two shots by the cameras' clocks; 0 if one is not known."""
    times = [datetime.fromisoformat(each.info.taken) for each in (first, second) if each.info.taken]
    return abs((times[0] - times[1]).total_seconds()) if len(times) > 1 else 0.0


def _held(member: Member) -> tuple[bool, int]:
    """How the camera was held: whether the shot is higher than wide, and the EXIF orientation that lays it on the first one of its burst."""
    info = member.photo.info
    return info.height > info.width, member.evidence.turn
