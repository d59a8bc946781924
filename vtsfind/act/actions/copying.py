"""Complete copies: content, times, permissions, extended attributes and access control lists."""

import hashlib
import os
import shutil
import stat
import sys
from contextlib import suppress
from pathlib import Path

from vtsfind.act.checks import CheckFailed, open_no_atime
from vtsfind.base.operations import Metadata
from vtsfind.store.atomic import fsync_folder

_FICLONE = 0x40049409  # Linux: the ioctl that makes a reflink
_COPY_CHUNK_BYTES = 1 << 20


def read_metadata(path: bytes) -> Metadata:
    """The metadata of a file."""
    status = os.lstat(path)
    attributes = {}
    if hasattr(os, "listxattr"):
        with suppress(OSError):  # a file system without them
            for name in os.listxattr(path, follow_symlinks=False):
                with suppress(OSError):
                    attributes[name] = os.getxattr(path, name, follow_symlinks=False)
    return Metadata(
        status.st_mode, status.st_uid, status.st_gid, status.st_atime_ns, status.st_mtime_ns, attributes
    )


def apply_metadata(path: bytes, metadata: Metadata) -> None:
    """Set the metadata of a file that we created, as far as the system allows; the times last."""
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(path, metadata.uid, metadata.gid)
    os.chmod(path, stat.S_IMODE(metadata.mode))
    if hasattr(os, "setxattr"):
        for name, value in metadata.attributes.items():
            with suppress(OSError):
                os.setxattr(path, name, value)
    os.utime(path, ns=(metadata.atime_ns, metadata.mtime_ns))


def copy_new(source: bytes, target: bytes, digest: bytes, metadata: Metadata) -> None:
    """Copy a file to a free name, and verify the content of the copy.

    Raises
    ------
    CheckFailed
        If the SHA-256 of the copy is not `digest`; the copy is removed.
    OSError
        From the system; the copy is removed.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(target, flags, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as copy:
            with os.fdopen(open_no_atime(source), "rb") as original:
                shutil.copyfileobj(original, copy, _COPY_CHUNK_BYTES)
            copy.flush()
            os.fsync(descriptor)
            copy.seek(0)
            _require_digest(source, hashlib.file_digest(copy, "sha256").digest(), digest)
        apply_metadata(target, metadata)
        fsync_parent(target)
    except BaseException:
        os.unlink(target)
        raise


def _require_digest(source: bytes, found: bytes, digest: bytes) -> None:
    if found != digest:
        raise CheckFailed(source, "has changed (different content)")


def clone_new(source: bytes, target: bytes, metadata: Metadata) -> None:
    """Create a file that shares its blocks on the disk with another (a reflink).

    Raises
    ------
    OSError
        If the file system cannot do that; nothing is created.
    """
    if sys.platform != "linux":
        raise OSError("reflinks are supported on Linux only")
    import fcntl

    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        original = open_no_atime(source)
        try:
            fcntl.ioctl(descriptor, _FICLONE, original)
        finally:
            os.close(original)
        os.fsync(descriptor)
        apply_metadata(target, metadata)
    except BaseException:
        os.unlink(target)
        raise
    finally:
        os.close(descriptor)


def fsync_parent(path: bytes) -> None:
    """Flush a new name to the disk, where the folder allows it."""
    with suppress(OSError):
        fsync_folder(Path(os.fsdecode(os.path.dirname(path))))
