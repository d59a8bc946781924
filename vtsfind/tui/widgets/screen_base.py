"""What all screens have in common: the bar on top, the footer, the word on a terminal that is too small, the help."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Footer, Static

from vtsfind.tui.keys import KeyScope, bindings, rows
from vtsfind.tui.messages import WorkDone, WorkFailed, WorkProgress

if TYPE_CHECKING:
    from vtsfind.tui.app import BrowseApp

MIN_TERMINAL_CELLS = (60, 18)
"""Columns and lines below which nothing sensible can be shown."""

TABS = {"home": "Home", "groups": "Groups", "search": "Search", "apply": "Apply", "history": "History"}


class TopBar(Widget):
    """The name of the program, the screens, and how far the review is."""

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active
        self._states: tuple[str, ...] = ("",)
        self._places: list[tuple[int, int, str]] = []

    def say(self, *states: str) -> None:
        """Show other words at the right: the first of `states` that there is room for."""
        if states != self._states:
            self._states = states
            self.refresh()

    def render(self) -> Text:
        """Draw it."""
        text = Text(no_wrap=True, overflow="crop")
        text.append(" vtsfind ", style="bold reverse")
        self._places = []
        for name, label in TABS.items():
            text.append(" ")
            start = len(text)
            text.append(f" {label} ", style="bold underline" if name == self._active else "dim")
            self._places.append((start, len(text), name))
        room = self.size.width - len(text) - 1
        state = next((state for state in self._states if len(state) <= room), "")
        text.append(" " * max(1, room - len(state)))
        text.append(state)
        return text

    def on_click(self, event: events.Click) -> None:
        """Go to the screen whose name was clicked."""
        for start, end, name in self._places:
            if start <= event.x < end:
                cast("BrowseApp", self.app).action_go(name)


class Page(Screen[None]):
    """A screen of the program."""

    KEY_SCOPE: ClassVar[KeyScope]
    NAME: ClassVar[str]
    """Its name among the tabs."""
    BINDINGS: ClassVar[list[BindingType]] = []

    @property
    def browse(self) -> "BrowseApp":
        """The application."""
        return cast("BrowseApp", self.app)

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield TopBar(self.NAME)
        yield from self.body()
        yield Static("", id="too-small")
        yield Footer(show_command_palette=False, compact=True)

    def body(self) -> Iterable[Widget]:
        """What stands between bar and footer."""
        return ()

    def on_resize(self, event: events.Resize) -> None:
        """Say so where there is no room for anything; lay out for a narrow or a wide terminal."""
        width, height = event.size
        small = width < MIN_TERMINAL_CELLS[0] or height < MIN_TERMINAL_CELLS[1]
        self.set_class(small, "-small")
        self.set_class(width < 110, "-narrow")
        self.set_class(height < 30, "-low")
        if small:
            words = f"This terminal is {width} by {height} characters.\nvtsfind needs {MIN_TERMINAL_CELLS[0]} by {MIN_TERMINAL_CELLS[1]}."
            self.query_one("#too-small", Static).update(words)

    def on_screen_resume(self) -> None:
        """Show what has changed meanwhile."""
        self.refresh_state()

    def refresh_state(self) -> None:
        """Show how far the review is."""
        for bar in self.query(TopBar):
            bar.say(*self.browse.status_texts())

    def work_progress(self, message: WorkProgress) -> None:
        """Hear how far long work is."""

    def work_done(self, message: WorkDone) -> None:
        """Hear that long work has ended."""

    def work_failed(self, message: WorkFailed) -> None:
        """Hear that long work could not go on."""

    def groups_changed(self) -> None:
        """Hear that the groups are others."""

    def review_changed(self) -> None:
        """Hear that a decision was made or taken back elsewhere."""

    def picture_ready(self, path: bytes) -> None:
        """Hear that a picture can be drawn."""


class HelpDialog(ModalScreen[None]):
    """The keys of one part of the program, and those that work everywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,f1,q,enter", "dismiss", "Close"),
    ]

    def __init__(self, part: KeyScope) -> None:
        super().__init__()
        self._part = part

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="help", classes="dialog") as box:
            box.border_title = f"Keys: {self._part.value}"
            box.border_subtitle = "Esc closes"
            yield Static(self._table(self._part))
            if self._part is not KeyScope.EVERYWHERE:
                yield Static(Text("\nEverywhere", style="bold"))
                yield Static(self._table(KeyScope.EVERYWHERE))

    @staticmethod
    def _table(part: KeyScope) -> Table:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="bold", no_wrap=True, min_width=10)
        table.add_column()
        for keys, meaning in rows(part):
            table.add_row(keys, meaning)
        return table


class ConfirmDialog(ModalScreen[bool]):
    """Asks before something that takes effect.

    Parameters
    ----------
    title
        What it is about.
    lines
        What will happen.
    yes
        The word for doing it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y,enter", "answer(True)", "Yes"),
        ("n,escape,q", "answer(False)", "No"),
    ]

    def __init__(self, title: str, lines: Iterable[str], yes: str) -> None:
        super().__init__()
        self._title, self._lines, self._yes = title, list(lines), yes

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="confirm", classes="dialog") as box:
            box.border_title = self._title
            yield Static(Text("\n".join(self._lines)))
            answer = Text("\n")
            answer.append(" y ", style="bold reverse")
            answer.append(f" {self._yes}    ")
            answer.append(" n ", style="bold reverse")
            answer.append(" leave it")
            yield Static(answer)

    def action_answer(self, answer: bool) -> None:  # noqa: FBT001 - Textual calls it with the binding's value
        """Close with the answer."""
        self.dismiss(answer)


class BusyDialog(ModalScreen[None]):
    """Keeps keys away while something is done that they would disturb."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._busy_text = words

    def compose(self) -> ComposeResult:
        """Lay it out."""
        with VerticalScroll(id="busy", classes="dialog"):
            yield Static(self._busy_text)


def page_bindings(part: KeyScope) -> list[BindingType]:
    """The bindings of a screen."""
    return bindings(part)
