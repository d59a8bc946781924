"""The runs recorded in the journal, and undoing one."""

import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on, work
from textual.binding import BindingType
from textual.containers import Container
from textual.markup import escape
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.operations import State
from vtsfind.base.paths import show_path, show_path_from_home
from vtsfind.base.progress import Monitor
from vtsfind.base.words import counted, file_size
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import JobDone, JobProgressed
from vtsfind.tui.page import Page
from vtsfind.tui.widgets.dialogs import ConfirmDialog
from vtsfind.tui.widgets.operation_words import STATE_WIDTH, places_text, state_label
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.text_width import Line

if TYPE_CHECKING:
    from vtsfind.engine.apply.undo import UndoResult
    from vtsfind.store.run_record import RunRecord

_NO_FILES = "The files that a run of the Apply screen (F5) moved are listed here; u restores them."


class RunsLoaded(Message):
    """A worker has read the journal."""

    def __init__(self, runs: "list[RunRecord]", error: VtsfindError | None = None) -> None:
        super().__init__()
        self.runs = runs
        self.error = error


class HistoryPage(Page):
    """The screen of runs."""

    KEY_SCOPE = KeyScope.HISTORY
    TAB = "history"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.HISTORY)
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunRecord] = []
        self._shown_run = ""
        self._is_single = False
        """Whether single files are restored, not a run."""

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Container(RowList(id="runs"), RowList(id="run"), Static(id="undo-doing"), id="history")

    def on_mount(self) -> None:
        """Set the titles."""
        self.query_one("#runs").border_title = "Runs, newest first"
        self.query_one("#undo-doing").display = False

    def on_screen_resume(self) -> None:
        """Read the journal."""
        super().on_screen_resume()
        self._load_runs()

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        return action == "reload" or bool(self._runs)

    @work(thread=True, exclusive=True, group="history")
    def _load_runs(self) -> None:
        try:
            self.post_message(RunsLoaded(self.context.session.runs()))
        except VtsfindError as error:
            self.post_message(RunsLoaded([], error))

    def on_runs_loaded(self, message: RunsLoaded) -> None:
        """Show the runs."""
        self._runs = message.runs
        if message.error:
            self.context.show_error(message.error)
        runs = self.query_one("#runs", RowList)
        runs.show(len(self._runs), self._run_line, runs.cursor, empty="No file was changed yet.")
        self._show_run()

    def _run_line(self, place: int) -> Line:
        run = self._runs[place]
        counts = run.counts
        done = sum(
            op_record.operation.size for op_record in run.op_records.values() if op_record.state is State.DONE
        )
        back = counts[State.UNDONE]
        removed = f"{counts[State.DONE]:>6,} removed {file_size(done):>9}"
        if not counts[State.DONE]:
            removed = " " * len(removed)
        line: Line = [
            (f"{run.run:<18}", "key"),
            (f"{run.time[:16].replace('T', ' ')}  ", "dim"),
            (removed, "strong"),
        ]
        if back:
            line.append((f"  {back:,} restored", "good"))
        if counts[State.SKIPPED] + counts[State.FAILED]:
            line.append((f"  {counts[State.SKIPPED] + counts[State.FAILED]:,} skipped", "warn"))
        return [*line, (f"  {run.command}", "dim")]

    @on(RowList.RowHighlighted, "#runs")
    def _show_run(self) -> None:
        row = self.query_one("#runs", RowList).row
        files = self.query_one("#run", RowList)
        if row is None:
            files.show(0, lambda _: [], empty=_NO_FILES)
            files.border_title = files.border_subtitle = ""
            self.refresh_status()
            return
        run = self._runs[row]
        op_records = list(run.op_records.values())

        def line(place: int) -> Line:
            op_record = op_records[place]
            folder, name = os.path.split(op_record.operation.path)
            note = [(f"  {op_record.note}", "dim")] if op_record.note else []
            word, style = state_label(op_record.operation, op_record.state)
            return [
                (f"{word:<{STATE_WIDTH}}", style),
                (f"{op_record.operation.action.value:<11}", "dim"),
                (f"{file_size(op_record.operation.size):>9}  ", "dim"),
                (show_path(name), "name"),
                *note,
                (f"  {show_path_from_home(folder)}", "dim"),
            ]

        files.show(len(op_records), line, files.cursor if run.run == self._shown_run else 0)
        self._shown_run = run.run
        self.refresh_status()
        files.border_title = f"Run {run.run}: {counted(len(op_records), 'file')}"
        files.border_subtitle = escape(
            f"what is removed is in {places_text(run.places)}" if run.places else ""
        )

    # -- undoing --------------------------------------------------------------------------------------------------

    def action_undo_run(self) -> None:
        """Ask, then undo the selected run."""
        row = self.query_one("#runs", RowList).row
        run = self._runs[row] if row is not None else None
        files = run.counts[State.DONE] if run else 0
        if run is None or not files:
            self.notify("There is nothing to undo in this run.", timeout=3)
            return
        where = "where it was" if files == 1 else "where they were"
        lines = [f"Restores {counted(files, 'file')} to {where}.", "No file is overwritten."]
        question = ConfirmDialog(f"Undo run {run.run}?", lines, "restore them")
        self.app.push_screen(question, lambda yes: self._undo(run.run) if yes else None)

    def action_undo_file(self) -> None:
        """Restore the selected file of the selected run, with its sidecars."""
        row, place = (self.query_one(f"#{name}", RowList).row for name in ("runs", "run"))
        if row is None or place is None:
            self.notify("Choose a run, then Tab and a file of it.", timeout=3)
            return
        run, files = self._runs[row], self.query_one("#run", RowList)
        photos = [each for each in run.op_records.values() if each.operation.sidecar_of is None]
        if len(photos) > 1 and not files.has_focus:
            files.focus()
            self.notify("Choose a file of this run with the arrows, then press b again.", timeout=6)
            return
        op_record = list(run.op_records.values())[place]
        if op_record.state is not State.DONE:
            self.notify("There is nothing to restore: the file is where it was.", timeout=3)
            return
        self._undo(run.run, [op_record.operation.sidecar_of or op_record.operation.path])

    def _undo(self, run: str, paths: Sequence[bytes] = ()) -> None:
        from vtsfind.engine.apply.undo import undo

        self._is_single = bool(paths)
        call = partial(undo, run, paths=paths)
        self.context.jobs.start(
            "undo", lambda progress, cancel: call(monitor=Monitor(progress=progress, cancel=cancel))
        )
        self.refresh_status()

    def job_progressed(self, message: JobProgressed) -> None:
        """Show the progress."""
        if message.job == "undo":
            doing = self.query_one("#undo-doing", Static)
            doing.display = True
            doing.update(Text(f"{message.done:,} of {message.total or 0:,}  {message.note}", no_wrap=True))

    def job_done(self, message: JobDone) -> None:
        """Show the outcome."""
        if message.job != "undo":
            return
        self.query_one("#undo-doing").display = False
        from vtsfind.engine.apply.undo import PROPOSED_AGAIN, keep_restored, release_restored

        undone = cast("UndoResult", message.result)
        said, place = _restored(undone), self.context.session.place
        if self._is_single and keep_restored(undone, place):
            said += " It stays beside the kept one, and is not proposed again; `vtsfind decisions forget FILE` revokes that."
        elif not self._is_single and release_restored(undone, place):
            said += f" {PROPOSED_AGAIN}"
        self.notify(said, timeout=8)
        self._load_runs()
        self.context.load_groups()

    def action_cancel(self) -> None:
        """Stop after the current file."""
        if not self.context.jobs.cancel("undo"):
            self.notify("Nothing is running.", timeout=2)

    def action_files(self) -> None:
        """Go to the files of the run, or back to the runs."""
        self.focus_next()

    def action_reload(self) -> None:
        """Read the journal again."""
        self._load_runs()


def _restored(undone: "UndoResult") -> str:
    """What was restored, in a sentence or two; a single photo by its name."""
    from vtsfind.engine.apply.undo import RestoreOutcome

    back = [step.operation for step in undone.of(RestoreOutcome.RESTORED)]
    left = len(undone.steps) - len(back)
    text = f"Restored {counted(len(back), 'file')}."
    photos = [operation for operation in back if not operation.sidecar_of]
    if len(photos) == 1:
        folder, name = os.path.split(photos[0].path)
        sidecars = f" and {counted(len(back) - 1, 'sidecar file')}" if len(back) > 1 else ""
        text = f"Restored {show_path(name)}{sidecars} to {show_path_from_home(folder)}."
    return text + (f" {left:,} could not be restored; see the notes." if left else "")
