"""The photos that a user asks for, and their codes.

A photo that the library knows, by its path and stamp or by its content, costs no decoding and no model. Others are
decoded by worker processes, as for the index, while the model loads.
"""

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.base.files import MAX_PHOTO_BYTES, read_input, read_stream
from vtsfind.base.records import Failure, Found, Preprocessing, Reason, Stamp
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import EncoderLike, ModelLike
from vtsfind.engine.library.heads import COPY_HEAD
from vtsfind.media.scan import failure_of, normalised, stamp_of
from vtsfind.store.library import Library

if TYPE_CHECKING:
    from vtsfind.media.pool import WorkPool


@dataclass(frozen=True, slots=True)
class ViewCodes:
    """The codes of a photo by one head.

    Of a photo that the library has not, the head that tells copies has codes of several views (`vtsfind.media.query_views`), the
    photo as it is first; else v is 1.
    """

    packed: npt.NDArray[np.uint8]
    """(v, b)."""
    outputs: npt.NDArray[np.float32] | None = None
    """(v, k): the real outputs that the bits are the signs of; None for a photo of the library, which has only the bits."""


Codes = dict[str, ViewCodes]
"""Head name to codes."""
STANDARD_INPUT = b"-"
"""What a user calls the content of standard input."""


@dataclass(frozen=True, slots=True)
class QueryImage:
    """A photo to search for."""

    name: bytes
    """As the user called it."""
    path: bytes | None = None
    """Absolute; None if the photo is in no file that can be opened again."""
    content: bytes | None = None
    """The bytes of the photo if there is no path."""
    failure: Failure | None = None
    """Why there is neither."""


def query_image(name: str | bytes, standard_input: BinaryIO) -> QueryImage:
    """What the user calls `name`: a file, or `-` for what comes from standard input."""
    name = os.fsencode(name)
    if name == STANDARD_INPUT:
        try:
            return QueryImage(name, content=read_stream(standard_input, MAX_PHOTO_BYTES))
        except OSError as error:
            return QueryImage(name, failure=failure_of(name, error))
    path = normalised(name)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            return QueryImage(name, failure=Failure(name, Reason.UNREADABLE, "it is a folder"))
        if stat.S_ISREG(status.st_mode):
            return QueryImage(name, path=path)
        return QueryImage(name, content=read_input(path, MAX_PHOTO_BYTES))  # a pipe, whose content comes once
    except OSError as error:
        return QueryImage(name, failure=failure_of(name, error))


def codes_of(
    index: Library,
    queries: Sequence[QueryImage],
    model: ModelLike,
    context: Context,
    *,
    heads: Sequence[str],
    expected: int = 0,
    workers: "WorkPool | None" = None,
) -> list[Codes | Failure]:
    """Find or make the codes of some photos.

    Parameters
    ----------
    index
        The library.
    queries
        The photos.
    model
        The library's; asked for its encoder only if a photo is new to the library.
    context
        Its settings are the limits of decoding.
    heads
        The heads whose codes are wanted; those of others are given where they cost nothing. Several views of a new photo are seen only where
        the head that tells copies is wanted alone.
    expected
        About how many photos there are to be in this and later calls, if that is more.
    workers
        Processes that decode; own ones start and end otherwise.

    Returns
    -------
    For each photo its codes, or why there are none.
    """
    known = [_indexed_codes(index, each) for each in queries]
    new = [each for each, codes in zip(queries, known, strict=True) if codes is None]
    if not new:
        return [codes for codes in known if codes is not None]
    pictures = max(len(new), expected)
    if _in_views(heads):
        from vtsfind.media.query_views import VIEW_COUNT

        pictures *= VIEW_COUNT
    with ThreadPoolExecutor(1, thread_name_prefix="vtsfind-model") as executor:
        loading = executor.submit(_loaded, model, pictures, heads)
        pixels = _decode(new, model.preprocessing, context, workers)
        wait([loading])
        context.cancel.check()
        made = iter(_encode(pixels, loading.result, index, heads))
    return [next(made) if codes is None else codes for codes in known]


def _in_views(heads: Sequence[str]) -> bool:
    return [*heads] == [COPY_HEAD]


def _loaded(model: ModelLike, pictures: int, heads: Sequence[str]) -> EncoderLike:
    encoder = model.encoder(pictures)
    encoder.load(heads)
    return encoder


def content_digest(query: QueryImage) -> bytes:
    """SHA-256 of a photo's content, 32 bytes.

    Raises
    ------
    OSError
        If its file cannot be read.
    """
    if query.path is None:
        return hashlib.sha256(query.content or b"").digest()
    with open(query.path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _indexed_codes(index: Library, query: QueryImage) -> Codes | Failure | None:
    """The codes that the library has of a photo, None if it has not."""
    if query.failure:
        return query.failure
    try:
        codes = index.codes_of_path(query.path, stamp_of(os.stat(query.path))) if query.path else None
        if codes is None:
            codes = index.codes_of_digest(content_digest(query))
    except OSError as error:
        return failure_of(query.name, error)
    return None if codes is None else {head: ViewCodes(code[None]) for head, code in codes.items()}


def _decode(
    queries: Sequence[QueryImage],
    preprocessing: Preprocessing,
    context: Context,
    workers: "WorkPool | None",
) -> list[npt.NDArray[np.uint8] | Failure]:
    """Prepare photos for the model, each (size, size, 3), or why that failed."""
    from vtsfind.engine.decoding import work_pool
    from vtsfind.media.pool import DecodeTask, prepared
    from vtsfind.media.work import PreparePhoto

    pixels: list[npt.NDArray[np.uint8] | Failure] = []
    own = min(len(queries), context.settings.workers or 1)
    with (
        tempfile.TemporaryDirectory(prefix="vtsfind-") as folder,
        nullcontext(workers) if workers else work_pool(context.settings, own) as pool,
    ):
        paths = [each.path or _write_temporary(each.content, folder, i) for i, each in enumerate(queries)]
        tasks = [DecodeTask(_found(path)) for path in paths]
        made = prepared(pool, PreparePhoto(preprocessing), tasks, context.cancel)
        for query, item in zip(queries, made, strict=True):
            if isinstance(item, Failure):
                pixels.append(replace(item, path=query.name))
            elif item.pixels is not None:
                pixels.append(item.pixels)
    return pixels


def _found(path: bytes) -> Found:
    try:
        return Found(path, stamp_of(os.stat(path)))
    except OSError:  # gone since it was asked for: the worker says so
        return Found(path, Stamp(0, 0, 0))


def _write_temporary(content: bytes | None, folder: str, number: int) -> bytes:
    """Put bytes into a file, since worker processes read files."""
    path = os.path.join(folder, str(number))
    with open(path, "wb") as file:
        file.write(content or b"")
    return os.fsencode(path)


def _encode(
    pixels: Sequence[npt.NDArray[np.uint8] | Failure],
    encoder: Callable[[], EncoderLike],
    index: Library,
    heads: Sequence[str],
) -> list[Codes | Failure]:
    """Make the codes of prepared photos by some heads; failures stay where they are."""
    good = [each for each in pixels if not isinstance(each, Failure)]
    if not good:
        return [each for each in pixels if isinstance(each, Failure)]
    model = encoder()
    index.require(model.signature)
    pictures = [each[None] for each in good]
    if _in_views(heads):
        from vtsfind.media.query_views import views

        pictures = [views(each) for each in good]
    outputs = model.outputs(np.concatenate(pictures), heads)
    by_photo = iter(zip(*(np.split(outputs[head], len(good)) for head in heads), strict=True))
    result: list[Codes | Failure] = []
    for each in pixels:
        if isinstance(each, Failure):
            result.append(each)
        else:
            values = zip(heads, next(by_photo), strict=True)
            result.append({head: ViewCodes(bits.pack(each), each) for head, each in values})
    return result
