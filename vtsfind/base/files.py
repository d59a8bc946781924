"""Reading files whole, whatever stands under their name: never for ever, and never more than memory holds."""

import errno
import os
import stat
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_MB = 1 << 20

MAX_LINES_BYTES = 1024 * _MB
"""Of a plan, a journal of a run or a file of decisions: more than those of a million photos take."""
MAX_PHOTO_BYTES = 512 * _MB
"""Of a photo that comes through a pipe: more than any camera's file has."""
MAX_SETTINGS_BYTES = 16 * _MB
"""Of a file of settings, a recipe or a registry of models."""


def read_bounded(path: str | bytes | Path, max_bytes: int) -> bytes:
    """Read a regular file.

    Raises
    ------
    OSError
        If it cannot be read, is not a regular file (a pipe is not waited for), or has more bytes.
    """
    with open_file(path) as file:
        return read_stream(file, max_bytes, path)


def read_input(path: str | bytes | Path, max_bytes: int) -> bytes:
    """Read a file that a person names: a regular file or a pipe, which is empty if nothing writes to it.

    Raises
    ------
    OSError
        If it cannot be read, is anything else, such as a device, or has more bytes.
    """
    with open_file(path, lambda mode: stat.S_ISREG(mode) or stat.S_ISFIFO(mode)) as file:
        if hasattr(os, "set_blocking"):
            os.set_blocking(file.fileno(), True)
        return read_stream(file, max_bytes, path)


def open_file(path: str | bytes | Path, is_expected: Callable[[int], bool] = stat.S_ISREG) -> BufferedReader:
    """Open a file for reading whose mode is as expected, without waiting for the other end of a pipe.

    Raises
    ------
    OSError
        If it cannot be opened, or is of another mode.
    """
    descriptor = os.open(path, _FLAGS)
    if not is_expected(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a file", path)
    return os.fdopen(descriptor, "rb")


def read_stream(stream: BinaryIO, max_bytes: int, name: str | bytes | Path = "standard input") -> bytes:
    """Read a stream to its end.

    Raises
    ------
    OSError
        If it has more bytes, or cannot be read.
    """
    content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EOVERFLOW, f"it is larger than {max_bytes // _MB} MB", name)
    return content
