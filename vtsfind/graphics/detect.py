"""Which pictures the terminal can show, and the size of its characters; asked before a program takes it over."""

import os
import re
import select
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from vtsfind.base.errors import UsageError

_REPLY_TIMEOUT_S = 0.25
_QUERY = b"\x1b[16t\x1b[c"
"""The size of a character in pixels (XTWINOPS 16), then the device attributes, which every terminal answers."""
_VERSION_QUERY = b"\x1b[>q"
"""XTVERSION, asked of Kitty only."""
_KITTY_REPLY = re.compile(rb"\x1bP>\|kitty\((\d+)\.(\d+)")
_KITTY_WITH_PLACEHOLDERS = (0, 28)
"""The first version of Kitty that draws pictures where their placeholders stand."""
_CELL_SIZE_REPLY = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_ATTRIBUTES_REPLY = re.compile(rb"\x1b\[\?[\d;]*c")


class Graphics(StrEnum):
    """How pictures are drawn; `vtsfind.graphics.protocols` describes the protocols."""

    KITTY = "kitty"
    SIXEL = "sixel"
    ITERM2 = "iterm2"
    BLOCKS = "blocks"
    OFF = "off"


AUTO = "auto"
"""The word for the best graphics that the terminal supports."""


@dataclass(frozen=True, slots=True)
class CellSize:
    """The size of a character, in pixels."""

    width: int = 10
    height: int = 20


def choose_graphics(
    requested: str, answer: bytes = b"", environment: Mapping[str, str] = os.environ
) -> Graphics:
    """The graphics to use: the requested ones, or for `auto` the best that the terminal supports.

    Parameters
    ----------
    requested
        A value of `Graphics`, or `auto`.
    answer
        The terminal's answer to `query_terminal`; empty if it was not asked.
    environment
        The environment variables.

    Raises
    ------
    UsageError
        For any other word.
    """
    words = [AUTO, *(kind.value for kind in Graphics)]
    if requested not in words:
        near = get_close_matches(requested, words, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UsageError(f"There is no way '{requested}' to draw pictures.", f"{hint}Use {', '.join(words)}.")
    if requested != AUTO:
        return Graphics(requested)
    if environment.get("TMUX") or environment.get("STY"):  # they pass graphics on only if configured to
        return Graphics.BLOCKS
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if _is_kitty(environment):
        return Graphics.BLOCKS if _is_old_kitty(answer) else Graphics.KITTY
    if "ghostty" in term + program:
        return Graphics.KITTY
    if program in {"iTerm.app", "WezTerm", "mintty"} or environment.get("LC_TERMINAL") == "iTerm2":
        return Graphics.ITERM2
    return Graphics.SIXEL if supports_sixel(answer) else Graphics.BLOCKS


def _is_kitty(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("KITTY_WINDOW_ID")) or "kitty" in environment.get("TERM", "")


def _is_old_kitty(answer: bytes) -> bool:
    r"""Whether the terminal says that it is a Kitty without placeholders.

    >>> _is_old_kitty(b"\x1bP>|kitty(0.26.5)\x1b\\"), _is_old_kitty(b"\x1bP>|kitty(0.32.1)\x1b\\"), _is_old_kitty(b"")
    (True, False, False)
    """
    version = _KITTY_REPLY.search(answer)
    return version is not None and (int(version[1]), int(version[2])) < _KITTY_WITH_PLACEHOLDERS


def supports_sixel(answer: bytes) -> bool:
    r"""Whether device attributes (the answer to `CSI c`) name sixel graphics.

    >>> supports_sixel(b"\x1b[?62;4;6;22c"), supports_sixel(b"\x1b[?1;2c")
    (True, False)
    """
    start, end = answer.find(b"\x1b[?"), answer.rfind(b"c")
    return 0 <= start < end and b"4" in answer[start + 3 : end].split(b";")[1:]


def query_terminal() -> tuple[bytes, CellSize | None]:
    """Ask the terminal on standard error for its attributes and the size of a character.

    Returns
    -------
    Its answer, empty if none came within a quarter of a second; and the size of a character, None if neither the
    terminal nor the system tells it.
    """
    answer = _query_reply()
    size_reply = _CELL_SIZE_REPLY.search(answer)
    if size_reply and int(size_reply[1]) and int(size_reply[2]):
        return answer, CellSize(int(size_reply[2]), int(size_reply[1]))
    return answer, _cell_size_of_system()


def _query_reply() -> bytes:
    try:
        import termios
        import tty
    except ImportError:  # Windows
        return b""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return b""
    source = sys.stdin.fileno()
    before = termios.tcgetattr(source)
    answer = b""
    try:
        tty.setcbreak(source)
        os.write(sys.stderr.fileno(), (_VERSION_QUERY if _is_kitty(os.environ) else b"") + _QUERY)
        end = time.monotonic() + _REPLY_TIMEOUT_S
        while not _ATTRIBUTES_REPLY.search(answer) and (left := end - time.monotonic()) > 0:
            if select.select([source], [], [], left)[0]:
                answer += os.read(source, 256)
    except OSError:
        return answer
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
    return answer


def _cell_size_of_system() -> CellSize | None:
    """The size of a character as the kernel knows it; few terminals tell it the kernel."""
    with suppress(ImportError, OSError):
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", size)
        if rows and columns and width and height:
            return CellSize(width // columns, height // rows)
    return None
