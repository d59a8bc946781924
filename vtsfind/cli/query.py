"""`vtsfind query`: similar photos, best first."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.engine import Similar
    from vtsfind.report.pictures import InlinePictures


def query(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE", help="Photos, in the library or not; - reads one from standard input."
        ),
    ],
    *,
    top: Annotated[
        int | None,
        typer.Option(
            "--top",
            "-t",
            metavar="N",
            help="Show the N best files; 20 by default, all with --radius.",
            show_default=False,
        ),
    ] = None,
    radius: Annotated[
        int | None,
        typer.Option(metavar="BITS", help="Show only photos at most so many bits away.", show_default=False),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="HEAD",
            help="What to compare: `scene`, what is in the picture (the default), or `copy`, whether it is the same "
            "picture.",
            show_default=False,
        ),
    ] = None,
    skip_self: Annotated[
        bool, typer.Option("--skip-self", help="Leave the very file asked for out of its own answer.")
    ] = False,
    paths_only: Annotated[
        bool, typer.Option("--paths-only", help="Write nothing but the paths, one a line.")
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="Write nothing but the paths, each ended by a NUL.")
    ] = False,
    pictures: Annotated[
        str | None,
        typer.Option(
            metavar="[=HOW]",
            help="Show small pictures, if standard output is a terminal. HOW is auto (the best that the terminal "
            "says it can), or, forced, kitty, sixel, iterm2 or blocks.",
            show_default=False,
        ),
    ] = None,
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
    r"""Find photos that look like IMAGE, best first.

    \b
    vtsfind query cat.jpg
    vtsfind query cat.jpg --radius 10 --by copy --paths-only
    curl -s https://example.org/cat.jpg | vtsfind query -

    A photo that is in the library is its own best hit, at distance 0; --skip-self leaves it out. A line shows the rank,
    how alike the photos are, in how many bits their codes differ, size, date and path. With --by copy a photo that the
    library has not is also looked for mirrored and made smaller, so the best hit need not be the one at the smallest
    distance. The exit code is 1 if nothing is
    found, and 3 if one of the photos asked for could not be used.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.engine import SearchOptions, find_similar

        if sum((json, paths_only, print0, pictures is not None)) > 1:
            raise UsageError(
                "--json, --paths-only, --print0 and --pictures exclude each other.", "Choose one."
            )
        search_options = SearchOptions(head=by, top=top, radius=radius, skip_self=skip_self)
        found = find_similar(
            run.settings, images, search_options, standard_input=sys.stdin.buffer, cancel=run.cancel
        )
        _write(run, found, paths_only=paths_only, print0=print0, pictures=pictures)
        _conclude(run, found)


def _write(
    run: CommandRun, found: "Similar", *, paths_only: bool, print0: bool, pictures: str | None
) -> None:
    from vtsfind.report import query as hits

    if run.json:
        _write_json(run, found)
    elif paths_only or print0:
        hits.write_paths(run.output, found.answers, end=b"\0" if print0 else b"\n")
    else:
        hits.write_answers(run.output, found.answers, _inline_pictures(run, pictures) if pictures else None)


def _inline_pictures(run: CommandRun, how: str) -> "InlinePictures | None":
    """What draws the pictures of hits; None where there is no terminal to draw on."""
    from vtsfind.engine import thumbnails
    from vtsfind.report.pictures import THUMBNAIL_SIDE_PX, InlinePictures, inline_renderer

    renderer = inline_renderer(how, run.output)
    if renderer is None:
        return None
    return InlinePictures(
        renderer, run.output, lambda paths: thumbnails(paths, THUMBNAIL_SIDE_PX, run.settings, run.cancel)
    )


def _write_json(run: CommandRun, found: "Similar") -> None:
    from vtsfind.report import ndjson
    from vtsfind.report import query as hits

    facts = {"model": found.model, "by": found.head.name, "bits": found.head.bits}
    lines = ndjson.NdjsonWriter(run.output, "query", **ndjson.library_fields(found.library), **facts)
    hits.write_records(lines, found.answers)


def _conclude(run: CommandRun, found: "Similar") -> None:
    """Say which photos could not be used and for which nothing was found; choose the exit code."""
    from vtsfind.base.records import show_path

    for answer in found.answers:
        if answer.failure:
            run.notes.warn(str(answer.failure))
        elif not answer.neighbours:
            run.notes.say(f"Nothing in the library looks like {show_path(answer.query_image.name)}.")
    if any(answer.failure for answer in found.answers):
        run.code = ExitCode.SOME_FAILED
    elif not any(answer.neighbours for answer in found.answers):
        run.code = ExitCode.NOTHING_FOUND
