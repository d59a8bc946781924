"""The nearest codes, and all codes within a radius: exact, over every code, with ties in a fixed order.

A scan goes over the codes chunk by chunk, and compares each chunk with a block of queries, while it stays in the
processor's cache. Only places whose distance is below their query's threshold are processed further:

* `within` knows the threshold: one more than the radius.
* `top_k` first takes it from the first rows, and lowers it to the k-th best distance as it goes. A worker meets its
  rows in rising order, so a later row that only equals the k-th best loses the tie, and a strict comparison is enough.

Threads share out the chunks. Which thread took which chunk does not show in the merged answer.

Axis letters: n codes, q queries of one block, w words, m rows of one chunk; places are pairs (query, row).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS
from vtsfind.base.machine import processors
from vtsfind.find.hamming.distance import WORDS_PER_CALL, Comparison, Integers, Words, comparison, count_bits
from vtsfind.find.threads import run_in_threads

_QUERIES_PER_BLOCK = 16
"""Queries compared at once with a chunk."""
_MIN_CALLS_PER_THREAD = 2
"""Calls that each of several threads makes at least, if the codes are many."""
_MAX_WORDS_PER_CALL = 2 * WORDS_PER_CALL
_LOG2_WORDS_PER_EXTRA_THREAD = 20
"""Binary logarithm of the words that must be compared for another thread to be worth its start."""
_THRESHOLD_SAMPLE_PLACES = 1 << 14
"""Places from which `top_k` takes the first thresholds."""
_MIN_THRESHOLD_SAMPLE_ROWS = 1 << 12
"""Rows that these are at least."""
_MIN_PRUNE_PLACES = 1 << 14
"""Places that are counted, and that `top_k` sifts, at a time; more if more are kept, since a sift has a price of its own."""


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
    planes, queries = checked(planes, queries)
    k = min(k, planes.shape[1])
    if k == 0:
        return np.empty((len(queries), 0), np.int64), np.empty((len(queries), 0), np.int64)
    blocks = [_QueryResults(planes, part, _first_thresholds(planes, part, k), k) for part in _blocks(queries)]
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
    planes, queries = checked(planes, queries)
    threshold = min(max(radius + 1, 0), _unreachable_distance(planes))
    blocks = [_QueryResults(planes, part, np.full(len(part), threshold), None) for part in _blocks(queries)]
    answer: list[tuple[Integers, Integers]] = []
    for each in _scan(planes, blocks, threads):
        cuts = np.searchsorted(each.owners, np.arange(1, len(each.queries)))
        answer += zip(np.split(each.rows, cuts), np.split(each.distances, cuts), strict=True)
    return answer


def checked(planes: Words, queries: Words) -> tuple[Words, Words]:
    """Take the memory map's class off, whose every slice is slow, and compare the shapes.

    Raises
    ------
    ValueError
        If they do not fit together.
    """
    planes, queries = np.asarray(planes, np.uint64), np.asarray(queries, np.uint64)
    if planes.ndim != 2 or queries.ndim != 2 or not len(planes) or len(planes) != queries.shape[1]:
        raise ValueError(
            f"planes of shape {planes.shape} and queries of shape {queries.shape} do not fit together"
        )
    return planes, queries


def _unreachable_distance(planes: Words) -> int:
    """A threshold above every distance."""
    return WORD_BITS * len(planes) + 1


def _blocks(queries: Words) -> list[Words]:
    return [queries[i : i + _QUERIES_PER_BLOCK] for i in range(0, len(queries), _QUERIES_PER_BLOCK)]


def _first_thresholds(planes: Words, queries: Words, k: int) -> Integers:
    """Thresholds (q,) that let at least k rows through for each query: just above the k-th best of the first rows."""
    rows = max(_THRESHOLD_SAMPLE_PLACES // len(queries), _MIN_THRESHOLD_SAMPLE_ROWS)
    if k > rows:
        return np.full(len(queries), _unreachable_distance(planes))
    head = np.bitwise_count(planes[:, None, :rows] ^ queries.T[:, :, None]).sum(axis=0, dtype=np.uint32)
    return np.partition(head, k - 1, axis=1)[:, k - 1].astype(np.int64) + 1


def _scan(planes: Words, blocks: list["_QueryResults"], threads: int | None) -> list["_QueryResults"]:
    """Compare all queries with all codes; give each block with the places below its thresholds, in order."""
    w, n = planes.shape
    max_queries = max((len(block.queries) for block in blocks), default=1)
    threads = min(
        threads or processors(),
        1 + (w * n * sum(len(block.queries) for block in blocks) >> _LOG2_WORDS_PER_EXTRA_THREAD),
    )
    step = max(_places_per_call(max_queries * n, threads) // max_queries, 1)

    def work(starts: Iterator[int]) -> list[_QueryResults]:
        mine = [block.copy() for block in blocks]
        own = comparison(w, max_queries * min(step, n))
        for start in starts:
            for found in mine:
                found.scan_rows(start, start + step, own)
        return mine

    shares = run_in_threads(range(0, n, step), work, threads)
    return [_merged(parts) for parts in zip(*shares, strict=True)]


def _places_per_call(places: int, threads: int) -> int:
    """How many places are compared by one call.

    Threads wait for each other between calls, so several of them make longer ones, as long as each still has some and
    what they work on stays in a processor's own cache.
    """
    if threads == 1:
        return WORDS_PER_CALL
    return min(max(-(-places // (_MIN_CALLS_PER_THREAD * threads)), WORDS_PER_CALL), _MAX_WORDS_PER_CALL)


class _QueryResults:
    """The places found so far for one block of queries.

    Parameters
    ----------
    planes
        (w, n) uint64.
    queries
        (q, w) uint64.
    thresholds
        (q,) int64; only distances below its threshold are wanted for a query.
    keep
        How many of the nearest are wanted; None for all.
    """

    def __init__(self, planes: Words, queries: Words, thresholds: Integers, keep: int | None) -> None:
        self.queries = queries
        self.owners = np.empty(0, np.int64)
        """Which query of the block each place belongs to."""
        self.rows = np.empty(0, np.int64)
        self.distances = np.empty(0, np.int64)
        self._planes = planes
        self._columns = np.ascontiguousarray(queries.T)[:, :, None]
        self._thresholds = thresholds
        self._limits: npt.NDArray[Any] | None = None
        self._done = False
        self._keep = keep
        self._prune_at_places = max(2 * len(queries) * (keep or 0), _MIN_PRUNE_PLACES)
        self._pending: list[tuple[Integers, Integers]] = []
        self._pending_count = 0
        self._new: list[tuple[Integers, Integers, Integers]] = []
        self._unpruned_count = 0

    def copy(self) -> "_QueryResults":
        """The same question, with nothing found yet."""
        return _QueryResults(self._planes, self.queries, self._thresholds.copy(), self._keep)

    def scan_rows(self, start: int, end: int, comparison: Comparison) -> None:
        """Compare with the rows from `start` to `end`, which are higher than all before."""
        if self._limits is None:
            self._limits = comparison.limits(self._thresholds - 1)[:, None]
            self._done = not self._thresholds.any()
        if self._done:
            return
        part = self._planes[:, start:end]
        shape = len(self.queries), part.shape[1]
        places = comparison.candidates(shape, part, self._columns, self._limits)
        if len(places):
            several = len(self.queries) > 1
            owners, rows = np.divmod(places, shape[1]) if several else (np.zeros_like(places), places)
            self._pending.append((owners, rows + start))
            self._pending_count += len(places)
            if self._pending_count >= self._prune_at_places:
                self.count()

    def count(self) -> None:
        """Count the distances of the candidates seen, and take those below the thresholds."""
        if self._pending_count:
            owners, rows = map(np.concatenate, zip(*self._pending, strict=True))
            self._pending, self._pending_count = [], 0
            distances = count_bits(self._planes[:, rows] ^ self._columns[:, owners, 0])
            near = distances < self._thresholds[owners]
            self.add(owners[near], rows[near], distances[near].astype(np.int64))

    def add(self, owners: Integers, rows: Integers, distances: Integers) -> None:
        """Take places whose distances are below the thresholds."""
        self._new.append((owners, rows, distances))
        self._unpruned_count += len(rows)
        if self._keep is not None and self._unpruned_count >= self._prune_at_places:
            self.prune()

    def prune(self) -> None:
        """Put the places in order (query, distance, row); drop those, and lower the thresholds, that `keep` allows."""
        places = zip((self.owners, self.rows, self.distances), *self._new, strict=True)
        owners, rows, distances = map(np.concatenate, places)
        if self._keep is not None and len(self.queries) == 1 and len(rows) > self._keep:
            near = distances <= np.partition(distances, self._keep - 1)[self._keep - 1]
            owners, rows, distances = owners[near], rows[near], distances[near]
        order = np.lexsort((rows, distances, owners))
        owners, distances = owners[order], distances[order]
        if self._keep is not None:
            cuts = np.searchsorted(owners, np.arange(len(self.queries) + 1))
            full = np.flatnonzero(cuts[1:] - cuts[:-1] >= self._keep)
            self._thresholds[full] = distances[cuts[full] + self._keep - 1]
            self._limits = None
            kept = np.arange(len(order)) - cuts[owners] < self._keep
            order, owners, distances = order[kept], owners[kept], distances[kept]
        self.owners, self.rows, self.distances = owners, rows[order], distances
        self._new, self._unpruned_count = [], len(order)


def _merged(parts: Iterable[_QueryResults]) -> _QueryResults:
    """Bring together what the workers found for one block."""
    first, *others = parts
    first.count()
    for other in others:
        other.count()
        other.prune()
        first.add(other.owners, other.rows, other.distances)
    first.prune()
    return first
