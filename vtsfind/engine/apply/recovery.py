"""What a killed process left half done, finished or rolled back by the next command."""

from dataclasses import dataclass

from vtsfind.act.actions import Actions
from vtsfind.base.operations import Operation, State
from vtsfind.base.settings import places
from vtsfind.store.journal import Journal, JournalLocked, OpenRun, Transition

_UNFINISHED_STATES = {State.BEGUN, State.UNDOING}


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


def recover() -> list[RecoveredOperation]:
    """Settle what a killed run left half done. Costs next to nothing if there is nothing to do.

    Raises
    ------
    StorageError
        If the journal cannot be read or written.
    """
    journal = user_journal()
    if not journal.at_work():
        return []
    try:
        with journal.lock():
            return recover_locked(journal)
    except JournalLocked:  # no one was killed: it is at work
        return []


def recover_locked(journal: Journal) -> list[RecoveredOperation]:
    """Settle what a killed run left half done. The caller holds the lock."""
    name = journal.interrupted_run()
    if name is None:
        if journal.at_work():
            journal.clear_at_work()
        return []
    with journal.open(name) as run:
        return finish_or_roll_back(run, Actions(name))


def finish_or_roll_back(run: OpenRun, actions: Actions) -> list[RecoveredOperation]:
    """Settle everything in a run that is half done."""
    found = []
    for number, op_record in run.record.op_records.items():
        if op_record.state not in _UNFINISHED_STATES:
            continue
        outcome = actions.finish_or_roll_back(op_record)
        if outcome is None:
            found.append(
                RecoveredOperation(
                    run.record.run, op_record.operation, op_record.state, "its drive is not there"
                )
            )
            continue
        state, note, undo_record = outcome
        run.transition([Transition(number, state, note, undo_record)], durable=True)
        found.append(RecoveredOperation(run.record.run, op_record.operation, state, note))
    return found
