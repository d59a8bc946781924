"""`vtsfind browse`: the terminal UI."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli import duplicate_options as wishes
from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, running

if TYPE_CHECKING:
    from vtsfind.engine.duplicates.pipeline import DedupOptions


def browse(
    *,
    kind: wishes.Kind = None,
    within: wishes.Within = None,
    between: wishes.Between = None,
    reference: wishes.Reference = None,
    prefer_folder: wishes.PreferFolder = None,
    keep_by: wishes.KeepBy = None,
    radius: wishes.Radius = None,
    max_false_merge: wishes.MaxFalseMerge = None,
    graphics: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="How pictures are drawn: auto (the best that the terminal says it can), kitty, sixel, iterm2, blocks or "
            "off.",
        ),
    ] = "auto",
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model runs: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Review duplicates, search and tidy up in the terminal, with pictures.

    \b
    vtsfind browse
    vtsfind browse --kind bytes --kind pixels
    vtsfind browse --graphics sixel

    Every mark is kept at once: leave whenever you like, and go on later. Nothing is touched before you carry the plan out
    on the screen Apply, which asks; the screen History brings photos back. `?` shows the keys, Ctrl-P finds any command.
    Photos that you say are no duplicates are never proposed again.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device) as run:
        if json:
            raise UsageError("browse draws screens, no JSON.", "`vtsfind dupes --json` writes the groups.")
        dedup_options = wishes.dedup_options(
            kind=kind,
            within=within,
            between=between,
            reference=reference,
            prefer_folder=prefer_folder,
            keep_by=keep_by,
            radius=radius,
            max_false_merge=max_false_merge,
        )
        _show(run, dedup_options, graphics)


def _show(run: CommandRun, dedup_options: "DedupOptions", graphics: str) -> None:
    from vtsfind.engine.review.session import BrowseSession
    from vtsfind.graphics.detect import AUTO, choose_graphics, query_terminal
    from vtsfind.tui.app import BrowseApp

    choose_graphics(graphics)  # a wrong word is said before anything else
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "browse needs a terminal for its screens.", "`vtsfind dupes` writes the groups anywhere."
        )
    answer, cell = query_terminal() if graphics in {AUTO, "sixel", "kitty", "iterm2"} else (b"", None)
    with BrowseSession(run.settings, dedup_options=dedup_options) as browsing:
        app = BrowseApp(browsing, choose_graphics(graphics, answer), cell)
        app.run()
        if app.return_code:
            run.code = ExitCode.BUG
