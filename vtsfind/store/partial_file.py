"""A file that comes piece by piece, over several runs if need be, and takes its name only when it is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from vtsfind.base.progress import CancelToken
from vtsfind.store.atomic import fsync_folder

PART_SUFFIX = ".part"
_POLL_INTERVAL_S = 0.2


class PartialFile:
    """What has come so far of the file `path`: the sibling ``NAME.part``, which outlives the process.

    Only the process that is inside `exclusive_lock` for the same path may use it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + PART_SUFFIX)

    @property
    def size(self) -> int:
        """Bytes that have come."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def open(self, *, fresh: bool) -> BinaryIO:
        """Open for writing: behind what is there, or from the beginning if `fresh`."""
        return self.part.open("wb" if fresh else "ab")

    def discard(self) -> None:
        """Forget what has come."""
        self.part.unlink(missing_ok=True)

    def complete(self) -> None:
        """Make what has come the whole of `path`, flushed to the disk; `path` is never seen half written."""
        with self.part.open("r+b") as file:
            os.fsync(file.fileno())
        self.part.replace(self.path)
        fsync_folder(self.path.parent)


@contextmanager
def exclusive_lock(path: Path, cancel: CancelToken) -> Iterator[None]:
    """Keep other processes from making `path` at the same time; waits for one that does, until cancelled.

    The lock file ``.NAME.lock`` stays behind; the lock itself ends with the process.

    Raises
    ------
    Cancelled
        When asked to stop while waiting.
    OSError
        When the lock file cannot be made.
    """
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    while True:
        try:
            lock.acquire(timeout=_POLL_INTERVAL_S)
            break
        except Timeout:
            cancel.check()
    try:
        yield
    finally:
        lock.release()
