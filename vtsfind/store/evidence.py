"""A cache of features, verdicts and candidate pairs beside a library, so that nothing is computed twice.

All of it is derived data: the file (`vtsfind.store.evidence_file`) may be deleted at any time, and where it cannot be written, memory
takes its place. Rows are found by content and hold for one version of the code that made them; rows of other versions count as absent.
"""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from shutil import disk_usage
from types import TracebackType

from vtsfind.base.groups import UNDECIDED, Box, Difference, Evidence, FullFrameVerdict, Verdict
from vtsfind.store.evidence_file import (
    KEY_BYTES,
    NAME,
    CacheDamaged,
    Row,
    Rows,
    discard,
    has_crc,
    initialised,
    is_ready,
    with_crc,
)
from vtsfind.store.schema import open_connection

_PAIRS_PER_QUERY = 512
"""Pairs that one query asks for: SQLite takes thousands of parameters, and half as many queries would save little more."""
MAX_FEATURE_BYTES = 1 << 32
"""Size of all features between two runs, at most, where the disk has little space: about 50,000 photos. In a larger library, some are
extracted again."""
_MAX_DISK_SHARE = 1 / 4
"""Share that features may take of what would be free on the disk without them, where that is more."""


Pair = tuple[bytes, bytes]
"""SHA-256 of two contents."""


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
            if is_ready(connection):
                return connection
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self.problem = str(error)
        if connection is not None:
            connection.close()
        return None

    def _open_writable(self) -> sqlite3.Connection | None:
        for _ in range(2):
            try:
                connection = initialised(open_connection(self._path, "rwc"))
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

    def has_features(self, digest: bytes) -> bool:
        """Whether features of a content are there."""
        return bool(
            self._rows(
                "SELECT 1 FROM features WHERE content = ? AND version = ?",
                (digest[:KEY_BYTES], self._features_version),
            )
        )

    def known_features(self) -> dict[bytes, bool]:
        """The first `KEY_BYTES` of the digest of each content with features, to whether they are from the full size."""
        rows = self._rows("SELECT content, full FROM features WHERE version = ?", (self._features_version,))
        return {bytes(content): bool(full) for content, full in rows}

    def save_features(self, digest: bytes, stored: bytes | bytearray, *, full: bool) -> None:
        """Store quality details and features of a content, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO features (content, version, full, data, crc) VALUES (?, ?, ?, ?, ?)",
            [with_crc(digest[:KEY_BYTES], self._features_version, int(full), bytes(stored))],
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
                # For `IN (VALUES ...)`, SQLite takes five times as long as for a join.
                f"WITH wanted (one, other) AS (VALUES {', '.join(['(?, ?)'] * len(by_key))})"  # noqa: S608 - nothing but places is inserted
                " SELECT first, second, version, verdict, evidence, crc FROM wanted"
                " CROSS JOIN pairs ON first = one AND second = other WHERE version = ?",
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
                with_crc(*_pair_key(pair), self._verdicts_version, *_verdict_columns(each))
                for pair, each in found
            ],
        )

    def full_size(self, pair: Pair) -> Difference | None:
        """What a pair, the smaller digest first, differs in, seen at full size; None if that is not known."""
        rows = self._checked_rows(
            "SELECT first, second, version, differs, crc FROM full_size"
            " WHERE first = ? AND second = ? AND version = ?",
            (*_pair_key(pair), self._verdicts_version),
        )
        return Difference(rows[0][3]) if rows else None

    def save_full_size(self, pair: Pair, difference: Difference) -> None:
        """Store what a pair differs in, until `commit` in the open transaction only."""
        self._write(
            "INSERT OR REPLACE INTO full_size (first, second, version, differs, crc) VALUES (?, ?, ?, ?, ?)",
            [with_crc(*_pair_key(pair), self._verdicts_version, int(difference))],
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
            [row for row in rows if row[2] == self._verdicts_version and has_crc(row)],
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
            [with_crc(stage, key, stored)],
        )

    def commit(self) -> None:
        """Commit: a killed process does not lose what was stored before."""
        if self._disk is not None and self._disk.in_transaction:
            try:
                self._disk.execute("COMMIT")
            except sqlite3.Error as error:
                self._fail(error)
        self._pending.clear()

    def trim(self, max_bytes: int | None = None) -> None:
        """Drop rows of other versions, and features beyond `max_bytes`: of photos without copies first, and the oldest first; commits.

        By default there may be as many as the disk has space for. A run with nothing new needs no others than those of copies.
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
            [(UNDECIDED.value, self._space_for_features() if max_bytes is None else max_bytes)],
        )
        self.commit()
        if self._disk is not None:
            with suppress(sqlite3.Error):
                self._disk.execute("PRAGMA incremental_vacuum")

    def _space_for_features(self) -> int:
        """Bytes that all features may take."""
        try:
            space = disk_usage(self._path.parent).free + self._path.stat().st_size
        except OSError:
            return MAX_FEATURE_BYTES
        return max(MAX_FEATURE_BYTES, int(_MAX_DISK_SHARE * space))

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
        if not all(map(has_crc, rows)):
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
            [with_crc(digest[:KEY_BYTES], version, stored)],
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
            self._memory = initialised(
                sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            )
        return self._memory


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
