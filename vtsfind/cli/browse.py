"""`vtsfind browse`: the terminal UI."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun, ExitCode, running
from vtsfind.cli.duplicate_options import DuplicateOptions
from vtsfind.cli.options import Device, ScreenOptions

if TYPE_CHECKING:
    from vtsfind.engine.duplicates.options import DedupOptions


def browse(
    *,
    graphics: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How to draw photos: auto (the best that the terminal supports), kitty, sixel, iterm2, blocks or off.",
        ),
    ] = "auto",
    device: Device = None,
    duplicate_options: DuplicateOptions,
    common: ScreenOptions,
) -> None:
    """Review duplicates, search and clean up in the terminal, with pictures.

        vtsfind browse
        vtsfind browse --kind bytes --kind pixels
        vtsfind browse --graphics sixel

    Every decision is saved at once: quit at any time and continue later. No photo is changed before you confirm on the
    Apply screen; the History screen restores photos. Press `?` for the keys and Ctrl-P to find a command. Photos marked
    as not duplicates are never proposed again.
    """
    with running(common, device=device) as run:
        _show(run, duplicate_options.dedup_options(), graphics)


def _show(run: CommandRun, dedup_options: "DedupOptions", graphics: str) -> None:
    from vtsfind.engine.review.session import BrowseSession
    from vtsfind.graphics.detect import AUTO, choose_graphics, query_terminal
    from vtsfind.tui.app import BrowseApp

    choose_graphics(graphics)  # a wrong word is said before anything else
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("browse needs a terminal.", "`vtsfind dupes` prints the groups anywhere.")
    answer, cell = query_terminal() if graphics in {AUTO, "sixel", "kitty", "iterm2"} else (b"", None)
    with BrowseSession(run.settings, dedup_options=dedup_options) as browsing:
        app = BrowseApp(browsing, choose_graphics(graphics, answer), cell, run.settings.theme)
        app.run()
        if app.return_code:
            run.code = ExitCode.BUG
