"""The cameras of the contents of a library: which there are, and finding them out for contents of earlier formats."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from vtsfind.base.records import Found, Stamp
from vtsfind.store.database import Database
from vtsfind.store.rows import is_row_intact, row_crc, text, unsigned
from vtsfind.store.schema import VERSION, facts_columns

# Statements for here and for a server.
CAMERAS = (
    "SELECT camera FROM (SELECT DISTINCT camera FROM contents WHERE camera > '') AS named WHERE EXISTS"
    " (SELECT 1 FROM contents JOIN files ON content = contents.id WHERE contents.camera = named.camera)"
)
COUNT_WITHOUT_CAMERA = (
    "SELECT count(*) FROM contents WHERE camera IS NULL AND EXISTS (SELECT 1 FROM files WHERE content = id)"
)
WITHOUT_CAMERA_FILES = (
    "SELECT id, sha256, path, f.size, mtime_ns, inode FROM files f JOIN"
    " (SELECT id, sha256 FROM contents WHERE id > {} AND camera IS NULL"
    " AND EXISTS (SELECT 1 FROM files WHERE content = id) ORDER BY id LIMIT {}) AS looked ON content = id"
    " ORDER BY id, path"
)


@dataclass(frozen=True, slots=True)
class Unlooked:
    """A content that nobody has looked at for a camera."""

    content: int
    """Its id."""
    digest: bytes
    """SHA-256, 32 bytes."""
    files: list[Found]
    """By path."""


def cameras(database: Database) -> list[str]:
    """The cameras of all photos, sorted."""
    if database.version < 3:
        return []
    return sorted(name for (name,) in database.connection.execute(CAMERAS))


def count_without_camera(database: Database) -> int:
    """The number of contents with a file that nobody has looked at for a camera."""
    if database.version < 3:
        return database.counts().contents
    return int(database.connection.execute(COUNT_WITHOUT_CAMERA).fetchone()[0])


def without_camera(database: Database, after: int, count: int) -> list[Unlooked]:
    """The next contents that nobody has looked at for a camera, by id."""
    return grouped(database.connection.execute(WITHOUT_CAMERA_FILES.format("?", "?"), (after, count)))


def grouped(rows: Iterable[tuple[int, bytes, bytes, int, int, int]]) -> list[Unlooked]:
    """What `WITHOUT_CAMERA_FILES` selects, by content."""
    return [
        Unlooked(
            content,
            digest,
            [
                Found(path, Stamp(size, mtime_ns, unsigned(inode)))
                for _, _, path, size, mtime_ns, inode in files
            ],
        )
        for (content, digest), files in groupby(rows, key=itemgetter(0, 1))
    ]


def set_cameras(database: Database, names: Mapping[int, str]) -> None:
    """Record the cameras of contents, by id; empty for none. Damaged rows stay as they are."""
    query = f"SELECT sha256, codes, crc, {facts_columns(VERSION)} FROM contents WHERE id = ?"  # noqa: S608
    with database.transaction() as connection:
        for content, name in names.items():
            row = connection.execute(query, (content,)).fetchone()
            if row is None:
                continue
            digest, codes, crc, *facts = row
            if is_row_intact(VERSION, digest, codes, crc, tuple(facts)):
                facts[-1] = text(name)
                connection.execute(
                    "UPDATE contents SET camera = ?, crc = ? WHERE id = ?",
                    (facts[-1], row_crc(VERSION, digest, codes, tuple(facts)), content),
                )
