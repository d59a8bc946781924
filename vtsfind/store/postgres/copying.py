"""A library on a server as rows, for copying it; see `vtsfind.store.copying`."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any

from vtsfind.base.errors import LibraryDamaged
from vtsfind.store.copying import COPYING, ContentRow, FileRow
from vtsfind.store.postgres.library import PostgresLibrary
from vtsfind.store.postgres.rows import (
    content_columns,
    content_row,
    content_types,
    copy_rows,
    is_intact,
    split_content_row,
)

_FILES = "path, size, mtime_ns, inode, content, reason, detail"
_FILE_TYPES = ["bytea", "int8", "int8", "int8", "int8", "text", "text"]


class ServerRows:
    """A library on a server as rows. Errors of the server pass through.

    Parameters
    ----------
    library
        Open for writing if rows are to be stored.
    """

    def __init__(self, library: PostgresLibrary) -> None:
        self._library = library
        self._connection = library.connection
        self.signature = library.signature
        self.roots = library.roots

    def content_rows(self, after: int = 0) -> Iterator[ContentRow]:
        """See `RowStore`."""
        from psycopg import sql

        select = sql.SQL("SELECT id, {} FROM contents WHERE id > %s ORDER BY id")
        query = select.format(content_columns(self.signature))
        with self._library.own_codes(), closing(self._library.stream(query, (after,))) as rows:
            for content, *row in rows:
                if not is_intact(tuple(row)):
                    raise LibraryDamaged(
                        f"A code in {self._library.place} is damaged (content {content}).",
                        f"Run `vtsfind doctor --repair --library {self._library.place.quoted}`.",
                    )
                digest, facts, _, codes = split_content_row(tuple(row))
                yield content, digest, codes, facts

    def file_rows(self, after: bytes | None = None) -> Iterator[FileRow]:
        """See `RowStore`."""
        query = f"SELECT {_FILES} FROM files WHERE path > %s OR %s ORDER BY path"  # noqa: S608 - names of this module
        for row in self._library.stream(query, (after or b"", after is None)):
            yield row[0], row[1], row[2], row[3], row[4], row[5], row[6]

    def last(self) -> tuple[int, bytes | None]:
        """See `RowStore`."""
        row = (
            self._connection.cursor(binary=True)
            .execute(
                "SELECT (SELECT coalesce(max(id), 0) FROM contents), (SELECT path FROM files ORDER BY path DESC LIMIT 1)"
            )
            .fetchone()
        )
        assert row
        return row[0], row[1]

    def store_contents(self, rows: list[ContentRow]) -> None:
        """See `RowStore`."""
        from psycopg import sql

        query = sql.SQL("COPY contents (id, {}) FROM STDIN (FORMAT BINARY)")
        with self._connection.transaction():
            copy_rows(
                self._connection,
                query.format(content_columns(self.signature)),
                ["int8", *content_types(self.signature)],
                [
                    (content, *content_row(self.signature, digest, facts, codes))
                    for content, digest, codes, facts in rows
                ],
            )

    def store_files(self, rows: list[FileRow]) -> None:
        """See `RowStore`."""
        from psycopg import sql

        query = sql.SQL("COPY files ({}) FROM STDIN (FORMAT BINARY)").format(sql.SQL(_FILES))
        stored: list[Any] = list(rows)
        with self._connection.transaction():
            copy_rows(self._connection, query, _FILE_TYPES, stored)

    def finish(self, roots: Iterable[bytes]) -> None:
        """See `RowStore`."""
        self._library.add_roots(roots)
        self._library.commit()
        self._connection.execute(
            "SELECT setval(pg_get_serial_sequence('contents', 'id'), coalesce(max(id), 0) + 1, false) FROM contents"
        )
        self._connection.execute("DELETE FROM meta WHERE name = %s", (COPYING,))
        self._library.publish()
        self._connection.execute("ANALYZE contents, files")
