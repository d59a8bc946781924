"""The file `evidence.db` beside a library: its format, opening, checking, copying and removing it.

It is an SQLite database. Nothing that is not as it was written is believed: a row whose checksum is wrong, or a table that is not of the
format, costs the file (`CacheDamaged`). Format, version 7 (`user_version`; `application_id` is 0x56545345; each row ends in `crc`, the
CRC-32 of its other values, one after the other: of each, its length in bytes as text and a comma, then bytes as they are, and anything
else as Python's `repr` in UTF-8):

================= ================= ======================================================================================
features          content           the first 16 bytes of the SHA-256 of the file
                  version           of the extraction that made it
                  full              1 if the photo was decoded at full size for it
                  data              quality details and features, see `vtsfind.find.features.extract`
full_size         first, second     as of pairs
                  version           of the verification that made it
                  differs           what the two differ in, seen at full size: a number of `vtsfind.base.groups.Difference`
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

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from vtsfind.base.errors import StorageError
from vtsfind.store.schema import open_connection

NAME = "evidence.db"
APPLICATION_ID = 0x56545345
VERSION = 7
KEY_BYTES = 16
"""Length of the part of a SHA-256 that identifies a content here."""
_PAGE_BYTES = 16384
"""Size of the pages of a new file: the features of a photo are on half a dozen of them, and read in half the time of 4096."""
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
    if not is_ready(connection):
        yield "it has no tables"
    for statement in _EVERY_ROW if deep else ():
        if not all(map(has_crc, connection.execute(statement))):
            yield "a row does not have its checksum"
    for (line,) in connection.execute("PRAGMA quick_check(1)") if deep else ():
        if line != "ok":
            yield " ".join(line.split())


def initialised(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Make sure that a connection's database has this format; create the tables if it is new."""
    try:
        if not is_ready(connection):
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


def is_ready(connection: sqlite3.Connection) -> bool:
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


def with_crc(*values: Any) -> Row:
    """A row of values, with their checksum at its end."""
    parts = [_prefixed(value) if isinstance(value, bytes) else _shown(value) for value in values]
    return *values, zlib.crc32(b"".join(parts))


def _prefixed(part: bytes) -> bytes:
    return b"%d,%b" % (len(part), part)


@lru_cache(maxsize=1024, typed=True)
def _shown(value: Any) -> bytes:
    """Versions, and verdicts without evidence, are the same in many rows."""
    return _prefixed(repr(value).encode("utf-8", "surrogatepass"))


def has_crc(row: Row) -> bool:
    """Whether a row ends in the checksum of its other values."""
    return row == with_crc(*row[:-1])
