"""Doing what a plan says: every file is looked at again, the journal is written first, and any doubt spares a group."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from vtsfind import __version__
from vtsfind.act.actions import ActionRefused, Actions
from vtsfind.act.checks import GONE, CheckedOperation, CheckFailed, check_group, identities, is_link_to_keeper
from vtsfind.act.plan import Plan, kept_paths, operations, photo_bytes
from vtsfind.act.plan_rules import require_valid
from vtsfind.base.addresses import place_of
from vtsfind.base.errors import UsageError
from vtsfind.base.operations import Action, Operation, State, UndoRecord, state_word
from vtsfind.base.paths import show_path
from vtsfind.base.progress import Monitor, Phase
from vtsfind.engine.apply.plans import require_here
from vtsfind.engine.apply.recovery import recover_locked, user_journal
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.store.journal import Journal, OpenRun
from vtsfind.store.run_record import Transition

BATCH = 64
"""Operations that share one flush of the journal."""


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What came of one operation."""

    operation: Operation
    state: State
    note: str = ""
    """Why, for people."""
    already_done: bool = False
    """Whether an earlier run had done it already."""
    place: bytes | None = None
    """Where the file is now; None if it is nowhere else, or only the system knows."""


@dataclass(slots=True)
class ApplyResult:
    """What came of a plan."""

    run: str = ""
    """The name by which it is undone; empty if nothing was begun."""
    steps: list[OperationResult] = field(default_factory=list)
    """One for each operation, in the order in which they were settled."""
    interrupted: bool = False

    def of(self, *states: State) -> list[OperationResult]:
        """The steps that ended so."""
        return [step for step in self.steps if step.state in states]

    @property
    def skipped(self) -> list[OperationResult]:
        """The steps that did not happen as planned, for doubt or because the system refused."""
        return [step for step in self.of(State.SKIPPED, State.FAILED) if not step.already_done]

    @property
    def size(self) -> int:
        """Bytes of the photos that were dealt with."""
        return photo_bytes(step.operation for step in self.of(State.DONE))


StepCallback = Callable[[OperationResult], None]
"""Is told each step as it is settled."""


def apply(
    plan: Plan,
    *,
    command: str = "vtsfind apply",
    permanently: bool = False,
    dry_run: bool = False,
    monitor: Monitor | None = None,
    on_step: StepCallback = lambda _: None,
) -> ApplyResult:
    """Do what a plan says.

    Parameters
    ----------
    plan
        As it was made or read.
    command
        What the history says it was.
    permanently
        Whether files may be deleted for good, if the plan says so.
    dry_run
        Look at everything and touch nothing: the steps that would happen end as `State.PLANNED`.
    monitor
        If it stops the work, the current operation is completed, and the rest stays planned.
    on_step
        Is told each step.

    Raises
    ------
    PlanRefused, UsageError
        If the plan may not be done; nothing was.
    JournalLocked
        If another vtsfind changes files at this moment.
    StorageError
        If the file of the user's decisions is damaged; nothing was done then. If the journal cannot be written. What was done before is in it, and the next command settles the rest.
    """
    require_valid(plan)
    require_here(plan)
    known_decisions(place_of(os.fsdecode(plan.library)))
    todo = operations(plan)
    if not permanently and any(operation.action is Action.DELETE for operation in todo):
        raise UsageError(
            "The plan deletes files for good.", "Add --permanently if that is meant; nothing was done."
        )
    work = _PlanExecution(plan, todo, monitor or Monitor(), on_step)
    if dry_run:
        return work.preview(user_journal())
    journal = user_journal()
    with journal.lock():
        recover_locked(journal)
        return work.execute(journal, command)


class _PlanExecution:
    """One application of one plan."""

    def __init__(
        self, plan: Plan, todo: Sequence[Operation], monitor: Monitor, on_step: StepCallback
    ) -> None:
        self._plan = plan
        self._todo = todo
        self._progress = monitor.progress
        self._cancel = monitor.cancel
        self._on_step = on_step
        self._result = ApplyResult()
        self._kept_identities = identities(kept_paths(plan))
        self._digests_by_identity: dict[tuple[int, int], bytes] = {}
        self._runs_by_operation: dict[tuple[bytes, bytes], str] | None = None

    def _groups(self) -> Iterator[list[Operation]]:
        self._progress.start(Phase.APPLY, len(self._todo))
        for _, group in groupby(self._todo, key=lambda operation: operation.group):
            if self._cancel.cancelled:
                self._result.interrupted = True
                return
            yield list(group)

    def _record(self, step: OperationResult) -> None:
        self._result.steps.append(step)
        self._progress.advance(note=show_path(step.operation.path))
        self._on_step(step)

    def _check(
        self, group: list[Operation], journal: Journal
    ) -> tuple[list[CheckedOperation], list[OperationResult]]:
        """What of a group can be done, and what cannot: all of it, but for what was done before, or nothing."""
        skipped: list[OperationResult] = []
        left = list(group)
        while left:
            try:
                return check_group(left, self._kept_identities, self._digests_by_identity), skipped
            except CheckFailed as failure:
                settled = next((one for one in left if _seems_done(one, failure)), None)
                run = settled and self._find_done_before(journal).get((settled.path, settled.digest))
                if settled is None or run is None:
                    return [], [
                        *skipped,
                        *(OperationResult(one, State.SKIPPED, str(failure)) for one in left),
                    ]
                left.remove(settled)
                skipped.append(
                    OperationResult(
                        settled,
                        State.SKIPPED,
                        f"was {state_word(settled, State.DONE)} in run {run}",
                        already_done=True,
                    )
                )
        return [], skipped

    def _find_done_before(self, journal: Journal) -> dict[tuple[bytes, bytes], str]:
        if self._runs_by_operation is None:
            self._runs_by_operation = {
                (op_record.operation.path, op_record.operation.digest): run
                for run in journal.runs()
                if run != self._result.run
                for op_record in journal.read(run).op_records.values()
                if op_record.state is State.DONE
            }
        return self._runs_by_operation

    def preview(self, journal: Journal) -> ApplyResult:
        """Look at everything and touch nothing."""
        for group in self._groups():
            checked, skipped = self._check(group, journal)
            for one in checked:
                self._record(OperationResult(one.operation, State.PLANNED))
            for step in skipped:
                self._record(step)
        return self._result

    def execute(self, journal: Journal, command: str) -> ApplyResult:
        """Do it."""
        if not self._todo:
            return self._result
        with journal.create(
            self._todo, command=command, library=self._plan.library, version=__version__
        ) as run:
            self._result.run = run.record.run
            actions = Actions(run.record.run)
            batch: list[tuple[CheckedOperation, UndoRecord]] = []
            try:
                for group in self._groups():
                    batch += self._prepare(group, run, journal, actions)
                    if len(batch) >= BATCH:
                        ready, batch = batch, []
                        self._perform(ready, run, actions)
                ready, batch = batch, []
            finally:
                for _, undo_record in batch:
                    actions.release(undo_record)
            self._perform(ready, run, actions)
        return self._result

    def _prepare(
        self, group: list[Operation], run: OpenRun, journal: Journal, actions: Actions
    ) -> list[tuple[CheckedOperation, UndoRecord]]:
        """Check a group and reserve a place for each of its files; or spare it."""
        checked, skipped = self._check(group, journal)
        prepared: list[tuple[CheckedOperation, UndoRecord]] = []
        try:
            for one in checked:
                prepared.append((one, actions.prepare(one)))  # noqa: PERF401 - what was reserved must be known
        except ActionRefused as refused:
            for _, undo_record in prepared:
                actions.release(undo_record)
            skipped += [OperationResult(one.operation, State.SKIPPED, str(refused)) for one in checked]
            prepared = []
        run.transition(
            (Transition(step.operation.number, State.SKIPPED, step.note) for step in skipped), durable=False
        )
        for step in skipped:
            self._record(step)
        return prepared

    def _perform(
        self, batch: list[tuple[CheckedOperation, UndoRecord]], run: OpenRun, actions: Actions
    ) -> None:
        """Do what was prepared, after the journal says so on the disk."""
        try:
            begun = (
                Transition(one.operation.number, State.BEGUN, undo_record=undo_record)
                for one, undo_record in batch
            )
            run.transition(begun, durable=True)
        except BaseException:
            for _, undo_record in batch:
                actions.release(undo_record)
            raise
        refusals: dict[int, str] = {}
        for one, undo_record in batch:
            operation = one.operation
            if self._cancel.cancelled or operation.group in refusals:
                actions.release(undo_record)
                run.transition([Transition(operation.number, State.PLANNED)], durable=False)
                if operation.group in refusals:
                    note = refusals[operation.group]
                    run.transition([Transition(operation.number, State.SKIPPED, note)], durable=False)
                    self._record(OperationResult(operation, State.SKIPPED, note))
                self._result.interrupted = self._cancel.cancelled
                continue
            try:
                final_undo_record = actions.perform(one, undo_record)
            except ActionRefused as refused:
                refusals[operation.group] = str(refused)
                run.transition([Transition(operation.number, State.FAILED, str(refused))], durable=False)
                self._record(OperationResult(operation, State.FAILED, str(refused)))
            else:
                run.transition(
                    [Transition(operation.number, State.DONE, undo_record=final_undo_record)], durable=False
                )
                note, place = (
                    _quarantine_note(operation, undo_record),
                    (final_undo_record or undo_record).place,
                )
                self._record(OperationResult(operation, State.DONE, note, place=place))


def _seems_done(operation: Operation, failure: CheckFailed) -> bool:
    """Whether a file failed its check since an earlier run may have done the operation."""
    return operation.path == failure.path and (failure.reason == GONE or is_link_to_keeper(operation))


def _quarantine_note(operation: Operation, undo_record: UndoRecord) -> str:
    """What is worth saying of where a file went: a trash that is none."""
    quarantined = undo_record.record is not None and not undo_record.record.endswith(b".trashinfo")
    if operation.action is Action.TRASH and quarantined and undo_record.place is not None:
        return f"no trash can be made there; quarantined as {show_path(undo_record.place)}"
    return ""
