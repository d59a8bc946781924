"""A cache of features, verdicts and candidate pairs beside a library, so that nothing is computed twice.

The file `evidence.db` in the library's folder is an SQLite database. All of it is derived data: the file may be deleted at any
time, a damaged file is replaced, and where the file cannot be written, memory takes its place. Rows are found by content and
hold for one version of the code that made them; rows of other versions count as absent. Format, version 3
(`user_version`; `application_id` is 0x56545345):

================= ================= ======================================================================================
features          content           the first 16 bytes of the SHA-256 of the file
                  version           of the extraction that made it
                  full              1 if the photo was decoded at full size for it
                  data              quality details and features, see `vtsfind.find.features.extract`
pairs             first, second     the first 16 bytes of two contents' SHA-256, the smaller first
                  version           of the verification that made it
                  verdict           a value of `vtsfind.base.groups.Verdict`; NULL for a non-match; `undecided` if only the
                                    full frames were compared
                  evidence          JSON, see `vtsfind.base.groups.Evidence`; NULL for a non-match
local_candidates  key               SHA-256 of everything that the last search by local features depended on
                  data              the candidate pairs, see `vtsfind.find.candidates.local_features`
================= ================= ======================================================================================

Features take about 40 to 95 kB a photo; `trim` drops the oldest rows.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from vtsfind.base.groups import UNDECIDED, Box, Evidence, FullFrameVerdict, Verdict
from vtsfind.store.schema import open_connection

NAME = "evidence.db"
APPLICATION_ID = 0x56545345
VERSION = 3
KEY_BYTES = 16
"""Length of the part of a SHA-256 that identifies a content here."""
MAX_FEATURE_BYTES = 1 << 32
"""Size limit of all features between two runs, about 50,000 photos. In a larger library, some are extracted again."""

Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""

Row = tuple[Any, ...]
Rows = Sequence[Row]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS features (
    content BLOB PRIMARY KEY, version TEXT NOT NULL, full INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pairs (
    first BLOB, second BLOB, version TEXT NOT NULL, verdict TEXT, evidence TEXT, PRIMARY KEY (first, second)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS local_candidates (key BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""
_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class EvidenceStore(AbstractContextManager["EvidenceStore"]):
    """The evidence cache of one library. Use it from one thread at a time.

    Parameters
    ----------
    folder
        Of the library.
    features_version, verdicts_version
        Versions of the code that extracts features, and of the code that verifies pairs.
    write
        Whether to open the file for writing; a missing or damaged file is then created. Otherwise it is only read.
    """

    def __init__(
        self, folder: Path, features_version: str, verdicts_version: str, *, write: bool = True
    ) -> None:
        self._path = folder / NAME
        self._features_version = features_version
        self._verdicts_version = verdicts_version
        self.problem = ""
        """Why the file cannot be written, in the words of the system; empty if it can."""
        self._pending: list[tuple[str, Rows]] = []
        """Statements since the last commit, to be repeated in memory if the file fails."""
        self._memory: sqlite3.Connection | None = None
        self._disk = self._open_writable() if write else self._open_readonly()

    def _open_readonly(self) -> sqlite3.Connection | None:
        try:
            return open_connection(self._path, "ro")
        except sqlite3.Error as error:
            self.problem = str(error)
            return None

    def _open_writable(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                connection = _initialised(open_connection(self._path, "rwc"))
            except sqlite3.Error as error:
                self.problem = str(error)
                if isinstance(error, sqlite3.OperationalError):  # it is busy, or cannot be written
                    return None
                self._remove()
            else:
                self.problem = ""
                return connection
        return None

    def _remove(self) -> None:
        for suffix in _FILE_SUFFIXES:
            with suppress(OSError):
                self._path.with_name(NAME + suffix).unlink(missing_ok=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def features(self, digest: bytes, *, full: bool = False) -> bytes | None:
        """Quality details and features of a content; None if they are unknown, or not from the full size if `full`."""
        rows = self._rows(
            "SELECT data FROM features WHERE content = ? AND version = ? AND full >= ?",
            (digest[:KEY_BYTES], self._features_version, int(full)),
        )
        return bytes(rows[0][0]) if rows else None

    def known_features(self) -> dict[bytes, bool]:
        """The first `KEY_BYTES` of the digest of each content with features, to whether they are from the full size."""
        rows = self._rows("SELECT content, full FROM features WHERE version = ?", (self._features_version,))
        return {bytes(content): bool(full) for content, full in rows}

    def save_features(self, digest: bytes, stored: bytes | bytearray, *, full: bool) -> None:
        """Store quality details and features of a content, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO features (content, version, full, data) VALUES (?, ?, ?, ?)",
            [(digest[:KEY_BYTES], self._features_version, int(full), stored)],
        )

    def verdicts(self, pairs: Iterable[Pair]) -> dict[Pair, FullFrameVerdict]:
        """The known verdicts on some pairs, each with the smaller digest first."""
        known: dict[Pair, FullFrameVerdict] = {}
        for pair in pairs:
            rows = self._rows(
                "SELECT verdict, evidence FROM pairs WHERE first = ? AND second = ? AND version = ?",
                (*_pair_key(pair), self._verdicts_version),
            )
            if rows:
                known[pair] = _verdict_of(*rows[0])
        return known

    def save_verdicts(self, found: Iterable[tuple[Pair, FullFrameVerdict]]) -> None:
        """Store verdicts on pairs, each with the smaller digest first, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO pairs (first, second, version, verdict, evidence) VALUES (?, ?, ?, ?, ?)",
            [(*_pair_key(pair), self._verdicts_version, *_verdict_columns(each)) for pair, each in found],
        )

    def local_candidates(self, key: bytes) -> bytes | None:
        """The candidates that `save_local_candidates` stored under this key; None if another key was stored since."""
        rows = self._rows("SELECT data FROM local_candidates WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None

    def save_local_candidates(self, key: bytes, stored: bytes) -> None:
        """Store the result of the latest search by local features, in place of the one before."""
        self._write("DELETE FROM local_candidates WHERE key <> ?", [(key,)])
        self._write("INSERT OR REPLACE INTO local_candidates (key, data) VALUES (?, ?)", [(key, stored)])

    def commit(self) -> None:
        """Commit: a killed process does not lose what was stored before."""
        if self._disk is not None and self._disk.in_transaction:
            try:
                self._disk.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail(error)
        self._pending.clear()

    def trim(self, max_bytes: int = MAX_FEATURE_BYTES) -> None:
        """Drop rows of other versions, and the oldest features beyond `max_bytes`; commits."""
        self._write("DELETE FROM features WHERE version <> ?", [(self._features_version,)])
        self._write("DELETE FROM pairs WHERE version <> ?", [(self._verdicts_version,)])
        self._write(
            "DELETE FROM features WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
            " sum(length(data)) OVER (ORDER BY rowid DESC) AS total FROM features) WHERE total > ?)",
            [(max_bytes,)],
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
        """The rows in memory, then the rows in the file."""
        rows: list[Row] = []
        if self._memory is not None:
            rows += self._memory.execute(statement, parameters)
        if self._disk is not None:
            try:
                rows += self._disk.execute(statement, parameters)
            except sqlite3.Error as error:
                self._fail(error)
                self._disk.close()
                self._disk = None
                return self._rows(statement, parameters)
        return rows

    def _write(self, statement: str, rows: Rows) -> None:
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


def _initialised(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Make sure that a connection's database has this format; create the tables if it is new."""
    try:
        if not _is_ready(connection):
            connection.executescript(
                "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; {_SCHEMA}"
            )
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
    if (application, version) == (APPLICATION_ID, VERSION):
        return True
    if application == APPLICATION_ID and version > VERSION:
        raise sqlite3.OperationalError("it was made by a newer vtsfind")
    if connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise sqlite3.DatabaseError("it is of another format")
    return False


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
