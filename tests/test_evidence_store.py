"""What was found out is kept by content, and is never worth an error."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from vtsfind.base.groups import UNDECIDED, Box, Evidence, Verdict
from vtsfind.store.evidence import NAME, EvidenceStore

A, B, C, D = (bytes([letter]) * 32 for letter in b"abcd")
EDIT = (
    Verdict.EDIT,
    Evidence(inliers=40, agreement=0.97, turn=6, box=Box(0.1, 0.2, 0.9, 1.0), boxed=1, note="a crop"),
)


def opened(folder: Path, looks: str = "looks 1", verdicts: str = "verdicts 1") -> EvidenceStore:
    return EvidenceStore(folder, looks, verdicts)


def filled(folder: Path) -> None:
    with opened(folder) as store:
        store.save_features(A, b"told of a", full=False)
        store.save_features(B, b"told of b", full=True)
        store.save_verdicts([((A, B), EDIT), ((A, C), None), ((A, D), UNDECIDED)])
        store.commit()


def test_what_was_kept_is_known_the_next_time(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert store.look(A) == b"told of a"
        assert store.look(C) is None
        assert store.verdicts([(A, B), (A, C), (B, C), (A, D)]) == {
            (A, B): EDIT,
            (A, C): None,
            (A, D): UNDECIDED,
        }
        assert store.looked() == {A[:16]: False, B[:16]: True}
        assert store.problem == ""


def test_of_searches_for_common_details_the_last_is_known(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        store.save_local_candidates(b"one", b"pairs")
        assert store.sighted(b"one") == b"pairs"
        store.save_local_candidates(b"two", b"")
        store.commit()
    with opened(tmp_path) as store:
        assert store.sighted(b"one") is None
        assert store.sighted(b"two") == b""


def test_a_look_from_afar_is_no_look_in_full(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert store.look(A, full=True) is None
        assert store.look(B, full=True) == store.look(B) == b"told of b"


def test_what_another_version_found_out_does_not_count(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path, verdicts="verdicts 2") as store:
        assert store.look(A) == b"told of a"
        assert store.verdicts([(A, B)]) == {}
    with opened(tmp_path, looks="looks 2") as store:
        assert store.look(A) is None
        assert store.looked() == {}
        store.save_features(A, b"told anew", full=True)
        assert store.look(A, full=True) == b"told anew"


def test_what_was_not_committed_is_lost_and_nothing_else(tmp_path: Path) -> None:
    filled(tmp_path)
    store = opened(tmp_path)
    store.save_features(C, b"told of c", full=False)
    store.close()
    with opened(tmp_path) as again:
        assert set(again.looked()) == {A[:16], B[:16]}


def test_trimming_keeps_the_latest_looks_and_all_verdicts(tmp_path: Path) -> None:
    filled(tmp_path)
    with opened(tmp_path) as store:
        store.trim(max_bytes=10)
        assert set(store.looked()) == {B[:16]}
        assert len(store.verdicts([(A, B), (A, C)])) == 2


@pytest.mark.parametrize("damage", [b"", b"no database at all, but long enough to be one" * 100])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    filled(tmp_path)
    (tmp_path / NAME).write_bytes(damage)
    with opened(tmp_path) as store:
        assert (store.looked(), store.problem) == ({}, "")
    filled(tmp_path)
    with opened(tmp_path) as store:
        assert len(store.looked()) == 2


def test_a_page_that_goes_bad_costs_what_was_known_and_no_more(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    path = tmp_path / NAME
    data = path.read_bytes()
    path.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    with opened(tmp_path) as store:
        assert store.verdicts([(A, B)]) == {}
        store.save_verdicts([((A, B), EDIT)])
        assert store.verdicts([(A, B)]) == {(A, B): EDIT}


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    filled(tmp_path)
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with opened(tmp_path) as store:
        assert "newer" in store.problem
        store.save_features(C, b"told of c", full=False)
        assert store.look(C) == b"told of c"
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_where_nothing_can_be_written_it_works_from_memory(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with opened(tmp_path) as store:
        assert store.problem
        store.save_features(A, b"told", full=False)
        assert store.look(A) == b"told"
    tmp_path.chmod(0o700)


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    with opened(tmp_path / "gone") as store:
        assert store.problem
        store.save_verdicts([((A, B), None)])
        assert store.verdicts([(A, B)]) == {(A, B): None}


def test_two_at_once_wait_for_each_other_or_go_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vtsfind.store.schema.BUSY_TIMEOUT_S", 0.01)
    with opened(tmp_path) as first, opened(tmp_path) as second:
        first.save_features(A, b"told", full=False)
        second.save_features(B, b"told", full=False)
        assert second.problem
        assert second.look(B) == b"told"
        first.commit()
        assert first.look(A) == b"told"


def test_a_pair_in_the_wrong_order_is_a_mistake(tmp_path: Path) -> None:
    with opened(tmp_path) as store, pytest.raises(ValueError, match="smaller"):
        store.verdicts([(B, A)])
