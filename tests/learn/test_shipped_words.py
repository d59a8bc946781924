"""The shipped table of words, on photos that it was not made with."""

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from support import real_photos

from vtsfind.base import bits
from vtsfind.find.hamming.views import asymmetric_distances
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.registry import find_card
from vtsfind.learn.models.text import TextEncoder
from vtsfind.media.decode import decode, prepare


@cache
def library() -> npt.NDArray[np.uint64]:
    """The codes `words` of all real photos, as planes."""
    encoder = Encoder(find_card(), device="cpu")
    photos = [decode(path.read_bytes(), shortest=224)[0] for path in real_photos.FILES]
    pixels = np.stack([prepare(photo, encoder.preprocessing) for photo in photos])
    return bits.planes(encoder.encode(pixels)["words"])


@cache
def words() -> TextEncoder:
    """The shipped table."""
    return TextEncoder(find_card())


def found(text: str, count: int) -> list[str]:
    """The photos that are nearest to a text."""
    apart = asymmetric_distances(library(), words().encode(text)[0][None])[0]
    return [real_photos.NAMES[row] for row in np.argsort(apart)[:count]]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a cat", "cat"),
        ("a bird", "osprey"),
        ("a flower", "dahlia"),
        ("a man with a camera", "photographer"),
        ("a cup of coffee", "coffee"),
        ("a rocket launch", "rocket-night"),
        ("food", "spices"),
    ],
)
def test_a_word_finds_the_photo_that_shows_it(text: str, shown: str) -> None:
    assert found(text, 1) == [shown]


def test_words_find_all_photos_that_show_it() -> None:
    assert set(found("dogs", 2)) == {"spaniels", "dog"}
    assert set(found("a path in the forest", 2)) == {"forest-path-1", "forest-path-2"}
    assert set(found("handbag", 2)) == {"bag-1", "bag-2"}


def test_common_words_and_forms_are_known_and_made_up_ones_are_not() -> None:
    text = "the dogs' puppies were running on sunny beaches near skyscrapers while children rode bicycles"
    assert words().encode(text)[1] == ()
    assert words().encode("a qwrtzx near the blorfle")[1] == ("qwrtzx", "blorfle")


def test_directions_of_the_shipped_table_stay_as_they_are() -> None:
    """Another table of the same space may take its place, and then changes these numbers."""
    direction = words().encode("a dog on the beach")[0]
    assert direction.shape == (256,)
    assert np.allclose(direction[:6], [-0.1154, 0.0458, -0.0059, 0.012, -0.0486, 0.0428], atol=2e-4)
