"""Processes that verify pairs and extract local features, with results in the order asked for.

Verifying a pair is many small steps in the interpreter, which threads could only take in turns. So there are processes, which
read the features of the photos from the library's cache by themselves. They begin as `multiprocessing` begins them
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
from vtsfind.base.groups import FullFrameVerdict, PairVerdict
from vtsfind.base.machine import keep_freed_memory
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import PictureInfo
from vtsfind.engine.work.workplace import PhotoRef, PhotoRefPair
from vtsfind.find.features.features import Features
from vtsfind.find.features.packed import unpack
from vtsfind.find.threads import SINGLE_THREADED_BLAS, opencv
from vtsfind.find.verification.verify import PhotoFeatures, match_full_frame, match_local_features
from vtsfind.store.evidence import EvidenceStore

_CANCEL_POLL_INTERVAL_S = 0.1
_MAX_PAIRS_PER_TASK = 4
"""Pairs, or photos, that a process takes at once, at most: about a twentieth of a second. Some more wait for it and are compared
even if the search is cancelled."""
_MAX_FIRST_LOOKS_PER_TASK = 32
"""The same for pairs that are matched by their full frames, which takes an eighth of the time."""
_MAX_CACHED_PHOTOS = 64
"""Photos whose features a process holds in memory; each takes 1.3 MB once it was compared by local features. In a large library few
are asked for again soon."""
_MAX_PROCESSES = 61
"""What Windows can wait for."""
S = TypeVar("S")
T = TypeVar("T")


def photo_features(stored: bytes, digest: bytes, info: PictureInfo) -> PhotoFeatures:
    """The features of a photo out of what is cached of it."""
    details, features = unpack(stored)
    return PhotoFeatures(features, info, digest, details.pixels or None, details.contents)


class RecentFeatures:
    """The features of the photos that were asked for last, held in memory.

    Parameters
    ----------
    store
        Has the features of all.
    max_photos
        Photos that are held in memory.
    """

    def __init__(self, store: EvidenceStore, max_photos: int = _MAX_CACHED_PHOTOS) -> None:
        self._store = store
        self._max_photos = max_photos
        self._cached: OrderedDict[bytes, PhotoFeatures] = OrderedDict()

    def of(self, digest: bytes, info: PictureInfo, *, with_local: bool = False) -> PhotoFeatures:
        """The features of a photo; from the store again if its local features are wanted, and were not there before.

        Raises
        ------
        CacheDamaged
            If the store does not have it any more.
        """
        known = self._cached.pop(digest, None)
        if known is None or (with_local and known.features.found is None):
            stored = self._store.features(digest)
            if stored is None:
                raise self._store.damaged()
            known = photo_features(stored, digest, info)
        self._cached[digest] = known
        if len(self._cached) > self._max_photos:
            self._cached.popitem(last=False)
        return known


class VerificationPool(AbstractContextManager["VerificationPool"]):
    """Processes that verify pairs of one library.

    Parameters
    ----------
    folder
        The library's.
    features_version
        Of the cached features.
    processes
        At most; they start as there is something for them to do. A single one would be none.
    """

    def __init__(self, folder: Path, features_version: str, processes: int) -> None:
        self._folder = folder
        self._features_version = features_version
        self._processes = min(processes, _MAX_PROCESSES)
        self._pool: ProcessPoolExecutor | None = None
        self._failed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    @property
    def is_running(self) -> bool:
        """Whether the processes are there."""
        return self._pool is not None and not self._failed

    def full_frame_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[FullFrameVerdict]:
        """Match pairs by their full frames, see `vtsfind.find.verification.verify.match_full_frame`.

        Parameters
        ----------
        pairs
            Of photos that the store on the disk has, committed.
        cancel
            Checked while waiting.

        Yields
        ------
        As many verdicts as can be had this way, in order: fewer than there are pairs, or none, if processes cannot be
        started, do not last, or cannot read the store.

        Raises
        ------
        Cancelled
            When `cancel` is raised.
        """
        return self._results(_match_full_frames, pairs, cancel, _MAX_FIRST_LOOKS_PER_TASK)

    def local_feature_verdicts(
        self, pairs: Sequence[PhotoRefPair], cancel: CancelToken
    ) -> Iterator[PairVerdict]:
        """Match pairs by local features, see `vtsfind.find.verification.verify.match_local_features`."""
        return self._results(_match_local_features, pairs, cancel)

    def features(self, photos: Sequence[PhotoRef], cancel: CancelToken) -> Iterator[Features]:
        """Extract the local features of photos; gives all features of each."""
        return self._results(_extract_local_features, photos, cancel)

    def _results(
        self,
        work: Callable[[Path, str, Sequence[S]], list[T]],
        tasks: Sequence[S],
        cancel: CancelToken,
        max_at_once: int = _MAX_PAIRS_PER_TASK,
    ) -> Iterator[T]:
        if self._processes < 2 or self._failed:
            return
        try:
            for future in self._submit(work, tasks, max_at_once):
                cancel.check()
                while not future.done():
                    cancel.check()
                    wait([future], _CANCEL_POLL_INTERVAL_S)
                yield from future.result()
        except (BrokenProcessPool, StorageError, OSError):
            self._failed = True

    def _submit(
        self, work: Callable[[Path, str, Sequence[S]], list[T]], tasks: Sequence[S], max_at_once: int
    ) -> list[Future[list[T]]]:
        pool = self._start_pool()
        size = max(1, min(max_at_once, len(tasks) // self._processes))
        with _sigint_blocked():
            return [
                pool.submit(work, self._folder, self._features_version, tasks[start : start + size])
                for start in range(0, len(tasks), size)
            ]

    def _start_pool(self) -> ProcessPoolExecutor:
        if self._pool is None:
            if os.name == "posix":  # it is handed the standard error stream, which a screen may have replaced
                with redirect_stderr(sys.__stderr__):
                    resource_tracker.ensure_running()
            spawning = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._processes, mp_context=spawning, initializer=_init_worker)
        return self._pool


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Start processes that no interrupt at the terminal ends before they can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _init_worker() -> None:
    """Ignore interrupts, which are for the parent alone, and end with the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_exit_with_parent, name="vtsfind-parent", daemon=True).start()
    keep_freed_memory()
    opencv()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _match_full_frames(
    folder: Path, features_version: str, pairs: Sequence[PhotoRefPair]
) -> list[FullFrameVerdict]:
    recent = _recent_features(folder, features_version)
    with SINGLE_THREADED_BLAS:
        return [match_full_frame(recent.of(*first), recent.of(*second)) for first, second in pairs]


def _match_local_features(
    folder: Path, features_version: str, pairs: Sequence[PhotoRefPair]
) -> list[PairVerdict]:
    recent = _recent_features(folder, features_version)
    with SINGLE_THREADED_BLAS:
        return [
            match_local_features(recent.of(*first, with_local=True), recent.of(*second, with_local=True))
            for first, second in pairs
        ]


def _extract_local_features(
    folder: Path, features_version: str, photos: Sequence[PhotoRef]
) -> list[Features]:
    recent = _recent_features(folder, features_version)
    return [recent.of(*photo).features.with_local() for photo in photos]


@cache
def _recent_features(folder: Path, features_version: str) -> RecentFeatures:
    return RecentFeatures(EvidenceStore(folder, features_version, write=False))
