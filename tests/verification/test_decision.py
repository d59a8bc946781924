"""What counts as the same picture, as an edit, and as another one: on real photographs, with edits made here.

The photographs are those of tests/data, none of which the decision was fitted to.
"""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from support.photographs import every, photograph

from vtsfind.base.groups import COPIES, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import features
from vtsfind.find.verification.verify import PhotoFeatures, verify

Edit = Callable[[Image.Image], Image.Image]
DETAILED = [name for name in every() if name not in {"deep-field", "rocket-night", "grass"}]
"""Those with enough to be recognised by at a third of their size."""


def verdict(first: Image.Image, second: Image.Image) -> Verdict | None:
    pair = [
        PhotoFeatures(
            features(np.asarray(image.convert("RGB"))), PictureInfo(*image.size), bytes([number]) * 32
        )
        for number, image in enumerate((first, second))
    ]
    forth, back = verify(*pair), verify(*reversed(pair))
    assert (forth and forth[0]) == (back and back[0])
    return forth[0] if forth else None


def saved(image: Image.Image, kind: str = "JPEG", quality: int = 60) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return Image.open(file).convert("RGB")


def scaled(image: Image.Image, across: float, down: float | None = None) -> Image.Image:
    return image.resize(
        (round(image.width * across), round(image.height * (down or across))), Image.Resampling.LANCZOS
    )


def window(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = image.size
    return image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    )


def with_words(image: Image.Image) -> Image.Image:
    marked = image.copy()
    size = image.height // 10
    ImageDraw.Draw(marked).text(
        (size // 2, size // 2), "MONDAY", "white", font_size=size, stroke_width=2, stroke_fill="black"
    )
    return marked


def screenshot(image: Image.Image) -> Image.Image:
    screen = Image.new("RGB", (image.width, image.height * 2), (18, 18, 20))
    draw = ImageDraw.Draw(screen)
    draw.text((10, 8), "10:24", "white", font_size=18)
    draw.rounded_rectangle((20, image.height * 1.6, image.width * 0.7, image.height * 1.8), 12, (40, 120, 60))
    screen.paste(image, (0, image.height // 3))
    return screen


def passed_around(image: Image.Image) -> Image.Image:
    small = with_words(ImageOps.mirror(window(image, 0.05, 0.1, 0.85, 0.95)))
    small.thumbnail((240, 240))
    return saved(small, quality=40)


MOST_MISSED = {"passed around": 5}
"""Of the photographs, by an edit."""
MOST_MISSED_BY_OTHERS = 2
SAME: dict[str, Edit] = {
    "JPEG 60": saved,
    "JPEG 25": lambda image: saved(image, quality=25),
    "WebP": lambda image: saved(image, "WEBP", 50),
    "half": lambda image: scaled(image, 0.5),
    "half, JPEG 50": lambda image: saved(scaled(image, 0.5), quality=50),
    "squashed": lambda image: scaled(image, 0.6, 0.8),
    "enlarged": lambda image: scaled(image, 1.5),
}
EDITS: dict[str, Edit] = {
    "cropped": lambda image: window(image, 0.1, 0.15, 0.9, 0.9),
    "turned by 7 degrees": lambda image: image.rotate(7, Image.Resampling.BICUBIC, expand=True),
    "framed": lambda image: ImageOps.expand(image, 30, "white"),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.6),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "sharpened": lambda image: image.filter(ImageFilter.UnsharpMask(3, 200, 0)),
    "words": with_words,
    "passed around": passed_around,
    "screenshot": screenshot,
    "screenshot, small": lambda image: saved(scaled(screenshot(image), 0.5), quality=70),
}


@pytest.mark.parametrize("edit", SAME)
def test_a_picture_encoded_anew_or_resized_is_the_same(edit: str) -> None:
    found = {name: verdict(photograph(name), SAME[edit](photograph(name))) for name in DETAILED}
    assert {name: v for name, v in found.items() if v is not Verdict.RESAVE} == {}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_picture_is_a_version_of_its_original(edit: str) -> None:
    found = {name: verdict(photograph(name), EDITS[edit](photograph(name))) for name in DETAILED}
    missed = [name for name, v in found.items() if v not in COPIES]
    assert len(missed) <= MOST_MISSED.get(edit, MOST_MISSED_BY_OTHERS), missed


@pytest.mark.parametrize("share", [0.03, 0.06])
@pytest.mark.parametrize("name", DETAILED[::2])
def test_a_square_of_another_photo_makes_it_another_picture(name: str, share: float) -> None:
    photo, other = photograph(name), photograph(DETAILED[DETAILED.index(name) - 1])
    side = round(share * max(photo.size))
    pasted = photo.copy()
    pasted.paste(other.crop((60, 60, 60 + side, 60 + side)), (photo.width // 2, photo.height // 2))
    assert verdict(photo, saved(pasted, quality=90)) in {Verdict.EDIT, Verdict.BURST, None}


def test_a_black_and_white_version_is_an_edit() -> None:
    colourful = [name for name in DETAILED if np.ptp(np.asarray(photograph(name)), 2).mean() > 20]
    assert len(colourful) > 10
    found = {
        name: verdict(photograph(name), ImageOps.grayscale(photograph(name)).convert("RGB"))
        for name in colourful
    }
    assert set(found.values()) == {Verdict.EDIT}


@pytest.mark.parametrize("scene", ["red-rock", "ridge", "temple", "bag", "forest-path"])
def test_another_shot_of_a_scene_is_no_version(scene: str) -> None:
    assert verdict(photograph(f"{scene}-1"), photograph(f"{scene}-2")) not in COPIES


def test_screens_that_show_other_photos_are_no_versions() -> None:
    screens = [screenshot(scaled(photograph(name), 1.0).resize((480, 320))) for name in DETAILED[:12]]
    found = [verdict(first, second) for first, second in zip(screens[::2], screens[1::2], strict=True)]
    assert not COPIES_SET.intersection(found)


def test_unrelated_photographs_are_nothing_to_each_other() -> None:
    names = [name for name in DETAILED if not name[-1].isdigit()]
    found = [verdict(photograph(a), photograph(b)) for a, b in pairwise(names)]
    assert not COPIES_SET.intersection(found)


COPIES_SET = set(COPIES)
