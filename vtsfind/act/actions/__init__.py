"""The only part of vtsfind that changes a user's file: do, roll back or finish after a kill, and undo.

The caller checks the files first (`vtsfind.act.checks`), writes what `Actions.prepare` gives into the journal, has it flushed to
the disk, and only then calls `Actions.perform`. Each step here either happens wholly or leaves everything as it was.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from vtsfind.act.actions import linking as replacing
from vtsfind.act.actions import moving as taking
from vtsfind.act.actions import system_trash as system
from vtsfind.act.actions.copying import metadata_of
from vtsfind.act.actions.guards import require_as_checked
from vtsfind.act.actions.outcomes import Lost, NotYet, Refused, noted
from vtsfind.act.actions.renaming import make_folders
from vtsfind.act.actions.xdg_trash import NoPlace, Quarantine, Slot, Trash
from vtsfind.act.checks import Checked, Doubt
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Operation, State, Trace
from vtsfind.base.records import show_path
from vtsfind.store.journal import Life

__all__ = ["Actions", "Lost", "NotYet", "Refused"]

_REPLACED = {Action.HARDLINK, Action.REFLINK, Action.SYMLINK, Action.DELETE}


class Actions:
    """What one run does to files.

    Parameters
    ----------
    run
        The name of the run; its quarantine is named after it.
    """

    def __init__(self, run: str) -> None:
        self.volumes = Volumes()
        self._trash = Trash(self.volumes)
        self._quarantine = Quarantine(self.volumes, run)
        self._made: set[bytes] = set()
        self._token = secrets.token_hex(6)

    def prepare(self, checked: Checked) -> Trace:
        """Reserve a place for a file; gives what the journal has to note before the file is touched.

        Raises
        ------
        Refused
            If there is no place for it; nothing is left behind.
        """
        operation = checked.operation
        volume = self.volumes.of(operation.path)
        aside = f".vtsfind-{self._token}-{operation.number}".encode()
        trace = Trace(checked.seen.inode, volume.mount, volume.identifier, aside=aside)
        with _refusing(operation):
            if operation.action in _REPLACED:
                return (
                    replace(trace, metadata=metadata_of(operation.path)) if operation.same_content else trace
                )
            if operation.action is Action.MOVE:
                return self._with_target(trace, operation)
            if operation.action is Action.TRASH and system.is_used():
                return trace
            slot = self._reserved(operation)
            return replace(
                trace,
                place=slot.place,
                record=slot.record,
                made=slot.made,
                place_mount=volume.mount,
                place_volume=volume.identifier,
            )

    def _reserved(self, operation: Operation) -> Slot:
        """A place in the trash or, where there is none or none is wanted, in the quarantine."""
        if operation.action is Action.TRASH:
            try:
                return self._trash.reserve(operation.path)
            except NoPlace as no_trash:
                try:
                    return self._quarantine.reserve(operation)
                except NoPlace as no_quarantine:
                    raise Refused(
                        f"no trash ({no_trash}) and no quarantine ({no_quarantine}) can be made for it"
                    ) from no_quarantine
        try:
            return self._quarantine.reserve(operation)
        except NoPlace as error:
            raise Refused(f"no quarantine can be made for it ({error})") from error

    def _with_target(self, trace: Trace, operation: Operation) -> Trace:
        place = taking.destination(operation)
        folder = os.path.dirname(place)
        self._made.update(make_folders(folder))
        made = []
        while folder in self._made:
            made.append(folder)
            folder = os.path.dirname(folder)
        volume = self.volumes.of(place)
        return replace(
            trace,
            place=place,
            made=tuple(reversed(made)),
            place_mount=volume.mount,
            place_volume=volume.identifier,
        )

    def give_up(self, trace: Trace) -> None:
        """Let go of what `prepare` reserved."""
        taking.give_up(trace)

    def perform(self, checked: Checked, trace: Trace) -> Trace | None:
        """Do it. The journal has the trace on the disk already.

        Returns
        -------
        What the journal has to note in place of `trace`; None if that still holds.

        Raises
        ------
        Refused
            If it could not be done; everything is as it was.
        """
        operation = checked.operation
        with _refusing(operation, lambda: self.give_up(trace)):
            require_as_checked(checked)
            if operation.action in _REPLACED:
                replacing.replace(checked, trace)
            elif trace.place is None:
                return self._sent(checked, trace)
            else:
                taking.take(checked, trace)
        return None

    def _sent(self, checked: Checked, trace: Trace) -> Trace:
        """Use the system's trash; if the keeper turns out to be the same file, take it out again."""
        system.send(checked.operation.path)
        found = replace(trace, place=system.find(trace, self.volumes))
        if found.place is not None:
            taking.require_sent_alone(checked, found.place)
        return found

    def settle(self, life: Life) -> tuple[State, str, Trace | None] | None:
        """Finish or roll back an operation that a killed process left begun, or half undone.

        Returns
        -------
        Its state then, a note, and a trace to note in place of the one it had; None if its drive is not there now.
        """
        operation, trace = noted(life)
        mounts = [trace.mount, *([trace.place_mount] if trace.place_mount else [])]
        if not all(map(self.volumes.is_mounted, mounts)):
            return None
        if operation.action in _REPLACED:
            settled = replacing.settle_return if life.state is State.UNDOING else replacing.settle
            return *settled(life), None
        if trace.place is None:
            trace = replace(trace, place=system.find(trace, self.volumes) or b"")
            life = replace(life, trace=trace)
        back = life.state is State.UNDOING
        return *(taking.settle_return(life) if back else taking.settle(life)), trace

    def way_back(self, life: Life) -> bytes | None:
        """Where the file of an operation that was done would come back to; None if it is there already.

        Raises
        ------
        NotYet
            If its drive is not there now.
        Lost
            If it cannot come back.
        """
        if life.operation.action in _REPLACED:
            return replacing.way_back(life, self.volumes)
        return taking.way_back(life, self.volumes)

    def bring_back(self, life: Life) -> str:
        """Bring a file back to where the journal says; gives a note, or nothing.

        Raises
        ------
        Refused
            If it cannot come back; everything is as it was.
        """
        with _refusing(life.operation):
            if life.operation.action in _REPLACED:
                return replacing.bring_back(life)
            return taking.bring_back(life)


@contextmanager
def _refusing(operation: Operation, clean: Callable[[], None] | None = None) -> Iterator[None]:
    """Turn what the system and the last looks say into `Refused`; call `clean` first."""
    try:
        yield
    except (OSError, Doubt, Lost, Refused) as error:
        if clean is not None:
            clean()
        if isinstance(error, Refused):
            raise
        if isinstance(error, OSError):
            raise Refused(f"{show_path(operation.path)}: {_words(error)}") from error
        raise Refused(str(error)) from error


def _words(error: OSError) -> str:
    named = error.filename2 or error.filename
    where = f" ({show_path(os.fsencode(named))})" if isinstance(named, str | bytes) else ""
    return f"{error.strerror or error}{where}"
