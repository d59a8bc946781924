"""Connections to a PostgreSQL server, packed codes as its bit strings, and its errors in vtsfind's words.

libpq finds password and certificates where it always does (`~/.pgpass`, `PGSSLMODE`, `PGSERVICE` and so on); vtsfind never
handles them.
"""

import getpass
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from vtsfind.base.addresses import ServerAddress
from vtsfind.base.errors import (
    DiskFull,
    LibraryDamaged,
    LibraryLocked,
    StorageError,
    UsageError,
    VtsfindError,
    package_missing,
)

if TYPE_CHECKING:
    import psycopg

SCHEMA = "vtsfind"
"""The schema of the database in which a library is."""
MIN_SERVER_VERSION = 140_000
"""PostgreSQL 14 is the first that has `bit_count`."""
CONNECT_TIMEOUT_S = 10
APPLICATION_NAME_BYTES = 63
"""What PostgreSQL keeps of the name of a client."""

_KEPT = "Everything saved before is kept; run the command again."
_REACH_HINT = "Check the address, and that `psql` with it connects; a password belongs into ~/.pgpass."


@dataclass(frozen=True, slots=True)
class Bits:
    """A packed code as a bit string of the server."""

    length: int
    """In bits."""
    packed: bytes


def who() -> str:
    """The user and the machine, as others see them: `ann@desk`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def connect(address: ServerAddress) -> "psycopg.Connection[Any]":
    """Connect to the server of a library. Each statement is a transaction of its own unless one is begun.

    Raises
    ------
    UsageError
        If psycopg is not installed.
    StorageError
        If the server cannot be reached, refuses the user, or is too old.
    """
    try:
        import psycopg
    except ImportError as error:
        raise package_missing("A library on a PostgreSQL server", "'vtsfind[postgres]'") from error
    try:
        connection = psycopg.connect(
            str(address),
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
            fallback_application_name=f"vtsfind {who()}"[:APPLICATION_NAME_BYTES],
            client_encoding="UTF8",
        )
    except psycopg.ProgrammingError as error:  # libpq cannot read the address
        raise UsageError(
            f"The address {address} cannot be read: {_words(error)}.",
            "Write it as postgresql://HOST/DATABASE.",
        ) from error
    except psycopg.OperationalError as error:
        raise StorageError(
            f"The library {address} cannot be reached: {_words(error)}.", _REACH_HINT
        ) from error
    try:
        _require_server(connection, address)
        _register_bits(connection)
        connection.execute(f"SET search_path = {SCHEMA}, pg_temp")
    except BaseException:
        connection.close()
        raise
    return connection


def _require_server(connection: "psycopg.Connection[Any]", address: ServerAddress) -> None:
    version = connection.info.server_version
    if version < MIN_SERVER_VERSION:
        raise StorageError(
            f"The server of {address} is PostgreSQL {version // 10_000}.",
            "vtsfind needs PostgreSQL 14 or later.",
        )


def _register_bits(connection: "psycopg.Connection[Any]") -> None:
    """Let `Bits` go to the server, and packed codes (bytes) come from it: its binary format is a length and the bytes."""
    from psycopg.adapt import Dumper, Loader
    from psycopg.pq import Format

    class BitsDumper(Dumper):
        format = Format.BINARY
        oid = connection.adapters.types["bit"].oid

        def dump(self, obj: Bits) -> bytes:
            return struct.pack("!i", obj.length) + obj.packed

    class BitsLoader(Loader):
        format = Format.BINARY

        def load(self, data: Any) -> bytes:
            return bytes(data)[4:]

    connection.adapters.register_dumper(Bits, BitsDumper)
    connection.adapters.register_loader("bit", BitsLoader)


def _words(error: Exception) -> str:
    """What the server or libpq says, in one line; libpq repeats no password."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return text.rpartition("FATAL:")[2].strip().rstrip(".")


class _HasAddress(Protocol):
    @property
    def place(self) -> ServerAddress: ...


Owner = TypeVar("Owner", bound=_HasAddress)
P = ParamSpec("P")
R = TypeVar("R")


def translates_server_errors(
    method: Callable[Concatenate[Owner, P], R],
) -> Callable[Concatenate[Owner, P], R]:
    """Make a method raise vtsfind's errors in place of those of the server."""

    @wraps(method)
    def call(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with server_errors(self.place):
            return method(self, *args, **kwargs)

    return call


@contextmanager
def server_errors(address: ServerAddress) -> Iterator[None]:
    """Turn errors of the server into a `StorageError` that names the library and the remedy."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _from_server(error, address) from error


def _from_server(error: "psycopg.Error", address: ServerAddress) -> VtsfindError:
    state, words = error.sqlstate or "", _words(error)
    kind, message, remedy = _described(state)
    return kind(message.format(library=address, words=words), remedy)


def _described(state: str) -> tuple[type[StorageError], str, str]:
    """The error, its message and its remedy for an SQLSTATE."""
    for states, described in _BY_STATE.items():
        if state in states or state[:2] in states:
            return described
    return StorageError, "The connection to {library} was lost: {words}.", _KEPT


_BY_STATE: dict[tuple[str, ...], tuple[type[StorageError], str, str]] = {
    ("42501",): (
        DiskFull,
        "Your role on the server may not do that in the library {library}: {words}.",
        "Ask who runs the server for the right, or choose another library with --library.",
    ),
    ("25006",): (
        DiskFull,
        "The library {library} is read-only: the server is a replica, or your role may only read.",
        "Use the address of the primary server, or another role.",
    ),
    ("53300",): (LibraryLocked, "The server of {library} has no connection left.", "Try again later."),
    ("53",): (DiskFull, "The server of {library} has no space left: {words}.", f"Free some there. {_KEPT}"),
    ("40", "55P03", "57014"): (LibraryLocked, "Another program holds {library}: {words}.", _KEPT),
    ("42", "22", "23"): (
        LibraryDamaged,
        "The tables of the library {library} are not as vtsfind made them: {words}.",
        "Restore them from a backup of the server.",
    ),
}
"""By SQLSTATE, or its class: the first that fits."""
