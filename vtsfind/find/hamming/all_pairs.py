"""All pairs of codes within a radius, exactly, without comparing every code with every other.

Equal codes are grouped first, and only distinct codes are compared. `vtsfind.find.hamming.mih` chooses substrings of which every
close pair nearly shares one. For each substring the codes are sorted by its value and cut into chunks, and chunks of values
within its search radius are compared (`vtsfind.find.hamming.chunk_pairs`): first in the one word that is the substring's window,
and the few pairs that differ little there in full. A pair is kept by the first of the substrings that finds it, so
nothing has to be stored to find it only once.

All pairs within a wide radius of a million codes are more than can be found in a minute. Within a given *effort*, all are
found within a narrower radius, and beyond it those that are met on the way, which are most of the nearer ones: two codes that differ
in 80 of 256 bits still agree in nearly all of some 16 of them. Which are met depends on the codes alone.

Memory is a few times that of the codes, and of what is found. That can be much by itself: 50,000 equal codes make
1,249,975,000 pairs. So `close_codes` gives groups of equal codes and pairs of distinct codes, which the caller may
expand; and it can keep only the nearest few of every code, for 10,000 codes that are nearly equal make as many pairs.

Axis letters: n codes, u distinct codes, w words, p pairs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import Monitor
from vtsfind.find.hamming.chunk_pairs import PairOptions, find_pairs, ranges
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.mih import Substring, SubstringPlan, plan_substrings

Pairs = tuple[Integers, Integers, Integers]
FindPairs = Callable[[Words, Sequence[Substring], PairOptions, Monitor], Integers]
"""Finds the wanted pairs of distinct codes, as `vtsfind.find.hamming.chunk_pairs.find_pairs` does."""


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
    complete: int
    """The radius within which no pair is missing."""

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
        first, second = _rectangle_places(kept[self.firsts], kept[self.seconds])
        pair = np.repeat(np.arange(len(self.firsts)), kept[self.firsts] * kept[self.seconds])
        among = np.arange(len(self.rows)) - np.repeat(self.starts[:-1], sizes)
        later = np.maximum(np.repeat(kept, sizes) - 1 - among, 0)
        later[self.starts[:-1]] = sizes - 1
        copy = np.repeat(np.arange(len(self.rows)), later)
        other = copy + 1 + ranges(later)
        a = np.concatenate([self.rows[self.starts[self.firsts[pair]] + first], self.rows[copy]])
        b = np.concatenate([self.rows[self.starts[self.seconds[pair]] + second], self.rows[other]])
        distances = np.concatenate([self.distances[pair], np.zeros(len(copy), np.int64)])
        a, b = np.minimum(a, b), np.maximum(a, b)
        order = np.argsort(a * len(self.rows) + b)
        return a[order], b[order], distances[order]


def close_codes(
    planes: Words,
    radius: int,
    *,
    nearest: int | None = None,
    effort: float | None = None,
    threads: int | None = None,
    monitor: Monitor | None = None,
    finder: FindPairs = find_pairs,
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
    effort
        Nanoseconds of processors that comparing may take, about. If that does not suffice, all pairs are found within a smaller
        radius, `CloseCodes.complete`, and beyond it those that are met on the way.
    threads
        Threads to use; by default one for each processor that this process may run on. The answer does not depend on it.
    monitor
        Its progress counts codes times substrings.
    finder
        What compares the distinct codes; by default threads of this process. The answer does not depend on it.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    planes = np.asarray(planes, np.uint64)
    rows, starts = _group_equal_codes(planes)
    distinct = np.ascontiguousarray(planes[:, rows[starts[:-1]]])
    options = PairOptions(radius, nearest, threads)
    chosen = (
        plan_substrings(distinct, radius, inf if effort is None else effort)
        if radius > 0
        else SubstringPlan((), radius, 0)
    )
    substrings = chosen.substrings
    if chosen.radius < radius:
        substrings = tuple(each.widened() for each in substrings)
    pairs = finder(distinct, substrings, options, monitor or Monitor())
    a, b, distances = pairs[:, np.argsort(pairs[0] * distinct.shape[1] + pairs[1])]
    return CloseCodes(rows, starts, a, b, distances, chosen.radius)


def _group_equal_codes(planes: Words) -> tuple[Integers, Integers]:
    """Put equal codes together: `rows` and `starts` of `CloseCodes`."""
    mixed_hash = np.zeros(planes.shape[1], np.uint64)
    for plane in planes:
        mixed_hash = (mixed_hash ^ plane) * np.uint64(0x9E3779B97F4A7C15)
        mixed_hash ^= mixed_hash >> np.uint64(32)
    order = np.argsort(mixed_hash, kind="stable")
    equal, same = _equal_neighbours(planes, order), _equal_neighbours(mixed_hash[None], order)
    if not np.array_equal(equal, same):  # different codes with one mixture may stand between equal ones
        order = np.lexsort(planes)
        equal = _equal_neighbours(planes, order)
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(order)), np.bool_), ~equal]))
    sizes = np.diff(starts, append=len(order))
    by_row = np.argsort(order[starts])
    starts, sizes = starts[by_row], sizes[by_row]
    rows = order[np.repeat(starts, sizes) + ranges(sizes)]
    return rows, np.concatenate([[0], np.cumsum(sizes)])


def _equal_neighbours(planes: Words, order: Integers) -> npt.NDArray[np.bool_]:
    """Whether each code but the last equals the next one, in some order."""
    equal = np.ones(max(len(order) - 1, 0), np.bool_)
    for plane in planes:
        ordered = plane[order]
        equal &= ordered[1:] == ordered[:-1]
    return equal


def _rectangle_places(left: Integers, right: Integers) -> tuple[Integers, Integers]:
    """All places in rectangles of sizes `left` times `right`, one after the other."""
    places = ranges(left * right)
    return np.divmod(places, np.repeat(right, left * right))
