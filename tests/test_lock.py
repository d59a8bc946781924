"""One writer at a time, said by name; readers wait for nobody."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import entries

from vtsfind.base.errors import LibraryLocked
from vtsfind.store.index import Index
from vtsfind.store.lock import WriterLock

HOLD = """
import pathlib, sys
from vtsfind.store.index import Index
index = Index.open(pathlib.Path(sys.argv[1]), write=True)
print("held", flush=True)
sys.stdin.read()
index.close()
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library with one photo."""
    folder = tmp_path / "library"
    with Index.create(folder, entries.SIGNATURE) as index:
        index.add(entries.entry(1))
        index.publish()
    return folder


@contextmanager
def held_by_another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that has the library open for writing until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            if process.poll() is None:
                process.communicate("")


def test_a_second_writer_is_told_who_writes_since_when(library: Path) -> None:
    with held_by_another_process(library) as process:
        words = rf"{re.escape(str(library))} is in use by process {process.pid} on .* since 20\d\d-.*Wait"
        for use in (
            lambda: Index.open(library, write=True),
            lambda: Index.create(library, entries.SIGNATURE),
            lambda: Index.rescue(library),
        ):
            with pytest.raises(LibraryLocked, match=words):
                use()
    with Index.open(library, write=True) as index:
        assert index.counts().files == 1


def test_the_lock_of_a_killed_process_is_free(library: Path) -> None:
    with held_by_another_process(library) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Index.open(library, write=True) as index:
            assert index.counts().files == 1


def test_one_process_cannot_write_twice_either(library: Path) -> None:
    with Index.open(library, write=True), pytest.raises(LibraryLocked, match=f"process {os.getpid()}"):
        Index.open(library, write=True)


@pytest.mark.parametrize("note", [None, b"", b"\xff", b"[]", b"{}", b'{"pid": 1}'])
def test_an_unreadable_note_of_the_owner_hinders_nobody(library: Path, note: bytes | None) -> None:
    with Index.open(library, write=True):
        (library / "owner.json").unlink()
        if note is not None:
            (library / "owner.json").write_bytes(note)
        with pytest.raises(LibraryLocked, match="in use by another process"):
            Index.open(library, write=True)
    with Index.open(library, write=True):
        said = (library / "owner.json").read_bytes()
        assert socket.gethostname().encode() in said if note is None else said == note
    assert (library / "owner.json").exists() is (note is not None)


def test_a_writer_that_cannot_open_the_library_gives_the_lock_back(library: Path) -> None:
    (library / "library.db").write_bytes(b"nonsense" * 100)
    for _ in range(2):
        with pytest.raises(Exception, match="damaged"):
            Index.open(library, write=True)
    WriterLock(library).release()


def test_releasing_twice_does_not_take_the_lock_from_the_next_owner(library: Path) -> None:
    first = WriterLock(library)
    first.release()
    with Index.open(library, write=True):
        first.release()
        with pytest.raises(LibraryLocked):
            WriterLock(library)


def test_readers_see_the_last_commit_while_a_writer_is_in_the_middle_of_the_next(library: Path) -> None:
    with Index.open(library, write=True) as writer, Index.open(library) as early:
        writer.add(entries.entry(2))
        with Index.open(library) as late:
            for reader in (early, late):
                assert list(reader.stamps()) == [entries.path(1)]
                assert reader.planes("copy").rows.tolist() == [1]
            writer.commit()
            for reader in (early, late):
                assert len(reader.stamps()) == 2
                assert reader.planes("copy").rows.tolist() == [1, 2]
                assert reader.check(deep=True) == []


def test_a_reader_in_the_middle_of_an_answer_does_not_hold_the_writer_up(library: Path) -> None:
    with Index.open(library, write=True) as writer, Index.open(library) as reader:
        with reader._database.snapshot():
            assert len(reader.stamps()) == 1
            writer.add(entries.entry(2))
            writer.publish()
            assert len(reader.stamps()) == 1
        assert len(reader.stamps()) == 2
