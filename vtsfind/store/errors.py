"""What SQLite and the operating system raise, said in vtsfind's own errors."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from vtsfind.base.errors import DiskFull, LibraryDamaged, LibraryLocked, StorageError, VtsfindError

REPAIR = "Run: vtsfind doctor --repair"
NO_ROOM = "Make room, or choose another place with --library; everything saved before is still there."
NO_PERMISSION = "Make the folder writable, or choose another place with --library."

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}


class _InFolder(Protocol):
    @property
    def folder(self) -> Path: ...


Owner = TypeVar("Owner", bound=_InFolder)
P = ParamSpec("P")
R = TypeVar("R")


def guarded(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make a method raise vtsfind's errors where it would raise those of SQLite or the system."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with translated(self.folder):
            return method(self, *args, **kwargs)

    return call


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn `sqlite3.Error` and `OSError` into a `StorageError` that names the library and the remedy."""
    try:
        yield
    except sqlite3.Error as error:
        raise from_sqlite(error, folder) from error
    except OSError as error:
        raise _from_system(error, folder) from error


def from_sqlite(error: sqlite3.Error, folder: Path) -> VtsfindError:
    """The error to show for what SQLite reported about the library in `folder`."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return StorageError(f"The library {folder} cannot be used any more: {error}.", "Open it again.")
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            return DiskFull(f"The disk with the library {folder} is full.", NO_ROOM)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return DiskFull(f"The library {folder} cannot be written: {error}.", NO_PERMISSION)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LibraryLocked(
                f"Another program uses the database of the library {folder}.", "Wait for it to end."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_INTERRUPT:
            return StorageError(
                f"The library {folder} cannot be read or written: {error}.",
                "Look whether the disk is full or failing.",
            )
        case _:
            return LibraryDamaged(f"The database of the library {folder} is damaged: {error}.", REPAIR)


def _from_system(error: OSError, folder: Path) -> VtsfindError:
    name = error.filename or folder
    if error.errno in _FULL:
        return DiskFull(f"The disk with the library {folder} is full.", NO_ROOM)
    if error.errno in _FORBIDDEN:
        return DiskFull(f"{name} cannot be used: {error.strerror}.", NO_PERMISSION)
    return StorageError(
        f"{name} cannot be used: {error.strerror or error}.", "Look whether the disk is failing."
    )
