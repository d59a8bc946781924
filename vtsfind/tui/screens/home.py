"""The libraries, their state, and indexing in the background."""

import os
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.markup import escape
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import State
from vtsfind.base.paths import show_path_from_home
from vtsfind.base.words import counted, file_size
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.library.reference import suggested_reference
from vtsfind.engine.review.filters import GroupView
from vtsfind.engine.review.session import Overview
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import GoToScreen, JobDone, JobFailed, JobProgressed, OpenLibrary
from vtsfind.tui.page import Page
from vtsfind.tui.widgets.dialogs import AddFolderDialog
from vtsfind.tui.widgets.job_panel import JobPanel
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.text_width import Line, cut

_NO_COUNT = "\u2013"
_MAX_RECENT_RUNS = 5


if TYPE_CHECKING:
    from vtsfind.store.run_record import RunRecord


class OverviewsLoaded(Message):
    """A worker has read the state of all libraries."""

    def __init__(self, found: list[Overview], runs: "list[RunRecord]") -> None:
        super().__init__()
        self.found = found
        self.runs = runs


class HomePage(Page):
    """The screen of libraries."""

    KEY_SCOPE = KeyScope.HOME
    TAB = "home"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.HOME)
    AUTO_FOCUS = "#libraries"

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Overview] = []
        self._runs: list[RunRecord] = []

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Container(
            RowList(id="libraries"),
            VerticalScroll(Static(id="library"), id="library-side", can_focus=False),
            id="home",
        )
        yield JobPanel(id="work")

    def on_mount(self) -> None:
        """Set the titles and read the libraries."""
        self.query_one("#libraries").border_title = "Libraries"
        self._load_overviews()

    def on_screen_resume(self) -> None:
        """Read the libraries again."""
        super().on_screen_resume()
        self._load_overviews()

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        if action == "cancel":
            return not {"index", "groups"}.isdisjoint(self.context.jobs.running)
        return action != "open" or bool(self._found)

    @property
    def _list(self) -> RowList:
        return self.query_one("#libraries", RowList)

    @work(thread=True, exclusive=True, group="libraries")
    def _load_overviews(self) -> None:
        session = self.context.session
        try:
            every = session.runs()
            runs = [run for run in every if not run.is_settled]
            runs += [run for run in every if run.is_settled][:_MAX_RECENT_RUNS]
        except VtsfindError as error:
            self.post_message(JobFailed("libraries", error))
            runs = []
        self.post_message(OverviewsLoaded(session.overviews(), runs))

    def on_overviews_loaded(self, message: OverviewsLoaded) -> None:
        """Show the libraries."""
        self._found, self._runs = message.found, message.runs
        self._list.show(
            len(self._found),
            self._row,
            self._list.cursor,
            empty="There is no library yet. Press i to index photos.",
        )
        self._show_library()
        self.refresh_status()

    def _row(self, place: int) -> Line:
        library = self._found[place]
        is_open = library.name == self.context.session.settings.library
        counts = library.counts
        photos = f"{counts.files:>9,}" if counts else f"{_NO_COUNT:>9}"
        style = "strong" if is_open else "name"
        return [
            ("\u25cf " if is_open else "  ", "good"),
            (cut(library.name, 22), style),
            (f"{photos} {'photo ' if counts and counts.files == 1 else 'photos'}", "dim"),
        ]

    @on(RowList.RowHighlighted)
    def _show_library(self) -> None:
        row = self._list.row
        side = self.query_one("#library-side")
        if row is None:
            self.query_one("#library", Static).update("")
            return
        library = self._found[row]
        side.border_title = escape(library.name)
        self.query_one("#library", Static).update(self._library_table(library))

    def _library_table(self, library: Overview) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        if library.error:
            table.add_row("state", Text(library.error))
        counts = library.counts
        if counts:
            table.add_row(
                "photos",
                f"{counted(counts.files, 'file')}, {counts.contents:,} different, {file_size(counts.bytes)}",
            )
            if counts.failures:
                unreadable = counted(counts.failures, "unreadable file")
                table.add_row("", f"{unreadable}; see `vtsfind doctor --verbose`")
            when = counts.indexed.astimezone() if counts.indexed else None
            table.add_row("last index", f"{when:%Y-%m-%d %H:%M}, {_ago(when)}" if when else "never finished")
            table.add_row("model", library.model)
        for place, root in enumerate(library.roots):
            missing_note = (
                Text(" (missing or empty: is its drive connected?)", "bold")
                if root in library.missing_or_empty
                else Text()
            )
            table.add_row("folders" if place == 0 else "", Text(show_path_from_home(root)) + missing_note)
        archive = suggested_reference(library.roots)
        if archive:
            table.add_row(
                "archive",
                f"{show_path_from_home(archive)}; start with --reference and this folder to always keep its photos",
            )
        table.add_row("stored in", show_path_from_home(os.fsencode(library.place)))
        if library.name == self.context.session.settings.library:
            self._add_review(table)
        self._add_runs(table)
        return table

    def _add_review(self, table: Table) -> None:
        listing, review = self.context.session.listing, self.context.session.review
        if listing is None or review is None:
            return
        table.add_row()
        copies, bursts = (listing.count(view) for view in (GroupView.COPIES, GroupView.BURSTS))
        also = f", {counted(bursts, 'burst')}" if bursts else ""
        table.add_row("duplicates", f"{counted(copies, 'group')} of copies{also}")
        for verdict, count in listing.counts().items():
            if count and verdict is not Verdict.BURST:  # the bursts are counted already
                table.add_row("", f"{count:>7,} \u00d7 {verdict.label}")
        totals = review.totals
        going = f"removes {counted(totals.files, 'photo')}, frees {file_size(totals.gain)}"
        table.add_row(
            "review", f"{totals.decided:,} decided, {going if totals.files else 'nothing goes yet'}"
        )

    def _add_runs(self, table: Table) -> None:
        if self._runs:
            table.add_row()
        for place, run in enumerate(self._runs):
            counts = run.counts
            done = [f"{counted(counts[State.DONE], 'file')} removed"] if counts[State.DONE] else []
            done += [f"{counted(counts[State.UNDONE], 'file')} restored"] if counts[State.UNDONE] else []
            row = Text("  ".join(filter(None, (run.run, ", ".join(done), run.command))))
            if not run.is_settled:
                row.append("  not finished: connect its drive, then run `vtsfind doctor --repair`", "bold")
            table.add_row("recent runs" if place == 0 else "", row)

    def groups_changed(self) -> None:
        """Show the number of groups."""
        if self.is_mounted and self._found:
            self._show_library()

    # -- indexing --------------------------------------------------------------------------------------------------

    def action_index(self) -> None:
        """Index new and changed photos of the selected library."""
        row = self._list.row
        library = self._found[row] if row is not None else None
        if library is None or (library.counts is None and not library.roots):
            self.action_add()
        else:
            self._index((), library.name)

    def action_add(self) -> None:
        """Ask for a folder and a library, then index."""
        row = self._list.row
        name = self._found[row].name if row is not None else self.context.session.settings.library
        self.app.push_screen(AddFolderDialog(name), self._add)

    def _add(self, answer: tuple[str, str] | None) -> None:
        if answer:
            folder, library = answer
            self._index((os.path.expanduser(folder),), library)

    def _index(self, folders: tuple[str, ...], library: str) -> None:
        call = partial(self.context.session.index, folders, library=library)
        if not self.context.jobs.start(
            "index", lambda progress, cancel: call(progress=progress, cancel=cancel)
        ):
            self.notify("Indexing is already running.", severity="warning")
            return
        self.query_one(JobPanel).show_text(f"Indexing {library} \u2026")
        self.refresh_status()

    def job_progressed(self, message: JobProgressed) -> None:
        """Show the progress."""
        if message.job not in {"index", "groups"} or (
            message.job == "groups" and "index" in self.context.jobs.running
        ):
            return
        self.query_one(JobPanel).show(message)

    def job_done(self, message: JobDone) -> None:
        """Show the outcome."""
        if message.job in {"index", "groups"}:
            self.query_one(JobPanel).hide()
        if message.job == "index" and isinstance(message.result, RefreshResult):
            self.notify(_refresh_summary(message.result), timeout=8)
            self._load_overviews()

    def job_failed(self, message: JobFailed) -> None:
        """Hide the progress."""
        if message.job in {"index", "groups"}:
            self.query_one(JobPanel).hide()

    def action_cancel(self) -> None:
        """Stop indexing, or else comparing."""
        if not (self.context.jobs.cancel("index") or self.context.jobs.cancel("groups")):
            self.notify("Nothing is running.", timeout=2)

    def action_reload(self) -> None:
        """Find duplicates again."""
        self.context.load_groups()
        self.refresh_status()

    @on(RowList.RowOpened)
    def action_open(self) -> None:
        """Continue with the selected library."""
        row = self._list.row
        if row is None:
            return
        library = self._found[row]
        if library.name != self.context.session.settings.library:
            self.post_message(OpenLibrary(library.name))
            self._list.refresh()
        self.post_message(GoToScreen("groups"))


def _refresh_summary(result: RefreshResult) -> str:
    parts = [
        f"{counted(result.photos, 'photo')}: {result.new:,} new, {result.changed:,} changed, {result.moved:,} moved"
    ]
    if result.removed:
        parts.append(f"{result.removed:,} gone")
    if result.failures:
        parts.append(f"{len(result.failures):,} could not be read")
    if result.interrupted:
        parts.append("stopped; photos read so far are kept")
    return ", ".join(parts) + "."


def _ago(when: datetime) -> str:
    """How long ago, in the largest unit."""
    minutes = int((datetime.now(when.tzinfo) - when).total_seconds() // 60)
    for count, unit in ((minutes // 1440, "day"), (minutes // 60, "hour"), (minutes, "minute")):
        if count > 0:
            return f"{counted(count, unit)} ago"
    return "just now"
