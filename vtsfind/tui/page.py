"""What all screens have in common: top bar, footer, layout by terminal size, and the events they may handle."""

from collections.abc import Iterable
from typing import ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from vtsfind.tui.context import AppContext
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.messages import JobDone, JobFailed, JobProgressed
from vtsfind.tui.widgets.key_bar import KeyBar
from vtsfind.tui.widgets.top_bar import TopBar

MIN_TERMINAL_CELLS = (60, 18)
"""Columns and lines of the smallest terminal that the screens fit in."""
_NARROW_COLUMNS = 110
"""Columns below which panes are stacked instead of put side by side."""
_LOW_LINES = 30
"""Lines below which screens leave out what is not essential."""


class Page(Screen[None]):
    """A screen of the program."""

    KEY_SCOPE: ClassVar[KeyScope]
    TAB: ClassVar[str]
    """Its name among the tabs."""
    BINDINGS: ClassVar[list[BindingType]] = []

    @property
    def context(self) -> AppContext:
        """The services of the application."""
        return cast(AppContext, self.app)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopBar(self.TAB)
        yield from self.body()
        yield Static("", id="too-small")
        yield KeyBar(self.KEY_SCOPE, self.offers)

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        return ()

    def offers(self, action: str) -> bool:
        """Whether the footer shows the key of an action of this screen."""
        del action
        return True

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the size of the terminal."""
        width, height = event.size
        too_small = width < MIN_TERMINAL_CELLS[0] or height < MIN_TERMINAL_CELLS[1]
        self.set_class(too_small, "-small")
        self.set_class(width < _NARROW_COLUMNS, "-narrow")
        self.set_class(height < _LOW_LINES, "-low")
        if too_small:
            columns, lines = MIN_TERMINAL_CELLS
            self.query_one("#too-small", Static).update(
                f"This terminal is too small: {width}\u00d7{height}.\nvtsfind needs {columns}\u00d7{lines}."
            )

    def on_screen_resume(self) -> None:
        """Show what has changed while another screen was in front."""
        self.refresh_status()

    def refresh_status(self) -> None:
        """Show in the top bar what runs, and the progress of the review; and below the keys that do anything now."""
        for bar in self.query(TopBar):
            bar.show_status(*self.context.status_texts())
        self.query(KeyBar).refresh()

    # -- events, sent by the application to all screens ------------------------------------------------------------

    def job_progressed(self, message: JobProgressed) -> None:
        """A background job made progress."""

    def job_done(self, message: JobDone) -> None:
        """A background job has finished."""

    def job_failed(self, message: JobFailed) -> None:
        """A background job raised an exception."""

    def groups_changed(self) -> None:
        """Other groups were loaded."""

    def decisions_changed(self) -> None:
        """A decision was made or undone on another screen."""

    def picture_ready(self, path: bytes) -> None:
        """A picture can be drawn."""
