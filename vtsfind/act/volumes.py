"""The volume of a file, and whether it is mounted."""

import os
import re
from dataclasses import dataclass
from functools import lru_cache

_MOUNTINFO_PATH = "/proc/self/mountinfo"
_OCTAL_ESCAPE = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted file system, or a part of one that is mounted by itself."""

    mount: bytes
    """Its mount point. A file can be renamed only within one mount."""
    identifier: int
    """The id of the file system; 0 if it has none. Some file systems have another one each time they are mounted."""


class Volumes:
    """The mounted volumes, as of construction. The volume of a folder is looked up once."""

    def __init__(self) -> None:
        self._mounts = _mount_table()
        self._of_folder = lru_cache(maxsize=4096)(self._find)

    def of(self, path: bytes) -> Volume:
        """The volume of a file, or of the nearest folder above it that exists."""
        return self._of_folder(os.path.dirname(path))

    def _find(self, folder: bytes) -> Volume:
        while not os.path.isdir(folder) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        real = os.path.realpath(folder)
        while not self._is_mount(real):
            real = os.path.dirname(real)
        return Volume(real, identifier(real))

    def _is_mount(self, folder: bytes) -> bool:
        if os.path.dirname(folder) == folder or folder in self._mounts:
            return True
        # Where the table is empty, as in some sandboxes, the device numbers decide.
        return not self._mounts and os.path.ismount(folder)

    def is_mounted(self, mount: bytes) -> bool:
        """Whether a volume is mounted at this mount point."""
        return os.path.isdir(mount) and self._is_mount(mount)

    def is_absent(self, mount: bytes, recorded_identifier: int) -> bool:
        """Whether the recorded volume is not mounted there: no volume is, or one with another id."""
        if not self.is_mounted(mount):
            return True
        now = identifier(mount)
        return bool(recorded_identifier and now and now != recorded_identifier)


def identifier(mount: bytes) -> int:
    """The id of the file system mounted there; 0 if it has none."""
    try:
        return int(os.statvfs(mount).f_fsid)
    except (AttributeError, OSError):  # no such call on Windows
        return 0


def _mount_table() -> frozenset[bytes]:
    """Every mount point that the kernel lists, including bind mounts; empty where there is no list."""
    try:
        with open(_MOUNTINFO_PATH, "rb") as table:
            fields = [line.split(b" ") for line in table]
    except OSError:
        return frozenset()
    return frozenset(
        _OCTAL_ESCAPE.sub(lambda match: bytes([int(match[1], 8)]), line[4])
        for line in fields
        if len(line) > 4
    )
