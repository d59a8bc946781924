"""Words as directions among the codes of photos: a static table, in NumPy alone.

A table has a vector for each of some ten thousand words, learned together with the head `words` of a model
(`vtsfind.learn.training.words`): the sum of the vectors of a caption, less what all captions have in common, points where the
outputs of that head point for the photo that it describes. Words that say little of a picture have short vectors. The file is
safetensors:

    words        (t,) uint8: the n words, UTF-8, each ended by a line feed
    vectors      (n, d) int8
    scales       (n,) float16: what each vector is multiplied with
    middle       (d,) float16: the mean of the sums of captions as unit vectors
    projection   (d, k) float16: from the space of vectors to that of the outputs

A word that the table lacks is looked for without its ending, and as a compound of two words that it has.

Axis letters: n words, d dimensions of vectors, k bits.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.learn.models.registry import ModelCard

Floats = npt.NDArray[np.float32]

MAX_CHARACTERS = 1000
"""Of a text: more than any caption has."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_ENDINGS = (
    ("ies", "y"),
    ("es", ""),
    ("s", ""),
    ("'s", ""),
    ("ing", ""),
    ("ing", "e"),
    ("ed", ""),
    ("ed", "e"),
)
"""Endings of English words, each with what stands in its place in the simple form."""
_AWAY = 0.5
"""Weight of the direction that a query turns away from, beside 1 for the one that it takes."""
_MIN_PART = 3
"""Letters of a part of a compound, and of a word without its ending, at least."""


def words_of(text: str) -> list[str]:
    """The words of a text: in lower case, without accents and punctuation.

    >>> words_of("A Café, at NIGHT; the dog's")
    ['a', 'cafe', 'at', 'night', 'the', "dog's"]
    """
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'")).casefold()
    return _WORD.findall("".join(each for each in plain if not unicodedata.combining(each)))


def require_text(text: str, option: str) -> None:
    """Refuse a text that cannot be searched for.

    Raises
    ------
    UsageError
        For one without a word, or longer than `MAX_CHARACTERS`; names `option`.
    """
    if len(text) > MAX_CHARACTERS:
        raise UsageError(
            f"{option} has {len(text):,} characters.", f"Describe the picture in at most {MAX_CHARACTERS:,}."
        )
    if not words_of(text):
        raise UsageError(f"{option} has no word.", "Describe the picture, such as 'a dog on the beach'.")


class TextEncoder:
    """The table of words of a model.

    Parameters
    ----------
    card
        A model that has one.
    """

    def __init__(self, card: ModelCard) -> None:
        self._card = card

    def encode(self, text: str) -> tuple[Floats, tuple[str, ...]]:
        """The direction of a text, and the words of it that are not known.

        Returns
        -------
        direction
            (k,) float32, a unit vector; zero if no word is known.
        unknown
            In their order, each once.

        Raises
        ------
        ModelDamaged
            When the table is not what the card promises.
        """
        known: list[int] = []
        unknown: dict[str, None] = {}
        for word in words_of(text):
            parts = self._parts(word)
            known += parts
            if not parts and (len(word) > 1 or not word.isascii()):
                unknown[word] = None
        if not known:
            return np.zeros(self._projection.shape[1], np.float32), tuple(unknown)
        total = (self._vectors[known] * self._scales[known, None]).sum(axis=0, dtype=np.float64)
        return unit((unit(total) - self._middle) @ self._projection), tuple(unknown)

    def _parts(self, word: str) -> list[int]:
        """The places in the table of a word, or of what it is made of."""
        simple = [
            word.removesuffix(ending) + instead
            for ending, instead in _ENDINGS
            if word.endswith(ending) and len(word) - len(ending) >= _MIN_PART
        ]
        for form in (word, *simple):
            if form in self._places:
                return [self._places[form]]
        for cut in range(len(word) - _MIN_PART, _MIN_PART - 1, -1):
            if word[:cut] in self._places and word[cut:] in self._places:
                return [self._places[word[:cut]], self._places[word[cut:]]]
        return []

    @cached_property
    def _tensors(self) -> dict[str, npt.NDArray[np.generic]]:
        from safetensors.numpy import load

        assert self._card.words is not None
        file = self._card.folder / self._card.words.file
        return dict(load(self._card.read(file, self._card.words.sha256)))

    @cached_property
    def _places(self) -> dict[str, int]:
        words = self._tensors["words"].tobytes().decode().splitlines()
        return {word: place for place, word in enumerate(words)}

    @cached_property
    def _vectors(self) -> Floats:
        return self._tensors["vectors"].astype(np.float32)

    @cached_property
    def _scales(self) -> Floats:
        return self._tensors["scales"].astype(np.float32)

    @cached_property
    def _middle(self) -> Floats:
        return self._tensors["middle"].astype(np.float32)

    @cached_property
    def _projection(self) -> npt.NDArray[np.float64]:
        return self._tensors["projection"].astype(np.float64)


def unit(vector: npt.ArrayLike) -> Floats:
    """A vector at length 1; zero stays zero."""
    values = np.asarray(vector, np.float64)
    length = np.linalg.norm(values)
    return (values / (length or 1)).astype(np.float32)


def mixed(wanted: Sequence[Floats], unwanted: Sequence[Floats] = ()) -> Floats:
    """One direction towards some unit vectors and away from others, (k,) each; their order does not matter."""
    towards, away = (
        unit(np.sum([0 * wanted[0], *some], axis=0, dtype=np.float64)) for some in (wanted, unwanted)
    )
    return unit(towards - _AWAY * away)
