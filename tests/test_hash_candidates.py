"""Candidate pairs: what is near enough to be compared, and never more than can be compared."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.find import threads as threads_module
from vtsfind.find.candidates import hash_codes as module
from vtsfind.find.candidates.hash_codes import (
    MAX_CANDIDATES_PER_PHOTO,
    MAX_RADIUS_SHARE,
    TARGET_NEIGHBOURS,
    adaptive_radius,
    hash_candidates,
)
from vtsfind.find.hamming import knn as nearest_module
from vtsfind.find.hamming.all_pairs import close_codes
from vtsfind.find.hamming.knn import FoundPairs, best_ranks

Codes = npt.NDArray[np.uint8]
SEEDS = st.integers(0, 2**32 - 1)


def random_codes(seed: int, n: int, width: int = 32) -> Codes:
    return np.random.default_rng(seed).integers(0, 256, (n, width), dtype=np.uint8)


def flipped(codes: Codes, count: int, seed: int = 0) -> Codes:
    """Copies of codes (n, b) with so many bits changed in each."""
    rng = np.random.default_rng(seed)
    flips = np.zeros((len(codes), codes.shape[1] * 8), np.uint8)
    for row in flips:
        row[rng.permutation(len(row))[:count]] = 1
    return codes ^ np.packbits(flips, axis=1)


def pairs_of(found: object) -> set[tuple[int, int]]:
    return set(zip(found.firsts.tolist(), found.seconds.tolist(), strict=True))  # type: ignore[attr-defined]


def plain_choice(codes: Codes, radius: int, max_per_photo: int) -> set[tuple[int, int]]:
    """Every pair within the radius that is among the nearest so many of one of its sides, by loops."""
    distances = bits.distances(codes, codes)
    chosen = set()
    for row in range(len(codes)):
        others = sorted((int(distances[row, other]), other) for other in range(len(codes)) if other != row)
        chosen |= {(min(row, other), max(row, other)) for d, other in others[:max_per_photo] if d <= radius}
    return chosen


@given(SEEDS, st.integers(2, 40), st.integers(0, 32), st.integers(1, 5))
def test_candidates_are_the_nearest_few_within_the_radius(
    seed: int, n: int, radius: int, max_per_photo: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = np.unique(rng.integers(0, 16, (n, 4), dtype=np.uint8), axis=0)
    found = hash_candidates(bits.planes(codes), radius=radius, max_per_photo=max_per_photo)
    assert pairs_of(found) == plain_choice(codes, radius, max_per_photo)
    own = bits.distances(codes, codes)[found.firsts, found.seconds]
    assert np.array_equal(own, found.distances)


def test_near_pairs_are_those_that_differ_in_no_more_than_their_share_of_the_bits() -> None:
    codes = np.zeros((3, 8), np.uint8)
    codes[1, :2], codes[2, :3] = 255, (255, 255, 15)  # 16 and 20 bits of 64 from the first, 4 from each other
    found = hash_candidates(bits.planes(codes), radius=64)
    assert pairs_of(found) == {(0, 1), (0, 2), (1, 2)}
    assert pairs_of(found.near(64)) == {(0, 1), (1, 2)}


def test_a_second_code_decides_between_equally_near_ones() -> None:
    codes = np.zeros((3, 8), np.uint8)
    codes[1, 0], codes[2, 1] = 1, 1
    codes[0, 2] = 0
    other = np.zeros((3, 8), np.uint8)
    other[1] = 255
    found = hash_candidates(bits.planes(codes), radius=1, max_per_photo=1, other=bits.planes(other))
    assert (0, 2) in pairs_of(found)
    assert found.ranks[found.seconds.tolist().index(2)] == 0


def test_ranks_are_those_of_the_side_where_they_are_better() -> None:
    firsts, seconds = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert best_ranks(firsts, seconds, np.array([5, 3, 1])).tolist() == [1, 0, 0]


def test_the_radius_gives_the_typical_photo_a_few_neighbours() -> None:
    codes = random_codes(1, 3000)
    radius = adaptive_radius(bits.planes(codes))
    distances = bits.distances(codes[:100], codes)
    assert (
        TARGET_NEIGHBOURS / 2 <= float(np.median((distances <= radius).sum(1) - 1)) <= 2 * TARGET_NEIGHBOURS
    )


def test_the_radius_shrinks_as_the_library_grows() -> None:
    radii = [adaptive_radius(bits.planes(random_codes(2, n))) for n in (10, 200, 2000, 20_000)]
    assert radii[0] == int(MAX_RADIUS_SHARE * 256)
    assert radii == sorted(radii, reverse=True)
    assert radii[3] < radii[1]


def test_the_radius_does_not_collapse_for_thousands_of_black_frames() -> None:
    unrelated = random_codes(3, 3000)
    plain = adaptive_radius(bits.planes(unrelated))
    black = flipped(np.zeros((1000, 32), np.uint8), 2)
    assert adaptive_radius(bits.planes(np.concatenate([unrelated, black]))) >= plain - 8


def test_copies_are_candidates_in_a_library_of_unrelated_photos() -> None:
    codes = random_codes(4, 3000)
    codes[1500:1600] = flipped(codes[:100], 30)
    found = pairs_of(hash_candidates(bits.planes(codes)))
    assert found >= {(row, 1500 + row) for row in range(100)}


def test_fifty_thousand_photos_of_one_code_make_few_pairs() -> None:
    codes = np.zeros((50_000, 32), np.uint8)
    found = hash_candidates(bits.planes(codes))
    assert 49_999 <= len(found.firsts) <= 50_000 + MAX_CANDIDATES_PER_PHOTO * MAX_CANDIDATES_PER_PHOTO
    assert set(found.seconds.tolist()) == set(range(1, 50_000))
    assert found.within == 50_000 * 49_999 // 2


def test_two_thousand_nearly_black_frames_make_few_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nearest_module, "_PRUNE_AT_PAIRS", 1 << 18)
    black = np.zeros((2000, 32), np.uint8)
    black[:, 0], black[:, 1] = np.arange(2000) >> 8, np.arange(2000) & 255
    found = hash_candidates(bits.planes(black), radius=24)
    assert len(found.firsts) <= 2000 * MAX_CANDIDATES_PER_PHOTO
    assert set(found.firsts.tolist()) | set(found.seconds.tolist()) == set(range(2000))


@given(SEEDS, st.integers(1, 4), st.integers(1, 50))
def test_dropping_far_pairs_early_changes_nothing(seed: int, nearest: int, reduced_at: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 8, (60, 4), dtype=np.uint8)
    whole = close_codes(bits.planes(codes), 12, nearest=nearest)
    before = nearest_module._PRUNE_AT_PAIRS
    try:
        nearest_module._PRUNE_AT_PAIRS = reduced_at
        bit_by_bit = close_codes(bits.planes(codes), 12, nearest=nearest, threads=1)
    finally:
        nearest_module._PRUNE_AT_PAIRS = before
    assert np.array_equal(whole.firsts, bit_by_bit.firsts)
    assert np.array_equal(whole.seconds, bit_by_bit.seconds)


def test_without_a_limit_all_pairs_are_kept() -> None:
    found = FoundPairs(None)
    found.add(np.array([[0, 0], [1, 2], [5, 3]]))
    found.add(np.array([[1], [2], [4]]))
    assert found.pairs().shape == (3, 3)


def test_the_answer_does_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = bits.planes(random_codes(5, 2000))
    monkeypatch.setattr(threads_module, "processors", lambda: 1)
    one = hash_candidates(planes)
    monkeypatch.setattr(threads_module, "processors", lambda: 3)
    three = hash_candidates(planes)
    assert np.array_equal(one.firsts, three.firsts)
    assert np.array_equal(one.seconds, three.seconds)
    assert np.array_equal(one.ranks, three.ranks)


def test_pairs_that_are_not_wanted_do_not_use_up_a_photos_share() -> None:
    codes = np.zeros((5, 32), np.uint8)
    codes[:, 0] = [0, 1, 2, 4, 255]
    side = np.array([0, 0, 0, 0, 1])
    found = hash_candidates(
        bits.planes(codes), radius=20, max_per_photo=1, wanted=lambda a, b: side[a] != side[b]
    )
    assert pairs_of(found) == {(0, 4), (1, 4), (2, 4), (3, 4)}


@pytest.mark.parametrize("n", [0, 1])
def test_no_photos_make_no_candidates(n: int) -> None:
    assert len(hash_candidates(bits.planes(random_codes(6, n))).firsts) == 0


def test_three_thousand_frames_within_a_few_bits_of_each_other_make_few_pairs() -> None:
    black = flipped(np.zeros((3000, 32), np.uint8), 2)
    found = hash_candidates(bits.planes(black), radius=4)
    assert len(found.firsts) <= 3000 * MAX_CANDIDATES_PER_PHOTO
    assert found.within > len(found.firsts)


def test_too_many_codes_for_the_effort_still_give_near_copies(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = random_codes(7, 4000)
    codes[2000:2300] = flipped(codes[:300], 40)
    monkeypatch.setattr(module, "_MAX_EFFORT_NS", 3e6)
    found = hash_candidates(bits.planes(codes))
    assert 0 < found.complete < found.radius
    met = pairs_of(found) & {(row, 2000 + row) for row in range(300)}
    assert len(met) == 300 if found.complete >= 40 else len(met) > 250


@given(SEEDS, st.integers(0, 60), st.sampled_from([10, 1 << 30]))
def test_ranks_are_the_places_in_sorted_lists(seed: int, p: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, 12, (p, 2)), axis=1), axis=0)
    firsts, seconds = pairs[pairs[:, 0] < pairs[:, 1]].T * (1 if spread == 10 else 1 << 17)
    distances = rng.integers(0, spread, len(firsts))
    listed = {
        side: sorted(
            (int(d), int(a + b - side))
            for a, b, d in zip(firsts, seconds, distances, strict=True)
            if side in (a, b)
        )
        for side in {*firsts.tolist(), *seconds.tolist()}
    }
    expected = [
        min(listed[int(a)].index((int(d), int(b))), listed[int(b)].index((int(d), int(a))))
        for a, b, d in zip(firsts, seconds, distances, strict=True)
    ]
    assert best_ranks(firsts, seconds, distances).tolist() == expected
