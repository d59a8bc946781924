"""`vtsfind undo` and `vtsfind history`: bring files back, and see what was done."""

from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.confirm import confirm

if TYPE_CHECKING:
    from vtsfind.store.journal import RunRecord


def undo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="The run, as `vtsfind history` names it; the latest that has anything to bring back if left out.",
            show_default=False,
        ),
    ] = None,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Bring back only this file, with what travelled with it, or what was in this folder. May be repeated.",
            show_default=False,
        ),
    ] = None,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Bring back what `vtsfind apply` took away.

    \b
    vtsfind undo
    vtsfind undo 2026-05-04.1 --only ~/Photos/beach.jpg

    Files come back to their own paths, with their times and attributes. If a path is taken by now, the file is restored
    beside it. What is on a drive that is not there waits: the same command brings it back later. The exit code is 3 if
    something did not come back.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run,
        cancel_on_signal(run),
    ):
        import os

        paths = [os.path.abspath(os.fsencode(path)) for path in only or []]
        if not dry_run and not yes:
            _preview_undo(run, name, paths)
            if not confirm("Bring them back?", yes=yes):
                run.notes.say("Nothing was done.")
                return
        _undo(run, name, paths, dry_run=dry_run)


def _preview_undo(run: CommandRun, name: str | None, paths: list[bytes]) -> None:
    """Say what would come back."""
    from vtsfind.engine.apply.undo import undo as bring_back
    from vtsfind.report.plan import summarize_undone

    summarize_undone(run.notes, bring_back(name, paths=paths, dry_run=True), dry_run=True)


def _undo(run: CommandRun, name: str | None, paths: list[bytes], *, dry_run: bool) -> None:
    from vtsfind.engine.apply.undo import RestoreOutcome
    from vtsfind.engine.apply.undo import undo as bring_back
    from vtsfind.report import plan as report
    from vtsfind.report.ndjson import NdjsonWriter
    from vtsfind.report.progress import progress_shown

    lines = NdjsonWriter(run.output, "undo", dry_run=dry_run) if run.json else None
    with progress_shown(run.notes) as progress:
        result = bring_back(
            name,
            paths=paths,
            dry_run=dry_run,
            progress=progress,
            cancel=run.cancel,
            on_step=lambda step: (
                report.write_return_record(lines, step) if lines else report.write_return(run.output, step)
            ),
        )
    if lines:
        lines.footer(**report.undone_counts(result))
    report.summarize_undone(run.notes, result, dry_run=dry_run)
    if result.interrupted:
        run.code = ExitCode.INTERRUPTED
    elif result.of(RestoreOutcome.FAILED) or result.of(RestoreOutcome.PENDING):
        run.code = ExitCode.SOME_FAILED


def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Show each file of this run.", show_default=False),
    ] = None,
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show what was done to files, the latest run first.

    A file is `done` when it went where it should, `undone` when it came back, `planned` when the run was stopped before it
    came to it, `skipped` when there was doubt, and `failed` when the system refused.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.engine.apply import undo as undoing
        from vtsfind.report import plan as report
        from vtsfind.report.ndjson import NdjsonWriter

        if name is not None:
            record = undoing.read_run(name)
            _warn_of_damage(run, [record])
            if json:
                report.write_run_records(NdjsonWriter(run.output, "history"), record)
            else:
                report.write_run(run.output, record)
            return
        runs = undoing.history()
        _warn_of_damage(run, runs)
        if json:
            report.write_history_records(NdjsonWriter(run.output, "history"), runs)
        else:
            report.write_history(run.output, runs)
        if not runs:
            run.notes.say("Nothing was done yet.")


def _warn_of_damage(run: CommandRun, records: "list[RunRecord]") -> None:
    for record in records:
        if record.damaged:
            run.notes.warn(f"{record.damaged:,} lines of the journal of run {record.run} are damaged.")
