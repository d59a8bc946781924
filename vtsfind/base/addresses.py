"""Where a library is: a folder of this machine, or a database of a PostgreSQL server."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from vtsfind.base.errors import UsageError

_SCHEMES = ("postgresql://", "postgres://")
_SECRETS = {"password", "sslpassword", "passfile", "sslkey"}
"""Parameters of libpq that hold or name a secret."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The address of a library on a PostgreSQL server, as libpq reads it; there is no password in it.

    Everything that shows a library may show it: as text, or as what `os.fspath` gives.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    @property
    def quoted(self) -> str:
        """The address for a command line: a shell would cut it at `&`."""
        return shlex.quote(self.url)

    @property
    def slug(self) -> str:
        """A name for files: the database, and a hash of the whole address."""
        database = urlsplit(self.url).path.strip("/") or "default"
        kept = "".join(c if c.isalnum() or c in "-_" else "_" for c in database)
        return f"{kept[:40]}-{hashlib.blake2b(self.url.encode(), digest_size=6).hexdigest()}"


Place = Path | ServerAddress
"""Where a library is. `str` and `os.fsencode` take either."""


def is_address(name: str) -> bool:
    """Whether a library is named by the address of a server.

    >>> is_address("postgresql://nas/photos"), is_address("./postgresql")
    (True, False)
    """
    return name.startswith(_SCHEMES)


def server_address(name: str) -> ServerAddress:
    """Check the address of a server.

    >>> str(server_address("postgresql://ann@nas/photos?sslmode=verify-full"))
    'postgresql://ann@nas/photos?sslmode=verify-full'

    Raises
    ------
    UsageError
        If it cannot be read, or holds a password: those who list processes or read settings would see that.
    """
    try:
        parts = urlsplit(name)
        secret = parts.password is not None or bool(_SECRETS & {key for key, _ in parse_qsl(parts.query)})
    except ValueError as error:
        raise UsageError(
            "The address of the library cannot be read.", "Write it as postgresql://HOST/DATABASE."
        ) from error
    if secret:
        shown = urlunsplit(parts._replace(netloc=_without_password(parts.netloc), query=""))
        raise UsageError(
            f"The address {shown} holds a password, or the name of a file of secrets.",
            "Leave it out, and put the password into the file ~/.pgpass, which libpq reads.",
        )
    return ServerAddress(name)


def place_of(name: str) -> Place:
    """Where the library is that a plan names."""
    return server_address(name) if is_address(name) else Path(name)


def _without_password(host: str) -> str:
    user, at, rest = host.rpartition("@")
    return user.partition(":")[0] + at + rest
