"""What every use-case is given besides its question."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from vtsfind.base.progress import Monitor
from vtsfind.base.records import Preprocessing, Signature
from vtsfind.base.settings import Settings
from vtsfind.engine.library import access
from vtsfind.engine.library.access import EncoderLike, card_of
from vtsfind.engine.work.processes import ThisMachine
from vtsfind.engine.work.workplace import Workplace
from vtsfind.store.library import Library

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard

EncoderLoader = Callable[["ModelCard", Settings, int], EncoderLike]
"""As `vtsfind.engine.library.access.load_encoder`."""


@dataclass(frozen=True)
class Context(Monitor):
    """The settings, who watches and may stop the work, what loads a model, and where the work runs."""

    settings: Settings
    load_encoder: EncoderLoader = field(default_factory=lambda: access.load_encoder, kw_only=True)
    workplace: Workplace = field(default_factory=ThisMachine, kw_only=True)

    def model_of(self, index: Library) -> "LibraryModel":
        """The model of a library; nothing is loaded yet."""
        return LibraryModel(lambda: card_of(index), self)

    def model_named(self, name: str) -> "LibraryModel":
        """The registered model of that name, the default one for an empty name; nothing is loaded yet."""
        return LibraryModel(lambda: access.card_named(name), self)


class LibraryModel:
    """A model that makes a library's codes, each part of it loaded when it is first asked for.

    Parameters
    ----------
    find_card
        Gives the registered model.
    context
        Says how the model is loaded.
    """

    def __init__(self, find_card: "Callable[[], ModelCard]", context: Context) -> None:
        self._find_card = find_card
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
        return self._find_card()

    @property
    def signature(self) -> Signature:
        """Which model it is."""
        return self.card.signature

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
