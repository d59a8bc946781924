"""The shuffle of codes without a cluster: its parts are together what one machine finds."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.base.progress import Monitor
from vtsfind.cluster.join import _joined, _joins, _split
from vtsfind.find.hamming import all_pairs
from vtsfind.find.hamming.all_pairs import close_codes
from vtsfind.find.hamming.chunk_pairs import PairOptions
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.knn import FoundPairs
from vtsfind.find.hamming.mih import EXHAUSTIVE, Substring, SubstringPlan, allocate_search_radii


def shuffled(slices: int, wanted: int) -> all_pairs.FindPairs:
    """Find pairs by splits and joins, one after the other."""

    def find(
        planes: Words, substrings: Sequence[Substring], options: PairOptions, _monitor: Monitor
    ) -> Integers:
        found = FoundPairs(options.nearest)
        cuts = np.linspace(0, planes.shape[1], slices + 1).astype(int).tolist()
        for number, substring in enumerate(substrings):
            for join in _joins(number, substring.length, wanted):
                shares: list[Any] = []
                for start, end in pairwise(cuts):
                    codes = np.ascontiguousarray(planes[:, start:end].T)
                    split = _split(codes, start, substring, join.bits)
                    of_slice = list(split) if join.bits else [split]
                    shares += [of_slice[each] for each in join.shares(substring.search_radius)]
                found.add(_joined(join, substrings, options, *shares))
        return found.pairs()

    return find


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.integers(0, 300),
    st.sampled_from([2, 12, 30, 50]),
    st.sampled_from([0, 5, 8]),
    st.integers(1, 9),
    st.sampled_from([None, 1, 4]),
)
def test_splits_and_joins_find_the_pairs_of_one_machine(
    seed: int, n: int, radius: int, length: int, wanted: int, nearest: int | None
) -> None:
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 256, (n // 4 + 1, 16), dtype=np.uint8)
    near = np.packbits(rng.random((n, 128)) < 0.05, axis=1)
    planes = bits.planes(kinds[rng.integers(len(kinds), size=n)] ^ near)

    def plan(planes: Words, radius: int, _effort: float) -> SubstringPlan:
        if not length:
            return SubstringPlan(EXHAUSTIVE, radius, 0.0)
        return allocate_search_radii(planes, radius, length)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(all_pairs, "plan_substrings", plan)
        one = close_codes(planes, radius, nearest=nearest)
        other = close_codes(planes, radius, nearest=nearest, finder=shuffled(3, wanted))
    for name in ("rows", "starts", "firsts", "seconds", "distances"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
