"""Bringing back what a run took away, wholly or in parts, and the history of all runs."""

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import Enum

from vtsfind.act.actions import Actions, Lost, NotYet, Refused
from vtsfind.base.errors import UsageError
from vtsfind.base.operations import Action, Operation, State
from vtsfind.base.progress import CancelToken, Phase, Progress, Silent
from vtsfind.base.records import show_path
from vtsfind.engine.apply.apply import BATCH
from vtsfind.engine.apply.recovery import journal_here, recovered, settle
from vtsfind.store.journal import Journal, Life, Move, OpenRun, RunRecord


class Return(Enum):
    """What came of bringing a file back."""

    BACK = "back"
    PENDING = "pending"
    """Its drive is not there: the same command brings it back later."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Returned:
    """What came of bringing one file back."""

    operation: Operation
    outcome: Return
    note: str = ""


@dataclass(slots=True)
class Undone:
    """What came of undoing a run."""

    run: str
    steps: list[Returned] = field(default_factory=list)
    interrupted: bool = False

    def of(self, outcome: Return) -> list[Returned]:
        """The files that it came to that with."""
        return [step for step in self.steps if step.outcome is outcome]


def history() -> list[RunRecord]:
    """Every run, the oldest first.

    Raises
    ------
    StorageError
        If the journal cannot be read.
    """
    journal = journal_here()
    return [record for run in journal.runs() if (record := journal.read(run)).lives]


def run_named(run: str) -> RunRecord:
    """One run.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    return journal_here().read(run)


def undo(
    run: str | None = None,
    *,
    paths: Collection[bytes] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    watch: Callable[[Returned], None] = lambda _: None,
) -> Undone:
    """Bring back what a run took away.

    Parameters
    ----------
    run
        The run; None for the latest that has anything to bring back.
    paths
        Bring back only these files, with what travelled with them, and what was in these folders; none for all.
    dry_run
        Look, and touch nothing.
    progress, cancel
        Who watches, and who may stop it: the current file is completed, the rest stays as it is.
    watch
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
    journal = journal_here()
    work = _Return(progress or Silent(), cancel or CancelToken(), watch)
    if dry_run:
        record = journal.read(run or _latest(journal))
        return work.foreseen(record, _chosen(record, paths))
    with journal.lock():
        recovered(journal)
        name = run or _latest(journal)
        with journal.open(name) as opened:
            actions = Actions(name)
            settle(opened, actions)
            return work.done(opened, actions, _chosen(opened.record, paths))


def _latest(journal: Journal) -> str:
    for run in reversed(journal.runs()):
        if any(_may_return(life) for life in journal.read(run).lives.values()):
            return run
    raise UsageError("There is nothing to undo.", "`vtsfind history` tells what was done.")


def _may_return(life: Life) -> bool:
    for_good = life.operation.action is Action.DELETE and not life.operation.same_content
    return life.state in {State.DONE, State.UNDOING} and not for_good


def _chosen(record: RunRecord, paths: Collection[bytes]) -> list[Life]:
    """The operations to undo, the last first."""
    lives = [life for life in record.lives.values() if life.state is State.DONE]
    if paths:
        for path in paths:
            if not any(_concerns(life.operation, path) for life in record.lives.values()):
                raise UsageError(
                    f"Run {record.run} did nothing to {show_path(path)}.",
                    f"`vtsfind history {record.run}` lists its files.",
                )
        lives = [life for life in lives if any(_concerns(life.operation, path) for path in paths)]
    return lives[::-1]


def _concerns(operation: Operation, path: bytes) -> bool:
    below = os.path.join(path, b"")
    return path in {operation.path, operation.companion_of} or operation.path.startswith(below)


class _Return:
    """One undoing."""

    def __init__(self, progress: Progress, cancel: CancelToken, watch: Callable[[Returned], None]) -> None:
        self._progress = progress
        self._cancel = cancel
        self._watch = watch
        self._steps: list[Returned] = []

    def _settle(self, life: Life, outcome: Return, note: str = "") -> None:
        step = Returned(life.operation, outcome, note)
        self._steps.append(step)
        self._progress.advance(note=show_path(life.operation.path))
        self._watch(step)

    def _way(self, life: Life, actions: Actions) -> Move | None:
        """The move that begins a return; None if there is no way back, which is settled then."""
        try:
            back = actions.way_back(life)
        except NotYet as reason:
            self._settle(life, Return.PENDING, str(reason))
        except Lost as reason:
            self._settle(life, Return.FAILED, str(reason))
        else:
            trace = replace(life.trace, back=back) if life.trace else None
            return Move(life.operation.number, State.UNDOING, trace=trace)
        return None

    def foreseen(self, record: RunRecord, lives: list[Life]) -> Undone:
        """Look, and touch nothing."""
        self._progress.start(Phase.UNDO, len(lives))
        actions = Actions(record.run)
        for life in lives:
            move = self._way(life, actions)
            if move is not None:
                self._settle(life, Return.BACK, _beside(life.operation, move))
        return Undone(record.run, self._steps)

    def done(self, run: OpenRun, actions: Actions, lives: list[Life]) -> Undone:
        """Do it."""
        self._progress.start(Phase.UNDO, len(lives))
        for first in range(0, len(lives), BATCH):
            batch = lives[first : first + BATCH]
            moves = [(life, move) for life in batch if (move := self._way(life, actions))]
            run.move((move for _, move in moves), durable=True)
            for life, _ in moves:
                self._bring(life, run, actions)
            if self._cancel.cancelled:
                break
        return Undone(run.record.run, self._steps, self._cancel.cancelled)

    def _bring(self, life: Life, run: OpenRun, actions: Actions) -> None:
        number = life.operation.number
        if self._cancel.cancelled:
            run.move([Move(number, State.DONE, "stopped")], durable=False)
            return
        try:
            note = actions.bring_back(life)
        except Refused as refused:
            run.move([Move(number, State.DONE, str(refused))], durable=False)
            self._settle(life, Return.FAILED, str(refused))
        else:
            run.move([Move(number, State.UNDONE, note)], durable=False)
            self._settle(life, Return.BACK, note)


def _beside(operation: Operation, move: Move) -> str:
    back = move.trace.back if move.trace else None
    return f"beside it as {show_path(back)}" if back not in {None, operation.path} and back else ""
