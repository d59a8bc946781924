"""`vtsfind undo` and `vtsfind history`: restore files, and list what was done."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.completion import complete_runs
from vtsfind.cli.confirm import confirm
from vtsfind.cli.options import CommonOptions, DryRun, Yes

if TYPE_CHECKING:
    from vtsfind.engine.apply.undo import UndoResult
    from vtsfind.store.run_record import RunRecord


def undo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Run to undo, as `vtsfind history` names it; by default the latest that can be undone.",
            autocompletion=complete_runs,
        ),
    ] = None,
    *,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="Restore only this file and its sidecars, or only the files that were in this folder. May be repeated.",
        ),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    common: CommonOptions,
) -> None:
    """Restore the files that `vtsfind apply` removed.

        vtsfind undo
        vtsfind undo 2026-05-04.1 --only ~/Photos/beach.jpg

    Files return to their own paths, with their times and attributes. If a path is taken, the file is restored beside
    it. Files on a drive that is not connected stay where they are; run the same command again later. Photos restored with
    --only are not proposed again, until the rest of their run is restored, too. The exit code is 3 if a file was not restored.
    """
    with running(common) as run, cancel_on_signal(run):
        run.output.is_expendable = True
        paths = [os.fsencode(path) for path in only or []]
        if not dry_run and not yes:
            _preview_undo(run, name, paths)
            if not confirm("Restore these files?", yes=yes):
                run.notes.say("Nothing was changed.")
                return
        _undo(run, name, paths, dry_run=dry_run)


def _preview_undo(run: CommandRun, name: str | None, paths: list[bytes]) -> None:
    """Say what would be restored."""
    from vtsfind.engine.apply.undo import undo as bring_back
    from vtsfind.report.plan import summarize_undone

    summarize_undone(run.notes, bring_back(name, paths=paths, dry_run=True), dry_run=True)


def _undo(run: CommandRun, name: str | None, paths: list[bytes], *, dry_run: bool) -> None:
    from vtsfind.base.progress import Monitor
    from vtsfind.engine.apply.undo import undo as bring_back
    from vtsfind.report import plan as report
    from vtsfind.report.ndjson import NdjsonWriter
    from vtsfind.report.progress import progress_shown
    from vtsfind.report.schema import UNDO

    lines = NdjsonWriter(run.output, UNDO, dry_run=dry_run) if run.json else None
    with progress_shown(run.notes) as progress:
        result = bring_back(
            name,
            paths=paths,
            dry_run=dry_run,
            monitor=Monitor(progress=progress, cancel=run.cancel),
            on_step=lambda step: (
                report.write_return_record(lines, step) if lines else report.write_return(run.output, step)
            ),
        )
    if lines:
        lines.footer(**report.undone_counts(result))
    report.summarize_undone(run.notes, result, dry_run=dry_run)
    if not dry_run:
        _decide(run, result, alone=bool(paths))
    if result.interrupted:
        run.code = ExitCode.INTERRUPTED
    elif not result.is_complete:
        run.code = ExitCode.SOME_FAILED


def _decide(run: CommandRun, result: "UndoResult", *, alone: bool) -> None:
    """Decide that photos which a person chose to bring back stay beside the kept ones; or no longer, as all of the run is back."""
    from vtsfind.engine.apply.undo import PROPOSED_AGAIN, keep_restored, release_restored
    from vtsfind.engine.library.access import library_place
    from vtsfind.report.plan import say_kept

    place = library_place(run.settings)
    if alone:
        say_kept(run.notes, keep_restored(result, place))
    elif release_restored(result, place):
        run.notes.say(PROPOSED_AGAIN)


def history(
    name: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Show each file of this run.", autocompletion=complete_runs),
    ] = None,
    *,
    common: CommonOptions,
) -> None:
    """List the runs of `vtsfind apply`, the latest first, or the files of one run.

    A file was removed, moved or linked as planned, restored (by `vtsfind undo`), not started (the run was stopped before
    it), unfinished (the run was killed), skipped (a check failed) or not done (the system reported an error).
    """
    with running(common) as run:
        from vtsfind.engine.apply import undo as undoing
        from vtsfind.report import plan as report

        if name is not None:
            record = undoing.read_run(name)
            _warn_of_damage(run, [record])
            if run.json:
                report.write_run_records(run.output, record)
            else:
                report.write_run(run.output, record)
            return
        runs = undoing.history()
        _warn_of_damage(run, runs)
        if run.json:
            report.write_history_records(run.output, runs)
        else:
            report.write_history(run.output, runs)
        if not runs:
            run.notes.say("There are no runs.")


def _warn_of_damage(run: CommandRun, records: "list[RunRecord]") -> None:
    from vtsfind.base.words import counted

    for record in records:
        if record.problem:
            run.notes.warn(record.problem)
        elif record.damaged:
            run.notes.warn(f"The journal of run {record.run} has {counted(record.damaged, 'damaged line')}.")
        if record.problem or record.damaged:
            run.code = ExitCode.SOME_FAILED
