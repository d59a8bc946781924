"""Edits for training: always a picture, always the same for the same stream, and still the same photo."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vtsfind.media import edits
from vtsfind.media.decode import Pixels
from vtsfind.media.edits import edited, mild

sides = st.integers(1, 300)
seeds = st.integers(0, 2**32 - 1)


def drawn(height: int, width: int, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3), np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


@settings(max_examples=60, deadline=None)
@given(height=sides, width=sides, seed=seeds)
def test_any_picture_gives_a_picture_again(height: int, width: int, seed: int) -> None:
    for view in (
        edited(drawn(height, width), np.random.default_rng(seed), other=lambda: drawn(40, 30, 1)),
        mild(drawn(height, width), np.random.default_rng(seed)),
    ):
        assert view.dtype == np.uint8
        assert view.ndim == 3
        assert view.shape[2] == 3
        assert min(view.shape) >= 1


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_the_same_stream_gives_the_same_edit(seed: int) -> None:
    views = [
        edited(drawn(90, 120), np.random.default_rng(seed), other=lambda: drawn(40, 30, 1)) for _ in range(2)
    ]
    assert np.array_equal(views[0], views[1])


def test_the_picture_that_is_edited_stays_as_it_was() -> None:
    picture = drawn(90, 120)
    before = picture.copy()
    for seed in range(30):
        edited(picture, np.random.default_rng(seed), other=lambda: picture)
    assert np.array_equal(picture, before)


def test_no_strength_leaves_the_picture_but_for_its_size() -> None:
    picture = drawn(180, 180)
    assert np.array_equal(edited(picture, np.random.default_rng(0), strength=0.0), picture)


@pytest.mark.parametrize(
    "edit",
    [
        *edits._GEOMETRIC_EDITS,
        *edits._COLOUR_EDITS,
        *edits._ROTATION_EDITS,
        *edits._OVERLAY_EDITS,
        edits.recompress,
    ],
    ids=lambda e: e.__name__,
)
def test_every_edit_changes_the_picture(edit: edits._Edit) -> None:
    picture = Image.fromarray(drawn(120, 160))
    changed = edit(picture, np.random.default_rng(5))
    assert changed.mode == "RGB"
    assert changed.size != picture.size or not np.array_equal(np.asarray(changed), np.asarray(picture))
