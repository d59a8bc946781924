"""What was found out about photos and pairs of them, kept beside a library so that it is not found out twice.

The file `evidence.db` in the library's folder is an SQLite database. It is derived: it may be deleted at any time, a damaged
one is made anew, and where it cannot be written everything is kept in memory instead. Rows are found by content and hold
for one version of what made them; those of other versions count as absent and are replaced. Format, version 2
(`user_version`; `application_id` is 0x56545345):

=========== ================= ============================================================================================
looks       content           the first 16 bytes of the SHA-256 of the file
            version           of what made it
            full              1 if the photo was decoded in full for it
            told              details and features, see `vtsfind.find.verification.extract`
pairs       first, second     the first 16 bytes of two contents' SHA-256, the smaller first
            version           of what made it
            verdict           a value of `vtsfind.base.groups.Verdict`; NULL for strangers; `undecided` if they were only
                              glanced at
            evidence          JSON, see `vtsfind.base.groups.Evidence`; NULL for strangers
sightings   key               SHA-256 of all that the last search for details in common depended on
            told              the pairs, see `vtsfind.find.candidates.local_features`
=========== ================= ============================================================================================

Looks are large, about 40 to 95 kB a photo; `trim` drops the oldest when they are no longer in use.
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
VERSION = 2
KEY_BYTES = 16
MAX_FEATURE_BYTES = 1 << 32
"""What looks may take between two runs: those of about 50,000 photos. In a larger library some are looked at again."""

Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""

Row = tuple[Any, ...]
Rows = Sequence[Row]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS looks (
    content BLOB PRIMARY KEY, version TEXT NOT NULL, full INTEGER NOT NULL, told BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS pairs (
    first BLOB, second BLOB, version TEXT NOT NULL, verdict TEXT, evidence TEXT, PRIMARY KEY (first, second)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sightings (key BLOB PRIMARY KEY, told BLOB NOT NULL) STRICT;
"""
_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class EvidenceStore(AbstractContextManager["EvidenceStore"]):
    """The evidence kept beside one library. Use it from one thread at a time.

    Parameters
    ----------
    folder
        The library's.
    features_version, verdict_version
        Of what makes looks, and of what makes verdicts.
    write
        Whether it is to be written, and so made if it is missing or damaged. Else nothing may be kept in it.
    """

    def __init__(
        self, folder: Path, features_version: str, verdict_version: str, *, write: bool = True
    ) -> None:
        self._path = folder / NAME
        self._features_version = features_version
        self._verdict_version = verdict_version
        self.problem = ""
        """Why nothing more can be kept on disk, in the words of the system; empty if it can."""
        self._pending: list[tuple[str, Rows]] = []
        """What was written since the last commit, to be written elsewhere if the file fails."""
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

    def look(self, digest: bytes, *, full: bool = False) -> bytes | None:
        """Details and features of a content; None if they are not known, or not from the photo in full as asked."""
        rows = self._rows(
            "SELECT told FROM looks WHERE content = ? AND version = ? AND full >= ?",
            (digest[:KEY_BYTES], self._features_version, int(full)),
        )
        return bytes(rows[0][0]) if rows else None

    def looked(self) -> dict[bytes, bool]:
        """The contents that were looked at, by the first `KEY_BYTES` of their digest, and whether in full."""
        rows = self._rows("SELECT content, full FROM looks WHERE version = ?", (self._features_version,))
        return {bytes(content): bool(full) for content, full in rows}

    def save_features(self, digest: bytes, stored: bytes | bytearray, *, full: bool) -> None:
        """Keep details and features of a content; `commit` makes it last."""
        self._write(
            "INSERT OR REPLACE INTO looks (content, version, full, told) VALUES (?, ?, ?, ?)",
            [(digest[:KEY_BYTES], self._features_version, int(full), stored)],
        )

    def verdicts(self, pairs: Iterable[Pair]) -> dict[Pair, FullFrameVerdict]:
        """What is known of some pairs, each with the smaller digest first."""
        known: dict[Pair, FullFrameVerdict] = {}
        for pair in pairs:
            rows = self._rows(
                "SELECT verdict, evidence FROM pairs WHERE first = ? AND second = ? AND version = ?",
                (*_pair_key(pair), self._verdict_version),
            )
            if rows:
                known[pair] = _verdict_of(*rows[0])
        return known

    def save_verdicts(self, found: Iterable[tuple[Pair, FullFrameVerdict]]) -> None:
        """Keep verdicts on pairs, each with the smaller digest first; `commit` makes it last."""
        self._write(
            "INSERT OR REPLACE INTO pairs (first, second, version, verdict, evidence) VALUES (?, ?, ?, ?, ?)",
            [(*_pair_key(pair), self._verdict_version, *_verdict_columns(each)) for pair, each in found],
        )

    def sighted(self, key: bytes) -> bytes | None:
        """What was kept under a key by `save_local_candidates`, if nothing was under another one since."""
        rows = self._rows("SELECT told FROM sightings WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None

    def save_local_candidates(self, key: bytes, stored: bytes) -> None:
        """Keep what a search for details in common found, in place of the one before; `commit` makes it last."""
        self._write("DELETE FROM sightings WHERE key <> ?", [(key,)])
        self._write("INSERT OR REPLACE INTO sightings (key, told) VALUES (?, ?)", [(key, stored)])

    def commit(self) -> None:
        """Make what was kept last: a killed process does not lose it."""
        if self._disk is not None and self._disk.in_transaction:
            try:
                self._disk.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail(error)
        self._pending.clear()

    def trim(self, max_bytes: int = MAX_FEATURE_BYTES) -> None:
        """Drop what another version made, and the oldest looks beyond so many bytes; commits."""
        self._write("DELETE FROM looks WHERE version <> ?", [(self._features_version,)])
        self._write("DELETE FROM pairs WHERE version <> ?", [(self._verdict_version,)])
        self._write(
            "DELETE FROM looks WHERE rowid IN (SELECT rowid FROM (SELECT rowid,"
            " sum(length(told)) OVER (ORDER BY rowid DESC) AS total FROM looks) WHERE total > ?)",
            [(max_bytes,)],
        )
        self.commit()
        if self._disk is not None:
            with suppress(sqlite3.Error):
                self._disk.execute("PRAGMA incremental_vacuum")

    def close(self) -> None:
        """Close; what was not committed is lost. A second time does nothing."""
        for connection in (self._disk, self._memory):
            if connection is not None:
                connection.close()

    def _rows(self, statement: str, parameters: Row) -> list[Row]:
        """What is in memory, then what is in the file."""
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
        """Go on in memory: evidence is never worth an error. What was committed is still read from the file."""
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
    """Make sure that a connection's database is one of this format, and make it so if it is new."""
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
    """Whether a database is one of this format; False for an empty one.

    Raises
    ------
    sqlite3.OperationalError
        If it is of a later version, which is to be left as it is.
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
