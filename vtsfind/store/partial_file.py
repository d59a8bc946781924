"""A file that is written piece by piece, over several runs if necessary, and gets its name only when it is complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vtsfind.base.progress import CancelToken
from vtsfind.store.atomic import fsync_folder

PART_SUFFIX = ".part"
_POLL_INTERVAL_S = 0.2


class PartialFile:
    """The part of the file `path` that exists so far: the file ``NAME.part`` beside it, which outlives the process.

    Only the process that holds `exclusive_lock` for the same path may use it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + PART_SUFFIX)

    @property
    def size(self) -> int:
        """Bytes that exist so far."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def open(self, *, fresh: bool) -> BinaryIO:
        """Open for appending, or for writing from the beginning if `fresh`."""
        return self.part.open("wb" if fresh else "ab")

    def discard(self) -> None:
        """Delete the part."""
        self.part.unlink(missing_ok=True)

    def complete(self) -> None:
        """Flush the part to the disk and rename it to `path`, which is never seen half written."""
        with self.part.open("r+b") as file:
            os.fsync(file.fileno())
        self.part.replace(self.path)
        fsync_folder(self.path.parent)


@contextmanager
def exclusive_lock(path: Path, cancel: CancelToken) -> Iterator[None]:
    """Lock `path` against other processes that write it; waits for the lock until cancelled.

    The lock file ``.NAME.lock`` is not deleted; the lock itself ends with the process.

    Raises
    ------
    Cancelled
        If it is cancelled while waiting.
    OSError
        If the lock file cannot be created.
    """
    from filelock import FileLock, Timeout

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
