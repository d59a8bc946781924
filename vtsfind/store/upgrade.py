"""Bringing the database of a library to the present version of its format; see `vtsfind.store.schema`."""

from vtsfind.store.database import Database
from vtsfind.store.rows import row_crc
from vtsfind.store.schema import CAMERAS, VERSION

_NO_CRC = -1
"""What no row has as its checksum."""


def upgrade(database: Database) -> None:
    """Bring a database of an earlier version to this one, and commit: all of it or nothing. Damaged rows stay damaged."""
    version = database.version
    if version == VERSION:
        return
    with database.transaction() as connection:
        if version == 1:
            connection.executemany(
                "UPDATE contents SET crc = ? WHERE id = ?",
                [
                    (row_crc(VERSION, digest, codes, facts) if is_intact else _NO_CRC, content)
                    for content, digest, codes, facts, is_intact in database.checked_rows()
                ],
            )
        for statement in CAMERAS:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    database.commit()
