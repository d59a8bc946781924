"""Photos that show the same in full are told at a glance; what may be another shot, or a part, is left to a closer look."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from support.drawn_photos import STORED_AS, scene
from support.textures import photograph

from vtsfind.base.groups import UNDECIDED, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import Features, features, features_without_local
from vtsfind.find.verification.full_frame import TURNS
from vtsfind.find.verification.verify import PhotoFeatures, match_full_frame, match_local_features, verify


def extracted(image: Image.Image, mark: bytes) -> PhotoFeatures:
    """A photo of which only a small picture is kept."""
    return PhotoFeatures(features_without_local(np.asarray(image)), PictureInfo(*image.size), mark)


@settings(max_examples=16, deadline=None)
@given(
    seed=st.integers(0, 40), turn=st.integers(1, 8), width=st.integers(150, 400), height=st.integers(150, 400)
)
def test_a_photo_in_any_turn_size_and_shape_is_the_same_at_a_glance(
    seed: int, turn: int, width: int, height: int
) -> None:
    image = photograph(seed, 320, 240)
    stored = STORED_AS[turn]
    other = (image if stored is None else image.transpose(stored)).resize((width, height))
    found = match_full_frame(extracted(image, b"1"), extracted(other, b"2"))
    assert isinstance(found, tuple)
    assert found[0] is (Verdict.RESAVE if turn == 1 else Verdict.TURNED)
    assert found[1].turn == turn
    assert found[1].inliers is None


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 40))
def test_a_glance_says_the_same_whichever_photo_comes_first(seed: int) -> None:
    image = photograph(seed, 320, 240)
    other = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((200, 150))
    forth, back = (
        match_full_frame(extracted(image, b"1"), extracted(other, b"2")),
        match_full_frame(extracted(other, b"2"), extracted(image, b"1")),
    )
    assert forth == back


def moved(image: Image.Image) -> Image.Image:
    """A thing that stands elsewhere."""
    other = image.copy()
    thing = scene(99, 48, 48)
    image.paste(thing, (60, 90))
    other.paste(thing, (110, 100))
    return other


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda image: image.crop((40, 30, 320, 240)), id="a part"),
        pytest.param(lambda image: image.rotate(12, expand=True), id="turned by a little"),
        pytest.param(moved, id="a thing that moved"),
    ],
)
def test_a_glance_does_not_decide_what_is_not_the_same_in_full(
    edit: Callable[[Image.Image], Image.Image],
) -> None:
    image = photograph(3, 320, 240)
    other = edit(image)
    assert match_full_frame(extracted(image, b"1"), extracted(other, b"2")) is UNDECIDED


def test_a_glance_tells_another_photo() -> None:
    photos = [extracted(photograph(seed, 320, 240), bytes([seed])) for seed in (3, 7)]
    assert match_full_frame(*photos) is None


def test_a_drawing_on_a_photo_is_left_to_a_closer_look_which_sees_the_edit() -> None:
    image = photograph(5, 320, 240)
    drawn = image.copy()
    ImageDraw.Draw(drawn).rectangle((100, 80, 190, 150), "yellow")
    pair = extracted(image, b"1"), extracted(drawn, b"2")
    assert match_full_frame(*pair) is UNDECIDED
    found = match_local_features(*pair)
    assert found is not None
    assert found[0] is Verdict.EDIT
    assert verify(*pair) == found


def page(total: str) -> Image.Image:
    """A page of letters with an amount."""
    image, rng = Image.new("RGB", (400, 560), "white"), np.random.default_rng(1)
    draw = ImageDraw.Draw(image)
    for y in range(20, 540, 24):
        draw.text((20, y), "".join(rng.choice(list("abcdefghij klmnop"), 24)), "black", font_size=14)
    draw.text((330, 300), total, "black", font_size=14)
    return image


def test_pages_that_differ_in_one_amount_are_left_to_a_closer_look_which_tells_them_apart() -> None:
    pair = extracted(page("120"), b"1"), extracted(page("175"), b"2")
    assert match_full_frame(*pair) is UNDECIDED
    found = verify(*pair)
    assert found is not None
    assert found[0] is Verdict.BURST


def test_a_blank_frame_is_a_non_match() -> None:
    blank = Image.new("RGB", (320, 240), "grey")
    assert match_full_frame(extracted(blank, b"1"), extracted(blank.resize((160, 120)), b"2")) is None


def test_local_features_found_late_are_those_found_at_once() -> None:
    pixels = np.asarray(photograph(2, 320, 240))
    late = Features.from_bytes(features_without_local(pixels).to_bytes())
    assert late.found is None
    assert late.with_local().to_bytes() == features(pixels).to_bytes()
    assert len(late.local.packed_points) > 50


def test_the_turns_are_the_eight_of_exif() -> None:
    assert sorted(TURNS.values()) == list(range(1, 9))
    assert {abs(np.linalg.det(np.reshape(turn, (2, 2)))) for turn in TURNS} == {1.0}
