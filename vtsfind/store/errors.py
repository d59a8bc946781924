"""Translating errors of SQLite and of the operating system into vtsfind's own."""

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from vtsfind.base.errors import DiskFull, LibraryDamaged, LibraryLocked, StorageError, VtsfindError

REPAIR_HINT = "Run `vtsfind doctor --repair`."
_DISK_HINT = "Check whether the disk is full or failing"
_LIBRARY_OPTION = "--library"
_LIBRARY_KEPT = "Everything saved before is kept."

SQLITE_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The errors of reading a damaged database; the second for damaged text, also within SQLite's own messages."""

_DISK_FULL_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_PERMISSION_ERRNOS = {errno.EROFS, errno.EACCES, errno.EPERM}


class _HasFolder(Protocol):
    @property
    def folder(self) -> Path: ...


Owner = TypeVar("Owner", bound=_HasFolder)
P = ParamSpec("P")
R = TypeVar("R")


def translates_errors(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make a method raise vtsfind's errors in place of those of SQLite and the system."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with storage_errors(self.folder):
            return method(self, *args, **kwargs)

    return call


def translates_read_errors(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """As `translates_errors`, for a method that only reads: a value of a wrong type counts as damage."""

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
    """Turn errors of SQLite and the system into a `StorageError` that names the library and the remedy."""
    try:
        yield
    except SQLITE_ERRORS as error:
        raise _from_sqlite(error, folder) from error
    except OSError as error:
        raise system_error(error, folder, option=_LIBRARY_OPTION, kept=_LIBRARY_KEPT) from error


def system_error(
    error: OSError, path: Path, *, verb: str = "used", option: str = "", kept: str = ""
) -> StorageError:
    """Say why the system refuses a file or folder that vtsfind keeps.

    Parameters
    ----------
    error
        From the system.
    path
        What was to be read or written, if the error itself names no file.
    verb
        What cannot be done to it: `read`, `written`, `used`.
    option
        The option that chooses another place; empty for none.
    kept
        A sentence on what is not lost when the disk is full; empty for none.

    Returns
    -------
    `DiskFull` where there is no space or no permission, otherwise a `StorageError`.
    """
    other_place = f", or choose another place with {option}" if option else ""
    if error.errno in _DISK_FULL_ERRNOS:
        return DiskFull(f"The disk with {path} is full.", f"Free some space{other_place}. {kept}".rstrip())
    message = f"{error.filename or path} cannot be {verb}: {error.strerror or error}."
    if error.errno in _PERMISSION_ERRNOS:
        return DiskFull(message, f"Change its permissions{other_place}.")
    return StorageError(message, f"{_DISK_HINT}{other_place}.")


def _from_sqlite(error: sqlite3.Error | UnicodeDecodeError, folder: Path) -> VtsfindError:
    words = str(error).rstrip(".")
    if isinstance(error, sqlite3.ProgrammingError):
        return StorageError(f"The library {folder} is not open: {words}.", "Open it again.")
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    match code & 0xFF:
        case sqlite3.SQLITE_FULL:
            full = OSError(errno.ENOSPC, words)
            return system_error(full, folder, option=_LIBRARY_OPTION, kept=_LIBRARY_KEPT)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            denied = OSError(errno.EACCES, words)
            return system_error(denied, folder, verb="written", option=_LIBRARY_OPTION)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return LibraryLocked(
                f"Another program uses the database of the library {folder}.", "Wait until it ends."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_NOMEM | sqlite3.SQLITE_INTERRUPT:
            return StorageError(f"The library {folder} cannot be read or written: {words}.", f"{_DISK_HINT}.")
        case _:
            return LibraryDamaged(f"The database of the library {folder} is damaged: {words}.", REPAIR_HINT)
