"""What can come of trying something on a file, besides that it was done."""

from vtsfind.base.operations import Operation, Trace
from vtsfind.store.journal import Life


class Refused(Exception):
    """It could not be done, and everything is as it was; the reason is for people."""


class NotYet(Exception):
    """A file cannot come back now, but may later."""


class Lost(Exception):
    """A file cannot come back."""


def noted(life: Life) -> tuple[Operation, Trace]:
    """An operation and what was noted of it when it was begun."""
    if life.trace is None:
        raise Lost("the journal does not say where it went")
    return life.operation, life.trace
