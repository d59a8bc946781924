"""Files whose content another file has: names that become links, and deletion for good.

The file goes to a name beside its own first, so that it can come back if anything fails, and is removed last.
"""

import os
from collections.abc import Callable

from vtsfind.act.actions.copying import clone_new, copy_new, metadata_of
from vtsfind.act.actions.guards import beside, is_it, is_whole, taken_to
from vtsfind.act.actions.moving import FINISHED, ROLLED_BACK
from vtsfind.act.actions.outcomes import Lost, NotYet, noted
from vtsfind.act.actions.renaming import free_name, make_folders, remove_if_there, rename_new
from vtsfind.act.checks import Checked, Doubt, look, verify
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Metadata, Operation, State, Trace
from vtsfind.base.records import show_path
from vtsfind.store.journal import Life


def replace(checked: Checked, trace: Trace) -> None:
    """Put a link to the keeper in the place of a file, or nothing.

    Raises
    ------
    Doubt, OSError
        If that cannot be; the file is where it was.
    """
    operation = checked.operation
    with taken_to(checked, beside(operation.path, trace)):
        if operation.keeper is not None and operation.action in _MAKERS:
            metadata = trace.metadata or metadata_of(beside(operation.path, trace))
            _MAKERS[operation.action](operation.keeper, operation.path, metadata)
            try:
                _require_shown(operation)
            except BaseException:
                os.unlink(operation.path)
                raise
    os.unlink(beside(operation.path, trace))


def _hardlink(keeper: bytes, path: bytes, _: Metadata) -> None:
    os.link(keeper, path, follow_symlinks=False)


def _symlink(keeper: bytes, path: bytes, _: Metadata) -> None:
    os.symlink(keeper, path)


_MAKERS: dict[Action, Callable[[bytes, bytes, Metadata], None]] = {
    Action.HARDLINK: _hardlink,
    Action.SYMLINK: _symlink,
    Action.REFLINK: clone_new,
}


def _require_shown(operation: Operation) -> None:
    """Raise `Doubt` unless the link shows what the file had."""
    shown = os.path.realpath(operation.path) if operation.action is Action.SYMLINK else operation.path
    verify(shown, operation.size, operation.digest)


def settle(life: Life) -> tuple[State, str]:
    """What came of replacing a file when the process was killed, put right: as it was, or done."""
    operation, trace = noted(life)
    held = beside(operation.path, trace)
    if os.path.lexists(held):
        if _is_our_link(operation, trace):
            os.replace(held, operation.path)
        else:
            rename_new(held, free_name(operation.path))
        return State.PLANNED, ROLLED_BACK
    if _is_our_link(operation, trace):
        return State.DONE, FINISHED
    if is_it(operation.path, operation, trace):
        return State.PLANNED, ROLLED_BACK
    if operation.action is Action.DELETE:
        return State.DONE, FINISHED
    return State.FAILED, "it was interrupted, and the file is not there"


def _is_our_link(operation: Operation, trace: Trace) -> bool:
    """Whether the link that an operation makes is in its file's place."""
    path, keeper = operation.path, operation.keeper
    if keeper is None or not os.path.lexists(path):
        return False
    if operation.action is Action.SYMLINK:
        return os.path.islink(path) and os.readlink(path) == keeper
    try:
        seen = look(path)
        if operation.action is Action.HARDLINK:
            return seen.identity == look(keeper).identity
    except Doubt:
        return False
    return operation.action is Action.REFLINK and seen.inode != trace.inode and is_whole(path, operation)


def way_back(life: Life, volumes: Volumes) -> bytes | None:
    """Where a file would come back to: its own path, or one beside it if that is taken; None if it is there already.

    Raises
    ------
    NotYet, Lost
        If it cannot.
    """
    operation, trace = noted(life)
    if not operation.same_content or trace.metadata is None:
        raise Lost("it was deleted for good")
    if not volumes.is_mounted(trace.mount):
        raise NotYet(f"the drive of {show_path(trace.mount)} is not there")
    link = operation.action in {Action.HARDLINK, Action.SYMLINK} and _is_our_link(operation, trace)
    if not link and is_whole(operation.path, operation):
        return None
    if _source(operation) is None:
        raise Lost("no file with its content is left")
    return operation.path if link else free_name(operation.path)


def _source(operation: Operation) -> bytes | None:
    """A file that has the content."""
    candidates = [operation.path, *([operation.keeper] if operation.keeper else [])]
    return next((path for path in candidates if is_whole(path, operation)), None)


def bring_back(life: Life) -> str:
    """Make the file anew from a file of the same content, with its own times and permissions; gives a note or nothing.

    Raises
    ------
    Lost, Doubt, OSError
        If that cannot be; everything is as it was.
    """
    operation, trace = noted(life)
    source, back = _source(operation), trace.back
    if back is None:
        return "it is there already"
    if source is None or trace.metadata is None:
        raise Lost("no file with its content is left")
    make_folders(os.path.dirname(back))
    half = beside(back, trace)
    copy_new(source, half, operation.digest, trace.metadata)
    try:
        if back == operation.path and _is_our_link(operation, trace):
            os.replace(half, back)
        else:
            rename_new(half, back)
    except OSError:
        os.unlink(half)
        raise
    return f"restored beside it as {show_path(back)}" if back != operation.path else ""


def settle_return(life: Life) -> tuple[State, str]:
    """What came of bringing a file back when the process was killed, put right: back, or as it was."""
    operation, trace = noted(life)
    back = trace.back or operation.path
    remove_if_there(beside(back, trace))
    linked = operation.action is not Action.REFLINK and _is_our_link(operation, trace)
    if (linked and back == operation.path) or not is_whole(back, operation):
        return State.DONE, ROLLED_BACK
    return State.UNDONE, FINISHED
