"""Files of checksummed lines keep whole records through kills, full disks and damage."""

import os
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base.errors import DiskFull, StorageError
from vtsfind.base.paths import exact_path_fields, path_from_fields
from vtsfind.store.checksummed_log import LineFile, line_of, read_lines, record_of

RECORDS = st.lists(
    st.dictionaries(st.text(max_size=8), st.none() | st.integers() | st.text(max_size=20), max_size=4),
    max_size=6,
)


def write(path: Path, *records: dict[str, Any]) -> bytes:
    with LineFile(path, "test", 1) as file:
        file.append(*records)
    return path.read_bytes()


def read(path: Path) -> list[dict[str, Any]]:
    return list(read_lines(path, "test", 1).records)


def test_the_bytes_of_a_file_are_those_of_the_format(tmp_path: Path) -> None:
    content = write(tmp_path / "a", {"name": "café", "n": 1})
    header, record = content.splitlines()
    assert header.endswith(b' {"format":"test","version":1}')
    payload = '{"name":"café","n":1}'.encode()
    assert record == f"{zlib.crc32(payload):08x} ".encode() + payload


@settings(max_examples=30)
@given(RECORDS, RECORDS)
def test_what_is_appended_in_two_runs_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "a"
    write(path, *first)
    write(path, *second)
    assert read(path) == first + second


@given(st.binary(max_size=40).filter(lambda path: b"\0" not in path))
def test_any_path_survives_a_record(path: bytes) -> None:
    assert (
        path_from_fields(record_of(line_of(exact_path_fields(path, "to")).rstrip(b"\n")) or {}, "to") == path
    )


def test_a_file_cut_short_anywhere_loses_only_its_last_records(tmp_path: Path) -> None:
    path = tmp_path / "a"
    records = [{"n": n, "text": "x" * n} for n in range(5)]
    content = write(path, *records)
    for size in range(len(content)):
        path.write_bytes(content[:size])
        held = read(path)
        assert held == records[: len(held)]
        assert len(held) >= content[:size].count(b"\n") - 1
        assert not read_lines(path, "test", 1).damaged
        write(path, {"n": -1})
        assert read(path) == [*held, {"n": -1}]


def test_a_last_line_of_noise_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = write(path, {"n": 1})
    path.write_bytes(content + b"\0" * 50 + b"\n")
    assert read(path) == [{"n": 1}]
    assert write(path, {"n": 2}).startswith(content)
    assert read(path) == [{"n": 1}, {"n": 2}]


def test_a_damaged_line_costs_itself_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = write(path, {"n": 1}, {"n": 2}, {"n": 3})
    path.write_bytes(content.replace(b'"n":2', b'"n":7'))
    held = read_lines(path, "test", 1)
    assert held.records == ({"n": 1}, {"n": 3})
    assert held.damaged == (3,)


def test_a_missing_file_is_empty_and_stays_missing(tmp_path: Path) -> None:
    assert read(tmp_path / "a") == []
    assert not (tmp_path / "a").exists()


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a"
    content = write(path, {"n": 1})
    with pytest.raises(StorageError, match="is not a 'other' file"):
        LineFile(path, "other", 1)
    assert path.read_bytes() == content


def test_a_file_of_a_newer_vtsfind_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with LineFile(tmp_path / "a", "test", 2):
        pass
    with pytest.raises(StorageError, match=r"newer vtsfind.*Update vtsfind"):
        read_lines(tmp_path / "a", "test", 1)


def test_a_failed_append_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    content = write(path, {"n": 1})
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) // 2])

    with LineFile(path, "test", 1) as file:
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", half)
            with pytest.raises(DiskFull, match="is full"):
                file.append({"n": 2, "text": "x" * 100})
        assert path.read_bytes() == content
        file.append({"n": 3})
    assert read(path) == [{"n": 1}, {"n": 3}]
