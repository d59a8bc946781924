"""Asking a person before files are touched."""

import sys

from vtsfind.base.errors import UsageError


def confirm(question: str, *, yes: bool) -> bool:
    """Whether to go on: by --yes, or because a person at the terminal says so.

    Raises
    ------
    UsageError
        If there is neither.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to confirm on; nothing was changed.",
            "Add --yes to continue, or --dry-run to preview.",
        )
    stream = sys.stderr
    print(f"{question} [y/N] ", end="", file=stream, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
