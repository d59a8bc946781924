"""The plan as the review has it, and carrying it out: the same checks, journal and trash as `vtsfind apply`."""

import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, ProgressBar, Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.operations import Operation, State
from vtsfind.base.records import show_path
from vtsfind.engine.review.session import Proposal
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.messages import WorkDone, WorkFailed, WorkProgress
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.screen_base import ConfirmDialog, Page, page_bindings
from vtsfind.tui.widgets.text_width import Line, counted, size

if TYPE_CHECKING:
    from vtsfind.engine.apply.apply import ApplyResult

_STATE_LABELS = {
    State.DONE: ("done", "good"),
    State.SKIPPED: ("spared", "warn"),
    State.FAILED: ("failed", "bad"),
    State.PLANNED: ("not begun", "dim"),
}


class PlanProposed(Message):
    """The plan has been made."""

    def __init__(self, proposal: Proposal | None, error: VtsfindError | None = None) -> None:
        super().__init__()
        self.proposal = proposal
        self.error = error


class ApplyPage(Page):
    """The screen of the plan."""

    KEY_SCOPE = KeyScope.APPLY
    NAME = "apply"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(KeyScope.APPLY)
    AUTO_FOCUS = "#plan"

    def __init__(self) -> None:
        super().__init__()
        self._proposal: Proposal | None = None
        self._applied: ApplyResult | None = None

    def body(self) -> Iterable[Widget]:
        """Lay it out."""
        yield Vertical(
            Static(id="totals"),
            RowList(id="plan"),
            Vertical(Static(id="apply-doing"), ProgressBar(id="apply-bar"), id="apply-work"),
            id="apply",
        )

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one("#apply-work").display = False
        self.query_one("#totals").border_title = "Plan"

    def on_screen_resume(self) -> None:
        """Make the plan of the review as it is now."""
        super().on_screen_resume()
        if "apply" not in self.browse.jobs.running:
            self._applied = None
            self._propose()

    @property
    def _list(self) -> RowList:
        return self.query_one("#plan", RowList)

    @work(thread=True, exclusive=True, group="plan")
    def _propose(self) -> None:
        try:
            self.post_message(PlanProposed(self.browse.browsing.propose()))
        except VtsfindError as error:
            self.post_message(PlanProposed(None, error))

    def on_plan_proposed(self, message: PlanProposed) -> None:
        """Show the plan."""
        self._proposal = message.proposal
        if message.error:
            self.browse.tell(message.error)
        self._show()

    def _show(self) -> None:
        proposal, totals = self._proposal, self.query_one("#totals", Static)
        if proposal is None or not proposal.operations:
            totals.update(Text("Nothing is to be done yet.", style="bold"))
            self._list.show(
                0,
                lambda _: [],
                empty="Accept groups on the screen Groups (F3): what they give up stands here.",
            )
            return
        text = Text()
        text.append(f"{counted(len(proposal.operations), 'file')} go to the trash", style="bold")
        text.append(f" from {counted(proposal.groups, 'group')}: {size(proposal.size)}.\n")
        text.append(
            "Every file is checked again first; of each group one photo stays; undo brings all of it back."
        )
        if proposal.gone:
            text.append(
                f"\n{counted(len(proposal.gone), 'photo')} of the review are gone already and left out."
            )
        totals.update(text)
        self._list.show(len(proposal.operations), self._planned_line, self._list.cursor)
        self._list.border_title = "x carries it out"

    def _planned_line(self, place: int) -> Line:
        assert self._proposal
        return _operation_line(self._proposal.operations[place])

    def _result_line(self, place: int) -> Line:
        assert self._applied
        step = self._applied.steps[place]
        word, style = _STATE_LABELS.get(step.state, (step.state.value, "dim"))
        note = [(f"  {step.note}", style)] if step.note else []
        return [(f"{word:<10}", style), (show_path(step.operation.path), "name"), *note]

    # -- doing -----------------------------------------------------------------------------------------------------

    def action_apply(self) -> None:
        """Ask, then carry the plan out."""
        proposal = self._proposal
        if proposal is None or not proposal.operations or self._applied is not None:
            self.notify("There is nothing to carry out.", timeout=3)
            return
        lines = [
            f"{counted(len(proposal.operations), 'file')} from {counted(proposal.groups, 'group')} go to the trash.",
            f"They take {size(proposal.size)}.",
            "Each is compared with the review once more before it is touched; what has changed is spared.",
            "The screen History, or `vtsfind undo`, brings them back.",
        ]
        question = ConfirmDialog("Carry out the plan?", lines, "move them to the trash")
        self.browse.push_screen(question, lambda yes: self._apply(proposal) if yes else None)

    def _apply(self, proposal: Proposal) -> None:
        call = partial(self.browse.browsing.apply, proposal)
        if self.browse.jobs.start("apply", lambda progress, cancel: call(progress=progress, cancel=cancel)):
            self.query_one("#apply-work").display = True
            self.refresh_state()

    def work_progress(self, message: WorkProgress) -> None:
        """Show how far it is."""
        if message.what == "apply":
            words = Text(f"{message.done:,} of {message.total or 0:,}  {message.note}", no_wrap=True)
            self.query_one("#apply-doing", Static).update(words)
            self.query_one("#apply-bar", ProgressBar).update(total=message.total, progress=message.done)

    def work_failed(self, message: WorkFailed) -> None:
        """Take the bar away."""
        if message.what == "apply":
            self.query_one("#apply-work").display = False

    def work_done(self, message: WorkDone) -> None:
        """Show what came of it."""
        if message.what != "apply":
            return
        applied = self._applied = cast("ApplyResult", message.result)
        self.query_one("#apply-work").display = False
        done, skipped = applied.of(State.DONE), applied.skipped
        text = Text(f"{counted(len(done), 'file')} moved to the trash, {size(applied.size)}.", style="bold")
        if applied.run:
            text.append(f"  Run {applied.run}: History (F6) takes it back.", style="not bold")
        if skipped:
            text.append(
                f"\n{counted(len(skipped), 'file')} spared: the reasons stand below.", style="not bold"
            )
        if applied.interrupted:
            text.append("\nStopped; what was not begun stays planned.", style="not bold")
        self.query_one("#totals", Static).update(text)
        self._list.show(len(applied.steps), self._result_line)
        self._list.border_title = "What was done"
        self.browse.load_groups()

    def action_cancel(self) -> None:
        """Stop after the file at hand."""
        if not self.browse.jobs.cancel("apply"):
            self.notify("Nothing runs.", timeout=2)

    def action_reload(self) -> None:
        """Make the plan again."""
        self._applied = None
        self._propose()

    def action_write(self) -> None:
        """Ask for a name, and write the plan there."""
        if self._proposal is None or not self._proposal.operations:
            self.notify("There is nothing to write.", timeout=3)
        else:
            self.browse.push_screen(PlanNameDialog(), self._write)

    def _write(self, name: str | None) -> None:
        if not name or self._proposal is None:
            return
        path = Path(os.path.expanduser(name)).absolute()
        try:
            self.browse.browsing.write_plan(self._proposal, path)
        except VtsfindError as error:
            self.browse.tell(error)
        else:
            self.notify(f"Written: {path}. `vtsfind apply {name}` carries it out.", timeout=8)


def _operation_line(operation: Operation) -> Line:
    keeper = f"  kept: {show_path(operation.keeper)}" if operation.keeper else ""
    if operation.sidecar_of:
        keeper = f"  goes with {show_path(operation.sidecar_of)}"
    return [
        (f"{operation.action.value:<7}", "bad"),
        (f"{size(operation.size):>9}  ", "dim"),
        (show_path(operation.path), "name"),
        (keeper, "dim"),
    ]


class PlanNameDialog(ModalScreen[str | None]):
    """Asks for the name of a file."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave it")]

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="plan-name", classes="dialog") as box:
            box.border_title = "Write the plan to"
            box.border_subtitle = "Enter writes, Esc leaves it"
            yield Input("plan.txt")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the name."""
        self.dismiss(event.value.strip() or None)

    def action_leave(self) -> None:
        """Close without one."""
        self.dismiss(None)
