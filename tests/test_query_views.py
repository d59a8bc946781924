"""A photo that the library has not is looked for in several views, and by real outputs."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.textures import photograph

from vtsfind.base import bits
from vtsfind.find.hamming.search import top_k, within
from vtsfind.find.hamming.views import asymmetric_distances, best_by_views, nearest, soft_minimum
from vtsfind.media.query_views import VIEW_COUNT, views


def prepared(seed: int, side: int = 98) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(photograph(seed, 200, 150).resize((side, side)))


def test_the_first_view_is_the_photo_itself_and_the_second_its_mirror_image() -> None:
    own = prepared(1)
    made = views(own)
    assert made.shape == (VIEW_COUNT, *own.shape)
    assert np.array_equal(made[0], own)
    assert np.array_equal(made[1], own[:, ::-1])


def test_the_third_view_shows_the_whole_photo_smaller() -> None:
    own = prepared(2)
    small = views(own)[2]
    middle = Image.fromarray(small).crop((16, 16, 82, 82))
    expected = np.asarray(Image.fromarray(own).resize(middle.size, Image.Resampling.BICUBIC), np.float64)
    correlation = np.corrcoef(expected.ravel(), np.asarray(middle, np.float64).ravel())[0, 1]
    assert correlation > 0.9


@st.composite
def crowds(draw: st.DrawFn) -> "tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], int]":
    n, v = draw(st.integers(1, 30)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rng.integers(0, draw(st.sampled_from([2, 256])), (n + v, 16), dtype=np.uint8), v


@given(crowds(), st.integers(0, 40), st.none() | st.integers(0, 128))
def test_the_best_are_those_with_the_smallest_soft_minimum_of_distances(
    crowd: "tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], int]", k: int, radius: int | None
) -> None:
    codes, v = crowd
    asked, held = codes[:v], codes[v:]
    rows, distances = best_by_views(bits.planes(held), bits.words(asked), k, radius=radius)
    apart = bits.distances(asked, held)
    allowed = [n for n in range(len(held)) if radius is None or apart[0, n] <= radius]
    near = soft_minimum(apart)
    assert rows.tolist() == sorted(allowed, key=lambda n: (near[n], n))[:k]
    assert distances.tolist() == apart[0, rows].tolist()


@given(crowds(), st.integers(0, 128))
def test_one_view_finds_what_a_plain_search_finds(
    crowd: "tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], int]", radius: int
) -> None:
    codes, _ = crowd
    planes, query = bits.planes(codes[1:]), bits.words(codes[:1])
    everything = [found[0].tolist() for found in top_k(planes, query, len(codes))]
    in_radius = [found.tolist() for found in within(planes, query, radius)[0]]
    for search in (best_by_views, nearest):
        assert [found.tolist() for found in search(planes, query, len(codes))] == everything
        assert [found.tolist() for found in search(planes, query, len(codes), radius=radius)] == in_radius


@given(crowds(), st.floats(0.01, 100))
def test_equally_sure_outputs_are_as_far_as_their_bits(
    crowd: "tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], int]", sure: float
) -> None:
    codes, v = crowd
    outputs = (sure * (2.0 * bits.unpack(codes[:v], 128) - 1)).astype(np.float32)
    apart = asymmetric_distances(bits.planes(codes[v:]), outputs)
    assert np.allclose(apart, bits.distances(codes[:v], codes[v:]), atol=1e-3)


@given(st.integers(0, 1000), st.integers(1, 4), st.integers(1, 130), st.none() | st.integers(20, 80))
def test_outputs_put_codes_in_the_order_of_their_angle(seed: int, v: int, k: int, radius: int | None) -> None:
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(v, k)).astype(np.float32)
    held = rng.normal(size=(50, k))
    planes, words = bits.planes(bits.pack(held)), bits.words(bits.pack(outputs))
    rows, distances = nearest(planes, words, 10, radius=radius, outputs=outputs)
    cosines = (outputs / np.linalg.norm(outputs, axis=1, keepdims=True)) @ np.where(held > 0, 1, -1).T
    near = soft_minimum((k - np.sqrt(k) * cosines) / 2)
    apart = bits.distances(bits.pack(outputs[:1]), bits.pack(held))[0]
    allowed = [n for n in range(len(held)) if radius is None or apart[n] <= radius]
    assert np.allclose(near[rows], np.sort(near[allowed])[:10])
    assert distances.tolist() == apart[rows].tolist()


def test_an_unsure_bit_counts_less_than_a_sure_one() -> None:
    outputs = np.array([[3.0, 0.1, 2.0, 2.0]], np.float32)
    sure_differs, unsure_differs = [-1, 1, 1, 1], [1, -1, 1, 1]
    planes = bits.planes(bits.pack([sure_differs, unsure_differs]))
    rows, distances = nearest(planes, bits.words(bits.pack(outputs)), 2, outputs=outputs)
    assert rows.tolist() == [1, 0]
    assert distances.tolist() == [1, 1]


@given(st.lists(st.integers(0, 256), min_size=1, max_size=5))
def test_a_soft_minimum_is_a_little_less_than_the_least(distances: list[int]) -> None:
    soft = soft_minimum(np.array(distances))
    assert min(distances) - 16 * np.log(len(distances)) - 1e-9 <= soft <= min(distances) + 1e-9
    assert soft_minimum(np.array([*distances, 300])) < soft
