"""The decisions about groups of duplicates: marks, the chosen keeper, and undo.

Every step is written to a `StepLog` before it takes effect, so a review that ends in any way can be resumed. Decisions
belong to the files and contents of a group, not to its number: a group that is the same after another index keeps its
decision, one that has changed is undecided again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vtsfind.act.make_plan import PlanOrigin, make_plan
from vtsfind.act.removal import stay_reasons
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.base.operations import Action
from vtsfind.base.paths import show_path
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.engine.review.encoding import decode_decision, encode_decision, group_key
from vtsfind.engine.review.state import (
    EncodedDecision,
    GroupDecision,
    Mark,
    Marks,
    ReviewStatus,
    ReviewTotals,
    StepLog,
    StepOutdated,
    UnsavedSteps,
    proposal_for,
)
from vtsfind.engine.review.steps import ReviewSteps

DigestPair = tuple[bytes, bytes]
"""The contents (SHA-256) of two photos."""

_EMPTY_ORIGIN = PlanOrigin("", "", "", b"")


class Review:
    """The decisions about some groups.

    Parameters
    ----------
    groups
        The groups under review; they are not changed.
    log
        Where steps are stored; the steps in it are replayed.
    save_pairs
        Called with the pairs of contents that a step declares not to be duplicates, and those it no longer does.
    protected
        Whether the photo of a path must not be removed.
    asked
        Verdicts that the user named, see `vtsfind.act.removal.stay_reason`.

    Every method that decides raises `StorageError` if the step cannot be stored; then nothing has changed.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        log: StepLog | None = None,
        save_pairs: Callable[[set[DigestPair], set[DigestPair]], None] = lambda _added, _removed: None,
        protected: Callable[[bytes], bool] = lambda _path: False,
        asked: Collection[Verdict] = (),
    ) -> None:
        self.groups = groups
        self._asked = asked
        self._save_pairs = save_pairs
        self._protected = protected
        self._steps = ReviewSteps(log or UnsavedSteps())
        self._decisions: dict[int, GroupDecision] = {}
        self._numbers: dict[str, int] = {}
        """Of the groups that steps speak of, by key."""
        self._totals = ReviewTotals()
        self._open = np.ones(len(groups), bool)
        self._resume()

    # -- reading ---------------------------------------------------------------------------------------------------

    def decision(self, number: int) -> GroupDecision:
        """The decision about a group; `number` is its index in `groups`."""
        return self._decisions.get(number) or proposal_for(self.groups[number])

    def is_marked(self, number: int) -> bool:
        """Whether a group has a decision or marks of the user."""
        return number in self._decisions

    def removes(self, number: int) -> ReviewTotals:
        """What the marks of a group remove, whether they are accepted or not."""
        return self._removed_by(number, self.decision(number))

    def mark(self, number: int, member: int) -> Mark:
        """What happens to a member."""
        return self.decision(number).mark(member)

    @property
    def totals(self) -> ReviewTotals:
        """The progress of the review."""
        return self._totals

    def next_open(self, order: Sequence[int] | npt.NDArray[np.int64], after: int) -> int | None:
        """The index in `order` of the first undecided group after index `after`, else of the first one at all."""
        places = np.flatnonzero(self._open[np.asarray(order, np.int64)])
        if not len(places):
            return None
        behind = int(np.searchsorted(places, after, "right"))
        return int(places[behind % len(places)])

    def reason(self, number: int, member: int) -> str:
        """Why a member is kept or removed, for people."""
        return self._own_reason(number, member) or self.groups[number].members[member].explanation

    # -- deciding --------------------------------------------------------------------------------------------------

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
        """Accept many groups in one step, those that are undecided, valid and remove something; returns their number."""
        changes = {
            number: replace(decision, status=ReviewStatus.ACCEPTED)
            if number in self._decisions
            else proposal_for(self.groups[number], ReviewStatus.ACCEPTED)
            for number in numbers
            if (decision := self.decision(number)).status is ReviewStatus.OPEN
            and decision.members_to_remove(len(self.groups[number].members))
            and self._is_valid(number, decision)
        }
        if changes:
            self._decide(label, changes)
        return len(changes)

    def toggle(self, number: int, member: int) -> None:
        """Keep a member that would be removed, or remove one that would be kept.

        Raises
        ------
        UsageError
            If it is the keeper, and no other member is kept that has everything which its file contains.
        """
        decision = self.decision(number)
        match decision.mark(member):
            case Mark.DROP:
                changed = replace(decision, kept=decision.kept | {member})
            case Mark.KEEPER:
                next_keeper = self._replacement(number, decision)
                changed = replace(decision, keeper=next_keeper, kept=decision.kept - {next_keeper})
            case _:
                changed = _unmarked(decision, member)
        self._mark("mark", number, changed)

    def choose(self, number: int, member: int) -> None:
        """Make a member the keeper. Kept with it are those that were marked so, and those that may not be removed for it."""
        decision = _unmarked(self.decision(number), member)
        chosen = decision.kept - proposal_for(self.groups[number]).kept
        staying = {place for place, reason in self._stay_reasons(number, member).items() if reason}
        kept = (chosen | staying) - decision.non_duplicates - self._dropped_shots(number, decision)
        self._mark("keeper", number, replace(decision, keeper=member, kept=frozenset(kept)))

    def keep_only(self, number: int, member: int) -> None:
        """Keep one member, and remove the others but those that are edits or no duplicates."""
        decision = _unmarked(self.decision(number), member)
        edits = {
            place for place, each in enumerate(self.groups[number].members) if each.verdict is Verdict.EDIT
        }
        kept = frozenset(edits - decision.non_duplicates - {member})
        self._mark("keep only", number, replace(decision, keeper=member, kept=kept))

    def _dropped_shots(self, number: int, decision: GroupDecision) -> set[int]:
        """The other shots that the user marked to go, whichever shot is kept."""
        members = self.groups[number].members
        return {
            place
            for place in decision.members_to_remove(len(members))
            if members[place].verdict is Verdict.BURST
        }

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

    def settle(self, numbers: Iterable[int], label: str) -> None:
        """Note in one step that what was decided about groups is done: they are undecided again, what is left of them is decided."""
        places = list(numbers)
        left = {}
        for number in places:
            group, decision = self.groups[number], self.decision(number)
            dropped = decision.members_to_remove(len(group.members))
            rest = replace(
                group, members=tuple(each for i, each in enumerate(group.members) if i not in dropped)
            )
            keeper = rest.members.index(group.members[decision.keeper])
            kept = frozenset(range(len(rest.members))) - {keeper}
            if kept:
                settled = GroupDecision(ReviewStatus.ACCEPTED, keeper, kept)
                left[group_key(rest)] = encode_decision(rest, settled)
        if places:
            self._decide(label, {number: proposal_for(self.groups[number]) for number in places}, left)

    def undo(self) -> tuple[str, list[int]]:
        """Undo the last step; returns its label and the groups that it had changed.

        Raises
        ------
        UsageError
            If there is none.
        """
        with self._taking_news():
            label, before = self._steps.undo()
        return label, self._apply_stored(before)

    # -- results ---------------------------------------------------------------------------------------------------

    def accepted(self) -> list[Group]:
        """The accepted groups that remove something, with the user's reasons where they differ from the policy's."""
        return [
            self._with_reasons(number)
            for number in sorted(self._decisions)
            if self._group_totals(number).files and self.decision(number).status is ReviewStatus.ACCEPTED
        ]

    def chosen_keepers(self) -> dict[int, bytes]:
        """By number of the accepted groups the path of the keeper, where it is not the one that was proposed."""
        return {
            self.groups[number].number: self.groups[number].members[decision.keeper].photo.path
            for number, decision in self._decisions.items()
            if decision.keeper and decision.status is ReviewStatus.ACCEPTED
        }

    def actions(self, action: Action = Action.TRASH) -> dict[bytes, Action | None]:
        """The action for each photo of the accepted groups: keep, none (None), or `action`."""
        return {
            path: what
            for number, decision in self._decisions.items()
            if decision.status is ReviewStatus.ACCEPTED
            for path, what in self._actions(number, decision, action).items()
        }

    def non_duplicate_pairs(self, number: int) -> set[DigestPair]:
        """The pairs of contents in a group that are marked as not duplicates."""
        decision = self.decision(number)
        if not decision.non_duplicates and decision.status is not ReviewStatus.REFUSED:
            return set()
        members = self.groups[number].members
        keeper = members[decision.keeper].photo.digest
        digests = {
            member.photo.digest
            for place, member in enumerate(members)
            if decision.mark(place) is Mark.NOT_DUPLICATE
        }
        return {(keeper, digest) for digest in digests if digest != keeper}

    def _own_reason(self, number: int, member: int) -> str:
        """What the user decided of a member, if that is not what was proposed; else empty."""
        mark, proposed = self.mark(number, member), proposal_for(self.groups[number]).mark(member)
        if mark in {proposed, Mark.NOT_DUPLICATE}:
            return ""
        if proposed is Mark.KEEPER:
            return "you chose another keeper"
        return "removed by your choice" if mark is Mark.DROP else "kept by your choice"

    def _with_reasons(self, number: int) -> Group:
        group = self.groups[number]
        members = (
            replace(each, reason=self._own_reason(number, i) or each.reason)
            for i, each in enumerate(group.members)
        )
        return replace(group, members=tuple(members)) if self.decision(number).keeper else group

    def _actions(self, number: int, decision: GroupDecision, action: Action) -> dict[bytes, Action | None]:
        what = {Mark.KEEPER: Action.KEEP, Mark.KEEP: Action.KEEP, Mark.DROP: action, Mark.NOT_DUPLICATE: None}
        members = self.groups[number].members
        return {member.photo.path: what[decision.mark(place)] for place, member in enumerate(members)}

    def _is_valid(self, number: int, decision: GroupDecision) -> bool:
        try:
            self._check(number, decision)
        except UsageError:
            return False
        return True

    def _check(self, number: int, decision: GroupDecision) -> None:
        """Raise `UsageError` for marks that a plan must not contain, such as a keeper not compared with what is removed."""
        members = self.groups[number].members
        for place in decision.members_to_remove(len(members)):
            path = members[place].photo.path
            if self._protected(path):
                raise UsageError(
                    f"{show_path(path)} is in a reference folder and must stay.", "Keep it too (space)."
                )
        if decision.keeper or decision.non_duplicates:
            marks = self._actions(number, decision, Action.TRASH)
            make_plan([self.groups[number]], _EMPTY_ORIGIN, marks=marks)

    def _replacement(self, number: int, decision: GroupDecision) -> int:
        """The kept member that takes the keeper's place."""
        hint = "Press the digit of another photo to keep that one instead."
        if not decision.kept:
            raise UsageError("One photo of each group must stay.", hint)
        for place in sorted(decision.kept):
            if not self._stay_reasons(number, place)[decision.keeper]:
                return place
        raise UsageError("No other kept photo has everything that this file contains.", hint)

    def _stay_reasons(self, number: int, keeper: int) -> dict[int, str]:
        members = self.groups[number].members
        return stay_reasons(members, keeper, self._asked, SidecarPlaces().problem)

    # -- storing ---------------------------------------------------------------------------------------------------

    def _mark(self, label: str, number: int, decision: GroupDecision) -> None:
        if decision.status is ReviewStatus.ACCEPTED:
            self._check(number, decision)
        self._decide(label, {number: decision})

    def _decide(
        self,
        label: str,
        changes: Mapping[int, GroupDecision],
        others: Mapping[str, EncodedDecision | None] | None = None,
    ) -> None:
        """Store and take a step; `others` are decisions about groups of another search, by key."""
        keys = {number: group_key(self.groups[number]) for number in changes}
        after = {
            keys[number]: encode_decision(self.groups[number], decision)
            for number, decision in changes.items()
        }
        with self._taking_news():
            self._steps.record(label, {**after, **(others or {})})
        self._numbers |= {key: number for number, key in keys.items()}
        self._set_decisions(changes)

    @contextmanager
    def _taking_news(self) -> Iterator[None]:
        """Take over what others decided, if a step is refused for that."""
        try:
            yield
        except StepOutdated:
            self.take(self._steps.news())
            raise

    def take(self, news: Marks) -> list[int]:
        """Take over what others decided; returns the groups. Own steps about them can no longer be undone."""
        if not news:
            return []
        self._steps.take(news)
        self._numbers = {group_key(group): number for number, group in enumerate(self.groups)}
        return self._apply_stored(news, notify=False)

    def _resume(self) -> None:
        """Decide what the stored steps lead to."""
        news = self._steps.news()
        if self._steps.has_any or news:
            self._numbers = {group_key(group): number for number, group in enumerate(self.groups)}
            self._apply_stored(self._steps.decisions, notify=False)
            self.take(news)

    def _apply_stored(self, after: Mapping[str, EncodedDecision | None], *, notify: bool = True) -> list[int]:
        """Set the decisions of the groups that exist from stored ones; returns those groups."""
        here = {self._numbers[key]: encoded for key, encoded in after.items() if key in self._numbers}
        self._set_decisions(
            {number: decode_decision(self.groups[number], encoded) for number, encoded in here.items()},
            notify=notify,
        )
        return list(here)

    def _set_decisions(self, decisions: Mapping[int, GroupDecision], *, notify: bool = True) -> None:
        """Set decisions, and save the pairs that are not duplicates."""
        added: set[DigestPair] = set()
        removed: set[DigestPair] = set()
        for number, decision in decisions.items():
            before = self.non_duplicate_pairs(number)
            self._set_decision(number, decision)
            now = self.non_duplicate_pairs(number)
            added |= now - before
            removed |= before - now
        if notify and (added or removed):
            self._save_pairs(added, removed)

    def _set_decision(self, number: int, decision: GroupDecision) -> None:
        before = self._group_totals(number)
        if decision == proposal_for(self.groups[number]):
            self._decisions.pop(number, None)
        else:
            self._decisions[number] = decision
        self._open[number] = decision.status is ReviewStatus.OPEN
        after = self._group_totals(number)
        self._totals = ReviewTotals(
            self._totals.decided - before.decided + after.decided,
            self._totals.files - before.files + after.files,
            self._totals.gain - before.gain + after.gain,
        )

    def _group_totals(self, number: int) -> ReviewTotals:
        """What one group adds to the totals."""
        decision = self.decision(number)
        if decision.status is not ReviewStatus.ACCEPTED:
            return ReviewTotals(decided=int(decision.status is ReviewStatus.REFUSED))
        return self._removed_by(number, decision)

    def _removed_by(self, number: int, decision: GroupDecision) -> ReviewTotals:
        members = self.groups[number].members
        gone = decision.members_to_remove(len(members))
        return ReviewTotals(1, len(gone), sum(members[place].photo.stamp.size for place in gone))


def _unmarked(decision: GroupDecision, member: int) -> GroupDecision:
    """The decision without the marks of one member, which is then removed."""
    status = ReviewStatus.OPEN if decision.status is ReviewStatus.REFUSED else decision.status
    return replace(
        decision,
        status=status,
        kept=decision.kept - {member},
        non_duplicates=decision.non_duplicates - {member},
    )
