"""The photos of a library that are most similar to a given one, or show what words say."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import numpy as np

from vtsfind.base.addresses import Place
from vtsfind.base.errors import UsageError
from vtsfind.base.records import Failure, Head, PictureInfo, Stamp
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import ModelLike, open_library
from vtsfind.engine.library.heads import LIKENESS, way_to_compare
from vtsfind.engine.search.nearest import (
    FoundContents,
    heads_of,
    most_alike,
    nearest_by_head,
    nearest_to,
)
from vtsfind.engine.search.query_image import QueryImage, codes_of, content_digest, query_image
from vtsfind.engine.search.query_words import (
    Directions,
    QueryWords,
    are_words,
    check_words,
    queries_of,
    require_words,
)
from vtsfind.engine.search.where import EVERYTHING, ChosenPhotos, Where, chosen_photos, passes_none
from vtsfind.media.scan import stamp_of
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord

DEFAULT_TOP = 20


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What is asked for."""

    head: str | None = None
    """The head whose codes are compared, or `likeness` for those of scenes and copies together; None for `words` if there are words, else for
    the usual way, see `vtsfind.engine.library.heads`."""
    top: int | None = None
    """At most so many files; None for 20, or for all within the radius if there is one."""
    radius: int | None = None
    """Only photos at most so many bits away; None for no limit."""
    skip_self: bool = False
    """Whether the very file asked for is left out of its answer."""
    where: Where = EVERYTHING
    """Which photos of the library are looked through."""
    approximate: bool = False
    """Whether some of the nearest may be missing, where the library has an index that finds the others faster."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A photo of the library that is similar to the one asked for."""

    rank: int
    """1 for the best."""
    path: bytes
    distance: int
    """Bits in which the codes differ; by likeness a weighted sum for two codes (`vtsfind.find.hamming.likeness`), for words the asymmetric
    distance (`vtsfind.find.hamming.views`), in whole bits."""
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

    query: QueryImage | QueryWords
    neighbours: tuple[Neighbour, ...] = ()
    """Best first; of equally near ones, the photo asked for and its exact copies, then the content that the library
    knows longest, then by path. A photo that the library has not is compared by its real outputs, and by the head that tells copies in
    several views (`vtsfind.find.hamming.views`): the best is then not always the one at the smallest distance."""
    failure: Failure | None = None
    """Why the photo asked for could not be used."""
    unknown: tuple[str, ...] = ()
    """Words asked for that are not known, and do not count."""


def chosen_head(index: Library, queries: Sequence[QueryImage | QueryWords], asked: str | None) -> Head:
    """What to compare by: `words` if there are words, else what is asked for, else the usual way for photos.

    Raises
    ------
    UsageError
        If the model makes no such codes.
    """
    if any(isinstance(each, QueryWords) for each in queries):
        return require_words(index, asked)
    return way_to_compare(index.signature, asked)


def search_library(
    index: Library,
    queries: Sequence[QueryImage | QueryWords],
    search_options: SearchOptions,
    model: ModelLike,
    context: Context,
) -> list[Answer]:
    """Find the photos that are most similar to each of some photos, or show what words say.

    Parameters
    ----------
    index
        The library, open for reading.
    queries
        The photos or words.
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
        If the library's model has no such head, an option is out of range, or no word of a query is known.
    """
    head = chosen_head(index, queries, search_options.head)
    if search_options.top is not None and search_options.top < 1:
        raise UsageError(f"--top is {search_options.top}.", "Give a number from 1.")
    if search_options.radius is not None and not 0 <= search_options.radius <= head.bits:
        raise UsageError(
            f"--radius is {search_options.radius}.", f"Give a number of bits from 0 to {head.bits}."
        )
    heads = heads_of(head)
    photos = chosen_photos(search_options.where, index, heads[0], approximate=search_options.approximate)
    images = [image for image in map(_image_of, queries) if image]
    made = iter(codes_of(index, images, model, context, heads=heads))
    directions = Directions(index) if any(isinstance(each, QueryWords) for each in queries) else None
    removed = cache(_removed_by_runs)  # read once, and only if something is missing
    answers = []
    for each in queries:
        codes = next(made) if _image_of(each) else None
        if isinstance(codes, Failure):
            answers.append(Answer(each, failure=codes))
            continue
        top = _top(search_options)
        unknown: tuple[str, ...] = ()
        # Every content has a file, so that many contents suffice; one more in case it is the file asked for.
        contents = None if top is None else top + 1
        while True:
            if isinstance(each, QueryWords):
                assert directions is not None
                direction, unknown = directions.of(each, codes[head.name] if codes else None)
                found = nearest_to(direction, photos, radius=search_options.radius, contents=contents)
            elif codes and head.name == LIKENESS:
                found = most_alike(codes, index, photos, radius=search_options.radius, contents=contents)
            else:
                assert codes
                found = nearest_by_head(
                    codes[head.name], photos, radius=search_options.radius, contents=contents
                )
            hits = tuple(_neighbours(index, _image_of(each), found, photos, search_options, removed=removed))
            if top is None or contents is None or len(hits) >= top or len(found.rows) < contents:
                break
            contents *= 4  # files were left out that are gone
        answers.append(Answer(each, hits, unknown=unknown))
    return answers


def _removed_by_runs() -> frozenset[bytes]:
    from vtsfind.engine.library.removed import removed_by_runs

    return removed_by_runs()


def _image_of(query: QueryImage | QueryWords) -> QueryImage | None:
    return query.image if isinstance(query, QueryWords) else query


def _top(search_options: SearchOptions) -> int | None:
    unlimited = search_options.top is None and search_options.radius is not None
    return None if unlimited else search_options.top or DEFAULT_TOP


def _neighbours(
    index: Library,
    asked: QueryImage | None,
    found: FoundContents,
    photos: ChosenPhotos,
    search_options: SearchOptions,
    *,
    removed: Callable[[], frozenset[bytes]],
) -> Iterator[Neighbour]:
    top = _top(search_options)
    own_paths = (
        {asked.path, os.path.realpath(asked.path)}
        if asked and asked.path and search_options.skip_self
        else set()
    )
    files = index.files_of_rows(found.rows)
    equal = [record for place in np.flatnonzero(found.distances == 0) for record in files[place]]
    own = _same_files(index, asked, equal) if asked and equal and found.are_bits else []
    known = {record.path for record in own}
    rank = 0
    for records, distance in ((own, 0), *zip(files, found.distances, strict=True)):
        for record in records:
            if (
                record.path in own_paths
                or (record.path in known and records is not own)
                or not photos.passes(record)
            ):
                continue
            missing = not os.path.lexists(record.path)
            if missing and record.path in removed():
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
                missing=missing,
                same_content=record.path in known,
            )


def _is_approximate(index: Library, head: Head, search_options: SearchOptions) -> bool:
    return (
        search_options.approximate
        and _top(search_options) is not None
        and search_options.where == EVERYTHING
        and index.has_near_index(heads_of(head)[0])
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
    without_camera: int = 0
    """Contents that were left out since a camera was asked for and nobody has looked for theirs."""
    is_approximate: bool = False
    """Whether some of the nearest may be missing."""
    passes_none: bool = False
    """Whether nothing was found since no photo of the library passes the filters."""


def find_similar(
    context: Context,
    names: Iterable[str],
    search_options: SearchOptions,
    *,
    texts: Sequence[str] = (),
    without: Sequence[str] = (),
    standard_input: BinaryIO,
) -> Similar:
    """Find the photos that are most similar to some photos, or show what words say, in the library that the settings name.

    Parameters
    ----------
    context
        Its settings name the library.
    names
        The photos as the user calls them, `-` for the content of standard input; and words, which together are one text, see
        `vtsfind.engine.search.query_words.are_words`.
    search_options
        What is wanted of the answers.
    texts
        More texts. Each photo is looked for together with each text, if there are both.
    without
        Words for what photos should not show.
    standard_input
        Read only if it is asked for.

    Raises
    ------
    UsageError
        If the library's model has no such head, an option is out of range, or words cannot be searched for.
    StorageError
        If the library, or the model that a new photo needs, cannot be used.
    """
    names = list(names)
    words = [name for name in names if are_words(name)]
    texts = [*([" ".join(words)] if words else []), *texts]
    check_words(texts, without)
    with open_library(context.settings) as index:
        photos = [query_image(name, standard_input) for name in names if name not in words]
        queries = queries_of(photos, texts, " ".join(without))
        answers = search_library(index, queries, search_options, context.model_of(index), context)
        head = chosen_head(index, queries, search_options.head)
        without_camera = index.count_without_camera() if search_options.where.cameras else 0
        is_approximate = bool(photos) and _is_approximate(index, head, search_options)
        is_empty = not any(answer.neighbours for answer in answers)
        return Similar(
            index.place,
            index.signature.model,
            head,
            tuple(answers),
            without_camera,
            is_approximate,
            is_empty and search_options.where != EVERYTHING and passes_none(search_options.where, index),
        )
