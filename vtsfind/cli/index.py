"""`vtsfind index`: make or refresh a library."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.completion import complete_models
from vtsfind.cli.files import open_input
from vtsfind.cli.options import CommonOptions, Device, DryRun, On

if TYPE_CHECKING:
    from vtsfind.engine.indexing.changes import RefreshOptions

_FILES = "Which files"
_NICENESS = 10
"""Added to the niceness of a process that watches folders, so that other programs come first."""


@dataclass(frozen=True, kw_only=True)
class IndexOptions:
    """Which files are read, and how."""

    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Skip files and folders whose name or whole path matches, such as '*.gif' or '*/drafts/*'. Replaces the "
            "patterns of the settings. May be repeated.",
            rich_help_panel=_FILES,
        ),
    ] = None
    include_hidden: Annotated[
        bool,
        typer.Option(
            "--include-hidden",
            help="Include files and folders whose name begins with a dot.",
            rich_help_panel=_FILES,
        ),
    ] = False
    one_file_system: Annotated[
        bool,
        typer.Option(
            "--one-file-system", help="Do not enter folders on other file systems.", rich_help_panel=_FILES
        ),
    ] = False
    files0_from: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Index the files named in FILE, each name followed by a NUL byte; - for standard input.",
            rich_help_panel=_FILES,
        ),
    ] = None
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Try files again that failed before, even if they have not changed.",
            rich_help_panel=_FILES,
        ),
    ] = False
    forget_missing: Annotated[
        bool,
        typer.Option(
            "--forget-missing",
            help="Forget the photos of folders that are missing or empty. Without this option they stay in the library, "
            "since the drive may only be unplugged.",
            rich_help_panel=_FILES,
        ),
    ] = False
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Model of a new library, or with --upgrade the one to change to; see `vtsfind models list`.",
            autocompletion=complete_models,
        ),
    ] = None
    upgrade: Annotated[
        bool,
        typer.Option(
            "--upgrade",
            help="Encode all photos again with the default model, and change the library to it when all are done. Decisions "
            "and results stay.",
        ),
    ] = False
    device: Device = None
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", help="Decode photos in N processes; by default one per processor."),
    ] = None
    on: On = None
    dry_run: DryRun = False
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Then wait for changes in the folders of the library and follow them, at low priority, until Ctrl-C (needs "
            "watchfiles).",
        ),
    ] = False

    @property
    def settings(self) -> dict[str, object]:
        """The settings that are given here; None for those that are not."""
        return {
            "exclude": tuple(self.exclude) if self.exclude else None,
            "include_hidden": self.include_hidden or None,
            "one_file_system": self.one_file_system or None,
            "device": self.device,
            "workers": self.workers,
        }

    def refresh_options(self) -> "RefreshOptions":
        """What the engine is asked for."""
        from vtsfind.engine.indexing.changes import RefreshOptions

        return RefreshOptions(self.retry_failed, self.forget_missing)


def index(
    folders: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FOLDER",
            help="Folders of photos, with all folders below them. If left out: the folders of the library.",
        ),
    ] = None,
    *,
    options: IndexOptions,
    common: CommonOptions,
) -> None:
    """Make a library of photos, or bring it up to date.

        vtsfind index ~/Photos      the first time: read every photo
        vtsfind index               later: read what is new or changed
        find . -name '*.jpg' -print0 | vtsfind index --files0-from -
        vtsfind index --watch       follow the folders of the library

    Photos are only read, never changed. Hidden files, trash and thumbnail folders are skipped. An interrupted run keeps
    what it has done; run the same command again to continue. A file that cannot be read is remembered with the reason,
    and tried again once it changes.

    A library keeps the model that it was made with. `vtsfind index` says when a better one is there, and `vtsfind index
    --upgrade` changes to it; until all photos are encoded, the library works with the model it has.
    """
    with running(common, **options.settings) as run, cancel_on_signal(run):
        names: list[bytes] = []
        if options.files0_from:
            from vtsfind.media.scan import read_nul_separated

            with open_input(options.files0_from) as stream:
                names = read_nul_separated(stream)
        if options.watch and (run.json or options.dry_run):
            raise UsageError("--watch cannot be combined with --json or --dry-run.", "Leave one out.")
        if options.dry_run:
            _preview_changes(run, folders or [], names, options)
        else:
            _refresh(run, folders or [], names, options)
            if options.upgrade and run.code is not ExitCode.INTERRUPTED:
                _upgrade(run, options)
            if options.watch:
                _follow(run, options)


def _suggest_reference(run: CommandRun) -> None:
    """After the first index, say how photos of an archive are kept before those of a phone."""
    from vtsfind.base.paths import show_path
    from vtsfind.engine.library.access import open_library
    from vtsfind.engine.library.reference import suggested_reference

    with open_library(run.settings) as library:
        folder = suggested_reference(tuple(library.roots()))
    if folder:
        run.notes.say(
            f"{show_path(folder)} looks like an archive. To always keep its photos, add --reference {show_path(folder)}"
            " to `vtsfind dupes`, `plan` or `browse`."
        )


def _refresh(run: CommandRun, folders: list[str], names: list[bytes], options: IndexOptions) -> None:
    from vtsfind.engine.indexing.update import update
    from vtsfind.engine.indexing.upgrade import better_model
    from vtsfind.engine.library.access import library_place
    from vtsfind.report.index import summarize_refresh, write_refresh

    with run.context(on=options.on) as context:
        own_model = None if options.upgrade else options.model
        result = update(context, folders, names, model=own_model, options=options.refresh_options())
        better = "" if options.upgrade else better_model(context)
    if run.json:
        write_refresh(run.output, library_place(run.settings), result)
    summarize_refresh(run.notes, result, ", ".join(folders) or "the folders of the library")
    if result.new and result.new == result.photos:
        _suggest_reference(run)
    if better:
        run.notes.say(f"A better model is there: {better}. To change to it, type `vtsfind index --upgrade`.")
    if result.interrupted:
        run.code = ExitCode.INTERRUPTED
    elif result.failures:
        run.code = ExitCode.SOME_FAILED


def _follow(run: CommandRun, options: IndexOptions) -> None:
    """Refresh the library after each burst of changes, until the user stops it."""
    from vtsfind.base.errors import LibraryLocked
    from vtsfind.base.paths import show_path_from_home
    from vtsfind.base.words import listed
    from vtsfind.engine.context import Context
    from vtsfind.engine.indexing.watch import changes, watched_folders

    context = Context(run.settings, cancel=run.cancel)
    folders = watched_folders(context)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    run.notes.say(f"Watching {listed(map(show_path_from_home, folders))}. Press Ctrl-C to stop.")
    for _ in changes(context, folders):
        try:
            _refresh(run, [], [], options)
        except LibraryLocked as error:  # the next change brings this one along
            run.notes.warn(str(error))
    run.code = ExitCode.DONE


def _upgrade(run: CommandRun, options: IndexOptions) -> None:
    from vtsfind.engine.indexing.upgrade import upgrade
    from vtsfind.report.index import summarize_upgrade

    with run.context(on=options.on) as context:
        result = upgrade(context, model=options.model)
    summarize_upgrade(run.notes, result)
    if result.interrupted:
        run.code = ExitCode.INTERRUPTED
    elif result.left:
        run.code = ExitCode.SOME_FAILED


def _preview_changes(run: CommandRun, folders: list[str], names: list[bytes], options: IndexOptions) -> None:
    from vtsfind.engine.indexing.update import preview_changes
    from vtsfind.engine.library.access import library_place
    from vtsfind.report.index import summarize_changes, write_changes

    with run.context() as context:
        changes = preview_changes(context, folders, names, options=options.refresh_options())
    if run.json:
        write_changes(run.output, library_place(run.settings), changes)
    summarize_changes(run.notes, changes)
    if changes.failures:
        run.code = ExitCode.SOME_FAILED
