"""The two standard streams: results go to `Output` (stdout), messages to `Notes` (stderr)."""

import os
import re
import shutil
import sys
import traceback
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


_STYLE_BEGIN, _STYLE_END = "\ue000", "\ue001"
"""Stand around a style's code until the text is written: no text of others holds a code that a terminal obeys."""
_STYLE = re.compile(f"{_STYLE_BEGIN}([0-9;]*){_STYLE_END}")
_OBEYED = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters that do something to a terminal or to the order of text, or are none."""


def painter(stream: TextIO) -> Callable[[str, Style], str]:
    """A function that gives text a style, if the stream shows it."""
    if not wants_colour(stream):
        return lambda text, _style: text

    def paint(text: str, style: Style) -> str:
        if not style.value:
            return text
        return f"{_STYLE_BEGIN}{style.value}{_STYLE_END}{text}{_STYLE_BEGIN}0{_STYLE_END}"

    return paint


def escaped(text: str, allowed: str = "") -> str:
    r"""Text with a visible escape in place of each character that a terminal would obey.

    >>> print(escaped("beach\x1b[2J.jpg"), escaped("a\u202eb"))
    beach\x1b[2J.jpg a\u202eb
    """
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode() if c not in allowed and unicodedata.category(c) in _OBEYED else c
        for c in text
    )


def _for_stream(text: str) -> str:
    """Text with escapes, and the codes of its styles."""
    if text.isprintable():
        return text
    plain = escaped(text, f"\n\t{_STYLE_BEGIN}{_STYLE_END}")
    return escaped(_STYLE.sub("\x1b[\\1m", plain), "\n\t\x1b")


class _Stream:
    """A standard stream. One that is closed or full takes no more, and `failed` says so.

    Parameters
    ----------
    stream
        None if it was closed when the process began.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.failed = stream is None
        self.stream: TextIO = open(os.devnull, "w", encoding="utf-8") if stream is None else stream  # noqa: SIM115

    @property
    def is_terminal(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream.isatty()

    def abandon(self) -> None:
        """Discard what is still buffered, and all that follows."""
        self.failed = True
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # a stream without a file, as in tests, holds nothing back
            pass


class Output(_Stream):
    """Standard output.

    Characters that its encoding lacks, and those that a terminal obeys, are written as escapes.
    """

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self.is_expendable = False
        """Whether work goes on if nobody takes its output."""
        self.problem = ""
        """Why it takes no more, in the words of the system; empty if it does, or its reader has closed it."""
        if hasattr(self.stream, "reconfigure"):
            self.stream.reconfigure(errors="backslashreplace")
        self.paint = painter(self.stream)

    @property
    def width(self) -> int | None:
        """Characters of a line of the terminal; None if the stream is no terminal."""
        return shutil.get_terminal_size().columns if self.is_terminal else None

    @property
    def is_unicode(self) -> bool:
        """Whether the encoding has every character."""
        return (self.stream.encoding or "").lower().replace("-", "").startswith("utf")

    def line(self, text: str = "") -> None:
        """Write a line of text.

        Raises
        ------
        OSError
            If nobody takes it, unless the output is expendable.
        """
        with self._guarded():
            print(_for_stream(text), file=self.stream)

    def raw(self, data: bytes) -> None:
        """Write bytes as they are; raises as `line` does."""
        with self._guarded():
            self.stream.flush()
            self.stream.buffer.write(data)

    def data(self, data: bytes) -> None:
        """Write bytes for programs as they are, but with escapes on a terminal; raises as `line` does."""
        if not self.is_terminal:
            self.raw(data)
            return
        with self._guarded():
            print(escaped(data.decode("utf-8", "backslashreplace"), "\n"), end="", file=self.stream)

    def path(self, path: bytes, end: bytes) -> None:
        """Write a path and what follows it as they are, but with escapes on a terminal; raises as `line` does."""
        self.raw((escaped(os.fsdecode(path)).encode() if self.is_terminal else path) + end)

    def flush(self) -> None:
        """Flush the stream; raises as `line` does."""
        with self._guarded():
            self.stream.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abandon()
            if not isinstance(error, BrokenPipeError):  # a reader that had enough is no problem
                self.problem = error.strerror or str(error)
            if not self.is_expendable:
                raise


class Notes(_Stream):
    """Standard error: messages in sentences. That nobody takes them stops nothing.

    Parameters
    ----------
    quiet
        Print warnings and errors only.
    verbose
        Also print details.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        super().__init__(sys.stderr)
        self.quiet = quiet
        self.verbose = verbose and not quiet
        self.paint = painter(self.stream)

    def _print(self, text: str) -> None:
        try:
            print(_for_stream(text), file=self.stream, flush=True)
        except OSError:
            self.abandon()

    def say(self, text: str) -> None:
        """Print a message, unless --quiet."""
        if not self.quiet:
            self._print(text)

    def detail(self, text: str) -> None:
        """Print a message with --verbose only."""
        if self.verbose:
            self._print(text)

    def warn(self, text: str) -> None:
        """Print a warning, also with --quiet: something did not go as asked."""
        self._print(self.paint(text, Style.WARNING))

    def error(self, error: VtsfindError) -> None:
        """Print the error that stopped the command, and the remedy."""
        self._print(f"{self.paint('vtsfind:', Style.ERROR)} {escaped(error.message)}")
        if error.remedy:
            self._print(f"  {escaped(error.remedy)}")

    def trace(self, error: BaseException) -> None:
        """Print a traceback."""
        self._print("".join(traceback.format_exception(error)).rstrip())
