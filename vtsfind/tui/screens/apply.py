"""The plan made from the review, and its application: the same checks, journal and trash as `vtsfind apply`."""

import os
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.operations import Operation, State
from vtsfind.base.paths import distinct_tails, show_path, show_path_from_home
from vtsfind.base.words import counted, file_size, listed
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import JobDone, JobFailed, JobProgressed
from vtsfind.tui.page import Page
from vtsfind.tui.widgets.dialogs import ConfirmDialog, PlanFileDialog
from vtsfind.tui.widgets.job_panel import JobPanel
from vtsfind.tui.widgets.operation_words import STATE_WIDTH, places_text, state_label
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.text_width import Line

if TYPE_CHECKING:
    from vtsfind.engine.apply.apply import ApplyResult
    from vtsfind.engine.review.proposal import Proposal

_MAX_NAMED = 5
"""Groups that are named."""


class PlanProposed(Message):
    """A worker has made the plan, or failed."""

    def __init__(self, proposal: "Proposal | None", error: VtsfindError | None = None) -> None:
        super().__init__()
        self.proposal = proposal
        going = [operation.path for operation in proposal.operations] if proposal else []
        self.tails = distinct_tails(going)
        self.error = error


class ApplyPage(Page):
    """The screen that shows and applies the plan."""

    KEY_SCOPE = KeyScope.APPLY
    TAB = "apply"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.APPLY)
    AUTO_FOCUS = "#plan"

    def __init__(self) -> None:
        super().__init__()
        self._proposal: Proposal | None = None
        self._tails: Mapping[bytes, bytes] = {}
        """How files that go are called where others of their names go, too, by their paths."""
        self._applied: ApplyResult | None = None

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Vertical(
            Static(id="totals"),
            RowList(id="plan"),
            JobPanel(id="work"),
            id="apply",
        )

    def on_mount(self) -> None:
        """Set the titles."""
        self.query_one("#totals").border_title = "Plan"

    def on_screen_resume(self) -> None:
        """Make the plan from the review."""
        super().on_screen_resume()
        if "apply" not in self.context.jobs.running:
            self._applied = None
            self._propose()

    def groups_changed(self) -> None:
        """Make the plan of the groups that were found meanwhile."""
        if self.is_current and "apply" not in self.context.jobs.running and self._applied is None:
            self._propose()

    @property
    def _list(self) -> RowList:
        return self.query_one("#plan", RowList)

    @work(thread=True, exclusive=True, group="plan")
    def _propose(self) -> None:
        try:
            self.post_message(PlanProposed(self.context.session.propose()))
        except VtsfindError as error:
            self.post_message(PlanProposed(None, error))

    def on_plan_proposed(self, message: PlanProposed) -> None:
        """Show the plan."""
        self._proposal, self._tails = message.proposal, message.tails
        if message.error:
            self.context.show_error(message.error)
        self._show()
        self.refresh_status()

    def _show(self) -> None:
        proposal, totals = self._proposal, self.query_one("#totals", Static)
        if proposal is None or not proposal.operations:
            waiting = self.context.session.review is None
            text = Text("Groups are still being found." if waiting else "Nothing to do yet.", style="bold")
            totals.update(text.append(_remarks(proposal), style="not bold"))
            self._list.show(
                0,
                lambda _: [],
                empty="Accept groups on the Groups screen (F3); the photos to remove are listed here.",
            )
            self._list.border_title = ""
            return
        text = Text()
        text.append(f"Move {_moved(proposal)}", style="bold")
        text.append(f", as you decided in {_groups_words(proposal)}; frees {file_size(proposal.size)}.\n")
        text.append(
            "Every file is checked again first. For each file that goes another one stays: a copy, or a shot of its scene. You can undo all of it."
        )
        text.append(_remarks(proposal))
        totals.update(text)
        self._list.show(len(proposal.operations), self._planned_line, self._list.cursor)
        self._list.border_title = "Press x to apply"

    def _planned_line(self, place: int) -> Line:
        assert self._proposal
        operation = self._proposal.operations[place]
        keeper = self._proposal.planned.keepers.get(operation.group, operation.keeper)
        relation = "keeps another shot," if operation.path in self._proposal.other_shots else "keeps"
        return _operation_line(operation, self._tails.get(operation.path), keeper, relation)

    def _result_line(self, place: int) -> Line:
        assert self._applied
        step = self._applied.steps[place]
        word, style = state_label(step.operation, step.state)
        note = [(f"  {step.note}", style)] if step.note else []
        folder, name = os.path.split(step.operation.path)
        return [
            (f"{word:<{STATE_WIDTH}}", style),
            (show_path(name), "name"),
            *note,
            (f"  {show_path_from_home(folder)}", "dim"),
        ]

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        if action == "cancel":
            return "apply" in self.context.jobs.running
        has_plan = self._proposal is not None and bool(self._proposal.operations)
        return action not in {"apply", "write"} or (has_plan and self._applied is None)

    # -- applying --------------------------------------------------------------------------------------------------

    def action_apply(self) -> None:
        """Ask, then apply the plan."""
        proposal = self._proposal
        if proposal is None or not proposal.operations or self._applied is not None:
            self.notify("There is nothing to apply. Accept groups first (F3).", timeout=4)
            return
        lines = [
            f"Moves {_moved(proposal)}, as you decided in {_groups_words(proposal)}.",
            f"Frees {file_size(proposal.size)}.",
            "Each file is checked again first; a group of which one has changed is skipped.",
            "The History screen, or `vtsfind undo`, restores them.",
        ]
        question = ConfirmDialog("Apply the plan?", lines, "move them to the trash")
        self.app.push_screen(question, lambda yes: self._apply(proposal) if yes else None)

    def _apply(self, proposal: "Proposal") -> None:
        call = partial(self.context.session.apply, proposal)
        if self.context.jobs.start("apply", lambda progress, cancel: call(progress=progress, cancel=cancel)):
            self.query_one(JobPanel).show_text("Starting \u2026")
            self.refresh_status()

    def job_progressed(self, message: JobProgressed) -> None:
        """Show the progress."""
        if message.job == "apply":
            self.query_one(JobPanel).show(message)

    def job_failed(self, message: JobFailed) -> None:
        """Hide the progress."""
        if message.job == "apply":
            self.query_one(JobPanel).hide()

    def job_done(self, message: JobDone) -> None:
        """Show the outcome."""
        if message.job != "apply":
            return
        applied = self._applied = cast("ApplyResult", message.result)
        self.query_one(JobPanel).hide()
        done, skipped = applied.of(State.DONE), applied.skipped
        assert self._proposal
        groups = self._proposal.planned.groups_of(step.operation for step in done)
        places = {os.path.dirname(step.place) for step in done if step.place and not step.operation.target}
        text = Text(
            f"Moved {counted(len(done), 'file')} to the trash, {file_size(applied.size)}, as you decided in {counted(len(groups), 'group')}.",
            style="bold",
        )
        if applied.run:
            text.append(f"  Run {applied.run}; undo it on the History screen (F6).", style="not bold")
        if places:
            text.append(f"\nThe files are in {places_text(sorted(places))} now.", style="not bold")
        if skipped:
            text.append(
                f"\nSkipped {counted(len(skipped), 'file')}; the reasons are below.", style="not bold"
            )
        if applied.interrupted:
            text.append("\nStopped. The rest is still planned.", style="not bold")
        self.query_one("#totals", Static).update(text)
        self._list.show(len(applied.steps), self._result_line)
        self._list.border_title = "Result"
        self.context.session.settle_applied(applied)
        self.context.load_groups()

    def action_cancel(self) -> None:
        """Stop after the current file."""
        if not self.context.jobs.cancel("apply"):
            self.notify("Nothing is running.", timeout=2)

    def action_reload(self) -> None:
        """Make the plan again."""
        self._applied = None
        self._propose()

    def action_write(self) -> None:
        """Ask for a file name and write the plan."""
        if self._proposal is None or not self._proposal.operations:
            self.notify("There is nothing to write. Accept groups first (F3).", timeout=4)
        else:
            self.app.push_screen(PlanFileDialog(), self._write)

    def _write(self, name: str | None) -> None:
        if not name or self._proposal is None:
            return
        path = Path(os.path.expanduser(name)).absolute()
        try:
            self.context.session.write_plan(self._proposal, path)
        except VtsfindError as error:
            self.context.show_error(error)
        else:
            self.notify(f"Wrote the plan to {path}. Apply it with `vtsfind apply {name}`.", timeout=8)


def _remarks(proposal: "Proposal | None") -> str:
    """What a plan leaves out, a line each."""
    lines = []
    if proposal and not proposal.complete:
        lines.append("\nBursts are still being found; what you decided about them is added then.")
    if proposal and proposal.marked:
        which = counted(len(proposal.marked), "group")
        if len(proposal.marked) <= _MAX_NAMED:
            which = listed(f"group {number}" for number in sorted(proposal.marked))
        lines.append(f"\nNot in the plan: {which}, which you marked, but did not accept.")
    if proposal and proposal.gone:
        exist = "exists" if len(proposal.gone) == 1 else "exist"
        lines.append(f"\nSkipped {counted(len(proposal.gone), 'photo')} that no longer {exist}.")
    return "".join(lines)


def _groups_words(proposal: "Proposal") -> str:
    """In how many groups the user decided that something goes, of all decided ones. A file may go by two of them."""
    if proposal.groups == proposal.decided:
        return counted(proposal.groups, "group")
    return f"{proposal.groups:,} of {counted(proposal.decided, 'group')}"


def _moved(proposal: "Proposal") -> str:
    moving = sum(operation.target is not None for operation in proposal.operations)
    going = proposal.sidecars - moving
    sidecars = f" and {counted(going, 'sidecar file')}" if going else ""
    over = f", and {counted(moving, 'sidecar file')} to kept photos" if moving else ""
    return f"{counted(proposal.photos, 'photo')}{sidecars} to the trash{over}"


def _operation_line(operation: Operation, tail: bytes | None, keeper: bytes | None, relation: str) -> Line:
    folder, name = os.path.split(operation.path)
    other = keeper
    if operation.target:
        relation, other = "goes to", operation.target
    elif operation.sidecar_of:
        relation, other = "belongs to", operation.sidecar_of
    return [
        (f"{operation.action.value:<7}", "bad"),
        (f"{file_size(operation.size):>9}  ", "dim"),
        (show_path(tail or _short(operation.path, os.path.basename(other or b""))), "name"),
        (f"  {relation} {show_path(_short(other, name))}" if other else "", "strong"),
        (f"  {show_path_from_home(folder)}", "dim"),
    ]


def _short(path: bytes, name: bytes) -> bytes:
    """The name of a file; with its folder if the other file has that name."""
    folder, own = os.path.split(path)
    return own if own != name else os.path.join(os.path.basename(folder), own)
