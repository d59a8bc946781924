"""A picture that is off by part of a pixel is laid on its place, whatever moved in it; one that is in its place is left alone."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from support.photographs import every, photograph

from vtsfind.find.verification.full_size import _laid

Pixels = npt.NDArray[np.uint8]
NAMES = every()[::6]
INNER = np.s_[8:-8, 8:-8]


def as_channels(name: str) -> Pixels:
    return np.asarray(cv2.cvtColor(np.asarray(photograph(name)), cv2.COLOR_RGB2YCrCb), np.uint8)


def moved(picture: Pixels, across: float, down: float) -> Pixels:
    """A picture whose content lies so many pixels to the right and below."""
    by = np.array([[1, 0, across], [0, 1, down]], np.float64)
    size = picture.shape[1], picture.shape[0]
    return np.asarray(
        cv2.warpAffine(picture, by, size, flags=cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT), np.uint8
    )


def apart(first: Pixels, second: Pixels) -> float:
    return float(np.abs(first[INNER].astype(np.int16) - second[INNER]).mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_is_off_by_part_of_a_pixel_is_laid_on_its_place(name: str) -> None:
    picture = as_channels(name)
    off = moved(picture, 0.7, -0.4)
    assert apart(picture, _laid(picture, off)) < 0.6 * apart(picture, off)


@pytest.mark.parametrize(("pixels", "is_left"), [(0.05, True), (0.12, False)])
def test_what_lies_in_its_place_is_left_alone(pixels: float, *, is_left: bool) -> None:
    picture = as_channels("casa-mila")
    off = moved(picture, pixels, 0)
    assert (_laid(picture, off) is off) is is_left


@pytest.mark.parametrize("name", NAMES)
def test_a_fifth_that_moved_elsewhere_has_no_say_in_where_the_rest_lies(name: str) -> None:
    picture = as_channels(name)
    edge = picture.shape[1] * 4 // 5
    off, rest = moved(picture, 0.6, 0), np.s_[:, :edge]
    off[:, edge:] = moved(picture, -2, 0)[:, edge:]
    assert apart(picture[rest], _laid(picture, off)[rest]) < 0.6 * apart(picture[rest], off[rest])


@pytest.mark.parametrize(("blocks", "is_left"), [(1, True), (2, False)])
def test_where_there_are_but_a_few_things_nobody_knows_where_it_lies(blocks: int, *, is_left: bool) -> None:
    random = np.random.default_rng(0)
    picture = np.full((256, 256, 3), 128, np.uint8)
    for number in range(blocks):
        y, x = 16 + 64 * (number // 4), 16 + 64 * (number % 4)
        spots = cv2.resize(random.integers(0, 256, (4, 4), np.uint8), (16, 16), interpolation=cv2.INTER_CUBIC)
        picture[y : y + 16, x : x + 16] = spots[..., None]
    off = moved(picture, 0.5, 0)
    assert (_laid(picture, off) is off) is is_left
