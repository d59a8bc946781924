"""Renaming without overwriting, and removing our own files and folders."""

import ctypes
import errno
import os
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from functools import cache

_AT_FDCWD = -100  # Linux: paths are relative to the current folder
_RENAME_NOREPLACE = 1  # Linux, renameat2
_RENAME_EXCL = 4  # macOS, renamex_np
_MAX_NAME_BYTES = 255
"""Of a name, on almost all file systems."""
_MAX_EXTENSION_BYTES = 32
_UNSUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}


def rename_new(source: bytes, target: bytes) -> None:
    """Rename a file to a free name.

    The system itself refuses to overwrite where it can (Linux, macOS, Windows). On file systems that cannot, the name is
    checked just before.

    Raises
    ------
    FileExistsError
        If the name is taken; nothing changed.
    OSError
        From the system.
    """
    call = _exclusive()
    if call is not None:
        if call(source, target) == 0:
            return
        number = ctypes.get_errno()
        if number not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), source, None, target)
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
    os.rename(source, target)


@cache
def _exclusive() -> Callable[[bytes, bytes], int] | None:
    """The system's call that renames without overwriting; None if there is none, or `os.rename` is it."""
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            apple = library.renamex_np
            return lambda source, target: int(apple(source, target, _RENAME_EXCL))
        rename = library.renameat2
        return lambda source, target: int(rename(_AT_FDCWD, source, _AT_FDCWD, target, _RENAME_NOREPLACE))
    return None


def remove_if_exists(*paths: bytes | None) -> None:
    """Remove our own files, such as records, if they exist; errors are ignored."""
    for path in paths:
        if path is not None:
            with suppress(OSError):
                os.unlink(path)


def remove_empty(folders: Iterable[bytes]) -> None:
    """Remove folders that we created, the innermost (last) first, if they are empty."""
    for folder in reversed(list(folders)):
        with suppress(OSError):
            os.rmdir(folder)


def make_folders(folder: bytes) -> list[bytes]:
    """Create a folder and its parents; returns the folders that did not exist, the outermost first."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    missing.reverse()
    for one in missing:
        with suppress(FileExistsError):
            os.mkdir(one)
    return missing


def free_name(path: bytes, taken: Collection[bytes] = ()) -> bytes:
    """The path itself if it is free, otherwise a free one beside it; `taken` are paths that others will have.

    >>> free_name(b"/nowhere/beach.jpg")
    b'/nowhere/beach.jpg'
    >>> free_name(b"/nowhere/beach.jpg", [b"/nowhere/beach.jpg"])
    b'/nowhere/beach (restored).jpg'
    """
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    candidate, number = path, 1
    while candidate in taken or os.path.lexists(candidate):
        mark = b" (restored)" if number == 1 else b" (restored %d)" % number
        end = mark + extension[:_MAX_EXTENSION_BYTES]
        candidate = os.path.join(folder, _shortened(stem, _MAX_NAME_BYTES - len(end)) + end)
        number += 1
    return candidate


def _shortened(name: bytes, length: int) -> bytes:
    """The beginning of a name of that many bytes at most, without a part of a character at its end."""
    if len(name) <= length:
        return name
    return name[:length].decode("utf-8", "ignore").encode() or name[:length]
