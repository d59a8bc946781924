"""All close pairs of codes as a shuffle: each machine holds a share of the table of a substring, and joins it.

For each substring of multi-index hashing (`vtsfind.find.hamming.mih`):

    split   each slice of the codes, by the highest bits of what they hold in the substring: one share for each value of them
    join    each share with itself, and with the shares of lower values that are within the search radius in those bits

Two codes that are close in the substring are so in its highest bits, so they meet in one join; it is that of the higher
value. Joins compare as one machine does (`vtsfind.find.hamming.chunk_pairs`), so the pairs are the same. A machine that
ends costs its shares and joins, which Ray does again from the slices.

Axis letters: n codes, w words, p pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vtsfind.base.progress import Monitor, Phase
from vtsfind.cluster.machines import in_order
from vtsfind.find.hamming.all_pairs import FindPairs
from vtsfind.find.hamming.chunk_pairs import PairOptions, find_pairs_of_values
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.knn import FoundPairs
from vtsfind.find.hamming.mih import Substring

_MIN_SLICE_CODES = 1 << 18
"""Codes that are split at once, at least: 8 MiB of 256 bits."""
_MAX_SLICES = 64
_JOINS_PER_PROCESSOR = 2
"""Joins of one substring for each processor of the cluster, at least, so that a slow one is not waited for alone."""

Share = tuple[Integers, Words]
"""The numbers of some codes (n,), and the codes (n, w)."""


@dataclass(frozen=True, slots=True)
class _Join:
    """One join: a share of a substring's table with itself and some others."""

    number: int
    """Of the substring."""
    bits: int
    """How many of its highest bits tell the shares apart."""
    left: int
    """The share: what it holds in these bits."""
    part: tuple[int, int]
    """Which part of the work, and of how many: of several only where there is a single share."""

    def shares(self, search_radius: int) -> list[int]:
        """The shares that are read."""
        lower = [each for each in range(self.left) if (each ^ self.left).bit_count() <= search_radius]
        return [self.left, *lower]


def find_pairs_on(ray: Any) -> FindPairs:
    """What finds pairs on a cluster as `vtsfind.find.hamming.chunk_pairs.find_pairs` does in threads."""

    def find_pairs(
        planes: Words, substrings: Sequence[Substring], options: PairOptions, monitor: Monitor
    ) -> Integers:
        steps = len(substrings) * planes.shape[1]
        monitor.progress.start(Phase.COMPARE, steps)
        found = FoundPairs(options.nearest)
        wanted = _JOINS_PER_PROCESSOR * max(1, int(ray.cluster_resources().get("CPU", 1)))
        joins = [
            each
            for number, substring in enumerate(substrings)
            for each in _joins(number, substring.length, wanted)
        ]
        tables = _Tables(ray, planes, substrings, options)
        for pairs in in_order(ray, tables.join, joins, monitor.cancel):
            found.add(pairs)
            monitor.progress.advance(steps // len(joins))
        return found.pairs()

    return find_pairs


def _joins(number: int, length: int, wanted: int) -> list[_Join]:
    """The joins of a substring of so many bits: about as many as wanted."""
    bits = min(length, (wanted - 1).bit_length())
    if not bits:
        return [_Join(number, 0, 0, (part, wanted)) for part in range(wanted)]
    return [_Join(number, bits, left, (0, 1)) for left in range(1 << bits)]


class _Tables:
    """The tables of the substrings, spread over the cluster; those of one substring at a time."""

    def __init__(
        self, ray: Any, planes: Words, substrings: Sequence[Substring], options: PairOptions
    ) -> None:
        self._ray = ray
        self._substrings = tuple(substrings)
        self._options = options
        size = max(_MIN_SLICE_CODES, -(-planes.shape[1] // _MAX_SLICES))
        self._slices = [
            (start, ray.put(np.ascontiguousarray(planes[:, start : start + size].T)))
            for start in range(0, planes.shape[1], size)
        ]
        self._now = -1
        self._shares: list[list[Any]] = []
        """For each slice, its shares."""

    def join(self, join: _Join) -> Any:
        """Start a join; of each substring after those of the last one."""
        substring = self._substrings[join.number]
        if join.number != self._now:
            self._now = join.number
            self._shares = [self._split(*each, substring, join.bits) for each in self._slices]
        read = [
            of_slice[share] for of_slice in self._shares for share in join.shares(substring.search_radius)
        ]
        return self._ray.remote(_joined).remote(join, self._substrings, self._options, *read)

    def _split(self, start: int, codes: Any, substring: Substring, bits: int) -> list[Any]:
        count = 1 << bits
        split = self._ray.remote(_split).options(num_returns=count, scheduling_strategy="SPREAD")
        shares = split.remote(codes, start, substring, bits)
        return shares if count > 1 else [shares]


def _split(codes: Words, start: int, substring: Substring, bits: int) -> tuple[Share, ...] | Share:
    """Split codes (n, w), of which the first has the number `start`, by the highest bits of a substring."""
    high = substring.values(codes.T) >> np.uint32(substring.length - bits)
    order = np.argsort(high, kind="stable")
    cuts = np.searchsorted(high[order], np.arange(1, 1 << bits))
    shares = tuple((part + start, codes[part]) for part in np.split(order, cuts))
    return shares if len(shares) > 1 else shares[0]


def _joined(join: _Join, substrings: Sequence[Substring], options: PairOptions, *shares: Share) -> Integers:
    """Join shares; gives numbers, numbers and distances (3, p)."""
    numbers = np.concatenate([share[0] for share in shares])
    order = np.argsort(numbers)  # of equally near codes the lower number counts as nearer
    numbers = numbers[order]
    planes = np.ascontiguousarray(np.concatenate([share[1] for share in shares])[order].T)
    shift = substrings[join.number].length - join.bits
    values = range(join.left << shift, (join.left + 1) << shift)
    first, second, distances = find_pairs_of_values(
        planes, substrings, join.number, options, values, share=join.part
    )
    return np.stack([numbers[first], numbers[second], distances])
