"""Work cut into parts that several threads take from one queue."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TypeVar

Part = TypeVar("Part")
Share = TypeVar("Share")


def share(
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
    What `work` returned, the caller's first. What it raises ends all of them and is raised.
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
    others = [_pool(extra).submit(work, taken()) for _ in range(extra)]
    try:
        return [work(taken()), *(other.result() for other in others)]
    finally:
        left.clear()
        wait(others)


def processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay, since starting them takes as long as a small search."""
    return ThreadPoolExecutor(threads, thread_name_prefix="vtsfind-find")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has the pool but not its threads
