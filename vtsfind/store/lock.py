"""One writer at a time for a library: a lock that the operating system holds, and a note of who holds it.

The lock is on the file `lock`; it ends with the process that took it, however that ends. The file `owner.json` says
who took it last, for messages only: it may be missing or out of date, and nothing is decided by it. A file of that name
that says anything else is left alone.
"""

import json
import os
import socket
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

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
        if self._owner.exists() and _read_note(self._owner) is None:
            return
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
                if _read_note(self._owner):
                    self._owner.unlink(missing_ok=True)
            self._lock.release()


def _read_note(owner: Path) -> dict[str, Any] | None:
    """What a note says; None if it is missing or none of vtsfind's."""
    try:
        note = json.loads(owner.read_bytes())
    except (OSError, ValueError):
        return None
    return note if isinstance(note, dict) and set(note) == {"pid", "host", "since"} else None


def _owner_text(owner: Path) -> str:
    note = _read_note(owner)
    return f"process {note['pid']} on {note['host']} since {note['since']}" if note else "another process"
