"""At full size no part of two pictures differs by more than compression explains; a small square, colour or digit does."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw
from support.drawn_photos import STORED_AS
from support.photographs import every, photograph

from vtsfind.base.groups import Difference
from vtsfind.find.verification import full_size
from vtsfind.find.verification.explained import FullPicture
from vtsfind.find.verification.full_size import difference, largest_excess

Pixels = npt.NDArray[np.uint8]
NAMES = every()[::6]
USUAL_EXCESSES = [5.99, 4.84, 5.18, 5.8, 6.84]
"""Of the five photos saved again: what decides is measured as it was when the limit was chosen."""


def differs_in_part(first: Pixels, second: Pixels, turn: int) -> bool:
    """Of pictures of which nobody knows how they were saved."""
    return difference(FullPicture(first), FullPicture(second), turn) is not Difference.NONE


def saved(image: Image.Image, quality: int, kind: str = "JPEG") -> Pixels:
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def pasted(name: str, share: float) -> Image.Image:
    """A photo with a square of the one before it, at a place where they differ."""
    photo, other = photograph(name).copy(), photograph(every()[every().index(name) - 1])
    side = round(share * max(photo.size))
    places = [(x, y) for y in range(40, photo.height - 60, 20) for x in range(40, photo.width - 60, 20)]
    patch = other.crop((60, 60, 60 + side, 60 + side))

    def difference(place: tuple[int, int]) -> float:
        x, y = place
        there = np.asarray(photo.crop((x, y, x + side, y + side)), np.float32)
        return float(np.abs(there - np.asarray(patch, np.float32)).mean())

    photo.paste(patch, max(places, key=difference))
    return photo


def page(number: str, size: tuple[int, int] = (1240, 1754)) -> Image.Image:
    """A scanned page: grey paper, lines of text of 12 pixels, and a number in one of them."""
    noise = np.random.default_rng(0).normal(0, 2, (size[1], size[0]))
    paper = Image.fromarray(np.clip(238 + noise, 0, 255).astype(np.uint8)).convert("RGB")
    draw = ImageDraw.Draw(paper)
    for line in range(30, size[1] - 40, 30):
        draw.text(
            (60, line), f"{line} the sum of all goods as agreed in our letter" * 2, "black", font_size=16
        )
    draw.text((700, 60), f"total {number} in all", "black", font_size=16)
    return paper


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("name", NAMES)
def test_compression_is_no_difference(name: str, quality: int) -> None:
    assert not differs_in_part(np.asarray(photograph(name)), saved(photograph(name), quality), 1)


@pytest.mark.parametrize("way", ["BOX", "BILINEAR", "LANCZOS"])
@pytest.mark.parametrize("name", NAMES)
def test_a_smaller_copy_is_no_difference_whatever_made_it_smaller(name: str, way: str) -> None:
    photo = photograph(name)
    small = photo.resize((photo.width * 2 // 5, photo.height // 2), Image.Resampling[way])
    assert not differs_in_part(np.asarray(photo), saved(small, 80), 1)
    assert not differs_in_part(saved(small, 80), np.asarray(photo), 1)


@pytest.mark.parametrize(("name", "quality"), [("bag-2", 40), ("casa-mila", 40), ("dog", 85), ("grass", 40)])
def test_faint_texture_and_rare_tones_that_another_compression_loses_are_no_difference(
    name: str, quality: int
) -> None:
    photo = photograph(name)
    assert not differs_in_part(np.asarray(photo), saved(photo, quality, "WEBP"), 1)
    assert differs_in_part(np.asarray(photo), saved(pasted(name, 0.03), quality, "WEBP"), 1)


@pytest.mark.parametrize(("name", "way", "times"), [("osprey", "BICUBIC", 3), ("grass", "BOX", 4)])
def test_nor_are_those_that_scaling_loses(name: str, way: str, times: int) -> None:
    photo = photograph(name)
    small = photo.resize((photo.width // times, photo.height // times), Image.Resampling[way])
    assert not differs_in_part(np.asarray(photo), saved(small, 60), 1)


@pytest.mark.parametrize("quality", [50, 95])
@pytest.mark.parametrize("name", NAMES)
def test_a_small_square_of_another_photo_is_a_difference(name: str, quality: int) -> None:
    photo = np.asarray(photograph(name))
    assert differs_in_part(photo, saved(pasted(name, 0.03), quality), 1)
    assert differs_in_part(saved(pasted(name, 0.03), quality), photo, 1)


@pytest.mark.parametrize("name", NAMES[::2])
def test_other_colours_of_the_same_brightness_are_a_difference(name: str) -> None:
    photo = photograph(name)
    luma, *colours = photo.convert("YCbCr").split()
    box = 50, 50, 66, 66
    for colour in colours:
        colour.paste(Image.eval(colour.crop(box), lambda level: (level + 128) % 256), box)
    changed = Image.merge("YCbCr", (luma, *colours)).convert("RGB")
    assert differs_in_part(np.asarray(photo), saved(changed, 80), 1)


@pytest.mark.parametrize("quality", [60, 90])
def test_another_digit_on_a_scanned_page_is_a_difference(quality: int) -> None:
    first, again, other = np.asarray(page("118.40")), saved(page("118.40"), quality), page("113.40")
    assert not differs_in_part(first, again, 1)
    assert differs_in_part(first, saved(other, quality), 1)


@pytest.mark.parametrize("turn", range(1, 9))
def test_turned_pictures_are_compared_upright(turn: int) -> None:
    for image, differs in ((photograph("pavilion"), False), (pasted("pavilion", 0.04), True)):
        stored = STORED_AS[turn]
        turned = image if stored is None else image.transpose(stored)
        assert differs_in_part(np.asarray(photograph("pavilion")), saved(turned, 85), turn) is differs


def test_other_tones_in_all_of_a_picture_are_no_difference() -> None:
    photo = np.asarray(photograph("casa-mila"))
    brighter = (255 * (photo / 255.0) ** 0.8).astype(np.uint8)
    assert not differs_in_part(photo, saved(Image.fromarray(brighter), 90), 1)


def test_a_copy_that_lacks_a_few_pixels_at_its_edges_is_laid_on_its_place() -> None:
    photo = photograph("casa-mila")
    cut = photo.crop((3, 2, photo.width - 1, photo.height - 2))
    assert not differs_in_part(np.asarray(photo), saved(cut, 90), 1)
    small = pasted("casa-mila", 0.02).crop((3, 2, photo.width - 1, photo.height - 2))
    assert differs_in_part(np.asarray(photo), saved(small, 90), 1)


def test_what_lies_in_place_is_not_moved() -> None:
    photo = photograph("casa-mila")
    noise = np.random.default_rng(0).normal(0, 3, (photo.height, photo.width, 1))
    noisy = np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8)
    assert full_size._laid(np.asarray(photo), noisy) is noisy


def test_the_measure_does_not_depend_on_how_many_rows_are_measured_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = FullPicture(np.asarray(photograph("dog"))), FullPicture(saved(photograph("dog"), 60))
    whole = largest_excess(*pair, 1)
    for rows in (16, 1 << 20):
        monkeypatch.setattr(full_size, "_STRIP_ROWS", rows)
        assert largest_excess(*pair, 1) == whole


def test_pictures_beyond_the_limit_are_compared_at_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_size, "MAX_COMPARED_PX", 240 * 160)
    photo = photograph("casa-mila")
    assert not differs_in_part(np.asarray(photo), saved(photo, 80), 1)
    assert differs_in_part(np.asarray(photo), saved(pasted("casa-mila", 0.08), 80), 1)


@pytest.mark.parametrize(("levels", "differs"), [(0, False), (6, False), (18, True), (60, True)])
def test_a_spot_counts_if_it_stands_out_from_what_noise_does_elsewhere(levels: int, *, differs: bool) -> None:
    random = np.random.default_rng(0)
    first, noise = random.normal(128, 20, (200, 300, 1)), random.normal(0, 4, (200, 300, 1))
    second = first + noise
    second[100:106, 150:156] += levels
    pair = [np.clip(each, 0, 255).astype(np.uint8).repeat(3, 2) for each in (first, second)]
    assert differs_in_part(pair[0], pair[1], 1) is differs


def test_a_picture_of_a_few_pixels_is_compared_too() -> None:
    tiny = np.asarray(photograph("casa-mila").resize((5, 5)))
    assert not differs_in_part(tiny, tiny, 1)


def test_a_faint_spot_on_an_even_ground_counts_from_the_level_that_rounding_cannot_leave() -> None:
    ground = np.full((200, 300, 3), 120, np.uint8)
    found = []
    for levels in (3, 7):
        spotted = ground.copy()
        spotted[100:106, 150:156] += np.uint8(levels)
        found.append(differs_in_part(ground, spotted, 1))
    assert found == [False, True]


@pytest.mark.parametrize(("levels", "differs"), [(8, False), (13, True)])
def test_a_pattern_that_one_picture_lacks_counts_if_it_stands_out_beside_places_of_as_much_texture(
    levels: int, *, differs: bool
) -> None:
    random = np.random.default_rng(0)
    first = np.full((200, 300), 128.0)
    first[:, 150:] += random.normal(0, 15, (200, 150))
    second = first + random.normal(0, 1, first.shape)
    second[:, 150:] += random.normal(0, 10, (200, 150))
    second[100:116, 60:76] += levels + 20 * (np.indices((16, 16)).sum(0) % 2 * 2 - 1)
    pair = [np.clip(each, 0, 255).astype(np.uint8)[..., None].repeat(3, 2) for each in (first, second)]
    assert differs_in_part(pair[0], pair[1], 1) is differs


def test_the_only_texture_of_a_picture_is_not_its_own_measure() -> None:
    random = np.random.default_rng(0)
    pair = [np.full((200, 200, 3), 120, np.uint8) for _ in range(2)]
    for picture in pair:
        picture[100:104, 100:104] = random.integers(0, 2, (4, 4, 1)) * 160 + 40
    assert differs_in_part(pair[0], pair[1], 1)


def test_other_grain_counts_on_plain_ground_but_not_in_a_small_patch_of_a_texture_of_its_own() -> None:
    random = np.random.default_rng(0)
    first = random.normal(120, 0.6, (150, 150))
    patch = np.s_[60:68, 60:68]
    grain, texture = random.normal(0, 8, (8, 8)), 60 * (np.indices((8, 8)).sum(0) % 2 * 2 - 1)
    found = []
    for pattern in (np.zeros((8, 8)), texture):
        pair = [first.copy(), first.copy()]
        pair[1][0, 0] += 4
        pair[0][patch] += pattern
        pair[1][patch] += pattern + grain
        shown = [np.clip(each, 0, 255).astype(np.uint8)[..., None].repeat(3, 2) for each in pair]
        found.append(differs_in_part(shown[0], shown[1], 1))
    assert found == [True, False]


def test_the_measure_is_what_its_limit_was_chosen_for() -> None:
    measured = [
        largest_excess(FullPicture(np.asarray(photograph(name))), FullPicture(saved(photograph(name), 60)), 1)
        for name in NAMES
    ]
    assert measured == pytest.approx(USUAL_EXCESSES, rel=0.02)
