"""A picture smaller than the decision knows is enlarged, its place on the other one with it; thumbnails are found by that."""

import numpy as np
import pytest
from PIL import Image
from support.photographs import photograph

from vtsfind.base.groups import COPIES
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import features
from vtsfind.find.verification.enlarged import MIN_SIDE_PX, enlarged
from vtsfind.find.verification.registration import Alignment, project
from vtsfind.find.verification.verify import PhotoFeatures, verify

SHRINKING = Alignment(np.diag([0.25, 0.25, 1.0]), 30, 40, 2)


def picture(width: int, height: int) -> Image.Image:
    return photograph("casa-mila").resize((width, height))


def test_pictures_that_are_large_enough_stay_as_they_are() -> None:
    first, second = (features(np.asarray(picture(*size))) for size in ((MIN_SIDE_PX, 70), (70, MIN_SIDE_PX)))
    made = enlarged(first, second, SHRINKING)
    assert made[0] is first
    assert made[1] is second
    assert np.array_equal(made[2].matrix, SHRINKING.matrix)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_tiny_one_is_enlarged_and_places_come_to_lie_where_they_did(*, swapped: bool) -> None:
    tiny, large = (features(np.asarray(picture(*size))) for size in ((70, 35), (200, 140)))
    first, second, found = enlarged(*((large, tiny) if swapped else (tiny, large)), SHRINKING)
    assert (second if swapped else first).picture.shape == (MIN_SIDE_PX // 2, MIN_SIDE_PX, 3)
    assert (second if swapped else first).grey.shape == (MIN_SIDE_PX // 2, MIN_SIDE_PX)
    assert (first if swapped else second) is large
    assert (found.inliers, found.matches, found.outliers) == (30, 40, 2)
    # The corner of the first pixel is the middle less half a pixel, before and after.
    corner = np.array([[-0.5, -0.5]])
    landed = project(SHRINKING.matrix, corner)
    expected = landed if swapped else 2 * (landed + 0.5) - 0.5
    assert project(found.matrix, corner) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", ["casa-mila", "spices", "pavilion", "astronaut", "osprey"])
def test_a_cropped_thumbnail_is_a_version_of_its_photo(name: str) -> None:
    photo = photograph(name)
    width, height = photo.size
    part = photo.crop((width // 16, height // 16, width * 15 // 16, height * 15 // 16))
    part.thumbnail((64, 64), Image.Resampling.LANCZOS)
    pair = [
        PhotoFeatures(features(np.asarray(image)), PictureInfo(*image.size), bytes([number]) * 32)
        for number, image in enumerate((photo, part))
    ]
    found = verify(*pair)
    assert found
    assert found[0] in COPIES
