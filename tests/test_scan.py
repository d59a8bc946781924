import io
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.base.records import Found, Reason
from vtsfind.media import names
from vtsfind.media.scan import ScanOptions, ScanReport, normalised, read_nul_separated, scan, stamp_of

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX file system")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode())


def run(*roots: Path | bytes, options: ScanOptions | None = None) -> tuple[list[bytes], ScanReport]:
    report = ScanReport()
    found = scan([os.fsencode(root) for root in roots], options or ScanOptions(), report, CancelToken())
    return [item.path for item in found], report


def relative(paths: list[bytes], root: Path) -> list[str]:
    return [os.fsdecode(os.path.relpath(path, os.fsencode(root))).replace(os.sep, "/") for path in paths]


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that is reached without special rights, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    for path in folder.rglob("*"):
        path.chmod(0o755)
    shutil.rmtree(folder)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root reads everything, so root goes on as a user who does not."""
    if os.name != "posix":
        pytest.skip("needs POSIX permissions")
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_photos_are_found_in_folders_of_folders_each_with_its_stamp(photos: Path) -> None:
    report = ScanReport()
    found = list(scan([os.fsencode(photos)], ScanOptions(), report, CancelToken()))
    assert len(found) == report.found == 12
    for item in found:
        status = os.stat(item.path)
        assert item.stamp == stamp_of(status)
        assert item.stamp.size == status.st_size > 0


def test_the_order_is_files_first_and_sorted_by_bytes(tmp_path: Path) -> None:
    touch(
        *(
            tmp_path / name
            for name in ("b.jpg", "B.jpg", "a.jpg", "x/2.jpg", "x/1.jpg", "w/z.jpg", "w/y/0.jpg")
        )
    )
    paths, _ = run(tmp_path)
    assert relative(paths, tmp_path) == [
        "B.jpg",
        "a.jpg",
        "b.jpg",
        "w/z.jpg",
        "w/y/0.jpg",
        "x/1.jpg",
        "x/2.jpg",
    ]


def test_an_empty_folder_gives_nothing_and_no_failure(tmp_path: Path) -> None:
    assert run(tmp_path) == ([], ScanReport())


def test_a_root_that_does_not_exist_is_a_failure_that_says_gone(tmp_path: Path) -> None:
    paths, report = run(tmp_path / "missing", tmp_path / "file.jpg" / "below")
    assert paths == []
    assert [failure.reason for failure in report.unreadable] == [Reason.VANISHED] * 2
    assert report.unreadable[0].path == os.fsencode(tmp_path / "missing")


def test_everything_left_out_is_counted_with_its_reason(tmp_path: Path) -> None:
    touch(
        tmp_path / "kept.jpg",
        tmp_path / ".hidden.jpg",
        tmp_path / ".secret" / "a.jpg",
        tmp_path / "notes.txt",
        tmp_path / "jpg",
        tmp_path / ".Trash-1000" / "files" / "a.jpg",
        tmp_path / "$RECYCLE.BIN" / "a.jpg",
        tmp_path / "System Volume Information" / "a.jpg",
        tmp_path / ".thumbnails" / "a.jpg",
        tmp_path / "@eaDir" / "a.jpg",
        tmp_path / "Previews.lrdata" / "a.jpg",
        tmp_path / "node_modules" / "a.png",
        tmp_path / ".git" / "a.png",
    )
    paths, report = run(tmp_path)
    assert relative(paths, tmp_path) == ["kept.jpg"]
    assert report.skipped == {
        "hidden": 2,
        "not a picture name": 2,
        "trash folder": 3,
        "thumbnail folder": 3,
        "tool folder": 2,
    }


def test_hidden_names_are_found_on_request_but_trash_is_not(tmp_path: Path) -> None:
    touch(
        tmp_path / ".hidden.jpg",
        tmp_path / ".secret" / "a.jpg",
        tmp_path / ".local" / "share" / "Trash" / "files" / "b.jpg",
        tmp_path / "Trash" / "named-by-me.jpg",
    )
    paths, report = run(tmp_path, options=ScanOptions(include_hidden=True))
    assert relative(paths, tmp_path) == [".hidden.jpg", ".secret/a.jpg", "Trash/named-by-me.jpg"]
    assert report.skipped == {"trash folder": 1}


def test_a_photo_library_of_macos_gives_its_originals_only(tmp_path: Path) -> None:
    library = tmp_path / "Photos.photoslibrary"
    touch(library / "originals" / "0" / "a.heic", library / "resources" / "derivatives" / "a.jpeg")
    paths, report = run(tmp_path)
    assert relative(paths, library) == ["originals/0/a.heic"]
    assert report.skipped == {"thumbnail folder": 1}


def test_a_root_is_entered_and_a_file_root_is_given_whatever_their_names(tmp_path: Path) -> None:
    touch(tmp_path / ".Trash" / "a.jpg", tmp_path / ".hidden.txt")
    paths, _ = run(tmp_path / ".Trash", tmp_path / ".hidden.txt")
    assert relative(paths, tmp_path) == [".hidden.txt", ".Trash/a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.png", ["a.jpg", "drafts/old/c.jpg", "trip/drafts.jpg"]),
        ("drafts", ["a.jpg", "b.png", "trip/drafts.jpg"]),
        ("drafts/", ["a.jpg", "b.png", "trip/drafts.jpg"]),
        ("*/drafts/*", ["a.jpg", "b.png", "trip/drafts.jpg"]),
        ("[ab].*", ["drafts/old/c.jpg", "trip/drafts.jpg"]),
        ("A.JPG", ["a.jpg", "b.png", "drafts/old/c.jpg", "trip/drafts.jpg"]),
    ],
)
@posix
def test_excluded_patterns_match_names_or_whole_paths(tmp_path: Path, pattern: str, left: list[str]) -> None:
    touch(*(tmp_path / name for name in ("a.jpg", "b.png", "drafts/old/c.jpg", "trip/drafts.jpg")))
    paths, report = run(tmp_path, options=ScanOptions(exclude=("nothing-like-it", pattern)))
    assert relative(paths, tmp_path) == left
    assert (report.skipped["excluded"] > 0) == (len(left) < 4)


@linux
def test_names_with_newlines_and_invalid_utf8_survive(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    odd = [b"two\nlines.jpg", b"latin-\xe9\xff.JPG", b"\x01.png", b" .webp", "žluť.heic".encode()]
    for name in odd:
        with open(os.path.join(root, name), "wb"):
            pass
    paths, report = run(tmp_path)
    assert paths == [os.path.join(root, name) for name in sorted(odd)]
    assert report.found == 5
    excluded, _ = run(tmp_path, options=ScanOptions(exclude=(os.fsdecode(b"*\xff.JPG"), "two\n*")))
    assert len(excluded) == 3


@linux
@given(st.lists(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=4).map(tuple), max_size=12))
def test_whatever_the_names_every_photo_is_found_once_and_only_photos(trees: list[tuple[bytes, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = os.fsencode(folder)
        expected = set()
        for parts in trees:
            clean = [part.translate(None, b"/\0.").lower() or b"_" for part in parts]
            clean = [b"_" + part if names.folder_skip_reason(root, part) else part for part in clean]
            path = os.path.join(root, *(part + b"-d" for part in clean[:-1]), clean[-1] + b".jpg")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb"):
                pass
            with open(path + b".txt", "wb"):
                pass
            expected.add(path)
        paths, report = run(root)
        assert len(paths) == len(set(paths)) == report.found
        assert set(paths) == expected
        assert report.skipped["not a picture name"] == len(expected)


@posix
def test_links_are_left_out_and_counted_and_loops_do_not_hurt(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "photo.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "copy.jpg").symlink_to("photo.jpg")
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    paths, report = run(tmp_path)
    assert relative(paths, tmp_path) == ["a/photo.jpg"]
    assert report.skipped == {"link": 3}


@posix
def test_a_root_that_is_a_link_is_followed_under_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path / "real" / "photo.jpg")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "link.jpg").symlink_to("real/photo.jpg")
    assert relative(run(tmp_path / "link")[0], tmp_path) == ["link/photo.jpg"]
    assert relative(run(tmp_path / "link.jpg")[0], tmp_path) == ["link.jpg"]


def test_overlapping_roots_give_each_photo_once(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "b" / "1.jpg", tmp_path / "a" / "2.jpg")
    one = tmp_path / "a" / "b" / "1.jpg"
    for roots in (
        [tmp_path, tmp_path / "a" / "b"],
        [tmp_path / "a" / "b", tmp_path],
        [tmp_path / "a" / "..", tmp_path],
        [one, tmp_path, one],
        [tmp_path, one],
    ):
        paths, _ = run(*roots)
        assert sorted(relative(paths, tmp_path)) == ["a/2.jpg", "a/b/1.jpg"]


@posix
def test_a_folder_reached_by_two_names_is_walked_once(tmp_path: Path) -> None:
    touch(tmp_path / "real" / "photo.jpg")
    (tmp_path / "link").symlink_to("real")
    paths, report = run(tmp_path / "link", tmp_path / "real")
    assert relative(paths, tmp_path) == ["link/photo.jpg"]
    assert report.skipped == {"folder already seen": 1}


@posix
def test_pipes_and_sockets_are_never_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    os.mkfifo("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        paths, report = run(tmp_path)
        assert paths == []
        assert report.skipped == {"not a regular file": 2}
        paths, report = run(tmp_path / "pipe.jpg")
        assert paths == []
        assert [failure.reason for failure in report.unreadable] == [Reason.UNREADABLE]


def test_a_folder_without_permission_is_a_failure_and_the_rest_is_found(readable_by_all: Path) -> None:
    touch(readable_by_all / "closed" / "a.jpg", readable_by_all / "open" / "b.jpg")
    (readable_by_all / "closed").chmod(0o000)
    with without_privileges():
        paths, report = run(readable_by_all)
    assert relative(paths, readable_by_all) == ["open/b.jpg"]
    assert [(failure.path, failure.reason) for failure in report.unreadable] == [
        (os.fsencode(readable_by_all / "closed"), Reason.UNREADABLE)
    ]


def test_a_folder_that_vanishes_during_the_walk_is_a_failure_and_the_rest_is_found(tmp_path: Path) -> None:
    touch(tmp_path / "1.jpg", tmp_path / "gone" / "2.jpg", tmp_path / "last" / "3.jpg")
    report = ScanReport()
    walk = scan([os.fsencode(tmp_path)], ScanOptions(), report, CancelToken())
    first = next(walk)
    shutil.rmtree(tmp_path / "gone")
    rest = list(walk)
    assert relative([item.path for item in [first, *rest]], tmp_path) == ["1.jpg", "last/3.jpg"]
    assert [(failure.path, failure.reason) for failure in report.unreadable] == [
        (os.fsencode(tmp_path / "gone"), Reason.VANISHED)
    ]


def test_a_file_that_vanishes_during_the_walk_is_a_failure_and_the_rest_is_found(tmp_path: Path) -> None:
    touch(tmp_path / "1.jpg", tmp_path / "2.jpg", tmp_path / "3.jpg")
    report = ScanReport()
    walk = scan([os.fsencode(tmp_path)], ScanOptions(), report, CancelToken())
    next(walk)
    (tmp_path / "2.jpg").unlink()
    assert relative([item.path for item in walk], tmp_path) == ["3.jpg"]
    assert [failure.reason for failure in report.unreadable] == [Reason.VANISHED]


@linux
def test_a_path_too_long_for_the_system_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "z" / "kept.jpg")
    monkeypatch.chdir(tmp_path)
    part = "d" * 250
    for _ in range(20):
        os.mkdir(part)
        os.chdir(part)
    paths, report = run(tmp_path)
    assert relative(paths, tmp_path) == ["z/kept.jpg"]
    assert [failure.reason for failure in report.unreadable] == [Reason.UNREADABLE]
    assert "too long" in report.unreadable[0].detail.lower()


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="needs a second file system")
def test_other_file_systems_are_left_out_on_request() -> None:
    options = ScanOptions(
        one_file_system=True, exclude=tuple(f"/{name}" for name in os.listdir("/") if name != "proc")
    )
    paths, report = run(b"/", options=options)
    assert paths == []
    assert report.skipped["other file system"] == 1


def test_a_raised_flag_stops_the_walk(tmp_path: Path) -> None:
    touch(tmp_path / "a" / "1.jpg", tmp_path / "b" / "2.jpg")
    token = CancelToken()
    walk = scan([os.fsencode(tmp_path)], ScanOptions(), ScanReport(), token)
    assert isinstance(next(walk), Found)
    token.cancel()
    with pytest.raises(Cancelled):
        list(walk)


def test_names_are_read_up_to_their_nul_character() -> None:
    assert read_nul_separated(io.BytesIO(b"")) == []
    assert read_nul_separated(io.BytesIO(b"a\n b\0\xff.jpg\0\0last")) == [b"a\n b", b"\xff.jpg", b"last"]


def test_roots_become_absolute_and_normal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = os.fsencode(tmp_path)
    assert normalised(b".") == here
    assert normalised(b"a//b/../c/") == os.path.join(here, b"a", b"c")
