"""Progress bars on standard error. Rich is loaded only when a bar is shown."""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vtsfind.base.progress import Phase, Progress, SilentProgress
from vtsfind.report.streams import Notes

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

_SHOW_AFTER_S = 0.5
"""Shorter phases show nothing, in seconds."""
_RATE_WINDOW_S = 60.0
"""The rate shown is that of the last minute."""
_SHOWN_AT_ONCE = {Phase.ENCODE, Phase.DOWNLOAD, Phase.TRAIN, Phase.EVALUATE}
"""Phases that are shown at once, since their first step takes long."""


@contextmanager
def progress_shown(notes: Notes) -> Iterator[Progress]:
    """Show progress as bars if standard error is a terminal and --quiet is not given."""
    if not notes.is_terminal or notes.quiet:
        yield SilentProgress()
        return
    progress = TerminalProgress()
    try:
        yield progress
    finally:
        progress.close()


class TerminalProgress:
    """A `vtsfind.base.progress.Progress` that draws a bar for each phase, with rate and time left."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._phase = Phase.SCAN
        self._total: int | None = None
        self._done = 0
        self._began = 0.0
        self._note = ""
        self._counts: deque[tuple[float, int]] = deque()

    def start(self, phase: Phase, total: int | None) -> None:
        """Begin a phase."""
        self.close()
        self._phase, self._total, self._done, self._began = phase, total, 0, time.monotonic()
        self._note = ""
        self._counts.clear()
        if phase in _SHOWN_AT_ONCE:
            self._show()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps as done. A note stays until there is another."""
        self._done += steps
        self._note = note or self._note
        if self._bars is None and time.monotonic() - self._began > _SHOW_AFTER_S:
            self._show()
        if self._bars is not None and self._task is not None:
            if not self._counts:
                # What was done before, in an earlier run, took no time in this one.
                self._bars.reset(self._task, completed=self._done)
            self._bars.update(self._task, completed=self._done, rate=self._rate(), note=self._note)

    def _rate(self) -> str:
        """Steps a second in the last minute, from the first report on."""
        now = time.monotonic()
        self._counts.append((now, self._done))
        while now - self._counts[0][0] > _RATE_WINDOW_S and len(self._counts) > 2:
            self._counts.popleft()
        began, before = self._counts[0]
        return f"{(self._done - before) / (now - began):,.4g}/s" if now > began else ""

    def close(self) -> None:
        """Remove the bar."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = self._task = None

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        rate = TextColumn("{task.fields[rate]}")
        if self._total is None:
            columns = [SpinnerColumn(), TextColumn("{task.completed:,}"), rate]
        else:
            columns = [BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn()]
        note = TextColumn("{task.fields[note]}", markup=False, style="dim")
        description = TextColumn("{task.description}")
        self._bars = Bars(description, *columns, note, console=Console(stderr=True), transient=True)
        self._task = self._bars.add_task(
            self._phase.value, total=self._total, completed=self._done, rate="", note=""
        )
        self._bars.start()
