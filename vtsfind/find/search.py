"""The nearest codes, and all codes within a radius: exact, over every code, with ties in a fixed order.

A scan goes over the codes chunk by chunk and over each chunk plane by plane: XOR with a block of queries, count the
bits, add, in the narrowest integer that serves, while the chunk stays in the processor's cache. Only places whose
distance is below their query's threshold are looked at again, and their distances are then counted in full:

* `within` knows the threshold: one more than the radius.
* `top_k` first takes it from the first rows, and lowers it to the k-th best distance as it goes. A worker meets its
  rows in rising order, so a later row that only equals the k-th best loses the tie, and a strict comparison is enough.

A distance over some of the planes only grows with the others. Once the planes counted so far leave few places below
the threshold, the other planes are counted for those alone. Nothing is approximate.

NumPy lets go of the interpreter's lock inside these loops, so threads share out the chunks. Which thread took which
chunk does not show in the merged answer.

Axis letters: n codes, q queries of one block, w words, m rows of one chunk; places are pairs (query, row).
"""

import os
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

_CALL_WORDS = 1 << 16
"""Words that one call of NumPy works on: few enough for the cache, enough for threads to seldom wait for the lock."""
_BLOCK = 16
"""Queries compared at once with a chunk."""
_FIRST_ROWS = 1 << 12
"""Rows from which `top_k` takes the first threshold."""
_SIFTED = 1 << 14
"""Places that `top_k` sifts at a time, as long as that is some times the number kept: a sift has a price of its own."""
_CACHE_LINE = 64
"""Bytes."""
_HIGHEST_SUM = {np.uint8: 255, np.uint32: 2**32 - 1}
_FEW = 16
"""Places are few, and cheaper to gather than to scan, when they are fewer than one in this many."""


def top_k(planes: Words, queries: Words, k: int, *, threads: int | None = None) -> tuple[Integers, Integers]:
    """Find the k codes nearest to each query.

    Parameters
    ----------
    planes
        (w, n) uint64, as `vtsfind.base.bits.planes` lays them out; may be read-only and memory-mapped.
    queries
        (q, w) uint64, as `vtsfind.base.bits.words` makes them.
    k
        How many to find; where there are fewer codes, all of them are found.
    threads
        Threads to use; by default one for each processor that this process may run on.

    Returns
    -------
    rows
        (q, min(k, n)) int64, nearest first; of equally near ones the lower row first.
    distances
        (q, min(k, n)) int64, in bits.

    Raises
    ------
    ValueError
        If k is negative or the shapes do not fit together.
    """
    if k < 0:
        raise ValueError(f"k is {k}; it cannot be negative")
    planes, queries = _checked(planes, queries)
    k = min(k, planes.shape[1])
    if k == 0:
        return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.int64)
    blocks = [_Found(part, _first_thresholds(planes, part, k), k) for part in _blocks(queries)]
    found = _scan(planes, blocks, threads)
    rows = np.concatenate([np.empty(0, np.int64), *(each.rows for each in found)])
    distances = np.concatenate([np.empty(0, np.int64), *(each.distances for each in found)])
    return rows.reshape(-1, k), distances.reshape(-1, k)


def within(
    planes: Words, queries: Words, radius: int, *, threads: int | None = None
) -> list[tuple[Integers, Integers]]:
    """Find all codes at most `radius` bits away from each query.

    Parameters are those of `top_k`, and so are the errors; a negative radius finds nothing.

    Returns
    -------
    For each query the rows and their distances, both (found,) int64, nearest first; of equally near ones the lower
    row first.
    """
    planes, queries = _checked(planes, queries)
    threshold = min(max(radius + 1, 0), _beyond(planes))
    blocks = [_Found(part, np.full(len(part), threshold), None) for part in _blocks(queries)]
    answer: list[tuple[Integers, Integers]] = []
    for each in _scan(planes, blocks, threads):
        cuts = np.searchsorted(each.owners, np.arange(1, len(each.queries)))
        answer += zip(np.split(each.rows, cuts), np.split(each.distances, cuts), strict=True)
    return answer


def _checked(planes: Words, queries: Words) -> tuple[Words, Words]:
    """Take the memory map's class off, whose every slice is slow, and compare the shapes."""
    planes, queries = np.asarray(planes, np.uint64), np.asarray(queries, np.uint64)
    if planes.ndim != 2 or queries.ndim != 2 or not len(planes) or len(planes) != queries.shape[1]:
        raise ValueError(
            f"planes of shape {planes.shape} and queries of shape {queries.shape} do not fit together"
        )
    return planes, queries


def _beyond(planes: Words) -> int:
    """A threshold above every distance."""
    return WORD_BITS * len(planes) + 1


def _blocks(queries: Words) -> list[Words]:
    return [queries[i : i + _BLOCK] for i in range(0, len(queries), _BLOCK)]


def _first_thresholds(planes: Words, queries: Words, k: int) -> Integers:
    """Thresholds (q,) that let at least k rows through for each query: just above the k-th best of the first rows."""
    if k > _FIRST_ROWS:
        return np.full(len(queries), _beyond(planes))
    head = planes[:, None, :_FIRST_ROWS] ^ queries.T[:, :, None]
    return np.partition(_sum(head), k - 1, axis=1)[:, k - 1] + 1


def _sum(differences: Words) -> Integers:
    """Count the bits of words (w, ...) over all w; (...) int64."""
    total: Integers = np.bitwise_count(differences).sum(axis=0, dtype=np.int64)
    return total


def _sum_type(w: int) -> type[np.uint8] | type[np.uint32]:
    """The type in which the distances of a scan are summed.

    Distances up to 255 fit in a byte. 256, the one other distance of four words, wraps to 0: such a place is a
    candidate, and is counted again as every candidate is.
    """
    return np.uint8 if w <= 4 else np.uint32


def _scratch(places: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Space that begins on a cache line: vectors stored across two lines take a quarter longer."""
    space = np.empty(places * np.dtype(kind).itemsize + _CACHE_LINE, np.uint8)
    start = -space.ctypes.data % _CACHE_LINE
    return space[start : start + places * np.dtype(kind).itemsize].view(kind)


def _scan(planes: Words, blocks: list["_Found"], threads: int | None) -> list["_Found"]:
    """Compare all queries with all codes; give each block with the places below its thresholds, in order."""
    w, n = planes.shape
    widest = max((len(block.queries) for block in blocks), default=1)
    step = max(_CALL_WORDS // widest, 1)
    starts = deque(range(0, n, step))

    def work() -> list[_Found]:
        mine = [block.copy() for block in blocks]
        comparison = _Comparison(w, widest * min(step, n))
        while starts:
            try:
                start = starts.popleft()
            except IndexError:  # another thread took the last one
                break
            for found in mine:
                comparison.run(planes[:, start : start + step], start, found)
        return mine

    extra = min(threads or _processors(), max(len(starts), 1)) - 1
    others = [_pool(extra).submit(work) for _ in range(extra)]
    shares = [work(), *(other.result() for other in others)]
    return [_merged(parts) for parts in zip(*shares, strict=True)]


class _Found:
    """The places found so far for one block of queries.

    Parameters
    ----------
    queries
        (q, w) uint64.
    thresholds
        (q,) int64; only distances below its threshold are wanted for a query.
    keep
        How many of the nearest are wanted; None for all.
    """

    def __init__(self, queries: Words, thresholds: Integers, keep: int | None) -> None:
        self.queries = queries
        self.columns = np.ascontiguousarray(queries.T)[:, :, None]
        """The queries' words, plane by plane, (w, q, 1)."""
        self.thresholds = thresholds
        self.keep = keep
        self.vain = np.full(queries.shape[1], np.iinfo(np.int64).max)
        """By plane, the hope with which it was in vain to stop counting there."""
        self.owners = np.empty(0, np.int64)
        """Which query of the block each place belongs to."""
        self.rows = np.empty(0, np.int64)
        self.distances = np.empty(0, np.int64)
        self._new: list[tuple[Integers, Integers, Integers]] = []
        self._held = 0
        kept = len(queries) * (keep or 0)
        self._enough = np.inf if keep is None else max(2 * kept, min(16 * kept, _SIFTED))
        self._aim()

    def _aim(self) -> None:
        """Say what follows from the thresholds."""
        sums = _sum_type(self.queries.shape[1])
        highest = np.minimum(np.maximum(self.thresholds - 1, 0), _HIGHEST_SUM[sums])
        self.limits = highest.astype(sums)[:, None]
        """The highest sum of planes, (q, 1), that makes a place a candidate, in the type of the sums."""
        self.hope = int(self.thresholds.sum())
        """The lower, the sooner planes can be left out; with 0 nothing is wanted any more."""

    def copy(self) -> "_Found":
        """The same question, with nothing found yet."""
        return _Found(self.queries, self.thresholds.copy(), self.keep)

    def add(self, owners: Integers, rows: Integers, distances: Integers) -> None:
        """Take places whose distances are below the thresholds."""
        self._new.append((owners, rows, distances))
        self._held += len(rows)
        if self._held >= self._enough:
            self.sift()

    def sift(self) -> None:
        """Put the places in order (query, distance, row); drop those, and lower the thresholds, that `keep` allows."""
        places = zip((self.owners, self.rows, self.distances), *self._new, strict=True)
        owners, rows, distances = map(np.concatenate, places)
        order = np.lexsort((rows, distances, owners))
        owners, distances = owners[order], distances[order]
        if self.keep is not None:
            cuts = np.searchsorted(owners, np.arange(len(self.queries) + 1))
            full = np.flatnonzero(cuts[1:] - cuts[:-1] >= self.keep)
            self.thresholds[full] = distances[cuts[full] + self.keep - 1]
            self._aim()
            kept = np.arange(len(order)) - cuts[owners] < self.keep
            order, owners, distances = order[kept], owners[kept], distances[kept]
        self.owners, self.rows, self.distances = owners, rows[order], distances
        self._new, self._held = [], len(order)


class _Comparison:
    """Compares blocks of queries with chunks of codes of w words, at most `places` places at a time."""

    def __init__(self, w: int, places: int) -> None:
        self._scratch = [_scratch(places, kind) for kind in (np.uint64, np.uint8, _sum_type(w), np.bool_)]
        self._shaped = [each[:0, None] for each in self._scratch]

    def run(self, part: Words, start: int, found: _Found) -> None:
        """Add to `found` the places of `part`, (w, m), that are below the thresholds; `start` is the first row."""
        if not found.hope:
            return
        places = self._candidates(part, found)
        if len(places):
            owners, rows = np.divmod(places, part.shape[1])
            distances = _sum(part[:, rows] ^ found.columns[:, owners, 0])
            near = distances < found.thresholds[owners]
            found.add(owners[near], rows[near] + start, distances[near])

    def _candidates(self, part: Words, found: _Found) -> Integers:
        """Find the places that may be below the thresholds, all that are and few others, counted row by row."""
        q, m = len(found.queries), part.shape[1]
        if self._shaped[0].shape != (q, m):
            self._shaped = [each[: q * m].reshape(q, m) for each in self._scratch]
        words, counts, sums, below = self._shaped
        for j, plane in enumerate(part):
            np.bitwise_xor(plane, found.columns[j], out=words)
            if j == 0:
                np.bitwise_count(words, out=sums)
            else:
                np.bitwise_count(words, out=counts)
                np.add(sums, counts, out=sums)
            if j + 1 < len(part) and found.hope < found.vain[j]:
                np.less_equal(sums, found.limits, out=below)
                if np.count_nonzero(below) * _FEW < below.size:
                    return np.flatnonzero(below)
                found.vain[j] = found.hope
        np.less_equal(sums, found.limits, out=below)
        return np.flatnonzero(below)


def _merged(parts: Iterable[_Found]) -> _Found:
    """Bring together what the workers found for one block."""
    first, *others = parts
    for other in others:
        other.sift()
        first.add(other.owners, other.rows, other.distances)
    first.sift()
    return first


def _processors() -> int:
    """How many processors this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that stay, since starting them takes as long as a small scan."""
    return ThreadPoolExecutor(threads, thread_name_prefix="vtsfind-search")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # a forked child has the pool but not its threads
