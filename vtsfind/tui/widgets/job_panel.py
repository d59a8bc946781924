"""The progress of a background job: what it does, how far it is, how fast, and how long it will take."""

import time

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ProgressBar, Static

from vtsfind.base.progress import Phase
from vtsfind.tui.messages import JobProgressed

_MIN_RATE_S = 1.0
"""Seconds before a rate is shown: of the first steps it says nothing."""


class JobPanel(Vertical):
    """Two lines that are there only while a job runs."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._phase: Phase | None = None
        self._began_at = 0.0

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        yield Static()
        yield ProgressBar(show_eta=True)

    def on_mount(self) -> None:
        """Hide the panel until a job runs."""
        self.display = False

    def show_text(self, text: str) -> None:
        """Show a text before the first progress is known."""
        self._phase = None
        self.display = True
        self.query_one(Static).update(Text(text))
        self.query_one(ProgressBar).update(total=None)

    def show(self, message: JobProgressed) -> None:
        """Show the progress."""
        self.display = True
        if message.phase is not self._phase:
            self._phase, self._began_at = message.phase, time.monotonic()
        seconds = time.monotonic() - self._began_at
        of = f" of {message.total:,}" if message.total else ""
        rate = _rate(message.done / seconds) if seconds > _MIN_RATE_S and message.done else ""
        text = f"{message.phase.value}: {message.done:,}{of}{rate}  {message.note}"
        self.query_one(Static).update(Text(text, no_wrap=True, overflow="ellipsis"))
        self.query_one(ProgressBar).update(total=message.total, progress=message.done)

    def hide(self) -> None:
        """Hide the panel: the job has ended."""
        self.display = False


def _rate(per_second: float) -> str:
    """A rate in words.

    >>> _rate(1234.5), _rate(0.25)
    (', 1,234 per second', ', 15 per minute')
    """
    if per_second >= 1:
        return f", {per_second:,.0f} per second"
    return f", {60 * per_second:,.0f} per minute"
