"""What an edit does to the light of a whole picture is found again: tone curves, blur, uneven light."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.photographs import photograph

from vtsfind.find.features.features import Floats
from vtsfind.find.verification.block_grid import block_means
from vtsfind.find.verification.overlay import blurred
from vtsfind.find.verification.photometry import Photometry, apply_curve, equalise, fit_tone_curve, match_blur

RNG = np.random.default_rng(0)


def grey(name: str) -> Floats:
    return np.asarray(photograph(name).convert("L").resize((320, 240)), np.float32)


def everywhere(picture: Floats) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    return np.ones(block_means(picture).shape, bool), np.ones(picture.shape, bool)


@pytest.mark.parametrize("exponent", [0.5, 0.8, 1.6])
def test_a_gamma_is_found(exponent: float) -> None:
    source = grey("casa-mila")
    target = (255 * (source / 255) ** exponent).astype(np.float32)
    assert np.abs(apply_curve(source, fit_tone_curve(source.ravel(), target.ravel())) - target).mean() < 1.5


@given(st.lists(st.floats(0, 255, width=32), min_size=300, max_size=400), st.randoms(use_true_random=False))
def test_a_curve_never_falls(tones: list[float], random: object) -> None:
    source = np.array(tones, np.float32)
    target = np.roll(source, 7)
    del random
    assert (np.diff(fit_tone_curve(source, target)) >= -1e-3).all()


def test_few_pixels_give_a_shift_only() -> None:
    source = np.full(50, 100, np.float32)
    curve = fit_tone_curve(source, source + 20)
    assert curve[100] == 120
    assert curve[0] == 20
    assert curve[255] == 255


@pytest.mark.parametrize("sigma", [1.3, 2.0, 3.0])
def test_the_sharper_picture_is_blurred_by_as_much_as_the_other_was(sigma: float) -> None:
    sharp = grey("pavilion")
    soft = blurred(sharp, sigma)
    full, _ = everywhere(sharp)
    forth, likeness = match_blur(soft, sharp, full)
    back, _ = match_blur(sharp, soft, full)
    assert forth == pytest.approx(sigma, rel=0.45)
    assert back == pytest.approx(-sigma, rel=0.45)
    assert likeness > 0.99


def test_equal_pictures_need_no_blur() -> None:
    picture = grey("cat")
    sigma, likeness = match_blur(picture, picture, everywhere(picture)[0])
    assert sigma == 0
    assert likeness == pytest.approx(1, abs=1e-3)


def test_light_that_falls_off_is_no_change() -> None:
    target = grey("casa-mila") * 0.8 + 20
    across = np.linspace(-1, 1, target.shape[1], dtype=np.float32)
    dimmed = target * (1 - 0.35 * across**2)
    light = equalise(target, dimmed.astype(np.float32), *everywhere(target))
    assert light.light_levels > 15
    assert _left(light)[16:-16, 16:-16].mean() < 3


def test_a_square_of_another_photo_is_not_explained_away() -> None:
    target = grey("casa-mila")
    pasted = target.copy()
    pasted[96:144, 112:160] = grey("cat")[96:144, 112:160]
    light = equalise(target, pasted, *everywhere(target))
    off = _left(light)
    assert off[100:140, 116:156].mean() > 10 * off[:80].mean()


def test_a_rare_tone_of_a_page_of_flat_colours_stays_what_it_is() -> None:
    page = np.full((240, 320), 90, np.float32)
    page[60:130, 30:60], page[150:210, 60:75], page[100:108, 200:300] = 20, 40, 200
    other = page + RNG.normal(0, 1, page.shape).astype(np.float32)
    light = equalise(page, other, *everywhere(page))
    assert _left(light)[100:108, 200:300].mean() < 2
    assert light.tone_range > 240


def _left(light: Photometry) -> Floats:
    """What is left of the difference of two pictures, (h, w) levels."""
    return np.asarray(np.abs(light.blocks.target.picture - light.blocks.source.picture))
