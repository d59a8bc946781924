"""Who takes how many threads: parts of one search that several threads share, matrix products, and OpenCV.

Pairs and photos are what is spread over processors, so BLAS and OpenCV keep to one thread each.
"""

import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from vtsfind.base.machine import processors

Part = TypeVar("Part")
Share = TypeVar("Share")


def run_in_threads(
    parts: Iterable[Part], work: Callable[[Iterator[Part]], Share], threads: int | None = None
) -> list[Share]:
    """Run `work` on several threads, of which the caller's is the first.

    Parameters
    ----------
    parts
        What there is to do.
    work
        Is called once by every thread, with an iterator over the parts that this thread takes: in order, each one when
        the last is done, as long as no other thread has taken it.
    threads
        How many; by default one for each processor that this process may run on, never more than parts, at least one.

    Returns
    -------
    What `work` returned, the caller's first. What it raises ends all of them and is raised. While there are several
    threads, products of matrices do not make more.
    """
    left = deque(parts)

    def taken() -> Iterator[Part]:
        while True:
            try:
                part = left.popleft()
            except IndexError:
                return
            yield part

    extra = max(min(threads or processors(), len(left)) - 1, 0)
    with SINGLE_THREADED_BLAS if extra else nullcontext():
        others = [_pool(extra).submit(work, taken()) for _ in range(extra)]
        try:
            return [work(taken()), *(other.result() for other in others)]
        finally:
            left.clear()
            wait(others)


@cache
def opencv() -> Any:
    """The module `cv2`, imported when it is first needed, on one thread."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


@cache
def opencv_version() -> str:
    """The version of OpenCV. The packages on PyPI have it in a file of its own, so that the library need not be loaded for it."""
    spec = find_spec("cv2")
    named = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    found = re.search(r'opencv_version = "(.+)"', named.read_text()) if named and named.exists() else None
    return found[1] if found else str(opencv().__version__)


class SingleThreadedBlas(AbstractContextManager[None]):
    """While this is entered, by whatever thread, products of matrices take one thread each.

    The libraries behind them (BLAS) start one for each processor otherwise, which wait for work by spinning: for
    products as small as those of one photo or pair, that takes longer than the work. How they count threads holds for
    the whole process, so the last to leave sets it back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nesting = 0
        self._limit: Any = None

    def __enter__(self) -> None:
        with self._lock:
            self._nesting += 1
            if self._nesting == 1:
                self._limit = _blas_controller(frozenset(_BRING_BLAS & sys.modules.keys())).limit(
                    limits=1, user_api="blas"
                )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._nesting -= 1
            if self._nesting == 0:
                self._limit.restore_original_limits()


SINGLE_THREADED_BLAS = SingleThreadedBlas()


_BRING_BLAS = {"cv2", "torch", "scipy"}
"""Modules that bring a library of their own."""


@cache
def _blas_controller(brought: frozenset[str]) -> Any:
    """What sets the threads of the libraries that are loaded; another one when more modules brought theirs."""
    import numpy as np  # noqa: F401 - its library is to be among them
    from threadpoolctl import ThreadpoolController

    del brought
    return ThreadpoolController()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay, since starting them takes as long as a small search."""
    return ThreadPoolExecutor(threads, thread_name_prefix="vtsfind-find")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has the pool but not its threads
