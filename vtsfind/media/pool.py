"""Reading many photos in several processes, with results in the order of the requests.

A `vtsfind.media.work.ContentProcessor` says what to do with each photo; `DecodePool` does the most common, preparing model inputs.

Each process has a thread that sends requests and receives answers, so decoding continues while the caller works on a result.
The number of photos that are read ahead is limited. A file that takes too long, too much memory, or crashes its decoder
affects no other file: its process is killed and replaced.
"""

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import CancelToken
from vtsfind.base.records import PIXEL_LIMIT, Failure, Found, PictureInfo, Preprocessing, Reason
from vtsfind.media.answers import ReadResult
from vtsfind.media.process import DecodingProcess, WorkerDied
from vtsfind.media.work import ContentProcessor, PreparePhoto, Setup

_CANCEL_POLL_INTERVAL_S = 0.1
_MAX_WATCH_INTERVAL_S = 0.25


@dataclass(frozen=True, slots=True)
class Job:
    """A file to read, and what to do with it."""

    found: Found
    work: ContentProcessor
    known: frozenset[bytes] = field(default=frozenset())
    """Digests of the contents of this size that need not be processed."""
    digest: bytes | None = None
    """SHA-256 of the content, where the stamp says that it is known: only as much is read then as the work needs."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """A file that was read."""

    found: Found
    """With the stamp of the file while it was read."""
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    info: PictureInfo | None
    """None if the digest was known, or the work looks at something else."""
    data: bytes | bytearray | None
    """The result of `Job.work`; None if the digest was known."""


@dataclass(frozen=True, slots=True)
class DecodeTask:
    """A file to decode."""

    found: Found
    known: frozenset[bytes] = field(default=frozenset())
    """Digests of the contents of this size that need not be decoded."""


@dataclass(frozen=True, slots=True)
class PreparedPhoto:
    """A file that was decoded."""

    found: Found
    """With the stamp of the file while it was read."""
    digest: bytes
    """SHA-256 of the content, 32 bytes."""
    info: PictureInfo | None
    """None if the digest was known."""
    pixels: npt.NDArray[np.uint8] | None
    """The model's input, (size, size, 3) uint8; None if the digest was known."""


class WorkPool(AbstractContextManager["WorkPool"]):
    """Processes that read and process photos.

    Parameters
    ----------
    workers
        Number of processes; they start when they are needed.
    timeout_s
        Time limit for one file.
    memory_bytes
        Memory limit for one file; enforced on Linux only.
    pixel_limit
        Photos of more pixels are not decoded.
    prefetch
        Limit of files that are read ahead.
    """

    def __init__(
        self,
        *,
        workers: int,
        timeout_s: float = 30.0,
        memory_bytes: int = 2 << 30,
        pixel_limit: int = PIXEL_LIMIT,
        prefetch: int = 64,
    ) -> None:
        if workers < 1 or prefetch < 1:
            raise ValueError("a pool needs at least one worker and a prefetch of one")
        self._setup = Setup(pixel_limit, memory_bytes, timeout_s)
        self._workers = workers
        self._look_ahead = max(prefetch, workers)
        self._threads: list[_WorkerThread] = []
        self._job_queue = _JobQueue()
        self._closed = threading.Event()
        self._watch_interval_s = min(_MAX_WATCH_INTERVAL_S, timeout_s / 4)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def done(self, jobs: Iterable[Job], cancel: CancelToken) -> Generator[JobResult | Failure]:
        """Read files.

        Parameters
        ----------
        jobs
            Consumed as needed, in the caller's thread. One call at a time.
        cancel
            Checked between files and while waiting.

        Yields
        ------
        One result for each job, in the order of the jobs. A failure has the stamp of the file when it was tried, or None
        if the file may work at the next attempt without a change: when it could not be opened, or is gone.

        Raises
        ------
        Cancelled
            When `cancel` is set.
        VtsfindError
            When no process can be started.
        """
        if self._closed.is_set():
            raise ValueError("the pool is closed")
        waiting: deque[int] = deque()
        source = iter(jobs)
        more = True
        try:
            while True:
                cancel.check()
                while more and len(waiting) < self._look_ahead:
                    job = next(source, None)
                    if job is None:
                        more = False
                        break
                    waiting.append(self._job_queue.put(job))
                    self._start_threads(len(waiting))
                if not waiting:
                    return
                result = self._job_queue.take(waiting[0], cancel)
                waiting.popleft()
                yield result
        finally:
            if waiting:
                self._job_queue.abandon()
                for worker_thread in self._threads:
                    worker_thread.process.kill()

    def close(self) -> None:
        """End all processes."""
        self._closed.set()
        self._job_queue.abandon()
        for worker_thread in self._threads:
            self._job_queue.jobs.put(None)
            worker_thread.process.retire()
        for worker_thread in self._threads:
            worker_thread.join()

    def _start_threads(self, waiting: int) -> None:
        if not self._threads:
            threading.Thread(target=self._watch, name="vtsfind-watch", daemon=True).start()
        while len(self._threads) < min(self._workers, waiting):
            worker_thread = _WorkerThread(self._job_queue, DecodingProcess(self._setup))
            self._threads.append(worker_thread)
            worker_thread.start()

    def _watch(self) -> None:
        while not self._closed.wait(self._watch_interval_s):
            for worker_thread in list(self._threads):
                worker_thread.process.kill_if_late()


class DecodePool(WorkPool):
    """Processes that decode photos and prepare them for a model.

    Parameters
    ----------
    preprocessing
        Of the model.
    workers, timeout_s, memory_bytes, pixel_limit, prefetch
        See `WorkPool`.
    """

    def __init__(
        self,
        preprocessing: Preprocessing,
        *,
        workers: int,
        timeout_s: float = 30.0,
        memory_bytes: int = 2 << 30,
        pixel_limit: int = PIXEL_LIMIT,
        prefetch: int = 64,
    ) -> None:
        super().__init__(
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
            pixel_limit=pixel_limit,
            prefetch=prefetch,
        )
        self._work = PreparePhoto(preprocessing)

    def __enter__(self) -> Self:
        return self

    def prepared(
        self, tasks: Iterable[DecodeTask], cancel: CancelToken
    ) -> Generator[PreparedPhoto | Failure]:
        """Decode and prepare files; parameters, order and errors are those of `done`."""
        return prepared(self, self._work, tasks, cancel)


def prepared(
    pool: WorkPool, work: PreparePhoto, tasks: Iterable[DecodeTask], cancel: CancelToken
) -> Generator[PreparedPhoto | Failure]:
    """Decode and prepare files in some processes; order and errors are those of `WorkPool.done`."""
    side = work.preprocessing.size
    jobs = (Job(task.found, work, task.known) for task in tasks)
    with closing(pool.done(jobs, cancel)) as results:
        for result in results:
            if isinstance(result, Failure):
                yield result
                continue
            pixels = (
                None if result.data is None else np.frombuffer(result.data, np.uint8).reshape(side, side, 3)
            )
            yield PreparedPhoto(result.found, result.digest, result.info, pixels)


class _JobQueue:
    """The jobs that wait for a worker thread, and the results that wait for the caller; both by number."""

    def __init__(self) -> None:
        self.jobs: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
        self._results: dict[int, JobResult | Failure | BaseException] = {}
        self._changed = threading.Condition()
        self._next = 0
        self._first_wanted = 0

    def put(self, job: Job) -> int:
        number = self._next
        self._next += 1
        self.jobs.put((number, job))
        return number

    def post(self, number: int, result: JobResult | Failure | BaseException) -> None:
        with self._changed:
            if self.is_wanted(number):
                self._results[number] = result
                self._changed.notify()

    def take(self, number: int, cancel: CancelToken) -> JobResult | Failure:
        with self._changed:
            while number not in self._results:
                cancel.check()
                self._changed.wait(_CANCEL_POLL_INTERVAL_S)
            result = self._results.pop(number)
        if isinstance(result, BaseException):
            raise result
        return result

    def is_wanted(self, number: int) -> bool:
        return number >= self._first_wanted

    def abandon(self) -> None:
        """Discard all jobs and results that were not taken."""
        with self._changed:
            self._first_wanted = self._next
            self._results.clear()


class _WorkerThread(threading.Thread):
    """The thread that talks to one process."""

    def __init__(self, job_queue: _JobQueue, process: DecodingProcess) -> None:
        super().__init__(name="vtsfind-decode", daemon=True)
        self.process = process
        self._job_queue = job_queue

    def run(self) -> None:
        try:
            while (item := self._job_queue.jobs.get()) is not None:
                number, job = item
                if self._job_queue.is_wanted(number):
                    self._job_queue.post(number, self._result(number, job))
        finally:
            self.process.stop()

    def _result(self, number: int, job: Job) -> JobResult | Failure | BaseException:
        try:
            try:
                reading = self._read(job)
            except WorkerDied as death:
                # An earlier file may have corrupted the process's memory: try once more in a new process.
                if death.reason is Reason.TIMEOUT or not self._job_queue.is_wanted(number):
                    raise
                reading = self._read(job)
        except WorkerDied as death:
            return Failure(job.found.path, death.reason, death.detail, job.found.stamp)
        except BaseException as error:  # noqa: BLE001 - raised again where the result is taken
            return error
        return _as_result(job.found, reading)

    def _read(self, job: Job) -> ReadResult:
        return self.process.read_in_process(job.found.path, job.known, job.work, job.digest)


def _as_result(found: Found, reading: ReadResult) -> JobResult | Failure:
    if reading.reason is not None:
        return Failure(found.path, reading.reason, reading.detail, reading.stamp)
    assert reading.stamp
    assert reading.digest
    return JobResult(Found(found.path, reading.stamp), reading.digest, reading.info, reading.data)
