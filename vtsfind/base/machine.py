"""The machine: its name and resources."""

import os
import socket


def host_name() -> str:
    """The name of this machine, by which plans of a shared library name it."""
    return socket.gethostname()


def processors() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
