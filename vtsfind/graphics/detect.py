"""What the terminal says of itself, asked before the program takes it over."""

import os
import re
import select
import sys
import time
from contextlib import suppress

from vtsfind.graphics.renderer import Cell

_PATIENCE_S = 0.25
_QUESTION = (
    b"\x1b[16t\x1b[c"  # the size of a character in pixels; then the attributes, which every terminal answers
)
_CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_END = re.compile(rb"\x1b\[\?[\d;]*c")


def ask_terminal() -> tuple[bytes, Cell | None]:
    """Ask the terminal for its attributes and the size of a character.

    Returns
    -------
    What it answered, nothing if it did not within a quarter of a second; and the size of a character in pixels, if it
    told, or the system knows it.
    """
    answer = _asked()
    told = _CELL.search(answer)
    if told and int(told[1]) and int(told[2]):
        return answer, Cell(int(told[2]), int(told[1]))
    return answer, _cell_of_system()


def _asked() -> bytes:
    try:
        import termios
        import tty
    except ImportError:  # a system without them
        return b""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return b""
    source = sys.stdin.fileno()
    before = termios.tcgetattr(source)
    answer = b""
    try:
        tty.setcbreak(source)
        os.write(sys.stderr.fileno(), _QUESTION)
        end = time.monotonic() + _PATIENCE_S
        while not _END.search(answer) and (left := end - time.monotonic()) > 0:
            if select.select([source], [], [], left)[0]:
                answer += os.read(source, 256)
    except OSError:
        return answer
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
    return answer


def _cell_of_system() -> Cell | None:
    """The size of a character as the system knows it, which few terminals tell it."""
    with suppress(ImportError, OSError):
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", size)
        if rows and columns and width and height:
            return Cell(width // columns, height // rows)
    return None
