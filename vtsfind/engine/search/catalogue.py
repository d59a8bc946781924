"""The photos of a library one after the other, without a query."""

import os
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vtsfind.base.records import PictureInfo, Stamp
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
