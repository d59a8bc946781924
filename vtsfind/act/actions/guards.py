"""The last look around a step: the file that went is the one that was checked, and its keeper is still there.

A file can be reached by two names that no number gives away: through a file system that makes numbers up, or that takes
upper case for lower case. If the keeper's name is gone once the other name is, they were one file, and it comes back.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vtsfind.act.actions.renaming import free_name, rename_new
from vtsfind.act.checks import GONE, Checked, Doubt, look, require_unchanged, verify
from vtsfind.base.operations import Operation, Trace
from vtsfind.base.records import show_path


def require_as_checked(checked: Checked) -> None:
    """Raise `Doubt` if the file or its keeper is not what it was when it was checked."""
    require_unchanged(checked.operation.path, checked.seen)
    if checked.operation.keeper is not None and checked.keeper is not None:
        require_unchanged(checked.operation.keeper, checked.keeper)


def require_gone_alone(checked: Checked, place: bytes) -> None:
    """Raise `Doubt` unless what is at `place` now is the checked file, and its keeper stayed where it was."""
    operation = checked.operation
    if look(place) != checked.seen:
        raise Doubt(operation.path, "was replaced at this very moment")
    if operation.keeper is None or checked.keeper is None:
        return
    try:
        require_unchanged(operation.keeper, checked.keeper)
    except Doubt as doubt:
        if doubt.reason == GONE:
            raise Doubt(
                operation.path, f"is the same file as {show_path(operation.keeper)}, which is kept"
            ) from doubt
        raise


@contextmanager
def taken_to(checked: Checked, place: bytes) -> Iterator[None]:
    """Rename the file to `place`, and back again if it was not gone alone or the block fails."""
    path = checked.operation.path
    rename_new(path, place)
    try:
        require_gone_alone(checked, place)
        yield
    except BaseException:
        rename_new(place, free_name(path))
        raise


def beside(path: bytes, trace: Trace) -> bytes:
    """The name beside a file that a step uses for what must not be seen half done."""
    return os.path.join(os.path.dirname(path), trace.aside or b".vtsfind")


def is_whole(path: bytes, operation: Operation) -> bool:
    """Whether a regular file has the size and content of an operation's."""
    try:
        verify(path, operation.size, operation.digest)
    except Doubt:
        return False
    return True


def is_it(path: bytes, operation: Operation, trace: Trace) -> bool:
    """Whether the very file of an operation is at a path: by its number, else by its content."""
    try:
        seen = look(path)
    except Doubt:
        return False
    return (seen.size == operation.size and seen.inode == trace.inode) or is_whole(path, operation)
