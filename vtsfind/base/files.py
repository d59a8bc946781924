"""Reading files whole, whatever stands under their name: never for ever, and never more than memory holds."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_MB = 1 << 20

MAX_LINES_BYTES = 1024 * _MB
"""Of a plan, a journal of a run or a file of decisions: more than those of a million photos take."""
MAX_SETTINGS_BYTES = 16 * _MB
"""Of a file of settings, a recipe or a registry of models."""


def read_bounded(path: str | bytes | Path, max_bytes: int) -> bytes:
    """Read a regular file.

    Raises
    ------
    OSError
        If it cannot be read, is not a regular file (a pipe is not waited for), or has more bytes.
    """
    descriptor = os.open(path, _FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
        return read_stream(file, max_bytes, path)


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
