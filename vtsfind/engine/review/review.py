"""What a person decides about groups of duplicates: marks, the chosen keeper, and the way back from each of them.

The state knows nothing of screens. Every step is written to a `StepLog` before it counts, so a review that ends in any
way goes on where it stood. Decisions belong to a group's files and contents, not to its number: a group that looks the
same after another index keeps its decision, one that has changed is open again.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import numpy.typing as npt

from vtsfind.act.plan import Origin, make_plan
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group
from vtsfind.base.operations import Action
from vtsfind.base.records import show_path
from vtsfind.engine.review.state import PROPOSAL, Choice, Mark, Standing, Step, StepLog, Tally, Unsaved, Words

Pair = tuple[bytes, bytes]
"""The contents (SHA-256) of two photos."""


_ACCEPTED = Choice(Standing.ACCEPTED)
_NOWHERE = Origin("", "", "", b"")


@dataclass(frozen=True, slots=True)
class _Done:
    """A step that can be taken back."""

    label: str
    before: dict[str, Words | None] = field(hash=False)


def key_of(group: Group) -> str:
    """What a group's decision is kept under: a hash of its paths and contents, the same in any order."""
    digest = hashlib.blake2b(digest_size=10)
    for member in sorted(group.members, key=lambda member: member.photo.path):
        digest.update(len(member.photo.path).to_bytes(4, "little") + member.photo.path + member.photo.digest)
    return digest.hexdigest()


class Review:
    """The decisions about some groups.

    Parameters
    ----------
    groups
        What is reviewed; they stay as they are.
    log
        Where steps are kept. Those in it are taken up again.
    remember
        Told the pairs of contents that a step makes strangers, and those that it no longer does.
    protected
        Tells of a path whether its photo must stay.

    Every method that decides raises `StorageError` if the step cannot be kept; then nothing has changed.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        log: StepLog | None = None,
        remember: Callable[[set[Pair], set[Pair]], None] = lambda _added, _removed: None,
        protected: Callable[[bytes], bool] = lambda _path: False,
    ) -> None:
        self.groups = groups
        self._remember = remember
        self._protected = protected
        self._log: StepLog = log or Unsaved()
        self._choices: dict[int, Choice] = {}
        self._stored: dict[str, Words] = {}
        self._done: list[_Done] = []
        self._numbers: dict[str, int] = {}  # of the groups that the steps speak of
        self._tally = Tally()
        self._open = np.ones(len(groups), bool)
        self._resume()

    # -- what is ---------------------------------------------------------------------------------------------------

    def choice(self, number: int) -> Choice:
        """The decision about a group; `number` is its place in `groups`."""
        return self._choices.get(number, PROPOSAL)

    def mark(self, number: int, member: int) -> Mark:
        """What becomes of a member."""
        return self.choice(number).mark(member)

    @property
    def tally(self) -> Tally:
        """How far the review is."""
        return self._tally

    @property
    def can_undo(self) -> str:
        """What `undo` would take back, in words; empty for nothing."""
        return self._done[-1].label if self._done else ""

    def next_open(self, order: Sequence[int] | npt.NDArray[np.int64], after: int) -> int | None:
        """The place in `order` of the first open group behind the place `after`, else of the first one at all."""
        places = np.flatnonzero(self._open[np.asarray(order, np.int64)])
        if not len(places):
            return None
        behind = int(np.searchsorted(places, after, "right"))
        return int(places[behind % len(places)])

    def reason(self, number: int, member: int) -> str:
        """Why a member is kept or goes, in words."""
        group, choice = self.groups[number], self.choice(number)
        if choice.keeper == 0 or member not in {0, choice.keeper}:
            return group.members[member].reason
        return "chosen by hand" if member == choice.keeper else "the policy's choice, overruled by hand"

    # -- deciding --------------------------------------------------------------------------------------------------

    def accept(self, number: int) -> None:
        """Let the marks of a group hold.

        Raises
        ------
        UsageError
            If no plan may have them: what goes was compared with nothing that stays.
        """
        choice = replace(self.choice(number), standing=Standing.ACCEPTED)
        self._check(number, choice)
        self._decide("accept", {number: choice})

    def accept_all(self, numbers: Iterable[int], label: str = "accept") -> int:
        """Let the marks of many groups hold, as one step; gives how many were open, and have marks that a plan may have."""
        changes = {
            number: _ACCEPTED if choice is PROPOSAL else replace(choice, standing=Standing.ACCEPTED)
            for number in numbers
            if (choice := self.choice(number)).standing is Standing.OPEN and self._is_sound(number, choice)
        }
        if changes:
            self._decide(label, changes)
        return len(changes)

    def toggle(self, number: int, member: int) -> None:
        """Let a member go that stays, or stay that goes.

        Raises
        ------
        UsageError
            If it is the keeper and no other member stays that could take its place.
        """
        choice = self.choice(number)
        match choice.mark(member):
            case Mark.DROP:
                changed = replace(choice, kept=choice.kept | {member})
            case Mark.KEEPER if choice.kept:
                heir = min(choice.kept)
                changed = replace(choice, keeper=heir, kept=choice.kept - {heir})
            case Mark.KEEPER:
                raise UsageError(
                    "One photo of a group stays.",
                    "Choose another keeper with its digit, or keep another one, first.",
                )
            case _:
                changed = _without(choice, member)
        self._mark("mark", number, changed)

    def choose(self, number: int, member: int) -> None:
        """Make a member the keeper. The one before goes, unless it was marked otherwise."""
        choice = self.choice(number)
        self._mark("keeper", number, replace(_without(choice, member), keeper=member))

    def refuse(self, number: int, member: int | None = None) -> None:
        """Say that a member is no duplicate of the keeper; for the keeper, or None, that no member is one."""
        group, choice = self.groups[number], self.choice(number)
        if member is None or member == choice.keeper or len(group.members) == 2:
            changed = replace(choice, standing=Standing.REFUSED)
        else:
            strangers = choice.strangers | {member}
            every = len(strangers) == len(group.members) - 1
            standing = Standing.REFUSED if every else choice.standing
            changed = replace(choice, standing=standing, strangers=strangers, kept=choice.kept - {member})
        self._mark("not a duplicate", number, changed)

    def reopen(self, number: int) -> None:
        """Take every decision about a group away."""
        self._decide("reopen", {number: PROPOSAL})

    def undo(self) -> tuple[str, list[int]]:
        """Take the latest step back that still stands; gives its label and the groups that it had changed.

        Raises
        ------
        UsageError
            If there is none.
        """
        if not self._done:
            raise UsageError("There is nothing to undo.")
        done = self._done[-1]
        self._log.append(Step(done.label, {}, undoes=True))
        self._done.pop()
        self._know(done.before)
        return done.label, self._take(done.before)

    # -- what follows ----------------------------------------------------------------------------------------------

    def accepted(self) -> list[Group]:
        """The accepted groups that give something up, whole, with a person's reasons where they differ from the policy's."""
        return [
            self._reasoned(number)
            for number in sorted(self._choices)
            if self._share(number).files and self.choice(number).standing is Standing.ACCEPTED
        ]

    def actions(self, action: Action = Action.TRASH) -> dict[bytes, Action | None]:
        """What becomes of each photo of the accepted groups: kept, left alone (None), or `action`."""
        return {
            path: what
            for number, choice in self._choices.items()
            if choice.standing is Standing.ACCEPTED
            for path, what in self._actions(number, choice, action).items()
        }

    def strangers_of(self, number: int) -> set[Pair]:
        """The pairs of contents in a group that are no duplicates of each other."""
        choice = self.choice(number)
        if not choice.strangers and choice.standing is not Standing.REFUSED:
            return set()
        members = self.groups[number].members
        keeper = members[choice.keeper].photo.digest
        digests = {
            member.photo.digest for place, member in enumerate(members) if choice.mark(place) is Mark.STRANGER
        }
        return {(keeper, digest) for digest in digests if digest != keeper}

    def _reasoned(self, number: int) -> Group:
        group, choice = self.groups[number], self.choice(number)
        if choice.keeper == 0:
            return group
        members = (replace(each, reason=self.reason(number, i)) for i, each in enumerate(group.members))
        return replace(group, members=tuple(members))

    def _actions(self, number: int, choice: Choice, action: Action) -> dict[bytes, Action | None]:
        what = {Mark.KEEPER: Action.KEEP, Mark.KEEP: Action.KEEP, Mark.DROP: action, Mark.STRANGER: None}
        members = self.groups[number].members
        return {member.photo.path: what[choice.mark(place)] for place, member in enumerate(members)}

    def _is_sound(self, number: int, choice: Choice) -> bool:
        try:
            self._check(number, choice)
        except UsageError:
            return False
        return True

    def _check(self, number: int, choice: Choice) -> None:
        """Raise `UsageError` for marks that no plan may have, such as a keeper that does not show what goes."""
        if choice is PROPOSAL:
            return
        members = self.groups[number].members
        for place in choice.dropped(len(members)):
            path = members[place].photo.path
            if self._protected(path):
                raise UsageError(
                    f"{show_path(path)} lies in a reference folder and stays.", "Keep it, too (space)."
                )
        if choice.keeper or choice.strangers:
            marks = self._actions(number, choice, Action.TRASH)
            make_plan([self.groups[number]], _NOWHERE, marks=marks)

    # -- keeping ---------------------------------------------------------------------------------------------------

    def _mark(self, label: str, number: int, choice: Choice) -> None:
        if choice.standing is Standing.ACCEPTED:
            self._check(number, choice)
        self._decide(label, {number: choice})

    def _decide(self, label: str, changes: Mapping[int, Choice]) -> None:
        keys = {number: key_of(self.groups[number]) for number in changes}
        after = {keys[number]: self._words(number, choice) for number, choice in changes.items()}
        self._log.append(Step(label, after))
        self._done.append(_Done(label, {key: self._stored.get(key) for key in after}))
        self._know(after)
        self._numbers |= {key: number for number, key in keys.items()}
        self._make(changes)

    def _resume(self) -> None:
        """Take up the steps in the log."""
        for step in self._log.steps():
            if not step.undoes:
                self._done.append(_Done(step.label, {key: self._stored.get(key) for key in step.after}))
                self._know(step.after)
            elif self._done:
                self._know(self._done.pop().before)
        if not self._stored and not self._done:
            return
        self._numbers = {key_of(group): number for number, group in enumerate(self.groups)}
        self._take(dict(self._stored), told=False)

    def _know(self, after: Mapping[str, Words | None]) -> None:
        for key, words in after.items():
            if words is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = words

    def _take(self, after: Mapping[str, Words | None], *, told: bool = True) -> list[int]:
        """Bring the groups in line with what is stored; gives those that are here."""
        here = {self._numbers[key]: words for key, words in after.items() if key in self._numbers}
        self._make({number: self._choice(number, words) for number, words in here.items()}, told=told)
        return list(here)

    def _make(self, choices: Mapping[int, Choice], *, told: bool = True) -> None:
        """Set choices, and tell who remembers strangers."""
        added: set[Pair] = set()
        removed: set[Pair] = set()
        for number, choice in choices.items():
            before = self.strangers_of(number)
            self._set(number, choice)
            now = self.strangers_of(number)
            added |= now - before
            removed |= before - now
        if told and (added or removed):
            self._remember(added, removed)

    def _set(self, number: int, choice: Choice) -> None:
        before = self._share(number)
        if choice == PROPOSAL:
            self._choices.pop(number, None)
        else:
            self._choices[number] = choice
        self._open[number] = choice.standing is Standing.OPEN
        after = self._share(number)
        self._tally = Tally(
            self._tally.decided - before.decided + after.decided,
            self._tally.files - before.files + after.files,
            self._tally.gain - before.gain + after.gain,
        )

    def _share(self, number: int) -> Tally:
        """What one group adds to the tally."""
        choice = self.choice(number)
        if choice.standing is not Standing.ACCEPTED:
            return Tally(decided=int(choice.standing is Standing.REFUSED))
        group = self.groups[number]
        members = group.members
        if choice == _ACCEPTED:
            return Tally(1, len(members) - 1, group.gain)
        gone = choice.dropped(len(members))
        return Tally(1, len(gone), sum(members[place].photo.stamp.size for place in gone))

    def _words(self, number: int, choice: Choice) -> Words | None:
        if choice == PROPOSAL:
            return None
        if choice == _ACCEPTED:
            paths = [member.photo.path for member in self.groups[number].members]
            return _accepted_words(sum(path < paths[0] for path in paths))
        place = {member: rank for rank, member in enumerate(self._by_path(number))}
        kept, strangers = (
            tuple(sorted(place[member] for member in chosen)) for chosen in (choice.kept, choice.strangers)
        )
        return choice.standing.value, place[choice.keeper], kept, strangers

    def _choice(self, number: int, words: Words | None) -> Choice:
        if words is None:
            return PROPOSAL
        standing, keeper, kept, strangers = words
        members = self._by_path(number)
        if members[keeper] == 0 and standing == Standing.ACCEPTED and not (kept or strangers):
            return _ACCEPTED
        return Choice(
            Standing(standing),
            members[keeper],
            frozenset(members[rank] for rank in kept),
            frozenset(members[rank] for rank in strangers),
        )

    def _by_path(self, number: int) -> list[int]:
        """The members of a group in the order of their paths."""
        members = self.groups[number].members
        return sorted(range(len(members)), key=lambda member: members[member].photo.path)


@cache
def _accepted_words(keeper: int) -> Words:
    """An accepted proposal as it is stored: one value for the many groups that have it."""
    return Standing.ACCEPTED.value, keeper, (), ()


def _without(choice: Choice, member: int) -> Choice:
    """A choice that says nothing of a member, and so lets it go."""
    standing = Standing.OPEN if choice.standing is Standing.REFUSED else choice.standing
    return replace(
        choice, standing=standing, kept=choice.kept - {member}, strangers=choice.strangers - {member}
    )
