"""A copied library is the same library in another place."""

import json
from pathlib import Path

import pytest
from support.entries import SIGNATURE, entry, golden_changes
from support.output import Vtsfind

from vtsfind.base.addresses import Place, server_address
from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.progress import Cancelled, Monitor
from vtsfind.engine.copying import copy_library
from vtsfind.store import copying
from vtsfind.store.library import create_library, open_library


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """An embedded library with one of everything."""
    with create_library(tmp_path / "library", SIGNATURE) as index:
        golden_changes(index)
        index.publish()
    return tmp_path / "library"


def _assert_equal(first: Place, second: Place) -> None:
    with open_library(first) as one, open_library(second) as other:
        assert one.contents() == other.contents()
        assert one.stamps() == other.stamps()
        assert one.failures() == other.failures()
        assert one.roots() == other.roots()
        assert one.signature == other.signature
        for head in ("copy", "scene"):
            assert one.planes(head).words.tolist() == other.planes(head).words.tolist()


def test_a_library_goes_to_a_server_and_back(library: Path, database: str, tmp_path: Path) -> None:
    address = server_address(database)
    copied = copy_library(library, address, Monitor())
    assert (copied.contents, copied.files) == (10, 11)
    _assert_equal(library, address)
    copy_library(address, tmp_path / "back", Monitor())
    _assert_equal(library, tmp_path / "back")
    with open_library(address, write=True) as served:
        served.add(entry(60))
        served.commit()
        assert len(served.contents()) == 9


def test_an_interrupted_copy_goes_on_and_is_no_library_before(
    library: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "ROWS_AT_ONCE", 3)
    address, monitor = server_address(database), Monitor()

    class Stopping:
        def start(self, *_: object) -> None: ...

        def advance(self, *_: object) -> None:
            monitor.cancel.cancel()

    with pytest.raises(Cancelled):
        copy_library(library, address, Monitor(progress=Stopping(), cancel=monitor.cancel))
    with pytest.raises(StorageError, match="is not complete"):
        open_library(address)
    copy_library(library, address, Monitor())
    _assert_equal(library, address)


def test_a_copy_is_marked_as_incomplete_from_its_first_moment(database: str) -> None:
    with create_library(server_address(database), SIGNATURE, copying=True) as library:
        assert library.is_copying
        with pytest.raises(StorageError, match="not complete"):
            open_library(server_address(database))


def test_a_copy_that_is_not_equal_is_refused(library: Path, database: str) -> None:
    import psycopg

    address = server_address(database)
    copy_library(library, address, Monitor())
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO vtsfind.meta VALUES ('copying', '1')")
        connection.execute("UPDATE vtsfind.files SET mtime_ns = 1 WHERE path = '/photos/0001.jpg'")
    with pytest.raises(StorageError, match="is not equal"):
        copy_library(library, address, Monitor())


def test_no_library_is_overwritten(library: Path, database: str, tmp_path: Path) -> None:
    with create_library(server_address(database), SIGNATURE) as served:
        served.add(entry(1))
        served.commit()
    for target in (server_address(database), library):
        with pytest.raises(UsageError):
            copy_library(library, target, Monitor())
    with pytest.raises(StorageError, match="no library"):
        copy_library(tmp_path / "none", server_address(database), Monitor())


def test_the_command_takes_decisions_along(run: Vtsfind, photos: Path, database: str, tmp_path: Path) -> None:
    library = tmp_path / "library"
    assert run("index", photos, "--library", library).exit_code == 0
    assert run("decisions", "add", "keep-both", "11" * 32, "22" * 32).exit_code == 0
    copied = run("copy", library, database, "--json")
    assert copied.exit_code == 0, copied.output
    footer = json.loads(copied.stdout.splitlines()[-1])
    assert (footer["decisions"], footer["marks"]) == (1, 0)
    assert footer["files"] >= 12
    assert "Counts and checksums are equal." in " ".join(copied.stderr.split())
    assert "11" * 32 in run("decisions", "list", "--library", database).stdout
    groups = [
        [json.loads(line) for line in run("dupes", "--json", "--library", place).stdout.splitlines()][1:-1]
        for place in (library, database)
    ]
    assert groups[0] == groups[1]
    assert groups[0]
    refused = run("copy", library, database)
    assert refused.exit_code == 2
    assert "There is already a library at" in refused.stderr
