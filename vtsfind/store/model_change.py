"""Changing the model of a library: new codes are gathered beside it, and take the place of the old ones at once.

The file `new-codes.db` in the library's folder, or in this machine's folder for a library on a server, is an SQLite database of the codes that another model has made so far. It is
derived data and may be deleted. Only when it has a code for every photo does `change_model` put them all into the library, in one
transaction: before, every reader sees the old codes with the old model, afterwards the new ones with the new model.

==== ================== ==========================================================================================
meta signature          of the other model, as in `library.db`
codes sha256            of a content, 32 bytes
      codes             packed codes of all heads, concatenated
      crc               CRC-32 of sha256 and codes, one after the other
==== ================== ==========================================================================================
"""

import sqlite3
import zlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from vtsfind.base.records import Signature
from vtsfind.store.database import Database
from vtsfind.store.errors import storage_errors
from vtsfind.store.rows import join_codes, row_crc, signature_text
from vtsfind.store.schema import VERSION, facts_columns, open_connection

NAME = "new-codes.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (signature TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS codes (
    sha256 BLOB PRIMARY KEY CHECK (length(sha256) = 32), codes BLOB NOT NULL, crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
_FILE_SUFFIXES = ("", "-wal", "-shm", "-journal")


class NewCodes(AbstractContextManager["NewCodes"]):
    """The codes of another model for the contents of a library, gathered in one run or several.

    Use it only while the library's model is locked (`vtsfind.store.library.Library.lock_model`).

    Parameters
    ----------
    folder
        Of the library.
    signature
        Of the other model. Codes of any other are removed.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """

    def __init__(self, folder: Path, signature: Signature) -> None:
        self.signature = signature
        self._folder = folder
        try:
            self._connection = self._opened()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                with storage_errors(folder):
                    raise
            remove(folder)
            with storage_errors(folder):
                self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = open_connection(self._folder / NAME, "rwc")
        try:
            connection.executescript(_SCHEMA)
            text = signature_text(self.signature)
            if connection.execute("SELECT signature FROM meta").fetchall() != [(text,)]:
                connection.executescript("BEGIN; DELETE FROM meta; DELETE FROM codes")
                connection.execute("INSERT INTO meta VALUES (?)", (text,))
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def digests(self) -> set[bytes]:
        """SHA-256 of the contents that have a code."""
        return set(self.read())

    def add(self, codes: Mapping[bytes, Mapping[str, npt.NDArray[np.uint8]]]) -> None:
        """Keep the codes of some contents, by their SHA-256; a killed process does not lose them."""
        rows = []
        for digest, own in codes.items():
            packed = join_codes(self.signature.heads, dict(own))
            rows.append((digest, packed, zlib.crc32(packed, zlib.crc32(digest))))
        with storage_errors(self._folder):
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany("INSERT OR REPLACE INTO codes VALUES (?, ?, ?)", rows)
            self._connection.execute("COMMIT")

    def read(self) -> dict[bytes, bytes]:
        """The intact codes, concatenated, by the SHA-256 of their content."""
        with storage_errors(self._folder):
            rows = self._connection.execute("SELECT sha256, codes, crc FROM codes").fetchall()
        return {digest: codes for digest, codes, crc in rows if zlib.crc32(codes, zlib.crc32(digest)) == crc}


def remove(folder: Path) -> None:
    """Remove the new codes of a library, if there are any."""
    for suffix in _FILE_SUFFIXES:
        with suppress(OSError):
            (folder / (NAME + suffix)).unlink(missing_ok=True)


def change_model(database: Database, signature: Signature, codes: Mapping[bytes, bytes]) -> bool:
    """Replace all codes of a library and its model, and commit.

    Contents without a file and without a new code are no longer known.

    Parameters
    ----------
    database
        Open for writing.
    signature
        Of the model of the new codes.
    codes
        Concatenated codes, by the SHA-256 of their content.

    Returns
    -------
    Whether that was done: if a content that has a file has no new code, nothing is changed.
    """
    text = signature_text(signature)
    with database.transaction() as connection:
        rows = connection.execute(
            f"SELECT id, sha256, {facts_columns(VERSION)},"  # noqa: S608
            " EXISTS (SELECT 1 FROM files WHERE content = id) FROM contents"
        ).fetchall()
        lacking = [row for row in rows if row[1] not in codes]
        if any(used for *_, used in lacking):
            database.rollback()
            return False
        connection.executemany("DELETE FROM contents WHERE id = ?", [(row[0],) for row in lacking])
        connection.executemany(
            "UPDATE contents SET codes = ?, crc = ? WHERE id = ?",
            (
                (codes[digest], row_crc(VERSION, digest, codes[digest], tuple(facts)), content)
                for content, digest, *facts, _ in rows
                if digest in codes
            ),
        )
        connection.execute("UPDATE meta SET value = ? WHERE name = 'signature'", (text,))
        connection.execute(
            "UPDATE meta SET value = ? WHERE name = 'signature_crc'", (zlib.crc32(text.encode()),)
        )
        database.codes_changed = True
    database.commit()
    return True
