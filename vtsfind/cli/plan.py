"""`vtsfind plan`: what to do with duplicates, for a person to read and change."""

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.cli import duplicate_options as wishes
from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running

if TYPE_CHECKING:
    from vtsfind.act.plan import Plan
    from vtsfind.base.operations import Action
    from vtsfind.base.records import Failure


def plan(
    *,
    action: Annotated[
        str,
        typer.Option(
            metavar="ACTION",
            help="What becomes of each photo that need not be kept: trash, quarantine (a folder on the same drive), move, "
            "hardlink, reflink, symlink (links only for files of the same content) or delete.",
        ),
    ] = "trash",
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where --action move moves them, below their whole paths."),
    ] = None,
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Allow --action delete, which cannot be undone.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the plan there, not to standard output."),
    ] = None,
    kind: wishes.Kind = None,
    within: wishes.Within = None,
    between: wishes.Between = None,
    reference: wishes.Reference = None,
    prefer_folder: wishes.PreferFolder = None,
    keep_by: wishes.KeepBy = None,
    radius: wishes.Radius = None,
    max_false_merge: wishes.MaxFalseMerge = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Write a plan: what to keep and what to take away of the photos that `vtsfind dupes` finds.

    \b
    vtsfind plan --output plan.txt
    vtsfind plan --between ~/Photos ~/Phone --reference ~/Photos > plan.txt

    Nothing is touched. A plan is text with a line for each photo: what becomes of it, its path, and why. Change the first
    word of a line, or take the line out; then `vtsfind apply` does what it says. With --json the plan is one JSON object a
    line, which `apply` reads, too.

    Edits (crops, collages, screenshots) stand in the plan, but are kept: which of two is the photo and which was made of
    it is for a person to see. With --kind the plan takes away whatever is of that kind.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run,
        cancel_on_signal(run),
    ):
        if json and output:
            raise UsageError("--json and --output exclude each other.", "Redirect standard output instead.")
        chosen = _parse_action(action, to, permanently=permanently)
        dedup_options = wishes.dedup_options(
            kind=kind,
            within=within,
            between=between,
            reference=reference,
            prefer_folder=prefer_folder,
            keep_by=keep_by,
            radius=radius,
            max_false_merge=max_false_merge,
        )
        from vtsfind.engine.duplicates.pipeline import duplicates
        from vtsfind.report.groups import summarize_duplicates
        from vtsfind.report.progress import progress_shown

        with progress_shown(run.notes) as progress:
            found = duplicates(run.settings, dedup_options, progress=progress, cancel=run.cancel)
        summarize_duplicates(run.notes, found)
        if found.failures:
            run.code = ExitCode.SOME_FAILED
        from vtsfind.engine.apply.plans import marks_keeping_edits, plan_for_groups

        edits = {} if kind else marks_keeping_edits(found.groups)
        removal_plan, vanished = plan_for_groups(
            found.groups,
            library=found.library,
            command=shlex.join(["vtsfind", *sys.argv[1:]]),
            action=chosen,
            marks=edits,
            target=os.fsencode(to) if to else None,
        )
        _write(run, removal_plan, vanished, output)
        _note_kept_edits(run, len(edits))


def _note_kept_edits(run: CommandRun, count: int) -> None:
    from vtsfind.report.columns import counted

    if count:
        run.notes.say(
            f"{counted(count, 'edit')} kept in the plan: look which one is the photo (vtsfind browse), or add "
            "--kind copies to take them away, too."
        )


def _parse_action(name: str, to: Path | None, *, permanently: bool) -> "Action":
    from vtsfind.base.operations import Action

    known = [each for each in Action if each is not Action.KEEP]
    if name not in known:
        raise UsageError(f"There is no action '{name}'.", f"Actions: {', '.join(known)}.")
    action = Action(name)
    if (action is Action.MOVE) != (to is not None):
        raise UsageError("--action move and --to belong together.", "Give both, or neither.")
    if action is Action.DELETE and not permanently:
        raise UsageError(
            "Deleting cannot be undone.",
            "Add --permanently if that is meant, or leave the default, the trash.",
        )
    return action


def _write(run: CommandRun, removal_plan: "Plan", vanished: "list[Failure]", output: Path | None) -> None:
    from vtsfind.report import plan as report

    if output is None:
        (report.write_plan_records if run.json else report.write_plan)(run.output, removal_plan)
        where = "FILE"
    else:
        from vtsfind.engine.apply.plans import save_plan

        save_plan(removal_plan, output)
        where = shlex.quote(str(output))
    report.summarize_plan(run.notes, removal_plan, vanished, where)
