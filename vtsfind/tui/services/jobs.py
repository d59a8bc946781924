"""Background jobs: at most one of each name, with progress, cancellation, and messages for the outcome."""

import time
from collections.abc import Callable

from textual.app import App
from textual.message import Message

from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.tui.messages import JobDone, JobFailed, JobProgressed

_REPORT_INTERVAL_S = 0.1

JobFunction = Callable[[Progress, CancelToken], object]


class JobProgress:
    """A `Progress` that posts `JobProgressed`, at most ten times a second."""

    def __init__(self, post: Callable[[Message], object], job: str) -> None:
        self._post = post
        self._job = job
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
        self._post(JobProgressed(self._job, self._phase, self._done, self._total, note))


class Jobs:
    """The background jobs of an application, by name."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._running: dict[str, CancelToken] = {}

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the jobs that run."""
        return tuple(self._running)

    def start(self, job: str, function: JobFunction) -> bool:
        """Start a job in a thread, unless one of that name runs; returns whether it was started."""
        if job in self._running:
            return False
        cancel = self._running[job] = CancelToken()

        def run() -> None:
            try:
                result = function(JobProgress(self._app.post_message, job), cancel)
            except Exception as error:  # noqa: BLE001 - the screens show any error
                self._app.post_message(JobFailed(job, error))
            else:
                self._app.post_message(JobDone(job, result))

        self._app.run_worker(run, thread=True, group=job, exit_on_error=False)
        return True

    def ended(self, job: str) -> None:
        """Note that a job has ended."""
        self._running.pop(job, None)

    def cancel(self, job: str) -> bool:
        """Ask a job to stop; returns whether it runs."""
        token = self._running.get(job)
        if token:
            token.cancel()
        return token is not None

    def cancel_all(self) -> None:
        """Ask every job to stop."""
        for token in self._running.values():
            token.cancel()
