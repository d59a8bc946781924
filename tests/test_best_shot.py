"""The best of several shots, by sharpness and exposure: real photos, made worse in known ways."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vtsfind.engine.previews.decode import Pixels
from vtsfind.engine.review.best_shot import ShotQuality, best_shot, shot_quality

PHOTOS = sorted((Path(__file__).parent / "data" / "photos").glob("*.jpg"))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image)


def exposed(image: Image.Image, stops: float) -> Image.Image:
    """A photo of another exposure; what gets too bright is white."""
    linear = (np.asarray(image) / 255) ** 2.2 * 2**stops
    return Image.fromarray((np.clip(linear, 0, 1) ** (1 / 2.2) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_blurred_shot_is_never_the_best(path: Path) -> None:
    sharp = opened(path)
    shots = [sharp.filter(ImageFilter.GaussianBlur(1.5)), sharp, sharp.filter(ImageFilter.GaussianBlur(3))]
    found = best_shot([shot_quality(pixels(shot)) for shot in shots])
    assert found.best == 1
    assert found.reasons[1] == "sharpest"
    assert found.reasons[2].startswith("less sharp (")


def test_a_subject_in_focus_beats_a_background_in_focus_of_less_detail() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    blurred = pixels(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6)))
    subject = blurred.copy()
    subject[100:200, 150:250] = noise[100:200, 150:250]
    assert best_shot([shot_quality(blurred), shot_quality(subject)]).best == 1


def test_a_blown_out_shot_loses_against_a_well_exposed_one() -> None:
    photo = opened(next(path for path in PHOTOS if path.stem == "temple-1"))
    bright = exposed(photo, 2.5)
    found = best_shot([shot_quality(pixels(bright)), shot_quality(pixels(photo))])
    assert found.best == 1
    assert "blown out" in found.reasons[0]


@pytest.mark.parametrize("path", PHOTOS[:8], ids=lambda path: path.stem)
def test_of_shots_that_differ_only_in_compression_none_is_suggested(path: Path, tmp_path: Path) -> None:
    photo = opened(path)
    photo.save(tmp_path / "a.jpg", quality=95)
    photo.save(tmp_path / "b.jpg", quality=92)
    found = best_shot([shot_quality(pixels(opened(tmp_path / name))) for name in ("a.jpg", "b.jpg")])
    assert found.best is None
    assert set(found.reasons) == {"as sharp and as well exposed as the best"}


def test_a_shot_that_cannot_be_read_is_left_out() -> None:
    good, soft = ShotQuality(10.0, 0.0, 0.0), ShotQuality(5.0, 0.0, 0.0)
    assert best_shot([None, soft, good]).best == 2
    assert best_shot([None, good]).best is None
    assert best_shot([None, None]).reasons == ("", "")
    assert best_shot([]).reasons == ()


@pytest.mark.parametrize("size", [(1, 1), (7, 500), (33, 40), (64, 1)])
def test_pictures_of_any_shape_are_rated(size: tuple[int, int]) -> None:
    quality = shot_quality(np.full((*size, 3), 128, np.uint8))
    assert (quality.sharpness, quality.white, quality.black) == (0.0, 0.0, 0.0)
