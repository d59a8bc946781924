"""The database file of a library: its schema, creating it and opening it. See `vtsfind.store.index`."""

import sqlite3
import zlib
from contextlib import closing, suppress
from pathlib import Path

from vtsfind.base.errors import LibraryDamaged, LibraryTooNew, UsageError
from vtsfind.base.records import Signature
from vtsfind.store import planes
from vtsfind.store.atomic import atomic_replace
from vtsfind.store.errors import REPAIR_HINT
from vtsfind.store.rows import signature_text

NAME = "library.db"
SIDE_FILE_NAMES = (f"{NAME}-wal", f"{NAME}-shm")
APPLICATION_ID = 0x56545346
VERSION = 3
"""Of the library format."""
BUSY_TIMEOUT_S = 10.0
"""How long SQLite waits for another connection's transaction."""
WRITER_CACHE_KIB = 16 << 10
"""Pages that a writer keeps in memory: the indexes of 100,000 contents, which are written all over (`python -m benchmarks.soak`)."""
_APPLICATION_ID_AT = 68
"""Offset of the application id in an SQLite file, in bytes."""

_SHARED_MEMORY_ERRORS = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
}

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE roots (path BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),
    size INTEGER NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    orientation INTEGER NOT NULL,
    taken TEXT,
    format TEXT NOT NULL,
    codes BLOB NOT NULL,
    crc INTEGER NOT NULL
) STRICT;
CREATE INDEX contents_by_size ON contents (size);
CREATE TABLE files (
    path BLOB PRIMARY KEY,
    size INTEGER,
    mtime_ns INTEGER,
    inode INTEGER,
    content INTEGER REFERENCES contents (id),
    reason TEXT,
    detail TEXT,
    CHECK ((content IS NULL) <> (reason IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX files_by_content ON files (content);
"""

CAMERAS = (
    "ALTER TABLE contents ADD COLUMN camera TEXT",
    "CREATE INDEX contents_by_camera ON contents (camera)",
)
"""What makes the tables of format 3 of those of formats 1 and 2."""


def schema_text(version: int = VERSION) -> str:
    """The statements that make the tables of a version."""
    return _TABLES + (";".join(CAMERAS) if version >= 3 else "")


def facts_columns(version: int) -> str:
    """The columns with the facts about a content, as `vtsfind.store.rows.Facts`, in a database of that version."""
    return f"contents.size, width, height, orientation, taken, format, {'camera' if version >= 3 else 'NULL'}"


def is_own(folder: Path) -> bool:
    """Whether a folder without a mark contains a library, by the first bytes of its files."""
    with suppress(OSError), (folder / NAME).open("rb") as file:
        if file.read(_APPLICATION_ID_AT + 4)[_APPLICATION_ID_AT:] == APPLICATION_ID.to_bytes(4, "big"):
            return True
    with suppress(OSError), (folder / planes.NAME).open("rb") as file:
        return file.read(len(planes.MAGIC)) == planes.MAGIC
    return False


def create(folder: Path, signature: Signature) -> None:
    """Create an empty database atomically.

    Raises
    ------
    UsageError
        If it exists.
    sqlite3.Error, OSError
    """
    if (folder / NAME).exists():
        raise UsageError(f"There is already a library in {folder}.", "Open it, or choose another place.")
    for name in SIDE_FILE_NAMES:
        (folder / name).unlink(missing_ok=True)
    with atomic_replace(folder / NAME) as temporary, closing(open_connection(temporary, "rwc")) as connection:
        build_schema(connection, signature)


def build_schema(connection: sqlite3.Connection, signature: Signature) -> None:
    """Write the schema and the metadata of a new library into an empty database."""
    connection.executescript(
        f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; {schema_text()}"
    )
    text = signature_text(signature)
    connection.execute(
        "INSERT INTO meta VALUES ('signature', ?), ('signature_crc', ?), ('state', randomblob(16))",
        (text, zlib.crc32(text.encode())),
    )
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def open_connection(path: Path, mode: str) -> sqlite3.Connection:
    """Open any database file; `mode` is SQLite's `ro`, `rw` or `rwc`."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_TIMEOUT_S,
        check_same_thread=False,
    )


def connect(folder: Path, *, write: bool) -> sqlite3.Connection:
    """Open the database and check that it has this format.

    Raises
    ------
    LibraryTooNew, LibraryDamaged
        If it has a later format, or is not a database of vtsfind.
    sqlite3.Error
    """
    path = folder / NAME
    connection = open_connection(path, "rw") if write else _open_readonly(path)
    try:
        _check_format(connection, folder)
        if write:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = -{WRITER_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def _open_readonly(path: Path) -> sqlite3.Connection:
    """Open the database for reading only.

    Readers and the writer share a memory-mapped file beside the database. Where it cannot be created (a read-only or
    full disk) and there is no write-ahead log, nobody can be writing, and the database file is read as it is.
    """
    connection = open_connection(path, "ro")
    try:
        connection.execute("PRAGMA application_id")
    except BaseException as error:
        connection.close()
        log = path.with_name(SIDE_FILE_NAMES[0])
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in _SHARED_MEMORY_ERRORS or (log.exists() and log.stat().st_size):
            raise
        connection = open_connection(path, "ro&immutable=1")
    return connection


def _check_format(connection: sqlite3.Connection, folder: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID or version < 1:
        raise LibraryDamaged(f"{folder / NAME} is not a database of vtsfind.", REPAIR_HINT)
    if version > VERSION:
        raise LibraryTooNew(
            f"The library {folder} was written by a newer vtsfind (format {version}; this one reads up to {VERSION}).",
            "Upgrade vtsfind.",
        )
