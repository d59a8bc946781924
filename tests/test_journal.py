"""The journal: one table of moves, records that outlive kills, and an honest account of every run."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.operations import Action, Metadata, Operation, State, UndoRecord
from vtsfind.store.checksummed_log import read_lines
from vtsfind.store.journal import Journal, JournalLocked, OpenRun
from vtsfind.store.run_record import TRANSITIONS, IllegalTransition, Transition, diagram
from vtsfind.store.undo_records import undo_record_from_json, undo_record_to_json

GOLDEN = Path(__file__).parent / "golden" / "journal-v1"
SAFETY = Path(__file__).parents[1] / "docs" / "safety.md"
ONE = Operation(1, 1, Action.TRASH, b"/photos/b.jpg", 4, b"\1" * 32, b"/photos/a.jpg", 4, b"\1" * 32)
TWO = replace(
    ONE,
    number=2,
    action=Action.MOVE,
    path=b"/photos/\xff.jpg",
    target=b"/to/\xff.jpg",
    sidecar_of=b"/photos/b.jpg",
)
PATHS = st.binary(min_size=1, max_size=9)
TRACES = st.builds(
    UndoRecord,
    inode=st.integers(0, 2**64),
    mount=PATHS,
    volume=st.integers(0, 2**64),
    place=st.none() | PATHS,
    record=st.none() | PATHS,
    place_mount=st.none() | PATHS,
    place_volume=st.integers(0, 2**64),
    aside=st.none() | PATHS,
    back=st.none() | PATHS,
    made=st.lists(PATHS, max_size=3).map(tuple),
    metadata=st.none()
    | st.builds(
        Metadata,
        mode=st.integers(0, 0o177777),
        uid=st.integers(0, 2**32),
        gid=st.integers(0, 2**32),
        atime_ns=st.integers(),
        mtime_ns=st.integers(),
        attributes=st.dictionaries(st.text(max_size=5), st.binary(max_size=5), max_size=2),
    ),
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def begun(journal: Journal, *operations: Operation) -> OpenRun:
    return journal.create(operations, command="vtsfind apply plan", library=b"/lib\xff", version="0.1.0")


def test_a_run_is_read_back_as_it_was_written(journal: Journal) -> None:
    undo_record = UndoRecord(7, b"/", 9, place=b"/trash/\xff", made=(b"/to",))
    with begun(journal, ONE, TWO) as run:
        run.transition(
            [Transition(1, State.BEGUN, undo_record=undo_record), Transition(2, State.SKIPPED, "is gone")],
            durable=True,
        )
        run.transition([Transition(1, State.DONE)], durable=False)
    read = journal.read(run.record.run)
    assert read == run.record
    assert read.op_records[1].undo_record == undo_record
    assert [op_record.operation for op_record in read.op_records.values()] == [ONE, TWO]
    assert read.counts == {State.DONE: 1, State.SKIPPED: 1}


@settings(max_examples=40)
@given(TRACES)
def test_any_trace_survives_a_record(undo_record: UndoRecord) -> None:
    assert undo_record_from_json(json.loads(json.dumps(undo_record_to_json(undo_record)))) == undo_record


def test_a_move_that_is_not_in_the_table_raises_and_changes_nothing(journal: Journal) -> None:
    ways = {State.PLANNED: [State.PLANNED]}
    for before, after in TRANSITIONS:
        ways.setdefault(after, [*ways[before], after])
    assert set(ways) == set(State)
    for before, after in product(State, State):
        with begun(journal, ONE, TWO) as run:
            for step in ways[before][1:]:
                run.transition([Transition(1, step)], durable=False)
            held = run._file.path.read_bytes()
            if (before, after) in TRANSITIONS:
                run.transition([Transition(1, after)], durable=False)
                assert journal.read(run.record.run).op_records[1].state is after
                continue
            with pytest.raises(IllegalTransition, match=f"is {before} and cannot become {after}"):
                run.transition([Transition(2, State.BEGUN), Transition(1, after)], durable=False)
            assert run._file.path.read_bytes() == held
            assert run.record.op_records[1].state is before
            assert run.record.op_records[2].state is State.PLANNED


def test_an_unknown_operation_cannot_move(journal: Journal) -> None:
    with begun(journal, ONE) as run, pytest.raises(IllegalTransition, match="unknown"):
        run.transition([Transition(9, State.BEGUN)], durable=True)


def test_a_run_cut_short_anywhere_is_read_as_far_as_it_was_written(journal: Journal) -> None:
    with begun(journal, ONE, TWO) as run:
        run.transition([Transition(1, State.BEGUN, undo_record=UndoRecord(1, b"/", 2))], durable=True)
        run.transition([Transition(1, State.DONE)], durable=True)
    path = run._file.path
    content = path.read_bytes()
    states = [list(State).index(State.PLANNED)]
    for size in range(0, len(content), 7):
        path.write_bytes(content[:size])
        read = journal.read(run.record.run)
        assert read.damaged == 0
        states.append(list(State).index(read.op_records[1].state) if 1 in read.op_records else 0)
    assert states == sorted(states)


def test_runs_of_one_day_are_numbered_and_listed_in_order(journal: Journal) -> None:
    names = []
    for _ in range(11):
        with begun(journal, ONE) as run:
            names.append(run.record.run)
    assert journal.runs() == names
    assert [int(name.rpartition(".")[2]) for name in names] == list(range(1, 12))


def test_an_unknown_run_is_named_in_the_error(journal: Journal) -> None:
    with pytest.raises(UsageError, match=r"no run 'yesterday'.*vtsfind history"):
        journal.read("yesterday")


def test_only_a_run_with_something_half_done_stays_marked(journal: Journal) -> None:
    with begun(journal, ONE) as run:
        assert journal.unfinished_runs() == [run.record.run]
        run.transition([Transition(1, State.BEGUN)], durable=True)
    assert journal.at_work()
    assert journal.unfinished_runs() == [run.record.run]
    with journal.open(run.record.run) as run:
        run.transition([Transition(1, State.DONE)], durable=True)
    assert not journal.at_work()
    assert journal.unfinished_runs() == []


def test_a_second_writer_is_turned_away_at_once(journal: Journal) -> None:
    with (
        journal.lock(),
        pytest.raises(JournalLocked, match="Another vtsfind"),
        Journal(journal.folder).lock(),
    ):
        pass
    with journal.lock():
        pass


def test_a_damaged_line_costs_itself_and_is_counted(journal: Journal) -> None:
    with begun(journal, ONE, TWO) as run:
        run.transition([Transition(2, State.SKIPPED)], durable=True)
    path = run._file.path
    path.write_bytes(path.read_bytes().replace(b'"op":1,', b'"op":7,'))
    read = journal.read(run.record.run)
    assert read.damaged == 1
    assert read.counts == {State.SKIPPED: 1}


def test_the_golden_journal_is_read_for_ever() -> None:
    journal = Journal(GOLDEN)
    (name,) = journal.runs()
    read = journal.read(name)
    assert (read.run, read.command, read.library) == ("2026-05-04.1", "vtsfind apply plan.txt", b"/lib\xff")
    assert read.counts == {State.UNDONE: 1, State.DONE: 1, State.SKIPPED: 1, State.FAILED: 1}
    assert read.op_records[1].operation == ONE
    assert read.op_records[2].operation == TWO
    undo_record = read.op_records[1].undo_record
    assert undo_record is not None
    assert undo_record.place == b"/home/ann/.local/share/Trash/files/b.jpg"
    assert undo_record.metadata == Metadata(0o100644, 1000, 1000, 5, 6, {"user.tag": b"\0cat"})
    assert read.op_records[3].note == "is gone"
    assert len(read_lines(GOLDEN / f"{name}.journal", "vtsfind-run", 1).records) == 14


def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"a file is in the way")
    with (
        pytest.raises(StorageError, match=r"journal.*cannot be written"),
        Journal(tmp_path / "journal").lock(),
    ):
        pass


def test_the_drawing_in_the_documentation_is_made_of_the_table() -> None:
    page = SAFETY.read_text(encoding="utf-8")
    told = page.split("<!-- life -->\n")[1].split("\n<!-- /life -->")[0]
    assert told == diagram(), "Put vtsfind.store.run_record.diagram() between the marks of docs/safety.md"
