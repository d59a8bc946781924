"""Giving a library another model: every photo is encoded again, and the codes take the place of the old ones in the end.

Until then the library keeps its model and works as before. A run that ends early loses no more than a few seconds, and the
next one goes on. Files, decisions, verdicts and plans are known by content and stay as they are. While a photo of the library
cannot be read, as on a drive that is not there, the library keeps its model. Others who use a library on a server go on meanwhile;
what they add is encoded before the model changes.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import Cancelled, Phase
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.engine.context import Context, LibraryModel
from vtsfind.engine.indexing.refresh import COMMIT_EVERY_S
from vtsfind.engine.library.access import (
    card_named,
    open_for_writing,
    open_library,
)
from vtsfind.store.library import Library
from vtsfind.store.model_change import NewCodes, remove

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard

Codes = dict[str, npt.NDArray[np.uint8]]
"""Head name to packed code, (w,) uint8."""


@dataclass(slots=True)
class UpgradeResult:
    """What an upgrade did."""

    model: str
    """The new model."""
    encoded: int = 0
    """Photos that were encoded in this run, each content once."""
    left: int = 0
    """Photos that have no new code yet."""
    failures: list[Failure] = field(default_factory=list)
    """Files that could not be read."""
    changed: bool = False
    """Whether the library has the new model now."""
    interrupted: bool = False


def better_model(context: Context) -> str:
    """The name of the default model if a library has an earlier one that ships; else empty.

    A model that the user chose in the settings or trained is not called worse.

    Raises
    ------
    StorageError
        If the library cannot be opened.
    """
    from vtsfind.learn.models.registry import registered_models, shipped_folder

    if context.settings.model:
        return ""
    with open_library(context.settings) as index:
        fingerprint = index.signature.fingerprint
    shipped = registered_models((shipped_folder(),)).values()
    earlier = any(card.signature.fingerprint == fingerprint and not card.default for card in shipped)
    return next((card.name for card in shipped if card.default), "") if earlier else ""


def upgrade(context: Context, *, model: str | None = None) -> UpgradeResult:
    """Encode the photos of a library by another model, and change to it when all are done.

    Parameters
    ----------
    context
        Its settings name the library.
    model
        The model; by default that of the settings, or the default one.

    Raises
    ------
    UsageError
        If no model of that name is registered.
    StorageError
        If the library or the model cannot be used, or another run changes the model; what was done before stays.
    """
    card = card_named(model or context.settings.model)
    with open_for_writing(context.settings, create=False) as index:
        index.lock_model()
        result = UpgradeResult(card.name)
        if index.signature.makes_codes_of(card.signature):
            remove(index.folder)
            return result
        with NewCodes(index.folder, card.signature) as codes:
            while not (result.left or result.changed):  # others may add photos to a library on a server
                _encode_all(index, card, codes, result, context)
                if not result.left:
                    context.progress.start(Phase.PUBLISH, None)
                    result.changed = index.change_model(card.signature, codes.read())
        if result.changed:
            remove(index.folder)
        return result


def _encode_all(
    index: Library, card: "ModelCard", codes: NewCodes, result: UpgradeResult, context: Context
) -> None:
    """Encode what has no new code yet; of a content that several files have, another one where one cannot be read."""
    done = codes.digests()
    waiting = {
        records[0].digest: [Found(record.path, record.stamp) for record in records]
        for _, records in index.contents()
        if records[0].digest not in done
    }
    context.progress.start(Phase.ENCODE, len(waiting))
    model = context.model_named(card.name)
    try:
        while any(waiting.values()):
            files = {found[0].path: (digest, found.pop(0)) for digest, found in waiting.items() if found}
            for made in _encoded(files, model, result, context):
                codes.add(made)
                result.encoded += len(made)
                for digest in made:
                    waiting.pop(digest, None)
    except Cancelled:
        result.interrupted = True
    result.left = len(waiting)


def _encoded(
    files: dict[bytes, tuple[bytes, Found]], model: LibraryModel, result: UpgradeResult, context: Context
) -> Iterator[dict[bytes, Codes]]:
    """The codes of some files, given by path with their digests; by digest, a few seconds of work at a time."""
    from vtsfind.media.pool import DecodeTask

    made: dict[bytes, Codes] = {}
    since = time.monotonic()
    tasks = (DecodeTask(found) for _, found in files.values())
    results = context.workplace.encoded(
        tasks, len(files), model, lambda _: None, settings=context.settings, monitor=context
    )
    with closing(results):
        for each in results:
            if isinstance(each, Failure):
                result.failures.append(each)
            elif each.digest != files[each.path][0]:
                result.failures.append(Failure(each.path, Reason.CHANGED))
            elif each.codes is not None:
                made[each.digest] = each.codes
            if made and time.monotonic() - since > COMMIT_EVERY_S:
                yield made
                made, since = {}, time.monotonic()
    if made:
        yield made
