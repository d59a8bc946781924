"""A real PostgreSQL server in a temporary folder, reached by a Unix socket only."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from glob import glob
from pathlib import Path
from types import MappingProxyType

UNPRIVILEGED_USER = "nobody"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""
_HBA = """\
local all locked scram-sha-256
local all all trust
"""
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "max_connections": "40",
    "shared_buffers": "32MB",
    "lc_messages": "C",
}


def program(name: str) -> str | None:
    """The path of a program of the server; None if it is not installed."""
    folders = os.pathsep.join([*sorted(glob("/usr/lib/postgresql/*/bin"), reverse=True), os.environ["PATH"]])
    return shutil.which(name, path=folders)


class Server:
    """A running server whose superuser is `admin`."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self._settings = settings
        self._databases = 0

    def control(self, *arguments: str) -> None:
        """Run `pg_ctl`."""
        settings = " ".join(f"-c {name}={value!r}" for name, value in self._settings.items())
        _run(
            "pg_ctl",
            "-D",
            str(self.folder / "data"),
            "-w",
            "-s",
            "-l",
            str(self.folder / "log"),
            "-o",
            f"-k {self.folder} {settings}",
            *arguments,
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.control("start")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.control("stop", "-m", "immediate")

    def address(self, database: str, role: str = "admin") -> str:
        """The address of a database for vtsfind."""
        return f"postgresql://{role}@/{database}?host={self.folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser."""
        import psycopg

        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self) -> str:
        """The address of an empty database."""
        self._databases += 1
        name = f"photos{self._databases}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.address(name)


@contextmanager
def running_server(
    settings: Mapping[str, str] = MappingProxyType({}), kept: Path | None = None
) -> Iterator[Server]:
    """Make a cluster, run it with some settings, and remove it in the end; one in a folder that is `kept` is used again."""
    folder = kept or Path(tempfile.mkdtemp(prefix="vts-pg-"))  # short: a socket's path has 107 bytes at most
    server = Server(folder, {**_SETTINGS, **settings})
    try:
        if (folder / "data").exists():
            server.start()
            yield server
            return
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED_USER)
        _run(
            "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            "admin",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            "--locale=C",
        )
        (folder / "data" / "pg_hba.conf").write_text(_HBA)
        server.start()
        yield server
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            server.control("stop", "-m", "immediate" if kept is None else "fast")
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _run(name: str, *arguments: str) -> None:
    path = program(name)
    assert path
    as_user = ["setpriv", f"--reuid={UNPRIVILEGED_USER}", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run([*as_user, path, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")
