"""A cache of features, verdicts and candidate pairs beside a library, so that nothing is computed twice.

The file `evidence.db` in the library's folder is an SQLite database. All of it is derived data: the file may be deleted at any
time, and where the file cannot be written, memory takes its place. Rows are found by content and hold for one version of the
code that made them; rows of other versions count as absent. Nothing that is not as it was written is believed: a row whose
checksum is wrong, or a table that is not of the format, costs the file (`CacheDamaged`). Format, version 7 (`user_version`;
`application_id` is 0x56545345; each row ends in `crc`, the CRC-32 of its other values, one after the other: of each, its
length in bytes as text and a comma, then bytes as they are, and anything else as Python's `repr` in UTF-8):

================= ================= ======================================================================================
features          content           the first 16 bytes of the SHA-256 of the file
                  version           of the extraction that made it
                  full              1 if the photo was decoded at full size for it
                  data              quality details and features, see `vtsfind.find.features.extract`
full_size         first, second     as of pairs
                  version           of the verification that made it
                  differs           1 if the two differ in a part, seen at full size
pairs             first, second     the first 16 bytes of two contents' SHA-256, the smaller first
                  version           of the verification that made it
                  verdict           a value of `vtsfind.base.groups.Verdict`; NULL for a non-match; `undecided` if only the
                                    full frames were compared
                  evidence          JSON, see `vtsfind.base.groups.Evidence`; NULL for a non-match
points            content           as of features
                  version           of the search by local features
                  data              the local features as points, see `vtsfind.find.candidates.visual_words`
shots             content           as of features
                  version           of the extraction that made it
                  data              sharpness and exposure, see `vtsfind.media.shot_quality`
stages            stage             the name of a stage of the last search for duplicates
                  key               SHA-256 of everything that its result depended on
                  data              its result
================= ================= ======================================================================================

Features take up to about 110 kB a photo, points about 3 kB; `trim` drops some where there are very many.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, suppress
from dataclasses import asdict
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any

from vtsfind.base.errors import StorageError
from vtsfind.base.groups import UNDECIDED, Box, Evidence, FullFrameVerdict, Verdict
from vtsfind.store.schema import open_connection

NAME = "evidence.db"
APPLICATION_ID = 0x56545345
VERSION = 7
KEY_BYTES = 16
"""Length of the part of a SHA-256 that identifies a content here."""
_PAIRS_PER_QUERY = 512
"""Pairs that one query asks for: SQLite takes thousands of parameters, and half as many queries would save little more."""
_PAGE_BYTES = 16384
"""Size of the pages of a new file: the features of a photo are on half a dozen of them, and read in half the time of 4096."""
MAX_FEATURE_BYTES = 1 << 32
"""Size limit of all features between two runs, about 50,000 photos. In a larger library, some are extracted again."""

Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""

Row = tuple[Any, ...]
Rows = Sequence[Row]

_FEATURES = (
    "CREATE TABLE features (content BLOB PRIMARY KEY, version TEXT NOT NULL, full INTEGER NOT NULL,"
    " data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT"
)
_PAIRS = (
    "CREATE TABLE pairs (first BLOB, second BLOB, version TEXT NOT NULL, verdict TEXT, evidence TEXT,"
    " crc INTEGER NOT NULL, PRIMARY KEY (first, second)) STRICT, WITHOUT ROWID"
)
_FULL_SIZE = (
    "CREATE TABLE full_size (first BLOB, second BLOB, version TEXT NOT NULL, differs INTEGER NOT NULL,"
    " crc INTEGER NOT NULL, PRIMARY KEY (first, second)) STRICT, WITHOUT ROWID"
)
_POINTS = "CREATE TABLE points (content BLOB PRIMARY KEY, version TEXT NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT"
_SHOTS = "CREATE TABLE shots (content BLOB PRIMARY KEY, version TEXT NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT"
_STAGES = "CREATE TABLE stages (stage TEXT PRIMARY KEY, key BLOB NOT NULL, data BLOB NOT NULL, crc INTEGER NOT NULL) STRICT"
_TABLES = (_FEATURES, _FULL_SIZE, _PAIRS, _POINTS, _SHOTS, _STAGES)
"""In the order of their names."""
_EVERY_ROW = (
    "SELECT content, version, full, data, crc FROM features",
    "SELECT first, second, version, differs, crc FROM full_size",
    "SELECT first, second, version, verdict, evidence, crc FROM pairs",
    "SELECT content, version, data, crc FROM points",
    "SELECT content, version, data, crc FROM shots",
    "SELECT stage, key, data, crc FROM stages",
)
_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class CacheDamaged(StorageError):
    """The cache is not as it was written. `discard` removes it; then everything is computed anew."""


class EvidenceStore(AbstractContextManager["EvidenceStore"]):
    """The evidence cache of one library. Use it from one thread at a time.

    Parameters
    ----------
    folder
        Of the library.
    features_version, verdicts_version, candidates_version
        Versions of the code that extracts features, that verifies pairs, and that searches by local features.
    write
        Whether to open the file for writing; a missing or damaged file is then created. Otherwise it is only read.
    """

    def __init__(
        self,
        folder: Path,
        features_version: str,
        verdicts_version: str = "",
        candidates_version: str = "",
        *,
        write: bool = True,
    ) -> None:
        self._path = folder / NAME
        self._features_version = features_version
        self._verdicts_version = verdicts_version
        self._candidates_version = candidates_version
        self.problem = ""
        """Why the file cannot be written, in the words of the system; empty if it can."""
        self._pending: list[tuple[str, Rows]] = []
        """Statements since the last commit, to be repeated in memory if the file fails."""
        self.has_news = False
        """Whether anything was stored."""
        self._memory: sqlite3.Connection | None = None
        self._disk = self._open_writable() if write else self._open_readonly()

    def _open_readonly(self) -> sqlite3.Connection | None:
        connection = None
        try:
            connection = open_connection(self._path, "ro")
            if _is_ready(connection):
                return connection
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self.problem = str(error)
        if connection is not None:
            connection.close()
        return None

    def _open_writable(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                connection = _initialised(open_connection(self._path, "rwc"))
            except (sqlite3.Error, UnicodeDecodeError) as error:
                self.problem = str(error)
                if isinstance(error, sqlite3.OperationalError):  # it is busy, or cannot be written
                    return None
                discard(self._path.parent)
            else:
                self.problem = ""
                return connection
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def features(self, digest: bytes, *, full: bool = False) -> bytes | None:
        """Quality details and features of a content; None if they are unknown, or not from the full size if `full`."""
        rows = self._checked_rows(
            "SELECT content, version, full, data, crc FROM features WHERE content = ? AND version = ? AND full >= ?",
            (digest[:KEY_BYTES], self._features_version, int(full)),
        )
        return bytes(rows[0][3]) if rows else None

    def known_features(self) -> dict[bytes, bool]:
        """The first `KEY_BYTES` of the digest of each content with features, to whether they are from the full size."""
        rows = self._rows("SELECT content, full FROM features WHERE version = ?", (self._features_version,))
        return {bytes(content): bool(full) for content, full in rows}

    def save_features(self, digest: bytes, stored: bytes | bytearray, *, full: bool) -> None:
        """Store quality details and features of a content, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO features (content, version, full, data, crc) VALUES (?, ?, ?, ?, ?)",
            [_with_crc(digest[:KEY_BYTES], self._features_version, int(full), bytes(stored))],
        )

    def shot(self, digest: bytes) -> bytes | None:
        """Sharpness and exposure of a content; None if they are unknown."""
        return self._of_content("shots", digest, self._features_version)

    def save_shot(self, digest: bytes, stored: bytes | bytearray) -> None:
        """Store sharpness and exposure of a content, until `commit` in the open transaction only."""
        self._save_of_content("shots", digest, self._features_version, bytes(stored))

    def verdicts(self, pairs: Iterable[Pair]) -> dict[Pair, FullFrameVerdict]:
        """The known verdicts on some pairs, each with the smaller digest first."""
        known: dict[Pair, FullFrameVerdict] = {}
        left = iter(pairs)
        while by_key := {_pair_key(pair): pair for pair in islice(left, _PAIRS_PER_QUERY)}:
            rows = self._checked_rows(
                "SELECT first, second, version, verdict, evidence, crc FROM pairs"  # noqa: S608 - nothing but places is inserted
                " WHERE (first, second) IN (VALUES "
                + ", ".join(["(?, ?)"] * len(by_key))
                + ") AND version = ?",
                (*chain.from_iterable(by_key), self._verdicts_version),
            )
            for first, second, _, verdict, evidence, _ in rows:
                # What memory has comes first, and is later than what the file has.
                known.setdefault(by_key[first, second], _verdict_of(verdict, evidence))
        return known

    def save_verdicts(self, found: Iterable[tuple[Pair, FullFrameVerdict]]) -> None:
        """Store verdicts on pairs, each with the smaller digest first, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO pairs (first, second, version, verdict, evidence, crc) VALUES (?, ?, ?, ?, ?, ?)",
            [
                _with_crc(*_pair_key(pair), self._verdicts_version, *_verdict_columns(each))
                for pair, each in found
            ],
        )

    def full_size(self, pair: Pair) -> bool | None:
        """Whether a pair, the smaller digest first, differs in a part, seen at full size; None if that is not known."""
        rows = self._checked_rows(
            "SELECT first, second, version, differs, crc FROM full_size"
            " WHERE first = ? AND second = ? AND version = ?",
            (*_pair_key(pair), self._verdicts_version),
        )
        return bool(rows[0][3]) if rows else None

    def save_full_size(self, pair: Pair, *, differs: bool) -> None:
        """Store whether a pair differs in a part, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO full_size (first, second, version, differs, crc) VALUES (?, ?, ?, ?, ?)",
            [_with_crc(*_pair_key(pair), self._verdicts_version, int(differs))],
        )

    def verdict_rows(self) -> Rows:
        """All verdicts as they are stored, for `save_verdict_rows` elsewhere."""
        return self._checked_rows(
            "SELECT first, second, version, verdict, evidence, crc FROM pairs WHERE version = ?",
            (self._verdicts_version,),
        )

    def save_verdict_rows(self, rows: Iterable[Row]) -> None:
        """Store verdicts from elsewhere; those of another version, or that are not as they were written, are left out."""
        self._write(
            "INSERT OR IGNORE INTO pairs (first, second, version, verdict, evidence, crc) VALUES (?, ?, ?, ?, ?, ?)",
            [row for row in rows if row[2] == self._verdicts_version and _has_crc(row)],
        )

    def points(self, digest: bytes) -> bytes | None:
        """The local features of a content as points; None if they are unknown."""
        return self._of_content("points", digest, self._candidates_version)

    def save_points(self, digest: bytes, stored: bytes) -> None:
        """Store the points of a content, until `commit` in the open transaction only."""
        self._save_of_content("points", digest, self._candidates_version, stored)

    def stage_result(self, stage: str, key: bytes) -> bytes | None:
        """The last result of a stage, if that was stored under this key."""
        rows = self._checked_rows(
            "SELECT stage, key, data, crc FROM stages WHERE stage = ? AND key = ?", (stage, key)
        )
        return bytes(rows[0][2]) if rows else None

    def save_stage_result(self, stage: str, key: bytes, stored: bytes) -> None:
        """Store the result of a stage in place of the one before, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO stages (stage, key, data, crc) VALUES (?, ?, ?, ?)",
            [_with_crc(stage, key, stored)],
        )

    def commit(self) -> None:
        """Commit: a killed process does not lose what was stored before."""
        if self._disk is not None and self._disk.in_transaction:
            try:
                self._disk.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail(error)
        self._pending.clear()

    def trim(self, max_bytes: int = MAX_FEATURE_BYTES) -> None:
        """Drop rows of other versions, and features beyond `max_bytes`: of photos without copies first, and the oldest first; commits.

        A run with nothing new needs no others than those of copies.
        """
        self._write("DELETE FROM features WHERE version <> ?", [(self._features_version,)])
        self._write("DELETE FROM shots WHERE version <> ?", [(self._features_version,)])
        self._write("DELETE FROM pairs WHERE version <> ?", [(self._verdicts_version,)])
        self._write("DELETE FROM full_size WHERE version <> ?", [(self._verdicts_version,)])
        self._write("DELETE FROM points WHERE version <> ?", [(self._candidates_version,)])
        self._write(
            "WITH related AS MATERIALIZED (SELECT first, second FROM pairs WHERE verdict <> ?),"
            " copies AS (SELECT first FROM related UNION SELECT second FROM related)"
            " DELETE FROM features WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
            " sum(length(data)) OVER (ORDER BY content IN copies DESC, rowid DESC) AS total FROM features)"
            " WHERE total > ?)",
            [(UNDECIDED.value, max_bytes)],
        )
        self.commit()
        if self._disk is not None:
            with suppress(sqlite3.Error):
                self._disk.execute("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Close; uncommitted rows are lost. Calling it again does nothing."""
        for connection in (self._disk, self._memory):
            if connection is not None:
                connection.close()

    def _rows(self, statement: str, parameters: Row) -> list[Row]:
        """The rows in memory, then the rows in the file.

        Raises
        ------
        CacheDamaged
            If the file cannot be read.
        """
        rows: list[Row] = []
        if self._memory is not None:
            rows += self._memory.execute(statement, parameters)
        if self._disk is not None:
            try:
                rows += self._disk.execute(statement, parameters)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self.damaged() from error
        return rows

    def _checked_rows(self, statement: str, parameters: Row) -> list[Row]:
        """The same for whole rows, whose checksums are right."""
        rows = self._rows(statement, parameters)
        if not all(map(_has_crc, rows)):
            raise self.damaged()
        return rows

    def _of_content(self, table: str, digest: bytes, version: str) -> bytes | None:
        rows = self._checked_rows(
            f"SELECT content, version, data, crc FROM {table} WHERE content = ? AND version = ?",  # noqa: S608 - a name of ours
            (digest[:KEY_BYTES], version),
        )
        return bytes(rows[0][2]) if rows else None

    def _save_of_content(self, table: str, digest: bytes, version: str, stored: bytes) -> None:
        self._write(
            f"INSERT OR REPLACE INTO {table} (content, version, data, crc) VALUES (?, ?, ?, ?)",  # noqa: S608 - a name of ours
            [_with_crc(digest[:KEY_BYTES], version, stored)],
        )

    def damaged(self) -> CacheDamaged:
        """The error that says that something in it is not as it was written."""
        return CacheDamaged(f"The cache {self._path} is damaged.", "Run `vtsfind doctor --repair`.")

    def _write(self, statement: str, rows: Rows) -> None:
        if not rows:
            return
        self.has_news = True
        self._pending.append((statement, rows))
        if self.problem or self._disk is None:
            self._memory_fallback().executemany(statement, rows)
            return
        try:
            if not self._disk.in_transaction:
                self._disk.execute("BEGIN IMMEDIATE")
            self._disk.executemany(statement, rows)
        except sqlite3.Error as error:
            self._fail(error)

    def _fail(self, error: sqlite3.Error) -> None:
        """Continue in memory: a cache is never worth an error. Committed rows are still read from the file."""
        self.problem = str(error)
        if self._disk is not None and self._disk.in_transaction:
            with suppress(sqlite3.Error):
                self._disk.execute("ROLLBACK")
        for statement, rows in self._pending:
            self._memory_fallback().executemany(statement, rows)
        self._pending.clear()

    def _memory_fallback(self) -> sqlite3.Connection:
        if self._memory is None:
            self._memory = _initialised(
                sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            )
        return self._memory


def copy(source: Path, target: Path) -> None:
    """Copy the cache of a library to another's folder, as far as that can be read and written; one that is there stays."""
    if not (source / NAME).exists() or (target / NAME).exists():
        return
    with (
        suppress(sqlite3.Error),
        closing(open_connection(source / NAME, "ro")) as read,
        closing(open_connection(target / NAME, "rwc")) as written,
    ):
        read.backup(written)


def discard(folder: Path) -> None:
    """Remove the cache of a library, as far as the system lets us."""
    for suffix in _FILE_SUFFIXES:
        with suppress(OSError):
            (folder / (NAME + suffix)).unlink(missing_ok=True)


def find_problem(folder: Path, *, deep: bool) -> str:
    """What is wrong with the cache of a library, in a few words; empty if nothing is, or it cannot be seen.

    Parameters
    ----------
    folder
        Of the library.
    deep
        Whether to read all of it.
    """
    if not (folder / NAME).exists():
        return ""
    try:
        with closing(open_connection(folder / NAME, "ro")) as connection:
            return next(_problems(connection, deep=deep), "")
    except sqlite3.OperationalError:  # it is busy, or of a newer vtsfind
        return ""
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return str(error)


def _problems(connection: sqlite3.Connection, *, deep: bool) -> Iterator[str]:
    if not _is_ready(connection):
        yield "it has no tables"
    for statement in _EVERY_ROW if deep else ():
        if not all(map(_has_crc, connection.execute(statement))):
            yield "a row does not have its checksum"
    for (line,) in connection.execute("PRAGMA quick_check(1)") if deep else ():
        if line != "ok":
            yield " ".join(line.split())


def _initialised(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Make sure that a connection's database has this format; create the tables if it is new."""
    try:
        if not _is_ready(connection):
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_ready(connection: sqlite3.Connection) -> bool:
    """Whether a database has this format; False for an empty one.

    Raises
    ------
    sqlite3.OperationalError
        If it has a later version; such a file must not be changed.
    sqlite3.DatabaseError
        If it is anything else, or damaged.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == APPLICATION_ID and version > VERSION:
        raise sqlite3.OperationalError("it was made by a newer vtsfind")
    tables = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name"
    ).fetchall()
    if (application, version) == (APPLICATION_ID, VERSION) and tables == [(table,) for table in _TABLES]:
        return True
    if tables or application:
        raise sqlite3.DatabaseError("it is of another format")
    return False


def _with_crc(*values: Any) -> Row:
    parts = [_prefixed(value) if isinstance(value, bytes) else _shown(value) for value in values]
    return *values, zlib.crc32(b"".join(parts))


def _prefixed(part: bytes) -> bytes:
    return b"%d,%b" % (len(part), part)


@lru_cache(maxsize=1024, typed=True)
def _shown(value: Any) -> bytes:
    """Versions, and verdicts without evidence, are the same in many rows."""
    return _prefixed(repr(value).encode("utf-8", "surrogatepass"))


def _has_crc(row: Row) -> bool:
    return row == _with_crc(*row[:-1])


def _pair_key(pair: Pair) -> Pair:
    if pair[0] > pair[1]:
        raise ValueError("the smaller digest of a pair comes first")
    return pair[0][:KEY_BYTES], pair[1][:KEY_BYTES]


def _verdict_columns(found: FullFrameVerdict) -> tuple[str | None, str | None]:
    if found is None:
        return None, None
    if found is UNDECIDED:
        return UNDECIDED.value, None
    verdict, evidence = found
    stored = {name: value for name, value in asdict(evidence).items() if value is not None and value != ""}
    return verdict.value, json.dumps(stored)


def _verdict_of(verdict: str | None, evidence: str | None) -> FullFrameVerdict:
    if verdict is None:
        return None
    if verdict == UNDECIDED.value:
        return UNDECIDED
    stored = json.loads(evidence or "{}")
    box = stored.pop("box", None)
    return Verdict(verdict), Evidence(**stored, box=Box(**box) if box else None)
