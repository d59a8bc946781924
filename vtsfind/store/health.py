"""Checking a library, and repairing its database while it is open."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from vtsfind.base.errors import LibraryDamaged
from vtsfind.base.paths import show_path
from vtsfind.base.words import counted
from vtsfind.store import planes
from vtsfind.store.database import Database
from vtsfind.store.errors import SQLITE_ERRORS
from vtsfind.store.plane_cache import PublishedPlanes
from vtsfind.store.planes import PlanesUnusable
from vtsfind.store.schema import NAME


@dataclass(frozen=True, slots=True)
class LibraryProblem:
    """A fault in a library."""

    severity: Literal["must", "should"]
    """`must`: results may be wrong or incomplete until it is repaired; `should`: it only costs space or time."""
    message: str
    """One sentence."""


def check(database: Database, *, deep: bool) -> list[LibraryProblem]:
    """Find all faults of a library.

    Parameters
    ----------
    database
        The open library.
    deep
        Whether to read every page, index and checksum of the database as well, and to compare the planes bit by bit.
    """
    checks: list[Callable[..., Iterator[LibraryProblem]]] = [
        _structure,
        _foreign_keys,
        _codes,
        _planes,
    ]
    problems: list[LibraryProblem] = []
    for one in checks:
        try:
            problems += one(database, deep=deep)
        except (*SQLITE_ERRORS, TypeError) as error:
            problem = LibraryProblem(
                "must", f"The database {database.folder / NAME} cannot be read completely: {error}."
            )
            if problem not in problems:
                problems.append(problem)
    return problems


def is_sound(database: Database) -> bool:
    """Whether SQLite can read all of the database and finds it consistent."""
    try:
        return not list(_structure(database, deep=True))
    except SQLITE_ERRORS:
        return False


def _structure(database: Database, *, deep: bool) -> Iterator[LibraryProblem]:
    pragma = "integrity_check" if deep else "quick_check"
    for (line,) in database.connection.execute(f"PRAGMA {pragma}(5)"):
        if line != "ok":
            text = " ".join(line.split())
            yield LibraryProblem("must", f"The database {database.folder / NAME} is damaged: {text}.")
    if not database.has_schema():
        yield LibraryProblem(
            "must", f"The database {database.folder / NAME} does not have the tables of its format."
        )


def _foreign_keys(database: Database, **_: bool) -> Iterator[LibraryProblem]:
    dangling = len(database.connection.execute("PRAGMA foreign_key_check").fetchall())
    if dangling:
        yield LibraryProblem("must", f"The codes of {counted(dangling, 'file')} are missing.")


def _codes(database: Database, *, deep: bool) -> Iterator[LibraryProblem]:
    damaged = damaged_contents(database, checksums=deep)
    if not damaged:
        return
    row = database.connection.execute("SELECT path FROM files WHERE content = ?", (damaged[0],)).fetchone()
    example = f", such as that of {show_path(row[0])}" if row else ""
    yield LibraryProblem(
        "must", f"Found damage to {counted(len(damaged), 'code')} in {database.folder / NAME}{example}."
    )


def damaged_contents(database: Database, *, checksums: bool) -> list[int]:
    """Ids of the contents whose codes have a wrong length or, if `checksums`, a wrong checksum."""
    if not checksums:
        cursor = database.connection.execute(
            "SELECT id FROM contents WHERE length(codes) <> ? ORDER BY id", (database.code_bytes,)
        )
        return [content for (content,) in cursor]
    return database.damaged_contents()


def _planes(database: Database, *, deep: bool) -> Iterator[LibraryProblem]:
    published = PublishedPlanes(database)
    try:
        published.read()
        if deep and not published.matches_database():
            yield LibraryProblem(
                "must", f"{database.folder / planes.NAME} does not hold the codes of the database."
            )
    except PlanesUnusable as error:
        yield LibraryProblem("should", f"The first query will be slow: {error}.")
    except LibraryDamaged as error:
        yield LibraryProblem("must", error.message)


def repair_rows(database: Database) -> list[str]:
    """Delete inconsistent rows from a database that SQLite can read, and commit.

    Parameters
    ----------
    database
        The library, open for writing.

    Returns
    -------
    A sentence for each kind of row that was deleted.
    """
    report = []
    with database.transaction() as connection:
        damaged = damaged_contents(database, checksums=True)
        for content in damaged:
            connection.execute("DELETE FROM files WHERE content = ?", (content,))
            connection.execute("DELETE FROM contents WHERE id = ?", (content,))
        if damaged:
            report.append(
                f"Deleted {counted(len(damaged), 'damaged code')}. The next `vtsfind index` reads those photos again."
            )
        dangling = connection.execute(
            "DELETE FROM files WHERE content IS NOT NULL AND content NOT IN (SELECT id FROM contents)"
        ).rowcount
        if dangling:
            report.append(
                f"Dropped {counted(dangling, 'file')} without codes. The next `vtsfind index` reads what was dropped again."
            )
        database.codes_changed = bool(damaged or dangling) or not database.has_state()
    database.commit()
    return report
