"""What the terminal says of itself, asked before the program takes it over."""

import os
import re
import select
import sys
import time
from contextlib import suppress

from vtsfind.graphics.renderer import CellSize

_REPLY_TIMEOUT_S = 0.25
_QUERY = (
    b"\x1b[16t\x1b[c"  # the size of a character in pixels; then the attributes, which every terminal answers
)
_CELL_SIZE_REPLY = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
_ATTRIBUTES_REPLY = re.compile(rb"\x1b\[\?[\d;]*c")


def query_terminal() -> tuple[bytes, CellSize | None]:
    """Ask the terminal for its attributes and the size of a character.

    Returns
    -------
    What it answered, nothing if it did not within a quarter of a second; and the size of a character in pixels, if it
    told, or the system knows it.
    """
    answer = _query_reply()
    size_reply = _CELL_SIZE_REPLY.search(answer)
    if size_reply and int(size_reply[1]) and int(size_reply[2]):
        return answer, CellSize(int(size_reply[2]), int(size_reply[1]))
    return answer, _cell_of_system()


def _query_reply() -> bytes:
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
        os.write(sys.stderr.fileno(), _QUERY)
        end = time.monotonic() + _REPLY_TIMEOUT_S
        while not _ATTRIBUTES_REPLY.search(answer) and (left := end - time.monotonic()) > 0:
            if select.select([source], [], [], left)[0]:
                answer += os.read(source, 256)
    except OSError:
        return answer
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)
    return answer


def _cell_of_system() -> CellSize | None:
    """The size of a character as the system knows it, which few terminals tell it."""
    with suppress(ImportError, OSError):
        import fcntl
        import struct
        import termios

        size = fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", size)
        if rows and columns and width and height:
            return CellSize(width // columns, height // rows)
    return None
