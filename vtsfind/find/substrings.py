"""How to cut codes into substrings so that every close pair agrees in one of them, at the least expected cost.

Cut the bits into substrings i and give each a reach t_i, with the sum of all t_i + 1 greater than the radius. Two codes
that differ by more than t_i in every substring differ by at least that sum, which is more than the radius. So every pair
within the radius has a substring that differs by at most its reach, and only codes whose substrings are that close need
to be compared: multi-index hashing (Norouzi, Punjani and Fleet, Fast Exact Search in Hamming Space with Multi-Index
Hashing, 2014) with the reaches dealt out by cost. A substring without a reach (-1) is not looked at.

Short substrings have few values and so many candidate pairs; long ones need many values looked up per code. How many of
either follows exactly from how often each value occurs, which is counted on the codes themselves.
"""

import heapq
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import inf

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS

Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

PIECE = 32
"""Codes with one value of a substring are compared in pieces of so many."""
_LENGTHS = (8, 10, 12, 14, 16, 18, 20)
"""Bits of a substring that are tried."""
_PAIR_COST = 3.0
"""Nanoseconds to compare two codes; only the proportion to the next figure matters."""
_VISIT_COST = 85.0
"""Nanoseconds to bring two pieces together."""


@dataclass(frozen=True, slots=True)
class Substring:
    """Some consecutive bits of a code, and how far two codes may differ in them to be compared."""

    start: int
    length: int
    reach: int

    def values(self, planes: Words) -> npt.NDArray[np.uint32]:
        """What the codes (w, n) hold there, (n,) uint32."""
        word, shift = divmod(self.start, WORD_BITS)
        value: Words = planes[word] >> np.uint64(shift)
        if shift + self.length > WORD_BITS:
            value |= planes[word + 1] << np.uint64(WORD_BITS - shift)
        return (value & np.uint64((1 << self.length) - 1)).astype(np.uint32)

    def masks(self) -> npt.NDArray[np.uint32]:
        """All differences up to the reach, 0 first."""
        sums = [
            sum(1 << bit for bit in bits)
            for reach in range(self.reach + 1)
            for bits in combinations(range(self.length), reach)
        ]
        return np.array(sums, np.uint32)


WHOLE = (Substring(0, 0, 0),)
"""The plan that compares every code with every other: all agree in no bits at all."""


def plan(planes: Words, radius: int) -> tuple[Substring, ...]:
    """Choose the substrings and reaches that find all pairs of codes (w, n) within `radius` at the least cost."""
    return costed(planes, radius)[0]


def costed(planes: Words, radius: int) -> tuple[tuple[Substring, ...], float]:
    """As `plan`, with the cost that is expected: nanoseconds of one processor, of the kind that the constants are from."""
    n = planes.shape[1]
    best: tuple[Substring, ...] = WHOLE
    least = whole_cost(n)
    for length in _LENGTHS:
        if n >> 7 <= 1 << length <= n:
            found, cost = dealt(planes, radius, length, least)
            if cost < least:
                best, least = found, cost
    return best, least


def whole_cost(n: int) -> float:
    """The cost of comparing every one of n codes with every other, as `costed` says it."""
    return _PAIR_COST * n * n / 2


def dealt(planes: Words, radius: int, length: int, limit: float = inf) -> tuple[tuple[Substring, ...], float]:
    """Cut all bits into substrings of about `length`, and deal out reach where it costs least; stop above `limit`."""
    bits = WORD_BITS * len(planes)
    cuts = np.linspace(0, bits, -(-bits // length) + 1).astype(int).tolist()
    reaches = [-1] * (len(cuts) - 1)
    ladders = [
        Ladder(Substring(start, end - start, 0).values(planes), end - start) for start, end in pairwise(cuts)
    ]
    steps = [(ladder.step(), i) for i, ladder in enumerate(ladders)]
    heapq.heapify(steps)
    total = 0.0
    for _ in range(radius + 1):
        cost, i = steps[0]
        total += cost
        if total >= limit:
            return (), inf
        reaches[i] += 1
        heapq.heapreplace(steps, (ladders[i].step(), i))
    chosen = zip(pairwise(cuts), reaches, strict=True)
    return tuple(Substring(start, end - start, reach) for (start, end), reach in chosen if reach >= 0), total


class Ladder:
    """What each further step of reach costs for one substring."""

    def __init__(self, values: npt.NDArray[np.uint32], length: int) -> None:
        self._length = length
        codes = np.bincount(values, minlength=1 << length).astype(np.float64)
        self._reach = -1
        # Of what is being counted, codes or pieces: how many there are per value, and per value how many there are
        # at exactly the reach reached and at the one before.
        self._spheres = [(each, each, np.zeros_like(each)) for each in (codes, np.ceil(codes / PIECE))]

    def step(self) -> float:
        """Go one further, and say what that costs."""
        self._reach += 1
        if self._reach > self._length:
            return inf
        if self._reach:
            self._spheres = [(own, self._next(at, before), at) for own, at, before in self._spheres]
        pairs, visits = (float((own * at).sum()) / 2 for own, at, _ in self._spheres)
        return _PAIR_COST * pairs + _VISIT_COST * visits

    def _next(self, at: Floats, before: Floats) -> Floats:
        """From sums over all values at a distance of reach - 1 and reach - 2 to those at a distance of reach."""
        sums = -(self._length - self._reach + 2) * before if self._reach > 1 else np.zeros_like(at)
        for bit in range(self._length):
            sums.reshape(-1, 2, 1 << bit)[...] += at.reshape(-1, 2, 1 << bit)[:, ::-1]
        return sums / self._reach
