"""Copying a library row by row, from one place to another, so that it can be interrupted, goes on, and is verified.

Contents keep their ids, so that both libraries answer alike. Until a copy is complete its library has the fact `copying`, and is
not opened for anything else.
"""

import hashlib
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol, TypeVar

from vtsfind.base.records import Signature
from vtsfind.store.index import Index
from vtsfind.store.rows import Facts, row_crc, storable
from vtsfind.store.schema import VERSION

COPYING = "copying"
ROWS_AT_ONCE = 10_000
"""Rows that are stored, and committed, at once."""

ContentRow = tuple[int, bytes, bytes, Facts]
"""Id, SHA-256, concatenated codes, and the facts."""
FileRow = tuple[bytes, int | None, int | None, int | None, int | None, str | None, str | None]
"""Path, size, mtime_ns, inode (as they are stored), id of the content, reason, detail."""
T = TypeVar("T")


class RowStore(Protocol):
    """A library as rows."""

    @property
    def signature(self) -> Signature:
        """The model whose codes they have."""

    def content_rows(self, after: int = 0) -> Iterator[ContentRow]:
        """The contents with a higher id, by id.

        Raises
        ------
        LibraryDamaged
            If one is not as it was written.
        """

    def file_rows(self, after: bytes | None = None) -> Iterator[FileRow]:
        """The files after a path, by path."""

    def last(self) -> tuple[int, bytes | None]:
        """The highest id, 0 for none, and the last path."""

    def store_contents(self, rows: list[ContentRow]) -> None:
        """Store contents, and commit."""

    def store_files(self, rows: list[FileRow]) -> None:
        """Store files, and commit."""

    def roots(self) -> list[bytes]:
        """The folders that the library covers."""

    def finish(self, roots: Iterable[bytes]) -> None:
        """Store the folders; the copy is complete."""


def batches(rows: Iterable[T]) -> Iterator[list[T]]:
    """Rows in lists of at most `ROWS_AT_ONCE`."""
    rows = iter(rows)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        yield batch


def checksum(store: RowStore) -> tuple[int, int, str]:
    """The number of contents and of files, and the SHA-256 of all of them, read from the store."""
    digest = hashlib.sha256()
    counts: list[int] = []
    for rows in (store.content_rows(), store.file_rows()):
        counts.append(0)
        for row in rows:
            digest.update(repr(row).encode())
            counts[-1] += 1
    return counts[0], counts[1], digest.hexdigest()


class EmbeddedRows:
    """An embedded library as rows. Errors of SQLite pass through.

    Parameters
    ----------
    index
        The library, open for writing if rows are to be stored.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._database = index.database
        self.signature = index.signature
        self.roots = index.roots

    def content_rows(self, after: int = 0) -> Iterator[ContentRow]:
        """See `RowStore`."""
        return self._database.content_rows(after)

    def file_rows(self, after: bytes | None = None) -> Iterator[FileRow]:
        """See `RowStore`."""
        cursor = self._database.connection.execute(
            "SELECT path, size, mtime_ns, inode, content, reason, detail FROM files WHERE path > ? OR ? ORDER BY path",
            (after or b"", after is None),
        )
        for *row, detail in cursor:
            yield (*row, None if detail is None else storable(detail))

    def last(self) -> tuple[int, bytes | None]:
        """See `RowStore`."""
        connection = self._database.connection
        (content,) = connection.execute("SELECT ifnull(max(id), 0) FROM contents").fetchone()
        (path,) = connection.execute("SELECT max(path) FROM files").fetchone()
        return content, path

    def store_contents(self, rows: list[ContentRow]) -> None:
        """See `RowStore`."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO contents (id, sha256, size, width, height, orientation, taken, format, camera, codes, crc)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (content, digest, *facts, codes, row_crc(VERSION, digest, codes, facts))
                    for content, digest, codes, facts in rows
                ),
            )
            self._database.codes_changed = True
        self._database.commit()

    def store_files(self, rows: list[FileRow]) -> None:
        """See `RowStore`."""
        with self._database.transaction() as connection:
            connection.executemany(
                "INSERT INTO files (path, size, mtime_ns, inode, content, reason, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            self._database.codes_changed = True
        self._database.commit()

    def finish(self, roots: Iterable[bytes]) -> None:
        """See `RowStore`."""
        self._index.add_roots(roots)
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM meta WHERE name = ?", (COPYING,))
        self._index.publish()
