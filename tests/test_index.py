"""The library: what it keeps, what it answers, and how it refuses.

The golden library of each version of the format, such as `golden/index-v1`, is read for ever and never written again. For a
later version another one is made beside them, from the folder of the tests:
`python -c "import pathlib; from support import entries; entries.write_golden(pathlib.Path('golden/index-v4'))"`.
"""

import hashlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support import entries

from vtsfind.base.errors import (
    LibraryDamaged,
    LibraryMissing,
    LibraryTooNew,
    ModelMismatch,
    StorageError,
    UsageError,
    VtsfindError,
)
from vtsfind.base.records import Entry, Failure, Found, Head, PictureInfo, Reason, Signature, Stamp
from vtsfind.store.index import Index, Planes

GOLDENS = Path(__file__).parent / "golden"
GOLDEN = GOLDENS / "index-v3"
GOLDEN_SHA256 = {
    "index-v1": {
        "library.db": "354d6e67980a268f5a152f569d6d78d0a46f7e00d8c82216f10e8c35d9dc7fb7",
        "planes.vtp": "47df641cdc7367fd50efcdf2935b7d95777281720ac8552e3f3bab231da34ccd",
    },
    "index-v2": {
        "library.db": "d225e146e301444013ef91407f900c983751f2c9e7a361ffcd584ba01001d80e",
        "planes.vtp": "ac25b292882a5697a38df1a3638202d0495a3f4c6012468c1e3817ef6211f43e",
        "vtsfind-library": "6d43930011899644c933ae6f90f14151e2893b969c78d058ec0bf37e3c38ef1f",
    },
    "index-v3": {
        "library.db": "13d58c33cddac801e6ab0a318c35ab9a2059784f4768c6bec1d96b98935b1a13",
        "planes.vtp": "db1d008f746455e728283bafb70df00a116976c3b2ca863a194a305a8bfd8d0b",
        "vtsfind-library": "6d43930011899644c933ae6f90f14151e2893b969c78d058ec0bf37e3c38ef1f",
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a library can be made."""
    return tmp_path / "library"


@pytest.fixture
def golden(folder: Path) -> Path:
    """A copy of the golden library."""
    shutil.copytree(GOLDEN, folder)
    return folder


def code_of_path(planes: Planes, index: Index) -> dict[bytes, bytes]:
    """Path to the zero-padded code that the planes hold for it."""
    codes = planes.words.T.astype("<u8").tobytes()
    width = 8 * len(planes.words)
    return {
        file.path: codes[i * width : (i + 1) * width]
        for i, files in enumerate(index.files_of_rows(planes.rows))
        for file in files
    }


def padded(code: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    return code.tobytes() + bytes(-len(code) % 8)


def changed_database(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


# Reading the golden library


@pytest.fixture(params=GOLDEN_SHA256)
def any_golden(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of the golden library of each version."""
    shutil.copytree(GOLDENS / request.param, folder)
    return folder


def info_in(folder: Path, i: int) -> PictureInfo:
    """What a golden library knows of a photo: before version 3, no camera."""
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    return entries.info(i) if version >= 3 else replace(entries.info(i), camera=None)


@pytest.mark.parametrize("name", GOLDEN_SHA256)
def test_the_golden_library_is_the_one_that_was_made_for_its_version(name: str) -> None:
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (GOLDENS / name).iterdir()}
    assert found == GOLDEN_SHA256[name]


def test_every_fact_of_the_golden_library_is_read(any_golden: Path) -> None:
    with Index.open(any_golden) as index:
        assert index.signature == entries.SIGNATURE
        assert index.roots() == [b"/more/\xff", b"/photos"]
        usable = {entries.path(i): entries.stamp(i) for i in range(1, 8)}
        usable |= {
            b"/photos/two\nlines.jpg": Stamp(5, -7, 2**64 - 2),
            b"/more/\xff\xfe.jpg": entries.stamp(50),
        }
        expected = {path: (stamp.size, stamp.mtime_ns, stamp.inode) for path, stamp in usable.items()}
        expected[entries.path(20)] = (1006, 1_700_000_000_000_000_020, 120)
        expected[b"/photos/gone.png"] = (-1, -1, -1)
        assert index.stamps() == expected
        assert index.failures() == [entries.failure(20), Failure(b"/photos/gone.png", Reason.VANISHED)]
        counts = index.counts()
        assert (counts.files, counts.contents, counts.failures, counts.roots) == (9, 8, 2, 2)
        assert counts.bytes == sum(stamp.size for stamp in usable.values())
        assert counts.indexed is not None


def test_every_code_of_the_golden_library_is_read(any_golden: Path) -> None:
    before = (any_golden / "planes.vtp").read_bytes()
    with Index.open(any_golden) as index:
        photo_of_path = {entries.path(i): i for i in range(1, 8)}
        photo_of_path |= {b"/photos/two\nlines.jpg": 3, b"/more/\xff\xfe.jpg": 50}
        for head in ("copy", "scene"):
            planes = index.planes(head)
            assert code_of_path(planes, index) == {
                path: padded(entries.codes(i)[head]) for path, i in photo_of_path.items()
            }
        for files in index.files_of_rows(index.planes("copy").rows):
            for file in files:
                i = photo_of_path[file.path]
                assert (file.digest, file.info) == (entries.digest(i), info_in(any_golden, i))
    assert (any_golden / "planes.vtp").read_bytes() == before


def test_the_golden_library_is_sound(any_golden: Path) -> None:
    with Index.open(any_golden) as index:
        assert index.check(deep=True) == []


def test_the_first_writer_brings_a_golden_library_to_the_present_version(any_golden: Path) -> None:
    before = (any_golden / "planes.vtp").read_bytes()
    expected = [info_in(any_golden, i) for i in (1, 2, 3, 4, 5, 6, 7, 50)]
    with Index.open(any_golden, write=True) as index:
        assert index.check(deep=True) == []
    with Index.open(any_golden) as index:
        assert index._database.version == 3
        assert index.check(deep=True) == []
        assert [files[0].info for _, files in index.contents()] == expected
    assert (any_golden / "planes.vtp").read_bytes() == before


def test_a_reader_of_an_earlier_version_goes_on_while_a_writer_brings_it_to_the_present_one(
    folder: Path,
) -> None:
    shutil.copytree(GOLDENS / "index-v2", folder)
    with Index.open(folder) as reader:
        assert (reader.cameras(), reader.count_without_camera()) == ([], 8)
        with Index.open(folder, write=True) as index:
            index.set_cameras({2: "Canon EOS 5D"})
            index.commit()
        assert len(reader.contents()) == 8
        assert (reader.cameras(), reader.count_without_camera()) == (["Canon EOS 5D"], 7)


# Cameras


def test_cameras_are_those_of_photos_that_are_there(golden: Path) -> None:
    with Index.open(golden, write=True) as index:
        assert index.cameras() == ["Apple iPhone 13", "Canon EOS 5D"]
        index.forget(entries.path(i) for i in (3, 7))
        assert index.cameras() == ["Apple iPhone 13", "Canon EOS 5D"], (
            "another file has the content of photo 3"
        )
        index.forget([b"/photos/two\nlines.jpg"])
        assert index.cameras() == ["Canon EOS 5D"]


def test_a_camera_that_was_looked_for_is_kept_even_if_there_is_none(golden: Path) -> None:
    with Index.open(golden, write=True) as index:
        unlooked = index.without_camera(0, 10)
        assert [each.digest for each in unlooked] == [entries.digest(4)]
        assert unlooked[0].files == [Found(entries.path(4), entries.stamp(4))]
        assert index.without_camera(unlooked[0].content, 10) == []
        index.set_cameras({unlooked[0].content: ""})
        index.commit()
    with Index.open(golden) as index:
        assert (index.count_without_camera(), index.without_camera(0, 10)) == (0, [])
        assert index.files_of_digest(entries.digest(4))[0].info.camera == ""
        assert index.check(deep=True) == []


def test_a_damaged_row_stays_damaged_when_its_camera_is_set(golden: Path) -> None:
    changed_database(golden, f"UPDATE contents SET width = 1 WHERE sha256 = x'{entries.digest(4).hex()}'")
    with Index.open(golden, write=True) as index:
        index.set_cameras({index.without_camera(0, 1)[0].content: "Canon EOS 5D"})
        index.commit()
        assert any("1 code " in problem.message for problem in index.check(deep=True))


# What is kept


class Model(NamedTuple):
    """What a library should hold."""

    content_of: dict[int, int | None]
    """Place to photo, None for one that failed."""
    known: frozenset[int]
    """Photos that were ever added."""


class LibraryMachine(RuleBasedStateMachine):
    """A library does to its files what a dictionary would, whatever is asked of it in whatever order."""

    places = st.integers(0, 7)
    photos = st.integers(0, 5)

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.folder = Path(self.home.name) / "library"
        self.index = Index.create(self.folder, entries.SIGNATURE)
        self.now = self.kept = Model({}, frozenset())

    def teardown(self) -> None:
        self.index.close()
        self.home.cleanup()

    def stamp(self, place: int) -> Stamp:
        photo = self.now.content_of[place]
        return Stamp(50 if photo is None else 100 + photo, 7 * place, place)

    def put(self, place: int, photo: int | None) -> None:
        known = self.now.known if photo is None else self.now.known | {photo}
        self.now = Model({**self.now.content_of, place: photo}, known)

    @rule(place=places, photo=photos, bare=st.booleans())
    def add(self, place: int, photo: int, *, bare: bool) -> None:
        bare = bare and photo in self.now.known
        self.put(place, photo)
        whole = replace(entries.entry(photo), path=entries.path(place), stamp=self.stamp(place))
        self.index.add(replace(whole, info=None, codes=None) if bare else whole)

    @rule(place=places)
    def add_failure(self, place: int) -> None:
        self.put(place, None)
        self.index.add_failure(Failure(entries.path(place), Reason.TIMEOUT, "", self.stamp(place)))

    @rule(gone=st.sets(places))
    def forget(self, gone: set[int]) -> None:
        left = {place: photo for place, photo in self.now.content_of.items() if place not in gone}
        self.now = self.now._replace(content_of=left)
        self.index.forget(map(entries.path, gone))

    @rule()
    def commit(self) -> None:
        self.index.commit()
        self.kept = self.now

    @rule()
    def publish(self) -> None:
        self.index.publish()
        self.kept = self.now

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.now = self.kept
        self.index = Index.open(self.folder, write=True)

    @invariant()
    def the_writer_sees_every_change(self) -> None:
        stamps = {entries.path(place): astuple(self.stamp(place)) for place in self.now.content_of}
        assert self.index.stamps() == stamps
        self.compare(self.index, self.now)
        for photo in range(6):
            expected = {entries.digest(photo)} if photo in self.now.known else set()
            assert self.index.digests_of_size(100 + photo) >= expected

    @invariant()
    def a_reader_sees_what_was_committed(self) -> None:
        with Index.open(self.folder) as reader:
            self.compare(reader, self.kept)

    def compare(self, index: Index, model: Model) -> None:
        usable = {
            entries.path(place): photo for place, photo in model.content_of.items() if photo is not None
        }
        for head in ("copy", "scene"):
            expected = {path: padded(entries.codes(photo)[head]) for path, photo in usable.items()}
            assert code_of_path(index.planes(head), index) == expected
        failed = sorted(entries.path(place) for place, photo in model.content_of.items() if photo is None)
        assert [failure.path for failure in index.failures()] == failed
        assert (index.counts().files, index.counts().contents) == (len(usable), len(set(usable.values())))


TestLibraryMachine = LibraryMachine.TestCase
TestLibraryMachine.settings = settings(max_examples=25, stateful_step_count=25)


def test_a_moved_photo_keeps_its_codes_and_needs_no_decoding(folder: Path) -> None:
    with Index.create(folder, entries.SIGNATURE) as index:
        index.add(entries.entry(1))
        index.forget([entries.path(1)])
        index.commit()
        assert index.planes("copy").rows.size == 0
        assert index.digests_of_size(entries.stamp(1).size) == {entries.digest(1)}
        index.add(Entry(b"/elsewhere.jpg", entries.stamp(2), entries.digest(1)))
        index.commit()
        found = index.codes_of_path(b"/elsewhere.jpg", entries.stamp(2))
        assert found is not None
        assert np.array_equal(found["scene"], entries.codes(1)["scene"])


def test_a_file_that_changed_has_no_codes_until_it_is_read_again(golden: Path) -> None:
    with Index.open(golden) as index:
        stamp = entries.stamp(1)
        assert index.codes_of_path(entries.path(1), stamp) is not None
        for other in (replace(stamp, size=1), replace(stamp, mtime_ns=1), replace(stamp, inode=1)):
            assert index.codes_of_path(entries.path(1), other) is None
        assert index.codes_of_digest(entries.digest(0)) is not None
        assert index.codes_of_digest(entries.digest(99)) is None


def test_stamps_and_texts_of_any_kind_are_taken(folder: Path) -> None:
    odd = Stamp(2**63 + 5, -(2**63), 2**64 - 1)
    far = Stamp(1, 2**80 + 3, 2**100 + 4)
    with Index.create(folder, entries.SIGNATURE) as index:
        info = replace(entries.info(1), taken="\udcff\0", format="\ud800")
        index.add(replace(entries.entry(1), stamp=odd, info=info))
        index.add_failure(Failure(entries.path(2), Reason.UNREADABLE, "no \udcfe", far))
        index.commit()
        assert index.codes_of_path(entries.path(1), odd) is not None
        assert index.stamps()[entries.path(2)] == (1, 3, 4)
        [[file]] = index.files_of_rows(index.planes("copy").rows)
        assert (file.info.taken, file.info.format) == ("\\udcff\0", "\\ud800")
        assert index.failures()[0].detail == "no \\udcfe"


@pytest.mark.parametrize(
    "wrong",
    [
        {"codes": None},
        {"info": None},
        {"codes": {"copy": np.zeros(32, np.uint8)}},
        {"codes": {"copy": np.zeros(31, np.uint8), "scene": np.zeros(5, np.uint8)}},
        {"codes": {"copy": np.zeros(32, np.int8), "scene": np.zeros(5, np.uint8)}},
        {"digest": b"short"},
    ],
)
def test_an_incomplete_new_photo_is_refused_and_changes_nothing(folder: Path, wrong: dict[str, Any]) -> None:
    with Index.create(folder, entries.SIGNATURE) as index:
        index.add(entries.entry(1))
        with pytest.raises(ValueError, match="needs"):
            index.add(replace(entries.entry(2), **wrong))
        index.commit()
        assert list(index.stamps()) == [entries.path(1)]


def test_a_reason_of_a_later_version_is_taken_as_unreadable(golden: Path) -> None:
    changed_database(golden, "UPDATE files SET reason = 'is haunted' WHERE reason IS NOT NULL")
    with Index.open(golden) as index:
        assert {failure.reason for failure in index.failures()} == {Reason.UNREADABLE}


def test_publishing_notes_the_time_and_leaves_good_planes_alone(golden: Path) -> None:
    with Index.open(golden, write=True) as index:
        before = index.counts().indexed
        index.publish()
        after = index.counts().indexed
    assert before is not None
    assert after is not None
    assert after >= before
    assert (golden / "planes.vtp").read_bytes() == (GOLDEN / "planes.vtp").read_bytes()


# What is refused


def test_a_folder_without_a_library_is_said_to_have_none(folder: Path) -> None:
    with pytest.raises(LibraryMissing, match="no library in"):
        Index.open(folder)
    folder.mkdir()
    with pytest.raises(LibraryMissing, match="vtsfind index"):
        Index.open(folder, write=True)
    assert list(folder.iterdir()) == []


def test_a_library_is_not_made_over_another(golden: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        Index.create(golden, entries.SIGNATURE)
    assert (
        hashlib.sha256((golden / "library.db").read_bytes()).hexdigest()
        == GOLDEN_SHA256[GOLDEN.name]["library.db"]
    )


@pytest.mark.parametrize(
    "heads",
    [
        (),
        (Head("a", 8), Head("a", 8)),
        (Head("", 8),),
        (Head("a" * 33, 8),),
        (Head("a", 0),),
        (Head("a\0", 8),),
    ],
)
def test_a_model_that_does_not_fit_the_format_gets_no_library(folder: Path, heads: tuple[Head, ...]) -> None:
    with pytest.raises(UsageError, match="does not fit"):
        Index.create(folder, Signature("odd", "00", heads))
    assert not folder.exists()


def test_a_library_of_a_newer_format_asks_for_an_upgrade_and_stays_as_it_is(golden: Path) -> None:
    changed_database(golden, "PRAGMA user_version = 4")
    before = (golden / "library.db").read_bytes()
    for use in (Index.open, Index.rescue):
        with pytest.raises(LibraryTooNew, match=r"format 4.*Upgrade vtsfind"):
            use(golden)
    assert (golden / "library.db").read_bytes() == before
    assert not list(golden.glob("damaged*"))


def test_codes_of_another_model_are_refused(golden: Path) -> None:
    with Index.open(golden) as index:
        index.require(replace(entries.SIGNATURE, model="the same under another name"))
        for other in (
            replace(entries.SIGNATURE, fingerprint="60" * 32),
            replace(entries.SIGNATURE, heads=entries.SIGNATURE.heads[:1]),
        ):
            with pytest.raises(ModelMismatch, match=r"tiny.lite.photos.296 .*--model"):
                index.require(other)


def test_a_head_that_the_model_lacks_is_refused(golden: Path) -> None:
    with Index.open(golden) as index, pytest.raises(UsageError, match="no 'colour' codes"):
        index.planes("colour")


def test_what_was_opened_for_reading_is_not_written(golden: Path) -> None:
    with Index.open(golden) as index:
        for change in (index.commit, index.publish, index.repair, lambda: index.add(entries.entry(1))):
            with pytest.raises(RuntimeError, match="for reading"):
                change()


@pytest.mark.parametrize("content", [b"", b"hello" * 1000, b"SQLite format 3\0" + bytes(5000)])
def test_a_database_of_something_else_is_called_damaged_with_the_remedy(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "vtsfind-library").touch()
    (folder / "library.db").write_bytes(content)
    for write in (False, True):
        with pytest.raises(LibraryDamaged, match=r"library.*vtsfind doctor --repair`"):
            Index.open(folder, write=write)


def test_a_database_that_does_not_name_its_model_is_called_damaged(golden: Path) -> None:
    changed_database(golden, "UPDATE meta SET value = '{}' WHERE name = 'signature'")
    with pytest.raises(LibraryDamaged, match="does not name its model"):
        Index.open(golden)


def test_no_foreign_error_leaves_a_closed_library(golden: Path) -> None:
    index = Index.open(golden, write=True)
    index.close()
    index.close()
    for use in uses(index):
        with pytest.raises(StorageError, match="Open it again"):
            use()


def uses(index: Index) -> list[Callable[[], object]]:
    """Everything that can be asked of a library and has to touch the disk."""
    return [
        index.stamps,
        index.failures,
        index.roots,
        index.counts,
        lambda: index.planes("copy"),
        lambda: index.digests_of_size(1000),
        lambda: index.codes_of_digest(entries.digest(1)),
        lambda: index.codes_of_path(entries.path(1), entries.stamp(1)),
        lambda: index.files_of_rows([1, 2]),
        lambda: index.files_of_digest(entries.digest(1)),
        lambda: index.add(entries.entry(1)),
        lambda: index.add(entries.entry(99)),
        lambda: index.add_failure(entries.failure(1)),
        lambda: index.forget([entries.path(2)]),
        lambda: index.add_roots([b"/new"]),
        index.publish,
    ]


def test_no_foreign_error_leaves_a_library_with_a_damaged_page(golden: Path, tmp_path: Path) -> None:
    whole = (golden / "library.db").read_bytes()
    damages = [whole[:at] + b"\xa5" * 4096 + whole[at + 4096 :] for at in range(0, len(whole), 4096)]
    damages += [whole[:at] for at in range(2048, len(whole), 4096)]
    damages += [whole[:at] + b"\xff" + whole[at + 1 :] for at in range(0, len(whole), 1009)]
    for i, damage in enumerate(damages):
        folder = tmp_path / f"damaged-{i}"
        shutil.copytree(golden, folder)
        (folder / "library.db").write_bytes(damage)
        try:
            index = Index.open(folder, write=True)
        except VtsfindError:
            continue
        with index:
            for use in uses(index):
                with suppress(VtsfindError):
                    use()


# Check and repair


def test_a_sound_library_needs_no_repair(folder: Path) -> None:
    with Index.create(folder, entries.SIGNATURE) as index:
        entries.golden_changes(index)
        index.publish()
        assert index.repair() == []
        assert index.check(deep=True) == []
    assert Index.rescue(folder) == []


@pytest.mark.parametrize(
    ("damage", "deep", "words"),
    [
        (
            "UPDATE contents SET codes = x'00' WHERE id = 2",
            False,
            "damage to 1 code in .*, such as that of /photos/0001.jpg",
        ),
        ("UPDATE contents SET codes = zeroblob(37) WHERE id = 2", True, "such as that of /photos/0001.jpg"),
        ("DELETE FROM contents WHERE id = 2", False, "The codes of 1 file are missing"),
        ("DELETE FROM meta WHERE name = 'state'", False, "does not name its state"),
        ("UPDATE files SET content = 1 WHERE content = 2", True, "does not hold the codes of the database"),
    ],
)
def test_a_contradiction_is_found_and_repaired(golden: Path, damage: str, words: str, *, deep: bool) -> None:
    changed_database(golden, damage)
    with Index.open(golden, write=True) as index:
        found = index.check(deep=deep)
        assert [
            problem.message
            for problem in found
            if problem.severity == "must" and re.search(words, problem.message)
        ]
        index.repair()
        assert [problem for problem in index.check(deep=True) if problem.severity == "must"] == []
        assert len(index.planes("copy").rows) >= 7


def test_a_wrong_code_is_never_given_out(golden: Path) -> None:
    changed_database(golden, "UPDATE contents SET codes = x'00' WHERE id = 2")
    (golden / "planes.vtp").unlink()
    with Index.open(golden) as index:
        for ask in (
            lambda: index.planes("copy"),
            lambda: index.codes_of_digest(entries.digest(1)),
            lambda: index.codes_of_path(entries.path(1), entries.stamp(1)),
        ):
            with pytest.raises(LibraryDamaged, match=r"wrong length.*doctor --repair"):
                ask()


def large_library(folder: Path, n: int = 400) -> None:
    with Index.create(folder, entries.SIGNATURE) as index:
        index.add_roots([b"/photos"])
        for i in range(n):
            index.add(entries.entry(i))
        index.publish()


def pages_with(folder: Path, needle: bytes) -> list[int]:
    """The offsets of the pages of the database that hold `needle`."""
    pages = (folder / "library.db").read_bytes()
    return [at for at in range(0, len(pages), 4096) if needle in pages[at : at + 4096]]


def spoil(folder: Path, page: int) -> None:
    """Write nonsense over a page of the database."""
    with (folder / "library.db").open("r+b") as file:
        file.seek(page)
        file.write(b"\x55" * 4096)


def test_what_a_damaged_page_left_is_saved_and_the_rest_is_set_aside(folder: Path) -> None:
    large_library(folder)
    [page] = pages_with(folder, entries.codes(200)["copy"].tobytes())
    spoil(folder, page)
    damaged = (folder / "library.db").read_bytes()
    with Index.open(folder) as index:
        assert "must" in {problem.severity for problem in index.check()}
    report = " ".join(Index.rescue(folder))
    [aside] = folder.glob("damaged-*")
    assert str(aside) in report
    assert (aside / "library.db").read_bytes() == damaged
    with Index.open(folder) as index:
        assert index.signature == entries.SIGNATURE
        assert index.roots() == [b"/photos"]
        assert {problem.severity for problem in index.check(deep=True)} <= {"should"}
        saved = code_of_path(index.planes("copy"), index)
    assert 300 < len(saved) < 400
    photos = {entries.path(i): i for i in range(400)}
    assert saved == {path: padded(entries.codes(photos[path])["copy"]) for path in saved}
    assert entries.path(0) in saved
    assert entries.path(399) in saved


def test_files_that_lie_on_both_sides_of_a_damaged_page_are_saved(folder: Path, tmp_path: Path) -> None:
    large_library(folder)
    saved = []
    for page in pages_with(folder, entries.path(200)):
        copy = tmp_path / f"spoilt-{page}"
        shutil.copytree(folder, copy)
        spoil(copy, page)
        Index.rescue(copy)
        with Index.open(copy) as index:
            saved.append(len(index.stamps()))
            assert {entries.path(0), entries.path(399)} <= set(index.stamps())
            assert index.codes_of_digest(entries.digest(200)) is not None
    assert 200 < min(saved) < max(saved) == 400


def test_a_database_without_a_readable_header_is_set_aside_whole(golden: Path) -> None:
    damaged = bytes(100) + (golden / "library.db").read_bytes()[100:]
    (golden / "library.db").write_bytes(damaged)
    report = " ".join(Index.rescue(golden))
    assert "vtsfind index FOLDER" in report
    [aside] = golden.glob("damaged-*")
    assert (aside / "library.db").read_bytes() == damaged
    with pytest.raises(LibraryMissing):
        Index.open(golden)
    with Index.create(golden, entries.SIGNATURE) as index:
        assert index.counts().files == 0


def test_a_log_that_lost_its_database_does_not_spoil_the_next_one(folder: Path) -> None:
    large_library(folder, 10)
    with Index.open(folder, write=True) as index:
        index.add(entries.entry(50))
        index.commit()
        log = (folder / "library.db-wal").read_bytes()
    (folder / "library.db").unlink()
    (folder / "library.db-wal").write_bytes(log)
    with Index.create(folder, entries.SIGNATURE) as index:
        assert index.check(deep=True) == [] or index.planes("copy").rows.size == 0
        assert index.stamps() == {}


# What it costs to load


def test_opening_a_library_loads_neither_torch_nor_pillow_nor_rich(golden: Path) -> None:
    program = (
        "import sys, pathlib; from vtsfind.store.index import Index\n"
        "with Index.open(pathlib.Path(sys.argv[1])) as index: index.planes('copy'), index.counts()\n"
        "print(*{'torch', 'PIL', 'rich', 'timm'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program, golden], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_files_of_a_content_are_found_by_its_digest_while_there_are_any(golden: Path) -> None:
    with Index.open(golden, write=True) as index:
        assert [file.path for file in index.files_of_digest(entries.digest(3))] == [
            entries.path(3),
            b"/photos/two\nlines.jpg",
        ]
        assert index.files_of_digest(entries.digest(0)) == []
        assert index.codes_of_digest(entries.digest(0)) is not None
        assert index.files_of_digest(bytes(32)) == []
