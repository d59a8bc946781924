"""`vtsfind missing`: whether all photos of a card are in the library already."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.engine.missing.card import CardResult, CompareBy


def missing(
    card: Annotated[
        list[str], typer.Argument(metavar="CARD", help="Folders or files, such as where a memory card is.")
    ],
    *,
    within: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="NAME|PATH",
            help="The library to look in; the same as --library.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="`bytes`: a photo is there only with its very content. `look`: also as the same picture in another "
            "file that is no worse; loads the model.",
        ),
    ] = "bytes",
    paths_only: Annotated[
        bool, typer.Option("--paths-only", help="Write nothing but the paths, one a line.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Write nothing but the paths, each ended by a NUL.")
    ] = False,
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
    r"""List the photos of CARD that are not in the library.

    \b
    vtsfind missing /media/card && echo "All photos are in the library."
    vtsfind missing /media/card --print0 | xargs -0 cp -t ~/Photos/new

    A photo is there if a file of the library has its very content, is not on the card itself, and still stands where the
    library knows it. Looking alike is not enough. The library is taken as `vtsfind index` left it: refresh it first.

    The exit code is 0 if every photo is there, and 1 if one is not. It is 3 if all that could be compared is there, but
    files could not be read, or the card has films or sounds, which no library holds.
    """
    if within and library and within != library:
        raise typer.BadParameter("--in and --library name different libraries.")
    with (
        running(
            library=within or library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device
        ) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.engine.missing.compare import compare_card
        from vtsfind.report.missing import summarize_missing
        from vtsfind.report.progress import progress_shown

        if sum((json, paths_only, print0)) > 1:
            raise UsageError("--json, --paths-only and --print0 exclude each other.", "Choose one.")
        if by not in {"bytes", "look"}:
            raise UsageError(f"There is no --by {by}.", "Say bytes or look.")
        how: CompareBy = "look" if by == "look" else "bytes"
        with progress_shown(run.notes) as progress:
            result = compare_card(run.settings, card, by=how, progress=progress, cancel=run.cancel)
        _write(run, result, paths_only=paths_only, print0=print0)
        summarize_missing(run.notes, result)
        if result.missing:
            run.code = ExitCode.NOTHING_FOUND
        elif result.failures or result.films:
            run.code = ExitCode.SOME_FAILED


def _write(run: CommandRun, result: "CardResult", *, paths_only: bool, print0: bool) -> None:
    from vtsfind.report import missing as report
    from vtsfind.report.ndjson import NdjsonWriter, library_fields

    if run.json:
        lines = NdjsonWriter(run.output, "missing", **library_fields(result.library), by=result.by)
        report.write_records(lines, result)
    elif paths_only or print0:
        report.write_paths(run.output, result, end=b"\0" if print0 else b"\n")
    else:
        report.write_missing(run.output, result)
