"""Another number in the same place is another page; what was written on, struck out or pasted in is an edit of the same one."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageOps
from support.photographs import photograph

from vtsfind.base.groups import Difference
from vtsfind.find.verification.explained import FullPicture
from vtsfind.find.verification.full_size import difference
from vtsfind.find.verification.replaced import is_replaced

SIZE = 420, 300
PLACE = 150, 142
INK, PAPER = 20, 240


def page(words: str, *, ink: int = INK, paper: int = PAPER, size: int = 16) -> Image.Image:
    """Lines of one text, and in one of them some words."""
    image = Image.new("L", SIZE, paper)
    draw = ImageDraw.Draw(image)
    for y in range(20, 280, 20):
        draw.text((20, y), "goods as agreed", ink, font_size=14)
    draw.text(PLACE, words, ink, font_size=size)
    return image.convert("RGB")


def between(first: Image.Image, second: Image.Image) -> Difference:
    """What two pictures differ in, whichever comes first."""
    one, other = (FullPicture(np.asarray(each)) for each in (first, second))
    found = difference(one, other, 1)
    assert difference(other, one, 1) is found
    return found


@pytest.mark.parametrize("size", [12, 16, 30])
@pytest.mark.parametrize(("ink", "paper"), [(20, 240), (230, 15), (60, 160)])
def test_another_amount_is_another_page(ink: int, paper: int, size: int) -> None:
    first, second = (page(words, ink=ink, paper=paper, size=size) for words in ("1,284.60", "7,953.20"))
    assert between(first, second) is Difference.REPLACED


def _written_on(image: Image.Image) -> None:
    ImageDraw.Draw(image).text((250, 140), "paid", 20, font_size=18)


def _blacked_out(image: Image.Image) -> None:
    ImageDraw.Draw(image).rectangle((145, 138, 225, 162), (0, 0, 0))


def _wiped_out(image: Image.Image) -> None:
    ImageDraw.Draw(image).rectangle((145, 138, 225, 162), (PAPER, PAPER, PAPER))


def _struck_through(image: Image.Image) -> None:
    ImageDraw.Draw(image).line((145, 150, 225, 150), (INK, INK, INK), 4)


def _pixelated(image: Image.Image) -> None:
    box = 145, 138, 225, 162
    image.paste(image.crop(box).resize((8, 3), Image.Resampling.BOX).resize((80, 24), 0), box)


def _stamped(image: Image.Image) -> None:
    ImageDraw.Draw(image).ellipse((130, 130, 240, 172), (200, 60, 60))


def _covered(image: Image.Image) -> None:
    image.paste(ImageOps.fit(photograph("pavilion"), (80, 24)), (145, 138))


@pytest.mark.parametrize(
    "edit", [_written_on, _blacked_out, _wiped_out, _struck_through, _pixelated, _stamped, _covered]
)
def test_a_page_on_which_something_was_done_is_an_edit(edit: Callable[[Image.Image], None]) -> None:
    changed = page("1,284.60")
    edit(changed)
    assert between(page("1,284.60"), changed) is Difference.PART


def test_words_on_a_photo_and_other_words_in_their_place_are_edits() -> None:
    photo = photograph("casa-mila")
    first, second = photo.copy(), photo.copy()
    for image, words in ((first, "HELLO"), (second, "WORLD")):
        ImageDraw.Draw(image).text((60, 60), words, "white", font_size=30)
    assert between(photo, first) is Difference.PART
    assert between(photo, second) is Difference.PART


def test_another_number_on_a_plate_in_a_photo_is_another_picture() -> None:
    plated = []
    for number in ("284 6", "957 3"):
        photo = photograph("casa-mila").copy()
        ImageDraw.Draw(photo).rectangle((50, 50, 150, 90), "white")
        ImageDraw.Draw(photo).text((60, 52), number, "black", font_size=28)
        plated.append(photo)
    assert between(*plated) is Difference.REPLACED


def test_a_thing_in_another_place_on_an_even_ground_is_another_picture_though_none_is_written() -> None:
    shown = []
    for left in (100, 118):
        image = page("")
        ImageDraw.Draw(image).ellipse((left, 200, left + 16, 216), (20, 20, 20))
        shown.append(image)
    assert between(*shown) is Difference.REPLACED


def exchanged(pixels: int, ground: int = 240) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """A bar of so many pixels that stands in another row."""
    pair = [np.full((60, 60), ground, np.uint8) for _ in range(2)]
    for row, picture in zip((30, 31), pair, strict=True):
        picture[row, 20 : 20 + pixels] = 20
    return pair[0], pair[1]


@pytest.mark.parametrize(("pixels", "counts"), [(5, False), (6, True)])
def test_a_few_pixels_say_nothing(pixels: int, *, counts: bool) -> None:
    first, second = exchanged(pixels)
    assert is_replaced(first, second, first != second) is counts
    assert not is_replaced(first, second, np.zeros(first.shape, bool))


@pytest.mark.parametrize(("levels", "counts"), [(36, True), (54, False)])
def test_both_inks_are_of_one_tone(levels: int, *, counts: bool) -> None:
    first, second = exchanged(10)
    second[second == 20] += np.uint8(levels)
    assert is_replaced(first, second, first != second) is counts


@pytest.mark.parametrize(("rest", "counts"), [(4, True), (2, False)])
def test_the_rarer_way_is_no_accident(rest: int, *, counts: bool) -> None:
    first, second = exchanged(12)
    first[30, 20 + rest : 32] = 240
    assert is_replaced(first, second, first != second) is counts


@pytest.mark.parametrize(
    ("columns", "level", "counts"), [(14, 130, True), (24, 130, False), (24, 210, True), (24, 180, False)]
)
def test_most_of_the_place_is_ground(columns: int, level: int, *, counts: bool) -> None:
    first, second = exchanged(20)
    changed = first != second
    for picture in (first, second):
        picture[:, :columns][picture[:, :columns] == 240] = level
    assert is_replaced(first, second, changed) is counts


@pytest.mark.parametrize(("margin", "counts"), [(4, True), (7, False)])
def test_the_paper_around_a_small_shaded_box_is_the_ground_of_what_is_in_it(
    margin: int, *, counts: bool
) -> None:
    first, second = exchanged(10)
    changed = first != second
    box = np.s_[30 - margin : 32 + margin, 20 - margin : 30 + margin]
    for picture in (first, second):
        picture[box][~changed[box]] = 130
    assert is_replaced(first, second, changed) is counts


@pytest.mark.parametrize(("level", "counts"), [(190, True), (170, False)])
def test_the_ground_is_about_what_is_between_the_inks(level: int, *, counts: bool) -> None:
    first, second = exchanged(20)
    changed = first != second
    for picture in (first, second):
        picture[changed & (picture == 240)] = level
    assert is_replaced(first, second, changed) is counts


@pytest.mark.parametrize(("gap", "counts"), [(6, True), (12, False)])
def test_a_change_is_about_as_large_as_a_letter(gap: int, *, counts: bool) -> None:
    pair = [np.full((60, 60), 240, np.uint8) for _ in range(2)]
    for left, picture in zip((20, 22 + gap), pair, strict=True):
        picture[20:30, left : left + 2] = 20
    assert is_replaced(pair[0], pair[1], pair[0] != pair[1]) is counts
