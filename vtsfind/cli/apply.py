"""`vtsfind apply`: carry out a plan."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.confirm import confirm
from vtsfind.cli.options import CommonOptions, DryRun, Yes

if TYPE_CHECKING:
    from vtsfind.act.plan import Plan
    from vtsfind.engine.apply.apply import ApplyResult


def apply(
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN", help="Plan that `vtsfind plan` wrote, edited or not; - for standard input."
        ),
    ],
    *,
    dry_run: DryRun = False,
    yes: Yes = False,
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Allow the plan to delete files permanently.")
    ] = False,
    outside: Annotated[
        bool,
        typer.Option("--outside", help="Allow the plan to name files outside the folders of its library."),
    ] = False,
    common: CommonOptions,
) -> None:
    """Carry out a plan.

        vtsfind apply plan.txt --dry-run
        vtsfind apply plan.txt

    Each file, and the file that is kept in its place, is checked first: both must exist and have the content that the
    plan names. If any check fails, the whole group is skipped, and the exit code is 3.

    Every operation is recorded before it happens, so that `vtsfind undo` can reverse it, also weeks later. After Ctrl-C
    the current file is finished; run the same command again to continue.
    """
    with running(common) as run, cancel_on_signal(run):
        run.output.is_expendable = True
        from vtsfind.base.files import MAX_LINES_BYTES, read_stream
        from vtsfind.engine.apply.plans import parse_plan, read_plan, require_here, require_in_library

        read = (
            parse_plan(read_stream(sys.stdin.buffer, MAX_LINES_BYTES), "The plan on standard input")
            if plan == "-"
            else read_plan(Path(plan))
        )
        require_here(read)
        if not outside:
            require_in_library(read)
        if not dry_run and not _confirm_plan(run, read, yes=yes):
            run.notes.say("Nothing was changed.")
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
    return confirm("Continue?", yes=yes)


def _apply_plan(
    run: CommandRun, plan: "Plan", name: str, *, dry_run: bool, permanently: bool
) -> "ApplyResult":
    from vtsfind.base.progress import Monitor
    from vtsfind.engine.apply.apply import apply
    from vtsfind.report import plan as report
    from vtsfind.report.ndjson import NdjsonWriter
    from vtsfind.report.progress import progress_shown
    from vtsfind.report.schema import APPLY

    lines = NdjsonWriter(run.output, APPLY, dry_run=dry_run) if run.json else None
    with progress_shown(run.notes) as progress:
        result = apply(
            plan,
            command=f"vtsfind apply {name}",
            permanently=permanently,
            dry_run=dry_run,
            monitor=Monitor(progress=progress, cancel=run.cancel),
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
