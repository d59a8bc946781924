"""Moving a file to the trash, the quarantine or a folder, and restoring it."""

import errno
import os
from collections.abc import Collection

from vtsfind.act.actions.copying import copy_new, fsync_parent, read_metadata
from vtsfind.act.actions.guards import (
    are_two_copies,
    has_content,
    is_renamed,
    is_same_file,
    renamed_to,
    require_distinct,
    require_only_file_moved,
    temporary_path,
    unlink_copy,
)
from vtsfind.act.actions.outcomes import NotRestorable, NotRestorableYet, operation_and_undo_record
from vtsfind.act.actions.renaming import (
    free_name,
    make_folders,
    remove_empty,
    remove_if_exists,
    rename_new,
)
from vtsfind.act.checks import CheckedOperation, CheckFailed
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Operation, State, UndoRecord
from vtsfind.base.paths import show_path
from vtsfind.store.run_record import OperationRecord

ROLLED_BACK = "interrupted; rolled back"
FINISHED = "interrupted; found to be complete"


def move_away(checked: CheckedOperation, undo_record: UndoRecord) -> None:
    """Move a file to the place in its undo record.

    Raises
    ------
    CheckFailed, OSError
        If it fails; the file is where it was.
    """
    operation, place = checked.operation, _place(undo_record)
    try:
        with renamed_to(checked, place):
            pass
    except OSError as error:
        if error.errno != errno.EXDEV or operation.action is not Action.MOVE:
            raise
        _move_across_volumes(checked, undo_record, place)
    if operation.action is Action.MOVE:
        fsync_parent(place)


def _move_across_volumes(checked: CheckedOperation, undo_record: UndoRecord, place: bytes) -> None:
    """Move a file to another volume: the copy is complete and has its name before the original is removed."""
    path, partial_copy = checked.operation.path, temporary_path(place, undo_record)
    copy_new(path, partial_copy, checked.operation.digest, read_metadata(path))
    try:
        rename_new(partial_copy, place)
    except OSError:
        os.unlink(partial_copy)
        raise
    try:
        with renamed_to(checked, temporary_path(path, undo_record)):
            require_distinct(place, temporary_path(path, undo_record))
    except BaseException:
        unlink_copy(place, path)
        raise
    unlink_copy(temporary_path(path, undo_record), place)


def require_only_file_trashed(checked: CheckedOperation, place: bytes) -> None:
    """Restore a file from the system's trash if its keeper disappeared with it.

    Raises
    ------
    CheckFailed
        If so; the file is where it was.
    """
    try:
        require_only_file_moved(checked, place)
    except CheckFailed:
        rename_new(place, free_name(checked.operation.path))
        raise


def release(undo_record: UndoRecord) -> None:
    """Release a reserved place."""
    remove_if_exists(undo_record.record)
    remove_empty(undo_record.made)


def finish_or_roll_back(op_record: OperationRecord) -> tuple[State, str]:
    """Finish or roll back a move whose process was killed; returns the new state and a note."""
    operation, undo_record = operation_and_undo_record(op_record)
    path, place = operation.path, _place(undo_record)
    temporary = temporary_path(path, undo_record)
    if is_renamed(place, operation, undo_record):
        return State.DONE, FINISHED
    if is_renamed(temporary, operation, undo_record):
        rename_new(temporary, free_name(path))
    remove_if_exists(temporary_path(place, undo_record) if operation.action is Action.MOVE else None)
    if is_same_file(path, operation, undo_record):
        if operation.action is Action.MOVE and are_two_copies(place, path, operation):
            os.unlink(place)  # the copy on another volume; the original is still there
        release(undo_record)
        return State.PLANNED, ROLLED_BACK
    if os.path.lexists(place):
        return State.DONE, FINISHED
    return State.FAILED, "interrupted; the file is in neither place"


def restore_path(op_record: OperationRecord, volumes: Volumes, taken: Collection[bytes] = ()) -> bytes | None:
    """The path to which a file would be restored: its own, or a free one beside it; None if it is there already.

    `taken` are the paths to which others will be restored.

    Raises
    ------
    NotRestorableYet, NotRestorable
        If it cannot be restored.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    place = _place(undo_record)
    mounts = (
        (undo_record.place_mount or undo_record.mount, undo_record.place_volume),
        (undo_record.mount, undo_record.volume),
    )
    for mount, _ in mounts:
        if not volumes.is_mounted(mount):
            raise NotRestorableYet(f"the drive at {show_path(mount)} is not mounted")
    if has_content(place, operation):
        return free_name(operation.path, taken)
    if has_content(operation.path, operation):
        return None
    if os.path.lexists(place):
        raise NotRestorable(f"the file at {show_path(place)} has changed, and stays there")
    for mount, identifier in mounts:
        if volumes.is_absent(mount, identifier):
            raise NotRestorableYet(f"another drive is mounted at {show_path(mount)}")
    raise NotRestorable(f"it is no longer in {show_path(os.path.dirname(place))}")


def restore(op_record: OperationRecord) -> str:
    """Restore a file to the path in the journal; returns a note or an empty text.

    Raises
    ------
    CheckFailed, OSError
        If it fails; the file is where it was.
    """
    operation, undo_record = operation_and_undo_record(op_record)
    place, back = _place(undo_record), undo_record.back
    if back is None:
        release(undo_record)
        return "already restored"
    make_folders(os.path.dirname(back))
    try:
        rename_new(place, back)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _restore_across_volumes(place, back, op_record)
    release(undo_record)
    return f"the path is taken; restored as {show_path(back)}" if back != operation.path else ""


def _restore_across_volumes(place: bytes, back: bytes, op_record: OperationRecord) -> None:
    operation, undo_record = operation_and_undo_record(op_record)
    partial_copy = temporary_path(back, undo_record)
    copy_new(place, partial_copy, operation.digest, read_metadata(place))
    try:
        rename_new(partial_copy, back)
    except OSError:
        os.unlink(partial_copy)
        raise
    unlink_copy(place, back)


def finish_or_roll_back_restore(op_record: OperationRecord) -> tuple[State, str]:
    """Finish or roll back a restoration whose process was killed; returns the new state and a note."""
    operation, undo_record = operation_and_undo_record(op_record)
    place, back = _place(undo_record), undo_record.back or operation.path
    remove_if_exists(temporary_path(back, undo_record))
    if os.path.lexists(place):
        if undo_record.back is None or not are_two_copies(place, back, operation):
            return State.DONE, ROLLED_BACK
        os.unlink(place)  # the copy at the old path is complete
    elif not os.path.lexists(back):
        return State.DONE, "interrupted; the file is in neither place"
    release(undo_record)
    return State.UNDONE, FINISHED


def _place(undo_record: UndoRecord) -> bytes:
    if undo_record.place is None:
        raise NotRestorable("its place in the system's trash is unknown; restore it from there")
    return undo_record.place


def destination(operation: Operation) -> bytes:
    """The destination of a move.

    Raises
    ------
    FileExistsError
        If it exists.
    """
    target = operation.target or operation.path
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    return target
