"""What needs no model loads none: real interpreters run real commands and tell what they have imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import block_encoder
from support.real_photos import FILES

from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import refresh
from vtsfind.store.index import Index

TORCH = {"torch", "torchvision", "timm"}
HEAVY = {*TORCH, "safetensors", "textual"}
PROBE = """
import sys
try:
    from vtsfind.cli import main
    main()
finally:
    sys.stderr.write("imported: " + " ".join(sys.modules))
"""


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the photos `photos`, and a library `library` of them that is up to date."""
    from support.drawn_photos import album

    folder = tmp_path_factory.mktemp("album")
    photos = album(folder / "photos")
    with Index.create(folder / "library", block_encoder.SIGNATURE) as index:
        refresh(
            index,
            select([str(photos)], (), ()),
            block_encoder.BlockModel(),
            Context(Settings(workers=1)),
        )
    return folder


def imported(*arguments: str, code: int = 0) -> set[str]:
    """The modules that a command has imported when it ends with an exit code."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        check=False,
        env=dict(os.environ),
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return set(done.stderr.rpartition("imported: ")[2].split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["query", "-h"],
        ["paths"],
        ["models", "list"],
        ["doctor", "--library", "{library}"],
        ["history"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_needs_no_model_loads_no_torch(
    arguments: list[str], album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block_encoder.register()
    monkeypatch.setenv("VTSFIND_MODEL", block_encoder.NAME)
    given = [each.format(library=album / "library") for each in arguments]
    assert imported(*given).isdisjoint(HEAVY)


def test_help_loads_neither_arrays_nor_bars_nor_decoders() -> None:
    assert imported("--help").isdisjoint({*HEAVY, "numpy", "rich", "PIL", "sqlite3", "pydantic"})


def test_a_command_loads_no_other_one() -> None:
    assert imported("paths").isdisjoint(
        {"vtsfind.cli.index", "vtsfind.cli.train", "vtsfind.cli.eval_options"}
    )


def test_an_index_with_nothing_new_loads_no_torch_and_no_decoder(album: Path) -> None:
    modules = imported("index", str(album / "photos"), "--library", str(album / "library"))
    assert modules.isdisjoint({*HEAVY, "PIL", "rich"})


def test_a_query_by_a_photo_of_the_library_loads_no_torch_and_no_decoder(album: Path) -> None:
    cat = str(album / "photos" / "cat.jpg")
    modules = imported("query", cat, "--library", str(album / "library"))
    assert modules.isdisjoint({*HEAVY, "PIL", "rich", "pydantic"})


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of a few real photos by the default model, and beside it a folder with a new photo, `new/cat.jpg`."""
    folder = tmp_path_factory.mktemp("real")
    for place, photos in {"photos": FILES[1:4], "new": FILES[4:5]}.items():
        (folder / place).mkdir()
        for photo in photos:
            (folder / place / photo.name).write_bytes(photo.read_bytes())
    assert imported("index", str(folder / "photos"), "--library", str(folder / "library")).isdisjoint(TORCH)
    return folder


@pytest.mark.parametrize("head", ["scene", "copy", "words"])
def test_a_query_by_a_new_photo_loads_no_torch_and_decodes_elsewhere(library: Path, head: str) -> None:
    (new,) = (library / "new").iterdir()
    modules = imported("query", str(new), "--by", head, "--library", str(library / "library"))
    other = {"PIL", "vtsfind.media.decode"} if head != "copy" else set()  # views are made in this process
    assert modules.isdisjoint({*TORCH, *other, "cv2", "textual"})


def test_a_query_by_words_loads_no_torch_and_no_decoder(library: Path) -> None:
    modules = imported("query", "a cat", "--library", str(library / "library"))
    assert modules.isdisjoint({*TORCH, "PIL", "cv2", "textual"})


def test_looking_for_a_new_photo_in_the_library_loads_no_torch(library: Path) -> None:
    given = ["missing", str(library / "new"), "--by", "look", "--library", str(library / "library")]
    assert imported(*given, code=1).isdisjoint(TORCH)  # 1: it is not there


def test_comparing_a_card_by_content_loads_no_torch_and_no_decoder(album: Path, tmp_path: Path) -> None:
    (tmp_path / "card.jpg").write_bytes((album / "photos" / "cat.jpg").read_bytes())
    modules = imported("missing", str(tmp_path), "--library", str(album / "library"))
    assert modules.isdisjoint({*HEAVY, "PIL", "cv2", "rich", "pydantic"})


def test_dupes_loads_no_torch_and_again_nothing_that_searches(album: Path) -> None:
    given = ("dupes", "--library", str(album / "library"))
    assert imported(*given).isdisjoint(HEAVY)
    assert imported(*given).isdisjoint({*HEAVY, "cv2", "PIL", "vtsfind.find.hamming.mih"})


def test_a_look_at_a_photo_loads_no_torch() -> None:
    probe = "import sys, vtsfind.media.worker, vtsfind.find.features.extract; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_a_decoding_process_loads_no_torch() -> None:
    probe = "import sys, vtsfind.media.worker; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    assert HEAVY.isdisjoint(done.stdout.split())


def test_an_encoder_of_a_plain_transformer_loads_no_timm() -> None:
    probe = "import sys; from vtsfind.learn.models.registry import find_card; from vtsfind.learn.models.encoder import Encoder; Encoder(find_card('')); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True, text=True)
    assert {"timm", "torchvision"}.isdisjoint(done.stdout.split())


def test_applying_a_plan_and_undoing_it_load_no_torch_and_no_decoder(tmp_path: Path) -> None:
    from support.made_plans import group, origin_with, photo

    from vtsfind.act.make_plan import make_plan
    from vtsfind.engine.apply.plans import save_plan

    (tmp_path / "photos").mkdir()
    paths = [tmp_path / "photos" / "a.jpg", tmp_path / "photos" / "b.jpg"]
    for path in paths:
        path.write_bytes(b"same")
    origin = origin_with(tmp_path / "library", tmp_path / "photos")
    save_plan(make_plan([group(1, *map(photo, paths))], origin), tmp_path / "plan.txt")
    for arguments in (["apply", str(tmp_path / "plan.txt"), "--yes"], ["undo", "--yes"]):
        assert imported(*arguments).isdisjoint({*HEAVY, "PIL", "cv2", "rich.console"})
    assert paths[1].exists()


def test_a_plan_of_files_of_the_same_content_loads_no_torch(album: Path) -> None:
    assert imported("plan", "--kind", "bytes", "--library", str(album / "library")).isdisjoint(HEAVY)
