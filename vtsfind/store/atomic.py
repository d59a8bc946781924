"""Writing files so that they are never seen half written."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TOKEN_BYTES = 8
_PRIVATE_MODE = 0o700
LEFTOVER = rf"\.(?P<name>.+)\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}\.tmp(-journal|-wal|-shm)?"
"""What the name of a temporary sibling is like, or of a file that SQLite made beside it."""


@contextmanager
def atomic_replace(path: Path) -> Iterator[Path]:
    """Replace a file as a whole: whoever opens `path`, at any moment, sees the old file or the new one.

    Yields the path of a temporary file in the same folder, which the caller writes. When the block ends, that file is
    flushed to the disk and renamed to `path`, and the folder is flushed. When the block raises, it is removed and `path`
    is unchanged. A killed process leaves it behind; `vtsfind.store.folders.remove_leftovers` removes it. Owner and mode of
    the old file are not copied.

    Raises
    ------
    OSError
        From any of these steps.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(_TOKEN_BYTES)}.tmp")
    try:
        yield temporary
        with temporary.open("r+b") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        fsync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for this user alone, whatever the process's mask is.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_PRIVATE_MODE, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def fsync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Replace the file `path` by `content`, with `atomic_replace`.

    Raises
    ------
    OSError
        When it cannot be written; the old file is unchanged.
    """
    with atomic_replace(path) as temporary:
        temporary.write_bytes(content)


def remove_file(path: Path) -> None:
    """Remove a file of vtsfind's own, if it is there.

    Raises
    ------
    OSError
        When it cannot be removed.
    """
    path.unlink(missing_ok=True)


def write_new(path: bytes, content: bytes) -> None:
    """Create a file that does not exist yet, completely or not at all.

    Raises
    ------
    FileExistsError
        If the path exists.
    OSError
        If it cannot be written.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except BaseException:
        os.unlink(path)
        raise
