"""The pictures of a recipe in archives, and out of them again."""

import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, SilentProgress
from vtsfind.learn.data import formats, pack

PHOTOS = Path(__file__).parents[1] / "data/photos"
SOURCES = [
    formats.Source("photos", "photos"),
    formats.Source("classes", "kinds", leave_out=("dog",)),
    formats.Source("mosaics", "tiles", tile=4, leave_out=("tree",)),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    shutil.copytree(PHOTOS, root / "photos")
    rng = np.random.default_rng(0)
    for name in (
        "kinds/cat/1.png",
        "kinds/cat/1.jpg",
        "kinds/dog/2.png",
        "tiles/sea.webp",
        "tiles/tree.webp",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        side = 8 if name.startswith("tiles") else 300
        Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(root / name, lossless=True)
    return root


def packed(data: Path, folder: Path) -> list[Path]:
    return pack.pack_data(SOURCES, data, folder, SilentProgress(), CancelToken())


def _names(piece: Path) -> list[str]:
    with tarfile.open(piece) as tar:
        return tar.getnames()


def test_unpacked_archives_are_the_data_of_the_same_recipe(tmp_path: Path, data: Path) -> None:
    for piece in packed(data, tmp_path / "pack"):
        with tarfile.open(piece) as tar:
            tar.extractall(tmp_path / "there", filter="data")
    here, there = (formats.load(SOURCES, root, shortest=192) for root in (data, tmp_path / "there"))
    assert here.classes == there.classes
    assert np.array_equal(here.labels, there.labels)
    assert len(there) == 30 + 2 + 4
    for row in (0, 11, 29):
        mine, theirs = here.picture(row), there.picture(row)
        assert min(theirs.shape[:2]) == min(192, *mine.shape[:2])
        assert mine.shape[0] / mine.shape[1] == pytest.approx(theirs.shape[0] / theirs.shape[1], rel=0.02)
    assert all(np.array_equal(here.picture(row), there.picture(row)) for row in range(32, 36))
    assert json.loads((tmp_path / "pack/pack.json").read_text())["files"] == {
        "photos": 30,
        "kinds": 2,
        "tiles": 1,
    }


def test_archives_are_cut_where_they_would_be_too_large(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "PIECE_BYTES", 60_000)
    pieces = packed(data, tmp_path / "pack")
    assert len(pieces) > 2
    names = [name for piece in pieces for name in _names(piece)]
    assert len(names) == len(set(names)) == 33
    # A tar ends on a multiple of 10 KiB.
    assert all(piece.stat().st_size < 60_000 + 20_480 for piece in pieces)


def test_nothing_is_written_into_a_folder_with_other_files(tmp_path: Path, data: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"not empty.*--pack"):
        packed(data, tmp_path / "pack")
    assert [path.name for path in (tmp_path / "pack").iterdir()] == ["mine.txt"]


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, data: Path) -> None:
    (data / "photos/broken.jpg").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"broken\.jpg cannot be used"):
        packed(data, tmp_path / "pack")
