"""Files that the user names for a command to read."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from vtsfind.base.errors import UsageError
from vtsfind.base.files import MAX_LINES_BYTES, read_input


@contextmanager
def open_input(name: str) -> Iterator[BinaryIO]:
    """Open a file for reading; `-` is standard input.

    Raises
    ------
    UsageError
        If it cannot be opened.
    """
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = io.BytesIO(read_input(name, MAX_LINES_BYTES))
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check the path.") from error
    yield stream
