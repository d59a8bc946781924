"""Downloads and archives: what a bad server, a bad network, a full disk and a hostile archive can do, and cannot."""

import hashlib
import io
import json
import resource
import socket
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.webserver import Site, serving

from vtsfind.base.errors import DiskFull, DownloadFailed, StorageError
from vtsfind.base.progress import Cancelled, CancelToken, Phase
from vtsfind.learn.data.archives import unpack
from vtsfind.learn.data.download import RemoteFile, RetryPolicy, download, verify
from vtsfind.learn.data.formats import cifar10
from vtsfind.store.partial_file import exclusive_lock

CONTENT = np.random.default_rng(0).bytes(300_000)
SOON = RetryPolicy(timeout_s=5, max_attempts=2, pause_s=0)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tests reach this machine, in place of the rule that lets them reach nothing."""
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: Any) -> None:
        assert address[0] == "127.0.0.1", f"A test wants the network: {address}"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(CONTENT)) as running:
        yield running


def remote(site: Site, content: bytes = CONTENT, size: int = -1) -> RemoteFile:
    md5 = hashlib.md5(content).hexdigest()
    return RemoteFile(site.url, len(content) if size < 0 else size, md5, hashlib.sha256(content).hexdigest())


def part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


class Told:
    """A progress that remembers, and does something at every step."""

    def __init__(self, at_step: Callable[[], None] = lambda: None) -> None:
        self.phases: list[tuple[Phase, int | None]] = []
        self.steps = 0
        self.at_step = at_step

    def start(self, phase: Phase, total: int | None) -> None:
        self.phases.append((phase, total))
        self.steps = 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        assert note == "kB of file.bin"
        self.steps += steps
        self.at_step()


def test_a_file_is_fetched_checked_and_told_of_in_kilobytes(site: Site, tmp_path: Path) -> None:
    told, path = Told(), tmp_path / "new" / "file.bin"
    download(remote(site), path, progress=told, retry=SOON)
    assert path.read_bytes() == CONTENT
    assert not part(path).exists()
    assert told.phases == [(Phase.DOWNLOAD, 300)]
    assert told.steps == 300


def test_a_connection_that_breaks_off_is_gone_on_with_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.breaks = [100_000, 50_000]
    told = Told()
    download(remote(site), tmp_path / "a", progress=told, retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-", "bytes=150000-"]
    assert (len(told.phases), told.steps) == (1, 300)


def test_a_server_that_knows_no_ranges_is_asked_for_the_whole_again(site: Site, tmp_path: Path) -> None:
    site.ranges, site.breaks = False, [100_000]
    told = Told()
    download(remote(site), tmp_path / "a", progress=told, retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == ["", "bytes=100000-"]
    assert (len(told.phases), told.steps) == (2, 300)


def test_a_server_that_sends_another_part_is_asked_for_the_whole(site: Site, tmp_path: Path) -> None:
    part(tmp_path / "a").write_bytes(CONTENT[:1000])
    site.shift = -7
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == ["bytes=1000-", ""]


def test_a_server_that_refuses_the_range_is_asked_for_the_whole(site: Site, tmp_path: Path) -> None:
    part(tmp_path / "a").write_bytes(CONTENT[:1000])
    site.codes = [416]
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == ["bytes=1000-", ""]


def test_an_interrupted_download_is_kept_and_gone_on_with_by_the_next_run(site: Site, tmp_path: Path) -> None:
    path = tmp_path / "a"
    site.breaks, site.codes = [100_000], [0, 503, 503]
    with pytest.raises(DownloadFailed, match=r"100,000 of 300,000 bytes: the server says 503.*same command"):
        download(remote(site), path, retry=SOON)
    assert not path.exists()
    assert part(path).read_bytes() == CONTENT[:100_000]
    told = Told()
    download(remote(site), path, progress=told, retry=SOON)
    assert path.read_bytes() == CONTENT
    assert site.asked[-1] == "bytes=100000-"
    assert told.steps == 300


@settings(max_examples=20)
@given(breaks=st.lists(st.integers(0, 3000), max_size=4), ranges=st.booleans(), lengths=st.booleans())
def test_wherever_it_breaks_off_the_file_comes_out_whole(
    breaks: list[int], *, ranges: bool, lengths: bool
) -> None:
    content = CONTENT[:3000]
    site = Site(content, ranges=ranges, lengths=lengths, breaks=breaks)
    with tempfile.TemporaryDirectory() as folder, serving(site):
        path = Path(folder) / "a"
        download(remote(site, content), path, retry=RetryPolicy(max_attempts=6, pause_s=0))
        assert path.read_bytes() == content


def test_other_bytes_of_the_same_length_are_thrown_away(site: Site, tmp_path: Path) -> None:
    other = bytes(len(CONTENT))
    with pytest.raises(DownloadFailed, match=f"its MD5 is .*, not {hashlib.md5(other).hexdigest()}"):
        download(remote(site, other), tmp_path / "a", retry=SOON)
    assert not (tmp_path / "a").exists()
    assert not part(tmp_path / "a").exists()


def test_the_sha_256_is_looked_at_besides_the_md5(site: Site, tmp_path: Path) -> None:
    wanted = RemoteFile(site.url, len(CONTENT), hashlib.md5(CONTENT).hexdigest(), "0" * 64)
    with pytest.raises(DownloadFailed, match=f"its SHA-256 is .*, not {'0' * 64}"):
        download(wanted, tmp_path / "a", retry=SOON)


def test_what_is_left_of_another_version_of_the_file_is_replaced(site: Site, tmp_path: Path) -> None:
    part(tmp_path / "a").write_bytes(b"another version")
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == ["bytes=15-", ""]


def test_what_is_left_and_is_too_long_is_replaced(site: Site, tmp_path: Path) -> None:
    part(tmp_path / "a").write_bytes(CONTENT + b"more")
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_a_whole_but_unchecked_file_is_checked_without_the_server(site: Site, tmp_path: Path) -> None:
    part(tmp_path / "a").write_bytes(CONTENT)
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked == []


def test_a_page_in_the_place_of_the_file_is_refused_at_once_and_costs_nothing(
    site: Site, tmp_path: Path
) -> None:
    part(tmp_path / "a").write_bytes(CONTENT[:1000])
    site.content, site.ranges = b"<html>Please log in</html>", False
    with pytest.raises(DownloadFailed, match="has 26 bytes, not 300,000"):
        download(remote(site), tmp_path / "a", retry=SOON)
    assert part(tmp_path / "a").read_bytes() == CONTENT[:1000]


def test_a_file_that_is_not_served_any_more_is_asked_for_once(site: Site, tmp_path: Path) -> None:
    site.codes = [404] * 9
    with pytest.raises(
        DownloadFailed, match=r"the server says 404 Not Found.*by other means and put it at .*a\."
    ):
        download(remote(site), tmp_path / "a", retry=SOON)
    assert len(site.asked) == 1


def test_without_a_network_the_error_says_so_and_names_the_way_by_hand(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
    with pytest.raises(DownloadFailed, match=r"Connection refused.*Check the network.*put it at .*a\."):
        download(RemoteFile(address, 5), tmp_path / "a", retry=SOON)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(DownloadFailed, match="did not answer in time"):
            download(RemoteFile(address, 5), tmp_path / "a", retry=RetryPolicy(0.05, 1, 0))


def test_a_redirect_is_followed_to_the_web_only(site: Site, tmp_path: Path) -> None:
    moved = RemoteFile(f"http://127.0.0.1:{site.port}/moved", len(CONTENT))
    download(moved, tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    (tmp_path / "secret").write_bytes(CONTENT)
    site.redirect = (tmp_path / "secret").as_uri()
    with pytest.raises(DownloadFailed, match="302"):
        download(moved, tmp_path / "b", retry=SOON)


def test_an_address_of_a_file_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"12345")
    with pytest.raises(DownloadFailed, match="unknown url type: file"):
        download(RemoteFile((tmp_path / "secret").as_uri(), 5), tmp_path / "a", retry=SOON)


def test_a_file_that_is_there_is_checked_and_not_fetched(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(CONTENT)
    download(remote(site), tmp_path / "a")
    (tmp_path / "a").write_bytes(bytes(len(CONTENT)))
    with pytest.raises(DownloadFailed, match=r"a is not the file .* Remove it"):
        download(remote(site), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == bytes(len(CONTENT))
    assert site.asked == []


def test_a_file_of_another_length_is_told_by_its_length(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    with pytest.raises(DownloadFailed, match="it has 4 bytes, not 300,000"):
        verify(tmp_path / "a", remote(site))


def test_a_cancelled_download_keeps_what_came(site: Site, tmp_path: Path) -> None:
    token = CancelToken()
    site.breaks = [100_000]

    def stop() -> None:
        if part(tmp_path / "a").is_file():
            token.cancel()

    with pytest.raises(Cancelled):
        download(remote(site), tmp_path / "a", progress=Told(stop), cancel=token, retry=SOON)
    came = part(tmp_path / "a").read_bytes()
    assert came == CONTENT[: len(came)] != b""
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT


def test_while_another_process_fetches_the_file_a_second_one_waits_until_told_to_stop(
    site: Site, tmp_path: Path
) -> None:
    token = CancelToken()
    token.cancel()
    with exclusive_lock(tmp_path / "a", CancelToken()), pytest.raises(Cancelled):
        download(remote(site), tmp_path / "a", cancel=token)
    assert site.asked == []


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Make no file grow beyond a size, as if the disk were full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_is_told_and_what_came_is_gone_on_with(site: Site, tmp_path: Path) -> None:
    with room_for(200_000), pytest.raises(DiskFull, match=r"disk with .*a is full.*Free some space"):
        download(remote(site), tmp_path / "a", retry=SOON)
    assert not (tmp_path / "a").exists()
    came = part(tmp_path / "a").read_bytes()
    assert came == CONTENT[: len(came)] != b""
    download(remote(site), tmp_path / "a", retry=SOON)
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert site.asked[-1] == f"bytes={len(came)}-"


def test_room_is_looked_for_before_anything_is_fetched(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=r"has room for .* bytes; a needs 1,000,000,000,000,000,000"):
        download(remote(site, size=10**18), tmp_path / "a")
    assert site.asked == []


def test_a_place_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file.*cannot be used.*--data"):
        download(remote(site), tmp_path / "file" / "a")


def tar(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            archive.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_only_the_wanted_files_are_taken_wherever_an_archive_wants_its_files(tmp_path: Path) -> None:
    evil = {"../evil": b"e", "/tmp/../evil": b"e", "in/../../evil": b"e", "in/c": b"c"}
    archive = tar(tmp_path / "x.tar.gz", evil | {"in/a": b"aa", "in/b": b"bbb"}, {"in/d": "/etc"})
    sums = unpack(archive, {"in/a": 2, "in/b": 3}, tmp_path / "out" / "in", cancel=CancelToken())
    assert {p.name: p.read_bytes() for p in (tmp_path / "out/in").iterdir()} == {"a": b"aa", "b": b"bbb"}
    assert sums == {f"in/{n}": hashlib.sha256(c).hexdigest() for n, c in (("a", b"aa"), ("b", b"bbb"))}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "x.tar.gz"]


@pytest.mark.parametrize(
    ("members", "links"),
    [({"in/a": b"aaa"}, {}), ({}, {"in/a": "/etc/passwd"}), ({"in/b": b"aa", "a": b"aa"}, {})],
    ids=["of another size", "a link", "elsewhere"],
)
def test_an_archive_without_the_wanted_file_is_refused(
    tmp_path: Path, members: dict[str, bytes], links: dict[str, str]
) -> None:
    archive = tar(tmp_path / "x.tar.gz", members, links)
    with pytest.raises(DownloadFailed, match=r"x\.tar\.gz has no file in/a of 2 bytes"):
        unpack(archive, {"in/a": 2}, tmp_path / "out", cancel=CancelToken())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut short", "no archive"])
def test_a_damaged_archive_is_named_and_leaves_no_half_file(tmp_path: Path, damage: str) -> None:
    whole = tar(tmp_path / "x.tar.gz", {"in/a": CONTENT}).read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(whole[: len(whole) // 2] if damage == "cut short" else whole[::-1])
    with pytest.raises(DownloadFailed, match=r"x\.tar\.gz is damaged"):
        unpack(tmp_path / "x.tar.gz", {"in/a": len(CONTENT)}, tmp_path / "out", cancel=CancelToken())
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_fills_up_while_unpacking_leaves_no_half_file(tmp_path: Path) -> None:
    archive = tar(tmp_path / "x.tar.gz", {"in/a": CONTENT})
    with room_for(200_000), pytest.raises(DiskFull, match="is full"):
        unpack(archive, {"in/a": len(CONTENT)}, tmp_path / "out", cancel=CancelToken())
    assert list((tmp_path / "out").iterdir()) == []


@pytest.fixture
def cifar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[bytes, bytes]:
    """An archive as CIFAR-10's, of 40 pictures a file; and the first file in it."""
    monkeypatch.setattr(cifar10, "PICTURES_PER_FILE", 40)
    rows = np.random.default_rng(0).integers(0, 256, (len(cifar10.FILES), 40, 3073), np.uint8)
    rows[:, :, 0] %= 10
    members = {
        f"{cifar10.FOLDER}/{name}": block.tobytes() for name, block in zip(cifar10.FILES, rows, strict=True)
    }
    archive = tar(tmp_path / "made.tar.gz", {f"{cifar10.FOLDER}/readme.html": b"<html/>"} | members)
    return archive.read_bytes(), rows[0].tobytes()


def test_cifar_10_is_fetched_and_unpacked_on_demand_and_known_as_the_official_one(
    site: Site, tmp_path: Path, cifar: tuple[bytes, bytes]
) -> None:
    site.content, root = cifar[0], tmp_path / "data"
    folder = cifar10.find_or_download(root, archive=remote(site, cifar[0]), retry=SOON)
    assert folder == root / "cifar10" / cifar10.FOLDER
    assert sorted(p.name for p in folder.iterdir()) == sorted((*cifar10.FILES, "origin.json"))
    assert (folder / cifar10.FILES[0]).read_bytes() == cifar[1]
    assert cifar10.origin(folder) == f"official archive {site.url}, MD5 {hashlib.md5(cifar[0]).hexdigest()}"
    assert cifar10.find_or_download(root) == folder
    assert len(site.asked) == 1


def test_files_that_are_not_as_they_were_unpacked_are_not_called_official(
    site: Site, tmp_path: Path, cifar: tuple[bytes, bytes]
) -> None:
    site.content = cifar[0]
    folder = cifar10.find_or_download(tmp_path / "data", archive=remote(site, cifar[0]), retry=SOON)
    changed = bytearray((folder / "test_batch.bin").read_bytes())
    changed[-1] ^= 1
    (folder / "test_batch.bin").write_bytes(changed)
    assert cifar10.origin(folder).startswith("not official: test_batch.bin is not as it came out of")
    (folder / "origin.json").write_text(json.dumps({"archive": "x"}))
    assert "cannot be read" in cifar10.origin(folder)
    (folder / "origin.json").unlink()
    assert cifar10.origin(folder).startswith("not known: not unpacked by vtsfind")


def test_an_archive_that_the_user_put_there_is_checked_and_unpacked_without_the_server(
    site: Site, tmp_path: Path, cifar: tuple[bytes, bytes]
) -> None:
    wanted = remote(site, cifar[0])
    for home in (tmp_path / "one", tmp_path / "two" / "cifar10"):
        home.mkdir(parents=True)
        (home / wanted.name).write_bytes(cifar[0])
    assert cifar10.find_or_download(tmp_path / "one", archive=wanted) == tmp_path / "one" / cifar10.FOLDER
    assert (
        cifar10.find_or_download(tmp_path / "two", archive=wanted)
        == tmp_path / "two/cifar10" / cifar10.FOLDER
    )
    assert site.asked == []


def test_another_archive_in_its_place_is_refused_and_nothing_is_unpacked(
    site: Site, tmp_path: Path, cifar: tuple[bytes, bytes]
) -> None:
    wanted = remote(site, cifar[0])
    (tmp_path / wanted.name).write_bytes(cifar[0][:-1] + b"?")
    with pytest.raises(DownloadFailed, match=f"its MD5 is .*, not {wanted.md5}"):
        cifar10.find_or_download(tmp_path, archive=wanted)
    assert not (tmp_path / cifar10.FOLDER).exists()


def test_an_unpacking_that_was_killed_is_done_again(
    site: Site, tmp_path: Path, cifar: tuple[bytes, bytes]
) -> None:
    site.content, wanted = cifar[0], remote(site, cifar[0])
    folder = cifar10.find_or_download(tmp_path, archive=wanted, retry=SOON)
    (folder / "test_batch.bin").unlink()
    (folder / "origin.json").unlink()
    assert cifar10.find_or_download(tmp_path, archive=wanted) == folder
    assert cifar10.origin(folder).startswith("official archive")
    assert len(site.asked) == 1
