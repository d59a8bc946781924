"""The cameras of photos that an earlier vtsfind indexed are found out by the next `index`, once and cheaply."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.block_encoder import SIGNATURE, BlockMeans, BlockModel
from support.drawn_photos import encoded, exif, scene

from vtsfind.base.progress import Phase, SilentProgress
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.media.reading import read
from vtsfind.media.work import Content, ProcessedContent, Setup
from vtsfind.store.index import Index
from vtsfind.store.rows import row_crc

NAMED = [("Canon", "Canon EOS 5D"), None, ("Apple", "iPhone 13"), ("Canon", "Canon EOS 5D")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library of four photos, as vtsfind left it before it looked for cameras."""
    for number, camera in enumerate(NAMED):
        path = tmp_path / "photos" / f"{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(scene(number), exif=exif(camera=camera)))
    with Index.create(tmp_path / "library", SIGNATURE) as index:
        indexed(index, tmp_path / "photos")
    with closing(sqlite3.connect(tmp_path / "library" / "library.db")) as connection:
        before = connection.execute("SELECT sha256, camera FROM contents").fetchall()
    assert sorted(name for _, name in before) == ["", "Apple iPhone 13", "Canon EOS 5D", "Canon EOS 5D"]
    as_before(tmp_path / "library")
    return tmp_path / "library"


def as_before(folder: Path) -> None:
    """Take the cameras, and what came with them, out of a library: it has format 2 then."""
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        rows = connection.execute(
            "SELECT id, sha256, codes, size, width, height, orientation, taken, format, NULL FROM contents"
        ).fetchall()
        for content, digest, codes, *facts in rows:
            crc = row_crc(2, digest, codes, tuple(facts))
            connection.execute("UPDATE contents SET crc = ? WHERE id = ?", (crc, content))
        connection.execute("DROP INDEX contents_by_camera")
        connection.execute("ALTER TABLE contents DROP COLUMN camera")
        connection.execute("PRAGMA user_version = 2")
        connection.commit()


def no_model() -> BlockMeans:
    raise AssertionError("the model was loaded")


def indexed(index: Index, *folders: Path, encoder: Callable[[], BlockMeans] = BlockMeans) -> RefreshResult:
    selection = select(map(str, folders), (), index.roots())
    return refresh(index, selection, BlockModel(encoder), Context(Settings(workers=1)))


def test_the_next_index_finds_the_cameras_out_once_and_without_a_model(folder: Path) -> None:
    with Index.open(folder, write=True) as index:
        assert indexed(index, encoder=no_model).cameras == 4
    with Index.open(folder, write=True) as index:
        assert index.cameras() == ["Apple iPhone 13", "Canon EOS 5D"]
        assert index.count_without_camera() == 0, "the photo that names none was looked at, too"
        assert index.check(deep=True) == []
        assert indexed(index, encoder=no_model).cameras == 0


def test_only_what_is_indexed_is_looked_at_and_only_as_it_was_indexed(folder: Path) -> None:
    photos = folder.parent / "photos"
    (photos / "0" / "0.jpg").rename(photos / "away.jpg")
    with Index.open(folder, write=True) as index:
        result = indexed(index, photos / "1")
        assert (result.cameras, index.count_without_camera()) == (2, 2)
    (photos / "away.jpg").rename(photos / "0" / "0.jpg")
    (photos / "0" / "0.jpg").touch()
    with Index.open(folder, write=True) as index:
        indexed(index)
        assert index.count_without_camera() == 0, (
            "a file that was touched is read anew, and its header with it"
        )


def test_a_header_that_cannot_be_read_is_tried_once(folder: Path) -> None:
    with Index.open(folder, write=True) as index:
        for path, (size, mtime_ns, _) in index.stamps().items():
            if path.endswith(b"2.jpg"):
                Path(path.decode()).write_bytes(bytes(size))
                os.utime(path, ns=(mtime_ns, mtime_ns))
        indexed(index)
        assert index.cameras() == ["Canon EOS 5D"]
        assert index.count_without_camera() == 0


class Stop(SilentProgress):
    """Stops the work at the second photo whose camera is looked for."""

    def __init__(self) -> None:
        self.context = Context(Settings(workers=1), progress=self)
        self._phase, self._steps = Phase.SCAN, 0

    def start(self, phase: Phase, total: int | None) -> None:
        del total
        self._phase = phase

    def advance(self, steps: int = 1, note: str = "") -> None:
        del note
        if self._phase is Phase.CAMERAS:
            self._steps += steps
            if self._steps == 2:
                self.context.cancel.cancel()


def test_a_stopped_run_keeps_what_was_found_and_the_next_goes_on(folder: Path) -> None:
    with Index.open(folder, write=True) as index:
        selection = select((), (), index.roots())
        assert refresh(index, selection, BlockModel(no_model), Stop().context).interrupted
        assert index.count_without_camera() == 2
    with Index.open(folder, write=True) as index:
        assert indexed(index, encoder=no_model).cameras == 2


KILLED = """
import os, sys
from pathlib import Path
from support.block_encoder import BlockMeans, BlockModel
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing import cameras
from vtsfind.engine.indexing.changes import select
from vtsfind.engine.indexing.refresh import refresh
from vtsfind.store.index import Index

kept = []
def keep(index, names, original=cameras._keep):
    original(index, names)
    kept.append(1)
    if len(kept) == 2:
        os._exit(9)

cameras._keep = keep
cameras._COMMIT_EVERY_S = 0
with Index.open(Path(sys.argv[1]), write=True) as index:
    refresh(index, select((), (), index.roots()), BlockModel(BlockMeans), Context(Settings(workers=1)))
"""


def test_a_kill_loses_no_camera_that_was_kept(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, folder], cwd=Path(__file__).parent, check=False, timeout=60
    )
    assert done.returncode == 9
    with Index.open(folder, write=True) as index:
        assert index.count_without_camera() == 2
        assert index.check(deep=True) == []
        assert indexed(index, encoder=no_model).cameras == 2
        assert index.cameras() == ["Apple iPhone 13", "Canon EOS 5D"]


def first_bytes(content: Content, setup: Setup) -> ProcessedContent:
    """Work that looks at the beginning only."""
    del setup
    assert not isinstance(content, bytes), "the file was read before the work asked for it"
    return ProcessedContent(None, content.read(4))


def test_of_a_file_whose_digest_is_known_no_more_is_read_than_the_work_asks_for(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(scene(1)))
    result = read(bytes(path), frozenset(), first_bytes, Setup(10**8, 1 << 30, 30.0), digest=b"d" * 32)
    assert (result.reason, result.digest, result.data) == (None, b"d" * 32, b"\xff\xd8\xff\xe0")
