"""Changing the model of a library on a server: all codes and the signature at once, in one transaction.

The new codes are gathered by `vtsfind.store.model_change` on the machine that makes them. Others go on reading and writing codes of
the old model meanwhile. Whoever reads codes holds the table still and looks at the signature first (`own_codes`), and whoever
writes holds the signature (`vtsfind.store.postgres.library.PostgresLibrary.commit`), so that codes of two models never meet.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from vtsfind.base.addresses import ServerAddress
from vtsfind.base.errors import LibraryLocked, ModelMismatch, StorageError
from vtsfind.base.records import Signature
from vtsfind.store import planes
from vtsfind.store.postgres.rows import CONTENT_COLUMNS, content_row, content_types, copy_rows
from vtsfind.store.postgres.schema import (
    add_code_columns,
    code_column,
    is_owner,
    lock_key,
    read_signature,
)
from vtsfind.store.rows import signature_text

if TYPE_CHECKING:
    import psycopg

_CRC = CONTENT_COLUMNS.index("crc")
"""Where the columns of a row begin that change with its codes: the CRC, and the codes."""


def require_model(
    connection: "psycopg.Connection[Any]", address: ServerAddress, signature: Signature
) -> None:
    """Check that the library still has the codes of a model.

    Raises
    ------
    ModelMismatch
    """
    if read_signature(connection, address) != signature:
        raise ModelMismatch(
            f"The library {address} has another model since a moment ago.", "Run the command again."
        )


@contextmanager
def own_codes(
    connection: "psycopg.Connection[Any]", address: ServerAddress, signature: Signature
) -> Iterator[None]:
    """Hold the codes of a model still, so that all that is read in the block is of it; errors are those of `require_model`."""
    with connection.transaction():
        connection.execute("LOCK TABLE contents IN ACCESS SHARE MODE")
        require_model(connection, address, signature)
        yield


def lock_model(connection: "psycopg.Connection[Any]", address: ServerAddress) -> None:
    """Make sure that no other run changes the model until this connection ends, and that this role may.

    Raises
    ------
    StorageError
        If the role may not.
    LibraryLocked
        If another run is at it.
    """
    if not is_owner(connection):
        raise StorageError(
            f"Only the role that owns the tables of the library {address} can change its model.",
            "Run the command with that role.",
        )
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (lock_key("model"),)).fetchone()
    if not (row and row[0]):
        raise LibraryLocked(
            f"Another run is changing the model of the library {address}.", "Wait until it has ended."
        )


def change_model(
    connection: "psycopg.Connection[Any]",
    address: ServerAddress,
    old: Signature,
    new: Signature,
    codes: Mapping[bytes, bytes],
) -> bool:
    """See `vtsfind.store.model_change.change_model`."""
    from psycopg import sql

    planes.check_signature(new)
    with connection.transaction():
        connection.execute("SELECT FROM meta WHERE name = 'signature' FOR UPDATE")
        require_model(connection, address, old)
        connection.execute("LOCK TABLE contents IN ACCESS EXCLUSIVE MODE")
        facts_of_all = sql.SQL(
            "SELECT id, {}, EXISTS (SELECT FROM files WHERE content = c.id) FROM contents c"
        )
        query = facts_of_all.format(sql.SQL(", ").join(map(sql.Identifier, CONTENT_COLUMNS[:_CRC])))
        rows = connection.cursor(binary=True).execute(query).fetchall()
        lacking = [row for row in rows if row[1] not in codes]
        if any(is_used for *_, is_used in lacking):
            return False
        connection.execute("DELETE FROM contents WHERE id = ANY(%s)", ([row[0] for row in lacking],))
        changed = [
            (content, *content_row(new, digest, tuple(facts), codes[digest])[_CRC:])
            for content, digest, *facts, _ in rows
            if digest in codes
        ]
        _replace_codes(connection, old, new, changed)
        connection.execute("UPDATE meta SET value = %s WHERE name = 'signature'", (signature_text(new),))
    return True


def _replace_codes(
    connection: "psycopg.Connection[Any]", old: Signature, new: Signature, rows: list[tuple[Any, ...]]
) -> None:
    """Put codes in the place of the old ones; each row has the id of its content, the CRC, and the codes."""
    from psycopg import sql

    for head in old.heads:
        connection.execute(sql.SQL("ALTER TABLE contents DROP COLUMN {}").format(code_column(head)))
    add_code_columns(connection, new, may_be_null=True)
    names = sql.SQL(", ").join([sql.SQL("crc"), *map(code_column, new.heads)])
    select = sql.SQL("CREATE TEMP TABLE new_codes ON COMMIT DROP AS SELECT id, {} FROM contents WITH NO DATA")
    connection.execute(select.format(names))
    copy_rows(
        connection,
        sql.SQL("COPY pg_temp.new_codes (id, {}) FROM STDIN (FORMAT BINARY)").format(names),
        ["int8", *content_types(new)[_CRC:]],
        rows,
    )
    qualified = sql.SQL(", ").join(
        [sql.SQL("n.crc"), *(sql.Identifier("n", f"code_{h.name}") for h in new.heads)]
    )
    connection.execute(
        sql.SQL("UPDATE contents c SET ({}) = ROW({}) FROM pg_temp.new_codes n WHERE n.id = c.id").format(
            names, qualified
        )
    )
    for head in new.heads:
        connection.execute(sql.SQL("ALTER TABLE contents ALTER {} SET NOT NULL").format(code_column(head)))
