"""The photos of a library one after the other, without a query."""

import os
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vtsfind.base.addresses import Place
from vtsfind.base.errors import UsageError
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.context import Context
from vtsfind.engine.library.access import open_library
from vtsfind.engine.library.removed import removed_by_runs
from vtsfind.engine.search.where import Where, day_of, passing
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord


class Order(StrEnum):
    """What photos are sorted by; the value is its label."""

    NEWEST = "newest first"
    OLDEST = "oldest first"
    PATH = "by folder"


@dataclass(frozen=True, slots=True)
class LibraryPhoto:
    """A photo of the library."""

    path: bytes
    info: PictureInfo
    stamp: Stamp
    day: date | None
    """Of the shot, else of the file."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Photos of a library, and what they rest on."""

    library: Place
    photos: tuple[LibraryPhoto, ...]
    missing: frozenset[bytes]
    """Those whose file is gone since it was indexed."""
    without_camera: int = 0
    """Contents that were left out since a camera was asked for and nobody has looked for theirs."""


def list_photos(context: Context, where: Where, top: int | None = None) -> Catalogue:
    """The chosen photos of the library that the settings name, newest first; at most so many of them.

    Raises
    ------
    UsageError
        If the number is not positive, or the library has no photo in one of the folders or by one of the cameras.
    StorageError
        If the library cannot be used.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top is {top}.", "Give a number from 1.")
    with open_library(context.settings) as index:
        photos = tuple(catalogue(index, where)[:top])
        missing = frozenset(photo.path for photo in photos if not os.path.lexists(photo.path))
        without_camera = index.count_without_camera() if where.cameras else 0
        return Catalogue(index.place, photos, missing, without_camera)


def catalogue(index: Library, where: Where, order: Order = Order.NEWEST) -> list[LibraryPhoto]:
    """The chosen files of a library but those that vtsfind removed, sorted; those of the same time by path.

    Raises
    ------
    UsageError
        If the library has no photo in one of the folders.
    """
    passes, removed = passing(where, index), removed_by_runs()
    chosen = [
        record
        for _, records in index.contents()
        for record in records
        if passes(record) and (record.path not in removed or os.path.lexists(record.path))
    ]
    chosen.sort(key=lambda record: record.path)
    if order is not Order.PATH:
        chosen.sort(key=_seconds, reverse=order is Order.NEWEST)
    return [
        LibraryPhoto(record.path, record.info, record.stamp, day_of(record.info, record.stamp))
        for record in chosen
    ]


def _seconds(record: FileRecord) -> float:
    """The time of the shot, else of the file, in seconds since 1970."""
    try:
        return datetime.fromisoformat(record.info.taken or "").timestamp()
    except (OSError, OverflowError, ValueError):
        return record.stamp.mtime_ns / 1e9
