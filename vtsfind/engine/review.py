"""What a person decides about groups of duplicates: marks, the chosen keeper, and the way back from each of them.

The state knows nothing of screens. Every step is written to a `StepLog` before it counts, so a review that ends in any
way goes on where it stood. Decisions belong to a group's files and contents, not to its number: a group that looks the
same after another index keeps its decision, one that has changed is open again.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Evidence, Group, Member, Verdict


class Standing(StrEnum):
    """Where the decision about a group stands."""

    OPEN = "open"
    """Nobody has decided; the policy's proposal is shown."""
    ACCEPTED = "accepted"
    """The marks hold: what is marked to go is part of the plan."""
    REFUSED = "refused"
    """These are no duplicates."""


class Mark(StrEnum):
    """What becomes of one photo of a group."""

    KEEPER = "keeper"
    """It is kept, and the others of the group are judged against it."""
    KEEP = "keep"
    """It is kept, too."""
    DROP = "drop"
    """It goes."""
    STRANGER = "stranger"
    """It is no duplicate of the keeper, and stays."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The decision about one group; members are named by their place in `Group.members`."""

    standing: Standing = Standing.OPEN
    keeper: int = 0
    kept: frozenset[int] = frozenset()
    """Members that stay beside the keeper."""
    strangers: frozenset[int] = frozenset()
    """Members that are no duplicates of the keeper."""

    def mark(self, member: int) -> Mark:
        """What becomes of a member."""
        if member == self.keeper:
            return Mark.KEEPER
        if member in self.strangers or self.standing is Standing.REFUSED:
            return Mark.STRANGER
        return Mark.KEEP if member in self.kept else Mark.DROP

    def dropped(self, size: int) -> list[int]:
        """The members that go, of a group with `size` of them."""
        return [member for member in range(size) if self.mark(member) is Mark.DROP]


PROPOSAL = Choice()
"""What the policy proposes: the first member stays, the others go. The state of a group that nobody touched."""

Words = tuple[str, int, tuple[int, ...], tuple[int, ...]]
"""A choice as it is stored: standing, keeper, kept, strangers; members by their place in the order of paths."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a person, as it is stored: what it was, and the choices of the groups after it, by key."""

    label: str
    after: Mapping[str, Words | None]
    """None where the proposal stands again."""
    undoes: bool = False
    """Whether this takes the latest step back that still stands."""


class StepLog(Protocol):
    """Where steps are kept."""

    def steps(self) -> Iterable[Step]:
        """All steps so far, oldest first."""

    def append(self, step: Step) -> None:
        """Keep one more; it lasts when this returns."""


class Unsaved:
    """A `StepLog` that keeps nothing beyond the process."""

    def steps(self) -> Iterable[Step]:
        """None."""
        return ()

    def append(self, step: Step) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How far a review is."""

    decided: int = 0
    """Groups that were accepted or refused."""
    files: int = 0
    """Files that accepted groups give up."""
    gain: int = 0
    """Bytes of those files."""


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

    Every method that decides raises `StorageError` if the step cannot be kept; then nothing has changed.
    """

    def __init__(self, groups: Sequence[Group], log: StepLog | None = None) -> None:
        self.groups = groups
        self._log: StepLog = log or Unsaved()
        self._choices: dict[int, Choice] = {}
        self._stored: dict[str, Words] = {}
        self._done: list[_Done] = []
        self._numbers: dict[str, int] = {}  # of the groups that the steps speak of
        self._tally = Tally()
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

    def next_open(self, order: Sequence[int], after: int) -> int | None:
        """The place in `order` of the first open group behind the place `after`, else of the first one at all."""
        for start, end in ((after + 1, len(order)), (0, min(after + 1, len(order)))):
            for place in range(start, end):
                if self.choice(int(order[place])).standing is Standing.OPEN:
                    return place
        return None

    def reason(self, number: int, member: int) -> str:
        """Why a member is kept or goes, in words."""
        group, choice = self.groups[number], self.choice(number)
        if choice.keeper == 0 or member not in {0, choice.keeper}:
            return group.members[member].reason
        return "chosen by hand" if member == choice.keeper else "the policy's choice, overruled by hand"

    # -- deciding --------------------------------------------------------------------------------------------------

    def accept(self, number: int) -> None:
        """Let the marks of a group hold."""
        self._decide("accept", {number: replace(self.choice(number), standing=Standing.ACCEPTED)})

    def accept_all(self, numbers: Iterable[int], label: str = "accept") -> int:
        """Let the marks of many groups hold, as one step; gives how many were open."""
        changes = {
            number: replace(choice, standing=Standing.ACCEPTED)
            for number in numbers
            if (choice := self.choice(number)).standing is Standing.OPEN
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
        self._decide("mark", {number: changed})

    def choose(self, number: int, member: int) -> None:
        """Make a member the keeper. The one before goes, unless it was marked otherwise."""
        choice = self.choice(number)
        self._decide("keeper", {number: replace(_without(choice, member), keeper=member)})

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
        self._decide("not a duplicate", {number: changed})

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

    def accepted(self) -> Iterator[Group]:
        """The accepted groups that give something up, each with the chosen keeper and only what goes.

        A photo that goes for another keeper than the policy's carries the weaker of both verdicts, and no evidence of
        its own: the two were not compared with each other.
        """
        for number in sorted(self._choices):
            choice = self._choices[number]
            if choice.standing is Standing.ACCEPTED:
                group = self._decided(number, choice)
                if len(group.members) > 1:
                    yield group

    def strangers(self) -> Iterator[tuple[bytes, bytes]]:
        """The pairs of contents (SHA-256) that are no duplicates of each other."""
        for number in sorted(self._choices):
            yield from self.strangers_of(number)

    def strangers_of(self, number: int) -> list[tuple[bytes, bytes]]:
        """Those of one group."""
        group, choice = self.groups[number], self.choice(number)
        keeper = group.members[choice.keeper].photo.digest
        digests = [
            member.photo.digest
            for place, member in enumerate(group.members)
            if choice.mark(place) is Mark.STRANGER
        ]
        return [(keeper, digest) for digest in digests if digest != keeper]

    def _decided(self, number: int, choice: Choice) -> Group:
        group = self.groups[number]
        keeper = group.members[choice.keeper]
        kept = Member(keeper.photo, None, Evidence(), self.reason(number, choice.keeper))
        gone = [self._judged(number, choice, place) for place in choice.dropped(len(group.members))]
        gone.sort(key=lambda member: (member.verdict or Verdict.BYTES).rank)
        return Group(group.number, (kept, *gone), tied=group.tied and choice.keeper == 0)

    def _judged(self, number: int, choice: Choice, place: int) -> Member:
        """A member that goes, as it stands to the chosen keeper."""
        members = self.groups[number].members
        member = members[place]
        if choice.keeper == 0:
            return member
        verdicts = [each.verdict for each in (member, members[choice.keeper]) if each.verdict]
        weakest = max(verdicts, key=lambda verdict: verdict.rank)
        evidence = (
            members[choice.keeper].evidence if place == 0 else Evidence(note="compared through another photo")
        )
        return replace(member, verdict=weakest, evidence=evidence, reason=self.reason(number, place))

    # -- keeping ---------------------------------------------------------------------------------------------------

    def _decide(self, label: str, changes: Mapping[int, Choice]) -> None:
        keys = {number: key_of(self.groups[number]) for number in changes}
        after = {keys[number]: self._words(number, choice) for number, choice in changes.items()}
        self._log.append(Step(label, after))
        self._done.append(_Done(label, {key: self._stored.get(key) for key in after}))
        self._know(after)
        for number, choice in changes.items():
            self._numbers[keys[number]] = number
            self._set(number, choice)

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
        self._take(dict(self._stored))

    def _know(self, after: Mapping[str, Words | None]) -> None:
        for key, words in after.items():
            if words is None:
                self._stored.pop(key, None)
            else:
                self._stored[key] = words

    def _take(self, after: Mapping[str, Words | None]) -> list[int]:
        """Bring the groups in line with what is stored; gives those that are here."""
        numbers = []
        for key, words in after.items():
            if key in self._numbers:
                number = self._numbers[key]
                self._set(number, self._choice(number, words))
                numbers.append(number)
        return numbers

    def _set(self, number: int, choice: Choice) -> None:
        before = self._share(number)
        if choice == PROPOSAL:
            self._choices.pop(number, None)
        else:
            self._choices[number] = choice
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
        members = self.groups[number].members
        gone = choice.dropped(len(members))
        return Tally(1, len(gone), sum(members[place].photo.stamp.size for place in gone))

    def _words(self, number: int, choice: Choice) -> Words | None:
        if choice == PROPOSAL:
            return None
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


def _without(choice: Choice, member: int) -> Choice:
    """A choice that says nothing of a member, and so lets it go."""
    standing = Standing.OPEN if choice.standing is Standing.REFUSED else choice.standing
    return replace(
        choice, standing=standing, kept=choice.kept - {member}, strangers=choice.strangers - {member}
    )
