"""What is known of a run that changed the user's files: its operations, the state of each, and which states follow each other.

`vtsfind.store.journal` keeps it.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from vtsfind.base.operations import Operation, State, UndoRecord

TRANSITIONS: dict[tuple[State, State], str] = {
    (
        State.PLANNED,
        State.BEGUN,
    ): "the file and its keeper passed all checks, and the undo record is on the disk",
    (State.PLANNED, State.SKIPPED): "a check of its group failed",
    (State.BEGUN, State.DONE): "the operation succeeded",
    (State.BEGUN, State.PLANNED): "it was interrupted and rolled back",
    (State.BEGUN, State.FAILED): "the system refused it, and nothing changed",
    (State.DONE, State.UNDOING): "the undo was recorded, and the file is about to be restored",
    (State.UNDOING, State.UNDONE): "the file was restored",
    (State.UNDOING, State.DONE): "the file could not be restored",
}
"""All state transitions of an operation, and when they happen. There are no others."""

UNFINISHED_STATES = {State.BEGUN, State.UNDOING}
"""The states that an operation is in while its file is touched."""


class IllegalTransition(ValueError):
    """A state transition that does not exist was requested; nothing was written."""


@dataclass(slots=True)
class OperationRecord:
    """One operation and its state."""

    operation: Operation
    state: State = State.PLANNED
    undo_record: UndoRecord | None = None
    note: str = ""
    """The note of the last transition."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One state transition of an operation."""

    number: int
    """Of the operation."""
    state: State
    note: str = ""
    undo_record: UndoRecord | None = None


@dataclass(slots=True)
class RunRecord:
    """The record of one run."""

    run: str
    time: str = ""
    """When it began, in ISO 8601."""
    command: str = ""
    library: bytes = b""
    op_records: dict[int, OperationRecord] = field(default_factory=dict)
    damaged: int = 0
    """Lines that could not be read."""
    problem: str = ""
    """Why its file could not be read at all; empty if it could."""

    @property
    def is_settled(self) -> bool:
        """Whether no operation is between two states."""
        return not any(op_record.state in UNFINISHED_STATES for op_record in self.op_records.values())

    @property
    def counts(self) -> Counter[State]:
        """The number of operations in each state."""
        return Counter(op_record.state for op_record in self.op_records.values())

    @property
    def places(self) -> list[bytes]:
        """The folders, such as the trash, where its files are now that were removed."""
        places = (
            op_record.undo_record.place
            for op_record in self.op_records.values()
            if op_record.state is State.DONE and op_record.undo_record and not op_record.operation.target
        )
        return sorted({os.path.dirname(place) for place in places if place})

    def transition(self, transition: Transition) -> None:
        """Make one state transition.

        Raises
        ------
        IllegalTransition
            If there is no such transition; nothing changes.
        """
        op_record = self.of(transition)
        op_record.state, op_record.note = transition.state, transition.note
        if transition.undo_record is not None:
            op_record.undo_record = transition.undo_record

    def of(self, transition: Transition) -> OperationRecord:
        """The operation that a state transition is of, and may be made of.

        Raises
        ------
        IllegalTransition
            If there is no such transition.
        """
        op_record = self.op_records.get(transition.number)
        if op_record is None or (op_record.state, transition.state) not in TRANSITIONS:
            now = "unknown" if op_record is None else op_record.state.value
            raise IllegalTransition(
                f"operation {transition.number} is {now} and cannot become {transition.state.value}"
            )
        return op_record


def diagram() -> str:
    """The states of an operation as Markdown: a diagram and a table, both from `TRANSITIONS`."""
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
