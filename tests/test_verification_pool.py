"""Pairs compared by several processes: the same verdicts, whatever becomes of the processes."""

import hashlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from PIL import Image
from support import real_photos
from support.copies import family
from support.textures import photograph

from vtsfind.base.groups import PairVerdict, Photo, Verdict
from vtsfind.base.progress import Cancelled, CancelToken
from vtsfind.base.records import PictureInfo
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates import pair_matcher as module
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.pair_matcher import ContentPair
from vtsfind.engine.library.snapshot import Content
from vtsfind.engine.work.verification_pool import VerificationPool
from vtsfind.find.verification import verify
from vtsfind.find.versions import features_version
from vtsfind.media.scan import stamp_of


@dataclass(frozen=True, slots=True)
class Shelf:
    """A library's folder with what was seen of some photos, and all pairs of them."""

    folder: Path
    pairs: tuple[ContentPair, ...]

    def copied(self, folder: Path) -> "Shelf":
        """The same, with nothing compared yet."""
        shutil.copytree(self.folder, folder)
        return Shelf(folder, self.pairs)

    def looking(self, workers: int, cancel: CancelToken | None = None) -> FeatureCache:
        return FeatureCache(self.folder, Context(Settings(workers=workers), cancel=cancel or CancelToken()))


def content(path: Path) -> Content:
    digest = hashlib.sha256(path.read_bytes()).digest()
    with Image.open(path) as image:
        info = PictureInfo(*image.size)
    photo = Photo(os.fsencode(path), stamp_of(path.stat()), digest, info)
    return Content(digest, info, (photo,))


def seen(folder: Path, photos: Path) -> Shelf:
    """Look at all photos of a folder."""
    every = {each.digest: each for each in map(content, sorted(photos.iterdir()))}
    contents = [every[digest] for digest in sorted(every)]
    folder.mkdir()
    with FeatureCache(folder, Context(Settings(workers=1))) as looking:
        looking.extract(contents, frozenset(every))
    return Shelf(folder, tuple(combinations(contents, 2)))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A photo with copies of every kind, and an unrelated photo."""
    folder = tmp_path_factory.mktemp("drawn")
    family(folder / "photos")
    photograph(1).save(folder / "photos" / "unrelated.jpg")
    return seen(folder / "library", folder / "photos")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A few photographs, each with a smaller copy and a part of it."""
    folder = tmp_path_factory.mktemp("real")
    (folder / "photos").mkdir()
    for path in real_photos.FILES[:3]:
        image = real_photos.photo(path.stem)
        shutil.copyfile(path, folder / "photos" / path.name)
        width, height = image.size
        image.resize((width // 2, height // 2)).save(folder / "photos" / f"small-{path.stem}.jpg", quality=70)
        image.crop((width // 8, 0, width, height)).save(folder / "photos" / f"part-{path.stem}.png")
    return seen(folder / "library", folder / "photos")


@pytest.fixture
def shelf(drawn: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The drawn photos, to be compared by processes however few they are."""
    monkeypatch.setattr(module, "MIN_PAIRS_FOR_POOL", 0)
    monkeypatch.setattr(module, "MIN_PHOTOS_FOR_POOL", 1)
    return drawn.copied(tmp_path / "library")


def refuse(*_: object) -> None:
    raise AssertionError("compared here")


@pytest.fixture
def not_here(expected: list[PairVerdict], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no pair be compared in this process, once it is known what to expect."""
    del expected
    monkeypatch.setattr(verify, "match_full_frame", refuse)
    monkeypatch.setattr(verify, "match_local_features", refuse)


@pytest.fixture
def expected(drawn: Shelf, tmp_path: Path) -> list[PairVerdict]:
    """What one process says of the drawn photos."""
    alone = drawn.copied(tmp_path / "alone")
    with alone.looking(1) as looking:
        found = looking.compare(alone.pairs)
    assert {each[0] for each in found if each} == {
        Verdict.PIXELS,
        Verdict.RESAVE,
        Verdict.TURNED,
        Verdict.EDIT,
    }
    assert found.count(None) == 5
    return found


def assert_no_process_is_left() -> None:
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("not_here")
@pytest.mark.parametrize("workers", [2, 5])
def test_several_processes_say_what_one_says(shelf: Shelf, expected: list[PairVerdict], workers: int) -> None:
    steps: list[int] = []
    with shelf.looking(workers) as looking:
        assert looking.compare(shelf.pairs, steps.append) == expected
        assert looking.compared == len(shelf.pairs)
    assert (sum(steps), len(steps) > 5) == (len(shelf.pairs), True)
    assert_no_process_is_left()
    with shelf.looking(1) as again:
        assert again.compare(shelf.pairs) == expected
        assert again.compared == 0


def test_several_processes_say_what_one_says_of_real_photos(
    real: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with real.copied(tmp_path / "one").looking(1) as looking:
        expected = looking.compare(real.pairs)
    assert any(expected)
    monkeypatch.setattr(module, "MIN_PAIRS_FOR_POOL", 0)
    monkeypatch.setattr(verify, "match_full_frame", refuse)
    monkeypatch.setattr(verify, "match_local_features", refuse)
    with real.copied(tmp_path / "several").looking(2) as looking:
        assert looking.compare(real.pairs) == expected


def test_few_pairs_start_no_process(drawn: Shelf, tmp_path: Path, expected: list[PairVerdict]) -> None:
    with drawn.copied(tmp_path / "library").looking(2) as looking:
        assert looking.compare(drawn.pairs) == expected
        assert_no_process_is_left()


def test_what_is_in_memory_only_is_compared_here(
    shelf: Shelf, tmp_path: Path, expected: list[PairVerdict]
) -> None:
    contents = {each.digest: each for pair in shelf.pairs for each in pair}
    nowhere = Shelf(tmp_path / "nowhere", shelf.pairs)
    with nowhere.looking(2) as looking:
        assert looking.problem
        looking.extract(list(contents.values()), frozenset(contents))
        assert looking.compare(nowhere.pairs) == expected
        assert_no_process_is_left()


def workers_of(looking: FeatureCache) -> Iterator[int]:
    """The process ids."""
    assert isinstance(looking._matcher._verification, VerificationPool)
    pool = looking._matcher._verification._pool
    assert pool
    yield from list(pool._processes)


def test_processes_that_die_are_done_without(shelf: Shelf, expected: list[PairVerdict]) -> None:
    with shelf.looking(2) as looking:
        looking.compare(shelf.pairs[:2])

        def kill(_: int) -> None:
            for pid in workers_of(looking):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

        assert looking.compare(shelf.pairs, kill) == expected
        assert looking.compared == len(shelf.pairs)
    assert_no_process_is_left()


@pytest.mark.usefixtures("not_here")
def test_processes_that_were_ended_start_again(shelf: Shelf, expected: list[PairVerdict]) -> None:
    with shelf.looking(2) as looking:
        assert looking.compare(shelf.pairs[:5]) == expected[:5]
        looking.end_processes()
        assert_no_process_is_left()
        assert looking.compare(shelf.pairs) == expected
    assert_no_process_is_left()


def test_a_store_that_they_cannot_read_is_read_here(
    shelf: Shelf, expected: list[PairVerdict], tmp_path: Path
) -> None:
    with shelf.looking(2) as looking:
        assert isinstance(looking._matcher._verification, VerificationPool)
        looking._matcher._verification._folder = tmp_path / "nowhere"
        assert looking.compare(shelf.pairs) == expected
    assert_no_process_is_left()


@pytest.mark.usefixtures("not_here")
def test_a_search_that_is_cancelled_ends_its_processes_and_keeps_what_was_found(
    shelf: Shelf, expected: list[PairVerdict]
) -> None:
    cancel = CancelToken()
    with shelf.looking(2, cancel) as looking:
        looking.compare(shelf.pairs[:2])
        with pytest.raises(Cancelled):
            looking.compare(shelf.pairs, lambda _: cancel.cancel())
        done = looking.compared
    assert_no_process_is_left()
    assert 2 <= done < len(shelf.pairs)
    with shelf.looking(2) as again:
        assert again.compare(shelf.pairs) == expected
        assert again.compared == len(shelf.pairs) - done


@pytest.mark.usefixtures("not_here")
def test_an_interrupt_does_not_end_them(shelf: Shelf, expected: list[PairVerdict]) -> None:
    with shelf.looking(2) as looking:
        first = looking.compare(shelf.pairs[:2])
        for pid in workers_of(looking):
            os.kill(pid, signal.SIGINT)
        assert first + looking.compare(shelf.pairs[2:]) == expected


def test_they_load_no_torch(tmp_path: Path) -> None:
    with VerificationPool(tmp_path, features_version(), 2) as comparing:
        loaded = comparing._start_pool().submit(eval, "sorted(__import__('sys').modules)").result()
    assert "vtsfind.engine.work.verification_pool" in loaded
    assert {"torch", "torchvision", "timm", "safetensors", "textual", "typer"}.isdisjoint(loaded)


LEFT_ALONE = """
import os, signal, sys
from pathlib import Path
from vtsfind.engine.work.verification_pool import VerificationPool
class Screen:
    def fileno(self): return -1
sys.stderr = Screen()
comparing = VerificationPool(Path(sys.argv[1]), "", 2)
assert comparing._start_pool().submit(os.getppid).result() == os.getpid()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_they_end_with_a_parent_that_is_killed_in_front_of_its_own_screen(tmp_path: Path) -> None:
    done = subprocess.run(  # which ends when all have let go of the pipe
        [sys.executable, "-c", LEFT_ALONE, str(tmp_path)], capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


SCRIPT = """
import os, sys
from pathlib import Path
from vtsfind.engine.work.verification_pool import VerificationPool
from vtsfind.cli import main
if __name__ == "__main__":
    with VerificationPool(Path("."), "", 2) as comparing:
        print(comparing._start_pool().submit(os.getppid).result() == os.getpid())
    sys.argv = ["vtsfind", "paths"]
    main()
"""


def test_they_start_from_a_script_as_pip_installs_it(tmp_path: Path) -> None:
    (tmp_path / "vtsfind").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "vtsfind")],
        capture_output=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[3])},
    )
    assert (done.returncode, done.stderr, done.stdout[:5]) == (0, b"", b"True\n")
