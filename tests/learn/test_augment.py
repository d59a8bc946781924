"""Views made by tensors: each edit does what its name says, to each picture of a batch by itself."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.augment import detail, geometry, jpeg, overlays, tone, views
from vtsfind.learn.augment.draws import Draws, change
from vtsfind.learn.augment.pool import PicturePool, fill_pool
from vtsfind.learn.data import formats
from vtsfind.media import sprites

PHOTOS = Path(__file__).parents[1] / "data/photos"
CPU = torch.device("cpu")
NONE = torch.tensor([False])


@pytest.fixture(scope="module")
def pool() -> PicturePool:
    pictures = formats.load([formats.Source("photos", PHOTOS.name)], PHOTOS.parent, shortest=96)
    return fill_pool(pictures, 96, CPU, SilentProgress(), CancelToken())


def draws(views_count: int, seed: int = 1, strength: float = 1.0) -> Draws:
    return Draws.seeded(views_count, (seed,), CPU, strength)


def column(*values: float) -> Tensor:
    return torch.tensor(values)


def sampled(picture: Tensor, maps: Tensor) -> Tensor:
    return geometry.sample(picture[None], maps, picture.shape[-1], torch.zeros(1, 3))[0]


def test_pictures_of_a_pool_are_those_of_the_files_squashed_to_squares(pool: PicturePool) -> None:
    path = sorted(PHOTOS.glob("*.jpg"))[3]
    image = Image.open(path).convert("RGB")
    expected = torch.from_numpy(np.array(image.resize((96, 96), Image.Resampling.BICUBIC)))
    found = pool.pictures(torch.tensor([3]))[0].permute(1, 2, 0) * 255
    assert pool.aspects[3] == pytest.approx(image.width / image.height, rel=0.02)
    assert (found - expected).abs().mean() < 3


def test_mirroring_twice_gives_the_picture(pool: PicturePool) -> None:
    whole = pool.pictures(torch.tensor([5]))[0]
    once = geometry.mirroring(column(1).bool(), NONE)
    unchanged = sampled(whole, torch.eye(3)[None])
    assert torch.allclose(sampled(whole, once), unchanged.flip(2), atol=1e-5)
    assert torch.allclose(sampled(whole, once @ once), unchanged, atol=1e-5)


def test_four_quarter_turns_give_the_picture_and_one_turns_it(pool: PicturePool) -> None:
    whole = pool.pictures(torch.tensor([5]))[0]
    once = geometry.quarter_turning(column(1).bool())
    unchanged = sampled(whole, torch.eye(3)[None])
    assert torch.allclose(sampled(whole, once), unchanged.rot90(1, (1, 2)), atol=1e-5)
    assert torch.allclose(once @ once @ once @ once, torch.eye(3)[None], atol=1e-6)


def test_a_window_shows_the_part_of_the_picture_that_it_names(pool: PicturePool) -> None:
    whole = pool.pictures(torch.tensor([7]))[0]
    right_half = geometry.windowing(column(0.5), column(1.0), column(1.0), column(0.0))
    expected = torch.nn.functional.interpolate(whole[None, :, :, 48:], (96, 96), mode="bilinear")[0]
    assert (sampled(whole, right_half) - expected).abs()[:, :, 4:-4].mean() < 0.01


def test_a_turn_back_by_the_same_angle_gives_the_picture() -> None:
    aspect, keeps = column(1.5), NONE
    there, _ = geometry.rotating(column(0.4), aspect, keeps)
    back, _ = geometry.rotating(column(-0.4), aspect, keeps)
    assert torch.allclose(there @ back, torch.eye(3)[None], atol=1e-6)


def test_a_turn_that_shows_all_keeps_every_corner_within_the_view() -> None:
    turn, aspect = geometry.rotating(column(0.5), column(1.5), column(1).bool())
    corners = torch.tensor([[x, y, 1.0] for x in (-1, 1) for y in (-1, 1)]).T
    assert (torch.linalg.inv(turn[0]) @ corners)[:2].abs().max() <= 1 + 1e-6
    assert aspect[0] == pytest.approx((1.5 * np.cos(0.5) + np.sin(0.5)) / (1.5 * np.sin(0.5) + np.cos(0.5)))


@pytest.mark.parametrize("quality", [15, 40, 75, 92])
def test_jpeg_changes_photos_as_pillow_s_does(pool: PicturePool, quality: int) -> None:
    whole = pool.pictures(torch.arange(0, len(pool), 3))
    ours = jpeg.jpeg(whole, torch.full((len(whole),), float(quality))) * 255
    for before, after in zip(whole * 255, ours, strict=True):
        buffer = io.BytesIO()
        pixels = before.round().to(torch.uint8).permute(1, 2, 0).numpy()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
        theirs = torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1).float()
        assert (after - theirs).abs().mean() < 0.3 * (before - theirs).abs().mean() + 0.5


def test_jpeg_takes_pictures_of_any_side() -> None:
    picture = torch.rand(1, 3, 21, 35)
    assert jpeg.jpeg(picture, column(99.0)).shape == picture.shape


def test_a_blur_is_that_of_a_normal_distribution() -> None:
    point = torch.zeros(1, 3, 41, 41)
    point[:, :, 20, 20] = 1
    soft = detail.gaussian_blur(point, column(2.0))[0, 0]
    offsets = torch.arange(41) - 20.0
    assert soft.sum() == pytest.approx(1, abs=1e-5)
    assert (soft.sum(0) * offsets**2).sum() == pytest.approx(4, rel=0.05)
    assert torch.allclose(soft, soft.T, atol=1e-7)


def test_a_blur_leaves_a_flat_picture_as_it_is_up_to_its_edges() -> None:
    flat = torch.full((2, 3, 20, 20), 0.3)
    assert torch.allclose(detail.gaussian_blur(flat, column(0.5, 2.4)), flat, atol=1e-6)


def test_a_pasted_layer_covers_its_box_alone() -> None:
    ground = torch.zeros(1, 3, 64, 64)
    layer = torch.ones(1, 4, 8, 8)
    box = torch.tensor([[0.5, -0.5, 0.25, 0.25]])
    laid = overlays.paste(ground, layer, box)[0, 0]
    assert laid[12:20, 44:52].min() == 1
    assert laid.sum() == pytest.approx(16 * 16, rel=0.1)
    assert laid[32:].max() == 0


def test_a_transparent_layer_changes_nothing(pool: PicturePool) -> None:
    whole = pool.pictures(torch.tensor([2]))
    clear = torch.cat([torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)], dim=1)
    assert torch.equal(overlays.paste(whole, clear, torch.tensor([[0.0, 0.0, 1.0, 1.0]])), whole)


def test_sprites_are_pictures_with_opacity_and_no_two_are_alike() -> None:
    drawn = sprites.draw_sprites(40, np.random.default_rng(0))
    assert drawn.shape == (40, sprites.HEIGHT_PX, sprites.WIDTH_PX, 4)
    assert drawn.dtype == np.uint8
    assert (drawn[..., 3].max((1, 2)) > 0).all()
    assert len({sprite.tobytes() for sprite in drawn}) == 40


def test_mixtures_show_the_other_picture_and_most_views_are_not_mixed() -> None:
    mine, other = torch.zeros(400, 3, 16, 16), torch.ones(400, 3, 16, 16)
    mixed = overlays.mixed(mine, lambda rows: other[rows], draws(400))
    share = mixed.mean((1, 2, 3))
    assert 0.08 < (share > 0).float().mean() < 0.25
    assert share.max() < 0.75


@pytest.mark.parametrize(
    "edit", [tone.toned, tone.mildly_toned, detail.blurred, detail.noisy, jpeg.recompressed]
)
def test_an_edit_keeps_pictures_within_their_range(
    pool: PicturePool, edit: Callable[[Tensor, Draws], Tensor]
) -> None:
    whole = pool.pictures(torch.arange(30).repeat(4))
    changed = edit(whole, draws(len(whole)))
    assert changed.shape == whole.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.equal(changed, whole)


def test_only_chosen_pictures_change(pool: PicturePool) -> None:
    whole = pool.pictures(torch.arange(4))
    changed = change(whole, torch.tensor([False, True, False, True]), lambda some, _: 1 - some)
    assert torch.equal(changed[[0, 2]], whole[[0, 2]])
    assert torch.equal(changed[[1, 3]], 1 - whole[[1, 3]])


def test_views_are_pictures_of_bytes(pool: PicturePool) -> None:
    made = views.as_pixels(views.edited(pool, torch.arange(30), draws(30), 50))
    assert made.shape == (30, 50, 50, 3)
    assert made.dtype == torch.uint8
    assert made.float().std() > 20


def test_the_same_seed_gives_the_same_views_and_another_seed_others(pool: PicturePool) -> None:
    rows = torch.arange(12)
    first, again = (views.edited(pool, rows, draws(12), 48) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, views.edited(pool, rows, draws(12, seed=2), 48), atol=0.1)


@pytest.mark.parametrize("make", [views.edited, views.mild])
def test_a_view_is_the_same_alone_and_in_a_batch(
    pool: PicturePool, make: Callable[[PicturePool, Tensor, Draws, int], Tensor]
) -> None:
    rows = torch.arange(24) % 7
    batch = make(pool, rows, draws(24), 48)
    for place in range(24):
        own = slice(place, place + 1)
        alone = make(pool, rows[own], draws(24).of(own), 48)
        assert torch.allclose(alone[0], batch[place], atol=1 / 255)


@pytest.mark.parametrize("make", [views.edited, views.mild])
def test_all_of_a_view_is_made_on_the_device_of_its_pictures(
    make: Callable[[PicturePool, Tensor, Draws, int], Tensor],
) -> None:
    elsewhere = torch.device("meta")  # a device without values, which refuses most that lies on another
    pictures = PicturePool(torch.empty(9, 3, 64, 64, dtype=torch.uint8, device=elsewhere), torch.ones(9))
    made = make(pictures, torch.arange(60) % 9, Draws.seeded(60, (1,), elsewhere), 48)
    assert (made.device, made.shape) == (elsewhere, (60, 3, 48, 48))


def test_at_no_strength_a_view_is_the_picture(pool: PicturePool) -> None:
    rows = torch.arange(8)
    unedited = views.edited(pool, rows, draws(8, strength=0), 48)
    assert (unedited - views.plain(pool, rows, 48)).abs().mean() < 0.02


def test_most_edited_views_still_look_like_their_picture_and_not_like_another(pool: PicturePool) -> None:
    rows = torch.arange(30).repeat_interleave(8)
    mild = views.mild(pool, rows, draws(len(rows)), 12).flatten(1)
    whole = views.plain(pool, torch.arange(30), 12).flatten(1)
    nearest = torch.cdist(mild - mild.mean(1, keepdim=True), whole - whole.mean(1, keepdim=True)).argmin(1)
    assert (nearest == rows).float().mean() > 0.3
