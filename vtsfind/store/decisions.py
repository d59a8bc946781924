r"""A person's decisions about pairs of photos, by content: valid for ever, in every library and for every model.

The file is one of `vtsfind.store.checksummed_log`, of the kind ``vtsfind decisions``, version 1. A record is::

    {"what": "not-duplicate" | "keep-both" | "forget", "a": HEX, "b": HEX, "at": "2026-10-02T12:00:00Z"}

`a` and `b` are the SHA-256 of the two contents, the smaller one first; they are equal if the decision is about files of
one content. `at` is the time of the decision in UTC. The latest decision about a pair is the one in force; at equal times, the
one later in the file. ``forget`` revokes a decision. Records with another `what` are ignored.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from vtsfind.base.errors import StorageError
from vtsfind.base.progress import CancelToken
from vtsfind.store.atomic import make_private_folder
from vtsfind.store.checksummed_log import LineFile, read_lines, set_damage_aside
from vtsfind.store.partial_file import exclusive_lock

KIND: Final = "vtsfind decisions"
VERSION: Final = 1
NAME: Final = "decisions.lines"
"""Of the file, in the folder of the user's data."""
DIGEST_BYTES: Final = 32

Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""


class DecisionKind(StrEnum):
    """A person's decision about a pair."""

    NOT_DUPLICATE = "not-duplicate"
    """They are different photos."""
    KEEP_BOTH = "keep-both"
    """They are copies, and both are kept."""
    FORGET = "forget"
    """The earlier decision is revoked."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision about one pair."""

    choice: DecisionKind
    first: bytes
    """SHA-256 of a content, 32 bytes; not larger than `second`."""
    second: bytes
    at: str
    """When, in UTC, `YYYY-MM-DDTHH:MM:SSZ`."""

    @property
    def pair(self) -> Pair:
        """The two contents."""
        return self.first, self.second


def ordered_pair(first: bytes, second: bytes) -> Pair:
    """A pair in the order in which it is stored: the smaller digest first."""
    return (first, second) if first <= second else (second, first)


def as_record(decision: Decision) -> dict[str, str]:
    """Encode a decision for the file, and for an export."""
    first, second = decision.first.hex(), decision.second.hex()
    return {"what": decision.choice.value, "a": first, "b": second, "at": decision.at}


def decision_of(record: Mapping[str, Any]) -> Decision | None:
    """Decode what `as_record` encoded; None for anything else."""
    try:
        first, second = bytes.fromhex(record["a"]), bytes.fromhex(record["b"])
        at = datetime.strptime(record["at"], _TIME).replace(tzinfo=UTC)
        choice = DecisionKind(record["what"])
    except (KeyError, TypeError, ValueError):
        return None
    if len(first) != DIGEST_BYTES or len(second) != DIGEST_BYTES:
        return None
    return Decision(choice, *ordered_pair(first, second), at.strftime(_TIME))


_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


def _now() -> str:
    return datetime.now(UTC).strftime(_TIME)


class KnownDecisions:
    """All decisions that are known; a subclass stores further ones. A look-up is a dictionary access.

    Parameters
    ----------
    now
        Returns the current time in the format of `Decision.at`.
    """

    damaged: tuple[int, ...] = ()
    """Numbers, from 1, of lines with a wrong checksum: what they decided is not known."""

    def __init__(self, now: Callable[[], str] = _now) -> None:
        self._now = now
        self._latest: dict[Pair, Decision] = {}

    def require_intact(self) -> None:
        """Make sure that every decision is known."""

    def set_damage_aside(self) -> Path:
        """Leave out what is damaged, and keep a copy of it; only where `damaged` says that something is."""
        raise NotImplementedError

    def _store(self, decisions: list[Decision]) -> None:
        """Store decisions."""
        raise NotImplementedError

    def _set_if_later(self, decision: Decision) -> None:
        known = self._latest.get(decision.pair)
        if known is None or decision.at >= known.at:
            self._latest[decision.pair] = decision

    def choice(self, first: bytes, second: bytes) -> DecisionKind | None:
        """The decision in force about two contents (or two files of one content); None if there is none."""
        known = self._latest.get(ordered_pair(first, second))
        return None if known is None or known.choice is DecisionKind.FORGET else known.choice

    def is_excluded(self, first: bytes, second: bytes) -> bool:
        """Whether a person decided that this pair is not to be proposed: no duplicates, or both are kept."""
        return self.choice(first, second) is not None

    def is_revoked(self, first: bytes, second: bytes) -> bool:
        """Whether a person decided about this pair, and took that back."""
        known = self._latest.get(ordered_pair(first, second))
        return known is not None and known.choice is DecisionKind.FORGET

    def __iter__(self) -> Iterator[Decision]:
        """The decisions in force, sorted by time, then by content."""
        live = [each for each in self._latest.values() if each.choice is not DecisionKind.FORGET]
        return iter(sorted(live, key=lambda each: (each.at, each.pair)))

    def __len__(self) -> int:
        return sum(each.choice is not DecisionKind.FORGET for each in self._latest.values())

    def add(self, choice: DecisionKind, pairs: Iterable[Pair]) -> int:
        """Record a decision about pairs of contents; decisions that are in force already are not written again.

        Returns
        -------
        The number of pairs whose decision changed.

        Raises
        ------
        DiskFull, StorageError
            If the file cannot be written, or is damaged; then nothing changes.
        ValueError
            If a digest is not 32 bytes long.
        """
        at = self._now()
        fresh: dict[Pair, Decision] = {}
        for first, second in pairs:
            if len(first) != DIGEST_BYTES or len(second) != DIGEST_BYTES:
                raise ValueError("a content is identified by the 32 bytes of its SHA-256")
            pair = ordered_pair(first, second)
            if self.choice(*pair) is not (None if choice is DecisionKind.FORGET else choice):
                known = self._latest.get(pair)
                # The new decision must win even if the clock was set back.
                fresh[pair] = Decision(choice, *pair, max(at, known.at) if known else at)
        self._write(list(fresh.values()))
        return len(fresh)

    def merge(self, decisions: Iterable[Decision]) -> int:
        """Merge decisions made elsewhere: for each pair the later decision wins, and the existing one at equal times.

        Returns
        -------
        The number of pairs whose decision changed; 0 when the same decisions are merged again.

        Raises
        ------
        DiskFull, StorageError
            If the file cannot be written, or is damaged; then nothing changes.
        """
        fresh: dict[Pair, Decision] = {}
        for each in decisions:
            known = fresh.get(each.pair) or self._latest.get(each.pair)
            if known is None or each.at > known.at:
                fresh[each.pair] = each
        changed = sum(
            self.choice(*pair) is not (None if each.choice is DecisionKind.FORGET else each.choice)
            for pair, each in fresh.items()
        )
        self._write(list(fresh.values()))
        return changed

    def _write(self, decisions: list[Decision]) -> None:
        if decisions:
            self._store(decisions)
            for each in decisions:
                self._set_if_later(each)


class Decisions(KnownDecisions):
    """All decisions in a file; further ones can be added.

    Several processes may add decisions at the same time; each sees those that were in the file when it opened it, and its own.

    Parameters
    ----------
    path
        The file; the first decision creates it.
    now
        Returns the current time in the format of `Decision.at`.

    Raises
    ------
    StorageError
        If the file cannot be read, is not a file of decisions, or has a later version.
    """

    def __init__(self, path: Path, *, now: Callable[[], str] = _now) -> None:
        super().__init__(now)
        self.path = path
        lines = read_lines(path, KIND, VERSION)
        last = (len(lines.records) + len(lines.damaged) + 2,) if lines.has_broken_end else ()
        self.damaged = (*lines.damaged, *last)
        for record in lines.records:
            decision = decision_of(record)
            if decision:
                self._set_if_later(decision)

    def require_intact(self) -> None:
        """Make sure that every decision is known.

        Raises
        ------
        StorageError
            If a line is damaged.
        """
        if self.damaged:
            raise StorageError(
                f"The file of your decisions, {self.path}, is damaged in line {', '.join(map(str, self.damaged))}:"
                " photos that you wanted to keep could be proposed to go.",
                "Look at those that can be read with `vtsfind decisions list`, then go on without the others with"
                " `vtsfind doctor --repair`.",
            )

    def set_damage_aside(self) -> Path:
        """Leave the damaged lines out of the file, and keep a copy of it as it was, whose name is given.

        Raises
        ------
        DiskFull, StorageError
            If that cannot be written.
        """
        with exclusive_lock(self.path, CancelToken()):
            records = read_lines(self.path, KIND, VERSION).records
            return set_damage_aside(self.path, KIND, VERSION, records)

    def _store(self, decisions: list[Decision]) -> None:
        self.require_intact()
        make_private_folder(self.path.parent)
        with exclusive_lock(self.path, CancelToken()), LineFile(self.path, KIND, VERSION) as file:
            file.append(*map(as_record, decisions))
