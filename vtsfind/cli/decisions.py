"""`vtsfind decisions`: what was decided about pairs of photos, for ever."""

import sys
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, running
from vtsfind.cli.typer_compat import Command, CommandGroup

decisions = typer.Typer(
    cls=CommandGroup,
    help="Show, move and take back what you decided about pairs of photos.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PHOTO_HELP = "Photos, or the 64 digits that `decisions list` shows."


@decisions.command("list", cls=Command)
def list_decisions(
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """List the decisions.

    Each is about two contents, wherever their files are: it holds in every library, after files were moved or renamed,
    and under every model. A photo that the library has is named by its path, another one by the SHA-256 of its content.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.engine.library.decisions import known_decisions, photos_of
        from vtsfind.report import decisions as report
        from vtsfind.report.ndjson import NdjsonWriter

        known = known_decisions()
        paths = photos_of(run.settings, known)
        if json:
            report.write_records(NdjsonWriter(run.output, "decisions list"), known, paths)
        else:
            report.write_decisions(run.output, known, paths)
        if not len(known):
            run.notes.say("Nothing was decided yet.")
        _warn_of_damage(run, len(known.damaged))


@decisions.command("add", cls=Command)
def add(
    choice: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="not-duplicate: they are different photos. keep-both: they are copies, and all are wanted.",
        ),
    ],
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help=_PHOTO_HELP)],
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Decide about every two of some photos, so that they are never proposed as duplicates again.

    \b
    vtsfind decisions add not-duplicate twin-1.jpg twin-2.jpg
    vtsfind decisions add keep-both original.jpg print.jpg
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.engine.library.decisions import decide

        _conclude(run, "decisions add", decide(choice, photos), "Decided about {}.")


@decisions.command("forget", cls=Command)
def forget(
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO",
            help=_PHOTO_HELP
            + " Of two and more, the decisions between them; of one, all that it is part of.",
            show_default=False,
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Forget all decisions.")] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Take decisions back, so that the photos are proposed as duplicates again."""
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.engine.library import decisions as engine

        forgotten = engine.forget(photos or [], everything=everything)
        _conclude(run, "decisions forget", len(forgotten), "Forgot what was decided about {}.")


@decisions.command("export", cls=Command)
def export(
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Write all decisions to standard output, for `decisions import` on another machine.

    \b
    vtsfind decisions export > decisions.ndjson

    One JSON object a line, with or without --json. No path is in it, only SHA-256 of contents.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.engine.library.decisions import known_decisions
        from vtsfind.report import decisions as report
        from vtsfind.report.ndjson import NdjsonWriter

        known = known_decisions()
        report.write_records(NdjsonWriter(run.output, "decisions export"), known, {})
        _warn_of_damage(run, len(known.damaged))


@decisions.command("import", cls=Command)
def import_from(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="What `decisions export` wrote; - for standard input.")
    ],
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Take over decisions that were exported elsewhere.

    Of two decisions about one pair the later counts. Importing a file again changes nothing.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.base.errors import UsageError
        from vtsfind.engine.library.decisions import import_decisions

        if source == "-":
            _, changed = import_decisions(sys.stdin.buffer, "standard input")
        else:
            try:
                with open(source, "rb") as stream:
                    _, changed = import_decisions(stream, source)
            except OSError as error:
                raise UsageError(f"{source} cannot be read: {error.strerror}.") from error
        _conclude(run, "decisions import", changed, "Imported what was decided about {}.")


def _conclude(run: CommandRun, command: str, changed: int, sentence: str) -> None:
    """Say how many pairs a command changed something about."""
    from vtsfind.report.columns import counted
    from vtsfind.report.ndjson import NdjsonWriter

    if run.json:
        NdjsonWriter(run.output, command).footer(changed=changed)
    if changed:
        run.notes.say(sentence.format(counted(changed, "pair")))
    else:
        run.notes.say("Nothing changed.")


def _warn_of_damage(run: CommandRun, damaged: int) -> None:
    from vtsfind.report.columns import counted

    if damaged:
        run.notes.warn(
            f"{counted(damaged, 'line')} of the file of decisions cannot be read; all others count."
        )
