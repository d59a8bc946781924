"""Files that the user names for a command to read."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from vtsfind.base.errors import UsageError


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
        stream = open(name, "rb")  # noqa: SIM115 - errors of the block below are not of opening
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}.", "Check the path.") from error
    with stream:
        yield stream
