"""`vtsfind index --upgrade`: a library gets another model, and keeps everything else."""

import signal
import subprocess
from pathlib import Path

import pytest
from support import block_encoder
from support.drawn_photos import scene, write
from support.output import Vtsfind, records

from vtsfind.base.errors import ModelMismatch
from vtsfind.base.settings import places
from vtsfind.learn.models.registry import registered_models
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.index import Index
from vtsfind.store.model_change import NAME

OTHER = block_encoder.OTHER
UPGRADE = ("index", "--upgrade", "--model", OTHER)


@pytest.fixture
def library(run: Vtsfind, photos: Path) -> Path:
    """A library of the twelve photos; another model is registered, too."""
    block_encoder.register_other()
    assert run("index", photos).exit_code == 0
    return places().library("default")


def model_of(library: Path) -> str:
    with Index.open(library) as index:
        return index.signature.model


def facts_of(library: Path) -> list[object]:
    with Index.open(library) as index:
        return [index.contents(), index.roots(), index.failures()]


def test_after_an_upgrade_the_library_has_the_other_model_and_all_else_as_it_was(
    run: Vtsfind, library: Path, photos: Path
) -> None:
    run("decisions", "add", "not-duplicate", photos / "cat.jpg", photos / "dog.png")
    with EvidenceStore(library, "1", "1") as evidence:
        evidence.save_features(b"\1" * 32, b"features", full=True)
        evidence.commit()
    before, decisions = facts_of(library), run("decisions", "list").stdout
    result = run(*UPGRADE)
    assert result.exit_code == 0
    assert f"The library has the model {OTHER} now; 12 photos encoded in this run." in result.stderr
    assert model_of(library) == OTHER
    assert facts_of(library) == before
    assert run("decisions", "list").stdout == decisions
    with EvidenceStore(library, "1", "1") as evidence:
        assert evidence.features(b"\1" * 32, full=True) == b"features"
    assert run("doctor", "--deep").exit_code == 0
    header, first, *_ = records(run("query", photos / "cat.jpg", "--json"))
    assert (header["model"], first["path"]) == (OTHER, str(photos / "cat.jpg"))
    assert not (library / NAME).exists()
    assert "already" in run(*UPGRADE).stderr


def test_an_upgrade_killed_at_any_moment_goes_on_where_it_was(
    run: Vtsfind, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTSFIND_BATCH", "1")
    killed = subprocess.run(
        block_encoder.command(*UPGRADE, code=block_encoder.KILLED_SOON), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert model_of(library) == block_encoder.NAME
    assert run("doctor", "--deep").exit_code == 0
    assert run("index").exit_code == 0
    assert "7 photos encoded in this run" in run(*UPGRADE).stderr
    assert model_of(library) == OTHER
    assert run("doctor", "--deep").exit_code == 0


def test_while_a_photo_cannot_be_read_the_library_keeps_its_model(
    run: Vtsfind, library: Path, photos: Path, tmp_path: Path
) -> None:
    write(photos / "away" / "far.jpg", scene(77))
    assert run("index", photos).exit_code == 0
    (photos / "away").rename(tmp_path / "unplugged")
    (photos / "away").mkdir()
    with Index.open(library, write=True) as index:
        index.add_roots([bytes(photos / "away")])
        index.commit()
    result = run(*UPGRADE)
    assert result.exit_code == 3
    assert "The library keeps its model: 1 photo not yet encoded" in result.stderr
    assert str(photos / "away" / "far.jpg") in result.stderr
    assert model_of(library) == block_encoder.NAME
    (photos / "away").rmdir()
    (tmp_path / "unplugged").rename(photos / "away")
    assert "1 photo encoded in this run" in run(*UPGRADE).stderr
    assert model_of(library) == OTHER


def test_whoever_reads_a_library_meanwhile_never_compares_codes_of_two_models(
    run: Vtsfind, library: Path
) -> None:
    with Index.open(library) as reader:
        assert len(reader.planes("scene").rows) == 12
        assert run(*UPGRADE).exit_code == 0
        with pytest.raises(ModelMismatch, match="another model since a moment ago"):
            reader.planes("scene")


def test_a_damaged_file_of_new_codes_is_made_anew(run: Vtsfind, library: Path) -> None:
    (library / NAME).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    assert "12 photos encoded" in run(*UPGRADE).stderr
    assert model_of(library) == OTHER


def test_index_says_that_a_better_model_is_there(
    run: Vtsfind, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "better model" not in run("index").stderr
    monkeypatch.delenv("VTSFIND_MODEL")
    monkeypatch.setattr("vtsfind.learn.models.registry.shipped_folder", lambda: places().models)
    registry = places().models / "registry.toml"
    registry.write_text(registry.read_text().replace('"other.bin"\n', '"other.bin"\ndefault = true\n'))
    monkeypatch.setattr(
        "vtsfind.learn.models.registry.registered_models",
        lambda folders=None: registered_models(folders or (places().models,)),
    )
    said = run("index").stderr
    assert f"A better model is there: {OTHER}. To change to it, type `vtsfind index --upgrade`." in said
    assert run("index", "--upgrade").exit_code == 0
    assert model_of(library) == OTHER
    assert "better model" not in run("index").stderr
