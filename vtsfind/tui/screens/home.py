"""Where a session begins: the libraries, what is in them, and bringing them up to date while one goes on working."""

import os
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, ProgressBar, Static

from vtsfind.base.errors import VtsfindError
from vtsfind.base.operations import State
from vtsfind.base.records import show_path
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.review.session import Overview
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.messages import WorkDone, WorkFailed, WorkProgress
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.screen_base import Page, page_bindings
from vtsfind.tui.widgets.text_width import Line, counted, cut, size

_NO_COUNT = "\u2013"
_MAX_RECENT_RUNS = 5


if TYPE_CHECKING:
    from vtsfind.store.journal import RunRecord


class OverviewsLoaded(Message):
    """The libraries have been looked at."""

    def __init__(self, found: list[Overview], runs: "list[RunRecord]") -> None:
        super().__init__()
        self.found = found
        self.runs = runs


class HomePage(Page):
    """The screen of libraries."""

    KEY_SCOPE = KeyScope.HOME
    NAME = "home"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(KeyScope.HOME)
    AUTO_FOCUS = "#libraries"

    def __init__(self) -> None:
        super().__init__()
        self._found: list[Overview] = []
        self._runs: list[RunRecord] = []

    def body(self) -> Iterable[Widget]:
        """Lay it out."""
        yield Container(
            RowList(id="libraries"),
            VerticalScroll(Static(id="library"), id="library-side", can_focus=False),
            id="home",
        )
        yield Vertical(Static(id="doing"), ProgressBar(id="bar", show_eta=True), id="work")

    def on_mount(self) -> None:
        """Fill it."""
        self.query_one("#libraries").border_title = "Libraries"
        self.query_one("#work").display = False
        self._load_overviews()

    def on_screen_resume(self) -> None:
        """Look again."""
        super().on_screen_resume()
        self._load_overviews()

    @property
    def _list(self) -> RowList:
        return self.query_one("#libraries", RowList)

    @work(thread=True, exclusive=True, group="libraries")
    def _load_overviews(self) -> None:
        browsing = self.browse.browsing
        try:
            runs = browsing.runs()[:_MAX_RECENT_RUNS]
        except VtsfindError as error:
            self.post_message(WorkFailed("libraries", error))
            runs = []
        self.post_message(OverviewsLoaded(browsing.overviews(), runs))

    def on_overviews_loaded(self, message: OverviewsLoaded) -> None:
        """Show the libraries."""
        self._found, self._runs = message.found, message.runs
        self._list.show(
            len(self._found), self._row, self._list.cursor, empty="There is no library yet. Press i."
        )
        self._show_library()

    def _row(self, place: int) -> Line:
        library = self._found[place]
        is_open = library.name == self.browse.browsing.settings.library
        counts = library.counts
        photos = f"{counts.files:>9,}" if counts else f"{_NO_COUNT:>9}"
        style = "strong" if is_open else "name"
        return [
            ("\u25cf " if is_open else "  ", "good"),
            (cut(library.name, 22), style),
            (f"{photos} photos", "dim"),
        ]

    @on(RowList.RowHighlighted)
    def _show_library(self) -> None:
        row = self._list.row
        side = self.query_one("#library-side")
        if row is None:
            self.query_one("#library", Static).update("")
            return
        library = self._found[row]
        side.border_title = library.name
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
                "photos", f"{counts.files:,} files, {counts.contents:,} different ones, {size(counts.bytes)}"
            )
            if counts.failures:
                table.add_row("unusable", f"{counts.failures:,} files; `vtsfind doctor --verbose` lists them")
            when = counts.indexed.astimezone() if counts.indexed else None
            table.add_row("last index", f"{when:%Y-%m-%d %H:%M}, {_ago(when)}" if when else "never finished")
            table.add_row("model", library.model)
        for place, root in enumerate(library.roots):
            missing_note = (
                Text(" (missing or empty: is its drive there?)", "bold")
                if root in library.missing_or_empty
                else Text()
            )
            table.add_row("folders" if place == 0 else "", Text(show_path(root)) + missing_note)
        table.add_row("kept in", show_path(os.fsencode(library.folder)))
        if library.name == self.browse.browsing.settings.library:
            self._add_review(table)
        self._add_runs(table)
        return table

    def _add_review(self, table: Table) -> None:
        listing, review = self.browse.browsing.listing, self.browse.browsing.review
        if listing is None or review is None:
            return
        table.add_row()
        total = sum(gain for _, gain in listing.counts().values())
        table.add_row("copies", f"{counted(len(review.groups), 'group')}, which give {size(total)}")
        for verdict, (count, gain) in listing.counts().items():
            if count:
                table.add_row("", f"{count:>7,} {verdict.value:<8} {size(gain):>9}")
        totals = review.totals
        table.add_row(
            "review", f"{totals.decided:,} decided, {counted(totals.files, 'file')} go, {size(totals.gain)}"
        )

    def _add_runs(self, table: Table) -> None:
        if self._runs:
            table.add_row()
        for place, run in enumerate(self._runs):
            counts = run.counts
            words = f"{run.run}  {counted(counts[State.DONE], 'file')} gone"
            if counts[State.UNDONE]:
                words += f", {counts[State.UNDONE]:,} brought back"
            table.add_row("recent runs" if place == 0 else "", f"{words}  {run.command}")

    def groups_changed(self) -> None:
        """Show how many copies there are."""
        if self.is_mounted and self._found:
            self._show_library()

    # -- indexing --------------------------------------------------------------------------------------------------

    def action_index(self) -> None:
        """Bring the library under the cursor up to date."""
        row = self._list.row
        library = self._found[row] if row is not None else None
        if library is None or (library.counts is None and not library.roots):
            self.action_add()
        else:
            self._index((), library.name)

    def action_add(self) -> None:
        """Ask for a folder and a library, and index it."""
        row = self._list.row
        name = self._found[row].name if row is not None else self.browse.browsing.settings.library
        self.browse.push_screen(AddFolderDialog(name), self._add)

    def _add(self, answer: tuple[str, str] | None) -> None:
        if answer:
            folder, library = answer
            self._index((os.path.expanduser(folder),), library)

    def _index(self, folders: tuple[str, ...], library: str) -> None:
        call = partial(self.browse.browsing.index, folders, library=library)
        if not self.browse.jobs.start(
            "index", lambda progress, cancel: call(progress=progress, cancel=cancel)
        ):
            self.notify("An index run is under way already.", severity="warning")
            return
        self.query_one("#doing", Static).update(f"Indexing {library} \u2026")
        self.query_one("#work").display = True
        self.refresh_state()

    def work_progress(self, message: WorkProgress) -> None:
        """Show how far the run is."""
        if message.what not in {"index", "groups"} or (
            message.what == "groups" and "index" in self.browse.jobs.running
        ):
            return
        self.query_one("#work").display = True
        words = f"{message.phase.value}  {message.done:,}" + (
            f" of {message.total:,}" if message.total else ""
        )
        self.query_one("#doing", Static).update(
            Text(f"{words}  {message.note}", no_wrap=True, overflow="ellipsis")
        )
        self.query_one("#bar", ProgressBar).update(total=message.total, progress=message.done)

    def work_done(self, message: WorkDone) -> None:
        """Say what a run has found."""
        if message.what in {"index", "groups"}:
            self.query_one("#work").display = False
        if message.what == "index" and isinstance(message.result, RefreshResult):
            self.notify(_refresh_summary(message.result), timeout=8)
            self._load_overviews()
            if not message.result.interrupted:
                self.browse.load_groups()

    def work_failed(self, message: WorkFailed) -> None:
        """Take the bar away."""
        if message.what in {"index", "groups"}:
            self.query_one("#work").display = False

    def action_cancel(self) -> None:
        """Stop the run."""
        if not (self.browse.jobs.cancel("index") or self.browse.jobs.cancel("groups")):
            self.notify("Nothing runs.", timeout=2)

    def action_reload(self) -> None:
        """Look for duplicates again."""
        self.browse.load_groups()

    @on(RowList.RowOpened)
    def action_open(self) -> None:
        """Go on with the library under the cursor."""
        row = self._list.row
        if row is None:
            return
        library = self._found[row]
        if library.name != self.browse.browsing.settings.library:
            self.browse.open_library(library.name)
            self._list.refresh()
        self.browse.action_go("groups")


class AddFolderDialog(ModalScreen[tuple[str, str] | None]):
    """Asks which folder is to be indexed, into which library."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "leave", "Leave it")]

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with Vertical(id="add-folder", classes="dialog") as box:
            box.border_title = "Index a folder"
            box.border_subtitle = "Enter starts, Esc leaves it"
            yield Static("Folder with photos; all below it is looked at, nothing is changed:")
            yield Input(placeholder="~/Pictures", id="folder")
            yield Static("Library:")
            yield Input(self._library, id="name")

    def on_input_submitted(self) -> None:
        """Close with the answers, if they make sense."""
        folder = self.query_one("#folder", Input).value.strip()
        name = self.query_one("#name", Input).value.strip()
        if not os.path.isdir(os.path.expanduser(folder)):
            self.notify(f"There is no folder '{folder}'.", severity="error")
            self.query_one("#folder").focus()
        elif name:
            self.dismiss((folder, name))

    def action_leave(self) -> None:
        """Close without an answer."""
        self.dismiss(None)


def _refresh_summary(result: RefreshResult) -> str:
    words = [
        f"{counted(result.photos, 'photo')}: {result.new:,} new, {result.changed:,} changed, {result.moved:,} moved"
    ]
    if result.removed:
        words.append(f"{result.removed:,} gone")
    if result.failures:
        words.append(f"{result.failures and len(result.failures):,} could not be used")
    if result.interrupted:
        words.append("stopped; what was read is kept")
    return ", ".join(words) + "."


def _ago(when: datetime) -> str:
    """How long ago, roughly."""
    minutes = int((datetime.now(when.tzinfo) - when).total_seconds() // 60)
    for count, unit in ((minutes // 1440, "day"), (minutes // 60, "hour"), (minutes, "minute")):
        if count > 0:
            return f"{counted(count, unit)} ago"
    return "just now"
