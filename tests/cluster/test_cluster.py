"""Work on a cluster of two machines: the same answers as on one, also when a machine is killed in the middle."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from support import real_photos
from support.two_machines import TwoMachines

from vtsfind.base import bits
from vtsfind.base.groups import Verdict
from vtsfind.base.progress import Cancelled, CancelToken, Monitor, Phase, SilentProgress
from vtsfind.base.records import Entry, Failure, Found, Reason
from vtsfind.base.settings import Settings
from vtsfind.cluster.crew import Crew
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates import pair_matcher
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.indexing.update import update
from vtsfind.find.hamming.all_pairs import close_codes
from vtsfind.learn.models.registry import find_card
from vtsfind.media.pool import DecodeTask
from vtsfind.media.scan import stamp_of
from vtsfind.store.evidence_file import NAME as EVIDENCE
from vtsfind.store.index import Index

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed")
PHOTOS = 12
"""Real photos of the library; each third has a copy."""


def settings(library: Path, **more: Any) -> Settings:
    return Settings(library=str(library), workers=1, batch=2, **more)


class Watcher(SilentProgress):
    """Does something at the first step of a phase."""

    def __init__(self, phase: Phase, act: Callable[[], object]) -> None:
        self._phase = phase
        self._act: Callable[[], object] | None = act
        self._now: Phase | None = None

    def start(self, phase: Phase, total: int | None) -> None:
        del total
        self._now = phase

    def advance(self, steps: int = 1, note: str = "") -> None:
        del steps, note
        if self._now is self._phase and self._act is not None:
            self._act()
            self._act = None

    @property
    def has_acted(self) -> bool:
        return self._act is None


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `photos`, of which one is damaged, and a library `library` of them, made by this machine."""
    folder = tmp_path_factory.mktemp("album")
    photos = folder / "photos"
    photos.mkdir()
    for number, path in enumerate(real_photos.FILES[:PHOTOS]):
        shutil.copyfile(path, photos / path.name)
        if number % 3 == 0:
            image = real_photos.photo(path.stem)
            image.resize((image.width // 2, image.height // 2)).save(photos / f"small-{path.stem}.jpg")
            ImageOps.mirror(image).save(photos / f"turned-{path.stem}.jpg", quality=90)
    (photos / "damaged.jpg").write_bytes(real_photos.FILES[0].read_bytes()[:3000])
    made = update(Context(settings(folder / "library")), [str(photos)])
    assert (made.new, len(made.failures)) == (PHOTOS + 2 * len(range(0, PHOTOS, 3)), 1)
    return folder


def known(library: Path) -> dict[bytes, tuple[Any, ...]]:
    """What a library knows of each file: stamp, digest and facts."""
    with Index.open(library) as index:
        return {
            record.path: (record.stamp, record.digest, record.info)
            for _, records in index.contents()
            for record in records
        }


def codes(library: Path, head: str) -> dict[bytes, Any]:
    with Index.open(library) as index:
        planes = index.planes(head)
        digests = {row: records[0].digest for row, records in index.contents()}
        return {digests[int(row)]: planes.words[:, i].copy() for i, row in enumerate(planes.rows)}


def verdicts(library: Path) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(library / EVIDENCE)
    try:
        return connection.execute("SELECT * FROM pairs ORDER BY 1, 2").fetchall()
    finally:
        connection.close()


def test_a_library_made_on_two_machines_is_the_one_that_this_machine_makes(
    two: TwoMachines, album: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    made = update(Context(settings(library), workplace=two.place), [str(album / "photos")])
    assert [(each.path, each.reason) for each in made.failures] == [
        (os.fsencode(album / "photos" / "damaged.jpg"), Reason.DAMAGED)
    ]
    assert known(library) == known(album / "library")
    for head in ("copy", "scene"):
        here, there = codes(album / "library", head), codes(library, head)
        assert here.keys() == there.keys()
        # The smallest outputs may have another sign in a batch of another size.
        assert max(int(np.bitwise_count(here[each] ^ there[each]).sum()) for each in here) <= 2
    again = update(Context(settings(library), workplace=two.place))
    assert (again.new, again.changed, again.unchanged) == (0, 0, made.new)


def test_duplicates_are_the_same_pair_for_pair_though_a_machine_is_killed_while_photos_are_compared(
    two: TwoMachines, album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_matcher, "MIN_PAIRS_FOR_POOL", 0)
    monkeypatch.setattr(pair_matcher, "MIN_PHOTOS_FOR_POOL", 1)
    found = {}
    watcher = Watcher(Phase.VERIFY, two.kill_second)
    for name in ("here", "there"):
        library = tmp_path / name
        shutil.copytree(album / "library", library)
        context = Context(settings(library))
        if name == "there":
            context = Context(settings(library), workplace=two.place, progress=watcher)
        found[name] = duplicates(context, DedupOptions(kinds=frozenset({*Verdict} - {Verdict.SIMILAR})))
    assert watcher.has_acted
    assert found["there"].groups == found["here"].groups
    assert found["there"].stats == found["here"].stats
    assert len(found["here"].groups) >= len(range(0, PHOTOS, 3))
    assert verdicts(tmp_path / "there") == verdicts(tmp_path / "here") != []


@pytest.mark.parametrize(("n", "radius"), [(3000, 60), (40_000, 24)])
def test_the_shuffle_finds_the_pairs_of_one_machine_though_a_machine_is_killed(
    two: TwoMachines, n: int, radius: int
) -> None:
    rng = np.random.default_rng(n)
    made = rng.integers(0, 256, (n, 32), dtype=np.uint8)
    made[n // 2 :] = made[: n - n // 2] ^ np.packbits(rng.random((n - n // 2, 256)) < 0.06, axis=1)
    planes = bits.planes(made)
    watcher = Watcher(Phase.COMPARE, two.kill_second)
    here = close_codes(planes, radius, nearest=4)
    there = close_codes(
        planes, radius, nearest=4, finder=two.place.find_pairs, monitor=Monitor(progress=watcher)
    )
    assert watcher.has_acted
    assert len(here.firsts) > n // 3
    for name in ("rows", "starts", "firsts", "seconds", "distances"):
        assert np.array_equal(getattr(here, name), getattr(there, name)), name


def tasks(paths: list[Path]) -> list[DecodeTask]:
    return [DecodeTask(Found(os.fsencode(path), stamp_of(path.stat()))) for path in paths]


def test_a_killed_machine_costs_its_batches_which_are_done_again(two: TwoMachines, tmp_path: Path) -> None:
    sent: list[list[DecodeTask]] = []

    def batches() -> Iterator[list[DecodeTask]]:
        while two.is_whole or len(sent) < 8:
            sent.append(tasks([real_photos.FILES[len(sent) % len(real_photos.FILES)]]))
            yield sent[-1]

    signature = find_card("").signature
    done = []
    with Crew(two.ray, two.place._machines, settings(tmp_path), (signature, 8)) as crew:
        for batch, results, _host in crew.results("encode", batches(), CancelToken()):
            done.append(batch)
            assert [each.path for each in results if isinstance(each, Entry)] == [batch[0].found.path]
            if two.is_whole and len({worker.machine.node for worker, _ in crew._running.values()}) == 2:
                two.kill_second()
    assert not two.is_whole
    assert done == sent


def test_a_photo_that_is_stuck_costs_only_itself(two: TwoMachines, tmp_path: Path) -> None:
    photo = real_photos.FILES[0]
    scan = bytes.fromhex("ffda 0008 01 0100 01 3f 00")
    Image.new("L", (4000, 4000)).save(tmp_path / "plain.jpg", progressive=True)
    data = (tmp_path / "plain.jpg").read_bytes()
    end = data.rindex(b"\xff\xd9")
    endless = tmp_path / "endless.jpg"
    endless.write_bytes(data[:end] + scan * 40_000 + data[end:])
    good, stuck, last = two.place.encoded(
        tasks([photo, endless, photo]),
        3,
        Context(settings(tmp_path)).model_named(""),
        lambda _: None,
        settings=settings(tmp_path, decode_timeout_s=5.0),
        monitor=Monitor(),
    )
    assert isinstance(good, Entry)
    assert isinstance(last, Entry)
    assert isinstance(stuck, Failure)
    assert (stuck.path, stuck.reason) == (os.fsencode(endless), Reason.TIMEOUT)


def test_who_stops_keeps_what_was_done(two: TwoMachines, album: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    context = Context(
        settings(tmp_path / "library"),
        workplace=two.place,
        cancel=cancel,
        progress=Watcher(Phase.ENCODE, cancel.cancel),
    )
    stopped = update(context, [str(album / "photos")])
    assert stopped.interrupted
    rest = update(Context(settings(tmp_path / "library")))
    assert stopped.new + rest.new == len(known(album / "library"))
    shutil.copytree(album / "library", tmp_path / "copy")
    with pytest.raises(Cancelled):
        duplicates(Context(settings(tmp_path / "copy"), workplace=two.place, cancel=cancel), DedupOptions())


KILLED = """
import os, signal, sys
from vtsfind.store.index import Index
add, added = Index.add, []
def killed(self, entry):
    add(self, entry)
    added.append(entry)
    if len(added) == 4:
        self.commit()
        os.kill(os.getpid(), signal.SIGKILL)
Index.add = killed
from vtsfind.cli import main
main()
"""


def command(code: str, album: Path, on: str, library: Path) -> subprocess.CompletedProcess[bytes]:
    arguments = ["index", str(album / "photos"), "--on", on, "--library", str(library), "--workers", "1"]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=False,
        env={**os.environ, "VTSFIND_BATCH": "1"},
        timeout=300,
    )


def test_a_killed_run_is_continued(album: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    done = command(KILLED, album, "ray", library)
    assert done.returncode == -signal.SIGKILL, done.stderr
    rest = update(Context(settings(library)), [str(album / "photos")])
    assert (rest.unchanged, rest.new) == (4, len(known(album / "library")) - 4)
    assert known(library) == known(album / "library")


def test_a_client_of_a_cluster_makes_the_same_library(
    cluster: tuple[Any, str], album: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    for _ in range(5):  # the server for clients begins some time after the cluster
        done = command("from vtsfind.cli import main; main()", album, cluster[1], library)
        if b"No Ray cluster answers" not in done.stderr:
            break
    assert done.returncode == 3, done.stderr  # one photo is damaged
    assert b"damaged.jpg" in done.stderr
    assert known(library) == known(album / "library")
