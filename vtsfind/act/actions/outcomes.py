"""What can come of trying something on a file, besides that it was done."""

from vtsfind.base.operations import Operation, UndoRecord
from vtsfind.store.journal import OperationRecord


class ActionRefused(Exception):
    """It could not be done, and everything is as it was; the reason is for people."""


class NotRestorableYet(Exception):
    """A file cannot come back now, but may later."""


class NotRestorable(Exception):
    """A file cannot come back."""


def operation_and_undo_record(op_record: OperationRecord) -> tuple[Operation, UndoRecord]:
    """An operation and what was noted of it when it was begun."""
    if op_record.undo_record is None:
        raise NotRestorable("the journal does not say where it went")
    return op_record.operation, op_record.undo_record
