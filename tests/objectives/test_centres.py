"""Code books: how far apart their codes are, and what they never contain."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives.centres import (
    Codes,
    code_book,
    distinct_columns,
    hadamard,
    minimum_distance,
    nordstrom_robinson,
    pair_distances,
    published_csq,
    published_dpn,
    trace_code,
)


def book(bits: int, classes: int, *, multilabel: bool = False, seed: int = 0) -> Codes:
    return code_book(bits, classes, np.random.default_rng(seed), multilabel=multilabel)


def polynomial_code(generator: int, length: int) -> set[bytes]:
    """All words of the cyclic code of that generator, each with its parity bit, as 0 and 1."""
    words = set()
    for message in range(1 << (length - generator.bit_length() + 1)):
        word = 0
        for shift in range(message.bit_length()):
            word ^= generator << shift if message >> shift & 1 else 0
        bits = [word >> place & 1 for place in range(length)]
        words.add(bytes([*bits, sum(bits) % 2]))
    return words


def test_distances_are_counted_over_all_pairs() -> None:
    codes = np.random.default_rng(0).choice(np.array([-1, 1], np.int8), (9, 13))
    plain = [int((a != b).sum()) for a, b in combinations(codes, 2)]
    assert sorted(pair_distances(codes).tolist()) == sorted(plain)
    assert minimum_distance(codes) == min(plain)


@pytest.mark.parametrize("classes", [80, 100])
@pytest.mark.parametrize(("bits", "distance"), [(16, 6), (32, 12), (64, 32), (128, 64), (256, 128)])
def test_many_classes_get_codes_far_apart(bits: int, distance: int, classes: int) -> None:
    codes = book(bits, classes)
    assert codes.shape == (classes, bits)
    assert codes.dtype == np.int8
    assert set(np.unique(codes)) == {-1, 1}
    assert minimum_distance(codes) == distance
    assert pair_distances(codes).mean() >= bits / 2


@pytest.mark.parametrize(
    ("bits", "classes", "distance"),
    [
        (16, 80, 6),
        (32, 80, 12),
        (64, 80, 28),
        (64, 21, 32),
        (16, 21, 6),
        (32, 21, 16),
        (64, 38, 32),
        (128, 80, 64),
    ],
)
def test_books_for_several_labels_have_no_opposites(bits: int, classes: int, distance: int) -> None:
    distances = pair_distances(book(bits, classes, multilabel=True))
    assert distances.min() == distance
    assert distances.max() < bits


@pytest.mark.parametrize("bits", [16, 32, 64, 128])
@pytest.mark.parametrize("classes", [10, 21, 80, 100])
def test_no_bit_has_nearly_the_same_value_for_all_classes(bits: int, classes: int) -> None:
    for multilabel in (False, True):
        sums = book(bits, classes, multilabel=multilabel).sum(axis=0, dtype=np.int64)
        assert np.abs(sums).max() <= min(0.8 * classes, 28)


@pytest.mark.parametrize(("bits", "distance"), [(12, 6), (20, 10), (24, 12), (44, 22), (48, 24), (60, 30)])
def test_lengths_beyond_powers_of_two_use_paley_matrices(bits: int, distance: int) -> None:
    assert minimum_distance(book(bits, 21)) == distance
    assert minimum_distance(book(bits, 10)) >= distance


@pytest.mark.parametrize(("bits", "distance"), [(24, 8), (36, 12), (48, 18)])
def test_a_hundred_classes_on_other_lengths_are_searched_or_put_together(bits: int, distance: int) -> None:
    assert minimum_distance(book(bits, 100)) >= distance


@pytest.mark.parametrize("bits", [16, 32, 64])
@pytest.mark.parametrize("classes", [5, 6, 7, 8])
def test_a_few_classes_are_further_apart_than_rows_of_a_hadamard_matrix(bits: int, classes: int) -> None:
    codes = book(bits, classes)
    assert minimum_distance(codes) >= bits / 2
    assert distinct_columns(codes) >= min(bits, 10)


@pytest.mark.parametrize("bits", [16, 32, 64])
@pytest.mark.parametrize("seed", range(4))
def test_ten_classes_use_every_bit_for_something_else(bits: int, seed: int) -> None:
    codes = book(bits, 10, seed=seed)
    assert minimum_distance(codes) == bits // 2
    assert distinct_columns(codes) == bits
    first_rows = published_csq(bits, 10, np.random.default_rng(seed))
    assert distinct_columns(first_rows) <= 15


@given(
    bits=st.integers(1, 40),
    classes=st.integers(2, 40),
    multilabel=st.booleans(),
    seed=st.integers(0, 100),
)
@settings(max_examples=40)
def test_codes_differ_for_every_length_and_number_that_can_be(
    *, bits: int, classes: int, multilabel: bool, seed: int
) -> None:
    if classes > 1 << (bits - multilabel):
        with pytest.raises(UsageError, match="more codes than") as caught:
            book(bits, classes, multilabel=multilabel, seed=seed)
        nearest = int(caught.value.remedy.split()[3])
        assert len(book(nearest, classes, multilabel=multilabel)) == classes
        return
    codes = book(bits, classes, multilabel=multilabel, seed=seed)
    assert codes.shape == (classes, bits)
    assert (np.abs(codes) == 1).all()
    distances = pair_distances(codes)
    assert distances.min() > 0
    if multilabel:
        assert distances.max() < bits


def test_the_seed_decides_which_book_it_is() -> None:
    assert (book(32, 30, seed=1) == book(32, 30, seed=1)).all()
    assert (book(32, 30, seed=1) != book(32, 30, seed=2)).any()


def test_hadamard_matrices_have_orthogonal_rows() -> None:
    orders = [n for n in range(1, 150) if hadamard(n) is not None]
    for order in orders:
        matrix = hadamard(order)
        assert matrix is not None
        wide = matrix.astype(np.int64)
        assert (wide @ wide.T == order * np.eye(order)).all()
    assert {12, 16, 20, 24, 32, 44, 48, 60, 64, 68, 72, 80, 84, 128} <= set(orders)


def test_the_nordstrom_robinson_code_has_256_words_at_distance_6() -> None:
    words = nordstrom_robinson()
    assert len(np.unique(words, axis=0)) == 256
    distances, counts = np.unique(pair_distances(words), return_counts=True)
    assert dict(zip(distances.tolist(), (counts // 128).tolist(), strict=True)) == {
        6: 112,
        8: 30,
        10: 112,
        16: 1,
    }


@pytest.mark.parametrize(
    ("bits", "exponents", "words", "distance"),
    [
        (8, (1,), 8, 4),
        (16, (1, 5), 64, 6),
        (16, (1, 5, 3), 1024, 4),
        (32, (1, 5), 1024, 12),
        (32, (1, 5, 3), 2048, 8),
        (64, (1, 9), 512, 28),
        (64, (1, 9, 5), 2048, 24),
        (128, (1, 9), 2048, 56),
        (256, (1, 17), 2048, 120),
    ],
)
def test_extended_bch_codes_keep_their_distance(
    bits: int, exponents: tuple[int, ...], words: int, distance: int
) -> None:
    codes = trace_code(bits, exponents, 2048)
    assert codes.shape == (words, bits)
    distances = pair_distances(codes)
    assert (distances.min(), distances.max()) == (distance, bits - distance)
    assert minimum_distance(codes[:bits]) == bits // 2


def test_trace_codes_are_the_cyclic_codes_of_the_published_generators() -> None:
    for bits, exponents, generator in ((16, (1, 5), 0b111010001), (32, (1, 5), 0o5423325)):
        halves = trace_code(bits, exponents, 1 << bits)
        words = np.concatenate([halves, -halves]) == -1
        cyclic = polynomial_code(generator, bits - 1)
        backwards = {word[-2::-1] + word[-1:] for word in cyclic}
        assert {word.tobytes() for word in words} in (cyclic, backwards)


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_the_published_centres_begin_with_hadamard_rows_and_their_opposites(bits: int) -> None:
    codes = published_csq(bits, 100, np.random.default_rng(3))
    matrix = hadamard(bits)
    assert matrix is not None
    assert codes.shape == (100, bits)
    assert (codes[:bits] == matrix).all()
    assert (codes[bits : 2 * bits] == -matrix[: 100 - bits]).all()
    assert (codes[2 * bits :].sum(axis=1) == 0).all()


def test_published_centres_can_coincide_while_the_good_ones_do_not() -> None:
    distances = [minimum_distance(published_csq(16, 100, np.random.default_rng(seed))) for seed in range(5)]
    assert max(distances) <= 2
    random = [minimum_distance(published_dpn(16, 100, np.random.default_rng(seed))) for seed in range(5)]
    assert max(random) <= 2


def test_published_dpn_targets_are_half_minus_one() -> None:
    codes = published_dpn(15, 30, np.random.default_rng(0))
    assert ((codes == -1).sum(axis=1) == 7).all()
