"""What goes wrong with a server is said in a sentence, with the remedy; what was committed stays, and nothing is half written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.entries import SIGNATURE, entry, path
from support.made_groups import many
from support.output import Vtsfind
from support.postgres_server import UNPRIVILEGED_USER, Server, running_server

from vtsfind.base.addresses import ServerAddress, server_address
from vtsfind.base.errors import DiskFull, LibraryMissing, LibraryTooNew, StorageError, UsageError
from vtsfind.base.records import Entry, Found
from vtsfind.base.settings import Settings
from vtsfind.engine.library import access
from vtsfind.engine.library.access import card_named
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.shared_log import SharedSteps
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.store import library as store
from vtsfind.store.library import create_library, open_library
from vtsfind.store.postgres import schema
from vtsfind.store.postgres.connection import Bits
from vtsfind.store.postgres.library import PostgresLibrary
from vtsfind.store.rows import row_crc


@pytest.fixture
def address(database: str) -> ServerAddress:
    """The address of a library with one photo."""
    with create_library(server_address(database), SIGNATURE) as library:
        library.add(entry(1))
        library.publish()
    return server_address(database)


@pytest.fixture(scope="module")
def own_server(server: Server) -> Iterator[Server]:
    """A server that a test may kill."""
    del server  # it skips where there is none
    with running_server() as running:
        yield running


def psycopg_error() -> type[Exception]:
    import psycopg

    return psycopg.Error


def _as(role: str, address: ServerAddress) -> ServerAddress:
    return server_address(str(address).replace("admin@", f"{role}@"))


def _name(address: ServerAddress) -> str:
    return address.slug.rpartition("-")[0]


def test_a_server_that_is_not_there(run: Vtsfind, tmp_path: Path) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    address = f"postgresql:///photos?host={tmp_path}"
    for command in (["dupes"], ["index", tmp_path], ["doctor"], ["query", tmp_path / "x.jpg"]):
        asked = run(*command, "--library", address)
        assert asked.exit_code == 4
        assert f"The library {address} cannot be reached: " in " ".join(asked.stderr.split())
        assert "Traceback" not in asked.output


def test_a_wrong_password(
    server: Server, address: ServerAddress, run: Vtsfind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.execute("DROP ROLE IF EXISTS locked")
    server.execute("CREATE ROLE locked LOGIN PASSWORD 'right-one'")
    passwords = tmp_path / "pgpass"
    passwords.write_text("*:*:*:locked:wr0ng-one\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(passwords))
    asked = run("dupes", "--library", _as("locked", address))
    assert asked.exit_code == 4
    assert "password authentication failed" in asked.stderr
    assert "~/.pgpass" in asked.stderr
    assert "wr0ng-one" not in asked.output


def test_a_server_killed_in_the_middle_of_an_index_loses_what_was_not_committed(own_server: Server) -> None:
    address = server_address(own_server.new_database())
    with create_library(address, SIGNATURE) as library:
        library.add(entry(1))
        library.commit()
        library.add(entry(2))
        own_server.kill()
        with pytest.raises(StorageError, match=r"The connection to .* was lost.*run the command again"):
            library.commit()
        with pytest.raises(StorageError, match=r"was lost"):
            library.planes("copy")
    own_server.start()
    with open_library(address, write=True) as library:
        assert list(library.stamps()) == [path(1)]
        assert library.check(deep=True) == []
        library.add(entry(2))
        library.commit()
        assert list(library.stamps()) == [path(1), path(2)]


def test_a_server_killed_in_the_middle_of_a_review_loses_no_decision(own_server: Server) -> None:
    address = server_address(own_server.new_database())
    create_library(address, SIGNATURE).close()
    groups = many(3)
    with closing(SharedSteps(address)) as steps:
        review = Review(groups, steps)
        review.accept(0)
        own_server.kill()
        with pytest.raises(StorageError, match=r"was lost"):
            review.accept(1)
        assert review.decision(1).status is ReviewStatus.OPEN, "what cannot be stored is not shown as decided"
    own_server.start()
    with closing(SharedSteps(address)) as steps:
        review = Review(groups, steps)
        assert [review.decision(i).status.value for i in range(3)] == ["accepted", "open", "open"]


def test_a_lost_connection(server: Server, address: ServerAddress) -> None:
    with open_library(address, write=True) as library:
        library.add(entry(2))
        server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_name(address)}'"
        )
        with pytest.raises(StorageError, match=r"was lost: .*\. Everything saved before is kept"):
            library.commit()
    with open_library(address) as library:
        assert list(library.stamps()) == [path(1)]


@pytest.fixture
def small_database(server: Server, database: str) -> Iterator[str]:
    """An empty database on a disk of 12 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk")
    disk = server.folder / "disk"
    disk.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    name = _name(server_address(database))
    try:
        shutil.chown(disk, UNPRIVILEGED_USER)
        server.execute(f"CREATE TABLESPACE small LOCATION '{disk}'")
        server.execute(f"ALTER DATABASE {name} SET TABLESPACE small")
        yield database
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_of_the_server(small_database: str) -> None:
    address = server_address(small_database)
    with create_library(address, SIGNATURE) as library:
        library.add(entry(1))
        library.commit()
        for i in range(2, 25_000):
            library.add(entry(i))
        with pytest.raises(DiskFull, match=r"has no space left.*Everything saved before is kept"):
            library.commit()
    with open_library(address) as library:
        assert list(library.stamps()) == [path(1)]


def test_an_index_into_a_full_disk_goes_on_when_there_is_space(
    server: Server, small_database: str, run: Vtsfind, photos: Path
) -> None:
    name = _name(server_address(small_database))
    first = photos / "cat.jpg"
    assert run("index", first, "--library", small_database).exit_code == 0
    server.execute("CREATE TABLE public.filler (text text)", name)
    for size in (100_000, 1000, 1):
        with suppress(psycopg_error()):
            while True:
                server.execute(
                    f"INSERT INTO public.filler SELECT md5(i::text) FROM generate_series(1, {size}) i", name
                )
    full = run("index", photos, "--library", small_database)
    assert full.exit_code == 4, full.output
    said = " ".join(full.stderr.split())
    assert f"The server of {small_database} has no space left" in said
    assert "Everything saved before is kept; run the command again." in said
    assert str(first) in run("query", first, "--library", small_database, "--paths-only").stdout
    server.execute("DROP TABLE public.filler", name)
    assert run("index", photos, "--library", small_database).exit_code == 0
    with open_library(server_address(small_database)) as library:
        assert library.counts().files == 12
        assert library.check(deep=True) == []


def test_a_role_that_may_only_read(server: Server, address: ServerAddress, run: Vtsfind) -> None:
    server.execute("DROP ROLE IF EXISTS reader")
    server.execute("CREATE ROLE reader LOGIN")
    server.execute("GRANT USAGE ON SCHEMA vtsfind TO reader", _name(address))
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA vtsfind TO reader", _name(address))
    reader = _as("reader", address)
    with open_library(reader) as library:
        assert list(library.stamps()) == [path(1)]
        assert len(library.planes("copy").rows) == 1
    with open_library(reader, write=True) as library:
        library.add(entry(2))
        with pytest.raises(DiskFull, match=r"Your role on the server may not do that.*permission denied"):
            library.commit()
    asked = run("decisions", "add", "keep-both", "11" * 32, "22" * 32, "--library", reader)
    assert asked.exit_code == 4
    assert "permission denied for table decisions" in " ".join(asked.stderr.split())
    with closing(SharedSteps(reader)) as steps, pytest.raises(DiskFull, match=r"permission denied"):
        Review(many(2), steps).accept(0)
    server.execute("DROP OWNED BY reader", _name(address))
    with open_library(address) as library:
        assert list(library.stamps()) == [path(1)]


def test_a_role_that_may_not_even_look_into_the_library_is_told_so(
    server: Server, address: ServerAddress, run: Vtsfind
) -> None:
    server.execute("DROP ROLE IF EXISTS stranger")
    server.execute("CREATE ROLE stranger LOGIN")
    asked = run("doctor", "--library", _as("stranger", address))
    assert asked.exit_code == 4
    said = " ".join((asked.stdout + asked.stderr).split())
    assert "Your role on the server may not do that" in said
    assert "backup" not in said


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("DROP TABLE vtsfind.marks", "marks"),
        ("ALTER TABLE vtsfind.contents DROP COLUMN code_copy", "code_copy"),
        ("ALTER TABLE vtsfind.files DROP COLUMN inode", "inode"),
    ],
)
def test_doctor_names_a_table_or_column_that_is_not_there(
    server: Server, address: ServerAddress, run: Vtsfind, change: str, named: str
) -> None:
    assert run("doctor", "--library", address).exit_code == 0
    server.execute(change, _name(address))
    asked = run("doctor", "--library", address)
    assert asked.exit_code == 4
    assert named in asked.stdout + asked.stderr


def test_two_first_runs_at_once_make_one_library(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, settings = server_address(database), Settings(library=database)

    def late(_place: object, **_how: object) -> None:
        """Another run makes the library between the look for it and its making."""
        monkeypatch.undo()
        create_library(place, card_named(settings.model).signature).close()
        raise LibraryMissing("It was not there.", "")

    monkeypatch.setattr(store, "open_library", late)
    with access.open_for_writing(settings, create=True) as index:
        assert index.place == place
    with open_library(place) as index:
        assert index.counts().files == 0


def test_no_right_to_create_tables(server: Server, database: str, run: Vtsfind, photos: Path) -> None:
    server.execute("DROP ROLE IF EXISTS guest")
    server.execute("CREATE ROLE guest LOGIN")
    asked = run("index", photos, "--library", _as("guest", server_address(database)))
    assert asked.exit_code == 4
    assert "permission denied for database" in " ".join(asked.stderr.split())
    assert "Ask who runs the server for the right" in " ".join(asked.stderr.split())
    assert server.execute(
        "SELECT count(*) FROM pg_namespace WHERE nspname = 'vtsfind'", _name(server_address(database))
    ) == [(0,)]


def test_tables_of_another_program_are_left_alone(
    server: Server, database: str, run: Vtsfind, photos: Path
) -> None:
    name = _name(server_address(database))
    server.execute("CREATE SCHEMA vtsfind CREATE TABLE meta (a int) CREATE TABLE files (b int)", name)
    for command in (["index", photos], ["dupes"], ["doctor", "--repair"]):
        asked = run(*command, "--library", database)
        assert asked.exit_code == 2, asked.output
        assert "a schema 'vtsfind' with tables of another program" in " ".join(asked.stderr.split())
    assert server.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'vtsfind'::regnamespace", name
    ) == [(2,)]


def test_an_empty_schema_is_taken(server: Server, database: str) -> None:
    server.execute("CREATE SCHEMA vtsfind", _name(server_address(database)))
    create_library(server_address(database), SIGNATURE).close()
    with pytest.raises(UsageError, match=r"already a library"):
        create_library(server_address(database), SIGNATURE)


def test_a_newer_library_is_refused(server: Server, address: ServerAddress) -> None:
    server.execute(
        f"UPDATE vtsfind.meta SET value = '{schema.VERSION + 1}' WHERE name = 'version'", _name(address)
    )
    for write in (False, True):
        with pytest.raises(LibraryTooNew, match=f"format {schema.VERSION + 1}"):
            open_library(address, write=write)


def test_an_older_library_is_brought_up_to_date_by_a_writer_only(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server_address(database)
    with monkeypatch.context() as older:
        older.setattr(schema, "STEPS", schema.STEPS[:1])
        older.setattr(schema, "VERSION", 1)
        with create_library(address, SIGNATURE) as library:
            assert isinstance(library, PostgresLibrary)
            add_as_the_first_version(library, entry(1))
    with pytest.raises(StorageError, match=r"older format \(1; .*Run `vtsfind index"):
        open_library(address)
    with open_library(address, write=True) as library:
        assert list(library.stamps()) == [path(1)]
        assert library.check(deep=True) == []
        (unlooked,) = library.without_camera(0, 10)
        library.set_cameras({unlooked.content: "Pixel 7"})
    with open_library(address) as library:
        assert library.check(deep=True) == []
        assert library.files_of_digest(entry(1).digest)[0].info.camera == "Pixel 7"
    with open_library(address), closing(SharedSteps(address)) as steps:
        Review(many(2), steps).accept(0)


def add_as_the_first_version(library: PostgresLibrary, photo: Entry) -> None:
    info, codes = photo.info, photo.codes
    assert info
    assert codes
    packed = b"".join(codes[head.name].tobytes() for head in SIGNATURE.heads)
    facts = (photo.stamp.size, info.width, info.height, info.orientation, info.taken, info.format, None)
    library.connection.execute(
        "INSERT INTO contents (sha256, size, width, height, orientation, taken, format, crc, code_copy, code_scene)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            photo.digest,
            *facts[:-1],
            row_crc(2, photo.digest, packed, facts),
            *(Bits(head.bits, codes[head.name].tobytes()) for head in SIGNATURE.heads),
        ),
    )
    library.connection.execute(
        "INSERT INTO files (path, size, mtime_ns, inode, content) SELECT %s, %s, %s, %s, id FROM contents",
        (photo.path, photo.stamp.size, photo.stamp.mtime_ns, photo.stamp.inode),
    )


def test_a_damaged_schema_is_named(server: Server, address: ServerAddress) -> None:
    server.execute("ALTER TABLE vtsfind.contents DROP COLUMN width", _name(address))
    with open_library(address) as library, pytest.raises(StorageError, match=r"not as vtsfind made them"):
        library.contents()


def test_two_runs_share_the_photos_and_a_killed_one_leaves_none_claimed(address: ServerAddress) -> None:
    files = [Found(path(i), entry(i).stamp) for i in range(1, 9)]
    with open_library(address, write=True) as first, open_library(address, write=True) as second:
        claim = first.claim(files[:5])
        assert [found.path for found in claim.own] == [path(i) for i in range(2, 6)], (
            "the library has the first"
        )
        claim = second.claim(files)
        assert list(claim.own) == files[5:]
        assert list(claim.others) == files[1:5]
        first.add(entry(2))
        first.commit()
        assert list(second.claim(files[1:5]).others) == files[2:5], "one is done"
        first.close()
        for _ in range(200):  # the server notices a moment later
            claim = second.claim(files[2:5])
            if not claim.others:
                break
        assert list(claim.own) == files[2:5]


def test_the_driver_is_missing(run: Vtsfind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    asked = run("dupes", "--library", "postgresql://nas/photos")
    assert asked.exit_code == 2
    assert "pip install 'vtsfind[postgres]'" in " ".join(asked.stderr.split())
