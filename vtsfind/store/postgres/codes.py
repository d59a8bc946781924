"""The codes of a library on a server: all of them as planes, or only those near a photo, which the server finds.

The server compares every code by `bit_count(code # $1)`, with as many parallel workers as it is allowed; an answer is exact. Only
who allows it gets approximate ones (`vtsfind.store.postgres.hnsw`).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import LibraryDamaged
from vtsfind.base.records import Head
from vtsfind.store import planes
from vtsfind.store.planes import Planes, code_bytes
from vtsfind.store.postgres import hnsw
from vtsfind.store.postgres.connection import Bits
from vtsfind.store.postgres.schema import code_column

if TYPE_CHECKING:
    import psycopg

Packed = npt.NDArray[np.uint8]

SOFT_MINIMUM_BITS = 16.0
"""As in `vtsfind.find.hamming.views`."""
_TIE_STEPS = 1e6
"""Soft minima are compared in steps of a millionth of a bit: the server's exponential may differ in the last digit."""
_TIE_RESERVE = 16
"""Codes beyond those asked for, in case two are a step apart which are equally far."""
_COPY_HEADER_BYTES = 19
_COPY_TRAILER_BYTES = 2
_MIN_LIMIT = 64
"""Codes that are asked for at least, in case some of the nearest belong to no file."""


def all_planes(connection: "psycopg.Connection[Any]", head: Head) -> Planes:
    """The codes of one head for all contents that have a file, by content id."""
    from psycopg import sql

    query = sql.SQL(
        "COPY (SELECT id, {} FROM contents WHERE EXISTS (SELECT FROM files WHERE content = id) ORDER BY id)"
        " TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(query.format(code_column(head))) as copy:
        data = b"".join(copy)
    row = np.dtype(
        [
            ("fields", ">i2"),
            ("id_length", ">i4"),
            ("id", ">i8"),
            ("code_length", ">i4"),
            ("bits", ">i4"),
            ("code", np.uint8, (code_bytes(head),)),
        ]
    )
    body = memoryview(data)[_COPY_HEADER_BYTES : len(data) - _COPY_TRAILER_BYTES]
    if len(body) % row.itemsize:
        raise LibraryDamaged(f"The codes '{head.name}' have different lengths.", "Run `vtsfind doctor`.")
    rows = np.frombuffer(body, row)
    return _planes(head, rows["id"].astype(np.uint32), np.ascontiguousarray(rows["code"]))


def planes_of_rows(connection: "psycopg.Connection[Any]", head: Head, rows: npt.NDArray[np.uint32]) -> Planes:
    """The codes of one head for some contents (m,); of those that have a file."""
    from psycopg import sql

    query = sql.SQL(
        "SELECT id, {} FROM contents WHERE id = ANY(%s) AND EXISTS (SELECT FROM files WHERE content = id)"
    ).format(code_column(head))
    found = connection.cursor(binary=True).execute(query, (rows.tolist(),), prepare=True).fetchall()
    return _planes_of_rows(head, found)


def near_planes(
    connection: "psycopg.Connection[Any]",
    head: Head,
    views: Packed,
    count: int | None,
    radius: int | None,
    *,
    approximate: bool,
) -> Planes:
    """Codes among which are those nearest to a photo; see `vtsfind.store.library.Library.near`."""
    if count is None and radius is None:
        return all_planes(connection, head)
    if approximate and count is not None and count <= hnsw.MAX_NEAREST and hnsw.has_index(connection, head):
        bits = [_bits(head, view) for view in views]
        return _planes_of_rows(head, hnsw.near_rows(connection, head, bits, count))
    if count is None:
        return _within(connection, head, views, radius)
    if len(views) > 1:
        return _near_views(connection, head, views, count, radius)
    return _nearest(connection, head, views, count, radius)


def _nearest(
    connection: "psycopg.Connection[Any]", head: Head, views: Packed, count: int, radius: int | None
) -> Planes:
    """The `count` nearest by (distance, id). Contents without a file are rare: more are asked for only if some were among them."""
    from psycopg import sql

    query = sql.SQL(
        "WITH near AS MATERIALIZED (SELECT id, {code} AS code FROM contents"
        " WHERE %(radius)s::int IS NULL OR bit_count({code} # %(code)s) <= %(radius)s"
        " ORDER BY bit_count({code} # %(code)s), id LIMIT %(limit)s)"
        " SELECT id, code, EXISTS (SELECT FROM files WHERE content = id) FROM near"
    ).format(code=code_column(head))
    limit = max(count, _MIN_LIMIT)
    while True:
        parameters = {"code": _bits(head, views[0]), "radius": radius, "limit": limit}
        rows = connection.cursor(binary=True).execute(query, parameters, prepare=True).fetchall()
        found = [(content, code) for content, code, has_file in rows if has_file]
        if len(found) >= count or len(rows) < limit:
            return _planes_of_rows(head, found)
        limit *= 4


def _near_views(
    connection: "psycopg.Connection[Any]", head: Head, views: Packed, count: int, radius: int | None
) -> Planes:
    """Those nearest by the soft minimum of several distances, and those equally far as the last of them."""
    from psycopg import sql

    parameters: dict[str, object] = {f"v{i}": _bits(head, view) for i, view in enumerate(views)}
    terms = [
        sql.SQL("exp(bit_count({} # {})::float8 / {}::float8)").format(
            code_column(head), sql.Placeholder(name), sql.Literal(-SOFT_MINIMUM_BITS)
        )
        for name in parameters
    ]
    query = sql.SQL(
        "SELECT id, {code} FROM contents WHERE EXISTS (SELECT FROM files WHERE content = id)"
        " AND (%(radius)s::int IS NULL OR bit_count({code} # %(v0)s) <= %(radius)s)"
        " ORDER BY round(-{soft}::float8 * ln({terms}) * {steps}::float8) FETCH FIRST %(limit)s ROWS WITH TIES"
    ).format(
        code=code_column(head),
        soft=sql.Literal(SOFT_MINIMUM_BITS),
        steps=sql.Literal(_TIE_STEPS),
        terms=sql.SQL(" + ").join(terms),
    )
    parameters |= {"radius": radius, "limit": count + _TIE_RESERVE}
    rows = connection.cursor(binary=True).execute(query, parameters, prepare=True).fetchall()
    return _planes_of_rows(head, rows)


def _within(connection: "psycopg.Connection[Any]", head: Head, views: Packed, radius: int | None) -> Planes:
    """All within the radius."""
    from psycopg import sql

    query = sql.SQL(
        "SELECT id, {code} FROM contents WHERE EXISTS (SELECT FROM files WHERE content = id)"
        " AND bit_count({code} # %(code)s) <= %(radius)s"
    ).format(code=code_column(head))
    parameters = {"code": _bits(head, views[0]), "radius": head.bits if radius is None else radius}
    with connection.transaction(), connection.cursor("within", binary=True) as cursor:
        cursor.itersize = 10_000
        return _planes_of_rows(head, list(cursor.execute(query, parameters)))


def _bits(head: Head, packed: Packed) -> Bits:
    return Bits(head.bits, packed.tobytes())


def _planes_of_rows(head: Head, rows: list[tuple[int, bytes]]) -> Planes:
    """Planes of some rows, by content id."""
    rows = sorted(rows)
    codes = np.frombuffer(b"".join(code for _, code in rows), np.uint8).reshape(len(rows), code_bytes(head))
    return _planes(head, np.array([content for content, _ in rows], np.uint32), codes)


def _planes(head: Head, rows: npt.NDArray[np.uint32], codes: Packed) -> Planes:
    return planes.build([head], rows, codes)[head.name]
