"""A library on a server gets another model while others use it, and keeps all else."""

import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import block_encoder
from support.block_encoder import OTHER
from support.drawn_photos import scene, write
from support.entries import SIGNATURE, codes, digest, entry, failure
from support.made_groups import many
from support.output import Vtsfind
from support.postgres_server import Server

from vtsfind.base.addresses import ServerAddress, server_address
from vtsfind.base.errors import ModelMismatch
from vtsfind.base.records import Head
from vtsfind.engine.indexing import upgrade
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.shared_log import SharedSteps
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.store.library import create_library, open_library

UPGRADE = ("index", "--upgrade", "--model", OTHER)


@pytest.fixture
def library(run: Vtsfind, photos: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> ServerAddress:
    """A library of twelve photos, which the commands use by default; another model is registered, too."""
    block_encoder.register_other()
    monkeypatch.setenv("VTSFIND_LIBRARY", database)
    assert run("index", photos).exit_code == 0
    return server_address(database)


def model_of(library: ServerAddress) -> str:
    with open_library(library) as index:
        return index.signature.model


def facts_of(library: ServerAddress) -> list[Any]:
    with open_library(library) as index:
        return [index.contents(), index.roots(), index.failures()]


def test_after_an_upgrade_the_library_has_the_other_model_and_all_else_as_it_was(
    run: Vtsfind, library: ServerAddress, photos: Path
) -> None:
    run("decisions", "add", "not-duplicate", photos / "cat.jpg", photos / "dog.png")
    with closing(SharedSteps(library)) as anns, closing(SharedSteps(library)) as bobs:
        Review(many(3), anns).accept(0)
        Review(many(3), bobs).refuse(1)
        before, decisions = facts_of(library), run("decisions", "list").stdout
        result = run(*UPGRADE)
        assert result.exit_code == 0, result.output
        assert f"The library has the model {OTHER} now; 12 photos encoded in this run." in result.stderr
        Review(many(3), anns).accept(2)
    assert model_of(library) == OTHER
    assert facts_of(library) == before
    assert run("decisions", "list").stdout == decisions != ""
    with closing(SharedSteps(library)) as steps:
        review = Review(many(3), steps)
        assert [review.decision(i).status for i in range(3)] == [
            ReviewStatus.ACCEPTED,
            ReviewStatus.REFUSED,
            ReviewStatus.ACCEPTED,
        ]
    assert run("doctor", "--deep").exit_code == 0
    assert str(photos / "cat.jpg") in run("query", photos / "cat.jpg", "--paths-only").stdout
    assert "already" in run(*UPGRADE).stderr


def test_codes_of_other_lengths_take_the_place_of_the_old_ones(database: str) -> None:
    other = replace(
        SIGNATURE, model="other", fingerprint="0f" * 32, heads=(Head("copy", 64), Head("look", 128))
    )
    address = server_address(database)
    with create_library(address, SIGNATURE) as library:
        for i in range(1, 9):
            library.add(entry(i))
        library.publish()
        made = {digest(i): codes(i + 100)["copy"][:24].tobytes() for i in range(2, 9)}
        assert not library.change_model(other, made), "one has no code"
        assert library.signature == SIGNATURE
        assert len(library.planes("copy").rows) == 8
        library.forget([entry(1).path])
        library.commit()
        assert library.change_model(other, made)
        for index in (library, open_library(address)):
            assert index.signature == other
            assert index.codes_of_digest(digest(1)) is None
            for i in range(2, 9):
                found = index.codes_of_digest(digest(i))
                assert found is not None
                assert b"".join(found[name].tobytes() for name in ("copy", "look")) == made[digest(i)]
            assert index.check(deep=True) == []
        index.close()
    with pytest.raises(ModelMismatch), open_library(address, write=True) as library:
        library.require(SIGNATURE)


def test_an_upgrade_killed_at_any_moment_goes_on_where_it_was(
    run: Vtsfind, library: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTSFIND_BATCH", "1")
    in_the_change = block_encoder.PROGRAM.replace(
        "from vtsfind.cli",
        "import os, signal\n"
        "from vtsfind.store.postgres import model_change\n"
        "replace = model_change._replace_codes\n"
        "def once_and_no_more(*arguments):\n"
        "    replace(*arguments)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "model_change._replace_codes = once_and_no_more\n"
        "from vtsfind.cli",
    )
    for code in (block_encoder.KILLED_SOON, in_the_change):
        killed = subprocess.run(block_encoder.command(*UPGRADE, code=code), capture_output=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert model_of(library) == block_encoder.NAME
        assert run("doctor", "--deep").exit_code == 0
        assert run("index").exit_code == 0
    finished = run(*UPGRADE)
    assert "0 photos encoded in this run" in finished.stderr, finished.output
    assert model_of(library) == OTHER
    assert run("doctor", "--deep").exit_code == 0


def after_the_first_round(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Do something when an upgrade has encoded all photos that it knew of."""
    encode_all = upgrade._encode_all
    rounds: list[None] = []

    def encode_and_act(*arguments: Any) -> None:
        encode_all(*arguments)
        if not rounds:
            act()
        rounds.append(None)

    monkeypatch.setattr(upgrade, "_encode_all", encode_and_act)


def test_what_others_do_meanwhile_is_kept(
    run: Vtsfind, library: ServerAddress, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others() -> None:
        write(photos / "late.jpg", scene(77))
        assert run("index").exit_code == 0
        assert run("decisions", "add", "keep-both", photos / "late.jpg", photos / "cat.jpg").exit_code == 0
        assert str(photos / "late.jpg") in run("query", photos / "late.jpg", "--paths-only").stdout

    after_the_first_round(monkeypatch, others)
    result = run(*UPGRADE)
    assert f"has the model {OTHER} now; 13 photos encoded" in result.stderr, result.output
    assert str(photos / "late.jpg") in run("query", photos / "late.jpg", "--paths-only").stdout
    assert "keep both" in run("decisions", "list").stdout
    assert model_of(library) == OTHER
    assert run("doctor", "--deep").exit_code == 0


def test_who_uses_the_library_meanwhile_never_mixes_codes_of_two_models(
    run: Vtsfind, library: ServerAddress
) -> None:
    with open_library(library) as reader, open_library(library, write=True) as writer:
        own = reader.planes("scene").words[:, 0]
        writer.add_failure(failure(1))
        assert run(*UPGRADE).exit_code == 0
        for read in (
            lambda: reader.planes("scene"),
            lambda: reader.near("scene", own.view("u1")[None], 3),
            lambda: reader.codes_of_digest(digest(1)),
            reader.contents,
            writer.commit,
        ):
            with pytest.raises(ModelMismatch, match="another model since a moment ago"):
                read()


def test_one_run_changes_the_model_at_a_time_and_only_who_owns_the_tables(
    run: Vtsfind, library: ServerAddress, server: Server
) -> None:
    with open_library(library, write=True) as other:
        other.lock_model()
        refused = run(*UPGRADE)
    assert refused.exit_code == 4
    assert "Another run is changing the model" in " ".join(refused.stderr.split())
    name = library.slug.rpartition("-")[0]
    server.execute("DROP ROLE IF EXISTS helper")
    server.execute("CREATE ROLE helper LOGIN")
    server.execute("GRANT USAGE ON SCHEMA vtsfind TO helper", name)
    server.execute("GRANT ALL ON ALL TABLES IN SCHEMA vtsfind TO helper", name)
    refused = run(*UPGRADE, "--library", str(library).replace("admin@", "helper@"))
    server.execute("DROP OWNED BY helper", name)
    assert refused.exit_code == 4
    assert "Only the role that owns the tables" in " ".join(refused.stderr.split())
    assert model_of(library) == block_encoder.NAME
