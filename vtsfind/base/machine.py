"""The machine: its name and resources."""

import ctypes
import os
import socket
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""
_LARGEST_KEPT_BLOCK_BYTES = 32 << 20
"""Larger blocks go back to the system as before; it is the largest threshold that mallopt(3) promises to take."""
_MAX_KEPT_BYTES = 128 << 20
"""Free bytes at the end of a heap beyond which it shrinks: the largest pictures and tensors of a batch, some times over."""


def host_name() -> str:
    """The name of this machine, by which plans of a shared library name it."""
    return socket.gethostname()


def processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def return_freed_memory() -> None:
    """Return to the system what this process has freed, where the GNU C library kept it: once after something large was loaded."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def keep_freed_memory() -> None:
    """Let this process use again the memory that it frees, where the GNU C library would return it to the system each time.

    What works on one picture after the other needs the same large blocks again at once, and the system has to clear every page of
    them anew, which takes as long as decoding a small photo.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT_BLOCK_BYTES)
    mallopt(_M_TRIM_THRESHOLD, _MAX_KEPT_BYTES)
