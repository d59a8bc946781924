"""A library on a PostgreSQL server. The tables are specified in `vtsfind.store.postgres.schema`."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.addresses import ServerAddress
from vtsfind.base.errors import LibraryDamaged, StorageError, UsageError
from vtsfind.base.paths import show_path
from vtsfind.base.records import Claim, Entry, Failure, Found, Head, Signature, Stamp
from vtsfind.base.settings import local_folder
from vtsfind.base.words import counted
from vtsfind.store.atomic import make_private_folder
from vtsfind.store.cameras import CAMERAS, COUNT_WITHOUT_CAMERA, WITHOUT_CAMERA_FILES, Unlooked, grouped
from vtsfind.store.database import Counts
from vtsfind.store.errors import storage_errors
from vtsfind.store.evidence_file import Row
from vtsfind.store.health import LibraryProblem
from vtsfind.store.planes import Planes, require_codes_of
from vtsfind.store.postgres import hnsw, schema
from vtsfind.store.postgres.claims import Claims
from vtsfind.store.postgres.codes import all_planes, near_planes, planes_of_rows
from vtsfind.store.postgres.connection import connect, server_errors, translates_server_errors
from vtsfind.store.postgres.model_change import change_model, lock_model, own_codes, require_model
from vtsfind.store.postgres.rows import (
    CONTENT_COLUMNS,
    Changes,
    content_columns,
    file_record,
    is_intact,
    signed_stamp,
    write_cameras,
    write_verdicts,
)
from vtsfind.store.rows import (
    MAX_DIGESTS_OF_SIZE,
    FileRecord,
    reason_of,
    signed,
    split_codes,
    stamp_of,
    unsigned,
)

if TYPE_CHECKING:
    import psycopg

_REPAIR_HINT = "Run `vtsfind doctor --repair`."
_ROWS_AT_ONCE = 10_000
"""Rows that a server-side cursor fetches at once."""


class PostgresLibrary(AbstractContextManager["PostgresLibrary"]):
    """An open library on a server, from `open` or `create`. Its methods are those of `vtsfind.store.index.Index`.

    Any number of processes may write. Changes wait in memory until `commit`, which writes all of them or none; until then
    only `digests_of_size` knows of them. A killed process, or a lost connection, loses what was not committed.
    """

    def __init__(self, address: ServerAddress, connection: "psycopg.Connection[Any]", *, write: bool) -> None:
        self.place = address
        self.folder: Path = local_folder(address)
        self._write = write
        self.connection = connection
        self._signature = schema.read_signature(connection, address)
        self._columns = content_columns(self._signature)
        self._changes = Changes()
        self._claims = Claims(connection)
        with storage_errors(self.folder):
            make_private_folder(self.folder)

    @classmethod
    def create(cls, address: ServerAddress, signature: Signature, *, copying: bool = False) -> Self:
        """Create an empty library and open it for writing; `copying` as for `set_copying`."""
        connection = connect(address)
        try:
            with server_errors(address):
                schema.create(connection, address, signature, copying=copying)
                return cls(address, connection, write=True)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def open(cls, address: ServerAddress, *, write: bool = False) -> Self:
        """Open a library."""
        connection = connect(address)
        try:
            with server_errors(address):
                schema.require_current(connection, address, write=write)
                return cls(address, connection, write=write)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        """Close; changes that were not committed are dropped. Calling it again does nothing."""
        self._changes = Changes()
        self.connection.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def signature(self) -> Signature:
        """The model whose codes the library holds."""
        return self._signature

    def require(self, signature: Signature) -> None:
        """Check that the library holds codes of this model."""
        require_codes_of(self.place, self._signature, signature)

    @property
    @translates_server_errors
    def is_copying(self) -> bool:
        """Whether it is a copy that is not complete; see `vtsfind.store.copying`."""
        return self.connection.execute("SELECT FROM meta WHERE name = 'copying'").fetchone() is not None

    @translates_server_errors
    def set_copying(self) -> None:
        """Record that it is a copy that is not complete."""
        self.connection.execute("INSERT INTO meta VALUES ('copying', '1')")

    # -- writing ---------------------------------------------------------------------------------------------------

    def _changing(self) -> Changes:
        if not self._write:
            raise RuntimeError("the library was opened for reading")
        return self._changes

    def add(self, entry: Entry) -> bool:
        """Record a file with its content; gives whether the content is new to this run and was not known before it was read."""
        return self._changing().add(entry, self._signature)

    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be decoded."""
        self._changing().add_failure(failure)

    def forget(self, paths: Iterable[bytes]) -> None:
        """Delete the records of files that are gone."""
        self._changing().files.update(dict.fromkeys(paths))

    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""
        self._changing().roots.update(roots)

    @translates_server_errors
    def commit(self) -> None:
        """Write the changes, and release the claims on what was read."""
        changes = self._changing()
        if changes != Changes():
            with self.connection.transaction():
                self._require_own_model()
                changes.write(self.connection, self._signature)
            self._changes = Changes()
        self._claims.release(changes.files)

    def _require_own_model(self) -> None:
        """Make sure that no other process changes the model, until the transaction ends."""
        self.connection.execute("SELECT FROM meta WHERE name = 'signature' FOR SHARE")
        require_model(self.connection, self.place, self._signature)

    @translates_server_errors
    def publish(self) -> None:
        """Commit, make the index for approximate answers if it is wanted, and record the time."""
        self.commit()
        hnsw.make_indexes(self.connection, self._signature)
        self.connection.execute(
            "INSERT INTO meta VALUES ('indexed', %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(int(datetime.now(UTC).timestamp())),),
        )

    @translates_server_errors
    def lock_model(self) -> None:
        """Make sure that no other run changes the model until the library is closed, and that this one may."""
        lock_model(self.connection, self.place)

    @translates_server_errors
    def change_model(self, signature: Signature, codes: Mapping[bytes, bytes]) -> bool:
        """Replace all codes and the model, and publish: all of it or nothing; False if a photo has no new code."""
        if not change_model(self.connection, self.place, self._signature, signature, codes):
            return False
        self._signature = signature
        self._columns = content_columns(signature)
        self.publish()
        return True

    # -- sharing the work of several runs ----------------------------------------------------------------------------

    @translates_server_errors
    def claim(self, files: Sequence[Found]) -> Claim:
        """Share files with other runs; see `vtsfind.store.postgres.claims`."""
        return self._claims.claim(files)

    # -- sharing verdicts --------------------------------------------------------------------------------------------

    @translates_server_errors
    def verdicts(self, version: str) -> Iterable[Row]:
        """Verdicts that others have shared."""
        return list(
            self.stream(
                "SELECT first, second, version, verdict, evidence, crc FROM verdicts WHERE version = %s",
                (version,),
            )
        )

    def share_verdicts(self, rows: Iterable[Row]) -> str:
        """Share verdicts with others, all or none; gives why that could not be done."""
        try:
            with server_errors(self.place), self.connection.transaction():
                write_verdicts(self.connection, list(rows))
        except StorageError as error:  # a later run shares them
            return error.message.rstrip(".")
        return ""

    # -- codes -----------------------------------------------------------------------------------------------------

    def own_codes(self) -> AbstractContextManager[None]:
        """Hold the codes still; see `vtsfind.store.postgres.model_change`."""
        return own_codes(self.connection, self.place, self._signature)

    def _head(self, name: str) -> Head:
        for head in self._signature.heads:
            if head.name == name:
                return head
        raise UsageError(
            f"The library {self.place} has no '{name}' codes.",
            f"Use one of: {', '.join(head.name for head in self._signature.heads)}.",
        )

    @translates_server_errors
    def planes(self, head: str) -> Planes:
        """The codes of one head for all contents that have a file."""
        with self.own_codes():
            return all_planes(self.connection, self._head(head))

    @translates_server_errors
    def planes_of_rows(self, head: str, rows: npt.NDArray[np.uint32]) -> Planes:
        """The codes of one head for some contents (m,), in any order; of those that have a file."""
        with self.own_codes():
            return planes_of_rows(self.connection, self._head(head), rows)

    @translates_server_errors
    def near(
        self,
        head: str,
        views: npt.NDArray[np.uint8],
        count: int | None,
        radius: int | None = None,
        *,
        approximate: bool = False,
    ) -> Planes:
        """Codes of one head among which are those nearest to a photo; the server looks for them."""
        own = self._head(head)
        with self.own_codes():
            return near_planes(self.connection, own, views, count, radius, approximate=approximate)

    @translates_server_errors
    def has_near_index(self, head: str) -> bool:
        """Whether it has an index for approximate answers; see `vtsfind.store.postgres.hnsw`."""
        return hnsw.has_index(self.connection, self._head(head))

    @translates_server_errors
    def codes_of_path(self, path: bytes, stamp: Stamp) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code of a file; None unless it is known with exactly this stamp."""
        return self._codes(
            "JOIN files ON content = id WHERE path = %s AND files.size = %s AND mtime_ns = %s AND inode = %s",
            (path, *signed_stamp(stamp)),
        )

    @translates_server_errors
    def codes_of_digest(self, digest: bytes) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code of a content; None unless it is known."""
        return self._codes("WHERE sha256 = %s", (digest,))

    def _codes(self, where: str, parameters: tuple[object, ...]) -> dict[str, npt.NDArray[np.uint8]] | None:
        from psycopg import sql

        columns = sql.SQL(", ").join(map(schema.code_column, self._signature.heads))
        query = sql.SQL("SELECT {} FROM contents {}").format(columns, sql.SQL(where))
        with self.own_codes():
            row = self.connection.cursor(binary=True).execute(query, parameters).fetchone()
        return None if row is None else split_codes(self._signature.heads, b"".join(row))

    # -- files -----------------------------------------------------------------------------------------------------

    @translates_server_errors
    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path with its size, mtime_ns and inode; each -1 if the file could not be examined."""
        rows = self.stream(
            "SELECT path, coalesce(size, -1), coalesce(mtime_ns, -1), coalesce(inode, -1) FROM files"
        )
        return {
            path: (size, mtime_ns, inode if inode >= 0 or size < 0 else unsigned(inode))
            for path, size, mtime_ns, inode in rows
        }

    def stream(self, query: Any, parameters: tuple[object, ...] = ()) -> Generator[tuple[Any, ...]]:
        """Many rows, by a cursor on the server; errors of the server pass through."""
        with self.connection.transaction(), self.connection.cursor("stream", binary=True) as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(query, parameters)

    @translates_server_errors
    def paths_of_file(self, names: Iterable[bytes], inode: int) -> list[bytes]:
        """The known paths that are one of some names, or whose file had a number when it was indexed."""
        cursor = self.connection.cursor(binary=True).execute(
            "SELECT path FROM files WHERE inode = %s OR path = ANY(%s) ORDER BY path",
            (signed(inode), list(names)),
        )
        return [path for (path,) in cursor]

    @translates_server_errors
    def failures(self) -> list[Failure]:
        """The files that could not be decoded, sorted by path."""
        rows = self.stream(
            "SELECT path, reason, detail, size, mtime_ns, inode FROM files WHERE content IS NULL ORDER BY path"
        )
        return [
            Failure(path, reason_of(reason), detail or "", stamp_of(size, mtime, inode))
            for path, reason, detail, size, mtime, inode in rows
        ]

    @translates_server_errors
    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes, those that are not committed included."""
        cursor = self.connection.cursor(binary=True).execute(
            "SELECT sha256 FROM contents WHERE size = %s ORDER BY id DESC LIMIT %s",
            (signed(size), MAX_DIGESTS_OF_SIZE),
            prepare=True,
        )
        return frozenset(digest for (digest,) in cursor) | self._changes.digests_of_size(size)

    @translates_server_errors
    def digests_of_paths(self, paths: Iterable[bytes]) -> frozenset[bytes]:
        """SHA-256 of the contents of some files, as they were indexed."""
        cursor = self.connection.cursor(binary=True).execute(
            "SELECT sha256 FROM files JOIN contents ON id = content WHERE path = ANY(%s)", (list(paths),)
        )
        return frozenset(digest for (digest,) in cursor)

    @translates_server_errors
    def files_of_rows(self, rows: Sequence[int] | npt.NDArray[np.uint32]) -> list[list[FileRecord]]:
        """The files of some contents."""
        wanted = [int(row) for row in rows]
        found = dict(self._records("WHERE content = ANY(%s)", (wanted,)))
        return [found.get(row, []) for row in wanted]

    @translates_server_errors
    def files_of_digest(self, digest: bytes) -> list[FileRecord]:
        """The files with the content of this SHA-256, sorted by path."""
        return [file for _, files in self._records("WHERE sha256 = %s", (digest,)) for file in files]

    @translates_server_errors
    def contents(self) -> list[tuple[int, list[FileRecord]]]:
        """Every content that has a file, by id."""
        return list(self._records())

    def _records(
        self, where: str = "", parameters: tuple[object, ...] = ()
    ) -> Iterable[tuple[int, list[FileRecord]]]:
        from psycopg import sql

        columns = sql.SQL(
            "SELECT content, path, f.size, mtime_ns, inode, {} FROM files f JOIN contents c ON c.id = content {}"
            " ORDER BY content, path"
        ).format(self._qualified_columns(), sql.SQL(where))
        with self.own_codes(), closing(self.stream(columns, parameters)) as found:
            for content, rows in groupby(found, key=itemgetter(0)):
                yield content, [self._record(row) for row in rows]

    def _qualified_columns(self) -> Any:
        from psycopg import sql

        own = [sql.Identifier("c", name) for name in CONTENT_COLUMNS]
        codes = [sql.Identifier("c", f"code_{head.name}") for head in self._signature.heads]
        return sql.SQL(", ").join([*own, *codes])

    def _record(self, row: tuple[Any, ...]) -> FileRecord:
        if not is_intact(row[5:]):
            raise LibraryDamaged(
                f"The facts about {show_path(row[1])} in {self.place} are not as they were written.",
                _REPAIR_HINT,
            )
        return file_record(row[1], row[2], row[3], row[4], row[5:])

    # -- cameras ---------------------------------------------------------------------------------------------------

    @translates_server_errors
    def cameras(self) -> list[str]:
        """The cameras of all photos, sorted."""
        return sorted(name for (name,) in self.connection.execute(CAMERAS))

    @translates_server_errors
    def count_without_camera(self) -> int:
        """The number of contents that nobody has looked at for a camera."""
        row = self.connection.execute(COUNT_WITHOUT_CAMERA).fetchone()
        assert row
        return int(row[0])

    @translates_server_errors
    def without_camera(self, after: int, count: int) -> list[Unlooked]:
        """The next of those contents."""
        cursor = self.connection.cursor(binary=True)
        return grouped(cursor.execute(WITHOUT_CAMERA_FILES.format("%s", "%s"), (after, count)))

    @translates_server_errors
    def set_cameras(self, names: Mapping[int, str]) -> None:
        """Record the cameras of contents, by id; empty for none. Unlike other changes, these are written at once."""
        self._changing()
        with self.connection.transaction():
            self._require_own_model()
            write_cameras(self.connection, self._columns, names)

    @translates_server_errors
    def roots(self) -> list[bytes]:
        """The folders (or files) that the library covers, sorted."""
        cursor = self.connection.cursor(binary=True).execute("SELECT path FROM roots ORDER BY path")
        return [path for (path,) in cursor]

    @translates_server_errors
    def counts(self) -> Counts:
        """The size of the library."""
        row = self.connection.execute(
            "SELECT count(content), coalesce(sum(size) FILTER (WHERE content IS NOT NULL), 0)::bigint,"
            " count(DISTINCT content), count(reason), (SELECT count(*) FROM roots),"
            " (SELECT value FROM meta WHERE name = 'indexed') FROM files"
        ).fetchone()
        assert row
        files, size, contents, failures, roots, indexed = row
        time = datetime.fromtimestamp(int(indexed), UTC) if indexed else None
        return Counts(files, contents, failures, size, roots, time)

    # -- health ----------------------------------------------------------------------------------------------------

    @translates_server_errors
    def check(self, *, deep: bool = False) -> list[LibraryProblem]:
        """Find all faults: tables and columns that are not there, and with `deep` contents without their checksum. The server checks its own files (`pg_amcheck`)."""
        try:
            with server_errors(self.place):
                schema.require_whole(self.connection, self._signature)
                damaged = self._damaged() if deep else []
        except LibraryDamaged as error:
            return [LibraryProblem("must", f"{error.message} {error.remedy}")]
        if not damaged:
            return []
        have = "has" if len(damaged) == 1 else "have"
        said = f"{counted(len(damaged), 'content')} in {self.place} {have} damaged codes or facts."
        return [LibraryProblem("must", said)]

    def _damaged(self) -> list[int]:
        from psycopg import sql

        query = sql.SQL("SELECT id, {} FROM contents ORDER BY id").format(self._columns)
        with self.own_codes():
            return [content for content, *row in self.stream(query) if not is_intact(tuple(row))]

    @translates_server_errors
    def repair(self) -> list[str]:
        """Delete rows without their checksum; the next `index` reads those photos again."""
        damaged = self._damaged()
        if not damaged:
            return []
        with self.connection.transaction():
            self.connection.execute("DELETE FROM files WHERE content = ANY(%s)", (damaged,))
            self.connection.execute("DELETE FROM contents WHERE id = ANY(%s)", (damaged,))
        return [
            f"Deleted {counted(len(damaged), 'damaged code')}. The next `vtsfind index` reads those photos again."
        ]
