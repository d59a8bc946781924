"""A decoding process, seen from its parent: it is started when needed, reads one file at a time, and is killed when late.

The process is a plain interpreter that runs `vtsfind.media.worker`. `multiprocessing` would first import the main module,
with everything that the command line needs.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from io import BufferedReader
from typing import IO, Any, cast

from vtsfind.base.errors import VtsfindError
from vtsfind.base.records import Reason
from vtsfind.media.answers import ANSWER_HEADER, ReadResult, from_json
from vtsfind.media.work import ContentProcessor, Setup

_START_TIMEOUT_S = 120.0
_EXIT_TIMEOUT_S = 10.0
_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from vtsfind.media.worker import main; main()"
# The arrays of a decoder are small; a thread pool in each process would only take memory.
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class WorkerDied(Exception):
    """The process ended while it read a file.

    Parameters
    ----------
    reason
        `TIMEOUT`, `MEMORY` or `CRASHED`.
    detail
        How it ended.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class DecodingProcess:
    """A process that reads files; one thread sends requests, any thread may kill it.

    Parameters
    ----------
    setup
        The settings for all files.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._deadline: float | None = None
        self._late = False
        self._retired = False

    def start(self) -> None:
        """Start the process if it is not running.

        Raises
        ------
        VtsfindError
            When it cannot be started.
        """
        if self._process is not None:
            return
        with tempfile.TemporaryFile() as errors:
            try:
                process = self._spawn(errors)
            except OSError as error:
                raise _start_error(str(error)) from error
            with self._lock:
                self._process = process
                self._late = False
                if self._retired:
                    process.kill()
            try:
                self._exchange(pickle.dumps(self._setup), _START_TIMEOUT_S)
            except WorkerDied as error:
                errors.seek(0)
                lines = errors.read().decode("utf-8", "replace").strip().splitlines()
                raise _start_error(lines[-1] if lines else error.detail) from error

    def read_in_process(
        self, path: bytes, known: frozenset[bytes], work: ContentProcessor, digest: bytes | None = None
    ) -> ReadResult:
        """Read one file; see `vtsfind.media.reading.read`.

        Raises
        ------
        WorkerDied
            When the process ended before it answered. The next call starts another.
        VtsfindError
            When it cannot be started.
        """
        self.start()
        message, payload = self._exchange(pickle.dumps((path, known, work, digest)), self._setup.timeout_s)
        reading = from_json(message, payload)
        if reading.reason is Reason.MEMORY:  # the process ends by itself then
            self._reap()
        return reading

    def kill_if_late(self) -> None:
        """Kill the process if its answer is overdue."""
        with self._lock:
            if self._process and self._deadline is not None and time.monotonic() > self._deadline:
                self._late = True
                self._process.kill()

    def kill(self) -> None:
        """Kill the process if it is running. The thread that waits for its answer gets `WorkerDied`."""
        with self._lock:
            if self._process:
                self._process.kill()

    def retire(self) -> None:
        """Kill the process, and any process that is started in its place."""
        with self._lock:
            self._retired = True
            if self._process:
                self._process.kill()

    def stop(self) -> None:
        """Kill the process and wait for its end; only in the thread that sends requests."""
        self.kill()
        self._reap()

    def _spawn(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        # A process group of its own: Ctrl-C in the terminal is for the parent only.
        own_group: dict[str, Any] = (
            {"process_group": 0}
            if os.name == "posix"
            else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        )
        search_paths = [os.path.abspath(place) for place in sys.path]
        return subprocess.Popen(  # noqa: S603 - this interpreter, with its own paths
            [sys.executable, "-P", "-c", _PROGRAM, *search_paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **_ENVIRONMENT},
            **own_group,
        )

    def _exchange(self, request: bytes, timeout_s: float) -> tuple[dict[str, Any], bytearray | None]:
        assert self._process
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            self._deadline = time.monotonic() + timeout_s
        try:
            self._process.stdin.write(request)
            self._process.stdin.flush()
            answer = self._receive(cast("BufferedReader", self._process.stdout))
        except (OSError, EOFError):
            raise self._death_error(timeout_s) from None
        finally:
            with self._lock:
                self._deadline = None
                late = self._late
        if late:  # the answer arrived just before the process was killed
            self._reap()
        return answer

    def _receive(self, stream: BufferedReader) -> tuple[dict[str, Any], bytearray | None]:
        text_length, payload_length = ANSWER_HEADER.unpack(_read_exactly(stream, ANSWER_HEADER.size))
        message = json.loads(bytes(_read_exactly(stream, text_length)))
        return message, _read_exactly(stream, payload_length) if payload_length else None

    def _death_error(self, timeout_s: float) -> WorkerDied:
        with self._lock:
            late = self._late
        code = self._reap()
        if late or code == -getattr(signal, "SIGALRM", 0):
            return WorkerDied(Reason.TIMEOUT, f"more than {timeout_s:g} s")
        if code == -getattr(signal, "SIGKILL", 0):
            return WorkerDied(Reason.MEMORY, "the system killed the decoder")
        return WorkerDied(Reason.CRASHED, f"signal {-code}" if code < 0 else f"exit code {code}")

    def _reap(self) -> int:
        """Wait for the end of the process, which was killed or ends by itself; returns its exit code."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return 0
        for stream in (process.stdin, process.stdout):
            assert stream
            try:
                stream.close()
            except OSError:  # unsent data are useless now
                continue
        try:
            return process.wait(_EXIT_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(_EXIT_TIMEOUT_S)


def _read_exactly(stream: BufferedReader, length: int) -> bytearray:
    """Read exactly `length` bytes, or raise EOFError."""
    data = bytearray(length)
    view = memoryview(data)
    while view:
        count = stream.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]
    return data


def _start_error(detail: str) -> VtsfindError:
    return VtsfindError(
        f"A decoding process could not be started: {detail}.",
        "Run `vtsfind doctor`. If it finds no fault, install vtsfind again.",
    )
