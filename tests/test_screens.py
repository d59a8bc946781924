"""A screen of a telephone is known by its status bar."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from support.drawn_photos import encoded
from support.textures import photograph

from vtsfind.media.decode import decode
from vtsfind.media.screens import has_status_bar

PHOTOS = sorted((Path(__file__).parent / "data" / "photos").glob("*.jpg"))
WIDTH, HEIGHT = 720, 1560


def screen(ground: str, ink: str, *, bar: bool = True, middle: str = "") -> Image.Image:
    """A gallery that shows a photo below its bars."""
    image = Image.new("RGB", (WIDTH, HEIGHT), ground)
    image.paste(photograph(3).resize((WIDTH, WIDTH * 3 // 4)), (0, 400))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(26)
    if bar:
        draw.text((40, 18), "12:47", ink, font)
        draw.text((WIDTH // 2, 18), middle, ink, font)
        draw.rectangle((560, 22, 584, 44), ink)
        draw.ellipse((600, 22, 624, 44), ink)
        draw.rectangle((640, 22, 680, 44), ink)
    draw.text((40, 120), "Gallery", ink, ImageFont.load_default(50))
    return image


@pytest.mark.parametrize(
    ("ground", "ink"), [("white", "#202020"), ("#101418", "#e0e0e0"), ("#3050b0", "white")]
)
@pytest.mark.parametrize("factor", [1.0, 0.6])
def test_a_screen_with_a_status_bar_is_known_also_reduced_and_saved_as_jpeg(
    ground: str, ink: str, factor: float
) -> None:
    image = screen(ground, ink)
    smaller = image.resize((round(WIDTH * factor), round(HEIGHT * factor)), Image.Resampling.LANCZOS)
    pixels, _ = decode(encoded(smaller, "JPEG", quality=80), shortest=384)
    assert has_status_bar(pixels)


def test_what_has_no_status_bar_is_no_screen() -> None:
    without = [
        screen("white", "black", bar=False),
        screen("white", "black", middle="A title in the middle"),
        screen("white", "black").rotate(90, expand=True),
        Image.new("RGB", (WIDTH, HEIGHT), "white"),
        Image.new("RGB", (1, 1)),
    ]
    assert [has_status_bar(np.asarray(image)) for image in without] == [False] * 5


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_photos_are_no_screens(path: Path) -> None:
    for image in (Image.open(path).convert("RGB"), Image.open(path).convert("RGB").rotate(90, expand=True)):
        assert not has_status_bar(np.asarray(image))
