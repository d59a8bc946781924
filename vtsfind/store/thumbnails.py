"""A cache of thumbnails on disk, which may be deleted at any time.

One file for each thumbnail, `XX/KEY`, where XX are the first two digits of the key. When the cache exceeds its limit, the
least recently used files are deleted until it has nine tenths of the limit.
"""

import os
import re
import secrets
import threading
from contextlib import suppress
from pathlib import Path

from vtsfind.base.files import read_bounded
from vtsfind.store.atomic import make_private_folder

MAX_CACHE_BYTES = 256 << 20
_EVICT_TO_SHARE = 0.9  # of the limit
_OWN_NAME = re.compile(r"[0-9a-f]{2,}|\.[0-9a-f]{2,}\.[0-9a-f]{8}")
"""The name of a thumbnail, or of the temporary file of one that is being written."""


class ThumbnailCache:
    """A cache of thumbnails; any thread may use it, and several processes may share it.

    A cache that cannot be written is no error: it then stores nothing.

    Parameters
    ----------
    folder
        Of the files; created with the first of them.
    max_bytes
        Limit of their total size.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._size: int | None = None
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The data stored under a key of hexadecimal digits; None if there are none."""
        path = self._path(key)
        try:
            data = read_bounded(path, self._max_bytes)
            os.utime(path)  # marks it as used
        except OSError:
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Store data under a key."""
        path = self._path(key)
        temporary = path.with_name(f".{key}.{secrets.token_hex(4)}")
        with suppress(OSError):
            make_private_folder(path.parent)
            try:
                temporary.write_bytes(data)
                temporary.replace(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        with self._lock:
            self._size = self._size + len(data) if self._size is not None else self._measure_size()
            if self._size > self._max_bytes:
                self._evict()

    def discard(self, key: str) -> None:
        """Delete the data under a key."""
        with suppress(OSError):
            self._path(key).unlink()

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key

    def _files(self) -> list[tuple[float, int, str]]:
        """For each file of the cache the time of its last use (seconds since 1970), its size and its path."""
        files = []
        for folder, _, names in os.walk(self._folder):
            digits = os.path.basename(folder)
            for name in names:
                path = os.path.join(folder, name)
                if not _OWN_NAME.fullmatch(name) or name.lstrip(".")[:2] != digits:
                    continue
                with suppress(OSError):
                    status = os.stat(path)
                    files.append((status.st_mtime, status.st_size, path))
        return files

    def _measure_size(self) -> int:
        return sum(size for _, size, _ in self._files())

    def _evict(self) -> None:
        files = sorted(self._files())
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= self._max_bytes * _EVICT_TO_SHARE:
                break
            with suppress(OSError):
                os.unlink(path)
                total -= size
        self._size = total
