"""Replacing a file by a link to its keeper, and permanent deletion.

The file is first renamed to a temporary name beside it, so that it can be restored if anything fails, and removed last.
"""

import os
from collections.abc import Callable, Collection

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
from vtsfind.act.checks import CheckedOperation, CheckFailed, is_link_to_keeper, stat_regular_file, verify
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Metadata, Operation, State, UndoRecord
from vtsfind.base.paths import show_path
from vtsfind.store.run_record import OperationRecord


def replace(checked: CheckedOperation, undo_record: UndoRecord) -> None:
    """Replace a file by a link to the keeper, or delete it.

    Raises
    ------
    CheckFailed, OSError
        If it fails; the file is where it was.
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
    """Raise `CheckFailed` unless the link has the content that the file had."""
    shown = os.path.realpath(operation.path) if operation.action is Action.SYMLINK else operation.path
    verify(shown, operation.size, operation.digest)


def finish_or_roll_back(op_record: OperationRecord) -> tuple[State, str]:
    """Finish or roll back a replacement whose process was killed; returns the new state and a note."""
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
    return State.FAILED, "interrupted; the file is missing"


def _is_our_link(operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether the link that an operation creates is at the path of its file."""
    path, keeper = operation.path, operation.keeper
    if keeper is None or not os.path.lexists(path):
        return False
    if operation.action is not Action.REFLINK:
        return is_link_to_keeper(operation)
    try:
        file_stat = stat_regular_file(path)
    except CheckFailed:
        return False
    return file_stat.inode != undo_record.inode and has_content(path, operation)


def restore_path(op_record: OperationRecord, volumes: Volumes, taken: Collection[bytes] = ()) -> bytes | None:
    """The path to which a file would be restored: its own, or a free one beside it; None if it is there already.

    `taken` are the paths to which others will be restored.

    Raises
    ------
    NotRestorableYet, NotRestorable
        If it cannot be restored.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    if not operation.same_content or undo_record.metadata is None:
        raise NotRestorable("it was deleted permanently")
    if not volumes.is_mounted(undo_record.mount):
        raise NotRestorableYet(f"the drive at {show_path(undo_record.mount)} is not mounted")
    if _is_restored(operation.path, operation, undo_record.metadata):
        return None
    if _surviving_source(operation) is None:
        raise NotRestorable("no file with the same content is left")
    return operation.path if _is_link(operation, undo_record) else free_name(operation.path, taken)


def _is_link(operation: Operation, undo_record: UndoRecord) -> bool:
    """Whether the name that became a link still is one, so that the restored file can replace it.

    A hard link remains one when its other name is renamed or removed: only its content identifies it.
    """
    if operation.action is Action.HARDLINK:
        return has_content(operation.path, operation)
    return operation.action is Action.SYMLINK and _is_our_link(operation, undo_record)


def _is_restored(path: bytes, operation: Operation, metadata: Metadata) -> bool:
    """Whether an independent file with the content of an operation's file is at a path, not a link that was made there."""
    if not has_content(path, operation):
        return False
    if operation.action is not Action.HARDLINK:
        return True
    status = os.lstat(path)
    own = (metadata.mode, metadata.mtime_ns)
    return status.st_nlink == 1 and (status.st_mode, status.st_mtime_ns) == own


def _surviving_source(operation: Operation) -> bytes | None:
    """A file that has the content of the operation's file; None if there is none."""
    candidates = [operation.path, *([operation.keeper] if operation.keeper else [])]
    return next((path for path in candidates if has_content(path, operation)), None)


def restore(op_record: OperationRecord) -> str:
    """Recreate the file from one of the same content, with its own times and permissions; returns a note or an empty text.

    Raises
    ------
    NotRestorable, CheckFailed, OSError
        If it fails; nothing changed.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    source, back = _surviving_source(operation), undo_record.back
    if back is None:
        return "already restored"
    if source is None or undo_record.metadata is None:
        raise NotRestorable("no file with the same content is left")
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
        return f"the path is taken; restored as {show_path(back)}"
    if not _is_restored(back, operation, undo_record.metadata):
        return "its time or its permissions could not be set"
    return ""


def finish_or_roll_back_restore(op_record: OperationRecord) -> tuple[State, str]:
    """Finish or roll back a restoration whose process was killed; returns the new state and a note."""
    operation, undo_record = operation_and_undo_record(op_record)
    back = undo_record.back or operation.path
    remove_if_exists(temporary_path(back, undo_record))
    if undo_record.metadata and _is_restored(back, operation, undo_record.metadata):
        return State.UNDONE, FINISHED
    return State.DONE, ROLLED_BACK
