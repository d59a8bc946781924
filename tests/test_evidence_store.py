"""Features and verdicts are cached by content, and a broken cache is never an error."""

import os
import sqlite3
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from vtsfind.base.groups import UNDECIDED, Box, Difference, Evidence, Verdict
from vtsfind.store import evidence
from vtsfind.store.evidence import EvidenceStore
from vtsfind.store.evidence_file import NAME, VERSION, CacheDamaged, discard, find_problem

A, B, C, D = (bytes([letter]) * 32 for letter in b"abcd")
EDIT = (
    Verdict.EDIT,
    Evidence(inliers=40, agreement=0.97, turn=6, box=Box(0.1, 0.2, 0.9, 1.0), boxed=1, note="a crop"),
)


def opened(folder: Path, features: str = "features 1", verdicts: str = "verdicts 1") -> EvidenceStore:
    return EvidenceStore(folder, features, verdicts)


def filled(folder: Path) -> None:
    with opened(folder) as store:
        store.save_features(A, b"features of a", full=False)
        store.save_features(B, b"features of b", full=True)
        store.save_verdicts([((A, B), EDIT), ((A, C), None), ((A, D), UNDECIDED)])
        store.commit()


def test_what_was_stored_is_known_the_next_time(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert store.features(A) == b"features of a"
        assert store.features(C) is None
        assert store.verdicts([(A, B), (A, C), (B, C), (A, D)]) == {
            (A, B): EDIT,
            (A, C): None,
            (A, D): UNDECIDED,
        }
        assert store.known_features() == {A[:16]: False, B[:16]: True}
        assert store.problem == ""


def test_only_the_latest_result_of_a_stage_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.save_stage_result("stage", b"one", b"pairs")
        store.save_stage_result("other", b"one", b"other pairs")
        assert store.stage_result("stage", b"one") == b"pairs"
        store.save_stage_result("stage", b"two", b"")
        store.commit()
    with opened(tmp_path) as store:
        assert store.stage_result("stage", b"one") is None
        assert store.stage_result("stage", b"two") == b""
        assert store.stage_result("other", b"one") == b"other pairs"


def test_points_are_those_of_the_version_that_made_them(tmp_path: Path) -> None:
    with EvidenceStore(tmp_path, "1", "1", "candidates 1") as store:
        store.save_points(A, b"points of a")
        store.commit()
        assert (store.points(A), store.points(B)) == (b"points of a", None)
    with EvidenceStore(tmp_path, "1", "1", "candidates 2") as store:
        assert store.points(A) is None
        store.trim()
    with EvidenceStore(tmp_path, "1", "1", "candidates 1") as store:
        assert store.points(A) is None


def test_features_of_a_reduced_photo_do_not_count_as_those_of_the_full_size(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert store.features(A, full=True) is None
        assert store.features(B, full=True) == store.features(B) == b"features of b"


def test_rows_of_another_version_do_not_count(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path, verdicts="verdicts 2") as store:
        assert store.features(A) == b"features of a"
        assert store.verdicts([(A, B)]) == {}
    with opened(tmp_path, features="features 2") as store:
        assert store.features(A) is None
        assert store.known_features() == {}
        assert not store.has_features(A)
        store.save_features(A, b"new features", full=True)
        assert store.features(A, full=True) == b"new features"
        assert (store.has_features(A), store.has_features(B)) == (True, False)


def test_only_uncommitted_rows_are_lost(tmp_path: Path) -> None:
    filled(tmp_path)
    store = opened(tmp_path)
    store.save_features(C, b"features of c", full=False)
    store.close()
    with opened(tmp_path) as again:
        assert set(again.known_features()) == {A[:16], B[:16]}


def test_trimming_keeps_the_latest_features_and_all_verdicts(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        store.trim(max_bytes=15)
        assert set(store.known_features()) == {B[:16]}
        assert len(store.verdicts([(A, B), (A, C)])) == 2


def test_trimming_drops_features_of_copies_last(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        for digest in (C, D):
            store.save_features(digest, b"features of n", full=False)
        store.trim(max_bytes=3 * 13)
        assert set(store.known_features()) == {A[:16], B[:16], D[:16]}  # a and b are copies
        store.trim(max_bytes=2 * 13)
        assert set(store.known_features()) == {A[:16], B[:16]}


@pytest.mark.parametrize(("free", "kept"), [(0, {B[:16]}), (1 << 40, {A[:16], B[:16]})])
def test_more_features_are_kept_where_the_disk_has_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, kept: set[bytes]
) -> None:
    filled(tmp_path)
    monkeypatch.setattr(evidence, "MAX_FEATURE_BYTES", 15)
    monkeypatch.setattr(evidence, "_MAX_DISK_SHARE", 1e-6)
    monkeypatch.setattr(evidence, "disk_usage", lambda _: SimpleNamespace(free=free))
    with opened(tmp_path) as store:
        store.trim()
        assert set(store.known_features()) == kept


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to be one" * 100])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: bytes) -> None:
    filled(tmp_path)
    (tmp_path / NAME).write_bytes(damage)
    with opened(tmp_path) as store:
        assert (store.known_features(), store.problem) == ({}, "")
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert len(store.known_features()) == 2


def test_a_damaged_page_is_never_read_and_can_be_discarded(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = tmp_path / NAME
    data = path.read_bytes()
    page_bytes = int.from_bytes(data[16:18], "big")
    path.write_bytes(data[:page_bytes] + b"\xff" * (len(data) - page_bytes))
    with opened(tmp_path) as store, pytest.raises(CacheDamaged, match="is damaged"):
        store.verdicts([(A, B)])
    assert find_problem(tmp_path, deep=True)
    discard(tmp_path)
    assert not find_problem(tmp_path, deep=True)
    with opened(tmp_path) as store:
        store.save_verdicts([((A, B), EDIT)])
        assert store.verdicts([(A, B)]) == {(A, B): EDIT}


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with opened(tmp_path) as store:
        assert "newer" in store.problem
        store.save_features(C, b"features of c", full=False)
        assert store.features(C) == b"features of c"
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_where_nothing_can_be_written_it_works_from_memory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with opened(tmp_path) as store:
        assert store.problem
        store.save_features(A, b"features", full=False)
        assert store.features(A) == b"features"
    tmp_path.chmod(0o700)


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    with opened(tmp_path / "gone") as store:
        assert store.problem
        store.save_verdicts([((A, B), None)])
        assert store.verdicts([(A, B)]) == {(A, B): None}


def test_two_writers_wait_for_each_other_or_continue_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtsfind.store.schema.BUSY_TIMEOUT_S", 0.01)
    with opened(tmp_path) as first, opened(tmp_path) as second:
        first.save_features(A, b"features", full=False)
        second.save_features(B, b"features", full=False)
        assert second.problem
        assert second.features(B) == b"features"
        first.commit()
        assert first.features(A) == b"features"


def test_a_pair_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(ValueError, match="smaller"):
        store.verdicts([(B, A)])


def test_a_file_of_an_older_version_is_replaced(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
    connection.close()
    with opened(tmp_path) as store:
        assert (store.known_features(), store.problem) == ({}, "")
        store.save_features(A, b"features of a", full=False)
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    connection.close()


def test_what_was_seen_at_full_size_is_known_for_the_version_that_saw_it(tmp_path: Path) -> None:
    pairs = [(bytes([n]) * 32, bytes([n + 1]) * 32) for n in (1, 2, 3)]
    with opened(tmp_path) as store:
        for pair, difference in zip(pairs, Difference, strict=True):
            assert store.full_size(pair) is None
            store.save_full_size(pair, difference)
        store.commit()
    with opened(tmp_path) as store:
        assert [store.full_size(pair) for pair in pairs] == list(Difference)
    with opened(tmp_path, verdicts="verdicts 2") as store:
        assert store.full_size(pairs[0]) is None
        store.trim()
    with opened(tmp_path) as store:
        assert store.full_size(pairs[0]) is None
