"""`vtsfind plan`: which duplicates to remove, for a person to read and edit."""

import os
import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vtsfind.base.errors import UsageError
from vtsfind.base.words import either
from vtsfind.cli.command import CommandRun, ExitCode, cancel_on_signal, running
from vtsfind.cli.completion import complete_actions
from vtsfind.cli.duplicate_options import DuplicateOptions, require_photos
from vtsfind.cli.options import OUTPUT, CommonOptions, Force

if TYPE_CHECKING:
    from vtsfind.act.plan import Plan
    from vtsfind.base.operations import Action
    from vtsfind.base.records import Failure
    from vtsfind.engine.duplicates.results import Duplicates
    from vtsfind.engine.review.planned import Planned


@dataclass(frozen=True, kw_only=True)
class PlanOptions:
    """What becomes of the photos that are not kept, and where the plan goes."""

    action: Annotated[
        str,
        typer.Option(
            metavar="ACTION",
            help="What to do with photos that are not kept: trash, quarantine (a folder on the same drive), move, delete, "
            "or, for exact copies only, replace them by a hardlink, reflink or symlink.",
            autocompletion=complete_actions,
        ),
    ] = "trash"
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Folder for --action move; files keep their whole path below it."
        ),
    ] = None
    permanently: Annotated[
        bool, typer.Option("--permanently", help="Allow --action delete, which cannot be undone.")
    ] = False
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the plan to FILE instead of standard output.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    force: Force = False

    def parsed_action(self) -> "Action":
        """The action by name.

        Raises
        ------
        UsageError
            If there is none of that name, or another option must go with it.
        """
        from vtsfind.base.operations import Action

        known = [each for each in Action if each is not Action.KEEP]
        if self.action not in known:
            raise UsageError(f"'{self.action}' is not an action.", f"Use {either(known)}.")
        action = Action(self.action)
        if (action is Action.MOVE) != (self.to is not None):
            raise UsageError("--action move and --to go together.", "Give both, or neither.")
        if action is Action.DELETE and not self.permanently:
            raise UsageError(
                "Deleting cannot be undone.",
                "Add --permanently to delete, or leave out --action to use the trash.",
            )
        return action


def plan(*, options: PlanOptions, duplicate_options: DuplicateOptions, common: CommonOptions) -> None:
    """Write a plan of which duplicates to keep and which to remove.

        vtsfind plan --output plan.txt
        vtsfind plan --between ~/Photos ~/Phone --reference ~/Photos > plan.txt

    Nothing is changed. A plan is text with one line per photo: the action, the path and the reason. Change the first
    word of a line or delete the line; then run `vtsfind apply`. With --json the plan is one JSON object per line, which
    `vtsfind apply` also reads.

    A photo is removed only if the kept one has everything that its file contains. Other copies are listed but kept, with
    the reason; so are edited photos (crops, collages, screenshots), unless you name them with --kind, and other shots of a
    scene (burst) in any case: mark those in `vtsfind browse`, or in the plan.

    What you accepted in `vtsfind browse` is planned as you accepted it there, other shots included. A photo that you keep
    there stays, unless another group that you accepted there, such as a burst, removes it. So does a
    keeper that you chose there, even before you accept the group. Of all else the plan has what is proposed.
    """
    with running(common) as run, cancel_on_signal(run):
        if run.json and options.output:
            raise UsageError("--json and --output cannot be combined.", "Redirect standard output instead.")
        action = options.parsed_action()
        if options.output:
            from vtsfind.engine.apply.plans import PLAN_FILE
            from vtsfind.engine.library.outputs import require_output

            require_output(options.output, PLAN_FILE, run.settings, force=options.force)
        dedup_options = duplicate_options.dedup_options()
        from vtsfind.base.groups import Verdict
        from vtsfind.engine.duplicates.pipeline import duplicates
        from vtsfind.engine.review.standing import planned_with_review
        from vtsfind.report.groups import summarize_duplicates

        with run.context() as context:
            found = duplicates(context, dedup_options)
            bursts = replace(dedup_options, kinds=frozenset({Verdict.BURST}))
            kept, made = planned_with_review(found, action, lambda: duplicates(context, bursts).groups)
        require_photos(found)
        summarize_duplicates(run.notes, kept)
        if found.failures:
            run.code = ExitCode.SOME_FAILED
        _make(run, found, made, options, action)


def _make(
    run: CommandRun, found: "Duplicates", made: "Planned", options: PlanOptions, action: "Action"
) -> None:
    from vtsfind.engine.apply.plans import plan_for_groups

    removal_plan, vanished = plan_for_groups(
        made.groups,
        library=found.library,
        command=shlex.join(["vtsfind", *sys.argv[1:]]),
        action=action,
        marks=made.actions,
        target=os.fsencode(options.to) if options.to else None,
    )
    _write(run, removal_plan, made, vanished, options)


def _write(
    run: CommandRun,
    removal_plan: "Plan",
    made: "Planned",
    vanished: "list[Failure]",
    options: PlanOptions,
) -> None:
    from vtsfind.report import plan as report

    if options.output is None:
        (report.write_plan_records if run.json else report.write_plan)(run.output, removal_plan)
        where = "FILE"
    else:
        from vtsfind.engine.apply.plans import save_plan

        save_plan(removal_plan, options.output, run.settings, force=options.force)
        where = shlex.quote(str(options.output))
    report.summarize_plan(run.notes, removal_plan, made, vanished, where)
