"""`vtsfind dupes`: groups of duplicates."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli import duplicate_options as wishes
from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.engine.duplicates.pipeline import Duplicates


def dupes(
    *,
    kind: wishes.Kind = None,
    within: wishes.Within = None,
    between: wishes.Between = None,
    reference: wishes.Reference = None,
    prefer_folder: wishes.PreferFolder = None,
    keep_by: wishes.KeepBy = None,
    radius: wishes.Radius = None,
    max_false_merge: wishes.MaxFalseMerge = None,
    no_verify: Annotated[
        bool,
        typer.Option(
            "--no-verify",
            help="Group by codes alone, within --radius: fast, and candidates only, no duplicates.",
        ),
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write a table with commas, one line a photo.")] = False,
    paths_only: Annotated[
        bool,
        typer.Option("--paths-only", help="Write nothing but the paths of the copies that need not be kept."),
    ] = False,
    print0: Annotated[
        bool, typer.Option("--print0", "-0", help="The same, each path ended by a NUL.")
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Write only how much there is.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with exit code 1 if there are duplicates.")
    ] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Find photos that are copies of each other, and say which one to keep.

    \b
    vtsfind dupes
    vtsfind dupes --between ~/Photos ~/Phone --prefer-folder ~/Photos
    vtsfind dupes --kind burst --json

    Nothing is changed: `vtsfind plan` and `vtsfind browse` go on from here. Near codes, and details in common, only
    propose a pair; it counts once both photos were looked at. Each photo of a group was compared with the one to keep. The
    verdicts are `bytes` (the same file), `pixels` (the same picture in another file), `resave` (saved again, or resized),
    `turned` (mirrored, or turned by quarters), `edit` (a crop, a border, writing, other colours), `burst` (another shot of
    the same scene) and `similar`.

    What was found out is kept, so that a second run, or one that goes on after an interruption, is quick. The library is
    taken as `vtsfind index` left it. The exit code is 3 if photos could not be looked at.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.engine.duplicates.pipeline import duplicates
        from vtsfind.report.progress import progress_shown

        if sum((json, csv, paths_only, print0, summary)) > 1:
            raise UsageError(
                "--json, --csv, --paths-only, --print0 and --summary exclude each other.", "Choose one."
            )
        dedup_options = wishes.dedup_options(
            kind=kind,
            within=within,
            between=between,
            reference=reference,
            prefer_folder=prefer_folder,
            keep_by=keep_by,
            radius=radius,
            max_false_merge=max_false_merge,
            verify=not no_verify,
        )
        with progress_shown(run.notes) as progress:
            found = duplicates(run.settings, dedup_options, progress=progress, cancel=run.cancel)
        _write(run, found, csv=csv, paths_only=paths_only, print0=print0, summary=summary)
        _conclude(run, found, exit_code=exit_code)


def _write(
    run: CommandRun, found: "Duplicates", *, csv: bool, paths_only: bool, print0: bool, summary: bool
) -> None:
    from vtsfind.report import groups, ndjson

    if run.json:
        facts = {
            "model": found.model,
            "by": found.head.name,
            "bits": found.head.bits,
            "radius": found.radius,
            "complete": found.complete,
        }
        lines = ndjson.NdjsonWriter(run.output, "dupes", **ndjson.library_fields(found.library), **facts)
        groups.write_records(lines, found)
    elif csv:
        groups.write_csv(run.output, found)
    elif paths_only or print0:
        groups.write_paths(run.output, found, end=b"\0" if print0 else b"\n")
    elif not summary:
        groups.write_groups(run.output, found)
    groups.summarize_duplicates(run.notes, found)


def _conclude(run: CommandRun, found: "Duplicates", *, exit_code: bool) -> None:
    from vtsfind.base.records import Reason

    if any(failure.reason is not Reason.VANISHED for failure in found.failures):
        run.code = ExitCode.SOME_FAILED
    elif exit_code and found.groups:
        run.code = ExitCode.NOTHING_FOUND
