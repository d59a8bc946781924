"""The decisions about groups of duplicates: marks, the chosen keeper, and undo.

Every step is written to a `StepLog` before it takes effect, so a review that ends in any way can be resumed. Decisions
belong to the files and contents of a group, not to its number: a group that is the same after another index keeps its
decision, one that has changed is undecided again. A file may be in two groups, see `vtsfind.engine.review.overlaps`: what is decided of it
in one shows in the other, and no decision is taken by which a file goes for one that goes itself.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.review.decisions import Decisions
from vtsfind.engine.review.encoding import decode_decision, encode_decision, group_key
from vtsfind.engine.review.overlaps import claims, going_by, is_burst
from vtsfind.engine.review.state import (
    SETTLED,
    DigestPair,
    EncodedDecision,
    GroupDecision,
    Mark,
    Marks,
    ReviewStatus,
    ReviewTotals,
    StepLog,
    StepOutdated,
    UnsavedSteps,
    is_proposal,
    non_duplicate_pairs,
    proposal_for,
    shared,
)
from vtsfind.engine.review.steps import ReviewSteps


class Review(Decisions):
    """The decisions about some groups.

    Parameters
    ----------
    groups
        The groups under review; they are not changed.
    log
        Where steps are stored; the steps in it are replayed.
    save_pairs
        Called with the pairs of contents that a step declares not to be duplicates, and those it no longer does.
    revoked
        Which of some pairs were declared so, and that was taken back since, outside of the review: their groups are undecided.
    protected
        Whether the photo of a path must not be removed; None if none is such.
    asked
        Verdicts that the user named, see `vtsfind.act.removal.stay_reason`.
    bursts
        The indices of the groups that are bursts, if they are known; all groups are asked otherwise.

    Every method that decides raises `StorageError` if the step cannot be stored; then nothing has changed.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        log: StepLog | None = None,
        save_pairs: Callable[[set[DigestPair], set[DigestPair]], None] = lambda _added, _removed: None,
        protected: Callable[[bytes], bool] | None = None,
        *,
        revoked: Callable[[set[DigestPair]], set[DigestPair]] = lambda _pairs: set(),
        asked: Collection[Verdict] = (),
        bursts: Iterable[int] | None = None,
    ) -> None:
        super().__init__(protected, asked)
        self._save_pairs, self._revoked = save_pairs, revoked
        self._steps = ReviewSteps(log or UnsavedSteps())
        self._numbers: dict[str, int] = {}
        """Of the groups that steps speak of, by key."""
        self._totals = ReviewTotals()
        self._open = np.ones(0, bool)
        news = self._steps.news()
        self._steps.take(news)
        self.add(groups, bursts)

    def add(self, groups: Sequence[Group], bursts: Iterable[int] | None = None) -> None:
        """Review further groups, too; they may be bursts of photos that are there already."""
        first = len(self.groups)
        self.groups = [*self.groups, *groups] if first else groups
        self._open = np.append(self._open, np.ones(len(groups), bool))
        if bursts is None:
            bursts = (number for number, group in enumerate(groups, first) if is_burst(group))
        self._overlaps.add(self.groups, bursts)
        if self._steps.has_any:
            keys = {group_key(group): number for number, group in enumerate(groups, first)}
            self._numbers |= keys
            self._reopen_revoked(keys.keys() & self._steps.decisions.keys())
            known = self._steps.decisions
            self._apply_stored({key: known[key] for key in keys.keys() & known.keys()}, notify=False)

    def _reopen_revoked(self, keys: Collection[str]) -> None:
        """Reset the groups with pairs whose decision was taken back since; it is a step, as others may be undone after it."""
        pairs = {}
        for key in keys:
            group, encoded = self.groups[self._numbers[key]], self._steps.decisions[key]
            own = non_duplicate_pairs(group, decode_decision(group, encoded))
            if own:
                pairs[key] = own
        revoked = self._revoked(set().union(*pairs.values())) if pairs else set()
        reopened = {key: None for key, own in pairs.items() if own & revoked}
        if reopened:
            with suppress(StepOutdated), self._taking_news():
                self._steps.record("reset", reopened)

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def has_other_decisions(self) -> bool:
        """Whether there are decisions about groups that are not among these."""
        return not self._steps.decisions.keys() <= self._numbers.keys()

    @property
    def totals(self) -> ReviewTotals:
        """The progress of the review."""
        return self._totals

    def count_decided(self, numbers: npt.NDArray[np.int64]) -> int:
        """How many of some groups are decided."""
        return int(len(numbers) - self._open[numbers].sum())

    def undecided(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of some groups that are not decided, in the same order; int64."""
        return numbers[self._open[numbers]]

    def next_open(self, order: Sequence[int] | npt.NDArray[np.int64], after: int) -> int | None:
        """The index in `order` of the first undecided group after index `after`, else of the first one at all."""
        places = np.flatnonzero(self._open[np.asarray(order, np.int64)])
        if not len(places):
            return None
        behind = int(np.searchsorted(places, after, "right"))
        return int(places[behind % len(places)])

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

        Raises
        ------
        UsageError
            If it goes in another group.
        """
        other = self.goes_in(number, member)
        if other:
            raise self._goes_elsewhere(number, member, other[0])
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
        decision = _unmarked(self.decision(number), {member})
        copies = {each for each, _ in self._copies_of(number, member)}
        kept = {
            place
            for place, each in enumerate(self.groups[number].members)
            if each.verdict is Verdict.EDIT
            or copies & {other for other, _ in self._copies_of(number, place)}
            or self._stays_beside_best(number, place)
        }
        kept -= decision.non_duplicates | {member}
        changed = replace(decision, keeper=member, kept=frozenset(kept), status=ReviewStatus.OPEN)
        if replace(changed, status=self.decision(number).status) == self.decision(number):
            raise UsageError("Nothing else of this burst goes.", "Space marks the selected photo.")
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

    def non_duplicate_pairs(self, number: int) -> set[DigestPair]:
        """The pairs of contents in a group that are marked as not duplicates."""
        decision = self._decisions.get(number)
        return non_duplicate_pairs(self.groups[number], decision) if decision else set()

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
        *,
        notify: bool = True,
    ) -> None:
        """Store and take a step; `others` are decisions about groups of another search, by key."""
        keys = [group_key(self.groups[number]) for number in changes]
        after = {
            key: encode_decision(self.groups[number], decision)
            for key, (number, decision) in zip(keys, changes.items(), strict=True)
        }
        with self._taking_news():
            self._steps.record(label, {**after, **(others or {})})
        self._numbers |= zip(keys, changes, strict=True)
        self._set_decisions(changes, notify=notify)

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
        touched = self._overlaps.with_overlapping(decisions)
        totals, pairs = self._sum(touched), self._non_duplicates(touched)
        for number, decision in decisions.items():
            if is_proposal(self.groups[number], decision):
                self._decisions.pop(number, None)
            else:
                self._decisions[number] = decision
            self._open[number] = decision.status is ReviewStatus.OPEN
        self._totals += self._sum(touched) - totals
        now = self._non_duplicates(touched)
        if notify and now != pairs:
            self._save_pairs(now - pairs, pairs - now)

    def _non_duplicates(self, numbers: set[int]) -> set[DigestPair]:
        """The pairs of contents in some groups that are marked as not duplicates."""
        marked = ((number, self._decisions[number]) for number in self._decisions.keys() & numbers)
        return {
            pair
            for number, decision in marked
            if decision.non_duplicates or decision.status is ReviewStatus.REFUSED  # few of very many are
            for pair in non_duplicate_pairs(self.groups[number], decision)
        }

    def _sum(self, numbers: set[int]) -> ReviewTotals:
        """What groups add to the totals; with each go all that have files in common with it."""
        decided, sizes, overlapping = 0, [], []
        for number in self._decisions.keys() & numbers:
            decision = self._decisions[number]
            if decision.status is ReviewStatus.OPEN:
                continue
            decided += 1
            if self._overlaps.has(number):
                overlapping.append(number)
            else:
                members = self.groups[number].members
                sizes += [members[each].photo.stamp.size for each in decision.members_to_remove(len(members))]
        claimed = claims(overlapping, self.groups, self._decisions)
        sizes += [
            self.groups[number].members[place].photo.stamp.size
            for path, ((number, place), *_) in claimed.items()
            if going_by(path, claimed, self.groups, self._decisions)
        ]
        return ReviewTotals(decided, len(sizes), sum(sizes))


def _unmarked(decision: GroupDecision, members: Collection[int]) -> GroupDecision:
    """The decision without the marks of some members, which are then removed."""
    status = ReviewStatus.OPEN if decision.status is ReviewStatus.REFUSED else decision.status
    return replace(
        decision,
        status=status,
        kept=decision.kept - set(members),
        non_duplicates=decision.non_duplicates - set(members),
    )
