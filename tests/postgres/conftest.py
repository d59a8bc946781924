"""What tests of a library on a server get: the server, and an empty database."""

import os
from collections.abc import Iterator

import pytest
from support.postgres_server import Server, program, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server for all tests; each takes databases of its own."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    if os.name == "nt":
        pytest.skip("the server of the tests needs a Unix socket")
    if program("initdb") is None:
        pytest.skip("PostgreSQL's server is not installed")
    with running_server() as running:
        yield running


@pytest.fixture
def database(server: Server) -> str:
    """The address of an empty database."""
    return server.new_database()
