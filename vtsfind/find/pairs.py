"""All pairs of codes within a radius, exactly, without comparing every code with every other.

Equal codes are put together first, and only the distinct ones are compared. `vtsfind.find.substrings` chooses substrings
of which every close pair shares one, nearly. For each of them the codes are sorted by its value, so that codes with one
value lie side by side, in *pieces* of at most `PIECE`. Every piece meets the other pieces of its value and those of the
values within the substring's reach. Meetings of pieces of the same two sizes are compared together in one call of NumPy,
along the last axis; a partial distance over the radius ends a comparison early, as in `vtsfind.find.search`. A pair is
kept by the first of the substrings that finds it, so that nothing has to be remembered to find it only once.

Memory is bounded by the codes, a few times over, and by what is found. What is found can be large by itself: 50,000 equal
codes make 1,249,975,000 pairs. `close_codes` therefore gives groups of equal codes and pairs of distinct codes, and
leaves it to the caller whether to expand them; and it can be told to keep only the nearest few of every code, for
10,000 codes that are nearly equal make as many pairs of distinct codes.

Axis letters: n codes, u distinct codes, w words, p pairs; a meeting of pieces of s and t codes, g meetings at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS
from vtsfind.base.progress import CancelToken, Phase, Progress, Silent
from vtsfind.find.compare import CALL_WORDS, Integers, Words, comparison, differing
from vtsfind.find.nearest import FoundPairs
from vtsfind.find.substrings import PIECE, Substring, plan
from vtsfind.find.threads import processors, share

Pairs = tuple[Integers, Integers, Integers]

_MEETINGS = 1 << 18
"""Meetings of pieces that are sorted by size at once."""
_TILES = 4
"""Parts per thread into which the pieces of a substring are cut."""
_TILE_PIECES = 1 << 14
"""Most pieces of a part."""
_SIZES = np.array(
    [0, 1, 2, 3, 4, 6, 6, 8, 8, 10, 10, 12, 12, *[16] * 4, *[20] * 4, *[24] * 4, *[28] * 4, *[32] * 4]
)
"""The size as which pieces of each size are compared: fewer sizes, so more meetings in a call."""


@dataclass(frozen=True, slots=True)
class CloseCodes:
    """Groups of equal codes, and pairs of distinct codes within a radius."""

    rows: Integers
    """(n,) all rows: those of one code together and in rising order, the codes by their lowest row."""
    starts: Integers
    """(u + 1,) where each distinct code's rows begin in `rows`; the last is n."""
    firsts: Integers
    """(p,) the number of a distinct code; pairs are ordered by (first, second)."""
    seconds: Integers
    """(p,) the number of the other one, which is higher."""
    distances: Integers
    """(p,) how far the two are apart, in bits; at least 1."""

    def count(self) -> int:
        """How many pairs of rows there are."""
        sizes = np.diff(self.starts)
        between = int(sizes[self.firsts] @ sizes[self.seconds])
        return between + int((sizes * (sizes - 1) // 2).sum())

    def expand(self, most_copies: int | None = None) -> Pairs:
        """Write out the pairs of rows.

        Parameters
        ----------
        most_copies
            Of a code that has more rows than this, only the first so many take part in pairs, and each row beyond is
            paired with the first row alone. All rows of the code stay connected, and the number of pairs stays in
            proportion to the number of rows. By default nothing is left out.

        Returns
        -------
        rows_a, rows_b, distances, each (pairs,) int64, with a < b, ordered by (a, b).
        """
        sizes = np.diff(self.starts)
        kept = sizes if most_copies is None else np.minimum(sizes, max(most_copies, 1))
        first, second = _products(kept[self.firsts], kept[self.seconds])
        pair = np.repeat(np.arange(len(self.firsts)), kept[self.firsts] * kept[self.seconds])
        among = np.arange(len(self.rows)) - np.repeat(self.starts[:-1], sizes)
        later = np.maximum(np.repeat(kept, sizes) - 1 - among, 0)
        later[self.starts[:-1]] = sizes - 1
        copy = np.repeat(np.arange(len(self.rows)), later)
        other = copy + 1 + _counted(later)
        a = np.concatenate([self.rows[self.starts[self.firsts[pair]] + first], self.rows[copy]])
        b = np.concatenate([self.rows[self.starts[self.seconds[pair]] + second], self.rows[other]])
        distances = np.concatenate([self.distances[pair], np.zeros(len(copy), np.int64)])
        a, b = np.minimum(a, b), np.maximum(a, b)
        order = np.lexsort((b, a))
        return a[order], b[order], distances[order]


def pairs_within(
    planes: Words,
    radius: int,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Pairs:
    """Find all pairs of codes at most `radius` bits apart; where many codes are equal, `close_codes` is the better call.

    Parameters are those of `close_codes`.

    Returns
    -------
    rows_a, rows_b, distances, each (pairs,) int64, with a < b, ordered by (a, b).
    """
    return close_codes(planes, radius, threads=threads, progress=progress, cancel=cancel).expand()


def close_codes(
    planes: Words,
    radius: int,
    *,
    nearest: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> CloseCodes:
    """Find all groups of equal codes and all pairs of distinct codes at most `radius` bits apart.

    Parameters
    ----------
    planes
        (w, n) uint64, as `vtsfind.base.bits.planes` lays them out; may be read-only and memory-mapped.
    radius
        In bits. A negative one finds no pairs of distinct codes, as 0 does.
    nearest
        Keep a pair of distinct codes only if one is among the so many nearest of the other; of equally near ones, those
        whose lowest row is lower. By default all are kept.
    threads
        Threads to use; by default one for each processor that this process may run on. The answer does not depend on it.
    progress
        Hears how far the work is, in codes times substrings.
    cancel
        Stops the work.

    Raises
    ------
    Cancelled
        If `cancel` says so.
    """
    planes = np.asarray(planes, np.uint64)
    rows, starts = _groups(planes)
    distinct = np.ascontiguousarray(planes[:, rows[starts[:-1]]])
    wish = _Wish(radius, nearest, threads)
    a, b, distances = _compared(distinct, wish, progress or Silent(), cancel or CancelToken())
    order = np.lexsort((b, a))
    return CloseCodes(rows, starts, a[order], b[order], distances[order])


def _groups(planes: Words) -> tuple[Integers, Integers]:
    """Put equal codes together: `rows` and `starts` of `CloseCodes`."""
    mixed = np.zeros(planes.shape[1], np.uint64)
    for plane in planes:
        mixed = (mixed ^ plane) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    order = np.argsort(mixed, kind="stable")
    equal, same = _equal_neighbours(planes, order), _equal_neighbours(mixed[None], order)
    if not np.array_equal(equal, same):  # different codes with one mixture may stand between equal ones
        order = np.lexsort(planes)
        equal = _equal_neighbours(planes, order)
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(order)), np.bool_), ~equal]))
    sizes = np.diff(starts, append=len(order))
    by_row = np.argsort(order[starts])
    starts, sizes = starts[by_row], sizes[by_row]
    rows = order[np.repeat(starts, sizes) + _counted(sizes)]
    return rows, np.concatenate([[0], np.cumsum(sizes)])


def _equal_neighbours(planes: Words, order: Integers) -> npt.NDArray[np.bool_]:
    """Whether each code but the last equals the next one, in some order."""
    equal = np.ones(max(len(order) - 1, 0), np.bool_)
    for plane in planes:
        ordered = plane[order]
        equal &= ordered[1:] == ordered[:-1]
    return equal


def _counted(counts: Integers) -> Integers:
    """0, 1, 2, ... for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _products(left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """All places in rectangles of sizes `left` times `right`, one after the other."""
    places = _counted(left * right)
    return np.divmod(places, np.repeat(right, left * right))


@dataclass(frozen=True, slots=True)
class _Sorted:
    """Codes sorted by the value of a substring, and cut into pieces."""

    substring: Substring
    order: Integers
    """(n,) the code at each place."""
    planes: Words
    """(w, n) in that order."""
    values: Integers
    """(pieces,) the value of the codes of each piece."""
    starts: Integers
    """(pieces,) the place where each piece begins."""
    sizes: Integers
    """(pieces,)"""
    firsts: Integers
    """(values + 1,) the first piece of every value."""

    @classmethod
    def of(cls, planes: Words, substring: Substring) -> "_Sorted":
        """Sort the codes (w, n)."""
        values = substring.values(planes)
        order = np.argsort(values)
        counts = np.bincount(values, minlength=1 << substring.length)
        firsts = np.concatenate([[0], np.cumsum(-(-counts // PIECE))])
        of_pieces = np.repeat(np.arange(len(counts)), np.diff(firsts))
        ends = np.cumsum(counts)
        starts = (ends - counts)[of_pieces] + PIECE * (np.arange(len(of_pieces)) - firsts[of_pieces])
        sizes = np.minimum(ends[of_pieces] - starts, PIECE)
        return cls(substring, order, planes.take(order, axis=1), of_pieces, starts, sizes, firsts)

    def meetings(self, tile: range) -> Iterator[tuple[Integers, Integers]]:
        """Give the pieces that each of a tile's pieces has to meet, once each, some meetings at a time."""
        left = np.arange(tile.start, tile.stop)
        values = self.values[left]
        yield from _spread(left, left, self.firsts[values + 1] - left)
        masks = self.substring.masks()[1:]
        step = max(_MEETINGS // len(left), 1)
        for i in range(0, len(masks), step):
            others = values ^ masks[i : i + step, None]
            counts = self.firsts[others + 1] - self.firsts[others]
            counts[others > values] = 0  # they meet in the other one's turn
            some = np.flatnonzero(counts)
            yield from _spread(
                left[some % len(left)], self.firsts[others.ravel()[some]], counts.ravel()[some]
            )


def _spread(left: Integers, firsts: Integers, counts: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Pair each left piece with `counts` pieces from `firsts` on, about `_MEETINGS` pairs at a time."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(_MEETINGS, total, _MEETINGS), side="right")
    for some in np.split(np.arange(len(left)), np.unique(cuts)):
        if len(some):
            part = counts[some]
            yield np.repeat(left[some], part), np.repeat(firsts[some], part) + _counted(part)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which pairs are wanted, and from how many threads."""

    radius: int
    nearest: int | None
    threads: int | None


class _Worker:
    """One thread's share of comparing the pieces of one substring.

    Parameters
    ----------
    codes
        The codes by substring.
    wish
        Which pairs are wanted.
    earlier
        The substrings whose pairs are known.
    """

    def __init__(self, codes: _Sorted, wish: _Wish, earlier: Sequence[Substring]) -> None:
        self.found = FoundPairs(wish.nearest)
        self._codes = codes
        self._radius = radius = wish.radius
        self._earlier = earlier
        after = codes.substring.start // WORD_BITS + 1
        self._planes = [*codes.planes[after:], *codes.planes[:after]]
        """Beginning with the plane after the substring's, which tells most."""
        self._comparison = comparison(len(codes.planes), max(CALL_WORDS, PIECE * PIECE))
        self._limit = self._comparison.limits(np.array(radius))

    def take(self, left: Integers, right: Integers) -> None:
        """Let pieces meet: sort the meetings by the sizes of both, and compare many of one kind at once."""
        left_sizes, right_sizes = _SIZES[self._codes.sizes[left]], _SIZES[self._codes.sizes[right]]
        kinds = np.where(left == right, 0, left_sizes) * (PIECE + 1) + right_sizes
        order = np.argsort(kinds.astype(np.uint16), kind="stable")  # the kind of sort that counts 16 bits
        kinds = kinds[order]
        cuts = np.flatnonzero(np.concatenate([[True], kinds[1:] != kinds[:-1], [True]]))
        for start, end in pairwise(cuts.tolist()):
            s, t = divmod(int(kinds[start]), PIECE + 1)
            if s or t > 1:
                step = max(CALL_WORDS // ((s or t) * t), 1)
                for i in range(start, end, step):
                    some = order[i : min(i + step, end)]
                    self._compare(left[some], s, right[some], t)

    def _compare(self, left: Integers, s: int, right: Integers, t: int) -> None:
        """Compare left pieces of about s codes with right ones of about t; if s is 0, each with itself."""
        codes, m = self._codes, len(left)
        lefts = codes.starts[left] + np.arange(s or t)[:, None]
        rights = codes.starts[right] + np.arange(t)[:, None]
        places = self._comparison.candidates(
            (s or t, t, m),
            (plane.take(lefts, mode="clip")[:, None] for plane in self._planes),
            (plane.take(rights, mode="clip") for plane in self._planes),
            self._limit,
            None if s else slice(None, None, t + 1),
        )
        if len(places):
            pair, meeting = np.divmod(places, m)
            i, j = np.divmod(pair, t)
            left, right = left[meeting], right[meeting]
            real = (i < codes.sizes[left]) & (j < codes.sizes[right]) & ((i < j) | (s > 0))
            self._keep((codes.starts[left] + i)[real], (codes.starts[right] + j)[real])

    def _keep(self, a: Integers, b: Integers) -> None:
        """Keep those of these pairs of places that are within the radius and not known."""
        differences = self._codes.planes[:, a] ^ self._codes.planes[:, b]
        distances = differing(differences)
        new = distances <= self._radius
        for earlier in self._earlier:
            if not new.any():
                return
            if not new.all():
                a, b, distances, differences = a[new], b[new], distances[new], differences[:, new]
            new = np.bitwise_count(earlier.values(differences)) > earlier.reach
        if not new.any():
            return
        a, b = self._codes.order[a[new]], self._codes.order[b[new]]
        self.found.add(np.stack([np.minimum(a, b), np.maximum(a, b), distances[new]]))


def _compared(planes: Words, wish: _Wish, progress: Progress, cancel: CancelToken) -> Integers:
    """Find the wanted pairs of distinct codes, once each: codes, codes and distances, (3, p)."""
    substrings = plan(planes, wish.radius) if wish.radius > 0 else ()
    progress.start(Phase.COMPARE, len(substrings) * planes.shape[1])
    found = FoundPairs(wish.nearest)
    for i, substring in enumerate(substrings):
        cancel.check()
        for part in _shared(_Sorted.of(planes, substring), wish, substrings[:i], cancel):
            found.add(part)
        progress.advance(planes.shape[1])
    return found.pairs()


def _shared(codes: _Sorted, wish: _Wish, earlier: Sequence[Substring], cancel: CancelToken) -> list[Integers]:
    """Let several threads compare the pieces; gives what each found, (3, found)."""

    def work(tiles: Iterator[range]) -> Integers:
        worker = _Worker(codes, wish, earlier)
        for tile in tiles:
            for left, right in codes.meetings(tile):
                cancel.check()
                worker.take(left, right)
        return worker.found.pairs()

    pieces = len(codes.starts)
    step = min(pieces // (_TILES * (wish.threads or processors())) + 1, _TILE_PIECES)
    return share((range(i, min(i + step, pieces)) for i in range(0, pieces, step)), work, wish.threads)
