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

``undo_record`` holds the fields of `vtsfind.base.operations.Trace` that are not empty; a later one replaces an earlier one.
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
from vtsfind.base.operations import ACTIVE_RUN_NAME, Action, Operation, State, UndoRecord
from vtsfind.store.atomic import fsync_folder, replace_file
from vtsfind.store.checksummed_log import LineFile, path_of, path_record, read_lines
from vtsfind.store.undo_records import undo_record_from_json, undo_record_to_json

KIND = "vtsfind-run"
VERSION = 1
SUFFIX = ".journal"

TRANSITIONS: dict[tuple[State, State], str] = {
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


class IllegalTransition(ValueError):
    """An operation was to make a move that its life does not have; nothing was written."""


@dataclass(slots=True)
class OperationRecord:
    """One operation and where it is in its life."""

    operation: Operation
    state: State = State.PLANNED
    undo_record: UndoRecord | None = None
    note: str = ""
    """What the last move said."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One move in an operation's life."""

    number: int
    """Of the operation."""
    state: State
    note: str = ""
    undo_record: UndoRecord | None = None


@dataclass(slots=True)
class RunRecord:
    """What the journal knows of one run."""

    run: str
    time: str = ""
    """When it began, as ISO 8601."""
    command: str = ""
    library: bytes = b""
    op_records: dict[int, OperationRecord] = field(default_factory=dict)
    damaged: int = 0
    """Lines that could not be read."""

    @property
    def counts(self) -> Counter[State]:
        """How many operations are in each state."""
        return Counter(op_record.state for op_record in self.op_records.values())

    def transition(self, transition: Transition) -> None:
        """Make one move.

        Raises
        ------
        IllegalTransition
            If the operation's life has no such move; nothing changes.
        """
        op_record = self.op_records.get(transition.number)
        if op_record is None or (op_record.state, transition.state) not in TRANSITIONS:
            now = "unknown" if op_record is None else op_record.state.value
            raise IllegalTransition(
                f"operation {transition.number} is {now} and cannot become {transition.state.value}"
            )
        op_record.state, op_record.note = transition.state, transition.note
        if transition.undo_record is not None:
            op_record.undo_record = transition.undo_record


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
        return sorted((name.removesuffix(SUFFIX) for name in names), key=_run_sort_key)

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
                _apply_record(record, line)
            except (IllegalTransition, KeyError, ValueError, TypeError):
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
        record = RunRecord(
            run, time, command, library, {one.number: OperationRecord(one) for one in operations}
        )
        self._mark_at_work(run)
        file = LineFile(self._path(run), KIND, VERSION)
        head = {"run": run, "time": time, "command": command, **path_record(library, "library")}
        file.append({**head, "vtsfind": version}, *map(_planned_record, operations))
        return OpenRun(self, record, file)

    def open(self, run: str) -> "OpenRun":
        """Go on with a run. The caller holds the lock."""
        record = self.read(run)
        self._mark_at_work(run)
        return OpenRun(self, record, LineFile(self._path(run), KIND, VERSION))

    def interrupted_run(self) -> str | None:
        """The run that was at work when its process ended; only for who holds the lock."""
        try:
            run = (self.folder / ACTIVE_RUN_NAME).read_text("utf-8").strip()
        except FileNotFoundError:
            return None
        return run if run in self.runs() else None

    def at_work(self) -> bool:
        """Whether a run is at work, or was killed: a quick look for who does not hold the lock."""
        return (self.folder / ACTIVE_RUN_NAME).exists()

    def clear_at_work(self) -> None:
        """Say that no run is at work any more. The caller holds the lock."""
        (self.folder / ACTIVE_RUN_NAME).unlink(missing_ok=True)
        fsync_folder(self.folder)

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
        return _LockGuard(lock)

    def _mark_at_work(self, run: str) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            replace_file(self.folder / ACTIVE_RUN_NAME, run.encode())
        except OSError as error:
            raise StorageError(
                f"The journal {self.folder} cannot be written: {error.strerror}.",
                "Make room, or change the permissions of the folder.",
            ) from error

    def _path(self, run: str) -> Path:
        return self.folder / f"{run}{SUFFIX}"


class JournalLocked(StorageError):
    """Another process is changing files."""


class _LockGuard(AbstractContextManager["_LockGuard"]):
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

    def transition(self, transitions: Iterable[Transition], *, durable: bool) -> None:
        """Write moves down; all of them, or none.

        Parameters
        ----------
        transitions
            At most one of each operation.
        durable
            Whether to wait until they would survive a power cut: before files are touched.

        Raises
        ------
        IllegalTransition
            If a life has no such move; nothing changes.
        DiskFull, StorageError
            If the journal cannot be written; nothing changes.
        """
        requested = list(transitions)
        for transition in requested:
            op_record = self.record.op_records.get(transition.number)
            if op_record is None or (op_record.state, transition.state) not in TRANSITIONS:
                self.record.transition(transition)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self._file.append(*(_transition_record(transition, now) for transition in requested), durable=durable)
        for transition in requested:
            self.record.transition(transition)

    def __exit__(self, *_: object) -> None:
        """End the run; one that left an operation between two states stays marked for who comes next."""
        settled = not any(
            op_record.state in {State.BEGUN, State.UNDOING} for op_record in self.record.op_records.values()
        )
        try:
            if settled:
                self._file.append()  # nothing more, but all that was added is on the disk then
                self._journal.clear_at_work()
        finally:
            self._file.close()


def _run_sort_key(run: str) -> tuple[str, int]:
    day, _, number = run.rpartition(".")
    return (day, int(number)) if number.isdecimal() else (run, 0)


def _planned_record(operation: Operation) -> dict[str, Any]:
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
    for name, path in (("target", operation.target), ("companion_of", operation.sidecar_of)):
        record |= {} if path is None else path_record(path, name)
    return record


def _transition_record(transition: Transition, now: str) -> dict[str, Any]:
    record: dict[str, Any] = {"op": transition.number, "state": transition.state.value, "time": now}
    if transition.note:
        record["note"] = transition.note.encode("utf-8", "backslashreplace").decode()
    if transition.undo_record is not None:
        record["trace"] = undo_record_to_json(transition.undo_record)
    return record


def _apply_record(record: RunRecord, line: Mapping[str, Any]) -> None:
    """Take one line of a run's file into what is known of it."""
    if "op" not in line:
        record.time, record.command = str(line["time"]), str(line["command"])
        record.library = path_of(line, "library") or b""
    elif line["state"] == State.PLANNED and line["op"] not in record.op_records:
        record.op_records[line["op"]] = OperationRecord(_operation(line))
    else:
        undo_record = undo_record_from_json(line["trace"]) if "trace" in line else None
        record.transition(Transition(line["op"], State(line["state"]), line.get("note", ""), undo_record))


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
    """The life of an operation as Markdown: a drawing and a table, both from `TRANSITIONS`."""
    return "\n".join(_diagram_lines())


def _diagram_lines() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {State.PLANNED}"
    yield from (f"    {before} --> {after}" for before, after in TRANSITIONS)
    left = {before for before, _ in TRANSITIONS}
    yield from (f"    {state} --> [*]" for state in State if state not in left)
    yield "```"
    yield ""
    yield "| From | To | When |"
    yield "| --- | --- | --- |"
    yield from (f"| {before} | {after} | {meaning} |" for (before, after), meaning in TRANSITIONS.items())
