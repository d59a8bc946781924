"""Decisions about pairs of photos that all who share a library see. Nothing is ever overwritten: the latest of a pair counts."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from vtsfind.base.addresses import ServerAddress
from vtsfind.store.decisions import Decision, DecisionKind, KnownDecisions, Pair
from vtsfind.store.postgres import schema
from vtsfind.store.postgres.connection import connect, server_errors, who

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")
_TIME = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


class SharedDecisions(KnownDecisions):
    """The decisions in a library on a server. Each addition first reads what others added, and holds a lock until it is stored.

    Parameters
    ----------
    address
        Of the library.

    Raises
    ------
    StorageError
        If there is no such library, or it cannot be read.
    """

    def __init__(self, address: ServerAddress) -> None:
        super().__init__(lambda: self._time)
        self._address = address
        self._time = ""
        self._last = 0
        self._connection: psycopg.Connection[Any] | None = None
        with self._connected(write=False) as connection:
            self._read(connection)

    @contextmanager
    def _connected(self, *, write: bool) -> Iterator["psycopg.Connection[Any]"]:
        with closing(connect(self._address)) as connection, server_errors(self._address):
            schema.require_current(connection, self._address, write=write)
            yield connection

    def _read(self, connection: "psycopg.Connection[Any]") -> None:
        """Read what was added since the last time."""
        rows = connection.cursor(binary=True).execute(
            "SELECT id, choice, first, second, at FROM decisions WHERE id > %s ORDER BY id", (self._last,)
        )
        for number, choice, first, second, at in rows:
            self._last = number
            self._set_if_later(Decision(DecisionKind(choice), first, second, at))

    def add(self, choice: DecisionKind, pairs: Iterable[Pair]) -> int:
        """Record a decision about pairs of contents, by the server's clock."""
        return self._exclusively(lambda: KnownDecisions.add(self, choice, pairs))

    def merge(self, decisions: Iterable[Decision]) -> int:
        """Merge decisions made elsewhere."""
        return self._exclusively(lambda: KnownDecisions.merge(self, decisions))

    def _exclusively(self, change: Callable[[], T]) -> T:
        with self._connected(write=True) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (schema.lock_key("decisions"),))
            self._read(connection)
            (self._time,) = connection.execute(f"SELECT {_TIME}").fetchone() or ("",)
            self._connection = connection
            try:
                return change()
            finally:
                self._connection = None

    def _store(self, decisions: list[Decision]) -> None:
        assert self._connection
        self._connection.cursor().executemany(
            "INSERT INTO decisions (choice, first, second, at, decided_by) VALUES (%s, %s, %s, %s, %s)",
            [(each.choice.value, *each.pair, each.at, who()) for each in decisions],
        )
