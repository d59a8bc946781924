"""The photos of a library that are most similar to a given one."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from vtsfind.base import bits
from vtsfind.base.addresses import Place
from vtsfind.base.errors import UsageError
from vtsfind.base.records import Failure, Head, PictureInfo, Signature, Stamp
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import ModelLike, open_library
from vtsfind.engine.library.heads import SCENE_HEAD
from vtsfind.engine.search.query_image import QueryImage, ViewCodes, codes_of, content_digest, query_image
from vtsfind.engine.search.where import EVERYTHING, ChosenPhotos, Where, chosen_photos
from vtsfind.find.hamming.views import CANDIDATES, nearest
from vtsfind.media.scan import stamp_of
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord

DEFAULT_TOP = 20


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is asked for."""

    head: str | None = None
    """The head whose codes are compared; None for `scene`, or for the only one."""
    top: int | None = None
    """At most so many files; None for 20, or for all within the radius if there is one."""
    radius: int | None = None
    """Only photos at most so many bits away; None for no limit."""
    skip_self: bool = False
    """Whether the very file asked for is left out of its answer."""
    where: Where = EVERYTHING
    """Which photos of the library are looked through."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A photo of the library that is similar to the one asked for."""

    rank: int
    """1 for the best."""
    path: bytes
    distance: int
    """Bits in which the codes differ."""
    bits: int
    """Length of the codes."""
    info: PictureInfo
    stamp: Stamp
    missing: bool
    """Whether the file is gone since it was indexed."""
    same_content: bool = False
    """Whether it has the content of the photo asked for, byte for byte."""

    def bar_cells(self, width: int) -> int:
        """How much of a bar of `width` cells to fill: none for unrelated codes, half of whose bits differ.

        Equal codes do not make two pictures the same: only the same content fills the bar.
        """
        similarity = max(0.0, 1 - 2 * self.distance / self.bits)
        return width if self.same_content else min(round(width * similarity), width - 1)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one query."""

    query_image: QueryImage
    neighbours: tuple[Neighbour, ...] = ()
    """Best first; of equally near ones, the photo asked for and its exact copies, then the content that the library
    knows longest, then by path. A photo that the library has not is compared by its real outputs, and by the head that tells copies in
    several views (`vtsfind.find.hamming.views`): the best is then not always the one at the smallest distance."""
    failure: Failure | None = None
    """Why the photo asked for could not be used."""


def chosen_head(signature: Signature, asked: str | None) -> Head:
    """The head to compare by: the one asked for, else `scene`, else the only one.

    Raises
    ------
    UsageError
        If there is no such head, or several and none was asked for; names them.
    """
    heads = {head.name: head for head in signature.heads}
    if asked is None and len(heads) == 1:
        return signature.heads[0]
    wanted = asked or SCENE_HEAD
    if wanted in heads:
        return heads[wanted]
    choice = " or ".join(f"--by {name}" for name in heads)
    raise UsageError(
        f"The model '{signature.model}' of this library makes no codes '{wanted}'.", f"Use {choice}."
    )


def search_library(
    index: Library,
    queries: Sequence[QueryImage],
    search_options: SearchOptions,
    model: ModelLike,
    context: Context,
) -> list[Answer]:
    """Find the photos that are most similar to each of some photos.

    Parameters
    ----------
    index
        The library, open for reading.
    queries
        The photos.
    search_options
        What is wanted of the answers.
    model, context
        As for `vtsfind.engine.search.query_image.codes_of`.

    Returns
    -------
    One answer for each question, in order. A content that several files have gives several neighbours.

    Raises
    ------
    UsageError
        If the library's model has no such head, or an option is out of range.
    """
    head = chosen_head(index.signature, search_options.head)
    if search_options.top is not None and search_options.top < 1:
        raise UsageError(f"--top is {search_options.top}.", "Give a number from 1.")
    if search_options.radius is not None and not 0 <= search_options.radius <= head.bits:
        raise UsageError(
            f"--radius is {search_options.radius}.", f"Give a number of bits from 0 to {head.bits}."
        )
    photos = chosen_photos(search_options.where, index, head.name)
    codes = codes_of(index, queries, model, context, head=head.name)
    answers = []
    for each, own in zip(queries, codes, strict=True):
        if isinstance(own, Failure):
            answers.append(Answer(each, failure=own))
        else:
            hits = _neighbours(index, each, own[head.name], photos, search_options)
            answers.append(Answer(each, tuple(hits)))
    return answers


def _neighbours(
    index: Library,
    asked: QueryImage,
    own_codes: ViewCodes,
    photos: ChosenPhotos,
    search_options: SearchOptions,
) -> Iterator[Neighbour]:
    top = DEFAULT_TOP if search_options.top is None and search_options.radius is None else search_options.top
    # Every content has a file, so that many contents suffice; one more in case it is the file asked for.
    contents = None if top is None else top + 1
    wanted = max(contents, CANDIDATES) if contents and own_codes.outputs is not None else contents
    planes = photos.near(own_codes.packed, wanted, search_options.radius)
    columns, distances = nearest(
        planes.words,
        bits.words(own_codes.packed),
        len(planes.rows) if contents is None else contents,
        radius=search_options.radius,
        outputs=own_codes.outputs,
    )
    own_paths = (
        {asked.path, os.path.realpath(asked.path)} if asked.path and search_options.skip_self else set()
    )
    files = index.files_of_rows(planes.rows[columns[:contents]])
    equal = [record for place in np.flatnonzero(distances[:contents] == 0) for record in files[place]]
    own = _same_files(index, asked, equal) if equal else []
    known = {record.path for record in own}
    rank = 0
    for records, distance in ((own, 0), *zip(files, distances[:contents], strict=True)):
        for record in records:
            if (
                record.path in own_paths
                or (record.path in known and records is not own)
                or not photos.passes(record)
            ):
                continue
            rank += 1
            if top is not None and rank > top:
                return
            yield Neighbour(
                rank,
                record.path,
                int(distance),
                photos.bits,
                record.info,
                record.stamp,
                missing=not os.path.lexists(record.path),
                same_content=record.path in known,
            )


def _same_files(index: Library, asked: QueryImage, equal: Sequence[FileRecord]) -> list[FileRecord]:
    """The files of the library with the content of the photo asked for, itself first; `equal` are those with its code."""
    try:
        stamp = stamp_of(os.stat(asked.path)) if asked.path else None
        itself = (record.digest for record in equal if (record.path, record.stamp) == (asked.path, stamp))
        digest = next(itself, None) or content_digest(asked)
    except OSError:  # gone by now
        return []
    return sorted(index.files_of_digest(digest), key=lambda record: record.path != asked.path)


@dataclass(frozen=True, slots=True)
class Similar:
    """The answers to some questions, and what they rest on."""

    library: Place
    model: str
    head: Head
    """The head whose codes were compared."""
    answers: tuple[Answer, ...]


def find_similar(
    context: Context,
    names: Iterable[str | bytes],
    search_options: SearchOptions,
    *,
    standard_input: BinaryIO,
) -> Similar:
    """Find the photos that are most similar to each of some photos in the library that the settings name.

    Parameters
    ----------
    context
        Its settings name the library.
    names
        The photos as the user calls them; `-` is the content of standard input.
    search_options
        What is wanted of the answers.
    standard_input
        Read only if it is asked for.

    Raises
    ------
    UsageError
        If the library's model has no such head, or an option is out of range.
    StorageError
        If the library, or the model that a new photo needs, cannot be used.
    """
    with open_library(context.settings) as index:
        queries = [query_image(name, standard_input) for name in names]
        answers = search_library(index, queries, search_options, context.model_of(index), context)
        head = chosen_head(index.signature, search_options.head)
        return Similar(index.place, index.signature.model, head, tuple(answers))
