"""Asking for confirmation before files are changed."""

import sys

from vtsfind.base.errors import UsageError


def confirm(question: str, *, yes: bool) -> bool:
    """Whether to continue: with --yes, or if a person at the terminal agrees.

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
