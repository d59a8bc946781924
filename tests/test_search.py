"""Nearest codes and codes within a radius: exact, in a fixed order, however the work is cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.find.hamming import search
from vtsfind.find.hamming.search import top_k, within

Codes = npt.NDArray[np.uint8]


@contextmanager
def cut_into(places: int) -> Iterator[None]:
    """Let one step of the work, and what `top_k` looks at first, have as many places."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "WORDS_PER_CALL", places)
        patch.setattr(search, "_THRESHOLD_SAMPLE_PLACES", places)
        patch.setattr(search, "_MIN_THRESHOLD_SAMPLE_ROWS", 1)
        patch.setattr(search, "_MIN_PRUNE_PLACES", places)
        yield


def nearest(codes: Codes, queries: Codes, k: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The plain reference: a stable full sort of all distances."""
    distances = bits.distances(queries, codes)
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return rows, np.take_along_axis(distances, rows, axis=1)


def assert_exact(codes: Codes, queries: Codes, k: int, radius: int, threads: int) -> None:
    planes, words = bits.planes(codes), bits.words(queries)
    rows, distances = top_k(planes, words, k, threads=threads)
    expected_rows, expected_distances = nearest(codes, queries, k)
    assert rows.dtype == distances.dtype == np.int64
    assert np.array_equal(rows, expected_rows)
    assert np.array_equal(distances, expected_distances)
    found = within(planes, words, radius, threads=threads)
    assert len(found) == len(queries)
    for (some, away), all_rows, all_away in zip(found, *nearest(codes, queries, len(codes)), strict=True):
        assert some.dtype == away.dtype == np.int64
        assert np.array_equal(some, all_rows[all_away <= radius])
        assert np.array_equal(away, all_away[all_away <= radius])


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Codes, Codes]:
    """Codes and queries of 8 to 330 bits: many ties, copies, near copies and complements."""
    width, n, q = draw(st.integers(1, 42)), draw(st.integers(0, 300)), draw(st.integers(0, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = rng.integers(0, 256, (draw(st.integers(1, 12)), width), dtype=np.uint8)
    kinds = np.concatenate(
        [kinds, ~kinds, rng.integers(0, 256, (draw(st.integers(0, 100)), width), np.uint8)]
    )
    crowd = kinds[rng.integers(len(kinds), size=n + q)]
    touched = rng.random(n + q) < draw(st.sampled_from([0.0, 0.3]))
    crowd[touched, 0] ^= np.uint8(1) << rng.integers(0, 8, touched.sum(), dtype=np.uint8)
    return crowd[:n], crowd[n:]


@given(
    crowds(),
    st.integers(0, 330),
    st.integers(-1, 350),
    st.sampled_from([1, 7, 64, 1 << 16]),
    st.integers(1, 5),
)
def test_a_search_equals_a_stable_sort_of_all_distances(
    crowd: tuple[Codes, Codes], k: int, radius: int, places: int, threads: int
) -> None:
    with cut_into(places):
        assert_exact(*crowd, k, radius, threads)


@pytest.mark.parametrize("width", [8, 16, 24, 32, 40, 128])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_random_codes_of_many_chunks_are_searched_exactly(width: int, threads: int) -> None:
    rng = np.random.default_rng(width)
    codes = rng.integers(0, 256, (20_000, width), dtype=np.uint8)
    queries = rng.integers(0, 256, (18, width), dtype=np.uint8)
    queries[0] = codes[-1]
    with cut_into(4096):
        assert_exact(codes, queries, 20, 3 * width, threads)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_of_equally_near_codes_the_lower_rows_are_found(threads: int) -> None:
    codes = np.zeros((100_000, 16), np.uint8)
    codes[::3, 0] = 1
    with cut_into(1 << 12):
        rows, distances = top_k(bits.planes(codes), bits.words(codes[:2]), 500, threads=threads)
    assert rows[0].tolist() == list(range(0, 1500, 3))
    assert rows[1].tolist() == [row for row in range(750) if row % 3][:500]
    assert not distances.any()


def test_the_full_distance_of_256_bits_is_not_taken_for_none() -> None:
    codes = np.zeros((3000, 32), np.uint8)
    codes[1000:2000] = 255
    codes[2500, 5] = 8
    planes, query = bits.planes(codes), bits.words(codes[1000:1001])
    assert within(planes, query, 0)[0][0].tolist() == list(range(1000, 2000))
    assert within(planes, query, 254)[0][0].tolist() == list(range(1000, 2000))
    assert within(planes, query, 255)[0][0].tolist() == [*range(1000, 2000), 2500]
    rows, distances = top_k(planes, query, 3000)
    assert rows[0].tolist() == [
        *range(1000, 2000),
        2500,
        *range(1000),
        *range(2000, 2500),
        *range(2501, 3000),
    ]
    assert distances[0, -1] == 256


def test_memory_mapped_planes_are_searched_and_left_as_they_are(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 256, (9000, 32), dtype=np.uint8)
    path = tmp_path / "planes"
    path.write_bytes(b"header!" + bits.planes(codes).tobytes())
    planes = np.memmap(path, np.uint64, "r", 7, (4, 9000))
    expected = nearest(codes, codes[:3], 20)
    for found, wanted in zip(top_k(planes, bits.words(codes[:3]), 20), expected, strict=True):
        assert type(found) is np.ndarray
        assert np.array_equal(found, wanted)
    assert path.read_bytes()[7:] == bits.planes(codes).tobytes()


def test_planes_of_part_of_the_rows_can_be_searched() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (5000, 16), dtype=np.uint8)
    rows, _ = top_k(bits.planes(codes)[:, 1::2], bits.words(codes[:1]), 9)
    assert np.array_equal(rows, nearest(codes[1::2], codes[:1], 9)[0])


@pytest.mark.parametrize(("n", "q", "k"), [(0, 2, 5), (4, 0, 5), (0, 0, 5), (4, 2, 0), (4, 2, 5)])
def test_where_there_is_little_to_find_little_is_found(n: int, q: int, k: int) -> None:
    planes, queries = np.zeros((2, n), np.uint64), np.zeros((q, 2), np.uint64)
    rows, distances = top_k(planes, queries, k)
    assert rows.shape == distances.shape == (q, min(k, n))
    assert [found.tolist() for found, _ in within(planes, queries, 0)] == [list(range(n))] * q
    assert [found.tolist() for found, _ in within(planes, queries, -1)] == [[]] * q


def test_questions_that_make_no_sense_are_refused() -> None:
    planes = np.zeros((2, 5), np.uint64)
    with pytest.raises(ValueError, match="negative"):
        top_k(planes, np.zeros((1, 2), np.uint64), -1)
    for shape in [(1, 3), (2,)]:
        with pytest.raises(ValueError, match="do not fit"):
            top_k(planes, np.zeros(shape, np.uint64), 1)
        with pytest.raises(ValueError, match="do not fit"):
            within(planes, np.zeros(shape, np.uint64), 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_searches_with_threads_of_its_own() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (5000, 8), dtype=np.uint8)
    planes, words = bits.planes(codes), bits.words(codes[:1])
    with cut_into(64):
        expected = top_k(planes, words, 5, threads=4)[0].tolist()
        child = os.fork()
        if child == 0:
            try:
                os._exit(0 if top_k(planes, words, 5, threads=4)[0].tolist() == expected else 1)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
