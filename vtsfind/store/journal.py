r"""The journal of all changes to the user's files, kept for ever: a run can be finished after a kill and undone weeks later.

Format, version 1
-----------------
The journal is a folder with one file of `vtsfind.store.checksummed_log` for each run, of the kind ``vtsfind-run``, named
``RUN.journal``, where RUN is the day and a number, such as ``2026-05-04.1``. The first record describes the run::

    {"run": RUN, "time": TIME, "command": TEXT, "library": PATH, "vtsfind": VERSION}

Then one record for each operation, before any file is changed, with the non-empty fields of
`vtsfind.base.operations.Operation`; SHA-256 in hexadecimal, paths by `vtsfind.base.paths.exact_path_fields`::

    {"op": 1, "state": "planned", "group": 1, "action": "trash", "path": PATH, "size": 12, "sha256": HEX,
     "keeper": PATH, "keeper_size": 12, "keeper_sha256": HEX, "target": PATH, "companion_of": PATH}

Then one record for each state transition of an operation::

    {"op": 1, "state": "begun", "time": TIME, "note": TEXT, "trace": {...}}

``trace`` holds the non-empty fields of `vtsfind.base.operations.UndoRecord`; a later one replaces an earlier one.
``note`` gives the reason, for people. Must: a record ``begun`` or ``undoing`` is on the disk before the file is changed.
Should: the record of the result is; if it is missing, it is derived from the state of the files.

The file ``at-work`` in the folder holds the names of the runs that are active, or were killed and are not settled yet,
one per line. If it exists and no process holds the lock ``lock``, they were killed. A name in it that no run has means
that a run was killed before its first record, or that the file is damaged: then all runs are read to find out.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.base.operations import Action, Operation, State
from vtsfind.base.paths import exact_path_fields, path_from_fields
from vtsfind.base.settings import ACTIVE_RUN_NAME
from vtsfind.store.atomic import fsync_folder, make_private_folder, replace_file
from vtsfind.store.checksummed_log import (
    LineFile,
    named_storage_errors,
    read_lines,
    set_damage_aside,
)
from vtsfind.store.errors import system_error
from vtsfind.store.run_record import IllegalTransition, OperationRecord, RunRecord, Transition
from vtsfind.store.undo_records import undo_record_from_json, undo_record_to_json

KIND = "vtsfind-run"
VERSION = 1
SUFFIX = ".journal"


class Journal:
    """The journal in a folder.

    Parameters
    ----------
    folder
        It need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def runs(self) -> list[str]:
        """The names of all runs, the oldest first."""
        with named_storage_errors(self.folder, "read"):
            try:
                names = [entry.name for entry in os.scandir(self.folder) if entry.name.endswith(SUFFIX)]
            except FileNotFoundError:
                return []
        return sorted((name.removesuffix(SUFFIX) for name in names), key=_run_sort_key)

    def read(self, run: str) -> RunRecord:
        """Read the record of a run.

        Raises
        ------
        UsageError
            If there is no such run.
        StorageError
            If its file cannot be read.
        """
        if run not in self.runs():
            raise UsageError(f"There is no run '{run}'.", "`vtsfind history` lists all runs.")
        return self._read(run)[0]

    def _read(self, run: str) -> tuple[RunRecord, list[Mapping[str, Any]]]:
        """What is known of a run, and the lines that say it."""
        lines = read_lines(self._path(run), KIND, VERSION)
        record = RunRecord(run, damaged=len(lines.damaged))
        sound: list[Mapping[str, Any]] = []
        for line in lines.records:
            try:
                _apply_record(record, line)
                sound.append(line)
            except (IllegalTransition, KeyError, ValueError, TypeError, AttributeError, OverflowError):
                record.damaged += 1
        return record, sound

    def read_all(self) -> Iterator[RunRecord]:
        """Every run, the oldest first; one that cannot be read says why."""
        for run in self.runs():
            try:
                yield self.read(run)
            except StorageError as error:
                yield RunRecord(run, problem=str(error))

    def set_damage_aside(self, run: str) -> Path:
        """Leave the damaged lines of a run out, and keep a copy of its file, whose name is given. The caller holds the lock."""
        return set_damage_aside(self._path(run), KIND, VERSION, self._read(run)[1])

    def create(
        self, operations: Sequence[Operation], *, command: str, library: bytes, version: str
    ) -> "OpenRun":
        """Begin a run: record all its operations. The caller holds the lock."""
        now = datetime.now().astimezone()
        day, taken = f"{now:%Y-%m-%d}", set(self.runs())
        run = next(name for i in range(1, len(taken) + 2) if (name := f"{day}.{i}") not in taken)
        time = now.isoformat(timespec="seconds")
        record = RunRecord(
            run, time, command, library, {one.number: OperationRecord(one) for one in operations}
        )
        self.mark([*self.unfinished_runs(), run])
        file = LineFile(self._path(run), KIND, VERSION)
        head = {"run": run, "time": time, "command": command, **exact_path_fields(library, "library")}
        file.append({**head, "vtsfind": version}, *map(_planned_record, operations))
        return OpenRun(self, record, file)

    def open(self, run: str) -> "OpenRun":
        """Continue a run. The caller holds the lock."""
        record = self.read(run)
        self.mark([*self.unfinished_runs(), run])
        return OpenRun(self, record, LineFile(self._path(run), KIND, VERSION))

    def unfinished_runs(self) -> list[str]:
        """The runs that are at work, or were killed and not settled since, the oldest first.

        Raises
        ------
        StorageError
            If the journal cannot be read.
        """
        marked, runs = self._marked(), self.runs()
        if marked <= set(runs):
            return [run for run in runs if run in marked]
        return [run for run in runs if self._has_unfinished(run)]

    def _marked(self) -> set[str]:
        with named_storage_errors(self.folder / ACTIVE_RUN_NAME, "read"):
            try:
                content = read_bounded(self.folder / ACTIVE_RUN_NAME, MAX_SETTINGS_BYTES)
            except FileNotFoundError:
                return set()
        return set(content.decode("utf-8", "replace").split())

    def _has_unfinished(self, run: str) -> bool:
        """Whether an operation of a run is between two states, as far as the journal tells."""
        try:
            return not self.read(run).is_settled
        except StorageError:
            return True

    def at_work(self) -> bool:
        """Whether a run is active or was killed; a quick check that needs no lock."""
        return (self.folder / ACTIVE_RUN_NAME).exists()

    def mark(self, runs: Iterable[str]) -> None:
        """Record which runs are active or not settled, and no others. The caller holds the lock.

        Raises
        ------
        DiskFull, StorageError
            If that cannot be written.
        """
        names = sorted(set(runs), key=_run_sort_key)
        with named_storage_errors(self.folder / ACTIVE_RUN_NAME, "written"):
            if names:
                make_private_folder(self.folder)
                replace_file(self.folder / ACTIVE_RUN_NAME, "".join(f"{name}\n" for name in names).encode())
            else:
                (self.folder / ACTIVE_RUN_NAME).unlink(missing_ok=True)
                fsync_folder(self.folder)

    def lock(self) -> AbstractContextManager[object]:
        """Lock the journal, so that no other vtsfind changes files at the same time.

        Raises
        ------
        JournalLocked
            If another process holds the lock; without waiting.
        """
        try:
            make_private_folder(self.folder)
            lock = FileLock(self.folder / "lock")
            lock.acquire(timeout=0)
        except Timeout:
            raise JournalLocked(
                "Another vtsfind is changing files.", "Wait until it is done, or stop it."
            ) from None
        except OSError as error:
            raise system_error(error, self.folder, verb="written") from error
        return _LockGuard(lock)

    def _path(self, run: str) -> Path:
        return self.folder / f"{run}{SUFFIX}"


class JournalLocked(StorageError):
    """Another process is changing files."""


class _LockGuard(AbstractContextManager["_LockGuard"]):
    """A lock that is released at the end of the block."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class OpenRun(AbstractContextManager["OpenRun"]):
    """An active run, the only writer of its file."""

    def __init__(self, journal: Journal, record: RunRecord, file: LineFile) -> None:
        self.record = record
        self._journal = journal
        self._file = file

    def transition(self, transitions: Iterable[Transition], *, durable: bool) -> None:
        """Record state transitions, all of them or none.

        Parameters
        ----------
        transitions
            At most one for each operation.
        durable
            Whether to wait until they would survive a power cut; required before files are changed.

        Raises
        ------
        IllegalTransition
            If a transition does not exist; nothing changes.
        DiskFull, StorageError
            If the journal cannot be written; nothing changes.
        """
        requested = list(transitions)
        for transition in requested:
            self.record.of(transition)
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        self._file.append(*(_transition_record(transition, now) for transition in requested), durable=durable)
        for transition in requested:
            self.record.transition(transition)

    def __exit__(self, *_: object) -> None:
        """End the run. If it left an operation between two states, it stays marked as active for the next process."""
        try:
            if self.record.is_settled:
                self._file.append()  # adds nothing, but flushes all earlier records to the disk
                self._journal.mark(set(self._journal.unfinished_runs()) - {self.record.run})
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
        **exact_path_fields(operation.path),
        "size": operation.size,
        "sha256": operation.digest.hex(),
    }
    if operation.keeper is not None:
        record |= exact_path_fields(operation.keeper, "keeper")
        record |= {"keeper_size": operation.keeper_size, "keeper_sha256": operation.keeper_digest.hex()}
    for name, path in (("target", operation.target), ("companion_of", operation.sidecar_of)):
        record |= {} if path is None else exact_path_fields(path, name)
    return record


def _transition_record(transition: Transition, now: str) -> dict[str, Any]:
    record: dict[str, Any] = {"op": transition.number, "state": transition.state.value, "time": now}
    if transition.note:
        record["note"] = transition.note.encode("utf-8", "backslashreplace").decode()
    if transition.undo_record is not None:
        record["trace"] = undo_record_to_json(transition.undo_record)
    return record


def _apply_record(record: RunRecord, line: Mapping[str, Any]) -> None:
    """Apply one line of a run's file to its record."""
    if "op" not in line:
        record.time, record.command = str(line["time"]), str(line["command"])
        record.library = path_from_fields(line, "library") or b""
    elif line["state"] == State.PLANNED and line["op"] not in record.op_records:
        record.op_records[line["op"]] = OperationRecord(_operation(line))
    else:
        undo_record = undo_record_from_json(line["trace"]) if "trace" in line else None
        record.transition(
            Transition(line["op"], State(line["state"]), str(line.get("note", "")), undo_record)
        )


def _operation(line: Mapping[str, Any]) -> Operation:
    path = path_from_fields(line)
    if path is None:
        raise KeyError("path")
    return Operation(
        int(line["op"]),
        int(line["group"]),
        Action(line["action"]),
        path,
        int(line["size"]),
        bytes.fromhex(line["sha256"]),
        path_from_fields(line, "keeper"),
        int(line.get("keeper_size", 0)),
        bytes.fromhex(line.get("keeper_sha256", "")),
        path_from_fields(line, "target"),
        path_from_fields(line, "companion_of"),
    )
