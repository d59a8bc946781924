"""`vtsfind missing`: photos of a memory card that are not in the library."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.base.words import either
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.completion import complete_libraries
from vtsfind.cli.options import CommonOptions, Device, PathOptions, require_one_of

if TYPE_CHECKING:
    from vtsfind.engine.missing.card import CardResult, CompareBy

_WAYS = ("bytes", "look")


@dataclass(frozen=True, kw_only=True)
class MissingOptions:
    """Where photos are looked for, and how."""

    within: Annotated[
        str | None,
        typer.Option(
            "--in",
            metavar="NAME|PATH",
            help="Library to look in; the same as --library.",
            autocompletion=complete_libraries,
        ),
    ] = None
    by: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="bytes: a photo is present only as an exact copy. look: also as the same picture in another file that is "
            "no worse; this loads the model.",
            autocompletion=lambda: list(_WAYS),
        ),
    ] = "bytes"
    device: Device = None


def missing(
    card: Annotated[
        list[str], typer.Argument(metavar="CARD", help="Folders or files, such as those of a memory card.")
    ],
    *,
    options: MissingOptions,
    paths: PathOptions,
    common: CommonOptions,
) -> None:
    """List the photos of CARD that are not in the library.

        vtsfind missing /media/card && echo "All photos are in the library."
        vtsfind missing /media/card --print0 | xargs -0 cp -t ~/Photos/new

    A photo is present if a file of the library has the same content, lies outside the card, and still exists where the
    library found it. A similar photo is not enough. Run `vtsfind index` first if the library is out of date. If CARD lies
    in a folder of the library, it is said of each photo without a copy elsewhere whether it is indexed there.

    The exit code is 0 if every photo is present and 1 if one is missing. It is 3 if all photos that could be compared
    are present, but some files could not be read or compared: videos, sounds, photos of kinds that vtsfind does not read,
    other files of more than 4 kB.
    """
    if options.within and common.library and options.within != common.library:
        raise typer.BadParameter("--in and --library name different libraries.")
    flags = {"device": options.device} | ({"library": options.within} if options.within else {})
    with running(common, **flags) as run, cancel_on_signal(run):
        from vtsfind.engine.missing.compare import compare_card
        from vtsfind.report.missing import summarize_missing

        require_one_of(json=run.json, paths_only=paths.paths_only, print0=paths.print0)
        if options.by not in _WAYS:
            raise UsageError(f"--by cannot be '{options.by}'.", f"Use {either(_WAYS)}.")
        by: CompareBy = "look" if options.by == "look" else "bytes"
        with run.context() as context:
            result = compare_card(context, card, by=by)
        _write(run, result, paths)
        summarize_missing(run.notes, result)
        if result.missing:
            run.code = ExitCode.ANSWER_NO
        elif result.failures or result.uncompared:
            run.code = ExitCode.SOME_FAILED


def _write(run: CommandRun, result: "CardResult", paths: PathOptions) -> None:
    from vtsfind.report import missing as report

    if run.json:
        report.write_records(run.output, result)
    elif paths.end is not None:
        report.write_paths(run.output, result, end=paths.end)
    else:
        report.write_missing(run.output, result)
