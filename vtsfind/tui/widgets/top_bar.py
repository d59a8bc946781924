"""The bar on top: the name of the program, the screens, and the progress of the review."""

from rich.text import Text
from textual import events
from textual.widget import Widget

from vtsfind.tui.messages import GoToScreen

TABS = {"home": "Home", "groups": "Groups", "search": "Search", "apply": "Apply", "history": "History"}
"""Name and label of each screen."""


class TopBar(Widget):
    """One line with the screens at the left and the progress of the review at the right.

    Parameters
    ----------
    active
        The name of the screen that the bar is on.
    """

    def __init__(self, active: str) -> None:
        super().__init__()
        self._active = active
        self._status_texts: tuple[str, ...] = ("",)
        self._label_spans: list[tuple[int, int, str]] = []

    def show_status(self, *texts: str) -> None:
        """Show the first of `texts` that fits at the right."""
        if texts != self._status_texts:
            self._status_texts = texts
            self.refresh()

    def render(self) -> Text:
        """Draw the bar."""
        text = Text(no_wrap=True, overflow="crop")
        text.append(" vtsfind ", style="bold reverse")
        self._label_spans = []
        for name, label in TABS.items():
            text.append(" ")
            start = len(text)
            text.append(f" {label} ", style="bold underline" if name == self._active else "dim")
            self._label_spans.append((start, len(text), name))
        room = self.size.width - len(text) - 1
        status = next((status for status in self._status_texts if len(status) <= room), "")
        text.append(" " * max(1, room - len(status)))
        text.append(status)
        return text

    def on_click(self, event: events.Click) -> None:
        """Go to the screen whose label was clicked."""
        for start, end, name in self._label_spans:
            if start <= event.x < end:
                self.post_message(GoToScreen(name))
