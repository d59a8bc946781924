"""All pairs of codes within a radius: exact, once each, in a fixed order, whatever the codes are like."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.base.progress import Cancelled, CancelToken, Monitor, Phase
from vtsfind.find.hamming import all_pairs as pairs
from vtsfind.find.hamming import chunk_pairs
from vtsfind.find.hamming import mih as substrings
from vtsfind.find.hamming.all_pairs import close_codes
from vtsfind.find.hamming.mih import Substring, SubstringPlan, plan_substrings, with_windows

Codes = npt.NDArray[np.uint8]
Answer = list[tuple[int, int, int]]


def brute(codes: Codes, radius: int) -> Answer:
    """The plain reference: all distances."""
    distances = bits.distances(codes, codes)
    a, b = np.nonzero(np.triu(distances <= radius, 1))
    return list(zip(a.tolist(), b.tolist(), distances[a, b].tolist(), strict=True))


def found(codes: Codes, radius: int, threads: int | None = None) -> Answer:
    answer = close_codes(bits.planes(codes), radius, threads=threads).expand()
    assert all(part.dtype == np.int64 for part in answer)
    return list(zip(*(part.tolist() for part in answer), strict=True))


def flipped(codes: Codes, most: int, rng: np.random.Generator) -> Codes:
    """Codes with up to `most` bits flipped in each."""
    binary = np.unpackbits(codes, axis=1)
    for code in binary:
        code[rng.permutation(len(code))[: rng.integers(most + 1)]] ^= 1
    return np.packbits(binary, axis=1)


@st.composite
def crowds(draw: st.DrawFn) -> Codes:
    """Codes of 8 to 330 bits with copies, near copies, complements, and crowds that differ in few bits."""
    width, n = draw(st.integers(1, 42)), draw(st.integers(0, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = rng.integers(0, 256, (draw(st.integers(1, 60)), width), dtype=np.uint8)
    crowd = np.concatenate([kinds, ~kinds])[rng.integers(2 * len(kinds), size=n)]
    return flipped(crowd, draw(st.sampled_from([0, 1, 5, 30])), rng)


def chosen_for(codes: Codes, radius: int, length: int) -> SubstringPlan:
    """The plan with substrings of about a length, if there is one."""
    chosen = substrings.allocate_search_radii(bits.planes(codes), radius, length)
    return chosen if chosen.radius == radius else SubstringPlan(substrings.EXHAUSTIVE, radius, 0.0)


def bits_of(planes: npt.NDArray[np.uint64]) -> Codes:
    """Planes as codes of whole words."""
    return np.ascontiguousarray(planes.T).view(np.uint8)


@settings(max_examples=60)
@given(
    crowds(), st.integers(-1, 40), st.sampled_from([1, 3, 6, 9]), st.integers(1, 5), st.sampled_from([16, 64])
)
def test_pairs_equal_those_of_all_distances_whatever_the_plan(
    codes: Codes, radius: int, length: int, threads: int, step: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pairs, "plan_substrings", lambda planes, *_: chosen_for(bits_of(planes), radius, length)
        )
        patch.setattr(chunk_pairs, "WORDS_PER_CALL", 4 * step)
        patch.setattr(chunk_pairs, "_FULL_COMPARISONS_PER_BATCH", step)
        patch.setattr(chunk_pairs, "_CHUNK_PAIRS_PER_BATCH", step)
        patch.setattr(chunk_pairs, "_MAX_CHUNKS_PER_TILE", step)
        assert found(codes, radius, threads) == brute(codes, max(radius, 0))


@settings(max_examples=60)
@given(crowds(), st.integers(1, 60), st.sampled_from([3, 6, 9]), st.floats(0, 1), st.integers(1, 50))
def test_little_effort_finds_all_pairs_within_a_smaller_radius_and_only_true_ones_beyond(
    codes: Codes, radius: int, length: int, share: float, step: int
) -> None:
    planes = bits.planes(codes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(substrings, "_SUBSTRING_LENGTHS_BITS", (length,))
        patch.setattr(substrings, "_FULL_PAIR_COST_NS", np.inf if len(codes) > 1 else 0.0)
        effort = share * plan_substrings(planes, radius).cost
        close = close_codes(planes, radius, effort=effort, threads=1)
        patch.setattr(chunk_pairs, "WORDS_PER_CALL", step)
        patch.setattr(chunk_pairs, "_CHUNK_PAIRS_PER_BATCH", step)
        patch.setattr(chunk_pairs, "_MAX_CHUNKS_PER_TILE", step)
        again = close_codes(planes, radius, effort=effort, threads=3)
    answer = list(zip(*(part.tolist() for part in close.expand()), strict=True))
    everything = brute(codes, radius)
    assert 0 <= close.complete <= radius
    assert set(answer) <= set(everything)
    assert [pair for pair in answer if pair[2] <= close.complete] == brute(codes, close.complete)
    assert len(set(answer)) == len(answer)
    assert answer == list(zip(*(part.tolist() for part in again.expand()), strict=True))


def test_most_pairs_somewhat_beyond_the_radius_are_met_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 256, (4000, 32), dtype=np.uint8)
    codes[3500:] = flipped(codes[:500], 0, rng)
    codes[3500:] ^= np.packbits(rng.permuted(np.arange(256) < 60, axis=None)[None], axis=1)
    monkeypatch.setattr(substrings, "exhaustive_cost", lambda _: np.inf)
    planes = bits.planes(codes)
    effort = plan_substrings(planes, 36).cost * 1.001
    close = close_codes(planes, 80, effort=effort)
    assert 36 <= close.complete < 60
    assert (close.distances == 60).sum() >= 400


@pytest.mark.parametrize("n", [50, 1000, 3000])
@pytest.mark.parametrize("radius", [3, 12, 30])
def test_near_copies_are_found_among_random_codes(n: int, radius: int) -> None:
    rng = np.random.default_rng(n)
    codes = rng.integers(0, 256, (n, 32), dtype=np.uint8)
    copies = flipped(codes[: n // 4], radius + 2, rng)
    codes[-len(copies) :] = copies
    expected = [
        (row, row + n - len(copies), int(distance))
        for row, distance in enumerate(np.bitwise_count(codes[: len(copies)] ^ copies).sum(axis=1))
        if distance <= radius
    ]
    assert found(codes, radius, 1) == found(codes, radius, 5) == expected


@pytest.mark.parametrize("radius", [0, 8, 24])
def test_a_crowd_larger_than_a_piece_is_compared_within_itself(radius: int) -> None:
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 256, (1200, 32), dtype=np.uint8)
    codes[300:900] = flipped(np.repeat(codes[300:301], 600, axis=0), 6, rng)
    assert found(codes, radius) == brute(codes, radius)


def test_wholly_different_codes_of_256_bits_are_not_taken_for_equal() -> None:
    codes = np.zeros((90, 32), np.uint8)
    codes[::2] = 255
    codes[5, 7] = 1
    for radius in (0, 1, 254, 255, 256):
        assert found(codes, radius) == brute(codes, radius)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_codes_make_few_pairs(n: int) -> None:
    codes = np.zeros((n, 16), np.uint8)
    assert found(codes, 5) == [(0, 1, 0)] * (n == 2)


def test_different_codes_with_one_mixture_stay_apart() -> None:
    def mixed(word: int) -> int:
        product = word * 0x9E3779B97F4A7C15 % 2**64
        return product ^ product >> 32

    words = np.array(
        [[1, 99], [2, 99 ^ mixed(1) ^ mixed(2)], [1, 99], [2, 99 ^ mixed(1) ^ mixed(2)]], np.uint64
    )
    assert close_codes(words.T, 0).starts.tolist() == [0, 2, 4]
    assert close_codes(words.T, 0).expand()[0].tolist() == [0, 1]
    assert close_codes(words.T, 0).expand()[1].tolist() == [2, 3]


def test_equal_codes_are_groups_in_the_order_of_their_lowest_rows() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 256, (40, 16), dtype=np.uint8)
    choice = rng.integers(0, 40, 300)
    close = close_codes(bits.planes(kinds[choice]), 0)
    groups = [close.rows[start:end].tolist() for start, end in pairwise(close.starts.tolist())]
    expected = [np.flatnonzero(choice == kind).tolist() for kind in dict.fromkeys(choice.tolist())]
    assert groups == expected
    assert close.count() == len(close.expand()[0])


def test_fifty_thousand_equal_codes_are_one_group() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (51_000, 32), dtype=np.uint8)
    codes[500:50_500] = codes[0]
    codes[700, 0] ^= 1
    close = close_codes(bits.planes(codes), 24)
    assert len(close.starts) - 1 == 1001
    assert (close.firsts.tolist(), close.distances.tolist()) == ([0], [1])
    assert close.count() == 50_000 * 49_999 // 2 + 50_000
    a, b, distances = close.expand(most_copies=3)
    assert len(a) == 3 + (50_000 - 3) + 3
    assert set(b[a == 0].tolist()) == set(range(500, 50_500))
    assert distances.sum() == 3


@given(crowds(), st.integers(1, 30), st.integers(1, 6))
def test_a_cap_on_copies_leaves_the_rows_connected_and_invents_nothing(
    codes: Codes, radius: int, most: int
) -> None:
    close = close_codes(bits.planes(codes), radius)
    capped = list(zip(*(part.tolist() for part in close.expand(most)), strict=True))
    everything = brute(codes, radius)
    assert capped == sorted(set(capped) & set(everything))
    assert set(components(len(codes), capped)) == set(components(len(codes), everything))
    if np.diff(close.starts).max(initial=0) <= most:
        assert capped == everything


def components(n: int, edges: Answer) -> list[frozenset[int]]:
    """The rows that hang together."""
    parts = {row: frozenset([row]) for row in range(n)}
    for a, b, _ in edges:
        if parts[a] is not parts[b]:
            joined = parts[a] | parts[b]
            parts |= dict.fromkeys(joined, joined)
    return list(parts.values())


@given(crowds(), st.integers(0, 80), st.integers(1, 10))
def test_a_plan_leaves_no_room_for_a_missed_pair(codes: Codes, radius: int, length: int) -> None:
    for chosen in (chosen_for(codes, radius, length), plan_substrings(bits.planes(codes), radius)):
        if chosen.substrings != substrings.EXHAUSTIVE:
            parts = chosen.substrings
            taken = [bit for part in parts for bit in range(part.start, part.start + part.length)]
            assert len(set(taken)) == len(taken)
            assert sum(part.search_radius + 1 for part in parts) > chosen.radius == radius


@given(st.integers(0, 2**32), st.lists(st.integers(0, 3), min_size=1, max_size=16), st.integers(1, 16))
def test_every_pair_within_the_radius_meets_in_the_window_of_some_substring(
    seed: int, search_radii: list[int], length: int
) -> None:
    rng = np.random.default_rng(seed)
    parts = with_windows(
        [(i * length, length, search_radius) for i, search_radius in enumerate(search_radii)]
    )
    radius = sum(search_radius + 1 for search_radius in search_radii) - 1
    differences = np.zeros((200, 256), np.uint8)
    for row in differences:
        row[rng.permutation(len(search_radii) * length)[:radius]] = 1
    planes = bits.planes(np.packbits(differences, axis=1, bitorder="little"))
    assert np.logical_or.reduce([part.matches(planes) for part in parts]).all()
    assert all(sum(bits for _, bits in part.window) <= 64 for part in parts)


def test_a_window_holds_the_bits_of_its_runs() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (50, 16), dtype=np.uint8)
    numbers = [int.from_bytes(code.tobytes(), "little") for code in codes]
    part = Substring(60, 10, 1, ((60, 10), (100, 28), (0, 20)), 5)
    expected = [
        (number >> 60 & 1023) | (number >> 100 & (1 << 28) - 1) << 10 | (number & (1 << 20) - 1) << 38
        for number in numbers
    ]
    assert part.windows(bits.planes(codes)).tolist() == expected


def test_the_runs_of_windows_follow_each_other_round_the_ring() -> None:
    parts = with_windows([(0, 20, 1), (20, 20, 0), (40, 20, 2), (80, 20, 1)])
    assert [part.window for part in parts] == [
        ((0, 60),),
        ((20, 40), (80, 20)),
        ((40, 20), (80, 20), (0, 20)),
        ((80, 20), (0, 40)),
    ]
    assert [part.limit for part in parts] == [5, 5, 6, 4]


def test_many_codes_are_not_all_compared_with_each_other() -> None:
    planes = bits.planes(np.random.default_rng(0).integers(0, 256, (5000, 32), dtype=np.uint8))
    assert plan_substrings(planes, 24).substrings != substrings.EXHAUSTIVE
    assert (
        plan_substrings(planes, 256).substrings
        == plan_substrings(planes[:, :50], 24).substrings
        == substrings.EXHAUSTIVE
    )


def test_substrings_are_taken_only_where_they_are_expected_to_cost_far_less_than_comparing_all() -> None:
    planes = bits.planes(np.random.default_rng(0).integers(0, 256, (5000, 32), dtype=np.uint8))
    everything = substrings.exhaustive_cost(5000)
    plans = [plan_substrings(planes, radius) for radius in range(1, 90)]
    by_substrings = [each.cost for each in plans if each.substrings != substrings.EXHAUSTIVE]
    assert 1 < len(by_substrings) < len(plans)
    assert max(by_substrings) < everything / 3


def test_a_plan_for_little_effort_costs_no_more_and_reaches_as_far_as_it_can() -> None:
    planes = bits.planes(np.random.default_rng(0).integers(0, 256, (5000, 32), dtype=np.uint8))
    for radius in (0, 7, 20):
        full = plan_substrings(planes, radius)
        assert plan_substrings(planes, 100, full.cost * 1.001).radius >= radius
        assert plan_substrings(planes, 100, full.cost * 0.999).radius <= radius
        assert plan_substrings(planes, 100, full.cost).cost <= full.cost
    assert plan_substrings(planes, 100, 0.0) == SubstringPlan((), 0, 0.0)


@pytest.mark.parametrize(("start", "length"), [(0, 8), (56, 16), (60, 5), (120, 8)])
def test_a_substring_holds_its_bits(start: int, length: int) -> None:
    codes = np.random.default_rng(0).integers(0, 256, (50, 16), dtype=np.uint8)
    numbers = [int.from_bytes(code.tobytes(), "little") >> start & (1 << length) - 1 for code in codes]
    assert Substring(start, length, 0).values(bits.planes(codes)).tolist() == numbers


def test_masks_are_all_differences_within_reach() -> None:
    masks = Substring(3, 7, 2).masks()
    assert masks[0] == 0
    assert sorted(masks.tolist()) == [mask for mask in range(128) if mask.bit_count() <= 2]


def test_the_cost_of_a_step_counts_the_pairs_it_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substrings, "_PAIR_COST_NS", 1.0)
    monkeypatch.setattr(substrings, "_VISIT_COST_NS", 0.0)
    values = np.random.default_rng(0).integers(0, 1 << 7, 400, np.uint32) & np.uint32(0b1101111)
    apart = np.bitwise_count(values[:, None] ^ values[None])
    radius_cost = substrings.SearchRadiusCost(values, 7)
    assert [radius_cost.step() for _ in range(8)] == [
        (apart == search_radius).sum() / 2 for search_radius in range(8)
    ]
    assert radius_cost.step() == np.inf


def test_the_work_is_told_and_stops_when_asked() -> None:
    class Watcher:
        total = 0
        done = 0

        def start(self, phase: Phase, total: int | None) -> None:
            assert phase is Phase.COMPARE
            self.total = total or 0

        def advance(self, steps: int = 1, note: str = "") -> None:
            assert not note
            self.done += steps

    planes = bits.planes(np.random.default_rng(0).integers(0, 256, (3000, 16), dtype=np.uint8))
    watcher = Watcher()
    close_codes(planes, 9, monitor=Monitor(progress=watcher))
    assert watcher.done == watcher.total > 0
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        close_codes(planes, 9, monitor=Monitor(cancel=cancel))
