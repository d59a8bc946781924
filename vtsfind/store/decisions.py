r"""What a person decided about pairs of photos, by content: it holds for ever, in every library and under every model.

The file is one of `vtsfind.store.checksummed_log`, of the kind ``vtsfind decisions``, version 1. A record is::

    {"what": "not-duplicate" | "keep-both" | "forget", "a": HEX, "b": HEX, "at": "2026-10-02T12:00:00Z"}

`a` and `b` are the SHA-256 of the two contents, the smaller one first; they are equal if the decision is about files of
one content. `at` is the time of the decision in UTC. The latest decision about a pair is the one in force, and of two with
the same time the one that stands later in the file; ``forget`` takes it back. A record with another `what` is passed over.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from vtsfind.base.progress import CancelToken
from vtsfind.store.checksummed_log import LineFile, read_lines
from vtsfind.store.partial_file import exclusive_lock

KIND: Final = "vtsfind decisions"
VERSION: Final = 1
NAME: Final = "decisions.lines"
"""Of the file, in the folder of the user's data."""
DIGEST_BYTES: Final = 32

Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""


class DecisionKind(StrEnum):
    """What a person said about a pair."""

    NOT_DUPLICATE = "not-duplicate"
    """They are different photos."""
    KEEP_BOTH = "keep-both"
    """They are copies, and both are wanted."""
    FORGET = "forget"
    """Whatever was said before counts no longer."""


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
    """A pair in the one order that it is kept in."""
    return (first, second) if first <= second else (second, first)


def as_record(decision: Decision) -> dict[str, str]:
    """A decision as it is written, and exported."""
    first, second = decision.first.hex(), decision.second.hex()
    return {"what": decision.choice.value, "a": first, "b": second, "at": decision.at}


def decision_of(record: Mapping[str, Any]) -> Decision | None:
    """Undo `as_record`; None for anything else."""
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


class Decisions:
    """All decisions that are in a file, and the way to add more.

    Looking one up costs a hash. Several processes may add at once; each sees what was in the file when it was opened,
    and its own.

    Parameters
    ----------
    path
        The file; it is made by the first decision.
    now
        Gives the time as it is written.

    Raises
    ------
    StorageError
        If the file cannot be read, is no file of decisions, or is of a later version.
    """

    def __init__(self, path: Path, *, now: Callable[[], str] = _now) -> None:
        self.path = path
        self._now = now
        self._latest: dict[Pair, Decision] = {}
        lines = read_lines(path, KIND, VERSION)
        self.damaged = lines.damaged
        """Numbers, from 1, of lines that are not as they were written."""
        for record in lines.records:
            decision = decision_of(record)
            if decision:
                self._set_if_later(decision)

    def _set_if_later(self, decision: Decision) -> None:
        known = self._latest.get(decision.pair)
        if known is None or decision.at >= known.at:
            self._latest[decision.pair] = decision

    def choice(self, first: bytes, second: bytes) -> DecisionKind | None:
        """What is in force about two contents (or two files of one content); None if nothing is."""
        known = self._latest.get(ordered_pair(first, second))
        return None if known is None or known.choice is DecisionKind.FORGET else known.choice

    def is_excluded(self, first: bytes, second: bytes) -> bool:
        """Whether a person said that this pair must not be proposed: it is none, or both are wanted."""
        return self.choice(first, second) is not None

    def __iter__(self) -> Iterator[Decision]:
        """The decisions in force, sorted by time, then by content."""
        live = [each for each in self._latest.values() if each.choice is not DecisionKind.FORGET]
        return iter(sorted(live, key=lambda each: (each.at, each.pair)))

    def __len__(self) -> int:
        return sum(each.choice is not DecisionKind.FORGET for each in self._latest.values())

    def add(self, choice: DecisionKind, pairs: Iterable[Pair]) -> int:
        """Decide about pairs of contents; what is in force already is not written again.

        Returns
        -------
        The number of pairs about which something changed.

        Raises
        ------
        DiskFull, StorageError
            If the file cannot be written: nothing is decided then.
        ValueError
            If a content is not named by 32 bytes.
        """
        at = self._now()
        fresh: dict[Pair, Decision] = {}
        for first, second in pairs:
            if len(first) != DIGEST_BYTES or len(second) != DIGEST_BYTES:
                raise ValueError("a content is named by the 32 bytes of its SHA-256")
            pair = ordered_pair(first, second)
            if self.choice(*pair) is not (None if choice is DecisionKind.FORGET else choice):
                known = self._latest.get(pair)
                # A clock that was set back must not make the later decision the older one.
                fresh[pair] = Decision(choice, *pair, max(at, known.at) if known else at)
        self._write(list(fresh.values()))
        return len(fresh)

    def merge(self, decisions: Iterable[Decision]) -> int:
        """Take over decisions made elsewhere; about one pair the later decision counts, and the own one at equal times.

        Returns
        -------
        The number of pairs about which something changed; 0 when the same are merged again.

        Raises
        ------
        DiskFull, StorageError
            If the file cannot be written: nothing is taken over then.
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
        if not decisions:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive_lock(self.path, CancelToken()), LineFile(self.path, KIND, VERSION) as file:
            file.append(*map(as_record, decisions))
        for each in decisions:
            self._set_if_later(each)
