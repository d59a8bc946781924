"""Files that a command writes where its user says; an existing file is only replaced on request."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.store.atomic import replace_file

_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class OutputKind:
    """A kind of file that commands write."""

    noun: str
    """What errors call it, such as `plan`."""
    is_own: Callable[[bytes], bool]
    """Whether a file is one, by its first `_HEAD_BYTES`."""


def require_output(path: Path, kind: OutputKind, *, force: bool) -> None:
    """Make sure that a file may be written.

    Raises
    ------
    UsageError
        If something else is there, and `force` is not given; or a folder is.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name a file.")
    if force or not path.is_file():  # a pipe or a device is written to, which takes nothing away
        return
    if not is_own(path, kind):
        raise UsageError(
            f"{path} exists and is not a {kind.noun} of vtsfind.",
            "Name another file, or add --force to overwrite it.",
        )


def is_own(path: Path, kind: OutputKind) -> bool:
    """Whether a file that is there is of a kind, or has nothing in it.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(
            f"Cannot read the file {path}, which exists: {error.strerror}.", "Name another file."
        ) from error
    return not head or kind.is_own(head)


def write_output(path: Path, content: bytes, kind: OutputKind, *, force: bool) -> None:
    """Write a file as a whole; a link's target, not the link; into a pipe or a device, which stay what they are.

    Raises
    ------
    UsageError
        As `require_output` does.
    DiskFull
        If it cannot be written; a file that was there is as it was.
    """
    require_output(path, kind, force=force)
    try:
        if _is_special(path):
            with path.open("wb", buffering=0) as stream:
                written = memoryview(content)
                while written:
                    written = written[stream.write(written) :]
        else:
            replace_file(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise DiskFull(
            f"Cannot write the {kind.noun} {path}: {error.strerror}.", "Make room, or name another file."
        ) from error


def _is_special(path: Path) -> bool:
    """Whether something is there that is not a file, such as a pipe."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return False
