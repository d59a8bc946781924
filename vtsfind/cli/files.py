"""Files that the user names for a command to read or to write."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


def save_output(path: Path, content: bytes, option: str) -> None:
    """Write a file as a whole, or leave it as it is; `option` is the one that named it.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    from vtsfind.store.atomic import replace_file
    from vtsfind.store.errors import system_error

    try:
        replace_file(path, content)
    except OSError as error:
        raise system_error(error, path, verb="written", option=option) from error
