"""vtsfind never takes a person's folder or file for its own."""

import json
import shutil
from pathlib import Path

import pytest
from support import entries
from support.drawn_photos import album
from support.fault_matrix import fault

from vtsfind.base.errors import UsageError
from vtsfind.store.folders import LIBRARY
from vtsfind.store.index import Index
from vtsfind.store.thumbnails import ThumbnailCache

GOLDEN = Path(__file__).parents[1] / "golden" / "index-v1"

FOREIGN = {
    ".beach.tmp.jpg": b"a photo",
    ".notes.0123456789abcdef.tmp": b"somebody else's",
    "owner.json": b'{"name": "Ann"}',
    "planes.vtp": b"aeroplanes",
    "evidence.db": b"of a court",
    "lock": b"combination 3-5-7",
    "damaged-1": b"a list",
    "vtsfind-run": b"",
}
"""Files of a person's, with names that vtsfind uses for its own."""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of photos and of files whose names vtsfind uses, too."""
    folder = album(tmp_path / "photos")
    for name, content in FOREIGN.items():
        (folder / name).write_bytes(content)
    return folder


@fault("A library in a folder of photos", "It is refused, and no file is touched.")
def test_a_library_takes_no_folder_with_files_in_it(foreign: Path) -> None:
    before = contents(foreign)
    with pytest.raises(UsageError, match="is not empty"):
        Index.create(foreign, entries.SIGNATURE)
    assert contents(foreign) == before


@fault("A `library.db` of another program", "It is refused, by `--repair` too, and no file is touched.")
def test_a_database_of_another_program_is_left_alone(foreign: Path) -> None:
    (foreign / "library.db").write_bytes(b"SQLite format 3\0" + bytes(2000))
    before = contents(foreign)
    for use in (
        lambda: Index.open(foreign, write=True),
        lambda: Index.rescue(foreign),
        lambda: Index.create(foreign, entries.SIGNATURE),
    ):
        with pytest.raises(UsageError, match="not a library of vtsfind"):
            use()
    assert contents(foreign) == before


@fault("A library from before folders were marked, among photos", "It opens; no other file is touched.")
def test_an_old_library_among_photos_opens_and_touches_no_other_file(foreign: Path) -> None:
    for name in ("library.db",):
        shutil.copy(GOLDEN / name, foreign / name)
    (foreign / "planes.vtp").unlink()
    kept = set(FOREIGN) - {"planes.vtp", "lock"}
    with Index.open(foreign, write=True) as index:
        index.publish()
    assert (foreign / LIBRARY.marker).exists()
    after = contents(foreign)
    assert {name: after[name] for name in kept} == {name: FOREIGN[name] for name in kept}


@fault("A killed process left half-written files", "The next writer removes those, and none of a person's.")
def test_only_what_vtsfind_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    Index.create(folder, entries.SIGNATURE).close()
    own = [".planes.vtp.0123456789abcdef.tmp", ".library.db.0123456789abcdef.tmp-journal"]
    others = [".beach.jpg.0123456789abcdef.tmp", ".beach.tmp.jpg", ".planes.vtp.tmp", ".planes.vtp.12.tmp"]
    for name in (*own, *others):
        (folder / name).write_bytes(b"")
    Index.open(folder, write=True).close()
    assert not [name for name in own if (folder / name).exists()]
    assert all((folder / name).exists() for name in others)


def test_who_writes_is_said_only_in_a_note_of_vtsfind(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    Index.create(folder, entries.SIGNATURE).close()
    note = json.dumps({"pid": 1, "name": "Ann"})
    (folder / "owner.json").write_text(note)
    Index.open(folder, write=True).close()
    assert (folder / "owner.json").read_text() == note


@fault("The cache of thumbnails in a folder of photos", "Only files of the cache are ever removed.")
def test_a_cache_removes_only_its_own_files(foreign: Path) -> None:
    before = contents(foreign)
    cache = ThumbnailCache(foreign, max_bytes=2000)
    for number in range(8):
        cache.put(f"{number:02x}" * 16, bytes(1000))
    after = contents(foreign)
    assert {name: after[name] for name in before} == before
    assert len(after) <= len(before) + 2


@fault("A training run in a folder of photos", "It is refused, and no file is touched.")
def test_a_training_run_takes_no_folder_with_files_in_it(foreign: Path) -> None:
    pytest.importorskip("torch")
    from vtsfind.learn.training.runs import RunFolder

    (foreign / "vtsfind-run").unlink()
    before = contents(foreign)
    with pytest.raises(UsageError, match="is not empty and not a run of vtsfind"):
        RunFolder(foreign, b"seed = 1").claim({})
    assert contents(foreign) == before
