r"""What was done to the user's files, kept for ever, so that it can be finished after a kill and undone weeks later.

Format, version 1
-----------------
The journal is a folder with one file of `vtsfind.store.checksummed_log` for each run, of the kind ``vtsfind-run``, named
``RUN.journal``, where RUN is the day and a number, such as ``2026-05-04.1``. The first record says what the run is::

    {"run": RUN, "time": TIME, "command": TEXT, "library": PATH, "vtsfind": VERSION}

Then one record for each operation, before any file is touched, with the fields of `vtsfind.base.operations.Operation`
that are not empty; SHA-256 in hexadecimal, paths by `vtsfind.store.checksummed_log.path_record`::

    {"op": 1, "state": "planned", "group": 1, "action": "trash", "path": PATH, "size": 12, "sha256": HEX,
     "keeper": PATH, "keeper_size": 12, "keeper_sha256": HEX, "target": PATH, "companion_of": PATH}

Then one record for each move of an operation's life::

    {"op": 1, "state": "begun", "time": TIME, "note": TEXT, "trace": {...}}

``trace`` holds the fields of `vtsfind.base.operations.Trace` that are not empty; a later one replaces an earlier one.
``note`` says why, for people. Must: a record ``begun`` or ``undoing`` is on the disk before the file is touched. Should:
the record of what came of it is; if it is not, the file system tells.

While a run is at work, the file ``at-work`` in the folder holds its name; if it is there and no one holds the lock
``lock``, the run was killed.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.operations import AT_WORK, Action, Operation, State, Trace
from vtsfind.store.atomic import flush_folder, replace_file
from vtsfind.store.checksummed_log import LineFile, path_of, path_record, read_lines
from vtsfind.store.undo_records import trace_of, trace_record

KIND = "vtsfind-run"
VERSION = 1
SUFFIX = ".journal"

LIFE: dict[tuple[State, State], str] = {
    (State.PLANNED, State.BEGUN): "its file and its keeper are as planned, and the journal says what comes",
    (State.PLANNED, State.SKIPPED): "there is doubt about a file of its group",
    (State.BEGUN, State.DONE): "the file is where it should go",
    (State.BEGUN, State.PLANNED): "it was stopped, and everything is as it was",
    (State.BEGUN, State.FAILED): "the system refused, and everything is as it was",
    (State.DONE, State.UNDOING): "the journal says what comes back",
    (State.UNDOING, State.UNDONE): "the file is back",
    (State.UNDOING, State.DONE): "it could not come back, or not yet",
}
"""Every move of an operation's life, and what it says. There are no others."""


class IllegalMove(ValueError):
    """An operation was to make a move that its life does not have; nothing was written."""


@dataclass(slots=True)
class Life:
    """One operation and where it is in its life."""

    operation: Operation
    state: State = State.PLANNED
    trace: Trace | None = None
    note: str = ""
    """What the last move said."""


@dataclass(frozen=True, slots=True)
class Move:
    """One move in an operation's life."""

    number: int
    """Of the operation."""
    state: State
    note: str = ""
    trace: Trace | None = None


@dataclass(slots=True)
class RunRecord:
    """What the journal knows of one run."""

    run: str
    time: str = ""
    """When it began, as ISO 8601."""
    command: str = ""
    library: bytes = b""
    lives: dict[int, Life] = field(default_factory=dict)
    damaged: int = 0
    """Lines that could not be read."""

    @property
    def counts(self) -> Counter[State]:
        """How many operations are in each state."""
        return Counter(life.state for life in self.lives.values())

    def move(self, move: Move) -> None:
        """Make one move.

        Raises
        ------
        IllegalMove
            If the operation's life has no such move; nothing changes.
        """
        life = self.lives.get(move.number)
        if life is None or (life.state, move.state) not in LIFE:
            now = "unknown" if life is None else life.state.value
            raise IllegalMove(f"operation {move.number} is {now} and cannot become {move.state.value}")
        life.state, life.note = move.state, move.note
        if move.trace is not None:
            life.trace = move.trace


class Journal:
    """The journal in a folder.

    Parameters
    ----------
    folder
        Need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self) -> list[str]:
        """The names of all runs, the oldest first."""
        try:
            names = [entry.name for entry in os.scandir(self.folder) if entry.name.endswith(SUFFIX)]
        except FileNotFoundError:
            return []
        return sorted((name.removesuffix(SUFFIX) for name in names), key=_order)

    def read(self, run: str) -> RunRecord:
        """Read what is known of a run.

        Raises
        ------
        UsageError
            If there is no such run.
        StorageError
            If its file cannot be read.
        """
        if run not in self.runs():
            raise UsageError(f"There is no run '{run}'.", "`vtsfind history` lists them.")
        lines = read_lines(self._path(run), KIND, VERSION)
        record = RunRecord(run, damaged=len(lines.damaged))
        for line in lines.records:
            try:
                _take(record, line)
            except (IllegalMove, KeyError, ValueError, TypeError):
                record.damaged += 1
        return record

    def create(
        self, operations: Sequence[Operation], *, command: str, library: bytes, version: str
    ) -> "OpenRun":
        """Begin a run: write down everything that it will do. The caller holds the lock."""
        now = datetime.now().astimezone()
        day, taken = f"{now:%Y-%m-%d}", set(self.runs())
        run = next(name for i in range(1, len(taken) + 2) if (name := f"{day}.{i}") not in taken)
        time = now.isoformat(timespec="seconds")
        record = RunRecord(run, time, command, library, {one.number: Life(one) for one in operations})
        self._mark(run)
        file = LineFile(self._path(run), KIND, VERSION)
        head = {"run": run, "time": time, "command": command, **path_record(library, "library")}
        file.append({**head, "vtsfind": version}, *map(_planned, operations))
        return OpenRun(self, record, file)

    def open(self, run: str) -> "OpenRun":
        """Go on with a run. The caller holds the lock."""
        record = self.read(run)
        self._mark(run)
        return OpenRun(self, record, LineFile(self._path(run), KIND, VERSION))

    def killed(self) -> str | None:
        """The run that was at work when its process ended; only for who holds the lock."""
        try:
            run = (self.folder / AT_WORK).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return run if run in self.runs() else None

    def at_work(self) -> bool:
        """Whether a run is at work, or was killed: a quick look for who does not hold the lock."""
        return (self.folder / AT_WORK).exists()

    def rest(self) -> None:
        """Say that no run is at work any more. The caller holds the lock."""
        (self.folder / AT_WORK).unlink(missing_ok=True)
        flush_folder(self.folder)

    def lock(self) -> AbstractContextManager[object]:
        """Keep every other vtsfind from changing files meanwhile.

        Raises
        ------
        JournalLocked
            If one does; at once, without waiting.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / "lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise JournalLocked(
                "Another vtsfind is changing files at this moment.", "Wait until that is done, or stop it."
            ) from None
        except OSError as error:
            raise StorageError(
                f"The journal {self.folder} cannot be written: {error.strerror}.",
                "Make room, or change the permissions of the folder.",
            ) from error
        return _Held(lock)

    def _mark(self, run: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / AT_WORK, run.encode())
        except OSError as error:
            raise StorageError(
                f"The journal {self.folder} cannot be written: {error.strerror}.",
                "Make room, or change the permissions of the folder.",
            ) from error

    def _path(self, run: str) -> Path:
        return self.folder / f"{run}{SUFFIX}"


class JournalLocked(StorageError):
    """Another process is changing files."""


class _Held(AbstractContextManager["_Held"]):
    """A lock that is given back at the end of the block."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class OpenRun(AbstractContextManager["OpenRun"]):
    """A run at work: the only one who writes to its file."""

    def __init__(self, journal: Journal, record: RunRecord, file: LineFile) -> None:
        self.record = record
        self._journal = journal
        self._file = file

    def move(self, moves: Iterable[Move], *, durable: bool) -> None:
        """Write moves down; all of them, or none.

        Parameters
        ----------
        moves
            At most one of each operation.
        durable
            Whether to wait until they would survive a power cut: before files are touched.

        Raises
        ------
        IllegalMove
            If a life has no such move; nothing changes.
        DiskFull, StorageError
            If the journal cannot be written; nothing changes.
        """
        made = list(moves)
        for move in made:
            life = self.record.lives.get(move.number)
            if life is None or (life.state, move.state) not in LIFE:
                self.record.move(move)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self._file.append(*(_moved(move, now) for move in made), durable=durable)
        for move in made:
            self.record.move(move)

    def __exit__(self, *_: object) -> None:
        """End the run; one that left an operation between two states stays marked for who comes next."""
        settled = not any(life.state in {State.BEGUN, State.UNDOING} for life in self.record.lives.values())
        try:
            if settled:
                self._file.append()  # nothing more, but all that was added is on the disk then
                self._journal.rest()
        finally:
            self._file.close()


def _order(run: str) -> tuple[str, int]:
    day, _, number = run.rpartition(".")
    return (day, int(number)) if number.isdecimal() else (run, 0)


def _planned(operation: Operation) -> dict[str, Any]:
    record: dict[str, Any] = {
        "op": operation.number,
        "state": State.PLANNED.value,
        "group": operation.group,
        "action": operation.action.value,
        **path_record(operation.path),
        "size": operation.size,
        "sha256": operation.digest.hex(),
    }
    if operation.keeper is not None:
        record |= path_record(operation.keeper, "keeper")
        record |= {"keeper_size": operation.keeper_size, "keeper_sha256": operation.keeper_digest.hex()}
    for name, path in (("target", operation.target), ("companion_of", operation.companion_of)):
        record |= {} if path is None else path_record(path, name)
    return record


def _moved(move: Move, now: str) -> dict[str, Any]:
    record: dict[str, Any] = {"op": move.number, "state": move.state.value, "time": now}
    if move.note:
        record["note"] = move.note.encode("utf-8", "backslashreplace").decode()
    if move.trace is not None:
        record["trace"] = trace_record(move.trace)
    return record


def _take(record: RunRecord, line: Mapping[str, Any]) -> None:
    """Take one line of a run's file into what is known of it."""
    if "op" not in line:
        record.time, record.command = str(line["time"]), str(line["command"])
        record.library = path_of(line, "library") or b""
    elif line["state"] == State.PLANNED and line["op"] not in record.lives:
        record.lives[line["op"]] = Life(_operation(line))
    else:
        trace = trace_of(line["trace"]) if "trace" in line else None
        record.move(Move(line["op"], State(line["state"]), line.get("note", ""), trace))


def _operation(line: Mapping[str, Any]) -> Operation:
    path = path_of(line)
    if path is None:
        raise KeyError("path")
    return Operation(
        int(line["op"]),
        int(line["group"]),
        Action(line["action"]),
        path,
        int(line["size"]),
        bytes.fromhex(line["sha256"]),
        path_of(line, "keeper"),
        int(line.get("keeper_size", 0)),
        bytes.fromhex(line.get("keeper_sha256", "")),
        path_of(line, "target"),
        path_of(line, "companion_of"),
    )


def diagram() -> str:
    """The life of an operation as Markdown: a drawing and a table, both from `LIFE`."""
    return "\n".join(_drawn())


def _drawn() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {State.PLANNED}"
    yield from (f"    {before} --> {after}" for before, after in LIFE)
    left = {before for before, _ in LIFE}
    yield from (f"    {state} --> [*]" for state in State if state not in left)
    yield "```"
    yield ""
    yield "| From | To | When |"
    yield "| --- | --- | --- |"
    yield from (f"| {before} | {after} | {said} |" for (before, after), said in LIFE.items())
