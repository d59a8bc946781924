"""The best of several shots, by sharpness and exposure: real photos, made worse in known ways."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from vtsfind.act.best_shot import BestShot, best_shot
from vtsfind.media.decode import Pixels
from vtsfind.media.shot_quality import RateShot, ShotQuality, shot_quality
from vtsfind.media.work import Setup

PHOTOS = sorted((Path(__file__).parent / "data" / "photos").glob("*.jpg"))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def pixels(image: Image.Image) -> Pixels:
    return np.asarray(image)


def best(*shots: Pixels) -> BestShot:
    found = best_shot([shot_quality(shot, max(shot.shape)) for shot in shots])
    assert found
    return found


def exposed(image: Image.Image, stops: float) -> Image.Image:
    """A photo of another exposure; what gets too bright is white."""
    linear = (np.asarray(image) / 255) ** 2.2 * 2**stops
    return Image.fromarray((np.clip(linear, 0, 1) ** (1 / 2.2) * 255).round().astype(np.uint8))


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_a_blurred_shot_is_never_the_best(path: Path) -> None:
    sharp = opened(path)
    shots = [sharp.filter(ImageFilter.GaussianBlur(1.5)), sharp, sharp.filter(ImageFilter.GaussianBlur(3))]
    found = best(*map(pixels, shots))
    assert found.best == 1
    assert found.reasons[1].startswith("sharpest of 3 shots")
    assert found.reasons[2].startswith("less sharp, ")


def test_a_subject_in_focus_beats_a_background_in_focus_of_less_detail() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    blurred = pixels(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6)))
    subject = blurred.copy()
    subject[100:200, 150:250] = noise[100:200, 150:250]
    assert best(blurred, subject).best == 1


def test_a_blown_out_shot_loses_against_a_well_exposed_one() -> None:
    photo = opened(next(path for path in PHOTOS if path.stem == "temple-1"))
    bright = exposed(photo, 2.5)
    found = best(pixels(bright), pixels(photo))
    assert found.best == 1
    assert "blown out" in found.reasons[0]


@pytest.mark.parametrize("path", PHOTOS[:8], ids=lambda path: path.stem)
def test_of_shots_that_differ_only_in_compression_the_first_is_suggested(path: Path, tmp_path: Path) -> None:
    photo = opened(path)
    photo.save(tmp_path / "a.jpg", quality=95)
    photo.save(tmp_path / "b.jpg", quality=92)
    for names in (("a.jpg", "b.jpg"), ("b.jpg", "a.jpg")):
        assert best(*(pixels(opened(tmp_path / name)) for name in names)) == BestShot(
            0,
            (
                "about as good as another shot of its size",
                "as sharp as the kept one, with no more blown out or black",
            ),
        )


def test_a_darker_shot_is_never_called_the_better_exposed_one() -> None:
    dark, bright = ShotQuality(10.0, 0.0, 0.0), ShotQuality(10.0, 0.08, 0.0)
    found = best_shot([bright, dark])
    assert found == BestShot(1, ("8 % is blown out", "least blown out of 2 shots"))
    found = best_shot([ShotQuality(10.0, 0.0, 0.08), dark])
    assert found == BestShot(1, ("8 % is black", "least black of 2 shots"))


def test_faults_of_the_best_shot_and_merits_of_the_others_are_told() -> None:
    found = best_shot([ShotQuality(10.0, 0.16, 0.0), ShotQuality(3.0, 0.01, 0.02)])
    assert found == BestShot(
        0,
        (
            "sharpest and least black of 2 shots, but 16 % is blown out",
            "less sharp, 30 % of the kept one, 2 % is black, but less is blown out",
        ),
    )
    found = best_shot([ShotQuality(10.0, 0.0, 0.05), ShotQuality(8.9, 0.0, 0.0)])
    assert found == BestShot(
        0,
        (
            "about as good as another shot of its size, but 5 % is black",
            "less sharp, 89 % of the kept one, but less is black",
        ),
    )


def test_what_both_shots_lost_is_told_of_both() -> None:
    found = best_shot([ShotQuality(10.0, 0.07, 0.0), ShotQuality(10.0, 0.1, 0.0)])
    assert found == BestShot(0, ("least blown out of 2 shots", "10 % is blown out (7 % of the kept one)"))


def test_a_shot_that_is_turned_by_its_file_is_rated_as_it_is_shown(tmp_path: Path) -> None:
    photo = opened(PHOTOS[0])
    photo.save(tmp_path / "shown.png")
    turned = photo.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned.save(tmp_path / "turned.png", exif=exif)
    setup = Setup(pixel_limit=10**9, memory_bytes=10**9, timeout_s=60.0)
    rated = [RateShot()((tmp_path / name).read_bytes(), setup).data for name in ("shown.png", "turned.png")]
    assert rated[0] == rated[1]


def test_of_two_sharp_shots_the_first_is_the_best_though_a_blurred_one_comes_before() -> None:
    sharp, soft = ShotQuality(10.0, 0.0, 0.0), ShotQuality(5.0, 0.0, 0.0)
    found = best_shot([soft, sharp, sharp])
    assert found == BestShot(
        1,
        (
            "less sharp, 50 % of the kept one",
            "about as good as another shot of its size",
            "as sharp as the kept one, with no more blown out or black",
        ),
    )


def test_a_shot_that_cannot_be_read_is_left_out() -> None:
    good, soft = ShotQuality(10.0, 0.0, 0.0), ShotQuality(5.0, 0.0, 0.0)
    found = best_shot([None, soft, good])
    assert found
    assert (found.best, found.reasons[0]) == (2, "")
    assert best_shot([None, good]) is None
    assert best_shot([]) is None


def test_a_rating_is_stored_as_it_is() -> None:
    rating = ShotQuality(1 / 3, 0.1, 1e-9)
    assert ShotQuality.from_bytes(rating.to_bytes()) == rating


@pytest.mark.parametrize("size", [(1, 1), (7, 500), (33, 40), (64, 1)])
def test_pictures_of_any_shape_are_rated(size: tuple[int, int]) -> None:
    quality = shot_quality(np.full((*size, 3), 128, np.uint8), max(size))
    assert (quality.sharpness, quality.white, quality.black) == (0.0, 0.0, 0.0)
