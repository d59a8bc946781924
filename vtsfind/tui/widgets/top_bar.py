"""The bar on top: the name of the program, the screens, and the progress of the review."""

from rich.text import Text
from textual import events
from textual.widget import Widget

from vtsfind.tui.keys import ACTIONS, key_names
from vtsfind.tui.messages import GoToScreen

TABS = {"home": "Home", "groups": "Groups", "search": "Search", "apply": "Apply", "history": "History"}
"""Name and label of each screen."""
_KEYS_AND_LABELS = {
    name: f"{key_names(action)} {TABS[name]}"
    for name in TABS
    for action in ACTIONS
    if action.name == f"go('{name}')"
}
"""The same with the key that shows the screen, where there is room for it."""


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
        shortest_status = min(map(len, self._status_texts))
        with_keys = len(text) + sum(map(len, _KEYS_AND_LABELS.values())) + 2 * len(TABS) + shortest_status
        for name, label in (_KEYS_AND_LABELS if with_keys < self.size.width else TABS).items():
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
