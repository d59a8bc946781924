"""How far different photos are apart, counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.base.progress import Cancelled, CancelToken, Monitor
from vtsfind.find.hamming.distance_histogram import NEAR_S, Strata, TimeRelation, distance_histogram


def codes(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, (n, 2), dtype=np.uint8)


@given(st.integers(2, 12), st.integers(1, 12), st.integers(0, 16), st.integers(0, 5))
def test_the_counts_are_those_of_a_plain_loop(n: int, s: int, limit: int, seed: int) -> None:
    packed = codes(n, seed)
    times = np.random.default_rng(seed).choice([-1, 0, 5, NEAR_S, NEAR_S + 9, 10**9], n)
    sample = np.arange(min(n, s))[::-1].copy()
    found = distance_histogram(bits.planes(packed), sample, times, limit=limit, strata=Strata(4, 3, 1))
    expected = np.zeros_like(found.counts)
    sizes: dict[tuple[int, int], int] = {}
    unique = set()
    bursts = 0
    for row, i in enumerate(sample):
        for j in range(n):
            if i == j:
                continue
            unique.add(frozenset((int(i), j)))
            apart = abs(int(times[i]) - int(times[j]))
            told = times[i] >= 0 and times[j] >= 0 and apart > 0
            kind = (
                (TimeRelation.BURST if apart <= NEAR_S else TimeRelation.APART)
                if told
                else TimeRelation.UNDETERMINED
            )
            bursts += kind is TimeRelation.BURST
            distance = int(bits.distances(packed[[i]], packed[[j]])[0, 0])
            if distance > limit:
                continue
            expected[kind, row, distance] += 1
            if kind is not TimeRelation.BURST and not (j in sample and list(sample).index(j) < row):
                sizes[kind, distance // 4] = sizes.get((kind, distance // 4), 0) + 1
    assert np.array_equal(found.counts, expected)
    assert found.bursts == bursts
    assert found.pairs == len(sample) * (n - 1)
    assert found.distinct_share * found.pairs == pytest.approx(len(unique))
    assert {key: size for key, size in found.sizes.items() if size} == sizes
    assert all(len(pairs) == min(3, found.sizes[key]) for key, pairs in found.sampled_pairs.items())


def test_pairs_are_drawn_from_their_stratum_each_once() -> None:
    packed = codes(40)
    found = distance_histogram(
        bits.planes(packed),
        np.arange(20),
        np.full(40, -1),
        limit=16,
        strata=Strata(2, 10, 3),
    )
    for (kind, stratum), pairs in found.sampled_pairs.items():
        assert kind is TimeRelation.UNDETERMINED
        assert len({frozenset(pair) for pair in pairs.tolist()}) == len(pairs)
        for i, j in pairs.tolist():
            assert bits.distances(packed[[i]], packed[[j]])[0, 0] // 2 == stratum


def test_a_census_stops_when_asked() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        distance_histogram(
            bits.planes(codes(3)),
            np.arange(3),
            np.zeros(3, np.int64),
            limit=8,
            strata=Strata(8, 1, 0),
            monitor=Monitor(cancel=cancel),
        )
