"""`vtsfind apply`: do what a plan says."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.confirm import confirm

if TYPE_CHECKING:
    from vtsfind.act.plan import Plan
    from vtsfind.engine.apply.apply import ApplyResult


def apply(
    plan: Annotated[
        str,
        typer.Argument(metavar="PLAN", help="A plan of `vtsfind plan`, edited or not; - for standard input."),
    ],
    *,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Allow the plan to delete files for good.")
    ] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Do what a plan says.

    \b
    vtsfind apply plan.txt --dry-run
    vtsfind apply plan.txt

    Every file is looked at again first, the one to go and the one to keep: still there, and still of the same content. Any
    doubt about one file spares its whole group. What is done is written down before it happens, so that `vtsfind undo` can
    bring it back, weeks later, too. Ctrl-C lets the current file be finished and leaves the rest as planned; the same
    command goes on from there. The exit code is 3 if a group was spared.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.engine.apply.plans import parse_plan, read_plan

        read = (
            parse_plan(sys.stdin.buffer.read(), "The plan on standard input")
            if plan == "-"
            else read_plan(Path(plan))
        )
        if not dry_run and not _confirm_plan(run, read, yes=yes):
            run.notes.say("Nothing was done.")
            return
        result = _apply_plan(run, read, plan, dry_run=dry_run, permanently=permanently)
        _conclude(run, result)


def _confirm_plan(run: CommandRun, plan: "Plan", *, yes: bool) -> bool:
    from vtsfind.act.plan import operations
    from vtsfind.report.plan import announce_operations

    todo = operations(plan)
    if not todo:
        return True
    if not yes:
        announce_operations(run.notes, todo)
    return confirm("Go on?", yes=yes)


def _apply_plan(
    run: CommandRun, plan: "Plan", name: str, *, dry_run: bool, permanently: bool
) -> "ApplyResult":
    from vtsfind.engine.apply.apply import apply
    from vtsfind.report import plan as report
    from vtsfind.report.ndjson import NdjsonWriter
    from vtsfind.report.progress import progress_shown

    lines = NdjsonWriter(run.output, "apply", dry_run=dry_run) if run.json else None
    with progress_shown(run.notes) as progress:
        result = apply(
            plan,
            command=f"vtsfind apply {name}",
            permanently=permanently,
            dry_run=dry_run,
            progress=progress,
            cancel=run.cancel,
            on_step=lambda step: (
                report.write_step_record(lines, step) if lines else report.write_step(run.output, step)
            ),
        )
    if lines:
        lines.footer(**report.applied_counts(result))
    report.summarize_applied(run.notes, result, dry_run=dry_run)
    return result


def _conclude(run: CommandRun, result: "ApplyResult") -> None:
    if result.interrupted:
        run.code = ExitCode.INTERRUPTED
    elif result.skipped:
        run.code = ExitCode.SOME_FAILED
