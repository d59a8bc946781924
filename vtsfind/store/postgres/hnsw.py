"""Near codes by an index of the server, which finds them without comparing all, and misses some.

It is HNSW (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small World
graphs", TPAMI 2020) by the extension pgvector, with its operators for bit strings (`bit_hamming_ops`, pgvector 0.7 on). Who owns
the database decides by `CREATE EXTENSION vector`: `index` then makes an index for each head, and the server keeps it up to date.
"""

from typing import TYPE_CHECKING, Any

from vtsfind.base.records import Head, Signature
from vtsfind.store.postgres.connection import Bits
from vtsfind.store.postgres.schema import code_column, is_owner, lock_key

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

MAX_NEAREST = 1000
"""The most codes that a search can give: the limit of `hnsw.ef_search`."""
_MIN_IN_VIEW = 200
"""`hnsw.ef_search`, at least: codes that a search keeps in view. Recall and time are in docs/results/postgres_200000.json."""


def make_indexes(connection: "psycopg.Connection[Any]", signature: Signature) -> None:
    """Make the indexes that are missing, if the database has the extension and the role owns the tables."""
    from psycopg import sql

    schema = _schema_of_operators(connection)
    if not schema or not is_owner(connection):
        return
    for head in signature.heads:
        if not has_index(connection, head):
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key("hnsw"),))
                connection.execute(
                    sql.SQL("CREATE INDEX IF NOT EXISTS {} ON contents USING hnsw ({} {})").format(
                        _index_name(head), code_column(head), sql.Identifier(schema, "bit_hamming_ops")
                    )
                )


def has_index(connection: "psycopg.Connection[Any]", head: Head) -> bool:
    """Whether there is an index for the codes of a head."""
    row = connection.execute(
        "SELECT to_regclass(%s) IS NOT NULL", (_index_name(head).as_string(),)
    ).fetchone()
    return bool(row and row[0])


def near_rows(
    connection: "psycopg.Connection[Any]", head: Head, views: list[Bits], count: int
) -> list[tuple[int, bytes]]:
    """The id and the code of at least `count` contents near each of some codes, by the index, within a transaction."""
    from psycopg import sql

    query = sql.SQL(
        "WITH near AS MATERIALIZED (SELECT id, {code} AS code FROM contents ORDER BY {code} {distance} %s LIMIT %s)"
        " SELECT id, code FROM near WHERE EXISTS (SELECT FROM files WHERE content = id)"
    ).format(
        code=code_column(head),
        distance=sql.SQL("OPERATOR({}.<~>)").format(sql.Identifier(_schema_of_operators(connection))),
    )
    in_view = max(_MIN_IN_VIEW, count)
    connection.execute("SELECT set_config('hnsw.ef_search', %s, true)", (str(in_view),))
    found: dict[int, bytes] = {}
    for view in views:
        found.update(connection.cursor(binary=True).execute(query, (view, in_view)).fetchall())
    return list(found.items())


def _schema_of_operators(connection: "psycopg.Connection[Any]") -> str:
    """Where the extension has its operators; empty where it is not in the database."""
    row = connection.execute(
        "SELECT nspname FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod JOIN pg_namespace n ON n.oid = opcnamespace"
        " WHERE amname = 'hnsw' AND opcname = 'bit_hamming_ops'"
    ).fetchone()
    return str(row[0]) if row else ""


def _index_name(head: Head) -> "sql.Identifier":
    from psycopg import sql

    return sql.Identifier(f"contents_near_{head.name}")
