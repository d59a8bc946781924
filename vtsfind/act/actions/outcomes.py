"""The ways in which an action on a file can fail."""

from vtsfind.base.operations import Operation, UndoRecord
from vtsfind.store.run_record import OperationRecord


class ActionRefused(Exception):
    """The action failed and nothing changed; the message is for people."""


class NotRestorableYet(Exception):
    """A file cannot be restored now, but may be later."""


class NotRestorable(Exception):
    """A file cannot be restored."""


def operation_and_undo_record(op_record: OperationRecord) -> tuple[Operation, UndoRecord]:
    """An operation and its undo record."""
    if op_record.undo_record is None:
        raise NotRestorable("the journal has no undo record of it")
    return op_record.operation, op_record.undo_record
