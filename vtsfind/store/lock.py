"""One writer at a time for a library: a lock that the operating system holds, and a note of who holds it.

The lock is on the file `lock`; it ends with the process that took it, however that ends. The file `owner.json` says
who took it last, for messages only: it may be missing or out of date, and nothing is decided by it.
"""

import json
import os
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from vtsfind.base.errors import LibraryLocked
from vtsfind.store.atomic import atomic_replace

LOCK_NAME = "lock"
OWNER_NAME = "owner.json"


class WriterLock:
    """The right to write to the library in `folder`, from construction to `release`.

    Raises
    ------
    LibraryLocked
        If another process, or another `WriterLock` of this one, holds it; at once, without waiting.
    OSError
        If the lock file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self._owner = folder / OWNER_NAME
        # Not bound to a thread: it may be released by another one than took it.
        self._lock = FileLock(folder / LOCK_NAME, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise LibraryLocked(
                f"The library {folder} is being written by {_owner_text(self._owner)}.",
                "Wait until that is done, or stop it.",
            ) from None
        try:
            self._write_owner()
        except BaseException:
            self._lock.release()
            raise

    def _write_owner(self) -> None:
        owner = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        with atomic_replace(self._owner) as temporary:
            temporary.write_text(json.dumps(owner) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Give the lock back; a second time does nothing."""
        if self._lock.is_locked:
            with suppress(OSError):
                self._owner.unlink(missing_ok=True)
            self._lock.release()


def _owner_text(owner: Path) -> str:
    try:
        note = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {note['pid']} on {note['host']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
