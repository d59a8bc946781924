"""A killed process and a full disk cost a library nothing that was committed.

`VTSFIND_TEST_KILLS=2000` makes the tests kill that often each, in place of a few dozen times.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from support import entries
from support.fault_matrix import fault

from vtsfind.base.errors import DiskFull, LibraryMissing
from vtsfind.store.index import Index

pytest.importorskip("resource", reason="needs a system with fork and limits")

from support.killed_writer import Task, batch, usable_after

KILLS = int(os.environ.get("VTSFIND_TEST_KILLS", "16"))
HERE = Path(__file__).parent


@dataclass
class Outcome:
    """What a child said before it ended."""

    acknowledged: int = 0
    """Batches that it said were committed, over all of the library's children."""
    steps: int = 0
    """Steps that it took, if it came to its end."""


@dataclass
class Writer:
    """The program `support.killed_writer`, which takes tasks."""

    process: subprocess.Popen[str]

    def run(self, task: Task, *, acknowledged: int = 0, kill_after: int = 0) -> Outcome:
        """Let a child do a task; kill it when it has said `kill_after` lines, if that is not 0."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(asdict(task)) + "\n")
        self.process.stdin.flush()
        outcome = Outcome(acknowledged)
        pid = 0
        for said, line in enumerate(self.process.stdout, start=1):
            word, *numbers = line.split()
            match word:
                case "pid":
                    pid = int(numbers[0])
                case "ack":
                    outcome.acknowledged = int(numbers[0]) + 1
                case "steps":
                    outcome.steps = int(numbers[0])
                case "end":
                    break
            if said == kill_after:
                os.kill(pid, signal.SIGKILL)
        return outcome


@pytest.fixture(scope="module")
def writer() -> Iterator[Writer]:
    """The program, started once."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE.parents[1])])}
    with subprocess.Popen(
        [sys.executable, HERE.parent / "support" / "killed_writer.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        yield Writer(process)
        assert process.stdin is not None
        process.stdin.close()


def verify(folder: Path, acknowledged: int) -> int:
    """Assert that a library holds whole batches, all acknowledged ones and at most one more; how many."""
    try:
        with Index.open(folder) as reader:
            done = len(reader.roots())
            assert acknowledged <= done <= acknowledged + 1
            assert_holds(reader, done)
    except LibraryMissing:
        assert acknowledged == 0
        return 0
    with Index.open(folder, write=True) as index:
        assert [problem for problem in index.check(deep=True) if problem.severity == "must"] == []
        assert_holds(index, done)
    assert not list(folder.glob(".*"))
    return done


def assert_holds(index: Index, batches: int) -> None:
    """Assert that an open library holds exactly so many batches, planes included."""
    usable = usable_after(batches)
    failed = {4 * number + 1 for number in range(batches - 1)}
    assert set(index.stamps()) == {entries.path(i) for i in usable | failed}
    assert {failure.path for failure in index.failures()} == {entries.path(i) for i in failed}
    planes = {head: index.planes(head) for head in ("copy", "scene")}
    found = [file.path for files in index.files_of_rows(planes["copy"].rows) for file in files]
    assert sorted(found) == sorted(entries.path(i) for i in usable)
    for head, held in planes.items():
        stored = held.words.T.astype("<u8").tobytes()
        width = 8 * len(held.words)
        for column, path in enumerate(found):
            own = entries.codes(int(path[-8:-4]))[head].tobytes()
            assert stored[column * width : (column + 1) * width] == own.ljust(width, b"\0")


@fault("`index` killed at a random step", "What was committed is there; the next run goes on.", KILLS)
def test_killed_before_any_of_its_steps_a_writer_loses_nothing_that_it_committed(
    writer: Writer, tmp_path: Path
) -> None:
    whole = writer.run(Task(str(tmp_path / "whole")))
    assert whole.acknowledged == verify(tmp_path / "whole", whole.acknowledged) == 5
    assert whole.steps > 500
    for step in sorted(random.Random(1).sample(range(1, whole.steps), min(KILLS, whole.steps - 1))):
        folder = tmp_path / str(step)
        outcome = writer.run(Task(str(folder), step=step))
        assert outcome.steps == 0
        done = verify(folder, outcome.acknowledged)
        after = writer.run(Task(str(folder)), acknowledged=done)
        assert verify(folder, after.acknowledged) == done + 5
        shutil.rmtree(folder)


@fault("`index` killed in the middle of a file", "The same.", KILLS)
def test_killed_in_the_middle_of_writing_any_file_a_writer_loses_nothing_that_it_committed(
    writer: Writer, tmp_path: Path
) -> None:
    chooser = random.Random(2)
    died = 0
    for i in range(KILLS):
        folder = tmp_path / str(i)
        outcome = writer.run(Task(str(folder), file_bytes=chooser.randrange(1, 160_000)))
        died += not outcome.steps
        verify(folder, outcome.acknowledged)
        if folder.exists():
            shutil.rmtree(folder)
    assert died > KILLS // 2


@fault("`index` killed again and again", "The library grows on.", KILLS)
def test_killed_again_and_again_at_any_moment_a_library_grows_on(writer: Writer, tmp_path: Path) -> None:
    chooser = random.Random(3)
    folder = tmp_path / "library"
    done = 0
    for _ in range(KILLS):
        outcome = writer.run(Task(str(folder)), acknowledged=done, kill_after=chooser.randrange(1, 6))
        done = verify(folder, outcome.acknowledged)
    assert done >= KILLS


def fill(folder: Path) -> Path:
    """Leave no room on the file system of `folder`; gives the file that takes it."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)) == 4096:
            pass
    return filler


def write_until_full(index: Index, committed: int) -> int:
    """Write and commit batches until the disk is full; how many there are then."""
    done = committed

    def write() -> None:
        nonlocal done
        while done < 10_000:
            batch(index, done)
            index.commit()
            done += 1

    with pytest.raises(DiskFull, match=rf"{index.folder} is full.*Free some space"):
        write()
    return done


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@fault("The library's disk fills up", "What was committed is there.")
def test_a_full_disk_costs_only_what_was_not_committed(small_disk: Path) -> None:
    folder = small_disk / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        for number in range(3):
            batch(index, number)
            index.commit()
        filler = fill(small_disk)
        done = write_until_full(index, 3)
        assert_holds(index, done)
        with Index.open(folder) as reader:
            assert_holds(reader, done)
        filler.unlink()
        batch(index, done)
        index.publish()
        assert_holds(index, done + 1)
    assert verify(folder, done + 1) == done + 1


@fault("A library on a full disk", "It can be asked.")
def test_a_library_on_a_full_disk_can_be_opened_and_asked(small_disk: Path) -> None:
    folder = small_disk / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        batch(index, 0)
        index.commit()
    fill(small_disk)
    with Index.open(folder) as reader:
        assert_holds(reader, 1)
    assert not (folder / "planes.vtp").exists()
    with pytest.raises(DiskFull, match="Free some space"):
        Index.open(folder, write=True)


@fault("A new library on a full disk", "There is none, not half a one.")
def test_no_half_library_is_made_on_a_full_disk(small_disk: Path) -> None:
    filler = fill(small_disk)
    with pytest.raises(DiskFull, match="Free some space"):
        Index.create(small_disk / "library", entries.SIGNATURE)
    with pytest.raises(LibraryMissing):
        Index.open(small_disk / "library")
    filler.unlink()
    with Index.create(small_disk / "library", entries.SIGNATURE) as index:
        batch(index, 0)
        index.publish()


@fault("`doctor --repair` on a full disk", "The damaged database stays.")
def test_a_damaged_library_on_a_full_disk_is_left_as_it_is(small_disk: Path) -> None:
    folder = small_disk / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        batch(index, 0)
        index.publish()
    damaged = bytes(100) + (folder / "library.db").read_bytes()[100:]
    (folder / "library.db").write_bytes(damaged)
    fill(small_disk)
    with pytest.raises(DiskFull, match="Free some space"):
        Index.rescue(folder)
    assert (folder / "library.db").read_bytes() == damaged


@fault("A library on a read-only disk", "It can be asked; writing is refused with a sentence.", 3)
def test_a_library_on_a_read_only_disk_is_read_and_not_written(small_disk: Path) -> None:
    folder = small_disk / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        batch(index, 0)
        index.commit()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Index.open(folder) as reader:
        assert_holds(reader, 1)
        assert {problem.severity for problem in reader.check(deep=True)} == {"should"}
    for use in (
        lambda: Index.open(folder, write=True),
        lambda: Index.rescue(folder),
        lambda: Index.create(small_disk / "other", entries.SIGNATURE),
    ):
        with pytest.raises(DiskFull, match=rf"{small_disk}.*choose another place with --library"):
            use()


@fault("A database that may not grow", "What was committed is there.")
def test_a_database_that_may_not_grow_keeps_what_was_committed(tmp_path: Path) -> None:
    folder = tmp_path / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        index._database.connection.execute("PRAGMA max_page_count = 20")
        done = write_until_full(index, 0)
        assert done > 0
        assert_holds(index, done)
    assert verify(folder, done) == done
