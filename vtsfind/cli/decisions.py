"""`vtsfind decisions`: what was decided about pairs of photos."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli.command import CommandRun, running
from vtsfind.cli.files import open_input
from vtsfind.cli.options import CommonOptions
from vtsfind.cli.typer_commands import CommandGroup, add_command

if TYPE_CHECKING:
    from vtsfind.report.schema import Stream

decisions = typer.Typer(
    cls=CommandGroup,
    help="List, add, move and revoke your decisions about pairs of photos.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_PHOTO_HELP = "Photos, or SHA-256 digests as `decisions list` prints them."


def list_decisions(*, common: CommonOptions) -> None:
    """List the decisions.

    A decision is about two contents, wherever their files are: it holds in every library, for every model, and after
    files are moved or renamed. A photo of this library is named by its path, any other by the SHA-256 of its content.
    """
    with running(common) as run:
        from vtsfind.engine.library.access import library_place
        from vtsfind.engine.library.decisions import known_decisions, photos_of
        from vtsfind.report import decisions as report
        from vtsfind.report import schema

        known = known_decisions(library_place(run.settings), intact=False)
        paths = photos_of(run.settings, known)
        if run.json:
            report.write_records(run.output, schema.DECISIONS_LIST, known, paths)
        else:
            report.write_decisions(run.output, known, paths)
        if not len(known):
            run.notes.say("There are no decisions.")
        _warn_of_damage(run, len(known.damaged))


def add(
    choice: Annotated[
        str,
        typer.Argument(
            metavar="DECISION",
            help="not-duplicate: the photos are different. keep-both: they are copies, and all are wanted.",
        ),
    ],
    photos: Annotated[list[str], typer.Argument(metavar="PHOTO", help=_PHOTO_HELP)],
    *,
    common: CommonOptions,
) -> None:
    """Decide about each pair of the given photos, so that they are never proposed as duplicates again.

        vtsfind decisions add not-duplicate twin-1.jpg twin-2.jpg
        vtsfind decisions add keep-both original.jpg print.jpg

    `vtsfind decisions forget` revokes a decision.
    """
    with running(common) as run:
        from vtsfind.engine.library.access import library_place
        from vtsfind.engine.library.decisions import decide
        from vtsfind.report import schema

        _conclude(
            run,
            schema.DECISIONS_ADD,
            decide(choice, photos, library_place(run.settings)),
            "Saved the decision for {}.",
        )


def forget(
    photos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PHOTO",
            help=f"{_PHOTO_HELP} Two or more: the decisions between them. One: all decisions about it.",
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Revoke all decisions.")] = False,
    common: CommonOptions,
) -> None:
    """Revoke decisions, so that the photos are proposed as duplicates again.

    A group in which they were marked as not duplicates is undecided again in `vtsfind browse`. What was accepted there is
    no decision about a pair: reset it there.
    """
    with running(common) as run:
        from vtsfind.engine.library import decisions as engine
        from vtsfind.engine.library.access import library_place
        from vtsfind.report import schema

        forgotten = engine.forget(photos or [], library_place(run.settings), everything=everything)
        _conclude(run, schema.DECISIONS_FORGET, len(forgotten), "Revoked the decision for {}.")


def export(*, common: CommonOptions) -> None:
    """Print all decisions, for `decisions import` on another machine.

        vtsfind decisions export > decisions.ndjson

    The output is one JSON object per line, with or without --json. It contains no paths, only SHA-256 digests of
    contents.
    """
    with running(common) as run:
        from vtsfind.engine.library.access import library_place
        from vtsfind.engine.library.decisions import known_decisions
        from vtsfind.report import decisions as report
        from vtsfind.report import schema

        known = known_decisions(library_place(run.settings), intact=False)
        report.write_records(run.output, schema.DECISIONS_EXPORT, known, {})
        _warn_of_damage(run, len(known.damaged))


def import_from(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="File that `decisions export` wrote; - for standard input.")
    ],
    *,
    common: CommonOptions,
) -> None:
    """Import decisions that were exported elsewhere.

    Of two decisions about one pair the later one wins. Importing a file again changes nothing.
    """
    with running(common) as run:
        from vtsfind.engine.library.access import library_place
        from vtsfind.engine.library.decisions import import_decisions
        from vtsfind.report import schema

        with open_input(source) as stream:
            _, changed = import_decisions(
                stream, "standard input" if source == "-" else source, library_place(run.settings)
            )
        _conclude(run, schema.DECISIONS_IMPORT, changed, "Imported the decision for {}.")


add_command(decisions, "list", list_decisions)
add_command(decisions, "add", add)
add_command(decisions, "forget", forget)
add_command(decisions, "export", export)
add_command(decisions, "import", import_from)


def _conclude(run: CommandRun, stream: "Stream", changed: int, sentence: str) -> None:
    """Say how many pairs were changed."""
    from vtsfind.base.words import counted
    from vtsfind.report.ndjson import NdjsonWriter

    if run.json:
        NdjsonWriter(run.output, stream).footer(changed=changed)
    run.notes.say(sentence.format(counted(changed, "pair")) if changed else "Nothing changed.")


def _warn_of_damage(run: CommandRun, damaged: int) -> None:
    from vtsfind.base.words import counted

    if damaged:
        run.notes.warn(
            f"Ignored {counted(damaged, 'line')} of the file of decisions that cannot be read; all others are valid."
        )
