"""One writer at a time for a library: a lock of the operating system, and a file that names its holder.

The lock is on the file `lock`; it ends with the process that holds it, however that ends. The file `owner.json` names
the last holder, for messages only: it may be missing or out of date, and no decision depends on it. A file of that name
with other content is left alone.
"""

import json
import os
import platform
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from vtsfind.base.errors import LibraryLocked
from vtsfind.base.files import MAX_SETTINGS_BYTES, read_bounded
from vtsfind.store.atomic import atomic_replace

LOCK_NAME = "lock"
OWNER_NAME = "owner.json"


class WriterLock:
    """The lock for writing to the library in `folder`, held from construction to `release`.

    Raises
    ------
    LibraryLocked
        If another process, or another `WriterLock` of this one, holds it; without waiting.
    OSError
        If the lock file cannot be created.
    """

    def __init__(self, folder: Path) -> None:
        from filelock import FileLock, Timeout

        self._owner = folder / OWNER_NAME
        # Not bound to a thread: another thread may release it.
        self._lock = FileLock(folder / LOCK_NAME, thread_local=False)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            owner = _owner_text(self._owner)
            raise LibraryLocked(
                f"The library {folder} is in use by {owner}.",
                "Wait until it is done, or stop it.",
                owner=owner,
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
            "host": platform.node(),
            "since": datetime.now().astimezone().isoformat(timespec="seconds"),
        }
        with atomic_replace(self._owner) as temporary:
            temporary.write_text(json.dumps(owner) + "\n", encoding="utf-8")

    def release(self) -> None:
        """Release the lock; calling it again does nothing."""
        if self._lock.is_locked:
            with suppress(OSError):
                if _read_note(self._owner):
                    self._owner.unlink(missing_ok=True)
            self._lock.release()


def _read_note(owner: Path) -> dict[str, Any] | None:
    """The content of `owner.json`; None if it is missing or has other content."""
    try:
        note = json.loads(read_bounded(owner, MAX_SETTINGS_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return note if isinstance(note, dict) and set(note) == {"pid", "host", "since"} else None


def _owner_text(owner: Path) -> str:
    note = _read_note(owner)
    return f"process {note['pid']} on {note['host']} since {note['since']}" if note else "another process"
