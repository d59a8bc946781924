"""The trash of macOS and Windows, through send2trash. It does not return the new path, so the file is searched for."""

import os
import sys
from collections.abc import Iterator

from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import UndoRecord


def is_used() -> bool:
    """Whether this system has a trash that only send2trash serves."""
    return sys.platform in {"darwin", "win32"}


def send(path: bytes) -> None:
    """Move a file to the trash.

    Raises
    ------
    OSError
        If it fails; the file is where it was.
    """
    from send2trash import send2trash

    send2trash(os.fsdecode(path))


def find(undo_record: UndoRecord, volumes: Volumes) -> bytes | None:
    """The path of a file in the trash, by its inode, which a rename does not change; None if it is not there."""
    for folder in folders(undo_record.mount, volumes):
        try:
            with os.scandir(folder) as entries:
                device = os.stat(undo_record.mount).st_dev
                for entry in entries:
                    status = os.lstat(entry.path)
                    if (status.st_dev, status.st_ino) == (device, undo_record.inode):
                        return os.fsencode(entry.path)
        except OSError:
            continue
    return None


def folders(mount: bytes, volumes: Volumes) -> Iterator[bytes]:
    """The folders that the system uses as trash for a volume."""
    home = os.path.expanduser(b"~")
    if volumes.of(home).mount == mount:
        yield os.path.join(home, b".Trash")
    if hasattr(os, "getuid"):
        yield os.path.join(mount, b".Trashes", b"%d" % os.getuid())
    bin_folder = os.path.join(mount, b"$Recycle.Bin")
    if os.path.isdir(bin_folder):
        for name in os.listdir(bin_folder):
            yield os.path.join(bin_folder, name)
