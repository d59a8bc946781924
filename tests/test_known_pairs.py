"""Pairs of near codes that are carried over are those that would be found anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base.progress import Monitor
from vtsfind.find.hamming import known_pairs
from vtsfind.find.hamming.chunk_pairs import PairOptions, find_pairs
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.known_pairs import KnownPairs, carried_over, known_anew
from vtsfind.find.hamming.mih import EXHAUSTIVE
from vtsfind.find.hamming.search import within


def found_anew(codes: Words, radius: int, count: int) -> Integers:
    return find_pairs(np.ascontiguousarray(codes.T), EXHAUSTIVE, PairOptions(radius, count, 1), Monitor())


def anew(codes: Words, radius: int, count: int) -> KnownPairs:
    return known_anew(codes, radius, count, lambda wide, many: found_anew(codes, wide, many))


def as_set(pairs: Integers) -> set[tuple[int, ...]]:
    assert len(set(map(tuple, pairs.T.tolist()))) == pairs.shape[1]
    return set(map(tuple, pairs.T.tolist()))


def crowd(rng: np.random.Generator, count: int, width: int) -> Words:
    """Distinct codes, many of them near each other."""
    kinds = rng.integers(0, 1 << 63, (max(1, count // 20), width), dtype=np.uint64)
    codes = kinds[rng.integers(len(kinds), size=count)]
    for _ in range(4):
        codes[np.arange(count), rng.integers(width, size=count)] ^= np.uint64(1) << rng.integers(
            12, size=count, dtype=np.uint64
        )
    _, firsts = np.unique(codes, axis=0, return_index=True)
    return codes[np.sort(firsts)]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 2),
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 0.3), st.integers(-3, 2)), min_size=1, max_size=5),
)
def test_after_any_changes_the_nearest_are_those_found_anew(
    seed: int, width: int, count: int, changes: list[tuple[float, float, int]]
) -> None:
    rng = np.random.default_rng(seed)
    every = crowd(rng, 200, width)
    is_there = rng.random(len(every)) < 0.7
    radius = 6
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_pairs, "SPARE_NEAREST", 2)
        patch.setattr(known_pairs, "MAX_NEW_SHARE", 1)
        known = anew(every[is_there], radius, count)
        for gone, come, wider in changes:
            is_there = np.where(is_there, rng.random(len(every)) >= gone, rng.random(len(every)) < come)
            codes = every[is_there]
            next_known = carried_over(known, codes, radius + wider, count)
            if radius + wider > known.radius:
                assert next_known is None
                continue
            assert next_known is not None
            known = KnownPairs.from_bytes(next_known.to_bytes())
            assert as_set(known.nearest(radius + wider, count)) == as_set(
                found_anew(codes, radius + wider, count)
            )


def test_few_new_codes_are_all_that_is_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.random.default_rng(0).integers(0, 1 << 63, (2000, 4), dtype=np.uint64)
    known = anew(codes[:1980], 110, 8)
    asked = []

    def counted(planes: Words, queries: Words, radius: int) -> list[tuple[Integers, Integers]]:
        asked.append(len(queries))
        return within(planes, queries, radius)

    monkeypatch.setattr(known_pairs, "within", counted)
    carried = carried_over(known, codes[20:], 110, 8)
    assert carried is not None
    assert asked == [20]
    assert as_set(carried.nearest(110, 8)) == as_set(found_anew(codes[20:], 110, 8))


def test_of_a_crowd_only_the_nearest_are_kept() -> None:
    rng = np.random.default_rng(0)
    flips = rng.integers(0, 256, (1500, 3))
    bits = np.zeros((1500, 256), np.uint8)
    np.put_along_axis(bits, flips, 1, axis=1)
    codes = np.unique(np.packbits(bits, axis=1).view(np.uint64), axis=0)
    rng.shuffle(codes)
    carried = carried_over(anew(codes[:-100], 110, 8), codes[50:], 110, 8)
    assert carried is not None
    assert carried.pairs.shape[1] <= len(codes) * (8 + known_pairs.SPARE_NEAREST)
    assert as_set(carried.nearest(110, 8)) == as_set(found_anew(codes[50:], 110, 8))


def test_many_new_codes_are_compared_in_the_usual_way() -> None:
    codes = np.random.default_rng(0).integers(0, 1 << 63, (2000, 4), dtype=np.uint64)
    assert carried_over(anew(codes[:1000], 110, 8), codes, 110, 8) is None


def test_codes_of_another_length_are_not_carried_over() -> None:
    codes = np.random.default_rng(0).integers(0, 1 << 63, (100, 4), dtype=np.uint64)
    assert carried_over(anew(codes, 110, 8), np.unique(codes[:, :2], axis=0), 110, 8) is None


@pytest.mark.parametrize("count", [0, 1])
def test_there_may_be_no_pairs(count: int) -> None:
    codes = np.zeros((count, 4), np.uint64)
    known = KnownPairs.from_bytes(anew(codes, 110, 8).to_bytes())
    again = carried_over(known, codes, 110, 8)
    assert again is not None
    assert again.nearest(110, 8).shape == (3, 0)
