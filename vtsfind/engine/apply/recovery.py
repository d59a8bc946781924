"""What a killed process left half done, finished or rolled back by the next command."""

from dataclasses import dataclass

from vtsfind.act.actions import Actions
from vtsfind.base.operations import Operation, State
from vtsfind.base.settings import places
from vtsfind.store.journal import Journal, JournalLocked, Move, OpenRun

_HALF = {State.BEGUN, State.UNDOING}


@dataclass(frozen=True, slots=True)
class Settled:
    """One operation that was half done."""

    run: str
    operation: Operation
    state: State
    """What it is now; as it was if its drive is not there."""
    note: str


def journal_here() -> Journal:
    """The journal of this user."""
    return Journal(places().journal)


def recover() -> list[Settled]:
    """Settle what a killed run left half done. Costs next to nothing if there is nothing to do.

    Raises
    ------
    StorageError
        If the journal cannot be read or written.
    """
    journal = journal_here()
    if not journal.at_work():
        return []
    try:
        with journal.lock():
            return recovered(journal)
    except JournalLocked:  # no one was killed: it is at work
        return []


def recovered(journal: Journal) -> list[Settled]:
    """Settle what a killed run left half done. The caller holds the lock."""
    name = journal.killed()
    if name is None:
        if journal.at_work():
            journal.rest()
        return []
    with journal.open(name) as run:
        return settle(run, Actions(name))


def settle(run: OpenRun, actions: Actions) -> list[Settled]:
    """Settle everything in a run that is half done."""
    found = []
    for number, life in run.record.lives.items():
        if life.state not in _HALF:
            continue
        outcome = actions.settle(life)
        if outcome is None:
            found.append(Settled(run.record.run, life.operation, life.state, "its drive is not there"))
            continue
        state, note, trace = outcome
        run.move([Move(number, state, note, trace)], durable=True)
        found.append(Settled(run.record.run, life.operation, state, note))
    return found
