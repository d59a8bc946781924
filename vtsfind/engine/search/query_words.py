"""Words that a user asks for, alone or together with a photo: what they are, and where among the codes `words` they point."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.records import Head
from vtsfind.engine.library.access import card_of
from vtsfind.engine.library.heads import WORDS_HEAD
from vtsfind.engine.search.query_image import STANDARD_INPUT, QueryImage, ViewCodes
from vtsfind.engine.search.where import filter_words, is_date
from vtsfind.media.names import is_picture_name
from vtsfind.store.library import Library

Direction = npt.NDArray[np.float32]
"""(k,), a unit vector."""


@dataclass(frozen=True, slots=True)
class QueryWords:
    """Words to search for."""

    text: str
    """What photos should show; may be empty beside a photo."""
    without: str = ""
    """What they should not show."""
    image: QueryImage | None = None
    """A photo that they should be like, too."""

    @property
    def name(self) -> bytes:
        """As the user called it."""
        return self.image.name if self.image else os.fsencode(self.text)


def are_words(argument: str) -> bool:
    """Whether an argument is meant as words: it is no file, and looks like the path of none."""
    name = os.fsencode(argument)
    return not (
        name == STANDARD_INPUT
        or any(mark in argument for mark in (os.sep, os.altsep) if mark)
        or is_picture_name(name)
        or os.path.lexists(name)
    )


def check_words(texts: Iterable[str], without: Iterable[str] = ()) -> None:
    """Refuse texts that cannot be searched for.

    Raises
    ------
    UsageError
        For one without a word, one that is too long, and one with a filter of the search screen, which is no word.
    """
    from vtsfind.learn.models.text import require_text

    for text in texts:
        require_text(text, "The text")
        if filters := filter_words(text):
            raise UsageError(
                f"'{filters}' chooses photos on the search screen only.",
                "Use --in, --on, --after, --before or --camera.",
            )
    for text in without:
        require_text(text, "--not")


def require_words(index: Library, asked: str | None) -> Head:
    """The head of a library that is compared with words.

    Raises
    ------
    UsageError
        If it has none, or another one is asked for.
    """
    if asked not in {None, WORDS_HEAD}:
        raise UsageError(
            f"Words are not compared by the codes '{asked}'.", f"Leave --by out, or give --by {WORDS_HEAD}."
        )
    for head in index.signature.heads:
        if head.name == WORDS_HEAD:
            return head
    raise UsageError(
        f"The library {index.place} has no codes for words: its model is '{index.signature.model}'.",
        "To get them, type `vtsfind index --upgrade`.",
    )


class Directions:
    """Where words point among the codes of a library; the table of words is read once.

    Parameters
    ----------
    index
        A library that `require_words` accepts.
    """

    def __init__(self, index: Library) -> None:
        from vtsfind.learn.models.text import TextEncoder

        card = card_of(index)
        if card.words is None:
            raise UsageError(
                f"The model '{card.name}' has no table of words.", "Search for a photo, or use another model."
            )
        self._encoder = TextEncoder(card)

    def of(self, query: QueryWords, photo: ViewCodes | None) -> tuple[Direction, tuple[str, ...]]:
        """The direction of a query, a unit vector (k,), and the words that are not known.

        Parameters
        ----------
        query
            What is asked for.
        photo
            The code `words` of its photo, if it has one.

        Raises
        ------
        UsageError
            If no word of the text, or of what photos should not show, is known.
        """
        from vtsfind.learn.models.text import mixed, unit

        wanted: list[Direction] = []
        unwanted: list[Direction] = []
        unknown: list[str] = []
        for text, directions in ((query.text, wanted), (query.without, unwanted)):
            if text:
                direction, missed = self._encoder.encode(text)
                if not direction.any():
                    raise _none_known(text)
                directions.append(direction)
                unknown += missed
        if photo is not None:
            wanted.append(unit(_signs(photo)))
        return mixed(wanted, unwanted), tuple(dict.fromkeys(unknown))


def _none_known(text: str) -> UsageError:
    """That no word of a text is known."""
    if is_date(text):
        return UsageError(
            f"'{text}' is a date, and words say what a photo shows.", f"Say `vtsfind query --on {text}`."
        )
    return UsageError(f"No word of '{text}' is known.", "Try other, simpler English words.")


def _signs(codes: ViewCodes) -> Direction:
    signs: Direction = np.unpackbits(codes.packed[0]).astype(np.float32) * 2 - 1
    return signs if codes.outputs is None else codes.outputs[0]


def queries_of(
    photos: Sequence[QueryImage], texts: Iterable[str], without: str
) -> list[QueryImage | QueryWords]:
    """What is asked for by some photos and texts: each photo with each text, or what there is."""
    texts = list(texts)
    if photos and not texts and not without:
        return list(photos)
    images: Sequence[QueryImage | None] = photos or [None]
    return [QueryWords(text, without, image) for image in images for text in texts or [""]]
