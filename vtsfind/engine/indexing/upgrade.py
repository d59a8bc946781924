"""Giving a library another model: every photo is encoded again, and the codes take the place of the old ones in the end.

Until then the library keeps its model and works as before. A run that ends early loses no more than a few seconds, and the
next one goes on. Files, decisions, verdicts and plans are known by content and stay as they are. While a photo of the library
cannot be read, as on a drive that is not there, the library keeps its model.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vtsfind.base.addresses import ServerAddress
from vtsfind.base.errors import UsageError
from vtsfind.base.machine import processors
from vtsfind.base.paths import show_path
from vtsfind.base.progress import Cancelled, Phase
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.refresh import COMMIT_EVERY_S
from vtsfind.engine.library.access import (
    EncoderLike,
    card_named,
    library_place,
    open_for_writing,
    open_library,
)
from vtsfind.store.index import Index
from vtsfind.store.library import Library
from vtsfind.store.model_change import NewCodes, remove

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard
    from vtsfind.media.pool import PreparedPhoto

_LOOK_AHEAD_BATCHES = 16
"""Batches of photos that are decoded while the model is busy."""


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

    A model that the user chose in the settings or trained is not called worse, and a library on a server keeps its model.

    Raises
    ------
    StorageError
        If the library cannot be opened.
    """
    from vtsfind.learn.models.registry import registered_models, shipped_folder

    if context.settings.model or isinstance(library_place(context.settings), ServerAddress):
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
        If no model of that name is registered, or the library is on a server, where others may be writing codes.
    StorageError
        If the library or the model cannot be used; what was done before stays.
    """
    if isinstance(library_place(context.settings), ServerAddress):
        raise UsageError(
            "The model of a library on a server cannot be changed.",
            "Make another database, and index into it; --model chooses another model than the default.",
        )
    card = card_named(model or context.settings.model)
    with open_for_writing(context.settings, create=False) as index:
        assert isinstance(index, Index)
        result = UpgradeResult(card.name)
        own = index.signature
        if (own.fingerprint, own.heads) == (card.signature.fingerprint, card.signature.heads):
            remove(index.folder)
            return result
        with NewCodes(index.folder, card.signature) as codes:
            _encode_all(index, card, codes, result, context)
            if not result.left:
                context.progress.start(Phase.PUBLISH, None)
                index.change_model(card.signature, codes.read())
                result.changed = True
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
    encoder: EncoderLike | None = None
    try:
        while any(waiting.values()):
            encoder = encoder or context.load_encoder(card, context.settings, len(waiting))
            files = [(digest, found.pop(0)) for digest, found in waiting.items() if found]
            for made in _encoded(files, encoder, result, context):
                codes.add(made)
                result.encoded += len(made)
                for digest in made:
                    waiting.pop(digest, None)
    except Cancelled:
        result.interrupted = True
    result.left = len(waiting)


def _encoded(
    files: list[tuple[bytes, Found]], encoder: EncoderLike, result: UpgradeResult, context: Context
) -> "Iterable[dict[bytes, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]]]":
    """The codes of some files by their digests, a few seconds of work at a time."""
    from vtsfind.engine.decoding import decode_limits
    from vtsfind.media.pool import DecodePool, DecodeTask

    settings = context.settings
    size = max(1, settings.batch)
    batch: list[PreparedPhoto] = []
    made = {}
    since = time.monotonic()
    with DecodePool(
        encoder.preprocessing,
        workers=settings.workers or processors(),
        prefetch=_LOOK_AHEAD_BATCHES * size,
        **decode_limits(settings),
    ) as pool:
        items = pool.prepared((DecodeTask(found) for _, found in files), context.cancel)
        for number, ((digest, found), item) in enumerate(zip(files, items, strict=True), 1):
            context.cancel.check()
            if isinstance(item, Failure):
                result.failures.append(item)
            elif item.digest != digest:
                result.failures.append(Failure(found.path, Reason.CHANGED))
            else:
                batch.append(item)
            context.progress.advance(1, show_path(found.path))
            if batch and (len(batch) >= size or number == len(files)):
                outputs = encoder.encode(np.stack([each.pixels for each in batch if each.pixels is not None]))
                for row, each in enumerate(batch):
                    made[each.digest] = {head: values[row] for head, values in outputs.items()}
                batch.clear()
            if made and (time.monotonic() - since > COMMIT_EVERY_S or number == len(files)):
                yield made
                made, since = {}, time.monotonic()
