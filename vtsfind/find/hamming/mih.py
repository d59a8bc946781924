"""Multi-index hashing: which substrings of the codes to index, so that every close pair agrees in one, at the least cost.

Cut the bits into substrings i and give each a search radius t_i, with the sum of all t_i + 1 greater than the radius. Two codes
that differ by more than t_i in every substring differ by at least that sum, which is more than the radius. So every pair
within the radius has a substring that differs by at most its search radius, and only codes whose substrings are that close need
to be compared: multi-index hashing (Norouzi, Punjani and Fleet, Fast Exact Search in Hamming Space with Multi-Index
Hashing, 2014), with the search radii allocated by cost. A substring of search radius -1 is not indexed.

More follows if the substrings stand in a ring (Qin and Xiao, Pigeonring, 2018). A close pair has a substring from which on
every run of neighbours differs by less than the sum of their t_i + 1: were there none, runs that reach their sums would
cover the ring. So of codes that are close in a substring, the bits of it and its next neighbours, as many as fit in one
word, are compared first (its *window*), and they may differ by far less than the radius (its *limit*). Unrelated codes, even those
that are close in the substring, differ there by nearly half of the bits, and so one word rejects nearly all of them.

Short substrings have few values and so many candidate pairs; long ones need many values looked up per code. Both numbers
follow exactly from how often each value occurs, which is counted on the codes themselves.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import inf

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS
from vtsfind.find.hamming.distance import Words

Floats = npt.NDArray[np.float64]

CHUNK_CODES = 32
"""Codes with one value of a substring are compared in chunks of at most so many."""
_SUBSTRING_LENGTHS_BITS = (8, 10, 12, 14, 16, 18, 20)
"""Bits of a substring that are tried."""
_PAIR_COST_NS = 2.0
"""Nanoseconds to compare two codes in one word. This and the next two are estimates from parts measured on two loaded cores; their proportions matter most."""
_VISIT_COST_NS = 110.0
"""Nanoseconds to bring two chunks together."""
_FULL_PAIR_COST_NS = 5.5
"""Nanoseconds to compare two codes in full."""
_MIN_GAIN = 4
"""How many times as much comparing all codes must be expected to cost for substrings to be taken: codes of photos are far from evenly spread,
so that substrings took 2.8 to 8.8 times what they were expected to (30,000 to 100,000 of them, radii of 40 to 89 bits of 256)."""
_WINDOW_DEVIATIONS = 2.5
"""How much nearer than half of the bits two codes must be in a window, in standard deviations of unrelated codes, to be compared in
full although they may be beyond the radius for which the plan was made."""


@dataclass(frozen=True, slots=True)
class Substring:
    """Some consecutive bits of a code, and how far two codes may differ in them, and around them, to be compared in full."""

    start: int
    length: int
    search_radius: int
    window: tuple[tuple[int, int], ...] = ()
    """Starts and lengths of the runs of bits that are compared first, at most 64 bits in all; none if all bits are."""
    limit: int = 0
    """Bits of the window in which two codes may differ."""

    def values(self, planes: Words) -> npt.NDArray[np.uint32]:
        """What the codes (w, n) hold there, (n,) uint32."""
        return _bits(planes, self.start, self.length).astype(np.uint32)

    def windows(self, planes: Words) -> Words:
        """What the codes (w, n) hold in the window, (n,) uint64."""
        joined = np.zeros(planes.shape[1], np.uint64)
        offset = 0
        for start, length in self.window:
            joined |= _bits(planes, start, length) << np.uint64(offset)
            offset += length
        return joined

    def matches(self, differences: Words) -> npt.NDArray[np.bool_]:
        """Whether two codes with such differences (w, n) are compared in full for the sake of this substring, (n,) bool."""
        near: npt.NDArray[np.bool_] = np.bitwise_count(self.values(differences)) <= self.search_radius
        if self.window:
            near &= np.bitwise_count(self.windows(differences)) <= self.limit
        return near

    def masks(self) -> npt.NDArray[np.uint32]:
        """All differences of at most `search_radius` bits, 0 first."""
        sums = [
            sum(1 << bit for bit in bits)
            for search_radius in range(self.search_radius + 1)
            for bits in combinations(range(self.length), search_radius)
        ]
        return np.array(sums, np.uint32)

    def widened(self) -> "Substring":
        """The same with a limit that many pairs keep that are somewhat beyond the radius."""
        others = sum(length for _, length in self.window) - self.length
        limit = self.search_radius + round((others - _WINDOW_DEVIATIONS * others**0.5) / 2)
        return replace(self, limit=max(self.limit, limit))


def _bits(planes: Words, start: int, length: int) -> Words:
    """Up to 64 consecutive bits of codes (w, n), (n,) uint64."""
    word, shift = divmod(start, WORD_BITS)
    value: Words = planes[word] >> np.uint64(shift)
    if shift + length > WORD_BITS:
        value |= planes[word + 1] << np.uint64(WORD_BITS - shift)
    return value & np.uint64((1 << length) - 1)


@dataclass(frozen=True, slots=True)
class SubstringPlan:
    """The substrings to index."""

    substrings: tuple[Substring, ...]
    radius: int
    """In bits: no pair of codes within it is missed."""
    cost: float
    """The expected time: nanoseconds of one processor, of the kind that the constants are from."""


EXHAUSTIVE = (Substring(0, 0, 0),)
"""What compares every code with every other: all agree in no bits at all."""


def plan_substrings(planes: Words, radius: int, max_cost: float = inf) -> SubstringPlan:
    """Choose substrings and search radii that find all pairs of codes (w, n) within a radius at the least cost.

    If that is more than `max_cost` nanoseconds, then for the largest radius that costs less; at least 0, for which no
    substring is needed if no two codes are equal.
    """
    n = planes.shape[1]
    best = (
        SubstringPlan(EXHAUSTIVE, radius, exhaustive_cost(n))
        if exhaustive_cost(n) <= max_cost
        else SubstringPlan((), 0, 0.0)
    )
    for length in _SUBSTRING_LENGTHS_BITS:
        if n >> 7 <= 1 << length <= n:
            limit = max_cost
            if best.radius == radius:
                limit = min(max_cost, best.cost / (_MIN_GAIN if best.substrings == EXHAUSTIVE else 1))
            found = allocate_search_radii(planes, radius, length, limit)
            if (found.radius, -found.cost) > (best.radius, -best.cost):
                best = found
    return best


def exhaustive_cost(n: int) -> float:
    """The cost of comparing every one of n codes with every other, as `SubstringPlan.cost`."""
    return _FULL_PAIR_COST_NS * n * n / 2


def allocate_search_radii(planes: Words, radius: int, length: int, max_cost: float = inf) -> SubstringPlan:
    """Cut all bits into substrings of about `length`, and raise search radii where that costs least, while the total is below `max_cost`."""
    bits = WORD_BITS * len(planes)
    cuts = np.linspace(0, bits, -(-bits // length) + 1).astype(int).tolist()
    search_radii = [-1] * (len(cuts) - 1)
    radius_costs = [
        SearchRadiusCost(Substring(start, end - start, 0).values(planes), end - start)
        for start, end in pairwise(cuts)
    ]
    steps = [(radius_cost.step(), i) for i, radius_cost in enumerate(radius_costs)]
    heapq.heapify(steps)
    total = 0.0
    while sum(search_radii) + len(search_radii) <= radius:
        cost, i = steps[0]
        if not total + cost < max_cost:
            break
        total += cost
        search_radii[i] += 1
        heapq.heapreplace(steps, (radius_costs[i].step(), i))
    chosen = [
        (start, end - start, search_radius)
        for (start, end), search_radius in zip(pairwise(cuts), search_radii, strict=True)
    ]
    return SubstringPlan(
        with_windows([part for part in chosen if part[2] >= 0]),
        sum(search_radii) + len(search_radii) - 1,
        total,
    )


def with_windows(parts: Sequence[tuple[int, int, int]]) -> tuple[Substring, ...]:
    """Give substrings (start, length, search radius), each next to the one before it, their windows and limits."""
    made = []
    for i, (start, length, search_radius) in enumerate(parts):
        runs = [(start, length)]
        bits, limit = length, search_radius
        for start_of, length_of, radius_of in (*parts[i + 1 :], *parts[:i]):
            bits += length_of
            if bits > WORD_BITS:
                break
            limit += radius_of + 1
            last_start, last_length = runs[-1]
            if last_start + last_length == start_of:
                runs[-1] = last_start, last_length + length_of
            else:
                runs.append((start_of, length_of))
        made.append(Substring(start, length, search_radius, tuple(runs), limit))
    return tuple(made)


class SearchRadiusCost:
    """What each further bit of search radius costs for one substring."""

    def __init__(self, values: npt.NDArray[np.uint32], length: int) -> None:
        self._length = length
        codes = np.bincount(values, minlength=1 << length).astype(np.float64)
        self._search_radius = -1
        # Of codes, and of chunks: how many there are per value, and per value how many there are at exactly the search
        # radius reached and at the one before.
        self._spheres = [(each, each, np.zeros_like(each)) for each in (codes, np.ceil(codes / CHUNK_CODES))]

    def step(self) -> float:
        """Raise the search radius by 1; gives the cost of that in nanoseconds."""
        self._search_radius += 1
        if self._search_radius > self._length:
            return inf
        if self._search_radius:
            self._spheres = [(own, self._next_sphere(at, before), at) for own, at, before in self._spheres]
        pairs, visits = (float((own * at).sum()) / 2 for own, at, _ in self._spheres)
        return _PAIR_COST_NS * pairs + _VISIT_COST_NS * visits

    def _next_sphere(self, at: Floats, before: Floats) -> Floats:
        """From sums over all values at a distance of r - 1 and r - 2 to those at a distance of r, the search radius."""
        sums = (
            -(self._length - self._search_radius + 2) * before
            if self._search_radius > 1
            else np.zeros_like(at)
        )
        for bit in range(self._length):
            sums.reshape(-1, 2, 1 << bit)[...] += at.reshape(-1, 2, 1 << bit)[:, ::-1]
        return sums / self._search_radius
