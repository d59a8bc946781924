"""The planes file: what it holds, how damage and age are noticed, and that its specification is enough to read it."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import entries

from vtsfind.base import bits
from vtsfind.base.errors import DiskFull
from vtsfind.base.records import Entry, Head, PictureInfo, Signature, Stamp
from vtsfind.store import planes
from vtsfind.store.index import Index
from vtsfind.store.planes import PlanesStale, PlanesUnusable

GOLDEN = Path(__file__).parent / "golden" / "index-v1"
STATE = bytes(range(16))


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    """A copy of the golden library."""
    return Path(shutil.copytree(GOLDEN, tmp_path / "library"))


def read_by_the_specification(data: bytes, head: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
    """Rows (n,), planes (w, n) and bits of a head: NumPy and the docstring of `vtsfind.store.planes`, nothing else."""
    heads = int(np.frombuffer(data, "<u4", 1, 12)[0])
    n, rows_at = (int(value) for value in np.frombuffer(data, "<u8", 2, 16))
    rows = np.frombuffer(data, "<u4", n, rows_at)
    for entry in range(128, 128 + 64 * heads, 64):
        if data[entry : entry + 32].rstrip(b"\0").decode() == head:
            k = int(np.frombuffer(data, "<u4", 1, entry + 32)[0])
            w, at = -(-k // 64), int(np.frombuffer(data, "<u8", 1, entry + 40)[0])
            return rows, np.frombuffer(data, "<u8", w * n, at).reshape(w, n), k
    raise KeyError(head)


def nearest(words: npt.NDArray[Any], code: bytes) -> list[tuple[int, int]]:
    """(Distance, column) of all codes in a head's planes, nearest first."""
    query = np.frombuffer(code.ljust(8 * len(words), b"\0"), "<u8")
    distances = np.bitwise_count(words ^ query[:, None]).sum(axis=0)
    return sorted((int(distance), column) for column, distance in enumerate(distances))


@pytest.mark.parametrize(("head", "bits_expected"), [("copy", 256), ("scene", 40)])
def test_the_specification_alone_is_enough_to_read_and_search_the_golden_file(
    head: str, bits_expected: int
) -> None:
    rows, words, k = read_by_the_specification((GOLDEN / "planes.vtp").read_bytes(), head)
    assert k == bits_expected
    assert rows.tolist() == [2, 3, 4, 5, 6, 7, 8, 10]
    photos = [1, 2, 3, 4, 5, 6, 7, 50]
    for photo in photos:
        code = entries.codes(photo)[head]
        others = np.stack([entries.codes(other)[head] for other in photos])
        apart = np.unpackbits(others ^ code, axis=1).sum(axis=1).tolist()
        assert nearest(words, code.tobytes()) == sorted(zip(apart, range(8), strict=True))
        assert nearest(words, code.tobytes())[0] == (0, photos.index(photo))


def heads_and_codes() -> st.SearchStrategy[tuple[tuple[Head, ...], npt.NDArray[np.uint8]]]:
    lengths = st.lists(st.integers(1, 200), min_size=1, max_size=3)

    def with_codes(
        bit_lengths: list[int],
    ) -> st.SearchStrategy[tuple[tuple[Head, ...], npt.NDArray[np.uint8]]]:
        heads = tuple(Head(f"häd-{i}", k) for i, k in enumerate(bit_lengths))
        width = sum(map(planes.code_bytes, heads))
        shapes = st.tuples(st.integers(0, 40), st.just(width))
        return st.tuples(st.just(heads), arrays.arrays(np.uint8, shapes))

    return lengths.flatmap(with_codes)


@given(heads_and_codes())
def test_planes_come_back_from_the_file_as_they_were_built(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[tuple[Head, ...], npt.NDArray[np.uint8]]
) -> None:
    heads, codes = drawn
    path = tmp_path_factory.mktemp("planes") / "planes.vtp"
    signature = Signature("any", "0f" * 32, heads)
    rows = np.arange(3, 3 + len(codes), dtype=np.uint32)
    planes.write(path, planes.build(heads, rows, codes), STATE, signature)
    start = 0
    for head in heads:
        found = planes.read(path, head, STATE, signature)
        own = codes[:, start : start + planes.code_bytes(head)]
        assert (found.head, found.bits) == (head.name, head.bits)
        assert np.array_equal(found.words, bits.planes(own))
        assert np.array_equal(found.rows, rows)
        assert (found.words.dtype.name, found.rows.dtype.name) == ("uint64", "uint32")
        assert not found.words.flags.writeable
        assert found.words.ctypes.data % 64 == 0 or not len(rows)
        start += planes.code_bytes(head)


def read_all(path: Path, state: bytes, signature: Signature = entries.SIGNATURE) -> None:
    for head in signature.heads:
        planes.read(path, head, state, signature)


def state_of(folder: Path) -> bytes:
    with closing(sqlite3.connect(folder / "library.db")) as connection:
        (state,) = connection.execute("SELECT value FROM meta WHERE name = 'state'").fetchone()
        return bytes(state)


def test_a_flipped_bit_in_any_byte_of_the_file_is_noticed(golden: Path) -> None:
    path, state = golden / "planes.vtp", state_of(golden)
    read_all(path, state)
    whole = path.read_bytes()
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        path.write_bytes(damaged)
        with pytest.raises(PlanesUnusable):
            read_all(path, state)


def test_a_file_that_was_cut_or_grew_is_noticed(golden: Path) -> None:
    path, state = golden / "planes.vtp", state_of(golden)
    whole = path.read_bytes()
    for damaged in [*(whole[:end] for end in range(len(whole))), whole + bytes(1), whole + bytes(64)]:
        path.write_bytes(damaged)
        with pytest.raises(PlanesUnusable):
            read_all(path, state)


def test_a_file_of_another_state_or_model_is_not_used(golden: Path) -> None:
    path = golden / "planes.vtp"
    with pytest.raises(PlanesStale):
        read_all(path, STATE)
    other = Signature("other", "00", (Head("copy", 256), Head("scene", 39)))
    with pytest.raises(PlanesUnusable, match="another model"):
        read_all(path, state_of(golden), other)


@pytest.mark.parametrize("damage", ["missing", "cut", "flipped", "stale", "of another version", "a folder"])
def test_planes_that_cannot_be_used_are_made_again_by_whoever_needs_them(golden: Path, damage: str) -> None:
    path = golden / "planes.vtp"
    whole = path.read_bytes()
    path.unlink()
    match damage:
        case "cut":
            path.write_bytes(whole[:200])
        case "flipped":
            path.write_bytes(whole[:-1] + b"\1")
        case "stale":
            path.write_bytes(whole[:40] + STATE + whole[56:])
        case "of another version":
            path.write_bytes(whole[:8] + b"\2" + whole[9:])
        case "a folder":
            path.mkdir()
    with Index.open(golden) as index:
        assert [problem.severity for problem in index.check(deep=True)] == ["should"]
        rows, words, _ = read_by_the_specification(whole, "scene")
        assert np.array_equal(index.planes("scene").rows, rows)
        assert np.array_equal(index.planes("scene").words, words)
    assert damage == "a folder" or path.read_bytes() == whole


def test_a_reader_that_may_not_write_answers_from_memory(
    golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = golden / "planes.vtp"
    _, words, _ = read_by_the_specification(path.read_bytes(), "copy")
    path.unlink()
    with Index.open(golden) as index, monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        assert np.array_equal(index.planes("copy").words, words)
    assert sorted(file.name for file in golden.iterdir() if not file.name.startswith("library.db")) == []


def refused(path: Path, *_: object) -> None:
    raise PermissionError(13, "Permission denied", os.fspath(path))


def test_a_writer_that_cannot_write_the_planes_says_so_and_keeps_the_old_ones(
    golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = golden / "planes.vtp"
    before = path.read_bytes()
    with Index.open(golden, write=True) as index:
        index.add(entries.entry(70))
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", refused)
            with pytest.raises(DiskFull, match=r"planes.vtp.* cannot be used.*Change its permissions"):
                index.publish()
    assert path.read_bytes() == before
    assert not list(golden.glob(".*"))
    with Index.open(golden) as index:
        assert len(index.planes("copy").rows) == 9


def test_a_reader_keeps_its_planes_while_a_writer_replaces_them(golden: Path) -> None:
    with Index.open(golden) as reader:
        held = reader.planes("copy")
        before = held.words.copy()
        with Index.open(golden, write=True) as writer:
            writer.forget([entries.path(1), entries.path(2)])
            writer.add(entries.entry(60))
            writer.publish()
            writer.planes("copy")
        assert np.array_equal(held.words, before)
        assert reader.files_of_rows(held.rows[:2]) == [[], []]
        assert reader.planes("copy").rows.tolist() == [4, 5, 6, 7, 8, 10, 11]
        assert reader.planes("copy") is reader.planes("copy")


def test_200_000_photos_of_128_and_256_bits_take_at_most_12_megabytes() -> None:
    heads = (Head("copy", 256), Head("scene", 128))
    n = 200_000
    assert planes.file_bytes(heads, n) <= 12_000_000


def test_the_size_of_a_planes_file_is_known_beforehand(tmp_path: Path) -> None:
    with Index.create(tmp_path / "library", entries.SIGNATURE) as index:
        for i in range(17):
            index.add(
                Entry(entries.path(i), Stamp(1, 2, 3), entries.digest(i), PictureInfo(1, 1), entries.codes(i))
            )
            index.publish()
            size = (tmp_path / "library" / "planes.vtp").stat().st_size
            assert size == planes.file_bytes(entries.SIGNATURE.heads, i + 1)
