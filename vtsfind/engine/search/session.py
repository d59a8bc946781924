"""Searches in sequence, which share the model once it is loaded."""

import io
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vtsfind.base.progress import CancelToken
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.library import access as library
from vtsfind.engine.library.access import EncoderLike, open_library
from vtsfind.engine.library.heads import ways_to_compare
from vtsfind.engine.search.catalogue import LibraryPhoto, Order, catalogue
from vtsfind.engine.search.query import Answer, SearchOptions, search_library
from vtsfind.engine.search.query_image import query_image
from vtsfind.engine.search.query_words import QueryWords, check_words
from vtsfind.engine.search.where import Where

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard


class SearchSession:
    """Answers questions about one library; one at a time, from any thread.

    Parameters
    ----------
    settings
        Name the library.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._encoder: EncoderLike | None = None

    @property
    def has_model(self) -> bool:
        """Whether the model is loaded, so that a new photo takes no longer than a known one."""
        return self._encoder is not None

    def heads(self) -> Sequence[str]:
        """What photos of the library can be compared by, the usual way first.

        Raises
        ------
        StorageError
            If the library cannot be opened.
        """
        with open_library(self._settings) as index:
            return ways_to_compare(index.signature)

    def find(
        self, asked: bytes | QueryWords, search_options: SearchOptions, cancel: CancelToken | None = None
    ) -> Answer:
        """Find the photos that are most similar to the one at a path, or show what words say.

        A photo that is new to the library loads the model, which takes seconds.

        Raises
        ------
        UsageError
            If an option is out of range, or no word is known.
        StorageError
            If the library or the model cannot be used.
        Cancelled
            If asked to stop.
        """
        context = Context(self._settings, cancel=cancel or CancelToken(), load_encoder=self._kept_encoder)
        if isinstance(asked, QueryWords):
            check_words([asked.text])
        with self._lock, open_library(self._settings) as index:
            query = asked if isinstance(asked, QueryWords) else query_image(asked, io.BytesIO())
            (answer,) = search_library(index, [query], search_options, context.model_of(index), context)
            return answer

    def catalogue(self, where: Where, order: Order) -> list[LibraryPhoto]:
        """The chosen photos of the library; see `vtsfind.engine.search.catalogue`.

        Raises
        ------
        UsageError
            If the library has no photo in one of the folders.
        StorageError
            If the library cannot be used.
        """
        with open_library(self._settings) as index:
            return catalogue(index, where, order)

    def _kept_encoder(self, card: "ModelCard", settings: Settings, pictures: int) -> EncoderLike:
        """The encoder of the last search if it is of this model, else a new one."""
        if self._encoder is None or self._encoder.signature != card.signature:
            self._encoder = library.load_encoder(card, settings, pictures)
        return self._encoder
