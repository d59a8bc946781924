"""Files whose content another file has: names that become links, and deletion for good.

The file goes to a name beside its own first, so that it can come back if anything fails, and is removed last.
"""

import os
from collections.abc import Callable

from vtsfind.act.actions.copying import clone_new, copy_new, read_metadata
from vtsfind.act.actions.guards import (
    has_content,
    is_same_file,
    renamed_to,
    require_distinct,
    temporary_path,
)
from vtsfind.act.actions.moving import FINISHED, ROLLED_BACK
from vtsfind.act.actions.outcomes import NotRestorable, NotRestorableYet, operation_and_undo_record
from vtsfind.act.actions.renaming import free_name, make_folders, remove_if_exists, rename_new
from vtsfind.act.checks import CheckedOperation, CheckFailed, stat_regular_file, verify
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Metadata, Operation, State, UndoRecord
from vtsfind.base.paths import show_path
from vtsfind.store.journal import OperationRecord


def replace(checked: CheckedOperation, undo_record: UndoRecord) -> None:
    """Put a link to the keeper in the place of a file, or nothing.

    Raises
    ------
    CheckFailed, OSError
        If that cannot be; the file is where it was.
    """
    operation = checked.operation
    with renamed_to(checked, temporary_path(operation.path, undo_record)):
        if operation.keeper is not None and operation.action in _MAKERS:
            metadata = undo_record.metadata or read_metadata(temporary_path(operation.path, undo_record))
            _MAKERS[operation.action](operation.keeper, operation.path, metadata)
            try:
                _require_link_content(operation)
            except BaseException:
                os.unlink(operation.path)
                raise
        if operation.keeper is not None:
            require_distinct(temporary_path(operation.path, undo_record), operation.keeper)
    os.unlink(temporary_path(operation.path, undo_record))


def _hardlink(keeper: bytes, path: bytes, _: Metadata) -> None:
    os.link(keeper, path, follow_symlinks=False)


def _symlink(keeper: bytes, path: bytes, _: Metadata) -> None:
    os.symlink(keeper, path)


_MAKERS: dict[Action, Callable[[bytes, bytes, Metadata], None]] = {
    Action.HARDLINK: _hardlink,
    Action.SYMLINK: _symlink,
    Action.REFLINK: clone_new,
}


def _require_link_content(operation: Operation) -> None:
    """Raise `CheckFailed` unless the link shows what the file had."""
    shown = os.path.realpath(operation.path) if operation.action is Action.SYMLINK else operation.path
    verify(shown, operation.size, operation.digest)


def finish_or_roll_back(op_record: OperationRecord) -> tuple[State, str]:
    """What came of replacing a file when the process was killed, put right: as it was, or done."""
    operation, undo_record = operation_and_undo_record(op_record)
    temporary = temporary_path(operation.path, undo_record)
    if os.path.lexists(temporary):
        if _is_our_link(operation, undo_record):
            os.replace(temporary, operation.path)
        else:
            rename_new(temporary, free_name(operation.path))
        return State.PLANNED, ROLLED_BACK
    if _is_our_link(operation, undo_record):
        return State.DONE, FINISHED
    if is_same_file(operation.path, operation, undo_record):
        return State.PLANNED, ROLLED_BACK
    if operation.action is Action.DELETE:
        return State.DONE, FINISHED
    return State.FAILED, "it was interrupted, and the file is not there"


def _is_our_link(operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether the link that an operation makes is in its file's place."""
    path, keeper = operation.path, operation.keeper
    if keeper is None or not os.path.lexists(path):
        return False
    if operation.action is Action.SYMLINK:
        return os.path.islink(path) and os.readlink(path) == keeper
    try:
        file_stat = stat_regular_file(path)
        if operation.action is Action.HARDLINK:
            return file_stat.identity == stat_regular_file(keeper).identity
    except CheckFailed:
        return False
    return (
        operation.action is Action.REFLINK
        and file_stat.inode != undo_record.inode
        and has_content(path, operation)
    )


def restore_path(op_record: OperationRecord, volumes: Volumes) -> bytes | None:
    """Where a file would come back to: its own path, or one beside it if that is taken; None if it is there already.

    Raises
    ------
    NotRestorableYet, NotRestorable
        If it cannot.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    if not operation.same_content or undo_record.metadata is None:
        raise NotRestorable("it was deleted for good")
    if not volumes.is_mounted(undo_record.mount):
        raise NotRestorableYet(f"the drive of {show_path(undo_record.mount)} is not there")
    if _is_restored(operation.path, operation, undo_record.metadata):
        return None
    if _surviving_source(operation) is None:
        raise NotRestorable("no file with its content is left")
    return operation.path if _is_link(operation, undo_record) else free_name(operation.path)


def _is_link(operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether the name that became a link still is one: what is there can be replaced by the file that was there.

    A hard link stays one when its other name is renamed or removed: nothing but its content tells that it was made.
    """
    if operation.action is Action.HARDLINK:
        return has_content(operation.path, operation)
    return operation.action is Action.SYMLINK and _is_our_link(operation, undo_record)


def _is_restored(path: bytes, operation: Operation, metadata: Metadata) -> bool:
    """Whether a file of its own with the content of an operation's is at a path, and not a link that was made there."""
    if not has_content(path, operation):
        return False
    if operation.action is not Action.HARDLINK:
        return True
    status = os.lstat(path)
    own = (metadata.mode, metadata.mtime_ns)
    return status.st_nlink == 1 and (status.st_mode, status.st_mtime_ns) == own


def _surviving_source(operation: Operation) -> bytes | None:
    """A file that has the content."""
    candidates = [operation.path, *([operation.keeper] if operation.keeper else [])]
    return next((path for path in candidates if has_content(path, operation)), None)


def restore(op_record: OperationRecord) -> str:
    """Make the file anew from a file of the same content, with its own times and permissions; gives a note or nothing.

    Raises
    ------
    NotRestorable, CheckFailed, OSError
        If that cannot be; everything is as it was.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    source, back = _surviving_source(operation), undo_record.back
    if back is None:
        return "it is there already"
    if source is None or undo_record.metadata is None:
        raise NotRestorable("no file with its content is left")
    make_folders(os.path.dirname(back))
    partial_copy = temporary_path(back, undo_record)
    copy_new(source, partial_copy, operation.digest, undo_record.metadata)
    try:
        if back == operation.path and _is_link(operation, undo_record):
            os.replace(partial_copy, back)
        else:
            rename_new(partial_copy, back)
    except OSError:
        os.unlink(partial_copy)
        raise
    verify(back, operation.size, operation.digest)
    if back != operation.path:
        return f"restored beside it as {show_path(back)}"
    if not _is_restored(back, operation, undo_record.metadata):
        return "its time or its permissions could not be set"
    return ""


def finish_or_roll_back_restore(op_record: OperationRecord) -> tuple[State, str]:
    """What came of bringing a file back when the process was killed, put right: back, or as it was."""
    operation, undo_record = operation_and_undo_record(op_record)
    back = undo_record.back or operation.path
    remove_if_exists(temporary_path(back, undo_record))
    if undo_record.metadata and _is_restored(back, operation, undo_record.metadata):
        return State.UNDONE, FINISHED
    return State.DONE, ROLLED_BACK
