"""The server is killed in the middle of a whole command: what its user sees, and what the next run finds."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import block_encoder
from support.drawn_photos import write
from support.output import Vtsfind, records
from support.postgres_server import Server, running_server
from support.textures import photograph
from support.tmux import Terminal

from vtsfind.base.addresses import server_address
from vtsfind.engine.indexing import refresh
from vtsfind.store.library import open_library
from vtsfind.store.postgres.library import PostgresLibrary


@pytest.fixture(scope="module")
def own_server(server: Server) -> Iterator[Server]:
    """A server that a test may kill."""
    del server  # it skips where there is none
    with running_server() as running:
        yield running


@contextmanager
def killed_before(server: Server, method: str, n: int) -> Iterator[None]:
    """Kill the server before a method of the library is called for the n-th time; it is up again in the end."""
    real = getattr(PostgresLibrary, method)
    calls: list[None] = []

    def call(*arguments: Any, **more: Any) -> Any:
        calls.append(None)
        if len(calls) == n:
            server.kill()
        return real(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresLibrary, method, call)
        patch.setattr(refresh, "COMMIT_EVERY_S", 0.0)
        yield
    assert len(calls) >= n, f"{method} was called {len(calls)} times only"
    server.start()


@pytest.mark.parametrize(
    ("method", "n"),
    [("stamps", 1), ("claim", 1), ("commit", 1), ("commit", 4), ("commit", 9), ("publish", 1)],
)
def test_an_index_ends_with_a_sentence_and_the_next_one_goes_on(
    run: Vtsfind,
    photos: Path,
    own_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    method: str,
    n: int,
) -> None:
    database = own_server.new_database()
    monkeypatch.setenv("VTSFIND_BATCH", "1")
    with killed_before(own_server, method, n):
        ended = run("index", photos, "--library", database)
    assert ended.exit_code == 4, ended.output
    said = " ".join(ended.stderr.split())
    assert f"The connection to {database} was lost" in said
    assert "Everything saved before is kept; run the command again." in said
    assert "Traceback" not in ended.output
    *_, footer = records(run("index", photos, "--library", database, "--json"))
    assert footer["new"] + footer["unchanged"] == 12
    assert (footer["unchanged"] > 0) == (method == "publish" or n > 1), "what was committed is not read again"
    assert run("index", photos, "--library", tmp_path / "library").exit_code == 0
    with open_library(server_address(database)) as served, open_library(tmp_path / "library") as embedded:
        known = [
            {(file.path, file.digest) for _, files in library.contents() for file in files}
            for library in (served, embedded)
        ]
        assert known[0] == known[1]
        assert served.check(deep=True) == []


def test_dupes_ends_with_a_sentence_and_what_was_compared_is_not_compared_again(
    run: Vtsfind, photos: Path, own_server: Server
) -> None:
    database = own_server.new_database()
    assert run("index", photos, "--library", database).exit_code == 0
    with killed_before(own_server, "share_verdicts", 1):
        ended = run("dupes", "--library", database)
    assert ended.exit_code == 4, ended.output
    assert "was lost" in ended.stderr
    assert ended.stdout == ""
    *_, footer = records(run("dupes", "--library", database, "--json"))
    assert footer["compared"] == 0
    assert footer["groups"] > 0


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    started: list[Terminal] = []
    yield started
    for terminal in started:
        terminal.close()


@pytest.fixture
def database(run: Vtsfind, tmp_path: Path, own_server: Server) -> str:
    """A library of four scenes, each with a smaller copy."""
    database = own_server.new_database()
    for seed in range(4):
        whole = photograph(seed, 480, 360)
        write(tmp_path / "photos" / f"scene-{seed}.jpg", whole)
        write(tmp_path / "photos" / f"scene-{seed}-small.jpg", whole.resize((240, 180)), quality=70)
    assert run("index", tmp_path / "photos", "--library", database).exit_code == 0
    block_encoder.register()
    return database


def browse(database: str, socket: Path, terminals: list[Terminal]) -> Terminal:
    """One more reviewer, in a process and a terminal of their own."""
    command = [sys.executable, "-m", "vtsfind", "browse", "--library", database]
    terminals.append(Terminal(socket, command, size=(120, 36)))
    return terminals[-1]


def test_two_reviewers_see_where_the_other_is_and_overwrite_nothing(
    database: str, tmp_path: Path, terminals: list[Terminal]
) -> None:
    ann = browse(database, tmp_path / "ann", terminals)
    ann.until("4 groups of copies")
    bob = browse(database, tmp_path / "bob", terminals)
    bob.until("looks at it too")
    ann.until("looks at it too")
    ann.press("a")
    ann.until("1 decided")
    bob.until("1 decided")
    bob.press("End")
    bob.press("a")
    for reviewer in (bob, ann):
        reviewer.until("2 decided")
        reviewer.press("q")
        assert reviewer.until_ended() == 0


def test_a_review_goes_on_when_the_server_is_back(
    database: str, tmp_path: Path, own_server: Server, terminals: list[Terminal]
) -> None:
    ann = browse(database, tmp_path / "ann", terminals)
    ann.until("4 groups of copies")
    ann.until("KEEPER")
    ann.press("a")
    ann.until("1 decided")
    own_server.kill()
    ann.press("a")
    ann.until("The connection to")
    assert "1 decided" in ann.screen, "what cannot be stored is not shown as decided"
    own_server.start()
    ann.press("a")
    ann.until("2 decided")
    own_server.kill()
    ann.press("q")
    assert ann.until_ended() == 0
    own_server.start()
    bob = browse(database, tmp_path / "bob", terminals)
    bob.until("2 decided")
    bob.press("q")
    assert bob.until_ended() == 0
