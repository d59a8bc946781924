"""The command line: parse options, call the engine, print by the report, exit with the right code."""

import gc
import os
import sys

import typer

_INTERRUPTED = 130
"""As `vtsfind.cli.command.ExitCode` has it, which takes long to import."""
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
    from vtsfind.cli.app import make_app

    is_bare = len(sys.argv) == 1 and all(each and each.isatty() for each in (sys.stdin, sys.stdout))
    try:
        make_app(*sys.argv[1:2])(["browse"] if is_bare else None, prog_name="vtsfind")
    except SystemExit as done:
        if isinstance(done.__context__, typer.Abort):  # Ctrl-C before or after a command's own work
            raise SystemExit(_INTERRUPTED) from None
        raise
    finally:
        gc.freeze()  # else all objects are searched for garbage once more before the process ends


def _open_standard_streams() -> None:
    """Give the numbers of closed standard streams to no file of ours."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
