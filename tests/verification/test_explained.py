"""What compression explains of the difference of two pictures, to the last bit, and what is then left in one place."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from support.drawn_photos import STORED_AS
from support.photographs import every, photograph

from vtsfind.base.groups import Difference
from vtsfind.find.verification import explained
from vtsfind.find.verification.explained import MAX_INEXACT_SHARE, Explained, FullPicture
from vtsfind.find.verification.full_size import MAX_EXCESS, difference, largest_excess
from vtsfind.media.jpeg_compression import jpeg_compression

Pixels = npt.NDArray[np.uint8]
NAMES = every()[::6]


def differs_in_part(first: Pixels, second: Pixels, turn: int) -> bool:
    """Of pictures of which nobody knows how they were saved."""
    return difference(FullPicture(first), FullPicture(second), turn) is not Difference.NONE


def as_jpeg(image: Image.Image, quality: int, orientation: int = 1) -> FullPicture:
    """As a JPEG that is stored in an orientation, and shown upright."""
    stored_as = STORED_AS[orientation]
    file = io.BytesIO()
    (image if stored_as is None else image.transpose(stored_as)).save(file, "JPEG", quality=quality)
    decoded = Image.open(file).convert("RGB")
    upright = decoded if stored_as is None else decoded.transpose(UPRIGHT_AGAIN.get(stored_as, stored_as))
    return FullPicture(np.asarray(upright), jpeg_compression(file.getvalue()), orientation)


UPRIGHT_AGAIN = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", NAMES[:2])
def test_of_a_photo_saved_again_as_jpeg_no_difference_is_left(name: str, orientation: int) -> None:
    original = as_jpeg(photograph(name), 93)
    copy = as_jpeg(Image.fromarray(original.pixels), 80, orientation)
    assert largest_excess(original, copy, 1) == largest_excess(copy, original, 1) == 0


@pytest.mark.parametrize("turn", range(1, 9))
def test_of_a_turned_copy_no_difference_is_left(turn: int) -> None:
    original = as_jpeg(photograph("pavilion"), 93)
    stored_as = STORED_AS[turn]
    image = Image.fromarray(original.pixels)
    copy = as_jpeg(image if stored_as is None else image.transpose(stored_as), 70)
    assert largest_excess(original, copy, turn) == 0


def test_a_faint_change_that_compression_hides_is_found_where_the_compression_is_known() -> None:
    original = as_jpeg(photograph("pavilion"), 93)
    tinted = original.pixels.copy()
    tinted[64:80, 64:80] = np.clip(tinted[64:80, 64:80] + np.array([9, -5, 9]), 0, 255)
    changed = as_jpeg(Image.fromarray(tinted), 60)
    assert difference(original, changed, 1) is Difference.PART
    assert not differs_in_part(original.pixels, changed.pixels, 1)


def with_pixels_off_by_one(pixels: Pixels, share: float) -> Pixels:
    """As another decoder makes them."""
    random = np.random.default_rng(0)
    off = random.integers(-1, 2, pixels.shape) * (random.random(pixels.shape) < share)
    return np.asarray(np.clip(pixels + off, 0, 255), np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_what_no_eye_sees_is_a_difference_if_all_the_rest_is_the_same_to_the_last_bit(name: str) -> None:
    original = as_jpeg(photograph(name), 93)
    tinted = original.pixels.copy()
    tinted[64:80, 64:80] = np.clip(tinted[64:80, 64:80] + np.array([6, 0, 6]), 0, 255)
    for changed in (FullPicture(tinted), as_jpeg(Image.fromarray(tinted), 85)):
        assert largest_excess(original, changed, 1) <= MAX_EXCESS
        assert difference(original, changed, 1) is difference(changed, original, 1) is Difference.PART


def test_in_a_turned_jpeg_it_is_what_turning_without_loss_leaves() -> None:
    original = as_jpeg(photograph("pavilion"), 93)
    tinted = original.pixels.copy()
    tinted[64:80, 64:80] = np.clip(tinted[64:80, 64:80] + np.array([6, 0, 6]), 0, 255)
    mirrored = as_jpeg(Image.fromarray(tinted[:, ::-1]), 85)
    rotated = as_jpeg(Image.fromarray(tinted), 85, orientation=6)
    lossless = FullPicture(tinted[:, ::-1])
    found = [difference(original, copy, turn) for copy, turn in ((mirrored, 2), (rotated, 1), (lossless, 2))]
    assert found == [Difference.NONE, Difference.NONE, Difference.PART]


def test_changes_in_two_places_are_what_another_compression_in_between_leaves() -> None:
    original = as_jpeg(photograph("pavilion"), 93)
    tinted = original.pixels.copy()
    for x, other in ((64, Difference.PART), (72, Difference.PART), (160, Difference.NONE)):
        tinted[64:72, x : x + 8] = np.clip(tinted[64:72, x : x + 8] + np.array([6, 0, 6]), 0, 255)
        assert difference(original, as_jpeg(Image.fromarray(tinted), 85), 1) is other


@pytest.mark.parametrize("name", NAMES)
def test_rounding_in_other_ways_is_no_difference(name: str) -> None:
    original = as_jpeg(photograph(name), 93)
    rounded = Image.fromarray(with_pixels_off_by_one(original.pixels, 0.1))
    assert difference(original, as_jpeg(rounded, 85), 1) is Difference.NONE


def test_nor_is_it_where_the_rest_of_a_page_is_blank() -> None:
    page = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(page).text((170, 140), "total", (40, 40, 40), font_size=16)
    original = as_jpeg(page, 93).pixels
    rounded = np.where(original == 255, 255, with_pixels_off_by_one(original, 0.2))
    assert 0 < (original != rounded).any(2).mean() < MAX_INEXACT_SHARE / 2
    assert not differs_in_part(original, rounded, 1)


def changed_at(*places: tuple[slice, slice]) -> Explained:
    """A picture of noise, and the same with other levels in some places."""
    target = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    source = target.copy()
    for place in places:
        source[place] += 1
    return Explained(target, source, is_exact=True)


@pytest.mark.parametrize(("side", "is_small"), [(0, False), (1, True), (17, True), (18, False)])
def test_a_small_place_is_three_hundredths_of_the_texture(side: int, *, is_small: bool) -> None:
    assert changed_at(np.s_[20 : 20 + side, 30 : 30 + side]).is_changed_in_one_place is is_small


@pytest.mark.parametrize(("gap", "is_one"), [(17, True), (18, False)])
def test_pixels_within_the_reach_of_a_jpeg_are_one_place(gap: int, *, is_one: bool) -> None:
    pair = changed_at(np.s_[20:21, 30:31], np.s_[20:21, 30 + gap : 31 + gap])
    assert pair.is_changed_in_one_place is is_one


def test_what_is_saved_at_the_same_quality_is_the_same_to_the_last_bit_beside_a_change() -> None:
    original = as_jpeg(Image.fromarray(as_jpeg(photograph("pavilion"), 80).pixels), 80)
    tinted = original.pixels.copy()
    tinted[64:80, 64:80] = np.clip(tinted[64:80, 64:80] + np.array([6, 0, 6]), 0, 255)
    assert difference(original, as_jpeg(Image.fromarray(tinted), 80), 1) is Difference.PART


def test_a_smaller_copy_is_not_the_same_to_the_last_bit() -> None:
    photo = as_jpeg(photograph("pavilion"), 93)
    half = Image.fromarray(photo.pixels).resize((200, 150), Image.Resampling.LANCZOS)
    assert not explained.explained(photo, as_jpeg(half, 90), 1).is_exact


@pytest.mark.parametrize(("before", "after"), [(40, 40), (40, 90), (90, 40)])
def test_of_a_jpeg_saved_again_at_any_quality_no_difference_is_left(before: int, after: int) -> None:
    original = as_jpeg(photograph("pavilion"), before)
    copy = as_jpeg(Image.fromarray(original.pixels), after)
    assert largest_excess(original, copy, 1) == largest_excess(copy, original, 1) == 0


def test_two_files_saved_from_a_third_are_compared_as_they_are() -> None:
    fine, coarse = (as_jpeg(photograph("pavilion"), quality) for quality in (92, 75))
    unknown = largest_excess(FullPicture(fine.pixels), FullPicture(coarse.pixels), 1)
    assert largest_excess(fine, coarse, 1) == unknown > 0


@pytest.mark.parametrize(
    ("name", "quality", "side", "is_explained"), [("coffee", 70, 20, True), ("dog", 40, 0, False)]
)
def test_a_compression_explains_a_picture_if_it_leaves_hardly_any_of_the_difference(
    name: str, quality: int, side: int, *, is_explained: bool
) -> None:
    original = as_jpeg(photograph(name), 93 if side else 99)
    changed = original.pixels.copy()
    changed[64 : 64 + side, 64 : 64 + side] = 255 - changed[64 : 64 + side, 64 : 64 + side]
    copy = as_jpeg(Image.fromarray(changed) if side else photograph(name), quality)
    unknown = largest_excess(FullPicture(original.pixels), FullPicture(copy.pixels), 1)
    assert (largest_excess(original, copy, 1) != unknown) is is_explained


def test_pictures_too_large_for_memory_are_not_compressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    original = as_jpeg(photograph("pavilion"), 93)
    copy = as_jpeg(Image.fromarray(original.pixels), 80)
    monkeypatch.setattr(explained, "MAX_SAVED_PX", original.pixels.size // 3 - 1)
    assert largest_excess(original, copy, 1) > 0
