"""Sharing the work of several runs of `index` by advisory locks, which end with the connection that holds them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vtsfind.base.records import Claim, Found
from vtsfind.store.postgres.rows import signed_stamp
from vtsfind.store.postgres.schema import lock_key

if TYPE_CHECKING:
    import psycopg


class Claims:
    """What one run reads. Each lock is on what is in a file, as far as that is known before it was read: its size and time.

    Parameters
    ----------
    connection
        Holds the locks.
    """

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self._keys: dict[bytes, int] = {}
        """Path to the number of the lock that is held for it."""

    def claim(self, files: Sequence[Found]) -> Claim:
        """Lock what no other run has locked; leaves out what the library has by now."""
        rows = self._connection.execute(
            "SELECT pg_try_advisory_lock(key) FROM unnest(%s::bigint[]) AS key",
            ([_key(found) for found in files],),
        ).fetchall()
        locked = [found for found, (is_own,) in zip(files, rows, strict=True) if is_own]
        self._keys.update((found.path, _key(found)) for found in locked)
        current = self._current(locked)
        done = {found.path for found in locked if current.get(found.path) == signed_stamp(found.stamp)}
        self.release(done)
        others = [found for found, (is_own,) in zip(files, rows, strict=True) if not is_own]
        return Claim([found for found in locked if found.path not in done], others)

    def release(self, paths: Iterable[bytes]) -> None:
        """Unlock what was read, now that it is committed."""
        keys = [self._keys.pop(path) for path in paths if path in self._keys]
        if keys:
            self._connection.execute(
                "SELECT pg_advisory_unlock(key) FROM unnest(%s::bigint[]) AS key", (keys,)
            )

    def _current(self, files: Sequence[Found]) -> dict[bytes, tuple[int, int, int]]:
        """The stamps of those of some files that are photos of the library now."""
        cursor = self._connection.cursor(binary=True).execute(
            "SELECT path, size, mtime_ns, inode FROM files WHERE path = ANY(%s) AND content IS NOT NULL",
            ([found.path for found in files],),
        )
        return {path: (size, mtime_ns, inode) for path, size, mtime_ns, inode in cursor}


def _key(found: Found) -> int:
    return lock_key(f"content {found.stamp.size} {found.stamp.mtime_ns}")
