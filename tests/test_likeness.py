"""Photos in the order of their likeness: by the code for scenes and the code for copies together."""

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base import bits
from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head, Signature
from vtsfind.engine.library.heads import LIKENESS, way_to_compare, ways_to_compare
from vtsfind.find.hamming.likeness import COPY_SHARE, OwnCode, by_likeness, max_scene_distance
from vtsfind.store import planes

SCENE_BITS, COPY_BITS = 64, 256


def codes(seed: int, count: int, length: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, length // 8), np.uint8)


def signature(*names: str) -> Signature:
    return Signature("model", "0" * 64, tuple(Head(name, 64) for name in names))


@given(st.integers(0, 1000), st.integers(2, 30))
def test_the_distance_is_the_weighted_sum_and_is_zero_only_where_both_codes_are_equal(
    seed: int, count: int
) -> None:
    scenes, copies = codes(seed, count, SCENE_BITS), codes(seed + 1, count, COPY_BITS)
    scenes[-1], copies[-1] = scenes[0], copies[0]
    copies[-1, 0] ^= 1  # one bit of the other code
    columns, distances = by_likeness(
        OwnCode(scenes[0], SCENE_BITS),
        bits.planes(scenes),
        OwnCode(copies[0], COPY_BITS),
        bits.planes(copies),
    )
    apart = [bits.distances(each[:1], each)[0] for each in (scenes, copies)]
    exact = (1 - COPY_SHARE) * apart[0] + COPY_SHARE * SCENE_BITS / COPY_BITS * apart[1]
    assert sorted(columns) == list(range(count))
    assert np.all(np.diff(exact[columns]) >= -1e-9)
    assert np.all((distances >= exact[columns] - 1e-6) & (distances < exact[columns] + 1))
    assert [int(each) for each in columns[distances == 0]] == [0]


@given(st.integers(0, SCENE_BITS), st.integers(0, SCENE_BITS), st.integers(0, COPY_BITS))
def test_no_photo_beyond_the_largest_distance_of_scenes_is_within_the_radius(
    radius: int, scene: int, copy: int
) -> None:
    distance = (1 - COPY_SHARE) * scene + COPY_SHARE * SCENE_BITS / COPY_BITS * copy
    if math.ceil(distance - 1e-9) <= radius:
        assert scene <= max_scene_distance(radius)


def test_real_outputs_decide_between_photos_that_are_equally_far_in_bits() -> None:
    own = np.zeros((1, 8), np.uint8)
    others = np.array([[0x80, *[0] * 7], [0x40, *[0] * 7]], np.uint8)
    outputs = -np.ones(SCENE_BITS, np.float32)
    outputs[1] = -0.01  # the second bit is hardly sure
    copy, copies = (
        OwnCode(codes(1, 1, COPY_BITS)[0], COPY_BITS),
        bits.planes(codes(1, 1, COPY_BITS).repeat(2, 0)),
    )
    by_bits = by_likeness(OwnCode(own[0], SCENE_BITS), bits.planes(others), copy, copies)
    by_floats = by_likeness(OwnCode(own[0], SCENE_BITS, outputs), bits.planes(others), copy, copies)
    assert (by_bits[0].tolist(), by_floats[0].tolist()) == ([0, 1], [1, 0])
    assert by_bits[1].tolist() == by_floats[1].tolist() == [1, 1]


def test_planes_of_some_contents_are_in_the_order_of_their_ids() -> None:
    heads, rows, packed = [Head("scene", SCENE_BITS)], np.array([2, 5, 7], np.uint32), codes(3, 3, SCENE_BITS)
    made = planes.build(heads, rows, packed)["scene"]
    some = made.of_rows(np.array([7, 6, 2, 9, 7], np.uint32))
    assert some.rows.tolist() == [2, 7]
    assert np.array_equal(some.words, bits.planes(packed[[0, 2]]))
    none = planes.build(heads, rows[:0], packed[:0])["scene"].of_rows(rows)
    assert (none.rows.size, none.words.shape) == (0, (1, 0))


@pytest.mark.parametrize(
    ("names", "ways"),
    [
        (["copy", "scene", "words"], ["likeness", "copy", "scene", "words"]),
        (["words", "scene"], ["scene", "words"]),
        (["class"], ["class"]),
    ],
)
def test_photos_are_compared_by_both_codes_if_the_model_makes_both(names: list[str], ways: list[str]) -> None:
    assert ways_to_compare(signature(*names)) == ways
    assert way_to_compare(signature(*names), None).name == ways[0]


def test_what_a_model_cannot_compare_by_is_refused_with_what_it_can() -> None:
    assert way_to_compare(signature("copy", "scene"), LIKENESS) == Head(LIKENESS, 64)
    with pytest.raises(UsageError, match="makes no codes 'likeness'") as refused:
        way_to_compare(signature("copy"), LIKENESS)
    assert refused.value.remedy == "Use --by copy."
    with pytest.raises(UsageError, match="makes no codes 'scene'"):
        way_to_compare(signature("copy", "words"), None)
