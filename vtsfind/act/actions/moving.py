"""Files that go elsewhere and can come back: trash, quarantine, move."""

import errno
import os

from vtsfind.act.actions.copying import copy_new, flush_folder_of, metadata_of
from vtsfind.act.actions.guards import beside, is_it, is_whole, require_gone_alone, taken_to
from vtsfind.act.actions.outcomes import Lost, NotYet, noted
from vtsfind.act.actions.renaming import (
    free_name,
    make_folders,
    remove_empty,
    remove_if_there,
    rename_new,
)
from vtsfind.act.checks import Checked, Doubt
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Operation, State, Trace
from vtsfind.base.records import show_path
from vtsfind.store.journal import Life

ROLLED_BACK = "it was interrupted; everything is as it was"
FINISHED = "it was interrupted; it turned out to be done"


def take(checked: Checked, trace: Trace) -> None:
    """Take a file to the place that is noted for it.

    Raises
    ------
    Doubt, OSError
        If that cannot be; the file is where it was.
    """
    operation, place = checked.operation, _place(trace)
    try:
        with taken_to(checked, place):
            pass
    except OSError as error:
        if error.errno != errno.EXDEV or operation.action is not Action.MOVE:
            raise
        _move_across(checked, trace, place)
    if operation.action is Action.MOVE:
        flush_folder_of(place)


def _move_across(checked: Checked, trace: Trace, place: bytes) -> None:
    """Move a file to another volume: the copy is whole and in its place before the original goes."""
    path, half = checked.operation.path, beside(place, trace)
    copy_new(path, half, checked.operation.digest, metadata_of(path))
    try:
        rename_new(half, place)
    except OSError:
        os.unlink(half)
        raise
    try:
        with taken_to(checked, beside(path, trace)):
            pass
    except BaseException:
        os.unlink(place)
        raise
    os.unlink(beside(path, trace))


def require_sent_alone(checked: Checked, place: bytes) -> None:
    """Take a file out of the system's trash again if it did not go alone.

    Raises
    ------
    Doubt
        If so; the file is where it was.
    """
    try:
        require_gone_alone(checked, place)
    except Doubt:
        rename_new(place, free_name(checked.operation.path))
        raise


def give_up(trace: Trace) -> None:
    """Let go of a place that was reserved."""
    remove_if_there(trace.record)
    remove_empty(trace.made)


def settle(life: Life) -> tuple[State, str]:
    """What came of taking a file when the process was killed, put right: as it was, or done."""
    operation, trace = noted(life)
    path, place = operation.path, _place(trace)
    held = beside(path, trace)
    if _has_inode(place, trace):
        return State.DONE, FINISHED
    if _has_inode(held, trace):
        rename_new(held, free_name(path))
    remove_if_there(beside(place, trace) if operation.action is Action.MOVE else None)
    if is_it(path, operation, trace):
        if operation.action is Action.MOVE and is_whole(place, operation) and is_whole(path, operation):
            os.unlink(place)  # the copy on another volume, whose original had not gone
        give_up(trace)
        return State.PLANNED, ROLLED_BACK
    if os.path.lexists(place):
        return State.DONE, FINISHED
    return State.FAILED, "it was interrupted, and the file is in neither place"


def way_back(life: Life, volumes: Volumes) -> bytes | None:
    """Where a file would come back to: its own path, or one beside it if that is taken; None if it is there already.

    Raises
    ------
    NotYet, Lost
        If it cannot.
    """
    operation, trace = noted(life)
    place = _place(trace)
    mounts = ((trace.place_mount or trace.mount, trace.place_volume), (trace.mount, trace.volume))
    for mount, _ in mounts:
        if not volumes.is_mounted(mount):
            raise NotYet(f"the drive of {show_path(mount)} is not there")
    if is_whole(place, operation):
        return free_name(operation.path)
    if is_whole(operation.path, operation):
        return None
    if os.path.lexists(place):
        raise Lost(f"what is at {show_path(place)} is not what went there, or was changed; it stays")
    for mount, identifier in mounts:
        if volumes.is_away(mount, identifier):
            raise NotYet(f"another drive is at {show_path(mount)}")
    raise Lost(f"it is not in {show_path(os.path.dirname(place))} any more")


def bring_back(life: Life) -> str:
    """Bring a file back to where the journal says; gives a note if anything about it is worth one.

    Raises
    ------
    Doubt, OSError
        If that cannot be; the file is where it was.
    """
    operation, trace = noted(life)
    place, back = _place(trace), trace.back
    if back is None:
        give_up(trace)
        return "it is there already"
    make_folders(os.path.dirname(back))
    try:
        rename_new(place, back)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _bring_across(place, back, life)
    give_up(trace)
    return f"restored beside it as {show_path(back)}" if back != operation.path else ""


def _bring_across(place: bytes, back: bytes, life: Life) -> None:
    operation, trace = noted(life)
    half = beside(back, trace)
    copy_new(place, half, operation.digest, metadata_of(place))
    try:
        rename_new(half, back)
    except OSError:
        os.unlink(half)
        raise
    os.unlink(place)


def settle_return(life: Life) -> tuple[State, str]:
    """What came of bringing a file back when the process was killed, put right: back, or as it was."""
    operation, trace = noted(life)
    place, back = _place(trace), trace.back or operation.path
    remove_if_there(beside(back, trace))
    if os.path.lexists(place):
        if trace.back is None or not (is_whole(back, operation) and is_whole(place, operation)):
            return State.DONE, ROLLED_BACK
        os.unlink(place)  # the copy on its own volume is whole
    elif not os.path.lexists(back):
        return State.DONE, "it was interrupted, and the file is in neither place"
    give_up(trace)
    return State.UNDONE, FINISHED


def _place(trace: Trace) -> bytes:
    if trace.place is None:
        raise Lost("the system's trash did not say where it went; restore it from there")
    return trace.place


def _has_inode(path: bytes, trace: Trace) -> bool:
    try:
        return os.lstat(path).st_ino == trace.inode
    except OSError:
        return False


def destination(operation: Operation) -> bytes:
    """Where a move goes.

    Raises
    ------
    FileExistsError
        If something is there.
    """
    target = operation.target or operation.path
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    return target
