"""The command line: parse options, call the engine, print by the report, exit with the right code."""

import os
import sys

import typer

_INTERRUPTED = 130
"""As `vtsfind.cli.command.ExitCode` has it, which takes long to import."""


def main() -> None:
    """Run the command that the process was started with; without one, in a terminal, the terminal UI."""
    _open_standard_streams()
    from vtsfind.cli.app import app

    is_bare = len(sys.argv) == 1 and all(each and each.isatty() for each in (sys.stdin, sys.stdout))
    try:
        app(["browse"] if is_bare else None, prog_name="vtsfind")
    except SystemExit as done:
        if isinstance(done.__context__, typer.Abort):  # Ctrl-C before or after a command's own work
            raise SystemExit(_INTERRUPTED) from None
        raise


def _open_standard_streams() -> None:
    """Give the numbers of closed standard streams to no file of ours."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
