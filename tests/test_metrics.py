"""The measures against plain loops, all orders of ties, and the golden figures."""

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import permutations, product
from math import comb
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base.errors import UsageError
from vtsfind.learn.evaluation.metrics import (
    Divisor,
    Histograms,
    LabelledCodes,
    TieOrder,
    average_precision,
    histograms,
    labelled_codes,
    map_hash,
    map_ir,
    precision_recall,
    published_top,
    ranked_precision,
    within_radius,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "hashing_golden.json").read_text())
Ranking = list[tuple[int, bool]]
"""Distance and relevance of every image of the database, in its order."""


def random_set(
    random: np.random.Generator, n: int, bits: int, classes: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], LabelledCodes]:
    """Codes of 0 and 1, labels (some images have none), and their collection."""
    codes = random.integers(0, 2, (n, bits))
    labels = (random.random((n, classes)) < 0.3).astype(np.int64)
    return codes, labels, labelled_codes(np.packbits(codes.astype(np.uint8), axis=1), labels, bits=bits)


def rankings(
    queries: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], LabelledCodes],
    database: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], LabelledCodes],
) -> list[Ranking]:
    """Distances and relevances by plain loops over bits and labels."""
    return [
        [
            (
                sum(a != b for a, b in zip(code, other, strict=True)),
                any(a and b for a, b in zip(label, others, strict=True)),
            )
            for other, others in zip(database[0].tolist(), database[1].tolist(), strict=True)
        ]
        for code, label in zip(queries[0].tolist(), queries[1].tolist(), strict=True)
    ]


def counted(ranking: Ranking, bits: int) -> tuple[list[int], list[int]]:
    items, relevant = [0] * (bits + 1), [0] * (bits + 1)
    for distance, wanted in ranking:
        items[distance] += 1
        relevant[distance] += wanted
    return items, relevant


def as_histograms(rows: list[Ranking], bits: int) -> Histograms:
    pairs = [counted(row, bits) for row in rows]
    return Histograms(np.array([items for items, _ in pairs]), np.array([relevant for _, relevant in pairs]))


def precision_of(flags: list[bool], top: int, possible: int | None = None) -> Fraction:
    """Average precision of one order, per hit, or per what is possible."""
    hits, total = 0, Fraction(0)
    for position, wanted in enumerate(flags[:top], 1):
        if wanted:
            hits += 1
            total += Fraction(hits, position)
    divisor = hits if possible is None else min(top, possible)
    return total / divisor if divisor else Fraction(0)


def orders(ranking: Ranking) -> Iterator[list[bool]]:
    """Every order of relevances that agrees with the distances."""
    distances = sorted({distance for distance, _ in ranking})
    buckets = [[wanted for d, wanted in ranking if d == distance] for distance in distances]
    for chosen in product(*(list(permutations(bucket)) for bucket in buckets)):
        yield [wanted for bucket in chosen for wanted in bucket]


def expectation(items: list[int], relevant: list[int], top: int, *, per_hit: bool) -> Fraction:
    """The tie-averaged average precision, position by position, over the numbers of hits before the cut."""
    whole, seen, s = Fraction(0), 0, 0
    for m, r in zip(items, relevant, strict=True):
        t = min(m, top - s)
        outcomes = range(max(0, t - (m - r)), min(t, r) + 1)
        parts = []
        for x in outcomes:
            inner = sum(
                (Fraction(x, t) * (seen + 1 + (Fraction(j * (x - 1), t - 1) if t > 1 else 0)) / (s + 1 + j))
                for j in range(t)
            )
            parts.append((Fraction(comb(r, x) * comb(m - r, t - x), comb(m, t)), x, inner))
        if t < m or s + m == top:
            divisors = [seen + x if per_hit else min(top, sum(relevant)) for _, x, _ in parts]
            return sum(
                (
                    chance * (whole + inner) / max(d, 1)
                    for (chance, _, inner), d in zip(parts, divisors, strict=True)
                ),
                Fraction(0),
            )
        whole += sum((chance * inner for chance, _, inner in parts), Fraction(0))
        seen, s = seen + r, s + m
    raise AssertionError(top)


def test_histograms_are_those_of_plain_loops() -> None:
    random = np.random.default_rng(1)
    for bits, classes in ((5, 3), (64, 21), (70, 9), (128, 80)):
        queries, database = random_set(random, 7, bits, classes), random_set(random, 40, bits, classes)
        counts = histograms(queries[2], database[2])
        plain = as_histograms(rankings(queries, database), bits)
        assert (counts.items == plain.items).all()
        assert (counts.relevant == plain.relevant).all()
        assert counts.size == 40


def test_queries_are_taken_in_blocks_without_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    queries, database = random_set(random, 23, 16, 5)[2], random_set(random, 30, 16, 5)[2]
    whole = histograms(queries, database)
    monkeypatch.setattr("vtsfind.learn.evaluation.metrics._PAIRS_PER_BLOCK", 120)
    pieces = histograms(queries, database)
    assert (whole.items == pieces.items).all()
    assert (whole.relevant == pieces.relevant).all()


@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), top=st.none() | st.integers(1, 8))
@settings(max_examples=80)
def test_expectation_best_and_worst_are_those_of_all_orders(seed: int, n: int, top: int | None) -> None:
    random = np.random.default_rng(seed)
    ranking = [(int(random.integers(0, 3)), bool(random.integers(0, 2))) for _ in range(n)]
    counts = as_histograms([ranking], 3)
    limit = n if top is None else min(top, n)
    cases: list[tuple[Divisor, int | None]] = [
        ("hits", None),
        ("possible", sum(wanted for _, wanted in ranking)),
    ]
    for divisor, possible in cases:
        values = [precision_of(flags, limit, possible) for flags in orders(ranking)]
        tied = average_precision(counts, top=top, divisor=divisor)
        assert tied.expected[0] == pytest.approx(float(sum(values) / len(values)), abs=1e-12)
        assert tied.best[0] == pytest.approx(float(max(values)), abs=1e-12)
        assert tied.worst[0] == pytest.approx(float(min(values)), abs=1e-12)


@given(
    seed=st.integers(0, 10_000),
    bits=st.sampled_from([4, 8, 16, 33]),
    n=st.integers(1, 120),
    top=st.none() | st.integers(1, 130),
)
@settings(max_examples=40)
def test_random_codes_agree_with_a_loop_over_positions(seed: int, bits: int, n: int, top: int | None) -> None:
    random = np.random.default_rng(seed)
    queries, database = random_set(random, 3, bits, 4), random_set(random, n, bits, 4)
    counts = histograms(queries[2], database[2])
    limit = n if top is None else min(top, n)
    for measure, per_hit in ((map_hash, True), (map_ir, False)):
        plain = [
            expectation(*counted(ranking, bits), limit, per_hit=per_hit)
            for ranking in rankings(queries, database)
        ]
        expected, best, worst = measure(counts, top)
        assert expected == pytest.approx(float(sum(plain) / 3), abs=1e-12)
        assert worst - 1e-12 <= expected <= best + 1e-12


def test_long_rankings_keep_their_precision() -> None:
    """Half a million images in a few buckets, where differences of harmonic numbers would lose five digits."""
    items, relevant = [3, 0, 120_000, 380_000, 1], [1, 0, 2, 20, 1]
    total, s, seen = 0.0, 0, 0
    for m, r in zip(items, relevant, strict=True):
        j = np.arange(m)
        if r:
            before = seen + 1 + j * (r - 1) / max(m - 1, 1)
            total += r / m * (before / (s + 1 + j)).sum()
        s, seen = s + m, seen + r
    found = average_precision(Histograms(np.array([items]), np.array([relevant]))).expected[0]
    assert found == pytest.approx(total / seen, rel=1e-12)


def test_golden_averages_over_ties() -> None:
    ties = GOLDEN["tie_ap"]
    counts = Histograms(np.array([ties["bucket_items"]]), np.array([ties["bucket_relevant"]]))
    assert map_hash(counts)[0] == pytest.approx(ties["expected_ap_full"], abs=1e-12)
    exact = expectation(ties["bucket_items"], ties["bucket_relevant"], 15, per_hit=True)
    assert map_hash(counts, 15)[0] == pytest.approx(float(exact), abs=1e-12)
    # The golden figure at 15 is a quotient of two expectations, near the expected quotient.
    assert map_hash(counts, 15)[0] == pytest.approx(ties["expected_ap_at_15_ratio"], abs=1e-3)


def test_golden_precisions_of_one_ranking() -> None:
    example = GOLDEN["ap_examples"]
    flags = np.array(example["gnd"])
    n = len(flags)
    # Distances 0, 1, 2, ... put the images in the order of the example.
    codes = np.packbits(np.tril(np.ones((n, n), np.uint8), -1), axis=1)
    database = labelled_codes(codes, flags[:, None], bits=n)
    query = labelled_codes(np.zeros((1, 1), np.uint8), [[1]], bits=n)
    counts = histograms(query, database)
    for top, measure, key in (
        (None, map_hash, "ap_all"),
        (3, map_hash, "ap_at_3"),
        (3, map_ir, "ap_ir_at_3_min(k,R)"),
    ):
        assert measure(counts, top) == pytest.approx((example[key],) * 3, abs=1e-12)
    orders_of_ties: tuple[TieOrder, ...] = ("row", "numpy")
    for ties in orders_of_ties:
        assert ranked_precision(query, database, ties=ties)[0] == pytest.approx(example["ap_all"])
        assert ranked_precision(query, database, top=3, ties=ties)[0] == pytest.approx(example["ap_at_3"])
        textbook = ranked_precision(query, database, top=3, ties=ties, divisor="possible")
        assert textbook[0] == pytest.approx(example["ap_ir_at_3_min(k,R)"])


@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), top=st.none() | st.integers(1, 70))
@settings(max_examples=25)
def test_ranks_in_row_order_are_those_of_a_sorted_list(seed: int, n: int, top: int | None) -> None:
    random = np.random.default_rng(seed)
    queries, database = random_set(random, 3, 6, 3), random_set(random, n, 6, 3)
    limit = n if top is None else min(top, n)
    found = ranked_precision(queries[2], database[2], top=top)
    counts = average_precision(histograms(queries[2], database[2]), top=top)
    for query, ranking in enumerate(rankings(queries, database)):
        flags = [wanted for _, wanted in sorted(ranking, key=lambda pair: pair[0])]
        assert found[query] == pytest.approx(float(precision_of(flags, limit)), abs=1e-12)
        assert counts.worst[query] - 1e-12 <= found[query] <= counts.best[query] + 1e-12


def test_numpy_order_is_that_of_the_published_formula() -> None:
    random = np.random.default_rng(4)
    queries, database = random_set(random, 5, 16, 4), random_set(random, 300, 16, 4)
    # Signs as float32, distances as half of bits less product, NumPy's default sort.
    a, b = (2.0 * each[0].astype(np.float32) - 1 for each in (queries, database))
    shares = (queries[1] @ database[1].T > 0).astype(np.float32)
    plain = []
    for code, wanted in zip(a, shares, strict=True):
        if not wanted.any():
            plain.append(0.0)
            continue
        ranked = wanted[np.argsort(0.5 * (16 - code @ b.T))][0:-1]
        positions = np.flatnonzero(ranked == 1) + 1.0
        plain.append(float(np.mean(np.linspace(1, len(positions), len(positions)) / positions)))
    found = ranked_precision(queries[2], database[2], top=published_top(-1, 300), ties="numpy")
    assert found.tolist() == pytest.approx(plain, abs=1e-12)


def test_the_published_all_leaves_the_last_image_out() -> None:
    assert published_top(-1, 54_000) == 53_999
    assert published_top(1000, 54_000) == 1000


def test_precision_and_recall_are_expected_over_ties() -> None:
    random = np.random.default_rng(5)
    queries, database = random_set(random, 6, 5, 4), random_set(random, 30, 5, 4)
    tops = [1, 7, 30, 99]
    precision, recall = precision_recall(histograms(queries[2], database[2]), tops)
    for place, top in enumerate(min(top, 30) for top in tops):
        precisions, recalls = [], []
        for ranking in rankings(queries, database):
            items, relevant = counted(ranking, 5)
            hits, s = Fraction(0), 0
            for m, r in zip(items, relevant, strict=True):
                hits += Fraction(r * max(min(m, top - s), 0), max(m, 1))
                s += m
            precisions.append(hits / top)
            recalls.append(hits / max(sum(relevant), 1))
        assert precision[place] == pytest.approx(float(sum(precisions) / 6), abs=1e-12)
        assert recall[place] == pytest.approx(float(sum(recalls) / 6), abs=1e-12)


def test_measures_within_a_radius_are_those_of_the_images_there() -> None:
    random = np.random.default_rng(6)
    queries, database = random_set(random, 6, 8, 4), random_set(random, 40, 8, 4)
    balls = within_radius(histograms(queries[2], database[2]))
    assert len(balls.precision) == len(balls.recall) == len(balls.map) == 9
    for radius in range(9):
        precisions, recalls, maps = [], [], []
        for ranking in rankings(queries, database):
            inside = [(d, wanted) for d, wanted in ranking if d <= radius]
            hits = sum(wanted for _, wanted in inside)
            precisions.append(hits / len(inside) if inside else 0)
            recalls.append(hits / max(sum(wanted for _, wanted in ranking), 1))
            items, relevant = counted(inside, 8)
            whole = expectation(items, relevant, len(inside), per_hit=True) if inside else Fraction(0)
            maps.append(float(whole))
        assert balls.precision[radius] == pytest.approx(sum(precisions) / 6, abs=1e-12)
        assert balls.recall[radius] == pytest.approx(sum(recalls) / 6, abs=1e-12)
        assert balls.map[radius] == pytest.approx(sum(maps) / 6, abs=1e-12)


def test_queries_without_relevant_images_count_zero() -> None:
    codes = np.array([[0b10100000], [0b01100000]], np.uint8)
    labelled, bare = labelled_codes(codes, [[1], [1]], bits=4), labelled_codes(codes, [[1], [0]], bits=4)
    counts = histograms(bare, labelled)
    for measure in (map_hash, map_ir):
        assert measure(counts) == (0.5, 0.5, 0.5)
    assert ranked_precision(bare, labelled).tolist() == [1.0, 0.0]
    precision, recall = precision_recall(counts, [2])
    assert (precision[0], recall[0]) == (0.5, 0.5)
    assert within_radius(counts).map[-1] == 0.5


def test_what_does_not_fit_is_refused() -> None:
    codes = np.zeros((3, 2), np.uint8)
    with pytest.raises(UsageError, match="do not fit 32 bits"):
        labelled_codes(codes, np.ones((3, 1)), bits=32)
    with pytest.raises(UsageError, match="do not fit"):
        labelled_codes(codes, np.ones((2, 1)), bits=16)
    with pytest.raises(UsageError, match="no images"):
        labelled_codes(codes[:0], np.ones((0, 1)), bits=16)
    one, other = (
        labelled_codes(codes, np.ones((3, 1)), bits=16),
        labelled_codes(codes, np.ones((3, 2)), bits=16),
    )
    with pytest.raises(UsageError, match="1 labels"):
        histograms(one, other)
    with pytest.raises(UsageError, match="first 0"):
        map_hash(histograms(one, one), 0)
