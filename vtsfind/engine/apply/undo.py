"""Bringing back what a run took away, wholly or in parts, and the history of all runs."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import Enum

from vtsfind.act.actions import ActionRefused, Actions, NotRestorable, NotRestorableYet
from vtsfind.base.addresses import Place
from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.operations import Action, Operation, State
from vtsfind.base.paths import is_below, show_path
from vtsfind.base.progress import Monitor, Phase
from vtsfind.engine.apply.apply import BATCH
from vtsfind.engine.apply.recovery import finish_or_roll_back, recover_locked, user_journal
from vtsfind.engine.library.decisions import forget_beside, keep_beside
from vtsfind.store.journal import Journal, OpenRun
from vtsfind.store.run_record import OperationRecord, RunRecord, Transition

PROPOSED_AGAIN = "Photos of this run that had been restored alone are proposed again."
"""Said where `release_restored` took something back."""


class RestoreOutcome(Enum):
    """What came of bringing a file back."""

    RESTORED = "back"
    PENDING = "pending"
    """Its drive is not there: the same command brings it back later."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """What came of bringing one file back."""

    operation: Operation
    outcome: RestoreOutcome
    note: str = ""


@dataclass(slots=True)
class UndoResult:
    """What came of undoing a run."""

    run: str
    steps: list[RestoreResult] = field(default_factory=list)
    interrupted: bool = False
    damaged: int = 0
    """Lines of the run's journal that could not be read: files that they name did not come back."""
    began: str = ""
    """When the run began, in ISO 8601."""
    before: list[Operation] = field(default_factory=list)
    """What had come back alone, if all of the run was to come back now."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that did not come back."""
        return not (self.damaged or self.of(RestoreOutcome.FAILED) or self.of(RestoreOutcome.PENDING))

    def of(self, outcome: RestoreOutcome) -> list[RestoreResult]:
        """The files that it came to that with."""
        return [step for step in self.steps if step.outcome is outcome]


def history() -> list[RunRecord]:
    """Every run, the oldest first; one whose file cannot be read says why (`RunRecord.problem`).

    Raises
    ------
    StorageError
        If the journal's folder cannot be read.
    """
    return [
        record
        for record in user_journal().read_all()
        if record.op_records or record.damaged or record.problem
    ]


def read_run(run: str) -> RunRecord:
    """One run.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    return user_journal().read(run)


def undo(
    run: str | None = None,
    *,
    paths: Collection[bytes] = (),
    dry_run: bool = False,
    monitor: Monitor | None = None,
    on_step: Callable[[RestoreResult], None] = lambda _: None,
) -> UndoResult:
    """Bring back what a run took away.

    Parameters
    ----------
    run
        The run; None for the latest that has anything to bring back.
    paths
        Bring back only these files, with what travelled with them, and what was in these folders; none for all. A bare name is that of
        a file in this folder, or of the only one of the run.
    dry_run
        Look, and touch nothing.
    monitor
        If it stops the work, the current file is completed, and the rest stays as it is.
    on_step
        Is told each step.

    Raises
    ------
    UsageError
        If there is no such run, or nothing to bring back in it.
    JournalLocked
        If another vtsfind changes files at this moment.
    StorageError
        If the journal cannot be written.
    """
    journal = user_journal()
    work = _UndoExecution(journal, monitor or Monitor(), on_step)
    if dry_run:
        record = journal.read(_latest(journal) if run is None else run)
        return work.preview(record, _chosen(record, paths))
    with journal.lock():
        recover_locked(journal)
        name = _latest(journal) if run is None else run
        with journal.open(name) as opened:
            actions = Actions(name)
            finish_or_roll_back(opened, actions)
            before = [] if paths else _in_state(opened.record, State.UNDONE)
            result = work.execute(opened, actions, _chosen(opened.record, paths))
            result.before = [each.operation for each in before]
            return result


def keep_restored(result: UndoResult, library: Place) -> list[bytes]:
    """Decide that photos which a person chose to bring back stay, beside those that were kept in their place; gives the photos."""
    back = (step.operation for step in result.of(RestoreOutcome.RESTORED))
    photos = [each for each in back if each.keeper and each.sidecar_of is None]
    keep_beside([(photo.keeper_digest, photo.digest) for photo in photos], library)
    return [photo.path for photo in photos]


def release_restored(result: UndoResult, library: Place) -> bool:
    """Take back that photos stay which came back alone, once the rest of their run is back, too; gives whether there are any.

    They are proposed again as before the run. What was decided of them before it stands.
    """
    back = result.of(RestoreOutcome.RESTORED)
    pairs = [
        (each.keeper_digest, each.digest) for each in result.before if each.keeper and not each.sidecar_of
    ]
    if not (pairs and back and result.is_complete) or result.interrupted:
        return False
    return bool(forget_beside(pairs, result.began, library))


def _latest(journal: Journal) -> str:
    first = ""
    for record in reversed(list(journal.read_all())):
        restorable = [each for each in record.op_records.values() if _is_restorable(each)]
        if any(map(Actions(record.run).may_restore, restorable)):
            return record.run
        first = first or (record.run if restorable else "")
        if record.problem or (record.damaged and not record.op_records):
            raise StorageError(
                f"The journal of the latest run, {record.run}, cannot be read."
                f" {record.problem or 'It is damaged.'}",
                "Name another run: vtsfind undo RUN. `vtsfind history` lists them.",
            )
    if first:  # its files are gone, as after the trash was emptied: undoing it says so
        return first
    raise UsageError("There is nothing to undo.", "`vtsfind history` tells what was done.")


def _is_restorable(op_record: OperationRecord) -> bool:
    for_good = op_record.operation.action is Action.DELETE and not op_record.operation.same_content
    return op_record.state in {State.DONE, State.UNDOING} and not for_good


def _in_state(record: RunRecord, state: State) -> list[OperationRecord]:
    return [op_record for op_record in record.op_records.values() if op_record.state is state]


def _chosen(record: RunRecord, paths: Collection[bytes]) -> list[OperationRecord]:
    """The operations to undo, the last first."""
    paths = [_known_path(record, path) for path in paths]
    op_records = _in_state(record, State.DONE)
    if paths:
        for path in paths:
            if not any(_matches_path(op_record.operation, path) for op_record in record.op_records.values()):
                raise UsageError(
                    f"Run {record.run} did nothing to {show_path(path)}.",
                    f"`vtsfind history {record.run}` lists its files.",
                )
        op_records = [
            op_record
            for op_record in op_records
            if any(_matches_path(op_record.operation, path) for path in paths)
        ]
    return op_records[::-1]


def _known_path(record: RunRecord, path: bytes) -> bytes:
    """The absolute path; of a bare name that the run did nothing to in this folder, that of its only file of the name."""
    absolute, operations = os.path.abspath(path), [each.operation for each in record.op_records.values()]
    of_name = [each.path for each in operations if os.path.basename(each.path) == path]
    is_clear = len(of_name) == 1 and not any(_matches_path(each, absolute) for each in operations)
    return of_name[0] if is_clear else absolute


def _matches_path(operation: Operation, path: bytes) -> bool:
    return is_below(operation.path, path) or operation.sidecar_of == path


class _UndoExecution:
    """One undoing."""

    def __init__(self, journal: Journal, monitor: Monitor, on_step: Callable[[RestoreResult], None]) -> None:
        self._journal = journal
        self._progress = monitor.progress
        self._cancel = monitor.cancel
        self._on_step = on_step
        self._steps: list[RestoreResult] = []

    def _record(self, op_record: OperationRecord, outcome: RestoreOutcome, note: str = "") -> None:
        step = RestoreResult(op_record.operation, outcome, note)
        self._steps.append(step)
        self._progress.advance(note=show_path(op_record.operation.path))
        self._on_step(step)

    def _begin_restore(
        self, op_record: OperationRecord, actions: Actions, taken: set[bytes]
    ) -> Transition | None:
        """The move that begins a return; None if there is no way back, which is settled then.

        `taken` are the paths to which other files of the batch return, to which this one's is added.
        """
        try:
            back = actions.restore_path(op_record, taken)
        except NotRestorableYet as reason:
            self._record(op_record, RestoreOutcome.PENDING, str(reason))
        except NotRestorable as reason:
            self._record(op_record, RestoreOutcome.FAILED, f"{reason}{self._other_run_with(op_record)}")
        else:
            taken.update([back] if back else [])
            undo_record = replace(op_record.undo_record, back=back) if op_record.undo_record else None
            return Transition(op_record.operation.number, State.UNDOING, undo_record=undo_record)
        return None

    def _other_run_with(self, op_record: OperationRecord) -> str:
        """Which other run took a file of the same content away, to be undone first; empty if there is none."""
        for record in self._journal.read_all():
            for other in record.op_records.values():
                place = other.undo_record.place if other.undo_record else None
                same = other.operation.digest == op_record.operation.digest and other.state is State.DONE
                if (
                    same
                    and other.operation.path != op_record.operation.path
                    and place
                    and os.path.lexists(place)
                ):
                    return f"; undo run {record.run} first, which removed one"
        return ""

    def preview(self, record: RunRecord, op_records: list[OperationRecord]) -> UndoResult:
        """Look, and touch nothing."""
        self._progress.start(Phase.UNDO, len(op_records))
        actions = Actions(record.run)
        taken: set[bytes] = set()
        for op_record in op_records:
            transition = self._begin_restore(op_record, actions, taken)
            if transition is not None:
                self._record(
                    op_record, RestoreOutcome.RESTORED, _other_path_note(op_record.operation, transition)
                )
        self._report_lost(record)
        return UndoResult(record.run, self._steps, damaged=record.damaged)

    def execute(self, run: OpenRun, actions: Actions, op_records: list[OperationRecord]) -> UndoResult:
        """Do it."""
        self._progress.start(Phase.UNDO, len(op_records))
        for first in range(0, len(op_records), BATCH):
            batch = op_records[first : first + BATCH]
            taken: set[bytes] = set()
            transitions = [
                (op_record, transition)
                for op_record in batch
                if (transition := self._begin_restore(op_record, actions, taken))
            ]
            run.transition((transition for _, transition in transitions), durable=True)
            for op_record, _ in transitions:
                self._restore(op_record, run, actions)
            if self._cancel.cancelled:
                break
        self._report_lost(run.record)
        record = run.record
        return UndoResult(record.run, self._steps, self._cancel.cancelled, record.damaged, record.time)

    def _report_lost(self, record: RunRecord) -> None:
        """Name the files that are gone, of which damaged lines of the journal do not say any more what became of them."""
        for op_record in record.op_records.values() if record.damaged else ():
            unknown = op_record.state in {State.PLANNED, State.BEGUN} or op_record.undo_record is None
            if unknown and not os.path.lexists(op_record.operation.path):
                note = "the journal's line about it is damaged; look for it in the trash"
                self._record(op_record, RestoreOutcome.FAILED, note)

    def _restore(self, op_record: OperationRecord, run: OpenRun, actions: Actions) -> None:
        number = op_record.operation.number
        if self._cancel.cancelled:
            run.transition([Transition(number, State.DONE, "stopped")], durable=False)
            return
        try:
            note = actions.restore(op_record)
        except ActionRefused as refused:
            run.transition([Transition(number, State.DONE, str(refused))], durable=False)
            self._record(op_record, RestoreOutcome.FAILED, str(refused))
        else:
            run.transition([Transition(number, State.UNDONE, note)], durable=False)
            self._record(op_record, RestoreOutcome.RESTORED, note)


def _other_path_note(operation: Operation, transition: Transition) -> str:
    back = transition.undo_record.back if transition.undo_record else None
    return f"beside it as {show_path(back)}" if back not in {None, operation.path} and back else ""
