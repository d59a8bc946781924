"""The nearest codes of every code, carried over from one set of codes to the next: only what is new is compared with all.

Of each code more of its nearest are kept than are asked for, and a bound: all codes that are not farther are among them. A code that
goes takes its pairs along and leaves the bounds of others as they are; one that comes is compared with all. So the nearest of a code are
known exactly as long as enough are left within its bound, and else it is compared with all others again.

Format of the bytes, little-endian: uint32 the words of a code w, the number of codes u, the number of pairs p, and the radius; the
codes, uint64 (u, w); the bounds, int64 (u,); both sides of the pairs, uint32 (2, p); their distances, uint16 (p,).

Axis letters: u codes, w words, p pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np

from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.knn import best_ranks
from vtsfind.find.hamming.search import within

SPARE_NEAREST = 8
"""How many more of the nearest of a code are kept than are asked for: as many may go until it is compared with all again, about."""
SPARE_RADIUS_BITS = 3
"""By how much the radius of the next set of codes may be larger: one that is measured on a sample varies by 1 or 2."""
MAX_NEW_SHARE = 1 / 8
"""Share of the codes that may be compared with all. More of them take as long as comparing each pair once, which several threads do."""
_MAX_GROWTH = 2
"""How many times as many pairs as at first may be held, as codes come and none goes, until all are compared anew."""
_COMPARED_AT_ONCE = 64
"""Codes whose pairs are held before those that are not among the nearest are dropped: each may be near all others."""

_HEADER = np.dtype("<u4")
_HEADER_FIELDS = 4

FindNearest = Callable[[int, int], Integers]
"""Finds pairs anew: all of a radius that are among so many nearest of either side, (3, p)."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownPairs:
    """Distinct codes, and pairs of them that are near."""

    codes: Words
    """(u, w)"""
    pairs: Integers
    """(3, p) both codes, the lower number first, and how far they are apart, in bits."""
    bounds: Integers
    """(u,) up to which place each code has all its pairs here: distance times u, and the number of the last code at that distance."""
    radius: int
    """In bits: no pair is farther apart."""

    def nearest(self, radius: int, count: int) -> Integers:
        """The pairs within a radius that are among so many nearest of either side, (3, p); of equally near ones lower numbers first."""
        some = self.pairs[:, self.pairs[2] <= radius]
        return some[:, best_ranks(*some) < count]

    def to_bytes(self) -> bytes:
        """Pack for a cache; the module says how."""
        head = np.array([self.codes.shape[1], len(self.codes), self.pairs.shape[1], self.radius], _HEADER)
        parts = (
            head,
            self.codes.astype("<u8"),
            self.bounds.astype("<i8"),
            self.pairs[:2].astype("<u4"),
            self.pairs[2].astype("<u2"),
        )
        return b"".join(part.tobytes() for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Unpack what `to_bytes` packed."""
        width, codes, pairs, radius = np.frombuffer(data, _HEADER, _HEADER_FIELDS).tolist()
        place = _HEADER_FIELDS * _HEADER.itemsize
        taken = []
        for kind, count in (("<u8", codes * width), ("<i8", codes), ("<u4", 2 * pairs), ("<u2", pairs)):
            taken.append(np.frombuffer(data, kind, count, place))
            place += taken[-1].nbytes
        sides = taken[2].reshape(2, pairs)
        return cls(
            taken[0].reshape(codes, width).astype(np.uint64),
            np.stack([*sides, taken[3]]).astype(np.int64),
            taken[1].astype(np.int64),
            radius,
        )


def known_anew(codes: Words, radius: int, count: int, find: FindNearest) -> KnownPairs:
    """Find the pairs of distinct codes (u, w) from which `count` nearest within a radius are known, now and after changes."""
    radius, count = radius + SPARE_RADIUS_BITS, count + SPARE_NEAREST
    pairs = find(radius, count)
    return KnownPairs(codes, pairs, _bounds(pairs, len(codes), radius, count), radius)


def carried_over(known: KnownPairs, codes: Words, radius: int, count: int) -> KnownPairs | None:
    """The same for other distinct codes (u, w), of which most were there before in the same order; None if too much is new."""
    numbers = {code: number for number, code in enumerate(_keys(codes))}
    now = np.array([numbers.get(code, -1) for code in _keys(known.codes)], np.int64)
    stayed = now[now >= 0]
    if radius > known.radius or not np.array_equal(stayed, np.sort(stayed)):
        return None
    pairs = known.pairs[:, (now[known.pairs[0]] >= 0) & (now[known.pairs[1]] >= 0)]
    pairs = np.stack([now[pairs[0]], now[pairs[1]], pairs[2]])
    bounds = np.full(len(codes), -1, np.int64)
    bounds[stayed] = _renumbered(known.bounds, now, len(codes))[now >= 0]
    known_now = np.zeros(len(codes), np.int64)
    for side, places in zip(pairs, _places(pairs, len(codes)), strict=False):
        known_now += np.bincount(side[places <= bounds[side]], minlength=len(codes))
    unsure = np.flatnonzero((bounds < (radius + 1) * len(codes) - 1) & (known_now < count))
    has_grown = pairs.shape[1] > _MAX_GROWTH * (count + SPARE_NEAREST) * len(codes)
    if has_grown or len(unsure) > MAX_NEW_SHARE * len(codes):
        return None
    is_old = ~np.isin(pairs[:2], unsure).any(axis=0)
    bounds[unsure] = -1
    found = _found_anew(codes, unsure, bounds, known.radius, count + SPARE_NEAREST)
    return KnownPairs(codes, np.concatenate([pairs[:, is_old], found], axis=1), bounds, known.radius)


def _found_anew(codes: Words, some: Integers, bounds: Integers, radius: int, count: int) -> Integers:
    """Compare some codes (m,) with all; gives the pairs that belong into the lists of either side, (3, p), and sets the bounds of `some`."""
    parts = [np.empty((3, 0), np.int64)]
    of_others = bounds.copy()
    planes = np.ascontiguousarray(codes.T)
    for start in range(0, len(some), _COMPARED_AT_ONCE):
        here = some[start : start + _COMPARED_AT_ONCE]
        for code, (rows, distances) in zip(here.tolist(), within(planes, codes[here], radius), strict=True):
            rows, distances = rows[rows != code], distances[rows != code]  # noqa: PLW2901
            places = distances * len(codes)
            bounds[code] = (radius + 1) * len(codes) - 1
            if len(rows) >= count:
                bounds[code] = places[count - 1] + rows[count - 1]
            is_kept = places + code <= of_others[rows]
            is_kept[:count] = True
            parts.append(np.stack([np.full(len(rows), code), rows, distances])[:, is_kept])
    found = np.concatenate(parts, axis=1)
    found[:2].sort(axis=0)
    _, once = np.unique(found[0] * len(codes) + found[1], return_index=True)
    return found[:, once]


def _renumbered(bounds: Integers, now: Integers, count: int) -> Integers:
    """Bounds of codes of which each has another number now, or -1, among so many."""
    distances, last = np.divmod(bounds, max(1, len(now)))
    latest = np.maximum.accumulate(now)
    if len(latest):
        latest[-1] = (
            count - 1
        )  # a bound that leaves out none of its distance does not leave out those that come
    return distances * count + latest[last]


def _places(pairs: Integers, count: int) -> tuple[Integers, Integers]:
    """The place of the second code of each pair in the order of distances from the first, and the other way round, as bounds are."""
    return pairs[2] * count + pairs[1], pairs[2] * count + pairs[0]


def _keys(codes: Words) -> list[bytes]:
    every = np.ascontiguousarray(codes).tobytes()
    size = codes.shape[1] * codes.itemsize
    return [every[start : start + size] for start in range(0, len(every), size)]


def _bounds(pairs: Integers, codes: int, radius: int, count: int) -> Integers:
    """The bounds of so many codes, for those whose nearest `count` within a radius are all among pairs."""
    sides, places = np.concatenate([pairs[0], pairs[1]]), np.concatenate(_places(pairs, codes))
    places = places[np.lexsort((places, sides))]
    found = np.bincount(sides, minlength=codes)
    bounds = np.full(codes, (radius + 1) * codes - 1, np.int64)
    is_full = found >= count
    bounds[is_full] = places[(np.cumsum(found) - found + count - 1)[is_full]]
    return bounds
