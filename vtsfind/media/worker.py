"""The main loop of a decoding process: it reads one file for each request on standard input.

It is started by `vtsfind.media.process` and imports only NumPy and Pillow (and the reader of a format, or what a processor
needs, at the first file that needs it). It ends when its input ends, so it outlives its parent by one file at most.

Requests are pickled, because the parent is trusted. Answers are not: `vtsfind.media.answers`.
"""

import contextlib
import math
import os
import pickle
import signal
from collections.abc import Iterator
from typing import BinaryIO

from vtsfind.base.machine import keep_freed_memory
from vtsfind.base.records import Reason
from vtsfind.media.answers import as_json, send
from vtsfind.media.reading import read
from vtsfind.media.work import Setup


def main() -> None:
    """Serve requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles interrupts
    requests, answers = _channels()
    with requests, answers:
        setup: Setup = pickle.load(requests)  # noqa: S301 - from the parent
        keep_freed_memory()
        _limit_memory(setup.memory_bytes)
        send(answers, {}, b"")
        # The parent shows errors up to here; what decoders print about damaged files helps nobody.
        _redirect(2)
        with contextlib.suppress(BrokenPipeError):
            _serve(requests, answers, setup)


def _channels() -> tuple[BinaryIO, BinaryIO]:
    """Duplicate standard input and output for the parent, and redirect the originals, which decoders may use."""
    channels = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    _redirect(0)
    _redirect(1)
    return channels


def _redirect(descriptor: int) -> None:
    null_device = os.open(os.devnull, os.O_RDWR)
    os.dup2(null_device, descriptor)
    os.close(null_device)


def _limit_memory(memory_bytes: int) -> None:
    """Limit the memory that the process may allocate from now on, where the system supports it (Linux)."""
    try:
        import resource

        with open("/proc/self/statm", "rb") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = now + memory_bytes
        resource.setrlimit(
            resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
        )
    except (ImportError, OSError, ValueError):
        return


def _serve(requests: BinaryIO, answers: BinaryIO, setup: Setup) -> None:
    while True:
        try:
            path, known, work, digest = pickle.load(requests)  # noqa: S301 - from the parent
        except EOFError:
            return
        with _alarm_timeout(setup.timeout_s):
            reading = read(path, known, work, setup, digest)
        send(answers, as_json(reading), reading.data or b"")
        if reading.reason is Reason.MEMORY:
            return  # the memory may be fragmented: the next file gets a new process


@contextlib.contextmanager
def _alarm_timeout(timeout_s: float) -> Iterator[None]:
    """Let the system kill the process if a file takes far too long and the parent is gone."""
    alarm = getattr(signal, "alarm", None)
    if alarm is None:
        yield
        return
    alarm(math.ceil(2 * timeout_s) + 5)
    try:
        yield
    finally:
        alarm(0)
