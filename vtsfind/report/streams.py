"""The two standard streams: answers go to `Output` (stdout), everything else to `Notes` (stderr)."""

import os
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

    Text that its encoding lacks is written as escapes; bytes are written as they are.
    """

    def __init__(self) -> None:
        self.stream = sys.stdout
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="backslashreplace")
        self.paint = painter(self.stream)

    @property
    def is_terminal(self) -> bool:
        """Whether a person is looking."""
        return self.stream.isatty()

    @property
    def is_unicode(self) -> bool:
        """Whether every character can be shown."""
        return (self.stream.encoding or "").lower().replace("-", "").startswith("utf")

    def line(self, text: str = "") -> None:
        """Write a line of text."""
        print(text, file=self.stream)

    def raw(self, data: bytes) -> None:
        """Write bytes."""
        self.stream.flush()
        self.stream.buffer.write(data)

    def flush(self) -> None:
        """Hand everything over."""
        self.stream.flush()

    def abandon(self) -> None:
        """Send what may still be buffered to nowhere, since the reader has left."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # a stream without a file, as in tests, holds nothing back
            pass


class Notes:
    """Standard error: what happens, in sentences.

    Parameters
    ----------
    quiet
        Leave out everything but errors and failures.
    verbose
        Also tell details.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        self.stream = sys.stderr
        self.quiet = quiet
        self.verbose = verbose and not quiet
        self.paint = painter(self.stream)

    @property
    def is_terminal(self) -> bool:
        """Whether a person is looking."""
        return self.stream.isatty()

    def say(self, text: str) -> None:
        """Tell what was done."""
        if not self.quiet:
            print(text, file=self.stream)

    def detail(self, text: str) -> None:
        """Tell what only some want to know."""
        if self.verbose:
            print(text, file=self.stream)

    def warn(self, text: str) -> None:
        """Tell what the user should know even when quiet: something did not go as asked."""
        print(self.paint(text, Style.WARNING), file=self.stream)

    def error(self, error: VtsfindError) -> None:
        """Tell what stopped the command, and the remedy."""
        print(f"{self.paint('vtsfind:', Style.ERROR)} {error.message}", file=self.stream)
        if error.remedy:
            print(f"  {error.remedy}", file=self.stream)

    def trace(self, error: BaseException) -> None:
        """Show where an error was raised."""
        print("".join(traceback.format_exception(error)), end="", file=self.stream)
