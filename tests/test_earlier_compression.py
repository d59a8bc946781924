"""What a JPEG of lower quality left in the pixels of a picture is found, whatever it was saved as since; nothing is found in others."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from support.drawn_photos import STORED_AS
from support.photographs import every, photograph

from vtsfind.media.earlier_compression import MIN_BELOW, earlier_quality, steps
from vtsfind.media.orientation import as_stored, upright
from vtsfind.media.quality import examine
from vtsfind.media.work import Setup

NAMES = every()[::4]
SETUP = Setup(pixel_limit=10**8, memory_bytes=0, timeout_s=10)


def reduced(name: str) -> Image.Image:
    """A photo without traces of how it was saved before."""
    photo = photograph(name)
    return photo.resize((photo.width * 3 // 4, photo.height * 3 // 4), Image.Resampling.LANCZOS)


def encoded(image: Image.Image, quality: int, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return file.getvalue()


def saved(image: Image.Image, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encoded(image, quality))).convert("RGB")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("quality", [12, 30, 55])
def test_a_lower_quality_before_is_found(name: str, quality: int) -> None:
    found = earlier_quality(np.asarray(saved(saved(reduced(name), quality), 90)), 90)
    assert found is not None
    assert quality - 5 <= found <= quality + 9


@pytest.mark.parametrize("name", NAMES)
def test_one_compression_alone_is_none_before_it(name: str) -> None:
    assert earlier_quality(np.asarray(saved(reduced(name), 85)), 85) is None


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_was_scaled_after_its_compression_shows_none(name: str) -> None:
    small = saved(photograph(name), 30)
    assert earlier_quality(np.asarray(saved(small.resize((190, 150)), 90)), 90) is None


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_other_formats_tell_of_the_jpeg_they_were_made_from(kind: str) -> None:
    content = encoded(saved(reduced("pavilion"), 25), 95, kind)
    found = examine(content, SETUP, shortest=256, full=True).details
    assert found.quality is None
    assert found.earlier_quality is not None
    assert abs(found.earlier_quality - 25) <= 5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_grid_is_that_of_the_pixels_as_they_are_stored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    photo = saved(reduced("casa-mila").crop((0, 0, 201, 155)), 20)
    photo.save(file, "JPEG", quality=92, exif=exif)
    found = examine(file.getvalue(), SETUP, shortest=64, full=True).details.earlier_quality
    assert found is not None
    assert abs(found - 20) <= 5


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_stored_is_shown_as_pillow_shows_it(orientation: int) -> None:
    shown = photograph("pavilion")
    stored_as = STORED_AS[orientation]
    stored = np.asarray(shown if stored_as is None else shown.transpose(stored_as))
    assert np.array_equal(upright(stored, orientation), np.asarray(shown))
    assert np.array_equal(as_stored(np.asarray(shown), orientation), stored)


def test_a_quality_too_near_to_that_of_the_file_is_not_told_apart() -> None:
    pixels = np.asarray(saved(saved(reduced("pavilion"), 80), 90))
    found = earlier_quality(pixels, 90)
    assert found is not None
    assert earlier_quality(pixels, found + MIN_BELOW - 1) is None


@pytest.mark.parametrize("size", [(1, 1), (7, 40), (16, 16)])
def test_a_picture_of_a_few_pixels_shows_none(size: tuple[int, int]) -> None:
    pixels: npt.NDArray[np.uint8] = np.full((size[1], size[0], 3), 90, np.uint8)
    assert earlier_quality(pixels, None) is None


@pytest.mark.parametrize("quality", [1, 17, 49, 50, 75, 100])
def test_the_tables_are_those_that_jpegs_have(quality: int) -> None:
    table = Image.open(io.BytesIO(encoded(Image.new("L", (8, 8)), quality))).quantization[0]  # type: ignore[attr-defined]
    assert sorted(steps(np.array([quality])).ravel()) == sorted(table)
