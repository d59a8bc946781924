"""What is said to have changed of a photo that lies frame on frame: how much of it, or its tones and colours."""

import hashlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from support.real_photos import photo

from vtsfind.base.groups import Evidence, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import features
from vtsfind.find.verification.verify import PhotoFeatures, verify

PHOTOS = ("casa-mila", "osprey", "pavilion", "spices")


def extracted(image: Image.Image) -> PhotoFeatures:
    """What is known of a picture."""
    pixels = np.asarray(image)
    return PhotoFeatures(
        features(pixels), PictureInfo(*image.size), hashlib.sha256(pixels.tobytes()).digest(), None
    )


def evidence_of(name: str, edit: Image.Image) -> Evidence:
    found = verify(extracted(photo(name)), extracted(edit))
    assert found
    assert found[0] is Verdict.EDIT
    return found[1]


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize("share", [0.02, 0.05])
def test_about_as_much_is_said_to_have_changed_as_a_label_covers(name: str, share: float) -> None:
    labelled = photo(name).copy()
    width, height = labelled.size
    across, down = int((3 * share * width * height) ** 0.5), int((share * width * height / 3) ** 0.5)
    left, top = width // 2 - across // 2, height * 2 // 3
    draw = ImageDraw.Draw(labelled)
    draw.rectangle((left, top, left + across, top + down), fill=(250, 250, 245))
    draw.text((left + 4, top + 1), "Rome 1998", fill=(20, 20, 60), font_size=max(8, down * 2 // 3))
    evidence = evidence_of(name, labelled)
    assert evidence.changed == pytest.approx(share, abs=0.015)
    assert abs(evidence.lighter or 0) < 1
    assert (evidence.recoloured or 0) < 1


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(("factor", "sign"), [(1.2, 1), (1.5, 1), (0.7, -1)])
def test_a_brighter_or_darker_photo_is_called_so_from_either_side(
    name: str, factor: float, sign: int
) -> None:
    toned = ImageOps.mirror(ImageEnhance.Brightness(photo(name)).enhance(factor))
    evidence = evidence_of(name, toned)
    lighter = (evidence.lighter or 0) * sign
    assert lighter > 5
    assert lighter > (evidence.recoloured or 0)
    assert evidence.swapped().lighter == -(evidence.lighter or 0)


@pytest.mark.parametrize("name", PHOTOS)
def test_other_colours_are_not_taken_for_another_brightness(name: str) -> None:
    evidence = evidence_of(name, ImageEnhance.Color(photo(name)).enhance(2.0))
    assert (evidence.recoloured or 0) > 3
    assert (evidence.recoloured or 0) > abs(evidence.lighter or 0)
