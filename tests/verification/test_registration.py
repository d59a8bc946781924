"""Plane maps from local features: crops, turns, mirror images, keystone; and how a bend is found after them."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageOps
from support.photographs import photograph

from vtsfind.find.features.features import Features, LocalFeatures, features
from vtsfind.find.verification.overlay import Overlay, local_scale
from vtsfind.find.verification.registration import align, may_align, project

Array = npt.NDArray[np.float64]


def of(image: Image.Image) -> Features:
    return features(np.asarray(image.convert("RGB")))


def corners(photo: Features) -> Array:
    height, width = photo.grey.shape
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


@pytest.mark.parametrize("name", ["casa-mila", "pavilion", "spices"])
def test_a_crop_lies_where_it_was_cut(name: str) -> None:
    photo = photograph(name)
    width, height = photo.size
    box = (width // 5, height // 6, width * 9 // 10, height * 4 // 5)
    whole, part = of(photo), of(photo.crop(box))
    found = align(whole, part)
    assert found
    landed = project(found.matrix, corners(part)) / corners(whole)[2]
    expected = np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]]) / photo.size
    assert np.abs(landed - expected).max() < 0.01


def test_a_mirror_image_is_mirrored() -> None:
    photo = photograph("pavilion")
    found = align(of(photo), of(ImageOps.mirror(photo)))
    assert found
    assert np.linalg.det(found.matrix[:2, :2]) < 0


@pytest.mark.parametrize("name", ["casa-mila", "spices", "pavilion"])
def test_a_photo_of_a_print_is_laid_back_by_a_homography(name: str) -> None:
    photo = np.asarray(photograph(name))
    height, width = photo.shape[:2]
    square = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    tilted = square + np.array([[0.1, 0.08], [-0.02, 0.0], [-0.12, -0.1], [0.04, -0.02]], np.float32) * [
        width,
        height,
    ]
    forth = cv2.getPerspectiveTransform(square, tilted.astype(np.float32))
    shown = cv2.warpPerspective(photo, forth, (width, height), borderMode=cv2.BORDER_REPLICATE)
    first, second = features(np.asarray(shown, np.uint8)), features(photo)
    found = align(first, second)
    assert found
    overlay = Overlay(first, second, found.matrix)
    assert overlay.refine()
    landed = project(overlay.matrix, corners(second)) / corners(first)[2]
    assert np.abs(landed - tilted / [width, height]).max() < 0.02


def test_other_photos_lie_nowhere() -> None:
    found = align(of(photograph("cat")), of(photograph("casa-mila")))
    assert found is None or found.inliers < 12


def test_a_lens_is_found_as_a_bend() -> None:
    photo = np.asarray(photograph("casa-mila"))
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = x / width * 2 - 1, y / height * 2 - 1
    stretch = 1 + 0.05 * (u * u + v * v)
    bent = cv2.remap(photo, (u * stretch + 1) * width / 2, (v * stretch + 1) * height / 2, cv2.INTER_LINEAR)
    first, second = features(photo), features(np.asarray(bent, np.uint8))
    found = align(first, second)
    assert found
    straight, overlay = Overlay(first, second, found.matrix), Overlay(first, second, found.matrix)
    assert straight.lay()
    assert overlay.refine()
    assert overlay.bend_px > 1
    off = [np.abs(first.grey - o.warp(o.source()))[o.inside].mean() for o in (straight, overlay)]
    assert off[1] < 0.6 * off[0]


def test_a_picture_of_half_the_size_is_half_as_large() -> None:
    photo = photograph("dahlia")
    whole, half = of(photo), of(photo.resize((photo.width // 2, photo.height // 2)))
    found = align(half, whole)
    assert found
    expected = half.grey.shape[0] / whole.grey.shape[0]
    assert local_scale(found.matrix, whole) == pytest.approx(expected, rel=0.02)


def matching(agreeing: int, others: int, seed: int) -> tuple[LocalFeatures, LocalFeatures]:
    """Local features of two photos, of which so many agree on one shift, and so many have no counterpart."""
    rng = np.random.default_rng(seed)
    points = rng.integers(64, 64 * 200, (agreeing + 2 * others, 4)).astype(np.uint16)
    points[:, 2:] = 64 * 4, 0
    descriptors = np.eye(128, dtype=np.uint8)[rng.permutation(128)[: len(points)]] * np.uint8(200)
    moved = points + np.array([64, 0, 0, 0], np.uint16)
    first, second = np.arange(agreeing + others), np.r_[:agreeing, agreeing + others : len(points)]
    return LocalFeatures(points[first], descriptors[first]), LocalFeatures(moved[second], descriptors[second])


def photos(
    fine: tuple[LocalFeatures, LocalFeatures], coarse: tuple[LocalFeatures, LocalFeatures]
) -> tuple[Features, Features]:
    blank = of(Image.new("RGB", (200, 200)))
    first, second = (replace(blank, found=f, coarse=c) for f, c in zip(fine, coarse, strict=True))
    return first, second


@pytest.mark.parametrize(
    ("fine", "coarse", "used"), [(14, 20, 20), (14, 13, 14), (15, 20, 15), (5, 8, 8), (5, 5, None)]
)
def test_coarse_features_are_used_where_few_fine_ones_agree_and_more_of_them(
    fine: int, coarse: int, used: int | None
) -> None:
    found = align(*photos(matching(fine, 10, 0), matching(coarse, 10, 1)))
    assert (found and found.inliers) == used


@pytest.mark.parametrize(("agreeing", "others", "may"), [(4, 16, True), (3, 17, False), (3, 16, True)])
def test_a_closer_look_is_taken_where_four_coarse_features_agree_or_there_are_hardly_any(
    agreeing: int, others: int, *, may: bool
) -> None:
    pair = matching(agreeing, others, 2)
    assert may_align(*photos(pair, pair)) is may


def test_a_photo_on_a_page_full_of_letters_is_found() -> None:
    photo = photograph("cat")
    page = Image.new("RGB", (photo.width * 2, photo.height * 3), "white")
    page.paste(photo, (photo.width // 2, photo.height))
    draw, rng = ImageDraw.Draw(page), np.random.default_rng(0)
    for y in (*range(20, photo.height - 20, 24), *range(2 * photo.height + 20, page.height - 20, 24)):
        words = "".join(rng.choice(list("abcdefghij klmnopqrst uvwxyz "), page.width // 12))
        draw.text((20, y), words, "black", font_size=20)
    whole, shown = of(photo), of(page)
    found = align(shown, whole)
    assert found
    landed = project(found.matrix, corners(whole)) / corners(shown)[2]
    expected = np.array([[0.25, 1 / 3], [0.75, 1 / 3], [0.75, 2 / 3], [0.25, 2 / 3]])
    assert np.abs(landed - expected).max() < 0.01
