"""Which library and which model: opening, making, and the one model whose codes a library holds.

A library's model is chosen when the library is made, since codes of two models cannot be compared; `vtsfind index --upgrade`
encodes all photos again by another (`vtsfind.engine.indexing.upgrade`).
Nothing here loads a model but `load_encoder`.
"""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from vtsfind.base.addresses import Place, ServerAddress, is_address, server_address
from vtsfind.base.errors import LibraryMissing, ModelMismatch, UsageError
from vtsfind.base.records import Preprocessing, Signature
from vtsfind.base.settings import Settings, places
from vtsfind.store import library as store
from vtsfind.store.library import Library
from vtsfind.store.schema import VERSION

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard

MAX_NUMPY_PICTURES = 100
"""Pictures up to which NumPy encodes them sooner than torch is imported (`python -m benchmarks.cold`)."""
LIBRARY_FORMAT = VERSION
"""The version of the format of the libraries that this vtsfind makes."""


class EncoderLike(Protocol):
    """What turns prepared pictures into codes."""

    @property
    def signature(self) -> Signature:
        """Which model it is."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How its pictures are prepared."""

    def load(self, heads: Iterable[str]) -> None:
        """Read what these heads need, which is read at the first picture otherwise."""

    def outputs(
        self, pixels: npt.NDArray[np.uint8], heads: Iterable[str] | None = None
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Turn prepared pictures (b, size, size, 3) into real outputs, head name to (b, bits); codes are their signs.

        `heads` are those that are wanted, all by default.
        """

    def encode(self, pixels: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
        """Turn prepared pictures (b, size, size, 3) into packed codes, head name to (b, bytes)."""


class ModelLike(Protocol):
    """The model of a library, each part of it loaded when it is first asked for."""

    @property
    def signature(self) -> Signature:
        """Which model it is."""

    @property
    def preprocessing(self) -> Preprocessing:
        """How its pictures are prepared."""

    def encoder(self, pictures: int) -> EncoderLike:
        """What makes its codes. Loading it takes seconds when there are many `pictures` to encode, see `load_encoder`."""


def library_place(settings: Settings) -> Place:
    """Where the library is that the settings name, whether it exists or not.

    Raises
    ------
    UsageError
        If it is the address of a server that holds a password, or no name of a library.
    """
    if is_address(settings.library):
        return server_address(settings.library)
    if "://" in settings.library or "dbname=" in settings.library:
        raise UsageError(
            f"The library '{settings.library}' is neither a folder nor an address.",
            "Write the address of a server as postgresql://HOST/DATABASE.",
        )
    return places().library(settings.library)


def open_library(settings: Settings) -> Library:
    """Open the library that the settings name for reading.

    Raises
    ------
    LibraryMissing, LibraryDamaged, LibraryTooNew
        As `vtsfind.store.index.Index.open` does; a missing one is explained with the names that there are.
    """
    place = library_place(settings)
    try:
        return store.open_library(place)
    except LibraryMissing as error:
        if isinstance(place, ServerAddress):
            raise
        raise _missing(settings.library, place) from error


def _created(place: Place, signature: Signature) -> Library:
    """A new library; that of another run if it made one on the server a moment ago."""
    try:
        return store.create_library(place, signature)
    except UsageError as error:
        if not isinstance(place, ServerAddress):
            raise
        try:
            index = store.open_library(place, write=True)
        except LibraryMissing:
            raise error from None
    index.require(signature)
    return index


def open_for_writing(settings: Settings, *, create: bool, model: str | None = None) -> Library:
    """Open the library that the settings name for writing.

    Parameters
    ----------
    settings
        Name the library and, for a new one, its model.
    create
        Whether to make the library if there is none.
    model
        The model asked for in this call, if any. The settings' model is only for new libraries.

    Raises
    ------
    LibraryMissing, LibraryLocked, LibraryDamaged, LibraryTooNew, DiskFull
        If the library cannot be opened or made.
    ModelMismatch
        If the library exists and holds the codes of another model than `model`.
    UsageError
        If no model of that name is registered.
    """
    place = library_place(settings)
    try:
        index = store.open_library(place, write=True)
    except LibraryMissing as error:
        if create:
            return _created(place, card_named(model or settings.model).signature)
        if isinstance(place, ServerAddress):
            raise
        raise _missing(settings.library, place) from error
    if model:
        try:
            index.require(card_named(model).signature)
        except BaseException:
            index.close()
            raise
    return index


def card_named(name: str) -> "ModelCard":
    """The registered model of that name; the default one for an empty name.

    Raises
    ------
    UsageError
        If there is none, naming the nearest.
    """
    from vtsfind.learn.models.registry import find_card, registered_models

    near = get_close_matches(name, registered_models(), n=1, cutoff=0.4) if name else []
    try:
        return find_card(name)
    except UsageError as error:
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UsageError(error.message, hint + error.remedy) from error


def card_of(index: Library) -> "ModelCard":
    """The registered model that made the codes of a library.

    Raises
    ------
    ModelMismatch
        If it is no longer registered, or its weights have been replaced by others under the same name.
    """
    from vtsfind.learn.models.registry import registered_models

    wanted = index.signature
    card = card_with(wanted)
    if card is not None:
        return card
    cards = registered_models()
    which = f"other weights of the model '{wanted.model}'" if wanted.model in cards else f"'{wanted.model}'"
    raise ModelMismatch(
        f"The library {index.place} was made with {which}, which vtsfind does not have here.",
        f"Put that model into {places().models}, or make a new library with --library.",
    )


def card_with(signature: Signature) -> "ModelCard | None":
    """The registered model that makes the same codes as that of a signature; None if there is none."""
    from vtsfind.learn.models.registry import registered_models

    cards = registered_models().values()
    return next((card for card in cards if card.signature.makes_codes_of(signature)), None)


def load_encoder(card: "ModelCard", settings: Settings, pictures: int) -> EncoderLike:
    """Load a model.

    For a few pictures that is in NumPy, if the model has a network that NumPy runs; else this imports torch and takes seconds.

    Parameters
    ----------
    card
        The model.
    settings
        Name the device. With any but `auto` and `cpu`, torch is imported for one picture too.
    pictures
        About how many are to be encoded.

    Raises
    ------
    ModelDamaged
        If the weight file is missing or does not have the registered content.
    """
    if pictures <= MAX_NUMPY_PICTURES and settings.device in {"auto", "cpu"}:
        from vtsfind.learn.models.numpy_encoder import NumpyEncoder, runs_in_numpy

        if runs_in_numpy(card.network):
            return NumpyEncoder(card)
    card.verify()  # before seconds go into importing torch
    # Threads of the model that wait must leave the processor to the processes that decode; read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from vtsfind.learn.models.encoder import Encoder

    return Encoder(card, device=settings.device)


def library_names() -> list[str]:
    """The names of the libraries among the user's data."""
    folder = places().libraries
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []


def _missing(asked: str, folder: Path) -> LibraryMissing:
    names = library_names()
    near = get_close_matches(asked, names, n=1, cutoff=0.5)
    if near:
        remedy = f"Did you mean '--library {near[0]}'?"
    elif names:
        remedy = f"There are: {', '.join(names)}. `vtsfind index FOLDER --library {asked}` makes it."
    else:
        remedy = "`vtsfind index FOLDER` makes it."
    return LibraryMissing(f"There is no library at {folder}.", remedy)
