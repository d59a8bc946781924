"""`vtsfind index`: make or refresh a library."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.engine import RefreshResult


def index(
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folders with photos; all below them is looked at. None: those that the library has.",
            show_default=False,
        ),
    ] = None,
    *,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Leave out files and folders whose name or whole path matches, such as '*.gif' or '*/drafts/*'; "
            "in place of the settings' patterns. May be repeated.",
            show_default=False,
        ),
    ] = None,
    include_hidden: Annotated[
        bool, typer.Option("--include-hidden", help="Also look at names that begin with a dot.")
    ] = False,
    one_file_system: Annotated[
        bool, typer.Option("--one-file-system", help="Do not enter folders on other file systems.")
    ] = False,
    files0_from: Annotated[
        str | None,
        typer.Option(
            "--files0-from",
            metavar="FILE|-",
            help="Index the files named in FILE (or standard input), each name ended by a NUL.",
            show_default=False,
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try files again that failed before and did not change.")
    ] = False,
    forget_missing: Annotated[
        bool,
        typer.Option(
            "--forget-missing",
            help="Also forget the photos of folders that are missing or empty now, as those of a drive that is "
            "not plugged in are.",
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The model for a new library; see `models list`.", show_default=False
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model runs: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Processes that decode photos; one for each processor by default.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only tell what there is to do.")] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Make a library of photos, or bring it up to date.

    \b
    vtsfind index ~/Photos             the first time: reads every photo, once
    vtsfind index                      later: reads only what is new or changed
    find . -name '*.jpg' -print0 | vtsfind index --files0-from -

    Photos are only read, never changed. Hidden files, trash and thumbnail folders are left out. What was done is kept
    if the run is stopped: the same command goes on from there. A file that cannot be used is remembered with the
    reason; it is tried again when it changes, or with --retry-failed.
    """
    flags = {
        "exclude": tuple(exclude) if exclude else None,
        "include_hidden": include_hidden or None,
        "one_file_system": one_file_system or None,
        "device": device,
        "workers": workers,
    }
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, **flags) as run,
        cancel_on_signal(run),
    ):
        names = _read_file_names(files0_from) if files0_from else []
        if dry_run:
            _preview_changes(
                run, folders or [], names, retry_failed=retry_failed, forget_missing=forget_missing
            )
        else:
            _refresh(
                run, folders or [], names, model, retry_failed=retry_failed, forget_missing=forget_missing
            )


def _read_file_names(source: str) -> list[bytes]:
    """The file names that the user lists."""
    import sys

    from vtsfind.base.errors import UsageError
    from vtsfind.media.scan import read_nul_separated

    if source == "-":
        return read_nul_separated(sys.stdin.buffer)
    try:
        with open(source, "rb") as stream:
            return read_nul_separated(stream)
    except OSError as error:
        raise UsageError(f"The list {source} cannot be read: {error.strerror}.") from error


def _refresh(
    run: CommandRun,
    folders: list[str],
    names: list[bytes],
    model: str | None,
    *,
    retry_failed: bool,
    forget_missing: bool,
) -> None:
    from vtsfind.engine import library_folder, update
    from vtsfind.report import ndjson
    from vtsfind.report.index import summarize_refresh, write_refresh
    from vtsfind.report.progress import progress_shown

    with progress_shown(run.notes) as progress:
        result = update(
            run.settings,
            folders,
            names,
            model=model,
            progress=progress,
            cancel=run.cancel,
            retry_failed=retry_failed,
            forget_missing=forget_missing,
        )
    if run.json:
        lines = ndjson.NdjsonWriter(
            run.output, "index", **ndjson.library_fields(library_folder(run.settings))
        )
        write_refresh(lines, result)
    summarize_refresh(run.notes, result, ", ".join(folders) or "the folders of the library")
    run.code = _exit_code(result)


def _exit_code(result: "RefreshResult") -> ExitCode:
    if result.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.SOME_FAILED if result.failures else ExitCode.DONE


def _preview_changes(
    run: CommandRun, folders: list[str], names: list[bytes], *, retry_failed: bool, forget_missing: bool
) -> None:
    from vtsfind.engine import library_folder, preview_changes
    from vtsfind.report import ndjson
    from vtsfind.report.index import summarize_changes, write_changes
    from vtsfind.report.progress import progress_shown

    with progress_shown(run.notes) as progress:
        changes = preview_changes(
            run.settings,
            folders,
            names,
            progress=progress,
            cancel=run.cancel,
            retry_failed=retry_failed,
            forget_missing=forget_missing,
        )
    if run.json:
        lines = ndjson.NdjsonWriter(
            run.output, "index", dry_run=True, **ndjson.library_fields(library_folder(run.settings))
        )
        write_changes(lines, changes)
    summarize_changes(run.notes, changes)
    if changes.failures:
        run.code = ExitCode.SOME_FAILED
