"""The command line: parse options, call the engine, print by the report, exit with the right code."""

import sys


def main() -> None:
    """Run the command that the process was started with; without one, in a terminal, the terminal UI."""
    from vtsfind.cli.app import app

    is_bare = len(sys.argv) == 1 and sys.stdin.isatty() and sys.stdout.isatty()
    app(["browse"] if is_bare else None, prog_name="vtsfind")
