"""The format of a library in a folder, version 3, which this text specifies; making and opening its database.

A library is a folder::

    library.db      the source of everything: an SQLite database (with library.db-wal and library.db-shm while in use)
    planes.vtp      derived from it: all codes, laid out for scanning; `vtsfind.store.planes` specifies its bytes
    lock            locked by the one process that writes; owner.json names it, for messages only
    vtsfind-library marks the folder as a library; otherwise only an empty folder becomes one
    new-codes.db    codes of another model, until all are there; `vtsfind.store.model_change` specifies it
    .*.tmp          left by a killed process; removed by the next writer
    damaged-*/      damaged databases that a repair replaced

Invariants
----------
Must hold, or data are lost or results are wrong:

* A change is in the library once `commit` returned: the process may be killed at any point after that. A power cut can
  lose the changes of the last commits (SQLite in WAL mode, `synchronous = NORMAL`), but leaves a valid database.
* A new database, and every planes file, is written under another name, flushed and renamed: it is never seen in parts.
* The planes file is used only if it names the current state of the database and all checksums are right.
* A log (`-wal`) is removed before another database takes the place of the one it belongs to.
* Only the holder of the lock changes the database. Readers never wait; they may replace the planes file.

Should hold, or time is wasted: the planes file exists and is up to date.

The database
------------
`application_id` is 0x56545346 and `user_version` the version of the format, 3. A higher version is refused. All tables
are STRICT; files and meta and roots are WITHOUT ROWID.

=========== ============== =======================================================================================
meta        name, value    `signature`: JSON `{"model", "fingerprint", "heads": [{"name", "bits"}, ...]}`, the model
                           whose codes these are, its heads in the order in which their codes are stored;
                           `signature_crc`: CRC-32 of that text;
                           `state`: 16 random bytes, new after each commit that changes which codes belong to the
                           files; `indexed`: seconds since 1970 at the last `publish`, absent before the first;
                           `copying`: present while it is a copy that is not complete
roots       path           absolute path, bytes
contents    id             ascending, never used again, below 2^32
            sha256         of the whole file, 32 bytes, unique
            size           bytes of the file
            width, height  pixels, upright; orientation: EXIF, 1 to 8; taken: text or NULL; format: text
            camera         the name of the camera, empty if the file names none, NULL if nobody has looked
            codes          packed codes (`vtsfind.base.bits`) of all heads, concatenated, each ceil(bits / 8) bytes
            crc            CRC-32 of sha256, codes, and the JSON array [size, width, height, orientation, taken, format,
                           camera] in UTF-8 without blanks, one after the other; the array ends before a camera that is NULL
files       path           absolute path, bytes
            size           bytes; mtime_ns: nanoseconds since 1970; inode: all three modulo 2^64 as signed numbers, NULL
                           if the file could not be examined
            content        the id in contents, NULL for a file that cannot be decoded
            reason, detail why it cannot: a value of `vtsfind.base.records.Reason` (an unknown one counts as
                           "cannot be read") and text; NULL for a file with a content
=========== ============== =======================================================================================

A content stays when its last file goes, so that a moved, renamed or restored file is not decoded again.

Changes of the format
---------------------
1: the first. Its `crc` is of sha256 followed by codes.
2: `crc` covers all facts about a content.
3: contents have a camera. Those of earlier versions have none until `vtsfind.engine.indexing.cameras` has looked.

A library of an earlier version is read, and brought to the present one by the next writer.
"""

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
