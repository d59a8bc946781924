"""Checks around a rename: the renamed file is the one that was checked, and its keeper is still there.

Two names can lead to one file although device and inode differ: on file systems that invent inode numbers or ignore case.
If the keeper's name disappears with the other name, they were one file, and the rename is reversed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from vtsfind.act.actions.renaming import free_name, rename_new
from vtsfind.act.checks import (
    GONE,
    CheckedOperation,
    CheckFailed,
    require_unchanged,
    stat_regular_file,
    verify,
)
from vtsfind.base.operations import Operation, UndoRecord
from vtsfind.base.paths import show_path


def require_as_checked(checked: CheckedOperation) -> None:
    """Raise `CheckFailed` if the file or its keeper has changed since it was checked."""
    require_unchanged(checked.operation.path, checked.file_stat)
    if checked.operation.keeper is not None and checked.keeper is not None:
        require_unchanged(checked.operation.keeper, checked.keeper)


def require_only_file_moved(checked: CheckedOperation, place: bytes) -> None:
    """Raise `CheckFailed` unless the file at `place` is the checked one and its keeper is where it was."""
    operation = checked.operation
    if stat_regular_file(place) != checked.file_stat:
        raise CheckFailed(operation.path, "was replaced during the operation")
    if operation.keeper is None or checked.keeper is None:
        return
    try:
        require_unchanged(operation.keeper, checked.keeper)
    except CheckFailed as failure:
        if failure.reason == GONE:
            raise CheckFailed(
                operation.path, f"is the same file as {show_path(operation.keeper)}, which is kept"
            ) from failure
        raise


@contextmanager
def renamed_to(checked: CheckedOperation, place: bytes) -> Iterator[None]:
    """Rename the file to `place`; rename it back if the keeper's name disappeared with it or the block fails."""
    path = checked.operation.path
    rename_new(path, place)
    try:
        require_only_file_moved(checked, place)
        yield
    except BaseException:
        rename_new(place, free_name(path))
        raise


def unlink_copy(path: bytes, other: bytes) -> None:
    """Remove a file whose content another file has.

    Raises
    ------
    CheckFailed
        If both are one file by two names, or the other one is gone; nothing was removed.
    """
    require_distinct(path, other)
    os.unlink(path)


def require_distinct(path: bytes, other: bytes) -> None:
    """Raise `CheckFailed` unless two names are those of two files that are there."""
    if stat_regular_file(path).identity == stat_regular_file(other).identity:
        raise CheckFailed(path, f"is the same file as {show_path(other)}")


def temporary_path(path: bytes, undo_record: UndoRecord) -> bytes:
    """The temporary name beside a file that an operation uses for an incomplete file."""
    return os.path.join(os.path.dirname(path), undo_record.aside or b".vtsfind")


def has_content(path: bytes, operation: Operation) -> bool:
    """Whether a regular file has the size and content of an operation's file."""
    try:
        verify(path, operation.size, operation.digest)
    except CheckFailed:
        return False
    return True


def are_two_copies(path: bytes, other: bytes, operation: Operation) -> bool:
    """Whether two different files have the content of an operation's."""
    try:
        first = verify(path, operation.size, operation.digest)
        second = verify(other, operation.size, operation.digest)
    except CheckFailed:
        return False
    return first.identity != second.identity


def is_renamed(path: bytes, operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether an operation's very file is at a path now: by its number, on the device of the folder that it was in."""
    try:
        file_stat = stat_regular_file(path)
        device = os.stat(os.path.dirname(operation.path)).st_dev
    except FileNotFoundError:  # the folder is gone, and the file with it or elsewhere
        return has_content(path, operation)
    except (CheckFailed, OSError):
        return False
    return (*file_stat.identity, file_stat.size) == (device, undo_record.inode, operation.size)


def is_same_file(path: bytes, operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether the file of an operation is at a path: by its inode, otherwise by its content."""
    try:
        file_stat = stat_regular_file(path)
    except CheckFailed:
        return False
    return (file_stat.size == operation.size and file_stat.inode == undo_record.inode) or has_content(
        path, operation
    )
