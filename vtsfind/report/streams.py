"""The two standard streams: results go to `Output` (stdout), messages to `Notes` (stderr)."""

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from enum import Enum
from typing import TextIO

from vtsfind.base.errors import VtsfindError


class Style(Enum):
    """How text stands out on a terminal; the value is the terminal's code."""

    PLAIN = ""
    DIM = "2"
    STRONG = "1"
    GOOD = "32"
    WARNING = "33"
    ERROR = "1;31"


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream shows colours and the user wants them (`NO_COLOR`, `FORCE_COLOR`, `TERM=dumb`)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painter(stream: TextIO) -> Callable[[str, Style], str]:
    """A function that gives text a style, if the stream shows it."""
    if not wants_colour(stream):
        return lambda text, _style: text
    return lambda text, style: f"\x1b[{style.value}m{text}\x1b[0m" if style.value else text


class Output:
    """Standard output.

    Characters that its encoding lacks are written as escapes; bytes are written as they are.
    """

    def __init__(self) -> None:
        self.stream = sys.stdout
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="backslashreplace")
        self.paint = painter(self.stream)

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    @property
    def width(self) -> int | None:
        """Characters of a line of the terminal; None if the stream is no terminal."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    @property
    def is_unicode(self) -> bool:
        """Whether the encoding has every character."""
        return (self.stream.encoding or "").lower().replace("-", "").startswith("utf")

    def line(self, text: str = "") -> None:
        """Write a line of text."""
        print(text, file=self.stream)

    def raw(self, data: bytes) -> None:
        """Write bytes."""
        self.stream.flush()
        self.stream.buffer.write(data)

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()

    def abandon(self) -> None:
        """Discard what is still buffered, since the reader is gone."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # a stream without a file, as in tests, holds nothing back
            pass


class Notes:
    """Standard error: messages in sentences.

    Parameters
    ----------
    quiet
        Print warnings and errors only.
    verbose
        Also print details.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.stream = sys.stderr
        self.quiet = quiet
        self.verbose = verbose and not quiet
        self.paint = painter(self.stream)

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def say(self, text: str) -> None:
        """Print a message, unless --quiet."""
        if not self.quiet:
            print(text, file=self.stream)

    def detail(self, text: str) -> None:
        """Print a message with --verbose only."""
        if self.verbose:
            print(text, file=self.stream)

    def warn(self, text: str) -> None:
        """Print a warning, also with --quiet: something did not go as asked."""
        print(self.paint(text, Style.WARNING), file=self.stream)

    def error(self, error: VtsfindError) -> None:
        """Print the error that stopped the command, and the remedy."""
        print(f"{self.paint('vtsfind:', Style.ERROR)} {error.message}", file=self.stream)
        if error.remedy:
            print(f"  {error.remedy}", file=self.stream)

    def trace(self, error: BaseException) -> None:
        """Print a traceback."""
        print("".join(traceback.format_exception(error)), end="", file=self.stream)
