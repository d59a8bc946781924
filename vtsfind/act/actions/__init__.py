"""The only part of vtsfind that changes a user's file: perform an action, undo it, and recover it after a kill.

The caller checks the files first (`vtsfind.act.checks`), writes the undo record from `Actions.prepare` into the journal, flushes
it to the disk, and only then calls `Actions.perform`. Each step either succeeds completely or changes nothing.
"""

import os
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace

from vtsfind.act.actions import linking as replacing
from vtsfind.act.actions import moving as taking
from vtsfind.act.actions import system_trash as system
from vtsfind.act.actions.copying import read_metadata
from vtsfind.act.actions.guards import require_as_checked
from vtsfind.act.actions.outcomes import (
    ActionRefused,
    NotRestorable,
    NotRestorableYet,
)
from vtsfind.act.actions.renaming import make_folders
from vtsfind.act.actions.xdg_trash import NoPlaceAvailable, Quarantine, ReservedPlace, Trash
from vtsfind.act.checks import CheckedOperation, CheckFailed
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Operation, State, UndoRecord
from vtsfind.base.paths import show_path
from vtsfind.store.run_record import OperationRecord

__all__ = ["ActionRefused", "Actions", "NotRestorable", "NotRestorableYet"]

_REPLACING_ACTIONS = {Action.HARDLINK, Action.REFLINK, Action.SYMLINK, Action.DELETE}


class Actions:
    """The actions of one run.

    Parameters
    ----------
    run
        The name of the run; its folder in the quarantine has this name.
    """

    def __init__(self, run: str) -> None:
        self.volumes = Volumes()
        self._trash = Trash(self.volumes)
        self._quarantine = Quarantine(self.volumes, run)
        self._made: set[bytes] = set()
        self._token = secrets.token_hex(6)

    def prepare(self, checked: CheckedOperation) -> UndoRecord:
        """Reserve a destination for a file; returns the undo record for the journal.

        Raises
        ------
        ActionRefused
            If there is no destination; nothing is left behind.
        """
        operation = checked.operation
        volume = self.volumes.of(operation.path)
        aside = f".vtsfind-{self._token}-{operation.number}".encode()
        undo_record = UndoRecord(checked.file_stat.inode, volume.mount, volume.identifier, aside=aside)
        with _as_refused(operation):
            if operation.action in _REPLACING_ACTIONS:
                return (
                    replace(undo_record, metadata=read_metadata(operation.path))
                    if operation.same_content
                    else undo_record
                )
            if operation.action is Action.MOVE:
                return self._with_destination(undo_record, operation)
            if operation.action is Action.TRASH and system.is_used():
                return undo_record
            slot = self._reserve_place(operation)
            return replace(
                undo_record,
                place=slot.place,
                record=slot.record,
                made=slot.made,
                place_mount=volume.mount,
                place_volume=volume.identifier,
            )

    def _reserve_place(self, operation: Operation) -> ReservedPlace:
        """Reserve a place in the trash or, if there is no trash or quarantine was asked for, in the quarantine."""
        if operation.action is Action.TRASH:
            try:
                return self._trash.reserve(operation.path)
            except NoPlaceAvailable as no_trash:
                try:
                    return self._quarantine.reserve(operation)
                except NoPlaceAvailable as no_quarantine:
                    raise ActionRefused(
                        f"neither a trash ({no_trash}) nor a quarantine ({no_quarantine}) can be created for it"
                    ) from no_quarantine
        try:
            return self._quarantine.reserve(operation)
        except NoPlaceAvailable as error:
            raise ActionRefused(f"no quarantine can be created for it ({error})") from error

    def _with_destination(self, undo_record: UndoRecord, operation: Operation) -> UndoRecord:
        place = taking.destination(operation)
        folder = os.path.dirname(place)
        self._made.update(make_folders(folder))
        made = []
        while folder in self._made:
            made.append(folder)
            folder = os.path.dirname(folder)
        volume = self.volumes.of(place)
        return replace(
            undo_record,
            place=place,
            made=tuple(reversed(made)),
            place_mount=volume.mount,
            place_volume=volume.identifier,
        )

    def release(self, undo_record: UndoRecord) -> None:
        """Release what `prepare` reserved."""
        taking.release(undo_record)

    def perform(self, checked: CheckedOperation, undo_record: UndoRecord) -> UndoRecord | None:
        """Perform the action. The journal has the undo record on the disk already.

        Returns
        -------
        An undo record that replaces `undo_record` in the journal; None if that is still right.

        Raises
        ------
        ActionRefused
            If it fails; nothing changed.
        """
        operation = checked.operation
        with _as_refused(operation, lambda: self.release(undo_record)):
            require_as_checked(checked)
            if operation.action in _REPLACING_ACTIONS:
                replacing.replace(checked, undo_record)
            elif undo_record.place is None:
                return self._send_to_system_trash(checked, undo_record)
            else:
                taking.move_away(checked, undo_record)
        return None

    def _send_to_system_trash(self, checked: CheckedOperation, undo_record: UndoRecord) -> UndoRecord:
        """Use the system's trash; if the keeper turns out to be the same file, restore it."""
        system.send(checked.operation.path)
        found = replace(undo_record, place=system.find(undo_record, self.volumes))
        if found.place is not None:
            taking.require_only_file_trashed(checked, found.place)
        return found

    def finish_or_roll_back(self, op_record: OperationRecord) -> tuple[State, str, UndoRecord | None]:
        """Finish or roll back an operation or an undo that a killed process left incomplete.

        Returns
        -------
        The new state, a note, and an undo record that replaces the old one; None if the old one is still right.

        Raises
        ------
        NotRestorableYet
            If it is not possible now: a drive is not mounted, or the system refuses.
        """
        operation, undo_record = op_record.operation, op_record.undo_record
        if undo_record is None:
            before = State.DONE if op_record.state is State.UNDOING else State.FAILED
            return before, "interrupted; the journal has no undo record of it", None
        for mount in (undo_record.mount, undo_record.place_mount):
            if mount is not None and not self.volumes.is_mounted(mount):
                raise NotRestorableYet(f"the drive at {show_path(mount)} is not mounted")
        try:
            state, note, found = self._settle(op_record, operation, undo_record)
        except (OSError, CheckFailed, NotRestorable) as error:
            reason = _error_text(error) if isinstance(error, OSError) else str(error)
            raise NotRestorableYet(f"it cannot be finished or rolled back now ({reason})") from error
        if state is State.FAILED and self._is_another_volume(undo_record):
            raise NotRestorableYet(f"another drive is mounted at {show_path(undo_record.mount)}")
        return state, note, found

    def _settle(
        self, op_record: OperationRecord, operation: Operation, undo_record: UndoRecord
    ) -> tuple[State, str, UndoRecord | None]:
        is_undone = op_record.state is State.UNDOING
        if operation.action in _REPLACING_ACTIONS:
            settled = replacing.finish_or_roll_back_restore if is_undone else replacing.finish_or_roll_back
            return *settled(op_record), None
        if undo_record.place is None:
            undo_record = replace(undo_record, place=system.find(undo_record, self.volumes) or b"")
            op_record = replace(op_record, undo_record=undo_record)
        settle = taking.finish_or_roll_back_restore if is_undone else taking.finish_or_roll_back
        return *settle(op_record), undo_record

    def _is_another_volume(self, undo_record: UndoRecord) -> bool:
        """Whether the drives that are mounted now may not be those that an operation was on."""
        mounts = [(undo_record.mount, undo_record.volume)]
        if undo_record.place_mount is not None:
            mounts.append((undo_record.place_mount, undo_record.place_volume))
        return any(self.volumes.is_absent(mount, identifier) for mount, identifier in mounts)

    def restore_path(self, op_record: OperationRecord, taken: Collection[bytes] = ()) -> bytes | None:
        """The path to which the file of an operation would be restored; None if it is there already.

        `taken` are the paths to which others will be restored.

        Raises
        ------
        NotRestorableYet
            If its drive is not mounted now.
        NotRestorable
            If it cannot be restored.
        """
        if op_record.operation.action in _REPLACING_ACTIONS:
            return replacing.restore_path(op_record, self.volumes, taken)
        return taking.restore_path(op_record, self.volumes, taken)

    def may_restore(self, op_record: OperationRecord) -> bool:
        """Whether the file of an operation can be restored, now or when its drive is there."""
        try:
            self.restore_path(op_record)
        except NotRestorableYet:
            return True
        except (NotRestorable, OSError):
            return False
        return True

    def restore(self, op_record: OperationRecord) -> str:
        """Restore a file to the path in the journal; returns a note, or an empty text.

        Raises
        ------
        ActionRefused
            If it cannot be restored; nothing changed.
        """
        with _as_refused(op_record.operation):
            if op_record.operation.action in _REPLACING_ACTIONS:
                return replacing.restore(op_record)
            return taking.restore(op_record)


@contextmanager
def _as_refused(operation: Operation, clean: Callable[[], None] | None = None) -> Iterator[None]:
    """Turn errors of the system and failed checks into `ActionRefused`; call `clean` first."""
    try:
        yield
    except (OSError, CheckFailed, NotRestorable, ActionRefused) as error:
        if clean is not None:
            clean()
        if isinstance(error, ActionRefused):
            raise
        if isinstance(error, OSError):
            raise ActionRefused(f"{show_path(operation.path)}: {_error_text(error)}") from error
        raise ActionRefused(str(error)) from error


def _error_text(error: OSError) -> str:
    named = error.filename2 or error.filename
    where = f" ({show_path(os.fsencode(named))})" if isinstance(named, str | bytes) else ""
    return f"{error.strerror or error}{where}"
