r"""Rows of the tables of a library on a server, and changes that wait to be written.

Changes are gathered here and written by `write`, in one short transaction with COPY; writers take turns by an advisory lock, so
that none waits for another in a circle. Text cannot hold NUL on a server: it is written as `\x00`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtsfind.base.records import Entry, Failure, PictureInfo, Signature, Stamp
from vtsfind.store.evidence_file import Row
from vtsfind.store.planes import code_bytes
from vtsfind.store.postgres.connection import Bits
from vtsfind.store.postgres.schema import code_column, lock_key
from vtsfind.store.rows import (
    Facts,
    FileRecord,
    facts_of,
    is_row_intact,
    join_codes,
    row_crc,
    signed,
    storable,
    unsigned,
)
from vtsfind.store.rows import text as valid_utf8
from vtsfind.store.schema import VERSION as CRC_VERSION

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

FileRow = tuple[bytes, int | None, int | None, int | None, bytes | None, str | None, str | None]
"""Path, size, mtime_ns, inode, SHA-256, reason, detail."""
ContentRow = tuple[Any, ...]
"""SHA-256, the facts, CRC, and the code of each head as `Bits`."""

CONTENT_COLUMNS = (
    "sha256",
    "size",
    "width",
    "height",
    "orientation",
    "taken",
    "format",
    "camera",
    "crc",
)
"""Those of `ContentRow` before the codes."""
_CONTENT_TYPES = ["bytea", "int8", "int4", "int4", "int4", "text", "text", "text", "int8"]
_FILE_TYPES = ["bytea", "int8", "int8", "int8", "bytea", "text", "text"]

_STORE_FILES = (
    "INSERT INTO files (path, size, mtime_ns, inode, content, reason, detail)"
    " SELECT n.path, n.size, n.mtime_ns, n.inode, c.id, n.reason, n.detail"
    " FROM pg_temp.new_files n LEFT JOIN contents c USING (sha256) ON CONFLICT (path) DO UPDATE SET"
    " (size, mtime_ns, inode, content, reason, detail) = (excluded.size, excluded.mtime_ns, excluded.inode,"
    " excluded.content, excluded.reason, excluded.detail)"
)


def text(value: str) -> str:
    """Text as the server can hold it."""
    return storable(valid_utf8(value))


def signed_stamp(stamp: Stamp) -> tuple[int, int, int]:
    """Size, mtime_ns and inode as the server can hold them."""
    return signed(stamp.size), signed(stamp.mtime_ns), signed(stamp.inode)


def content_columns(signature: Signature) -> "sql.Composed":
    """The columns of `ContentRow`, by name."""
    from psycopg import sql

    return sql.SQL(", ").join([*map(sql.Identifier, CONTENT_COLUMNS), *map(code_column, signature.heads)])


def content_row(signature: Signature, digest: bytes, facts: Facts, codes: bytes) -> ContentRow:
    """A row of `contents`."""
    split, start = [], 0
    for head in signature.heads:
        split.append(Bits(head.bits, codes[start : start + code_bytes(head)]))
        start += code_bytes(head)
    return digest, *facts, row_crc(CRC_VERSION, digest, codes, facts), *split


def is_intact(row: tuple[Any, ...]) -> bool:
    """Whether what `content_columns` selects has its checksum."""
    digest, facts, crc, codes = split_content_row(row)
    return is_row_intact(CRC_VERSION, digest, codes, crc, facts)


def split_content_row(row: tuple[Any, ...]) -> tuple[bytes, Facts, int, bytes]:
    """SHA-256, facts, CRC and concatenated codes of what `content_columns` selects."""
    digest, *facts, crc = row[: len(CONTENT_COLUMNS)]
    return digest, tuple(facts), crc, b"".join(row[len(CONTENT_COLUMNS) :])


def file_record(path: bytes, size: int, mtime_ns: int, inode: int, row: tuple[Any, ...]) -> FileRecord:
    """A file, and what `content_columns` selects of its content."""
    digest, facts, _, _ = split_content_row(row)
    return FileRecord(path, Stamp(size, mtime_ns, unsigned(inode)), digest, PictureInfo(*facts[1:]))


@dataclass(slots=True)
class Changes:
    """What a writer has not committed yet."""

    contents: dict[bytes, ContentRow] = field(default_factory=dict)
    files: dict[bytes, FileRow | None] = field(default_factory=dict)
    """By path; None for a file that is gone."""
    roots: set[bytes] = field(default_factory=set)

    def add(self, entry: Entry, signature: Signature) -> bool:
        """Record a readable file; see `vtsfind.store.index.Index.add`."""
        is_new = entry.codes is not None and entry.digest not in self.contents
        if entry.codes is not None:
            codes = join_codes(signature.heads, entry.codes)
            info = entry.info
            if info is None or len(entry.digest) != 32:
                raise ValueError(
                    "a content that is new to the index needs a digest of 32 bytes, info and codes"
                )
            facts = facts_of(entry.stamp.size, info, text)
            self.contents.setdefault(entry.digest, content_row(signature, entry.digest, facts, codes))
        self.files[entry.path] = (entry.path, *signed_stamp(entry.stamp), entry.digest, None, None)
        return is_new

    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be decoded."""
        stamp = failure.stamp
        size, mtime_ns, inode = (None, None, None) if stamp is None else signed_stamp(stamp)
        reason, detail = failure.reason.value, text(failure.detail)
        self.files[failure.path] = (failure.path, size, mtime_ns, inode, None, reason, detail)

    def digests_of_size(self, size: int) -> set[bytes]:
        """SHA-256 of the new contents of that size."""
        return {digest for digest, row in self.contents.items() if row[1] == signed(size)}

    def write(self, connection: "psycopg.Connection[Any]", signature: Signature) -> None:
        """Write all of it, within the caller's transaction."""
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key("writer"),))
        if self.roots:
            connection.cursor().executemany(
                "INSERT INTO roots VALUES (%s) ON CONFLICT DO NOTHING",
                [(root,) for root in sorted(self.roots)],
            )
        if self.contents:
            self._write_contents(connection, signature)
        gone = [path for path, row in self.files.items() if row is None]
        if gone:
            connection.execute("DELETE FROM files WHERE path = ANY(%s)", (gone,))
        rows = [row for row in self.files.values() if row is not None]
        if rows:
            _write_files(connection, rows)

    def _write_contents(self, connection: "psycopg.Connection[Any]", signature: Signature) -> None:
        from psycopg import sql

        names = content_columns(signature)
        connection.execute(
            sql.SQL(
                "CREATE TEMP TABLE IF NOT EXISTS new_contents ON COMMIT DELETE ROWS AS SELECT {} FROM contents WITH NO DATA"
            ).format(names)
        )
        copy_rows(
            connection,
            sql.SQL("COPY pg_temp.new_contents ({}) FROM STDIN (FORMAT BINARY)").format(names),
            content_types(signature),
            list(self.contents.values()),
        )
        connection.execute(
            sql.SQL(
                "INSERT INTO contents ({names}) SELECT {names} FROM pg_temp.new_contents ORDER BY ctid ON CONFLICT (sha256)"
                " DO NOTHING"
            ).format(names=names)
        )


def content_types(signature: Signature) -> list[str]:
    """The types of `ContentRow`, for COPY."""
    return [*_CONTENT_TYPES, *("bit" for _ in signature.heads)]


def copy_rows(
    connection: "psycopg.Connection[Any]", query: "sql.Composed", types: list[str], rows: list[Any]
) -> None:
    """Send rows by COPY, in its binary format."""
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def _write_files(connection: "psycopg.Connection[Any]", rows: list[FileRow]) -> None:
    from psycopg import sql

    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS new_files (path bytea, size bigint, mtime_ns bigint, inode bigint,"
        " sha256 bytea, reason text, detail text) ON COMMIT DELETE ROWS"
    )
    copy_rows(
        connection,
        sql.SQL("COPY pg_temp.new_files FROM STDIN (FORMAT BINARY)").format(),
        _FILE_TYPES,
        rows,
    )
    connection.execute(_STORE_FILES)


def write_cameras(
    connection: "psycopg.Connection[Any]", columns: "sql.Composed", names: Mapping[int, str]
) -> None:
    """Write the cameras of contents, by id, within the caller's transaction; damaged rows stay as they are.

    Parameters
    ----------
    connection
        To the server.
    columns
        See `content_columns`.
    names
        The cameras; empty for none.
    """
    from psycopg import sql

    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key("writer"),))
    query = sql.SQL("SELECT id, {} FROM contents WHERE id = ANY(%s)").format(columns)
    changed = []
    for content, *row in connection.cursor(binary=True).execute(query, (list(names),)):
        digest, facts, _, codes = split_content_row(tuple(row))
        if is_intact(tuple(row)):
            named = (*facts[:-1], text(names[content]))
            changed.append((named[-1], row_crc(CRC_VERSION, digest, codes, named), content))
    connection.cursor().executemany("UPDATE contents SET camera = %s, crc = %s WHERE id = %s", changed)


def write_verdicts(connection: "psycopg.Connection[Any]", rows: list[Row]) -> None:
    """Write verdicts on pairs, as `vtsfind.store.evidence` stores them, within the caller's transaction; known ones stay."""
    from psycopg import sql

    if not rows:
        return
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS new_verdicts (LIKE verdicts) ON COMMIT DELETE ROWS")
    copy_rows(
        connection,
        sql.SQL("COPY pg_temp.new_verdicts FROM STDIN (FORMAT BINARY)").format(),
        ["bytea", "bytea", "text", "text", "text", "int8"],
        rows,
    )
    # In one order, so that no two writers wait for each other.
    connection.execute(
        "INSERT INTO verdicts SELECT * FROM pg_temp.new_verdicts ORDER BY first, second ON CONFLICT DO NOTHING"
    )
