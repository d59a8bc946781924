"""What a killed process left half done, finished or rolled back by the next command."""

from dataclasses import dataclass, field

from vtsfind.act.actions import Actions, NotRestorableYet
from vtsfind.base.errors import StorageError
from vtsfind.base.operations import Operation, State
from vtsfind.base.settings import places
from vtsfind.store.journal import Journal, JournalLocked, OpenRun
from vtsfind.store.run_record import UNFINISHED_STATES, RunRecord, Transition


@dataclass(frozen=True, slots=True)
class RecoveredOperation:
    """One operation that was half done."""

    run: str
    operation: Operation
    state: State
    """What it is now; as it was if its drive is not there."""
    note: str


def user_journal() -> Journal:
    """The journal of this user."""
    return Journal(places().journal)


@dataclass(slots=True)
class Recovery:
    """What came of settling what killed runs left half done."""

    operations: list[RecoveredOperation] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    """Why runs that are not finished could not be looked at: a sentence each."""


def recover() -> Recovery:
    """Settle what killed runs left half done. Costs next to nothing if there is nothing to do.

    Raises
    ------
    StorageError
        If the journal cannot be read or written.
    """
    journal = user_journal()
    if not journal.at_work():
        return Recovery()
    try:
        with journal.lock():
            return recover_locked(journal)
    except JournalLocked:  # no one was killed: it is at work
        return Recovery()


def recover_locked(journal: Journal) -> Recovery:
    """Settle what killed runs left half done. What cannot be settled now stays pending. The caller holds the lock."""
    found = Recovery()
    unfinished = journal.unfinished_runs()
    journal.mark(unfinished)
    for name in unfinished:
        try:
            with journal.open(name) as run:
                found.operations += finish_or_roll_back(run, Actions(name))
        except StorageError as error:
            found.unreadable.append(str(error))
    return found


def unfinished_runs() -> list[RunRecord]:
    """The runs that are at work, or were killed and could not be settled since; the oldest first.

    Raises
    ------
    StorageError
        If the journal cannot be read.
    """
    journal = user_journal()
    if not journal.at_work():
        return []
    unfinished = set(journal.unfinished_runs())
    return [record for record in journal.read_all() if record.run in unfinished]


def finish_or_roll_back(run: OpenRun, actions: Actions) -> list[RecoveredOperation]:
    """Settle everything in a run that is half done."""
    found = []
    for number, op_record in run.record.op_records.items():
        if op_record.state not in UNFINISHED_STATES:
            continue
        try:
            state, note, undo_record = actions.finish_or_roll_back(op_record)
        except NotRestorableYet as reason:
            state, note = op_record.state, str(reason)
        else:
            run.transition([Transition(number, state, note, undo_record)], durable=True)
        found.append(RecoveredOperation(run.record.run, op_record.operation, state, note))
    return found
