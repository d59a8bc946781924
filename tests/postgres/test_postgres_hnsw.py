"""Approximate answers by pgvector's HNSW index: only where they are asked for, and checked against the exact ones."""

from pathlib import Path

import numpy as np
import pytest
from support import block_encoder
from support.entries import SIGNATURE, info, path, stamp
from support.output import Vtsfind
from support.postgres_server import Server

from vtsfind.base import bits
from vtsfind.base.addresses import ServerAddress, server_address
from vtsfind.base.records import Entry, Head
from vtsfind.find.hamming.views import nearest
from vtsfind.store.library import Library, create_library, open_library
from vtsfind.store.postgres import hnsw

PHOTOS = 3000
NEAREST = 10
HEAD = Head("copy", 256)


@pytest.fixture
def database(server: Server, database: str) -> str:
    """An empty database with pgvector, whose server uses an index although the library is small."""
    if not server.execute("SELECT name FROM pg_available_extensions WHERE name = 'vector'"):
        pytest.skip("pgvector is not installed on the server")
    server.execute("CREATE EXTENSION vector", name_of(database))
    server.execute(f"ALTER DATABASE {name_of(database)} SET enable_seqscan = off")
    return database


def name_of(database: str) -> str:
    return server_address(database).slug.rpartition("-")[0]


@pytest.fixture
def address(database: str) -> ServerAddress:
    """A library of made-up photos: a tenth of them is a near copy of another one."""
    rng = np.random.default_rng(1)
    made = rng.integers(0, 256, (PHOTOS, 37), dtype=np.uint8)
    flips = np.packbits(rng.random((PHOTOS // 10, 296)) < 0.03, axis=1)
    made[: PHOTOS // 10] = made[-(PHOTOS // 10) :] ^ flips
    with create_library(server_address(database), SIGNATURE) as library:
        for i, code in enumerate(made):
            digest = i.to_bytes(32, "big")
            library.add(Entry(path(i), stamp(i), digest, info(i), {"copy": code[:32], "scene": code[32:]}))
        library.publish()
    return server_address(database)


def answer(library: Library, views: np.ndarray, *, approximate: bool) -> list[int]:
    planes = library.near("copy", views, NEAREST, approximate=approximate)
    columns, _ = nearest(planes.words, bits.words(views), NEAREST)
    return [int(row) for row in planes.rows[columns]]


@pytest.mark.parametrize("views", [1, 3])
def test_most_of_the_nearest_are_found_and_every_copy_is(address: ServerAddress, views: int) -> None:
    with open_library(address) as library:
        codes = library.planes("copy")
        copies = range(0, PHOTOS // 10, 10)
        found = copies_found = 0
        for column in copies:
            asked = np.ascontiguousarray(codes.words[:, [column]].T).view(np.uint8)
            others = np.random.default_rng(column).integers(0, 256, (views - 1, 32), dtype=np.uint8)
            asked = np.concatenate([asked, others])
            exact = answer(library, asked, approximate=False)
            near = answer(library, asked, approximate=True)
            assert len(near) == NEAREST
            found += len({*exact} & {*near})
            copies_found += {*exact[:2]} <= {*near}
    assert copies_found == len(copies)
    assert found / (NEAREST * len(copies)) > 0.9


def test_the_index_is_used_where_it_is_allowed_and_nowhere_else(
    address: ServerAddress, server: Server
) -> None:
    used = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'contents_near_copy'"
    views = np.zeros((1, 32), np.uint8)
    for approximate, scans in ((False, 0), (True, 1)):
        with open_library(address) as library:
            assert library.has_near_index("copy")
            answer(library, views, approximate=approximate)
            library.near("copy", views, hnsw.MAX_NEAREST + 1, approximate=True)
            library.near("copy", views, None, 100, approximate=True)
        for _ in range(200):  # the server counts a moment later
            if server.execute(used, name_of(str(address))) == [(scans,)]:
                break
        assert server.execute(used, name_of(str(address))) == [(scans,)]


def test_contents_without_a_file_are_not_found(address: ServerAddress) -> None:
    with open_library(address, write=True) as library:
        code = library.codes_of_digest((0).to_bytes(32, "big"))
        assert code is not None
        (before, *_) = answer(library, code["copy"][None], approximate=True)
        library.forget([path(0)])
        library.commit()
        assert before not in answer(library, code["copy"][None], approximate=True)


def test_who_allows_an_approximate_answer_is_told_whether_it_is_one(
    run: Vtsfind, photos: Path, database: str, tmp_path: Path
) -> None:
    photo = photos / "cat.jpg"
    for library, said in ((database, "some near photos may be missing"), (tmp_path / "library", "is exact")):
        assert run("index", photos, "--library", library).exit_code == 0
        exact = run("query", photo, "--library", library)
        near = run("query", photo, "--approximate", "--library", library)
        assert said in " ".join(near.stderr.split())
        assert "exact" not in exact.stderr
        assert near.stdout == exact.stdout, "of twelve photos none is missed"
    for limit in (["--in", photos], ["--radius", "9"]):
        near = run("query", photo, "--approximate", "--library", database, *limit)
        assert "The answer is exact" in near.stderr


def test_a_role_that_does_not_own_the_tables_makes_no_index_and_says_nothing(
    server: Server, run: Vtsfind, photos: Path, database: str
) -> None:
    name = name_of(database)
    server.execute("DROP EXTENSION vector", name)
    assert run("index", photos, "--library", database).exit_code == 0
    server.execute("CREATE EXTENSION vector SCHEMA public", name)
    server.execute("DROP ROLE IF EXISTS writer")
    server.execute("CREATE ROLE writer LOGIN")
    server.execute("GRANT USAGE ON SCHEMA vtsfind TO writer", name)
    server.execute("GRANT ALL ON ALL TABLES IN SCHEMA vtsfind TO writer", name)
    writer = database.replace("admin@", "writer@")
    assert run("index", "--library", writer).exit_code == 0
    server.execute("DROP OWNED BY writer", name)
    with open_library(server_address(database)) as library:
        assert not library.has_near_index("copy")
    assert run("index", "--library", database).exit_code == 0
    with open_library(server_address(database)) as library:
        assert library.has_near_index("copy")


def test_an_upgrade_makes_the_index_anew(run: Vtsfind, photos: Path, database: str) -> None:
    block_encoder.register_other()
    assert run("index", photos, "--library", database).exit_code == 0
    other = block_encoder.OTHER
    assert run("index", "--upgrade", "--model", other, "--library", database).exit_code == 0
    with open_library(server_address(database)) as library:
        assert library.signature.model == other
        assert library.has_near_index("copy")
