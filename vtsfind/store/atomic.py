"""The one way in which a file of a library is replaced."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TOKEN_BYTES = 8
LEFTOVER = rf"\.(?P<name>.+)\.[0-9a-f]{{{2 * _TOKEN_BYTES}}}\.tmp(-journal|-wal|-shm)?"
"""What the name of a temporary sibling is like, or of a file that SQLite made beside it."""


@contextmanager
def atomic_replace(path: Path) -> Iterator[Path]:
    """Replace a file as a whole: whoever opens `path`, at any moment, sees the old file or the new one.

    The caller writes a temporary sibling, whose name this gives. When the block ends well, the sibling is flushed to
    the disk, renamed to `path`, and the folder is flushed. When it raises, the sibling is removed and `path` stays as
    it was. A killed process leaves the sibling behind; `vtsfind.store.folders.remove_leftovers` takes it away. The
    file's owner and mode are not carried over.

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


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can do that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_file(path: Path, content: bytes) -> None:
    """Make `content` the whole of the file `path`, by `atomic_replace`.

    Raises
    ------
    OSError
        When the place cannot be written; the old file is still there then.
    """
    with atomic_replace(path) as temporary:
        temporary.write_bytes(content)


def write_new(path: bytes, content: bytes) -> None:
    """Write a file that must not be there yet; all of it, or none.

    Raises
    ------
    FileExistsError
        If something is there.
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
