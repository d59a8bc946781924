"""How far the codes of different photos are apart: counted over a collection, by distance and by what the clock says.

Axis letters: n photos, s photos of the sample, w words, d distances (0 to `limit`), p pairs.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from vtsfind.base.bits import WORD_BITS
from vtsfind.base.progress import Monitor
from vtsfind.find.hamming.distance import Integers, Words

NEAR_S: Final = 3600
"""Two shots at most so many seconds apart may show one scene."""


class TimeRelation(IntEnum):
    """What the times of two shots say about the pair."""

    BURST = 0
    """Taken one after the other, within `NEAR_S`: two photos, maybe of one scene."""
    APART = 1
    """Taken longer apart: two photos, if the clocks were right."""
    UNDETERMINED = 2
    """Taken at the same second, or one of them at no known time: two photos, or copies of one."""


@dataclass(frozen=True, slots=True)
class DistanceHistogram:
    """Pairs of a sample of photos with all others. A pair of two photos of the sample is counted from both sides."""

    counts: npt.NDArray[np.int64]
    """(3, s, d): pairs by `TimeRelation`, photo of the sample, and distance."""
    pairs: int
    """All pairs that were compared, those beyond the limit too."""
    bursts: int
    """All pairs of the kind `BURST`, those beyond the limit too."""
    distinct_share: float
    """What part of the pairs is left if each is counted once."""
    sampled_pairs: dict[tuple[TimeRelation, int], Integers]
    """Kind and stratum of distances to pairs drawn from it, (p, 2) columns of the planes."""
    sizes: dict[tuple[TimeRelation, int], int]
    """How many pairs, each counted once, a stratum has."""


@dataclass(frozen=True, slots=True)
class Strata:
    """How pairs are drawn: some from each range of distances and each kind but bursts."""

    width_bits: int
    """Distances in a stratum."""
    pairs: int
    """Pairs that are drawn from a stratum."""
    seed: int


def distance_histogram(
    planes: Words,
    sample: Integers,
    times: npt.NDArray[np.int64],
    *,
    limit: int,
    strata: Strata,
    monitor: Monitor | None = None,
) -> DistanceHistogram:
    """Compare the codes of some photos with those of all.

    Parameters
    ----------
    planes
        (w, n) codes.
    sample
        (s,) columns, each once.
    times
        (n,) seconds of the shots on one scale; negative for unknown.
    limit
        Distances up to this one are counted apart.
    strata
        What is drawn.
    monitor
        Its progress counts photos of the sample.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    monitor = monitor or Monitor()
    words, n = planes.shape
    if limit > words * WORD_BITS:
        raise ValueError("no two codes are that far apart")
    s = len(sample)
    counts = np.zeros((len(TimeRelation), s, limit + 1), np.int64)
    places = np.full(n, s, np.int64)
    places[sample] = np.arange(s)
    reservoir = _StratifiedReservoir(strata)
    bursts = 0
    for row, column in enumerate(sample):
        monitor.cancel.check()
        distances = np.bitwise_count(planes ^ planes[:, column, None]).sum(axis=0, dtype=np.int64)
        kinds = _time_relations(times, int(column))
        bursts += int((kinds == TimeRelation.BURST).sum())
        near = np.flatnonzero(distances <= limit)
        near = near[near != column]
        cells = kinds[near].astype(np.int64) * (limit + 1) + distances[near]
        counts[:, row] = np.bincount(cells, minlength=counts[:, row].size).reshape(counts[:, row].shape)
        once = near[places[near] > row]
        reservoir.offer(int(column), once, kinds[once], distances[once])
        monitor.progress.advance()
    directed = s * (n - 1)
    distinct_share = (s * (n - s) + s * (s - 1) / 2) / max(directed, 1)
    return DistanceHistogram(
        counts, directed, bursts, distinct_share, reservoir.sampled_pairs(), reservoir.sizes
    )


def _time_relations(times: npt.NDArray[np.int64], column: int) -> npt.NDArray[np.int8]:
    """The kind of the pair of one photo with each, (n,); its pair with itself is `UNDETERMINED`."""
    gaps_s = np.abs(times - times[column])
    kinds = np.where(gaps_s <= NEAR_S, TimeRelation.BURST, TimeRelation.APART).astype(np.int8)
    kinds[(gaps_s == 0) | (times < 0) | (times[column] < 0)] = TimeRelation.UNDETERMINED
    return kinds


class _StratifiedReservoir:
    """Draws pairs from each stratum, every one with the same chance, while they come."""

    def __init__(self, strata: Strata) -> None:
        self._strata = strata
        self._rng = np.random.default_rng(strata.seed)
        self._priorities: dict[tuple[TimeRelation, int], npt.NDArray[np.float64]] = {}
        self._pairs: dict[tuple[TimeRelation, int], Integers] = {}
        self.sizes: dict[tuple[TimeRelation, int], int] = {}

    def offer(
        self, column: int, others: Integers, kinds: npt.NDArray[np.int8], distances: npt.NDArray[np.int64]
    ) -> None:
        """Take the pairs of one photo with some others."""
        strata = distances // self._strata.width_bits
        for kind in (TimeRelation.APART, TimeRelation.UNDETERMINED):
            for stratum in np.unique(strata[kinds == kind]):
                mine = others[(kinds == kind) & (strata == stratum)]
                self._add((kind, int(stratum)), np.column_stack([np.full(len(mine), column), mine]))

    def _add(self, key: tuple[TimeRelation, int], pairs: Integers) -> None:
        self.sizes[key] = self.sizes.get(key, 0) + len(pairs)
        # Whoever has one of the smallest lots is drawn, so that what came before need not be kept.
        priorities = np.concatenate([self._priorities.get(key, np.empty(0)), self._rng.random(len(pairs))])
        every = np.concatenate([self._pairs.get(key, np.empty((0, 2), np.int64)), pairs])
        kept = np.sort(np.argsort(priorities, kind="stable")[: self._strata.pairs])
        self._priorities[key], self._pairs[key] = priorities[kept], every[kept]

    def sampled_pairs(self) -> dict[tuple[TimeRelation, int], Integers]:
        return dict(sorted(self._pairs.items()))
