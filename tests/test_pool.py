import hashlib
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image
from support import real_photos
from support.drawn_photos import encoded, exif, noise, scene, turned, write

from vtsfind.base.errors import VtsfindError
from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.base.records import PIXEL_LIMIT, Failure, Found, Preprocessing, Reason, Stamp
from vtsfind.media import decode as media_decode
from vtsfind.media import process, reading
from vtsfind.media.answers import ReadResult
from vtsfind.media.decode import decode, decode_image, prepare
from vtsfind.media.pool import DecodePool, DecodeTask, PreparedPhoto
from vtsfind.media.process import DecodingProcess
from vtsfind.media.scan import ScanOptions, ScanReport, scan, stamp_of
from vtsfind.media.work import PreparePhoto, Setup

RECORD = Preprocessing(32)

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(RECORD, workers=2) as made:
        yield made


def found(path: Path) -> Found:
    return Found(os.fsencode(path), stamp_of(os.stat(path)))


def run(pool: DecodePool, *paths: Path) -> list[PreparedPhoto | Failure]:
    return list(pool.prepared([DecodeTask(found(path)) for path in paths], CancelToken()))


def failures(pool: DecodePool, *paths: Path) -> list[Failure]:
    results = run(pool, *paths)
    assert all(isinstance(result, Failure) for result in results)
    return [result for result in results if isinstance(result, Failure)]


def read_here(path: Path) -> ReadResult:
    return reading.read(
        os.fsencode(path), frozenset(), PreparePhoto(RECORD), Setup(PIXEL_LIMIT, 2 << 30, 30.0)
    )


def bomb(path: Path, side: int) -> Path:
    """Write a small PNG of many white pixels."""
    header = struct.pack(">2I5B", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress((b"\0" + b"\xff" * (3 * side)) * side, 1)
    chunks = [(b"IHDR", header), (b"IDAT", data), (b"IEND", b"")]
    framed = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    return path


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small JPEG that refines its 16 million pixels 40,000 times, which takes a decoder a minute."""
    data = encoded(Image.new("L", (4000, 4000)), progressive=True)
    end = data.rindex(b"\xff\xd9")
    scan = bytes.fromhex("ffda 0008 01 0100 01 3f 00")
    path = tmp_path_factory.mktemp("hostile") / "endless.jpg"
    path.write_bytes(data[:end] + scan * 40_000 + data[end:])
    return path


# -------------------------------------------------------------------------------------------- what comes out


def test_photos_come_prepared_in_order_with_digest_stamp_and_metadata(pool: DecodePool, photos: Path) -> None:
    files = list(scan([os.fsencode(photos)], ScanOptions(), ScanReport(), CancelToken()))
    results = list(pool.prepared([DecodeTask(file) for file in files], CancelToken()))
    assert len(results) == 12
    for file, result in zip(files, results, strict=True):
        assert isinstance(result, PreparedPhoto)
        assert result.found == file
        data = Path(os.fsdecode(file.path)).read_bytes()
        assert result.digest == hashlib.sha256(data).digest()
        pixels, info = decode(data, shortest=64)
        assert result.info == info
        assert result.pixels is not None
        assert np.array_equal(result.pixels, prepare(pixels, RECORD))
        assert result.pixels.flags.writeable


@pytest.mark.parametrize(
    "record", [Preprocessing(48), Preprocessing(48, fit="crop", resize=56, interpolation="bilinear")]
)
def test_real_photographs_come_out_as_decoded_and_prepared_here(
    record: Preprocessing,
) -> None:
    paths = real_photos.FILES
    side = 96 if record.fit == "squash" else 112
    with DecodePool(record, workers=2) as own:
        for path, result in zip(paths, run(own, *paths), strict=True):
            assert isinstance(result, PreparedPhoto)
            assert result.pixels is not None
            assert np.array_equal(result.pixels, prepare(decode(path.read_bytes(), shortest=side)[0], record))


def test_a_known_content_is_hashed_and_not_decoded(pool: DecodePool, photos: Path) -> None:
    path = photos / "beach.jpg"
    digest = hashlib.sha256(path.read_bytes()).digest()
    tasks = [DecodeTask(found(path), frozenset({digest})), DecodeTask(found(path), frozenset({bytes(32)}))]
    known, unknown = pool.prepared(tasks, CancelToken())
    assert known == PreparedPhoto(found(path), digest, None, None)
    assert isinstance(unknown, PreparedPhoto)
    assert unknown.pixels is not None


@linux
def test_names_of_any_bytes_are_read(pool: DecodePool, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"two\nlines \xff.jpg")
    (result,) = run(pool, write(path, scene(1)))
    assert isinstance(result, PreparedPhoto)


def test_nothing_to_do_starts_no_process() -> None:
    with DecodePool(RECORD, workers=2) as own:
        assert list(own.prepared([], CancelToken())) == []
        assert own._threads == []


def test_a_photo_alone_starts_one_process(photos: Path) -> None:
    with DecodePool(RECORD, workers=4) as own:
        run(own, photos / "beach.jpg")
        assert len(own._threads) == 1


# ------------------------------------------------------------------------------------------ what is no photo


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Reason | None]]:
    """Files of every kind, each with the reason for which it fails, or None."""
    folder = tmp_path_factory.mktemp("mixture")
    good = [
        write(folder / f"good-{seed}.jpg", turned(scene(seed, 60 + seed, 50), 1 + seed), exif=exif(1 + seed))
        for seed in range(6)
    ]
    (folder / "garbage.jpg").write_bytes(b"no picture at all" * 100)
    (folder / "empty.png").touch()
    (folder / "cut.jpg").write_bytes(encoded(noise(1, 90, 90))[:5000])
    (folder / "folder.jpg").mkdir()
    header = struct.pack(">2I5B", 50_000, 50_000, 8, 2, 0, 0, 0)
    huge = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    huge += struct.pack(">I", zlib.crc32(b"IHDR" + header)) + struct.pack(">I", 0) + b"IDAT" + bytes(4)
    (folder / "huge.png").write_bytes(huge)
    return [
        *((path, None) for path in good),
        (folder / "garbage.jpg", Reason.NOT_A_PICTURE),
        (folder / "empty.png", Reason.DAMAGED),
        (folder / "cut.jpg", Reason.DAMAGED),
        (folder / "huge.png", Reason.TOO_LARGE),
        (folder / "folder.jpg", Reason.UNREADABLE),
        (folder / "missing.jpg", Reason.VANISHED),
    ]


@hypothesis_settings(max_examples=40)
@given(order=st.lists(st.integers(0, 11), max_size=30))
def test_whatever_fails_in_between_every_photo_keeps_its_place_and_its_metadata(
    pool: DecodePool, mixture: list[tuple[Path, Reason | None]], order: list[int]
) -> None:
    chosen = [mixture[number] for number in order]
    tasks = [DecodeTask(Found(os.fsencode(path), Stamp(1, 2, 3))) for path, _ in chosen]
    results = list(pool.prepared(tasks, CancelToken()))
    assert len(results) == len(chosen)
    for (path, reason), result in zip(chosen, results, strict=True):
        if reason is not None:
            assert isinstance(result, Failure)
            assert (result.path, result.reason) == (os.fsencode(path), reason)
        else:
            assert isinstance(result, PreparedPhoto)
            seed = int(path.stem[-1])
            assert result.found == found(path)
            assert result.digest == hashlib.sha256(path.read_bytes()).digest()
            assert result.info
            assert (result.info.width, result.info.height, result.info.orientation) == (
                60 + seed,
                50,
                1 + seed,
            )
            assert result.pixels is not None
            assert (
                np.abs(
                    result.pixels.astype(int) - np.asarray(scene(seed, 60 + seed, 50).resize((32, 32)))
                ).mean()
                < 5
            )


def test_a_failure_has_the_stamp_with_which_the_file_was_tried(
    pool: DecodePool, mixture: list[tuple[Path, Reason | None]]
) -> None:
    paths = [
        path for path, reason in mixture if reason in {Reason.DAMAGED, Reason.NOT_A_PICTURE, Reason.TOO_LARGE}
    ]
    assert [failure.stamp for failure in failures(pool, *paths)] == [found(path).stamp for path in paths]


@posix
def test_pipes_and_devices_are_never_opened(pool: DecodePool, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    for failure in failures(pool, pipe, tmp_path / "zero.jpg", Path("/dev/zero")):
        assert failure.reason is Reason.UNREADABLE
        assert failure.detail == "not a regular file"


@posix
def test_a_pipe_that_takes_the_place_of_a_file_blocks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    photo = os.stat(write(tmp_path / "photo.jpg", scene(1)))
    monkeypatch.setattr("vtsfind.media.reading.os.stat", lambda _: photo)
    assert read_here(pipe).reason is Reason.UNREADABLE


def test_a_file_without_permission_cannot_be_read() -> None:
    if os.name != "posix":
        pytest.skip("needs POSIX permissions")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = write(Path(folder) / "closed.jpg", scene(1))
        path.chmod(0o000)
        user = os.geteuid()
        if user == 0:  # root reads everything: go on as a user who does not
            os.seteuid(65534)
        try:
            result = read_here(path)
        finally:
            os.seteuid(user)
    assert result.reason is Reason.UNREADABLE
    assert "ermission" in result.detail


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: path.write_bytes(b""),
        lambda path: os.utime(path, ns=(1, 1)),
    ],
)
def test_a_file_that_changes_while_it_is_read_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    path = write(tmp_path / "photo.jpg", scene(1))
    before = stamp_of(os.stat(path))

    def decode_and_change(*args: Any, **options: Any) -> object:
        result = decode_image(*args, **options)
        change(path)
        return result

    monkeypatch.setattr(media_decode, "decode_image", decode_and_change)
    result = read_here(path)
    assert (result.reason, result.stamp) == (Reason.CHANGED, before)
    assert (result.digest, result.data) == (None, None)


def test_a_file_that_grows_before_it_is_decoded_gives_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "photo.jpg", scene(1))
    stated = os.fstat

    def state_and_grow(descriptor: int) -> os.stat_result:
        status = stated(descriptor)
        with path.open("ab") as file:
            file.write(b"more")
        return status

    monkeypatch.setattr("vtsfind.media.reading.os.fstat", state_and_grow)
    assert read_here(path).reason is Reason.CHANGED


def test_a_file_too_large_for_memory_is_read_piece_by_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "photo.jpg", scene(1))
    whole = read_here(path)
    monkeypatch.setattr(reading, "_IN_MEMORY_BYTES", 10)
    pieces = read_here(path)
    assert pieces.digest == whole.digest
    assert pieces.data == whole.data


def test_a_huge_file_that_is_no_picture_is_not_read_through(pool: DecodePool, tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        file.truncate(1 << 40)
    assert [failure.reason for failure in failures(pool, path)] == [Reason.NOT_A_PICTURE]


# ------------------------------------------------------------------------------------------- hostile content


@linux
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "tif", "bmp", "avif"])
def test_a_lack_of_memory_is_never_taken_for_damage(tmp_path: Path, ending: str) -> None:
    options: dict[str, dict[str, Any]] = {"jpg": {"progressive": True}, "avif": {"speed": 10}}
    large = write(tmp_path / f"large.{ending}", Image.new("RGB", (3000, 3000)), **options.get(ending, {}))
    with DecodePool(RECORD, workers=1, memory_bytes=20 << 20) as own:
        assert [failure.reason for failure in failures(own, large)] == [Reason.MEMORY]


@linux
def test_a_picture_that_takes_too_much_memory_costs_only_itself(tmp_path: Path) -> None:
    hostile = bomb(tmp_path / "bomb.png", 7000)
    assert hostile.stat().st_size < 1_000_000
    good = write(tmp_path / "good.jpg", scene(1))
    with DecodePool(RECORD, workers=1, memory_bytes=150 << 20) as own:
        first, failure, second = run(own, good, hostile, good)
    assert isinstance(first, PreparedPhoto)
    assert isinstance(second, PreparedPhoto)
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.stamp) == (Reason.MEMORY, found(hostile).stamp)


def test_a_picture_that_takes_too_long_costs_only_itself(tmp_path: Path, endless: Path) -> None:
    good = write(tmp_path / "good.jpg", scene(1))
    with DecodePool(RECORD, workers=1, timeout_s=1.5) as own:
        first, failure, second = run(own, good, endless, good)
    assert isinstance(first, PreparedPhoto)
    assert isinstance(second, PreparedPhoto)
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.TIMEOUT
    assert failure.stamp == found(endless).stamp
    assert "1.5 s" in failure.detail


@posix
def test_a_file_that_brings_its_decoder_down_twice_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadly = write(tmp_path / "deadly.jpg", scene(1))
    good = write(tmp_path / "good.jpg", scene(2))
    program = (
        "import sys; sys.path[:] = sys.argv[1:]; import os, signal; from vtsfind.media import worker; read = worker.read\n"
        "worker.read = lambda path, *rest: os.kill(os.getpid(), signal.SIGSEGV) if b'deadly' in path"
        " else read(path, *rest)\nworker.main()"
    )
    monkeypatch.setattr(process, "_PROGRAM", program)
    with DecodePool(RECORD, workers=1) as own:
        first, failure, second = run(own, good, deadly, good)
    assert isinstance(first, PreparedPhoto)
    assert isinstance(second, PreparedPhoto)
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.stamp) == (Reason.CRASHED, found(deadly).stamp)
    assert str(signal.SIGSEGV.value) in failure.detail


@posix
def test_a_decoder_that_dies_between_two_files_is_replaced_and_blames_nobody(photos: Path) -> None:
    with DecodePool(RECORD, workers=1) as own:
        results = own.prepared(
            (DecodeTask(found(path)) for path in [photos / "beach.jpg"] * 3), CancelToken()
        )
        first = next(results)
        running = own._threads[0].process._process
        assert running
        list(results)
        os.kill(running.pid, signal.SIGKILL)
        again = run(own, photos / "beach.jpg")
    assert isinstance(first, PreparedPhoto)
    assert isinstance(again[0], PreparedPhoto)


def test_a_decoder_that_cannot_start_is_an_error_that_says_why(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PROGRAM", "raise SystemExit('no such library')")
    with DecodePool(RECORD, workers=2) as own, pytest.raises(VtsfindError, match="no such library") as caught:
        run(own, photos / "beach.jpg")
    assert caught.value.remedy
    monkeypatch.setattr(sys, "executable", str(photos / "nowhere"))
    with DecodePool(RECORD, workers=1) as own, pytest.raises(VtsfindError, match="could not be started"):
        run(own, photos / "beach.jpg")


# ----------------------------------------------------------------------------------------- order and ending


def test_only_so_many_files_are_read_ahead(photos: Path) -> None:
    taken = 0

    def tasks() -> Iterator[DecodeTask]:
        nonlocal taken
        for _ in range(50):
            taken += 1
            yield DecodeTask(found(photos / "beach.jpg"))

    with DecodePool(RECORD, workers=2, prefetch=5) as own:
        for given_so_far, _ in enumerate(own.prepared(tasks(), CancelToken()), 1):
            assert taken <= given_so_far + 4
    assert taken == given_so_far == 50


def test_tasks_are_taken_in_the_thread_of_the_caller(pool: DecodePool, photos: Path) -> None:
    threads = set()

    def tasks() -> Iterator[DecodeTask]:
        for _ in range(3):
            threads.add(threading.current_thread())
            yield DecodeTask(found(photos / "beach.jpg"))

    assert len(list(pool.prepared(tasks(), CancelToken()))) == 3
    assert threads == {threading.current_thread()}


def test_an_error_in_the_tasks_comes_through_and_leaves_the_pool_usable(photos: Path) -> None:
    def tasks() -> Iterator[DecodeTask]:
        yield DecodeTask(found(photos / "beach.jpg"))
        raise ZeroDivisionError

    with DecodePool(RECORD, workers=1) as own:
        with pytest.raises(ZeroDivisionError):
            list(own.prepared(tasks(), CancelToken()))
        assert isinstance(run(own, photos / "cat.jpg")[0], PreparedPhoto)


def processes(own: DecodePool) -> list[subprocess.Popen[bytes]]:
    return [
        worker_thread.process._process for worker_thread in own._threads if worker_thread.process._process
    ]


def test_no_process_outlives_its_pool(photos: Path) -> None:
    with DecodePool(RECORD, workers=2) as own:
        run(own, *[photos / "beach.jpg"] * 8)
        running = processes(own)
        assert len(running) == 2
        assert all(each.poll() is None for each in running)
    assert all(each.poll() is not None for each in running)
    with pytest.raises(ValueError, match="closed"):
        run(own, photos / "beach.jpg")


@pytest.mark.parametrize("how", ["close", "throw", "cancel"])
def test_whoever_stops_early_ends_what_is_being_read(tmp_path: Path, endless: Path, how: str) -> None:
    good = write(tmp_path / "good.jpg", scene(1))
    token = CancelToken()
    with DecodePool(RECORD, workers=2) as own:
        tasks = [DecodeTask(found(path)) for path in (good, endless, endless, good)]
        results = own.prepared(tasks, token)
        assert isinstance(next(results), PreparedPhoto)
        running = processes(own)
        if how == "close":
            results.close()
        elif how == "throw":
            with pytest.raises(KeyboardInterrupt):
                results.throw(KeyboardInterrupt())
        else:
            token.cancel()
            with pytest.raises(Cancelled):
                next(results)
        assert [each.wait(30) for each in running]
        (again,) = run(own, good)
        assert isinstance(again, PreparedPhoto)


def test_a_flag_that_is_raised_while_waiting_is_seen(endless: Path) -> None:
    token = CancelToken()
    with DecodePool(RECORD, workers=1) as own:
        threading.Timer(0.3, token.cancel).start()
        with pytest.raises(Cancelled):
            list(own.prepared([DecodeTask(found(endless))] * 40, token))


@posix
def test_an_interrupt_at_the_terminal_is_for_the_parent_alone(photos: Path) -> None:
    with DecodePool(RECORD, workers=1) as own:
        run(own, photos / "beach.jpg")
        (running,) = processes(own)
        assert os.getpgid(running.pid) != os.getpgid(0)
        os.kill(running.pid, signal.SIGINT)
        run(own, photos / "beach.jpg")
        assert processes(own) == [running]


@posix
def test_processes_end_when_their_parent_is_killed(photos: Path) -> None:
    program = (
        "import sys, os, signal\n"
        "from vtsfind.base.records import Found, Preprocessing, Stamp\n"
        "from vtsfind.media.pool import DecodePool, DecodeTask, CancelToken\n"
        "pool = DecodePool(Preprocessing(32), workers=2)\n"
        "task = DecodeTask(Found(os.fsencode(sys.argv[1]), Stamp(0, 0, 0)))\n"
        "list(pool.prepared([task] * 4, CancelToken()))\n"
        "print(*[lane.process._process.pid for lane in pool._threads], flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, photos / "beach.jpg"], stdout=subprocess.PIPE, check=False
    )
    pids = [int(text) for text in ended.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 60
    while any(_is_running(pid) for pid in pids):
        assert time.monotonic() < deadline


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False
    return status.rpartition(b") ")[2][:1] not in {b"Z", b"X"}


def test_a_process_imports_nothing_but_what_decoding_needs() -> None:
    program = (
        "import sys; import vtsfind.media.worker;print(*{name.partition('.')[0] for name in sys.modules})"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(ended.stdout.split())
    assert {"numpy", "PIL", "vtsfind"} <= modules
    heavy = {"torch", "timm", "typer", "click", "rich", "sqlite3", "platformdirs", "pillow_heif", "rawpy"}
    assert not modules & heavy


def test_a_retired_process_never_starts_again(photos: Path) -> None:
    with DecodePool(RECORD, workers=1) as own:
        run(own, photos / "beach.jpg")
        setup = own._setup
    single = DecodingProcess(setup)
    single.retire()
    with pytest.raises(VtsfindError):
        single.read_in_process(os.fsencode(photos / "beach.jpg"), frozenset(), PreparePhoto(RECORD))
    single.stop()
