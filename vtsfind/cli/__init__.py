"""The command line: parse options, call the engine, print by the report, exit with the right code."""

import atexit
import gc
import os
import sys
from contextlib import suppress

import typer

_FAILED, _INTERRUPTED = 1, 130
"""Python's exit code after an error, and that of `vtsfind.cli.command.ExitCode`, which takes long to import."""
_OBJECTS_BEFORE_COLLECTION = 100_000
"""New objects from which on Python looks for cycles of garbage; by its default of 700, a command that makes many looks all the time."""
_SPIN_CYCLES_LOG2 = 20
"""Cycles of the processor for which a thread of OpenBLAS spins before it sleeps, as a power of two: under a millisecond. By default it is
2^26 or more, in each process that imports NumPy, whether it multiplies matrices or not."""


def main() -> None:
    """Run the command that the process was started with; without one, in a terminal, the terminal UI."""
    _open_standard_streams()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION)
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", str(_SPIN_CYCLES_LOG2))  # read when NumPy is loaded
    ending = _Ending()
    atexit.register(ending.end_at_once)
    from vtsfind.cli.app import make_app

    is_bare = len(sys.argv) == 1 and all(each and each.isatty() for each in (sys.stdin, sys.stdout))
    try:
        make_app(*sys.argv[1:2])(["browse"] if is_bare else None, prog_name="vtsfind")
    except SystemExit as done:
        if isinstance(done.__context__, typer.Abort):  # Ctrl-C before or after a command's own work
            done.code = _INTERRUPTED
        ending.code = done.code if isinstance(done.code, int) else _FAILED * (done.code is not None)
        raise
    else:
        ending.code = 0
    finally:
        gc.freeze()  # else all objects are searched for garbage once more before the process ends


class _Ending:
    """Ends the process without unloading torch, if it is loaded: that takes half a second, and 100 MB more than all work before."""

    def __init__(self) -> None:
        self.code = _FAILED
        """The exit code."""

    def end_at_once(self) -> None:
        """End; to be registered before all else that is to be done at the exit, which then comes before."""
        if "torch" not in sys.modules:
            return
        for stream in filter(None, (sys.stdout, sys.stderr)):
            with suppress(OSError, ValueError):  # of what nobody takes, the command has told
                stream.flush()
        os._exit(self.code)


def _open_standard_streams() -> None:
    """Give the numbers of closed standard streams to no file of ours."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
