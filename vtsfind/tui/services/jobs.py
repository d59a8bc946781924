"""Long work in the background: one of a kind at a time, watched, stopped, and told of by messages."""

import time
from collections.abc import Callable

from textual.app import App
from textual.message import Message

from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.tui.messages import WorkDone, WorkFailed, WorkProgress

_REPORT_INTERVAL_S = 0.1

JobFunction = Callable[[Progress, CancelToken], object]


class JobProgress:
    """A `Progress` that posts messages, not more often than a person can read them."""

    def __init__(self, post: Callable[[Message], object], what: str) -> None:
        self._post = post
        self._what = what
        self._phase = Phase.SCAN
        self._done = 0
        self._total: int | None = None
        self._reported_at = 0.0

    def start(self, phase: Phase, total: int | None) -> None:
        """Begin a phase."""
        self._phase, self._done, self._total = phase, 0, total
        self._report("")

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count steps."""
        self._done += steps
        if time.monotonic() - self._reported_at >= _REPORT_INTERVAL_S or self._done == self._total:
            self._report(note)

    def _report(self, note: str) -> None:
        self._reported_at = time.monotonic()
        self._post(WorkProgress(self._what, self._phase, self._done, self._total, note))


class Jobs:
    """The long work of an application, by name."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._running: dict[str, CancelToken] = {}

    @property
    def running(self) -> tuple[str, ...]:
        """What runs now."""
        return tuple(self._running)

    def start(self, what: str, call: JobFunction) -> bool:
        """Begin some work in a thread, unless work of that name runs already; gives whether it was begun."""
        if what in self._running:
            return False
        cancel = self._running[what] = CancelToken()

        def run() -> None:
            try:
                result = call(JobProgress(self._app.post_message, what), cancel)
            except Exception as error:  # noqa: BLE001 - whatever it is, the screens say it
                self._app.post_message(WorkFailed(what, error))
            else:
                self._app.post_message(WorkDone(what, result))

        self._app.run_worker(run, thread=True, group=what, exit_on_error=False)
        return True

    def ended(self, what: str) -> None:
        """Hear that some work has ended."""
        self._running.pop(what, None)

    def cancel(self, what: str) -> bool:
        """Ask some work to stop; gives whether it runs."""
        token = self._running.get(what)
        if token:
            token.cancel()
        return token is not None

    def cancel_all(self) -> bool:
        """Ask everything to stop; gives whether anything that had not been asked before runs."""
        not_cancelled = [token for token in self._running.values() if not token.cancelled]
        for token in not_cancelled:
            token.cancel()
        return bool(not_cancelled)
