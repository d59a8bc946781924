"""Copying the readable rows of a damaged database into a new one. The damaged database is kept beside it."""

import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from vtsfind.base.errors import LibraryDamaged
from vtsfind.base.records import Signature
from vtsfind.base.words import counted
from vtsfind.store import schema
from vtsfind.store.atomic import atomic_replace, fsync_folder
from vtsfind.store.database import Database
from vtsfind.store.errors import SQLITE_ERRORS
from vtsfind.store.planes import code_bytes
from vtsfind.store.rows import is_row_intact, row_crc

ID_CHUNK_SIZE = 4096
"""Contents read by one query."""
MAX_CONTENTS = 1 << 32
"""Ids are below this, see `vtsfind.store.schema`; a damaged table may claim more."""

_FILES_QUERY = "SELECT path, size, mtime_ns, inode, content, reason, detail FROM files ORDER BY path"
_ROOTS_QUERY = "SELECT path FROM roots ORDER BY path"
_MAX_ID_QUERIES = (
    "SELECT seq FROM sqlite_sequence WHERE name = 'contents'",
    "SELECT max(id) FROM contents",
    "SELECT max(content) FROM files",
)


def salvage(folder: Path, signature: Signature | None = None) -> list[str]:
    """Replace a damaged database by a new one with every row that can still be read and has a right checksum.

    The caller holds the writer's lock and has no connection open. The damaged database stays in place until the new
    one is complete; a copy of it is kept.

    Parameters
    ----------
    folder
        Of the library.
    signature
        The library's model, if known; otherwise it is read from the database.

    Returns
    -------
    Sentences on what was done. If not even the model can be read, the library is gone afterwards.

    Raises
    ------
    LibraryTooNew
        If the database is intact and of a later format; nothing was done.
    sqlite3.Error, OSError
        If the new database cannot be written; the damaged one is still in place.
    """
    with suppress(LibraryDamaged, *SQLITE_ERRORS):
        schema.connect(folder, write=False).close()
    backup_folder = _copy_to_backup(folder)
    report = [f"Moved the damaged database to {backup_folder}."]
    with closing(schema.open_connection(backup_folder / schema.NAME, "ro")) as damaged:
        signature = signature or _read_signature(damaged, backup_folder)
        if signature is None:
            _remove_side_files(folder)
            (folder / schema.NAME).unlink()
            return [
                *report,
                "Nothing in it could be read. Run `vtsfind index FOLDER` to index the photos again.",
            ]
        with atomic_replace(folder / schema.NAME) as temporary:
            with closing(schema.open_connection(temporary, "rwc")) as fresh:
                schema.build_schema(fresh, signature)
                contents, files = _copy(damaged, fresh, signature)
            _remove_side_files(folder)
    (backup_folder / schema.SIDE_FILE_NAMES[1]).unlink(missing_ok=True)
    return [
        *report,
        f"Copied {counted(contents, 'code')} and {counted(files, 'file')} to a new database.",
        "The next `vtsfind index FOLDER` reads the other photos again.",
    ]


def _copy_to_backup(folder: Path) -> Path:
    now = datetime.now().astimezone().strftime("%Y-%m-%dT%H-%M-%S")
    names = (f"damaged-{now}{suffix}" for suffix in ("", *(f"-{i}" for i in range(2, 1000))))
    backup_folder = next(path for path in (folder / name for name in names) if not path.exists())
    backup_folder.mkdir()
    for name in (schema.NAME, *schema.SIDE_FILE_NAMES[:1]):
        if (folder / name).exists():
            with atomic_replace(backup_folder / name) as temporary:
                shutil.copyfile(folder / name, temporary)
    fsync_folder(folder)
    return backup_folder


def _remove_side_files(folder: Path) -> None:
    """Remove the log of the old database before another takes its place: SQLite would apply it to the new one."""
    for name in schema.SIDE_FILE_NAMES:
        (folder / name).unlink(missing_ok=True)


def _read_signature(damaged: sqlite3.Connection, backup_folder: Path) -> Signature | None:
    try:
        return Database(damaged, backup_folder).signature
    except (LibraryDamaged, *SQLITE_ERRORS):
        return None


def _copy(damaged: sqlite3.Connection, fresh: sqlite3.Connection, signature: Signature) -> tuple[int, int]:
    """Copy all readable rows; returns the number of contents and of files."""
    length = sum(map(code_bytes, signature.heads))
    (version,) = damaged.execute("PRAGMA user_version").fetchone()
    fresh.execute("BEGIN")
    _insert(
        fresh,
        "INSERT OR IGNORE INTO contents (id, sha256, codes, crc, size, width, height, orientation, taken, format, camera)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            row
            for row in map(partial(_current_row, version), _contents(damaged, version))
            if row and len(row[2]) == length
        ),
    )
    ids = {content for (content,) in fresh.execute("SELECT id FROM contents")}
    _insert(
        fresh,
        "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row for row in _from_both_ends(damaged, _FILES_QUERY) if row[4] is None or row[4] in ids),
    )
    _insert(fresh, "INSERT OR IGNORE INTO roots VALUES (?)", _from_both_ends(damaged, _ROOTS_QUERY))
    (files,) = fresh.execute("SELECT count(*) FROM files").fetchone()
    fresh.execute("COMMIT")
    return len(ids), int(files)


def _current_row(version: int, row: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """A row of `contents` with the checksum of this version; None if it does not have that of its own."""
    content, digest, codes, crc, *facts = row
    if not is_row_intact(version, digest, codes, crc, tuple(facts)):
        return None
    return content, digest, codes, row_crc(schema.VERSION, digest, codes, tuple(facts)), *facts


def _insert(fresh: sqlite3.Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    for row in rows:
        with suppress(sqlite3.IntegrityError):
            fresh.execute(statement, row)


def _contents(damaged: sqlite3.Connection, version: int) -> Iterator[tuple[Any, ...]]:
    highest = 0
    for query in _MAX_ID_QUERIES:
        with suppress(*SQLITE_ERRORS, TypeError, ValueError):
            highest = max(highest, int(damaged.execute(query).fetchone()[0]))
    query = (
        f"SELECT id, sha256, codes, crc, {schema.facts_columns(version)} FROM contents"  # noqa: S608
        " WHERE id BETWEEN ? AND ? ORDER BY id"
    )
    for first in range(1, min(highest, MAX_CONTENTS) + 1, ID_CHUNK_SIZE):
        yield from _contents_between(damaged, query, first, min(first + ID_CHUNK_SIZE - 1, highest))


def _contents_between(
    damaged: sqlite3.Connection, query: str, first: int, last: int
) -> list[tuple[Any, ...]]:
    """The readable contents with ids from `first` to `last`: in one query, or by halves if it fails."""
    try:
        return damaged.execute(query, (first, last)).fetchall()
    except SQLITE_ERRORS:
        if first == last:
            return []
    middle = (first + last) // 2
    return [
        *_contents_between(damaged, query, first, middle),
        *_contents_between(damaged, query, middle + 1, last),
    ]


def _from_both_ends(damaged: sqlite3.Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """The rows of an ordered query up to the first damage and, if there is any, from the end backwards to the last."""
    for statement in (query, f"{query} DESC"):
        try:
            yield from damaged.execute(statement)
        except SQLITE_ERRORS:
            continue
        return
