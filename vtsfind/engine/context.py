"""What every use-case is given besides its question."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from vtsfind.base.progress import Monitor
from vtsfind.base.records import Preprocessing
from vtsfind.base.settings import Settings
from vtsfind.engine.library import access
from vtsfind.engine.library.access import EncoderLike, card_of
from vtsfind.store.library import Library

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard

EncoderLoader = Callable[["ModelCard", Settings, int], EncoderLike]
"""As `vtsfind.engine.library.access.load_encoder`."""


@dataclass(frozen=True)
class Context(Monitor):
    """The settings, who watches and may stop the work, and what loads a model."""

    settings: Settings
    load_encoder: EncoderLoader = field(default_factory=lambda: access.load_encoder, kw_only=True)

    def model_of(self, index: Library) -> "LibraryModel":
        """The model of a library; nothing is loaded yet."""
        return LibraryModel(index, self)


class LibraryModel:
    """The model that made a library's codes, each part of it loaded when it is first asked for.

    Parameters
    ----------
    index
        The library.
    context
        Says how the model is loaded.
    """

    def __init__(self, index: Library, context: Context) -> None:
        self._index = index
        self._context = context
        self._encoder: EncoderLike | None = None

    @cached_property
    def card(self) -> "ModelCard":
        """The registered model.

        Raises
        ------
        ModelMismatch
            If it is no longer registered.
        """
        return card_of(self._index)

    @property
    def preprocessing(self) -> Preprocessing:
        """How its pictures are prepared."""
        return self.card.preprocessing

    def encoder(self, pictures: int) -> EncoderLike:
        """The encoder, loaded now if it was not: for many `pictures`, that imports torch and takes seconds.

        Raises
        ------
        ModelMismatch
            If the model is no longer registered.
        ModelDamaged
            If its weights are missing or damaged.
        """
        if self._encoder is None:
            self._encoder = self._context.load_encoder(self.card, self._context.settings, pictures)
        return self._encoder
