"""The decisions about groups as they are stored: step by step, so that each can be undone and a review that ends in any way goes on.

Decisions belong to the files and contents of a group, not to its number: a group that is the same after another index keeps its
decision, one that has changed is undecided again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.review.decisions import Decisions
from vtsfind.engine.review.encoding import decode_decision, encode_decision, group_key, is_shot_key
from vtsfind.engine.review.overlaps import claims, going_by, is_burst
from vtsfind.engine.review.state import (
    DigestPair,
    EncodedDecision,
    GroupDecision,
    Marks,
    ReviewStatus,
    ReviewTotals,
    StepLog,
    StepOutdated,
    UnsavedSteps,
    is_proposal,
    non_duplicate_pairs,
)
from vtsfind.engine.review.steps import ReviewSteps


class RecordedDecisions(Decisions):
    """Decisions that are written down before they take effect.

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

    Every method that changes decisions raises `StorageError` if the step cannot be stored; then nothing has changed.
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
        self._steps = ReviewSteps(log or UnsavedSteps())
        super().__init__(protected, asked, self._steps.decisions.keys())
        self._save_pairs, self._revoked = save_pairs, revoked
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
        return any(not is_shot_key(key) for key in self._steps.decisions.keys() - self._numbers.keys())

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

    # -- storing ---------------------------------------------------------------------------------------------------

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
