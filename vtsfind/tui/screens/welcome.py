"""The first launch: choose the folders with photos, index them, and go on to the first groups."""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.base.words import counted
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.indexing.suggestions import count_photos, suggested_folders
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import GoToScreen, JobDone, JobFailed, JobProgressed
from vtsfind.tui.page import Page
from vtsfind.tui.services.typed_paths import parse_dropped_path
from vtsfind.tui.widgets.job_panel import JobPanel
from vtsfind.tui.widgets.path_input import PathInput
from vtsfind.tui.widgets.row_list import RowList
from vtsfind.tui.widgets.text_width import Line, cut_path

_CURSOR_WIDTH = 1
"""Cells that a list draws before a line."""
_INTRODUCTION = """vtsfind finds duplicate photos and helps you to remove them safely. No photo is changed before you \
say so, and what is removed can be brought back.

1  Choose the folders with your photos: Space selects, n adds another folder.
2  Press Enter. Every photo is read once; you can stop at any time and continue later.
3  Review the duplicates: one key keeps or removes a photo."""
_TIP = "Press a to accept a group, Space to keep or remove a photo, Enter to compare closely, ? for all keys."


@dataclass
class FolderChoice:
    """A folder that may be indexed."""

    path: str
    is_chosen: bool
    photos: int | None = None
    """Number of photos in it; None until they are counted."""


@dataclass
class PhotosCounted(Message):
    """A worker has counted the photos of a folder."""

    path: str
    photos: int


class WelcomePage(Page):
    """The screen of the first launch."""

    KEY_SCOPE = KeyScope.WELCOME
    TAB = "home"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.WELCOME)
    AUTO_FOCUS = "#folders"

    def __init__(self) -> None:
        super().__init__()
        self._folders: list[FolderChoice] = []
        self._leaving = CancelToken()

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Vertical(
            Static(Text(_INTRODUCTION), id="introduction"),
            RowList(id="folders"),
            PathInput(
                placeholder="Path of another folder (Tab completes)", folders_only=True, id="new-folder"
            ),
            Static(id="outcome"),
            JobPanel(id="work"),
            id="welcome",
        )

    def on_mount(self) -> None:
        """Propose folders."""
        self.query_one("#introduction").border_title = "Welcome"
        self._list.border_title = "Folders"
        for place, folder in enumerate(suggested_folders()):
            self._add(folder, is_chosen=place == 0)
        self._show()

    @property
    def _list(self) -> RowList:
        return self.query_one("#folders", RowList)

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        return action != "cancel" or not {"index", "groups"}.isdisjoint(self.context.jobs.running)

    # -- folders ---------------------------------------------------------------------------------------------------

    def _add(self, folder: str, *, is_chosen: bool) -> None:
        known = next((each for each in self._folders if each.path == folder), None)
        if known:
            known.is_chosen = True
            return
        self._folders.append(FolderChoice(folder, is_chosen))
        self._count(folder)

    def on_unmount(self) -> None:
        """Stop counting."""
        self._leaving.cancel()

    @work(thread=True, group="count")
    def _count(self, folder: str) -> None:
        with suppress(Cancelled):
            self.post_message(PhotosCounted(folder, count_photos(os.fsencode(folder), self._leaving)))

    @on(PhotosCounted)
    def _photos_counted(self, message: PhotosCounted) -> None:
        for folder in self._folders:
            if folder.path == message.path:
                folder.photos = message.photos
        self._show()

    def _show(self) -> None:
        empty = "Press n and type the path of the folder with your photos."
        self._list.show(len(self._folders), self._row, self._list.cursor, empty=empty)
        chosen = sum(folder.is_chosen for folder in self._folders)
        self._list.border_subtitle = f"{chosen} of {counted(len(self._folders), 'folder')} selected"

    def _row(self, place: int) -> Line:
        folder = self._folders[place]
        photos = "counting \u2026" if folder.photos is None else counted(folder.photos, "photo")
        mark, number = "[x] " if folder.is_chosen else "[ ] ", f"  {photos}"
        left = max(self._list.content_size.width - _CURSOR_WIDTH - len(mark) - len(number), 0)
        return [
            (mark, "good" if folder.is_chosen else "dim"),
            (
                cut_path(folder.path, left).rstrip() if left else folder.path,
                "strong" if folder.is_chosen else "name",
            ),
            (number, "dim"),
        ]

    @on(RowList.RowOpened)
    def action_start(self) -> None:
        """Index the chosen folders."""
        folders = [folder.path for folder in self._folders if folder.is_chosen]
        if not folders:
            self.notify("No folder is selected. Press Space to select one, n to add one.", severity="warning")
            return
        call = partial(self.context.session.index, folders)
        if self.context.jobs.start("index", lambda progress, cancel: call(progress=progress, cancel=cancel)):
            self.query_one(JobPanel).show_text("Starting \u2026")
            self._say("")
            self.refresh_status()

    def action_select(self) -> None:
        """Select or deselect the folder under the cursor."""
        if self._list.row is not None:
            folder = self._folders[self._list.row]
            folder.is_chosen = not folder.is_chosen
            self._show()

    def action_add(self) -> None:
        """Type the path of another folder."""
        self.query_one("#new-folder").focus()

    @on(PathInput.Submitted, "#new-folder")
    def _new_folder(self, event: PathInput.Submitted) -> None:
        path = os.fsdecode(os.path.abspath(parse_dropped_path(event.value))) if event.value.strip() else ""
        if not os.path.isdir(path):
            self.notify(f"There is no folder {path or event.value}.", severity="error")
            return
        self._add(path, is_chosen=True)
        event.input.value = ""
        self._show()
        self._list.cursor = len(self._folders) - 1
        self._list.focus()

    # -- indexing --------------------------------------------------------------------------------------------------

    def action_cancel(self) -> None:
        """Leave the input; else stop indexing, or comparing."""
        if not self._list.has_focus:
            self._list.focus()
        elif not (self.context.jobs.cancel("index") or self.context.jobs.cancel("groups")):
            self.notify("Nothing is running.", timeout=2)

    def _say(self, text: str) -> None:
        self.query_one("#outcome", Static).update(Text(text))

    def job_progressed(self, message: JobProgressed) -> None:
        """Show the progress."""
        if message.job in {"index", "groups"}:
            self.query_one(JobPanel).show(message)

    def job_done(self, message: JobDone) -> None:
        """Go on to the groups, or say what is missing."""
        if message.job == "groups":
            self.query_one(JobPanel).hide()
            if self.is_current:
                self.post_message(GoToScreen("groups"))
                self.notify(_TIP, timeout=12)
        if message.job != "index" or not isinstance(message.result, RefreshResult):
            return
        self.query_one(JobPanel).hide()
        result = message.result
        if result.interrupted:
            self._say(
                f"Stopped after {counted(result.photos, 'photo')}, which are kept. Press Enter to continue."
            )
        elif not result.photos:
            self._say("There are no photos in these folders. Choose others.")
        else:
            failed = f", {len(result.failures):,} could not be read" if result.failures else ""
            self._say(f"Indexed {counted(result.photos, 'photo')}{failed}. Finding duplicates \u2026")

    def job_failed(self, message: JobFailed) -> None:
        """Hide the progress."""
        if message.job in {"index", "groups"}:
            self.query_one(JobPanel).hide()
