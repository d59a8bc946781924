"""What was decided about pairs of photos holds for ever."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base.errors import StorageError, UsageError
from vtsfind.engine.library.decisions import decide_digests, forget, import_decisions, known_decisions
from vtsfind.store.checksummed_log import LineFile
from vtsfind.store.decisions import (
    KIND,
    VERSION,
    Decision,
    DecisionKind,
    Decisions,
    as_record,
    decision_of,
    ordered_pair,
)

A, B, C = (bytes([i]) * 32 for i in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "decisions.lines"


def clock() -> Iterator[str]:
    for second in range(60):
        yield f"2026-10-02T12:00:{second:02d}Z"


def opened(path: Path) -> Decisions:
    return Decisions(path, now=clock().__next__)


def test_a_decision_holds_in_both_orders_and_after_opening_again(path: Path) -> None:
    assert opened(path).add(DecisionKind.NOT_DUPLICATE, [(B, A)]) == 1
    again = opened(path)
    assert again.is_excluded(A, B)
    assert again.choice(B, A) is DecisionKind.NOT_DUPLICATE
    assert not again.is_excluded(A, C)


def test_deciding_the_same_again_writes_nothing(path: Path) -> None:
    decisions = opened(path)
    decisions.add(DecisionKind.KEEP_BOTH, [(A, B)])
    before = path.read_bytes()
    assert decisions.add(DecisionKind.KEEP_BOTH, [(B, A), (A, B)]) == 0
    assert opened(path).add(DecisionKind.KEEP_BOTH, [(A, B)]) == 0
    assert path.read_bytes() == before


def test_the_file_is_as_its_format_says(path: Path) -> None:
    opened(path).add(DecisionKind.KEEP_BOTH, [(B, A)])
    header, line = path.read_bytes().splitlines()
    assert header.partition(b" ")[2] == b'{"format":"vtsfind decisions","version":1}'
    assert line.partition(b" ")[2] == (
        b'{"what":"keep-both","a":"%s","b":"%s","at":"2026-10-02T12:00:00Z"}' % (b"01" * 32, b"02" * 32)
    )


def test_lines_are_only_ever_added(path: Path) -> None:
    decisions = opened(path)
    decisions.add(DecisionKind.KEEP_BOTH, [(A, B)])
    before = path.read_bytes()
    decisions.add(DecisionKind.FORGET, [(A, B)])
    assert path.read_bytes().startswith(before)
    assert not opened(path).is_excluded(A, B)
    assert len(opened(path)) == 0


def test_two_processes_that_decide_lose_nothing_of_each_other(path: Path) -> None:
    first, second = opened(path), opened(path)
    first.add(DecisionKind.KEEP_BOTH, [(A, B)])
    second.add(DecisionKind.NOT_DUPLICATE, [(B, C)])
    assert [each.pair for each in opened(path)] == [(A, B), (B, C)]


def test_a_decision_that_was_cut_short_is_none_and_the_others_stand(path: Path) -> None:
    decisions = opened(path)
    decisions.add(DecisionKind.KEEP_BOTH, [(A, B)])
    decisions.add(DecisionKind.KEEP_BOTH, [(A, C)])
    path.write_bytes(path.read_bytes()[:-9])
    again = opened(path)
    assert (again.is_excluded(A, B), again.is_excluded(A, C)) == (True, False)
    again.add(DecisionKind.KEEP_BOTH, [(B, C)])
    assert [each.pair for each in opened(path)] == [(A, B), (B, C)]


def test_a_damaged_line_costs_itself_only_and_is_told(path: Path) -> None:
    decisions = opened(path)
    for pair in ((A, B), (A, C), (B, C)):
        decisions.add(DecisionKind.KEEP_BOTH, [pair])
    path.write_bytes(path.read_bytes().replace(b"12:00:01", b"12:00:07"))
    again = opened(path)
    assert again.damaged == (3,)
    assert [each.pair for each in again] == [(A, B), (B, C)]


def test_decisions_of_a_later_version_are_refused_and_unknown_kinds_passed_over(path: Path) -> None:
    with LineFile(path, KIND, VERSION) as file:
        file.append({"what": "married", "a": A.hex(), "b": B.hex(), "at": "2026-10-02T12:00:00Z"})
    assert len(opened(path)) == 0
    path.unlink()
    with LineFile(path, KIND, VERSION + 1):
        pass
    with pytest.raises(StorageError, match="newer vtsfind"):
        opened(path)


def test_two_files_of_one_content_can_be_wanted_both(path: Path) -> None:
    opened(path).add(DecisionKind.KEEP_BOTH, [(A, A)])
    assert opened(path).is_excluded(A, A)
    assert not opened(path).is_excluded(B, B)


def test_a_clock_that_was_set_back_does_not_bring_an_old_decision_back(path: Path) -> None:
    Decisions(path, now=lambda: "2030-01-01T00:00:00Z").add(DecisionKind.KEEP_BOTH, [(A, B)])
    Decisions(path, now=lambda: "2020-01-01T00:00:00Z").add(DecisionKind.FORGET, [(A, B)])
    assert not opened(path).is_excluded(A, B)


decisions = st.builds(
    lambda choice, pair, day: Decision(choice, *ordered_pair(*pair), f"2026-10-{day:02d}T00:00:00Z"),
    st.sampled_from(DecisionKind),
    st.tuples(st.sampled_from([A, B, C]), st.sampled_from([A, B, C])),
    st.integers(1, 3),
)


@given(decisions)
def test_a_decision_survives_being_written(decision: Decision) -> None:
    assert decision_of(as_record(decision)) == decision


@given(st.lists(decisions, max_size=8), st.lists(decisions, max_size=8))
def test_merging_again_changes_nothing_and_the_later_decision_counts(
    tmp_path_factory: pytest.TempPathFactory, own: list[Decision], others: list[Decision]
) -> None:
    path = tmp_path_factory.mktemp("d") / "decisions.lines"
    held = Decisions(path)
    held.merge(own)
    held.merge(others)
    before = path.read_bytes() if path.exists() else b""
    assert held.merge(others) == 0
    assert held.merge(own) == 0
    assert (path.read_bytes() if path.exists() else b"") == before
    assert list(Decisions(path)) == list(held)
    for each in (*own, *others):
        later = max(other.at for other in (*own, *others) if other.pair == each.pair)
        said = {other.choice for other in (*own, *others) if (other.pair, other.at) == (each.pair, later)}
        assert (held.choice(*each.pair) or DecisionKind.FORGET) in said


def test_every_two_of_several_photos_are_remembered_and_forgotten_by_name(tmp_path: Path) -> None:
    assert decide_digests(DecisionKind.NOT_DUPLICATE, [A, B, C]) == 3
    assert len(forget([A.hex(), B.hex()])) == 1
    assert len(forget([C.hex()])) == 2
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"photo")
    with pytest.raises(UsageError, match="cannot be read"):
        forget([str(photo), str(tmp_path / "gone.jpg")])
    with pytest.raises(UsageError, match="Nothing is named"):
        forget([])


def test_a_broken_import_takes_nothing_over() -> None:
    good = b'{"type":"decision","what":"keep-both","a":"%s","b":"%s","at":"2026-10-02T12:00:00Z"}\n'
    stream = io.BytesIO(good % (b"01" * 32, b"02" * 32) + b'{"type":"decision","what":"keep')
    with pytest.raises(UsageError, match="Line 2 of my list"):
        import_decisions(stream, "my list")
    with pytest.raises(UsageError, match="Line 1"):
        import_decisions(io.BytesIO(b'{"type":"header","schema":2}\n'), "x")
    assert len(known_decisions()) == 0


def test_a_file_named_like_a_digest_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ab" * 32).write_bytes(b"photo")
    decide_digests(DecisionKind.KEEP_BOTH, [bytes.fromhex("ab" * 32), A])
    assert forget(["ab" * 32]) == []
    os.unlink("ab" * 32)
    assert len(forget(["ab" * 32])) == 1
