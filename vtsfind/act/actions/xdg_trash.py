"""Reserving a place for a removed file: in the trash of Linux desktops, or in a quarantine on the same volume.

The trash is that of the freedesktop.org Trash specification 1.0, which every desktop shows: in the user's data folder for
files of the same volume, otherwise at the top of the file's volume; only in folders that belong to the user
(`vtsfind.act.actions.private_folders`). A place is reserved before any file moves, by creating its ``.trashinfo`` exclusively,
so that the journal can name the place beforehand and a killed run can be recovered. (send2trash, used here on macOS and
Windows, does not tell where a file goes, and copies across volumes when it cannot rename.)

Where no trash can be created, the quarantine is used: the folder ``.vtsfind-quarantine-UID`` as near to the top of the file's
volume as permissions allow, with a folder for each run and in it one for each operation, which holds the file and
``restore.json``: its original path, size and SHA-256.
"""

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from vtsfind.act.actions.private_folders import make_private, require_same_device
from vtsfind.act.volumes import Volume, Volumes
from vtsfind.base.operations import Operation
from vtsfind.base.paths import exact_path_fields, is_below
from vtsfind.store.atomic import write_new

RECORD_NAME = b"restore.json"
_INFO_SUFFIX = b".trashinfo"
_MAX_NAME_BYTES = 200
"""Bytes of a name in the trash, so that a number and the suffix still fit into the usual limit of 255."""


class NoPlaceAvailable(Exception):
    """No place can be reserved; the message is for people."""


@dataclass(frozen=True, slots=True)
class ReservedPlace:
    """A place that is reserved for one file."""

    place: bytes
    """The path to which the file will be renamed."""
    record: bytes
    """The file that names the original path; it exists already."""
    made: tuple[bytes, ...] = ()
    """Folders to remove when the place is released, outermost first."""


def user_id() -> bytes:
    """The user's id, as a part of folder names."""
    return b"%d" % os.getuid() if hasattr(os, "getuid") else b"user"


class Trash:
    """The trash of the freedesktop.org specification."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes
        self._numbers: dict[bytes, int] = {}

    def reserve(self, path: bytes) -> ReservedPlace:
        """Reserve a place for a file.

        Raises
        ------
        NoPlaceAvailable
            If there is no trash on the file's volume, and none can be created.
        """
        volume = self._volumes.of(path)
        home = os.path.realpath(home_trash())
        refusal: OSError | None = None
        try:
            if self._volumes.of(os.path.join(home, b"")) == volume:
                os.makedirs(os.path.dirname(home), 0o700, exist_ok=True)
                return self._reserve_in(home, path, path)
        except OSError as error:
            refusal = error
        for trash in _volume_trashes(volume):
            try:
                return self._reserve_in(trash, path, _relative_to_mount(volume.mount, path))
            except OSError as error:  # the specification says to continue with the next
                refusal = error
        raise NoPlaceAvailable(f"{refusal and refusal.strerror}") from refusal

    def _reserve_in(self, trash: bytes, path: bytes, recorded_path: bytes) -> ReservedPlace:
        files, info = os.path.join(trash, b"files"), os.path.join(trash, b"info")
        for folder in (trash, files, info):
            make_private(folder)
        require_same_device(files, path)
        stem, extension = os.path.splitext(os.path.basename(path))
        stem, extension = stem[: _MAX_NAME_BYTES - len(extension)], extension[:_MAX_NAME_BYTES]
        key = os.path.join(files, stem + extension)
        while True:
            number = self._numbers[key] = self._numbers.get(key, 0) + 1
            name = stem + (b" %d" % number if number > 1 else b"") + extension
            record = os.path.join(info, name + _INFO_SUFFIX)
            if os.path.lexists(os.path.join(files, name)):
                continue
            try:
                write_new(record, _trash_info(recorded_path))
            except FileExistsError:
                continue
            return ReservedPlace(os.path.join(files, name), record)


def _volume_trashes(volume: Volume) -> Iterator[bytes]:
    """The folders for this user's trash at the top of a volume: in the shared one, if an administrator made it, then the own."""
    shared = os.path.join(volume.mount, b".Trash")
    with suppress(OSError):
        status = os.lstat(shared)
        by_administrator = status.st_uid in {0, os.geteuid()}
        if stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and by_administrator:
            yield os.path.join(shared, user_id())
    yield os.path.join(volume.mount, b".Trash-" + user_id())


def home_trash() -> bytes:
    """The trash in the user's data folder."""
    data = os.environb.get(b"XDG_DATA_HOME", b"") if os.supports_bytes_environ else b""
    if not os.path.isabs(data):
        data = os.path.expanduser(b"~/.local/share")
    return os.path.join(data, b"Trash")


def _trash_info(recorded_path: bytes) -> bytes:
    when = datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S")
    return f"[Trash Info]\nPath={quote(recorded_path)}\nDeletionDate={when}\n".encode()


def _relative_to_mount(mount: bytes, path: bytes) -> bytes:
    """A path relative to the top of its volume; the absolute path if it does not lie below it."""
    real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
    return os.path.relpath(real, mount) if is_below(real, mount) else path


class Quarantine:
    """A folder of vtsfind on the volume of each file.

    Parameters
    ----------
    volumes
        The mounted volumes.
    run
        The name of the run, which gets a folder of its own.
    """

    def __init__(self, volumes: Volumes, run: str) -> None:
        self._volumes = volumes
        self._run = run.encode()
        self._quarantine_folders: dict[bytes, bytes] = {}
        self._made: set[bytes] = set()

    def reserve(self, operation: Operation) -> ReservedPlace:
        """Reserve a place for the file of an operation.

        Raises
        ------
        NoPlaceAvailable
            If no folder can be created on the volume.
        """
        path = operation.path
        try:
            run_folder = os.path.join(self._quarantine_folder(path), self._run)
            self._make(run_folder)
            folder = _new_folder(os.path.join(run_folder, b"%d" % operation.number))
        except OSError as error:
            raise NoPlaceAvailable(f"{error.strerror}") from error
        record = os.path.join(folder, RECORD_NAME)
        name = os.path.basename(path)
        place = os.path.join(folder, name if name != RECORD_NAME else b"_" + name)
        facts = {**exact_path_fields(path), "size": operation.size, "sha256": operation.digest.hex()}
        try:
            write_new(record, json.dumps(facts, ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            os.rmdir(folder)
            raise NoPlaceAvailable(f"{error.strerror}") from error
        above = (os.path.dirname(run_folder), run_folder)
        return ReservedPlace(place, record, (*(one for one in above if one in self._made), folder))

    def _quarantine_folder(self, path: bytes) -> bytes:
        """The quarantine for the files of a folder: as near to the top of the volume as permissions allow."""
        folder = os.path.dirname(path)
        if folder not in self._quarantine_folders:
            self._quarantine_folders[folder] = self._highest_writable_folder(
                folder, self._volumes.of(path).mount
            )
        return self._quarantine_folders[folder]

    def _highest_writable_folder(self, folder: bytes, mount: bytes) -> bytes:
        folder = os.path.realpath(folder)
        chain = [folder]
        while chain[-1] != mount and os.path.dirname(chain[-1]) != chain[-1]:
            chain.append(os.path.dirname(chain[-1]))
        refusal = OSError(errno.EACCES, os.strerror(errno.EACCES), folder)
        # Folders that all users share come last: another user could create a folder of that name there.
        chain.reverse()
        for above in sorted(chain, key=_is_shared):
            top = os.path.join(above, b".vtsfind-quarantine-" + user_id())
            try:
                require_same_device(above, folder)
                self._make(top)
            except OSError as error:
                refusal = error
                continue
            if os.access(top, os.W_OK | os.X_OK):
                return top
        raise refusal

    def _make(self, folder: bytes) -> None:
        if make_private(folder):
            self._made.add(folder)


def _is_shared(folder: bytes) -> bool:
    """Whether a folder is the root folder, or for temporary files of all users (sticky bit)."""
    return os.path.dirname(folder) == folder or bool(os.stat(folder).st_mode & stat.S_ISVTX)


def _new_folder(path: bytes) -> bytes:
    """Create a folder with a new name: another computer may have used the same drive with a run of this name."""
    number = 1
    while True:
        folder = path + (b"-%d" % number if number > 1 else b"")
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            number += 1
        else:
            return folder
