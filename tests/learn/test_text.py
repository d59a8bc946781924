"""Texts become directions: the laws of the encoder, with a small table of its own."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.word_tables import WORDS, card_with_words

from vtsfind.base.errors import ModelDamaged, UsageError
from vtsfind.learn.models.text import MAX_CHARACTERS, TextEncoder, mixed, require_text, unit


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TextEncoder:
    return TextEncoder(card_with_words(tmp_path_factory.mktemp("model")))


@pytest.mark.parametrize(
    "text",
    [
        "dog on the beach",
        "DOG, on the Beach!",
        "beach\tthe\x07\x1b dog (on)",
        "d\u00f3g on the beach",
        "a dog on the beach",
    ],
)
def test_case_punctuation_accents_control_characters_and_order_do_not_matter(
    encoder: TextEncoder, text: str
) -> None:
    expected, _ = encoder.encode("dog on the beach")
    assert np.allclose(encoder.encode(text)[0], expected, atol=1e-6)


@given(st.text(max_size=60))
def test_every_text_has_a_direction_or_none_at_all(encoder: TextEncoder, text: str) -> None:
    direction, unknown = encoder.encode(text)
    assert direction.shape == (16,)
    assert np.isclose(np.linalg.norm(direction), 1, atol=1e-5) or not direction.any()
    assert not set(unknown) & set(WORDS)


@pytest.mark.parametrize(
    ("form", "simple"),
    [
        ("dogs", "dog"),
        ("dog's", "dog"),
        ("beaches", "beach"),
        ("puppies", "puppy"),
        ("riding", "ride"),
        ("jumped", "jump"),
    ],
)
def test_an_unknown_form_of_a_known_word_counts_as_it(encoder: TextEncoder, form: str, simple: str) -> None:
    assert encoder.encode(form)[1] == ()
    assert np.array_equal(encoder.encode(form)[0], encoder.encode(simple)[0])


def test_a_compound_of_known_words_counts_as_both(encoder: TextEncoder) -> None:
    assert np.array_equal(encoder.encode("beachdog")[0], encoder.encode("beach dog")[0])


def test_unknown_words_are_named_once_and_change_nothing(encoder: TextEncoder) -> None:
    direction, unknown = encoder.encode("Xyzzy dog xyzzy qwrt \u72ac")
    assert unknown == ("xyzzy", "qwrt", "\u72ac")
    assert np.array_equal(direction, encoder.encode("dog")[0])
    nothing, unknown = encoder.encode("xyzzy")
    assert not nothing.any()
    assert unknown == ("xyzzy",)


def test_a_mix_does_not_depend_on_the_order_and_turns_away_from_what_is_not_wanted(
    encoder: TextEncoder,
) -> None:
    dog, beach, ride = (encoder.encode(word)[0] for word in ("dog", "beach", "ride"))
    assert np.allclose(mixed([dog, beach, ride]), mixed([ride, dog, beach]), atol=1e-6)
    assert np.allclose(mixed([dog]), dog, atol=1e-6)
    without = mixed([unit(dog + beach)], [beach])
    assert float(without @ beach) < float(unit(dog + beach) @ beach)


@pytest.mark.parametrize("text", ["", "  ", "...", "\x1b\x07", "x" * (MAX_CHARACTERS + 1)])
def test_a_text_without_words_or_without_end_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="The text has"):
        require_text(text, "The text")


def test_a_damaged_table_is_told_apart(tmp_path: Path) -> None:
    card = card_with_words(tmp_path)
    assert card.words
    (tmp_path / card.words.file).write_bytes(b"other")
    with pytest.raises(ModelDamaged, match="damaged"):
        TextEncoder(card).encode("dog")
