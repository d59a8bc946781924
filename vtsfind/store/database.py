"""Every SQL statement on an open library. The columns are specified in `vtsfind.store.schema`."""

import sqlite3
import zlib
from array import array
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import LibraryDamaged, ModelMismatch
from vtsfind.base.paths import show_path
from vtsfind.base.records import Entry, Failure, PictureInfo, Signature, Stamp
from vtsfind.store.errors import REPAIR_HINT, SQLITE_ERRORS
from vtsfind.store.planes import STATE_BYTES, code_bytes
from vtsfind.store.rows import (
    MAX_DIGESTS_OF_SIZE,
    Facts,
    FileRecord,
    facts_of,
    is_row_intact,
    join_codes,
    reason_of,
    row_crc,
    signature_of,
    signed,
    stamp_of,
    storable,
    text,
    unsigned,
)
from vtsfind.store.schema import NAME, VERSION, facts_columns, schema_text


@dataclass(frozen=True, slots=True)
class Counts:
    """The size of a library."""

    files: int
    """Files with a code."""
    contents: int
    """Distinct contents of those files."""
    failures: int
    """Files that could not be decoded."""
    bytes: int
    """Size of the files with a code."""
    roots: int
    indexed: datetime | None
    """When the library was last published, in UTC; None if never."""


class Database:
    """The statements on one open database. Errors of SQLite pass through.

    The first change begins a transaction and `commit` ends it. A change that SQLite refuses rolls back the whole
    transaction.
    """

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self.connection = connection
        self.folder = folder
        self.codes_changed = False
        """Whether the open transaction changed which codes are in the planes."""
        self.signature = self._read_signature()
        self.code_bytes = sum(map(code_bytes, self.signature.heads))

    @property
    def version(self) -> int:
        """Of the format: an earlier one has fewer checksums and facts until `vtsfind.store.upgrade`, maybe by another process."""
        return int(self.connection.execute("PRAGMA user_version").fetchone()[0])

    def _read_signature(self) -> Signature:
        text = self.meta("signature")
        signature = None
        if isinstance(text, str) and zlib.crc32(text.encode()) == self.meta("signature_crc"):
            signature = signature_of(text)
        if signature is None:
            raise LibraryDamaged(f"{self.folder / NAME} does not name its model.", REPAIR_HINT)
        return signature

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Begin a transaction unless one is open; roll it back if SQLite refuses a change."""
        if not self.connection.in_transaction:
            self.codes_changed = False
            self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except SQLITE_ERRORS:
            self.rollback()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """See one state of the database throughout the block."""
        if self.connection.in_transaction:
            yield self.connection
            return
        self.connection.execute("BEGIN")
        try:
            yield self.connection
        finally:
            self.rollback()

    def commit(self) -> None:
        """Commit the open transaction, if there is one."""
        if not self.connection.in_transaction:
            return
        with self.transaction() as connection:
            if self.codes_changed:
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('state', randomblob(16))")
            connection.execute("COMMIT")
        self.codes_changed = False

    def rollback(self) -> None:
        """Roll back the open transaction, if there is one."""
        self.codes_changed = False
        if self.connection.in_transaction:
            with suppress(*SQLITE_ERRORS):
                self.connection.execute("ROLLBACK")

    def add(self, entry: Entry) -> bool:
        """Record a readable file; gives whether its content is new."""
        codes = None if entry.codes is None else join_codes(self.signature.heads, entry.codes)
        with self.transaction() as connection:
            row = connection.execute("SELECT id FROM contents WHERE sha256 = ?", (entry.digest,)).fetchone()
            content = int(row[0]) if row else self._add_content(connection, entry, codes)
            self._put(connection, entry.path, entry.stamp, content=content)
        return row is None

    def _add_content(self, connection: sqlite3.Connection, entry: Entry, codes: bytes | None) -> int:
        info = entry.info
        if info is None or codes is None or len(entry.digest) != 32:
            raise ValueError("a content that is new to the index needs a digest of 32 bytes, info and codes")
        facts = facts_of(entry.stamp.size, info, text)
        (content,) = connection.execute(
            "INSERT INTO contents (sha256, size, width, height, orientation, taken, format, camera, codes, crc)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (entry.digest, *facts, codes, row_crc(VERSION, entry.digest, codes, facts)),
        ).fetchone()
        return int(content)

    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be decoded."""
        with self.transaction() as connection:
            reason, detail = failure.reason.value, text(failure.detail)
            self._put(connection, failure.path, failure.stamp, reason=reason, detail=detail)

    def _put(
        self,
        connection: sqlite3.Connection,
        path: bytes,
        stamp: Stamp | None,
        *,
        content: int | None = None,
        reason: str | None = None,
        detail: str | None = None,
    ) -> None:
        before = connection.execute("SELECT content FROM files WHERE path = ?", (path,)).fetchone()
        if (before[0] if before else None) != content:
            self.codes_changed = True
        numbers = (None,) * 3 if stamp is None else tuple(map(signed, astuple(stamp)))
        connection.execute(
            "INSERT OR REPLACE INTO files (path, size, mtime_ns, inode, content, reason, detail)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (path, *numbers, content, reason, detail),
        )

    def forget(self, paths: Iterable[bytes]) -> None:
        """Delete files; their contents stay known."""
        with self.transaction() as connection:
            self.codes_changed = True
            connection.executemany("DELETE FROM files WHERE path = ?", ((path,) for path in paths))

    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""
        with self.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO roots VALUES (?)", ((root,) for root in roots))

    def set_meta(self, name: str, value: int | str | bytes) -> None:
        """Record a fact about the library."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def meta(self, name: str) -> int | str | bytes | None:
        """A fact about the library, None if there is none of that name."""
        row = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        value: int | str | bytes | None = row[0] if row else None
        return value

    def state(self) -> bytes:
        """The random identifier of the current set of codes, 16 bytes.

        Raises
        ------
        ModelMismatch
            If the codes are of another model than when the database was opened.
        """
        if self._read_signature() != self.signature:
            raise ModelMismatch(
                f"The library {self.folder} has another model since a moment ago.", "Run the command again."
            )
        value = self.meta("state")
        if not isinstance(value, bytes) or len(value) != STATE_BYTES:
            raise LibraryDamaged(f"{self.folder / NAME} does not name its state.", REPAIR_HINT)
        return value

    def has_state(self) -> bool:
        """Whether the database has the required state identifier."""
        with suppress(LibraryDamaged):
            return bool(self.state())
        return False

    def has_schema(self) -> bool:
        """Whether tables, indexes and constraints are exactly those of the format."""
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(schema_text(self.version))
            query = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
            return fresh.execute(query).fetchall() == self.connection.execute(query).fetchall()

    def live_codes(self) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
        """Ids (n,) uint32, ascending, and concatenated codes (n, b) uint8 of all contents that have a file."""
        ids = array("I")
        codes = bytearray()
        for content, code in self.connection.execute(
            "SELECT id, codes FROM contents WHERE id IN (SELECT content FROM files) ORDER BY id"
        ):
            if len(code) != self.code_bytes:
                raise LibraryDamaged(
                    f"{self.folder / NAME} holds a code of a wrong length (content {content}).", REPAIR_HINT
                )
            ids.append(content)
            codes += code
        rows = np.array(ids, np.uint32)
        return rows, np.frombuffer(bytes(codes), np.uint8).reshape(len(rows), self.code_bytes)

    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path with its size, mtime_ns and inode; each -1 if the file could not be examined."""
        cursor = self.connection.execute(
            "SELECT path, ifnull(size, -1), ifnull(mtime_ns, -1), ifnull(inode, -1) FROM files"
        )
        return {
            path: (size, mtime_ns, inode if inode >= 0 or size < 0 else unsigned(inode))
            for path, size, mtime_ns, inode in cursor
        }

    def paths_of_file(self, names: Iterable[bytes], inode: int) -> list[bytes]:
        """The known paths that are one of some names, or whose file had that number."""
        cursor = self.connection.execute("SELECT path FROM files WHERE inode = ?", (signed(inode),))
        found = {path for (path,) in cursor}
        for name in names:
            if self.connection.execute("SELECT 1 FROM files WHERE path = ?", (name,)).fetchone():
                found.add(name)
        return sorted(found)

    def failures(self) -> list[Failure]:
        """The files that cannot be decoded, by path."""
        cursor = self.connection.execute(
            "SELECT path, reason, detail, size, mtime_ns, inode FROM files WHERE content IS NULL ORDER BY path"
        )
        return [
            Failure(path, reason_of(reason), detail or "", stamp_of(size, mtime, inode))
            for path, reason, detail, size, mtime, inode in cursor
        ]

    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes, of many the latest."""
        cursor = self.connection.execute(
            "SELECT sha256 FROM contents WHERE size = ? ORDER BY id DESC LIMIT ?",
            (signed(size), MAX_DIGESTS_OF_SIZE),
        )
        return frozenset(digest for (digest,) in cursor)

    def digests_of_paths(self, paths: Iterable[bytes]) -> frozenset[bytes]:
        """SHA-256 of the contents of some files, as they were indexed."""
        query = "SELECT sha256 FROM files JOIN contents ON id = content WHERE path = ?"
        rows = (self.connection.execute(query, (path,)).fetchone() for path in paths)
        return frozenset(row[0] for row in rows if row)

    def codes_of_path(self, path: bytes, stamp: Stamp) -> bytes | None:
        """The concatenated codes of a file; None unless it is known with this stamp."""
        row = self.connection.execute(
            "SELECT codes FROM files JOIN contents ON id = content"
            " WHERE path = ? AND files.size = ? AND mtime_ns = ? AND inode = ?",
            (path, *map(signed, astuple(stamp))),
        ).fetchone()
        return self._checked_codes(row)

    def codes_of_digest(self, digest: bytes) -> bytes | None:
        """The concatenated codes of a content; None unless it is known."""
        return self._checked_codes(
            self.connection.execute("SELECT codes FROM contents WHERE sha256 = ?", (digest,)).fetchone()
        )

    def _checked_codes(self, row: tuple[bytes] | None) -> bytes | None:
        if row and len(row[0]) != self.code_bytes:
            raise LibraryDamaged(f"{self.folder / NAME} holds a code of a wrong length.", REPAIR_HINT)
        return row[0] if row else None

    def files_of_content(self, content: int) -> list[FileRecord]:
        """The files with a content, by path."""
        return [record for _, record in self._file_records("WHERE content = ? ORDER BY path", (content,))]

    def files_of_digest(self, digest: bytes) -> list[FileRecord]:
        """The files with the content of that SHA-256, by path."""
        row = self.connection.execute("SELECT id FROM contents WHERE sha256 = ?", (digest,)).fetchone()
        return self.files_of_content(row[0]) if row else []

    def contents_with_files(self) -> Iterator[tuple[int, list[FileRecord]]]:
        """Every content that has a file, by id, with its files by path."""
        for content, found in groupby(self._file_records("ORDER BY content, path"), key=itemgetter(0)):
            yield content, [record for _, record in found]

    def _file_records(self, which: str, parameters: tuple[int, ...] = ()) -> Iterator[tuple[int, FileRecord]]:
        """Files with the id of their content.

        Raises
        ------
        LibraryDamaged
            If the facts about a content are not as they were written.
        """
        version = self.version
        cursor = self.connection.execute(
            f"SELECT content, path, files.size, mtime_ns, inode, sha256, codes, crc, {facts_columns(version)}"  # noqa: S608
            f" FROM files JOIN contents ON id = content {which}",
            parameters,
        )
        for content, path, size, mtime_ns, inode, digest, codes, crc, *facts in cursor:
            if not is_row_intact(version, digest, codes, crc, tuple(facts)):
                raise LibraryDamaged(
                    f"The facts about {show_path(path)} in {self.folder / NAME} are not as they were written.",
                    REPAIR_HINT,
                )
            yield (
                content,
                FileRecord(path, Stamp(size, mtime_ns, unsigned(inode)), digest, PictureInfo(*facts[1:])),
            )

    def checked_rows(self, after: int = 0) -> Iterator[tuple[int, bytes, bytes, Facts, bool]]:
        """The contents with a higher id, by id: id, SHA-256, codes, facts, and whether they are as they were written."""
        version = self.version
        cursor = self.connection.execute(
            f"SELECT id, sha256, codes, crc, {facts_columns(version)} FROM contents WHERE id > ? ORDER BY id",  # noqa: S608
            (after,),
        )
        for content, digest, codes, crc, *facts in cursor:
            is_intact = is_row_intact(version, digest, codes, crc, tuple(facts))
            yield content, digest, codes, tuple(facts), is_intact and len(codes) == self.code_bytes

    def damaged_contents(self) -> list[int]:
        """Ids of the contents whose codes have a wrong length, or which have a wrong checksum."""
        return [content for content, *_, is_intact in self.checked_rows() if not is_intact]

    def content_rows(self, after: int) -> Iterator[tuple[int, bytes, bytes, Facts]]:
        """The contents with a higher id, by id: id, SHA-256, codes and facts; see `vtsfind.store.copying`."""
        for content, digest, codes, facts, is_intact in self.checked_rows(after):
            if not is_intact:
                raise LibraryDamaged(
                    f"A code in {self.folder / NAME} is damaged (content {content}).", REPAIR_HINT
                )
            size, width, height, orientation, taken, kind, camera = facts
            taken, camera = (None if each is None else storable(each) for each in (taken, camera))
            yield content, digest, codes, (size, width, height, orientation, taken, storable(kind), camera)

    def roots(self) -> list[bytes]:
        """The recorded roots, sorted."""
        return [path for (path,) in self.connection.execute("SELECT path FROM roots ORDER BY path")]

    def counts(self) -> Counts:
        """The size of the library, in one snapshot."""
        with self.snapshot() as connection:
            row = connection.execute(
                "SELECT count(content), ifnull(sum(size) FILTER (WHERE content IS NOT NULL), 0),"
                " count(DISTINCT content), count(reason) FROM files"
            ).fetchone()
            roots, indexed = len(self.roots()), self.meta("indexed")
        files, size, contents, failures = map(int, row)
        time = datetime.fromtimestamp(indexed, UTC) if isinstance(indexed, int) else None
        return Counts(files, contents, failures, size, roots, time)

    def close(self) -> None:
        """Close; uncommitted changes are rolled back. Calling it again does nothing."""
        self.connection.close()
