"""Comparing many pairs of photos, and looking for their local features: by several processes, in the order asked for.

Comparing a pair is many small steps in the interpreter, which threads could only take in turns. So there are processes, which
read what was seen of the photos from the library's evidence by themselves. They begin as `multiprocessing` begins them
everywhere ("spawn"), so no lock and no open file of the parent is in them, and they end with it, however it ends.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, redirect_stderr
from functools import cache
from multiprocessing import resource_tracker
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from vtsfind.base.errors import StorageError
from vtsfind.base.groups import Glanced, Seen
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import PictureInfo
from vtsfind.find.opencv import opencv
from vtsfind.find.threads import ONE_FOR_PRODUCTS
from vtsfind.find.verification.extract import unpack
from vtsfind.find.verification.features import Features
from vtsfind.find.verification.verify import Looked, closer, glance
from vtsfind.store.evidence import NAME, EvidenceStore

_CANCEL_IS_SEEN_AFTER_S = 0.1
_CHUNK = 4
"""Pairs that a process takes at once, at most: about a twentieth of a second. Some more wait for it and are compared even if
the search is cancelled."""
_AT_HAND = 256
"""Photos whose features a process holds in memory; each takes up to a megabyte."""
_MOST_PROCESSES = 61
"""What Windows can wait for."""

Known = tuple[bytes, PictureInfo]
"""SHA-256 of a content that was looked at, and what is known of it besides."""
KnownPair = tuple[Known, Known]
S = TypeVar("S")
T = TypeVar("T")


class AtHand:
    """The photos that were asked for last, ready to be compared.

    Parameters
    ----------
    store
        Has what was seen of them.
    most
        Photos that are held in memory.
    """

    def __init__(self, store: EvidenceStore, most: int = _AT_HAND) -> None:
        self._store = store
        self._most = most
        self._held: OrderedDict[bytes, Looked] = OrderedDict()

    def looked(self, digest: bytes, info: PictureInfo, *, sought: bool = False) -> Looked:
        """A photo that was looked at; from the store again if its local features are wanted, and were not there before.

        Raises
        ------
        StorageError
            If the store does not have it: the file has failed since.
        """
        known = self._held.pop(digest, None)
        if known is None or (sought and known.features.found is None):
            told = self._store.look(digest)
            if told is None:
                raise StorageError(
                    f"{NAME} of the library cannot be read: {self._store.problem}.", "Run it again."
                )
            details, features = unpack(told)
            known = Looked(features, info, digest, details.pixels or None)
        self._held[digest] = known
        if len(self._held) > self._most:
            self._held.popitem(last=False)
        return known


class Comparing(AbstractContextManager["Comparing"]):
    """Processes that compare photos of one library.

    Parameters
    ----------
    folder
        The library's.
    look_version
        Of what was seen of the photos.
    processes
        At most; they start as there is something for them to do. A single one would be none.
    """

    def __init__(self, folder: Path, look_version: str, processes: int) -> None:
        self._folder = folder
        self._look_version = look_version
        self._processes = min(processes, _MOST_PROCESSES)
        self._pool: ProcessPoolExecutor | None = None
        self._failed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    @property
    def running(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None and not self._failed

    def glances(self, pairs: Sequence[KnownPair], cancel: CancelToken) -> Iterator[Glanced]:
        """Say what each pair is as far as that is seen without local features, see `vtsfind.find.verification.verify.glance`.

        Parameters
        ----------
        pairs
            Of photos that the store on the disk has, committed.
        cancel
            Looked at while waiting.

        Yields
        ------
        As many as can be found out this way, in order: fewer than there are pairs, or none, if processes cannot be
        started, do not last, or cannot read the store.

        Raises
        ------
        Cancelled
            When `cancel` is raised.
        """
        return self._done(_glanced, pairs, cancel)

    def closer(self, pairs: Sequence[KnownPair], cancel: CancelToken) -> Iterator[Seen]:
        """The same by local features, see `vtsfind.find.verification.verify.closer`."""
        return self._done(_compared, pairs, cancel)

    def features(self, photos: Sequence[Known], cancel: CancelToken) -> Iterator[Features]:
        """The same for photos: all that is kept of each, with its local features."""
        return self._done(_sought, photos, cancel)

    def _done(
        self, work: Callable[[Path, str, Sequence[S]], list[T]], tasks: Sequence[S], cancel: CancelToken
    ) -> Iterator[T]:
        if self._processes < 2 or self._failed:
            return
        try:
            for future in self._asked(work, tasks):
                cancel.check()
                while not future.done():
                    cancel.check()
                    wait([future], _CANCEL_IS_SEEN_AFTER_S)
                yield from future.result()
        except (BrokenProcessPool, StorageError, OSError):
            self._failed = True

    def _asked(
        self, work: Callable[[Path, str, Sequence[S]], list[T]], tasks: Sequence[S]
    ) -> list[Future[list[T]]]:
        pool = self._started()
        size = max(1, min(_CHUNK, len(tasks) // self._processes))
        with _interrupts_held():
            return [
                pool.submit(work, self._folder, self._look_version, tasks[start : start + size])
                for start in range(0, len(tasks), size)
            ]

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            if os.name == "posix":  # it is handed the standard error stream, which a screen may have replaced
                with redirect_stderr(sys.__stderr__):
                    resource_tracker.ensure_running()
            spawning = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=spawning, initializer=_begin)
        return self._pool


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that no interrupt at the terminal ends before they can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Begin as a process that compares: interrupts are for the parent alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="vtsfind-parent", daemon=True).start()
    opencv()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _glanced(folder: Path, look_version: str, pairs: Sequence[KnownPair]) -> list[Glanced]:
    at_hand = _at_hand(folder, look_version)
    with ONE_FOR_PRODUCTS:
        return [glance(at_hand.looked(*first), at_hand.looked(*second)) for first, second in pairs]


def _compared(folder: Path, look_version: str, pairs: Sequence[KnownPair]) -> list[Seen]:
    at_hand = _at_hand(folder, look_version)
    with ONE_FOR_PRODUCTS:
        return [
            closer(at_hand.looked(*first, sought=True), at_hand.looked(*second, sought=True))
            for first, second in pairs
        ]


def _sought(folder: Path, look_version: str, photos: Sequence[Known]) -> list[Features]:
    at_hand = _at_hand(folder, look_version)
    return [at_hand.looked(*photo).features.sought() for photo in photos]


@cache
def _at_hand(folder: Path, look_version: str) -> AtHand:
    return AtHand(EvidenceStore(folder, look_version, "", write=False))
