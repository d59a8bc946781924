"""What SQLite and the operating system raise, said in vtsfind's own errors."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from vtsfind.base.errors import DiskFull, LibraryDamaged, LibraryLocked, StorageError, VtsfindError

REPAIR_HINT = "Run: vtsfind doctor --repair"
DISK_FULL_HINT = "Make room, or choose another place with --library; everything saved before is still there."
PERMISSION_HINT = "Make the folder writable, or choose another place with --library."

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises; the second for damage within texts and within SQLite's own messages."""

_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PERMISSION_ERRNOS = {errno.EROFS, errno.EACCES, errno.EPERM}


class _HasFolder(Protocol):
    @property
    def folder(self) -> Path: ...


Owner = TypeVar("Owner", bound=_HasFolder)
P = ParamSpec("P")
R = TypeVar("R")


def translates_errors(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make a method raise vtsfind's errors where it would raise those of SQLite or the system."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with storage_errors(self.folder):
            return method(self, *args, **kwargs)

    return call


def translates_read_errors(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """As `translates_errors`, for a method that only reads: a stored value of another type than its column's is damage."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with storage_errors(self.folder):
                return method(self, *args, **kwargs)
        except TypeError as error:
            raise LibraryDamaged(
                f"The database of the library {self.folder} is damaged: {error}.", REPAIR_HINT
            ) from error

    return call


@contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite and the system raise into a `StorageError` that names the library and the remedy."""
    try:
        yield
    except SQLITE_ERRORS as error:
        raise _from_sqlite(error, folder) from error
    except OSError as error:
        raise _from_system(error, folder) from error


def _from_sqlite(error: sqlite3.Error | UnicodeDecodeError, folder: Path) -> VtsfindError:
    words = str(error).rstrip(".")
    if isinstance(error, sqlite3.ProgrammingError):
        return StorageError(f"The library {folder} cannot be used any more: {words}.", "Open it again.")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull(f"The disk with the library {folder} is full.", DISK_FULL_HINT)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return DiskFull(f"The library {folder} cannot be written: {words}.", PERMISSION_HINT)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LibraryLocked(
                f"Another program uses the database of the library {folder}.", "Wait for it to end."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_INTERRUPT:
            return StorageError(
                f"The library {folder} cannot be read or written: {words}.",
                "Look whether the disk is full or failing.",
            )
        case _:
            return LibraryDamaged(f"The database of the library {folder} is damaged: {words}.", REPAIR_HINT)


def _from_system(error: OSError, folder: Path) -> VtsfindError:
    name = error.filename or folder
    if error.errno in _DISK_FULL_ERRNOS:
        return DiskFull(f"The disk with the library {folder} is full.", DISK_FULL_HINT)
    if error.errno in _PERMISSION_ERRNOS:
        return DiskFull(f"{name} cannot be used: {error.strerror}.", PERMISSION_HINT)
    return StorageError(
        f"{name} cannot be used: {error.strerror or error}.", "Look whether the disk is failing."
    )
