"""Codes sorted by a substring and cut into chunks, which are compared chunk by chunk; see `vtsfind.find.hamming.all_pairs`.

Axis letters: n codes, w words, p pairs; a pair of chunks of s and t codes, m pairs of chunks at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.machine import processors
from vtsfind.base.progress import CancelToken, Monitor, Phase
from vtsfind.find.hamming.distance import WORDS_PER_CALL, Integers, Words, comparison
from vtsfind.find.hamming.knn import FoundPairs
from vtsfind.find.hamming.mih import CHUNK_CODES, Substring
from vtsfind.find.threads import run_in_threads

_CHUNK_PAIRS_PER_BATCH = 1 << 17
"""Pairs of chunks that are sorted by size at once."""
_FULL_COMPARISONS_PER_BATCH = 1 << 16
"""Pairs that are compared in full at once."""
_TILES_PER_THREAD = 4
"""Parts per thread into which the chunks of a substring are cut."""
_MAX_CHUNKS_PER_TILE = 1 << 14
"""Most chunks of a part."""
_SIZE_CLASSES = np.array([1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, CHUNK_CODES])
"""The sizes as which chunks are compared: few, so that many pairs of chunks are of one kind. Two numbers of them fit in a byte."""
_SIZE_CLASS_BITS = 4


def ranges(counts: Integers) -> Integers:
    """0, 1, 2, ... for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


@dataclass(frozen=True, slots=True)
class _SortedCodes:
    """Codes sorted by the value of a substring, and cut into chunks."""

    substring: Substring
    order: Integers
    """(n,) the code at each place."""
    codes: Words
    """(n, w) in that order; word by word, so that one code is read from one place."""
    values: Integers
    """(chunks,) the value of the codes of each chunk."""
    starts: Integers
    """(chunks,) the place where each chunk begins."""
    sizes: Integers
    """(chunks,)"""
    firsts: Integers
    """(values + 1,) the first chunk of every value."""
    classes: npt.NDArray[np.uint8]
    """(chunks,) the number in `_SIZE_CLASSES` of the size as which each chunk is compared."""
    ranks: Integers
    """(chunks,) how many earlier chunks are of its class."""
    tables: list[list[Words]]
    """For each word that is compared, and each class, (size, chunks of it): what they hold, column by column, so that taking the
    columns of many chunks reads little memory at a time. Beyond a chunk's own codes there is anything."""

    @classmethod
    def of(cls, planes: Words, codes: Words, substring: Substring) -> "_SortedCodes":
        """Sort the codes, given as (w, n) and as (n, w)."""
        values = substring.values(planes)
        order = np.argsort(values, kind="stable")
        counts = np.bincount(values, minlength=1 << substring.length)
        firsts = np.concatenate([[0], np.cumsum(-(-counts // CHUNK_CODES))])
        chunk_values = np.repeat(np.arange(len(counts)), np.diff(firsts))
        ends = np.cumsum(counts)
        starts = (ends - counts)[chunk_values] + CHUNK_CODES * (
            np.arange(len(chunk_values)) - firsts[chunk_values]
        )
        sizes = np.minimum(ends[chunk_values] - starts, CHUNK_CODES)
        compared = substring.windows(planes)[None] if substring.window else planes
        classes = np.searchsorted(_SIZE_CLASSES, sizes).astype(np.uint8)
        by_class = np.argsort(classes, kind="stable")
        of_class = np.bincount(classes, minlength=len(_SIZE_CLASSES))
        ranks = np.empty(len(classes), np.int64)
        ranks[by_class] = ranges(of_class)
        members = np.split(starts[by_class], np.cumsum(of_class)[:-1])
        places = [
            begin + np.arange(size)[:, None]
            for begin, size in zip(members, _SIZE_CLASSES.tolist(), strict=True)
        ]
        tables = [
            [plane.take(place, mode="clip") for place in places]
            for plane in (word.take(order) for word in compared)
        ]
        return cls(
            substring,
            order,
            codes.take(order, axis=0),
            chunk_values,
            starts,
            sizes,
            firsts,
            classes,
            ranks,
            tables,
        )

    def chunk_pairs(self, tile: range) -> Iterator[tuple[Integers, Integers]]:
        """Give the other chunks that each of a tile's chunks is compared with, once each, some pairs at a time."""
        left = np.arange(tile.start, tile.stop)
        values = self.values[left]
        yield from _in_batches(left, left + 1, self.firsts[values + 1] - left - 1)
        masks = self.substring.masks()[1:].astype(np.int64)
        for bit in range(self.substring.length):
            # Of two values, that one is on the left which has the highest bit in which they differ.
            some = (values >> bit & 1).astype(np.bool_)
            step = max(_CHUNK_PAIRS_PER_BATCH // max(int(some.sum()), 1), 1)
            of_bit = masks[masks >> bit == 1]
            for i in range(0, len(of_bit) if some.any() else 0, step):
                others = values[some] ^ of_bit[i : i + step, None]
                yield from self._pair_chunks(np.broadcast_to(left[some], others.shape), others)

    def _pair_chunks(self, left: Integers, others: Integers) -> Iterator[tuple[Integers, Integers]]:
        """Pair left chunks with the first chunks of some values, then with the second ones, and so on."""
        right = self.firsts[others]
        counts = self.firsts[1:][others] - right
        while True:
            some = counts > 0
            if not some.all():
                left, right, counts = left[some], right[some], counts[some]
            if not counts.size:
                return
            yield left.ravel(), right.ravel()
            right, counts = right + 1, counts - 1


def _in_batches(left: Integers, firsts: Integers, counts: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Pair each left chunk with `counts` chunks from `firsts` on, about `_CHUNK_PAIRS_PER_BATCH` pairs at a time."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(
        ends, np.arange(_CHUNK_PAIRS_PER_BATCH, total, _CHUNK_PAIRS_PER_BATCH), side="right"
    )
    for some in np.split(np.arange(len(left)), np.unique(cuts)):
        if len(some):
            part = counts[some]
            yield np.repeat(left[some], part), np.repeat(firsts[some], part) + ranges(part)


@dataclass(frozen=True, slots=True)
class PairOptions:
    """Which pairs are wanted, and from how many threads."""

    radius: int
    nearest: int | None
    threads: int | None


class _Worker:
    """One thread's share of comparing the chunks of one substring.

    Parameters
    ----------
    codes
        The codes by substring.
    options
        Which pairs are wanted.
    earlier
        The substrings whose pairs are known.
    found
        Takes the pairs.
    """

    def __init__(
        self, codes: _SortedCodes, options: PairOptions, earlier: Sequence[Substring], found: FoundPairs
    ) -> None:
        self._found = found
        self._codes = codes
        self._radius = options.radius
        self._earlier = earlier
        self._comparison = comparison(len(codes.tables), max(WORDS_PER_CALL, CHUNK_CODES * CHUNK_CODES))
        limit = codes.substring.limit if codes.substring.window else options.radius
        self._limit = self._comparison.limits(np.array(limit))
        self._pending: list[tuple[Integers, Integers]] = []
        self._pending_count = 0

    def take(self, tile: range, cancel: CancelToken) -> None:
        """Compare a tile's chunks with all that they have to be compared with, themselves first."""
        left = np.arange(tile.start, tile.stop)
        self._sort(self._codes.classes[left], left, left)
        for left, right in self._codes.chunk_pairs(tile):
            cancel.check()
            classes = self._codes.classes
            self._sort(classes[left] << np.uint8(_SIZE_CLASS_BITS) | classes[right], left, right)
        self._count()

    def _sort(self, kinds: npt.NDArray[np.uint8], left: Integers, right: Integers) -> None:
        """Sort pairs of chunks by the sizes of both chunks, and compare many of one kind at once."""
        order = np.argsort(kinds, kind="stable")  # the kind of sort that counts bytes
        alone = left is right
        left = left[order]
        right = left if alone else right[order]
        ends = np.cumsum(np.bincount(kinds))
        for kind in np.flatnonzero(np.bincount(kinds)).tolist():
            first, second = (kind, kind) if alone else divmod(kind, 1 << _SIZE_CLASS_BITS)
            pairs = int(_SIZE_CLASSES[first]) * int(_SIZE_CLASSES[second])
            step = max(WORDS_PER_CALL // pairs, 1)
            begin = int(ends[kind - 1]) if kind else 0
            for i in range(begin, int(ends[kind]), step):
                some = slice(i, min(i + step, int(ends[kind])))
                self._compare(left[some], first, right[some], second, alone=alone)

    def _compare(self, left: Integers, first: int, right: Integers, second: int, *, alone: bool) -> None:
        """Compare left chunks of one class with right ones of another, or, if `alone`, each with itself."""
        codes, m, s, t = self._codes, len(left), int(_SIZE_CLASSES[first]), int(_SIZE_CLASSES[second])
        lefts, rights = codes.ranks[left], codes.ranks[right]
        places = self._comparison.candidates(
            (s, t, m),
            (table[first].take(lefts, axis=1, mode="clip")[:, None] for table in codes.tables),
            (table[second].take(rights, axis=1, mode="clip") for table in codes.tables),
            self._limit,
            slice(None, None, t + 1) if alone else None,
        )
        if len(places):
            pair = places // m
            chunk_pair = places - pair * m
            i = pair // t
            j = pair - i * t
            left, right = left[chunk_pair], right[chunk_pair]
            real = (i < codes.sizes[left]) & (j < codes.sizes[right])
            if alone:
                real &= i < j
            self._pending.append(((codes.starts[left] + i)[real], (codes.starts[right] + j)[real]))
            self._pending_count += len(places)
            if self._pending_count >= _FULL_COMPARISONS_PER_BATCH:
                self._count()

    def _count(self) -> None:
        """Compare the pairs of places seen in full, and keep those that are within the radius and not known."""
        if not self._pending:
            return
        pending = self._pending
        self._pending, self._pending_count = [], 0
        every = [np.concatenate(side) for side in zip(*pending, strict=True)]
        for i in range(0, len(every[0]), _FULL_COMPARISONS_PER_BATCH):
            self._keep(
                every[0][i : i + _FULL_COMPARISONS_PER_BATCH], every[1][i : i + _FULL_COMPARISONS_PER_BATCH]
            )

    def _keep(self, a: Integers, b: Integers) -> None:
        differences = self._codes.codes.take(a, axis=0) ^ self._codes.codes.take(b, axis=0)
        distances = np.zeros(len(a), np.int64)
        for counts in np.bitwise_count(differences).T:
            distances += counts
        new = distances <= self._radius
        for known in (None, *self._earlier):
            if known is not None:
                new = ~known.matches(differences.T)
            if not new.all():
                a, b, distances, differences = a[new], b[new], distances[new], differences[new]
            if not len(a):
                return
        a, b = self._codes.order[a], self._codes.order[b]
        self._found.add(np.stack([np.minimum(a, b), np.maximum(a, b), distances]))


def find_pairs(
    planes: Words,
    substrings: Sequence[Substring],
    options: PairOptions,
    monitor: Monitor,
) -> Integers:
    """Find the wanted pairs of distinct codes, once each: codes, codes and distances, (3, p)."""
    monitor.progress.start(Phase.COMPARE, len(substrings) * planes.shape[1])
    found = FoundPairs(options.nearest)
    codes = np.ascontiguousarray(planes.T)
    for i, substring in enumerate(substrings):
        monitor.cancel.check()
        _find_pairs_in_threads(
            _SortedCodes.of(planes, codes, substring), options, substrings[:i], found, monitor.cancel
        )
        monitor.progress.advance(planes.shape[1])
    return found.pairs()


def find_pairs_of_values(
    planes: Words,
    substrings: Sequence[Substring],
    number: int,
    options: PairOptions,
    values: range,
    *,
    share: tuple[int, int] = (0, 1),
) -> Integers:
    """Find the part of the pairs that one substring gives whose left code holds one of some values there.

    Of two codes the left one has the higher value; of two with one value, either. The parts of all substrings and all values
    are together what `find_pairs` gives.

    Parameters
    ----------
    planes
        (w, n) distinct codes: all that hold one of the values, and all that hold a lower one that differs from one of them
        by at most the search radius.
    substrings, number
        All substrings, and which of them it is: pairs that an earlier one gives are left out.
    options
        Which pairs are wanted; one thread is used.
    values
        Of the substring.
    share
        Take only every n-th part of the work, from which on and how many there are.

    Returns
    -------
    (3, p) codes, codes and distances, as `find_pairs` does.
    """
    codes = _SortedCodes.of(planes, np.ascontiguousarray(planes.T), substrings[number])
    first, last = np.searchsorted(codes.values, [values.start, values.stop]).tolist()
    step = min((last - first) // (_TILES_PER_THREAD * share[1]) + 1, _MAX_CHUNKS_PER_TILE)
    found = FoundPairs(options.nearest)
    worker = _Worker(codes, options, substrings[:number], found)
    for start in range(first, last, step)[share[0] :: share[1]]:
        worker.take(range(start, min(start + step, last)), CancelToken())
    return found.pairs()


def _find_pairs_in_threads(
    codes: _SortedCodes,
    options: PairOptions,
    earlier: Sequence[Substring],
    found: FoundPairs,
    cancel: CancelToken,
) -> None:
    """Let several threads compare the chunks, and add the pairs to those found."""

    def work(tiles: Iterator[range]) -> None:
        worker = _Worker(codes, options, earlier, found)
        for tile in tiles:
            worker.take(tile, cancel)

    chunks = len(codes.starts)
    step = min(chunks // (_TILES_PER_THREAD * (options.threads or processors())) + 1, _MAX_CHUNKS_PER_TILE)
    run_in_threads((range(i, min(i + step, chunks)) for i in range(0, chunks, step)), work, options.threads)
