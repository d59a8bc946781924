"""An enlargement is known by what resampling leaves behind, and never goes before what it was made from."""

import numpy as np
import pytest
from PIL import Image
from support import real_photos
from support.drawn_photos import encoded

from vtsfind.media.decode import decode
from vtsfind.media.enlargement import Middle, enlarged_probability
from vtsfind.media.pixels_digest import FULL_SIZE

NAMES = ("astronaut", "cat", "coffee", "dahlia", "pavilion", "spaniels")
FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)


def probability(image: Image.Image, quality: int = 92) -> float:
    pixels, _ = decode(encoded(image, "JPEG", quality=quality), shortest=FULL_SIZE)
    found = enlarged_probability(Middle.of(pixels))
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_photos_and_their_reductions_do_not_seem_enlarged(name: str) -> None:
    photo = real_photos.photo(name)
    small = photo.resize((photo.width * 2 // 3, photo.height * 2 // 3), Image.Resampling.LANCZOS)
    assert max(probability(photo), probability(small)) < 0.5


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("factor", [1.3, 1.5, 2, 2.6])
def test_enlargements_seem_enlarged(method: Image.Resampling, factor: float) -> None:
    found = []
    for name in NAMES:
        photo = real_photos.photo(name)
        large = photo.resize((round(photo.width * factor), round(photo.height * factor)), method)
        found.append(probability(large) >= 0.5)
    assert sum(found) >= len(NAMES) - 1


def test_flat_pictures_are_not_judged_and_small_ones_are_no_enlargements() -> None:
    assert enlarged_probability(Middle.of(np.full((300, 300, 3), 200, np.uint8))) is None
    assert enlarged_probability(Middle.of(np.zeros((60, 60, 3), np.uint8))) == 0
