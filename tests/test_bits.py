"""What a code is: thresholds, packing, words, planes, distances."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vtsfind.base import bits

SIZES = st.tuples(st.integers(0, 6), st.integers(1, 300))
BINARY = arrays.arrays(np.uint8, SIZES, elements=st.integers(0, 1))


def codes_of(binary: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return bits.pack(binary.astype(np.int8) * 2 - 1)


@given(BINARY)
def test_unpacking_gives_back_the_bits_that_were_packed(binary: npt.NDArray[np.uint8]) -> None:
    assert np.array_equal(bits.unpack(codes_of(binary), binary.shape[1]), binary)


@given(arrays.arrays(np.float32, SIZES, elements=st.floats(-1, 1, width=32)))
def test_a_bit_is_set_where_the_output_is_above_zero(outputs: npt.NDArray[np.float32]) -> None:
    codes = bits.pack(outputs)
    assert codes.shape == (len(outputs), -(-outputs.shape[1] // 8))
    assert np.array_equal(bits.unpack(codes, outputs.shape[1]), outputs > 0)


def test_zero_of_either_sign_and_not_a_number_are_0_bits() -> None:
    assert bits.pack([[0.0, -0.0, np.nan, 1e-30]]).tolist() == [[0b00010000]]


def test_the_first_output_is_the_high_bit_of_the_first_byte() -> None:
    assert bits.pack([[1] + [-1] * 8]).tolist() == [[0b10000000, 0]]
    assert bits.pack([[-1] * 8 + [1]]).tolist() == [[0, 0b10000000]]


def test_bytes_become_little_endian_words_padded_with_zeros() -> None:
    codes = np.arange(1, 11, dtype=np.uint8)[None]
    assert bits.words(codes).tolist() == [[0x0807060504030201, 0x0A09]]


@given(BINARY)
def test_a_plane_holds_one_word_of_every_code(binary: npt.NDArray[np.uint8]) -> None:
    codes = codes_of(binary)
    planes = bits.planes(codes)
    assert planes.shape == (-(-binary.shape[1] // 64), len(binary))
    assert planes.flags.c_contiguous
    assert np.array_equal(planes.T, bits.words(codes))


@given(BINARY)
def test_padding_adds_nothing_to_a_distance(binary: npt.NDArray[np.uint8]) -> None:
    words = bits.words(codes_of(binary))
    counted = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=-1, dtype=np.int64)
    assert np.array_equal(counted, (binary[:, None] != binary[None]).sum(axis=-1))


@given(st.data(), st.integers(1, 300))
def test_a_distance_counts_the_differing_bits_and_is_the_same_both_ways(data: st.DataObject, k: int) -> None:
    a, b = (data.draw(arrays.arrays(np.uint8, (rows, k), elements=st.integers(0, 1))) for rows in (3, 5))
    forth = bits.distances(codes_of(a), codes_of(b))
    back = bits.distances(codes_of(b), codes_of(a))
    expected: Any = (a[:, None] != b[None]).sum(axis=-1)
    assert forth.dtype == np.int64
    assert np.array_equal(forth, expected)
    assert np.array_equal(forth, back.T)
    assert not bits.distances(codes_of(a), codes_of(a)).diagonal().any()
