"""Plans are done safely: nothing goes that was not checked, and everything comes back as it was."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import made_plans
from support.made_plans import ORIGIN, group, photo

from vtsfind.act.actions import ActionRefused, Actions
from vtsfind.act.checks import CheckedOperation, stat_regular_file
from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import Plan, operations
from vtsfind.act.plan_text import plan_text
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Verdict
from vtsfind.base.operations import Action, State
from vtsfind.base.progress import CancelToken, Monitor
from vtsfind.engine.apply.apply import ApplyResult, apply
from vtsfind.engine.apply.plans import parse_plan
from vtsfind.engine.apply.recovery import user_journal
from vtsfind.engine.apply.undo import RestoreOutcome, history, read_run, undo
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.store.journal import JournalLocked

posix = pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system")
REVERSIBLE = [Action.TRASH, Action.QUARANTINE, Action.MOVE, Action.HARDLINK, Action.SYMLINK, Action.DELETE]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own, in which its trash is."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    return home


@pytest.fixture
def album(tmp_path: Path) -> list[Path]:
    """Three photos of the same content, of different times and modes, in two folders."""
    paths = [tmp_path / "photos" / name for name in ("a.jpg", "b.jpg", "old/c.jpg")]
    for number, path in enumerate(paths, 1):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"same picture")
        path.chmod(0o600 + number)
        os.utime(path, ns=(number * 10**18, number * 10**18 + 123_456_789))
    return paths


def plan_for(paths: list[Path], action: Action = Action.TRASH, **more: Any) -> Plan:
    target = os.fsencode(paths[0].parents[1] / "aside")
    return make_plan([group(1, *map(photo, paths), **more)], ORIGIN, action=action, target=target)


def snapshot(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file below a folder: its content, its time, its mode."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def states(result: ApplyResult) -> list[State]:
    return [step.state for step in result.steps]


def trashed(home: Path) -> set[str]:
    return {path.name for path in (home / "Trash" / "files").glob("*")}


def test_copies_go_to_the_trash_of_the_specification_and_come_back(album: list[Path], home: Path) -> None:
    before = snapshot(album[0].parent)
    result = apply(plan_for(album))
    assert states(result) == [State.DONE, State.DONE]
    assert trashed(home) == {"b.jpg", "c.jpg"}
    info = (home / "Trash" / "info" / "c.jpg.trashinfo").read_text().splitlines()
    assert info[:2] == ["[Trash Info]", f"Path={album[2]}"]
    assert info[2].startswith("DeletionDate=20")
    assert set(snapshot(album[0].parent)) == {"a.jpg"}
    undone = undo()
    assert [step.outcome for step in undone.steps] == [RestoreOutcome.RESTORED, RestoreOutcome.RESTORED]
    assert snapshot(album[0].parent) == before
    assert not list((home / "Trash").rglob("*.*"))


@pytest.mark.parametrize("action", REVERSIBLE)
def test_every_action_is_undone_byte_for_byte(action: Action, album: list[Path], tmp_path: Path) -> None:
    before = snapshot(tmp_path / "photos")
    result = apply(plan_for(album, action), permanently=True)
    assert states(result) == [State.DONE, State.DONE]
    assert snapshot(tmp_path / "photos") != before
    assert {step.outcome for step in undo(result.run).steps} == {RestoreOutcome.RESTORED}
    assert snapshot(tmp_path / "photos") == before
    assert not [path for path in tmp_path.rglob("*") if ".vtsfind" in path.name or path.name == "aside"]


def test_what_each_action_leaves(album: list[Path]) -> None:
    a, b, c = album
    apply(plan_for([a, b], Action.HARDLINK))
    assert b.samefile(a)
    apply(plan_for([a, c], Action.SYMLINK))
    assert c.is_symlink()
    assert c.resolve() == a
    assert [path.name for path in a.parent.iterdir()].count("b.jpg") == 1


def test_a_move_keeps_the_whole_path_below_the_folder(album: list[Path], tmp_path: Path) -> None:
    apply(plan_for(album, Action.MOVE))
    moved = tmp_path / "aside" / album[2].relative_to("/")
    assert moved.read_bytes() == b"same picture"
    assert moved.stat().st_mtime_ns == 3 * 10**18 + 123_456_789


def test_files_deleted_for_good_need_the_word_and_do_not_come_back(album: list[Path]) -> None:
    album[1].write_bytes(b"a small copy")
    plan = make_plan(
        [group(1, photo(album[0]), photo(album[1]), verdicts=[Verdict.RESAVE])],
        ORIGIN,
        action=Action.DELETE,
    )
    with pytest.raises(UsageError, match="--permanently"):
        apply(plan)
    assert album[1].exists()
    result = apply(plan, permanently=True)
    assert not album[1].exists()
    undone = undo(result.run)
    assert [(step.outcome, step.note) for step in undone.steps] == [
        (RestoreOutcome.FAILED, "it was deleted permanently")
    ]
    with pytest.raises(UsageError, match="nothing to undo"):
        undo()


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def point(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_the_same(path: Path, other: Path) -> None:
    path.unlink()
    os.link(other, path)


SPOILERS: dict[str, Callable[[list[Path]], None]] = {
    "a copy was swapped for a file of the same size": lambda album: put(album[1], b"else picture"),
    "a copy has grown": lambda album: put(album[1], b"something longer than it was"),
    "a copy is gone": lambda album: album[2].unlink(),
    "a copy is a link now": lambda album: point(album[1], album[2]),
    "a copy is a folder now": lambda album: become_a_folder(album[1]),
    "the keeper was deleted": lambda album: album[0].unlink(),
    "the keeper was edited": lambda album: put(album[0], b"edit picture"),
    "the keeper is a link to the copy": lambda album: point(album[0], album[1]),
    "the keeper is another name of the copy": lambda album: become_the_same(album[0], album[1]),
}


@pytest.mark.parametrize("action", REVERSIBLE)
@pytest.mark.parametrize("what", SPOILERS)
def test_any_doubt_spares_the_whole_group(
    what: str, action: Action, album: list[Path], tmp_path: Path
) -> None:
    plan = plan_for(album, action)
    SPOILERS[what](album)
    before = snapshot(tmp_path / "photos")
    result = apply(plan, permanently=True)
    assert set(states(result)) == {State.SKIPPED}
    assert all(step.note for step in result.steps)
    assert snapshot(tmp_path / "photos") == before
    assert not (tmp_path / "home" / "Trash").exists()


def test_one_group_in_doubt_does_not_stop_the_others(album: list[Path], tmp_path: Path) -> None:
    other = [tmp_path / "photos" / name for name in ("x.jpg", "y.jpg")]
    for path in other:
        path.write_bytes(b"other")
    plan = make_plan([group(1, *map(photo, album)), group(2, *map(photo, other))], ORIGIN)
    album[0].unlink()
    result = apply(plan)
    assert [step.operation.path for step in result.of(State.DONE)] == [os.fsencode(other[1])]
    assert all(path.exists() for path in [*album[1:], other[0]])


@posix
@pytest.mark.parametrize("action", REVERSIBLE)
def test_a_keeper_seen_in_two_places_is_one_file(action: Action, album: list[Path], tmp_path: Path) -> None:
    seen_twice = tmp_path / "link"
    seen_twice.symlink_to(album[0].parent)
    plan = plan_for([album[0], seen_twice / "a.jpg"], action)
    result = apply(plan, permanently=True)
    assert states(result) == [State.SKIPPED]
    assert "is the same file as" in result.steps[0].note
    assert album[0].read_bytes() == b"same picture"


@posix
@pytest.mark.parametrize("action", REVERSIBLE)
def test_a_file_whose_keeper_goes_with_it_comes_back_at_once(
    action: Action, album: list[Path], tmp_path: Path
) -> None:
    """The last guard, for file systems whose numbers do not give away that two names are one file."""
    (tmp_path / "link").symlink_to(album[0].parent)
    plan = plan_for([album[0], tmp_path / "link" / "a.jpg"], action)
    (operation,) = operations(plan)
    before = snapshot(tmp_path)
    checked = CheckedOperation(
        operation, stat_regular_file(operation.path), stat_regular_file(os.fsencode(album[0]))
    )
    actions = Actions("2026-05-04.1")
    with pytest.raises(ActionRefused, match="is the same file as"):
        actions.perform(checked, actions.prepare(checked))
    assert snapshot(tmp_path) == before


def test_a_dry_run_tells_what_the_run_does_and_touches_nothing(album: list[Path], tmp_path: Path) -> None:
    plan = plan_for(album)
    before = snapshot(tmp_path)
    foreseen = apply(plan, dry_run=True)
    assert states(foreseen) == [State.PLANNED, State.PLANNED]
    assert snapshot(tmp_path) == before
    assert not user_journal().folder.exists()
    done = apply(plan)
    assert [step.operation for step in done.steps] == [step.operation for step in foreseen.steps]


def test_applying_a_plan_again_goes_on_where_it_was_stopped(album: list[Path]) -> None:
    plan = plan_for(album)
    cancel = CancelToken()
    first = apply(plan, monitor=Monitor(cancel=cancel), on_step=lambda _: cancel.cancel())
    assert states(first) == [State.DONE]
    assert first.interrupted
    assert [op_record.state for op_record in history()[-1].op_records.values()] == [State.DONE, State.PLANNED]
    second = apply(plan)
    assert set(states(second)) == {State.DONE, State.SKIPPED}
    assert second.skipped == []
    assert [step.note for step in second.of(State.SKIPPED)] == [f"was removed in run {first.run}"]


def test_a_second_apply_is_turned_away(album: list[Path]) -> None:
    with user_journal().lock(), pytest.raises(JournalLocked):
        apply(plan_for(album))
    assert album[1].exists()


def test_companions_travel_and_return_with_their_photo(album: list[Path], tmp_path: Path) -> None:
    film = album[1].with_suffix(".mov")
    film.write_bytes(b"film")
    before = snapshot(tmp_path / "photos")
    plan = make_plan([group(1, photo(album[0]), photo(album[1], [film]))], ORIGIN, settle=made_plans.settle)
    apply(plan)
    assert not film.exists()
    undo(paths=[os.fsencode(album[1])])
    assert snapshot(tmp_path / "photos") == before


def test_a_companion_that_moves_over_to_the_kept_photo_comes_back(album: list[Path], tmp_path: Path) -> None:
    notes = album[1].with_suffix(".xmp")
    notes.write_bytes(b"notes")
    before = snapshot(tmp_path / "photos")
    plan = make_plan(
        [group(1, photo(album[0]), photo(album[1], [notes]))], ORIGIN, settle=SidecarPlaces().settle
    )
    apply(parse_plan(plan_text(plan).encode(), "The plan"))
    assert not notes.exists()
    assert album[0].with_suffix(".xmp").read_bytes() == b"notes"
    undo()
    assert snapshot(tmp_path / "photos") == before


def test_one_file_comes_back_and_later_the_rest(album: list[Path], tmp_path: Path) -> None:
    before = snapshot(tmp_path / "photos")
    apply(plan_for(album))
    undo(paths=[os.fsencode(album[2])])
    assert album[2].exists()
    assert not album[1].exists()
    undo()
    assert snapshot(tmp_path / "photos") == before
    with pytest.raises(UsageError, match="nothing to undo"):
        undo()


def test_a_folder_that_is_gone_is_made_again_for_what_comes_back(album: list[Path], tmp_path: Path) -> None:
    apply(plan_for(album))
    shutil.rmtree(tmp_path / "photos" / "old")
    undo()
    assert album[2].read_bytes() == b"same picture"


@pytest.mark.parametrize("action", [Action.TRASH, Action.MOVE, Action.DELETE, Action.SYMLINK])
def test_what_comes_back_does_not_overwrite_what_took_its_name(action: Action, album: list[Path]) -> None:
    apply(plan_for(album[:2], action), permanently=True)
    album[1].unlink(missing_ok=True)
    album[1].write_bytes(b"a newcomer")
    (step,) = undo().steps
    beside = album[1].with_name("b (restored).jpg")
    assert album[1].read_bytes() == b"a newcomer"
    assert beside.read_bytes() == b"same picture"
    assert str(beside) in step.note


def test_what_was_emptied_from_the_trash_is_told_and_may_be_tried_again(
    album: list[Path], home: Path
) -> None:
    apply(plan_for(album))
    (home / "Trash" / "files" / "b.jpg").rename(home / "rescued")
    undone = undo()
    assert len(undone.of(RestoreOutcome.RESTORED)) == 1
    (failed,) = undone.of(RestoreOutcome.FAILED)
    assert "is no longer in" in failed.note
    (home / "rescued").rename(home / "Trash" / "files" / "b.jpg")
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]


@pytest.mark.parametrize("action", [Action.TRASH, Action.MOVE, Action.QUARANTINE])
def test_another_file_in_the_place_of_one_that_went_is_left_there(action: Action, album: list[Path]) -> None:
    run = apply(plan_for(album[:2], action)).run
    undo_record = read_run(run).op_records[1].undo_record
    assert undo_record is not None
    assert undo_record.place is not None
    place = Path(os.fsdecode(undo_record.place))
    place.unlink()
    place.write_bytes(b"not same pic")
    (step,) = undo().steps
    assert step.outcome is RestoreOutcome.FAILED
    assert "has changed, and stays there" in step.note
    assert place.read_bytes() == b"not same pic"
    assert not album[1].exists()


def test_a_file_that_was_brought_back_by_hand_counts_as_back(album: list[Path], home: Path) -> None:
    result = apply(plan_for(album[:2]))
    (home / "Trash" / "files" / "b.jpg").rename(album[1])
    assert [(step.outcome, step.note) for step in undo().steps] == [
        (RestoreOutcome.RESTORED, "already restored")
    ]
    assert history()[-1].run == result.run
    assert not list((home / "Trash" / "info").iterdir())


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="needs extended attributes")
@pytest.mark.parametrize("action", REVERSIBLE)
def test_extended_attributes_survive(action: Action, album: list[Path]) -> None:
    try:
        os.setxattr(album[1], "user.tag", b"cat\0")
    except OSError:
        pytest.skip("no extended attributes here")
    apply(plan_for(album[:2], action), permanently=True)
    undo()
    assert os.getxattr(album[1], "user.tag") == b"cat\0"


def test_what_travels_with_a_photo_that_is_deleted_for_good_goes_to_the_trash(
    album: list[Path], home: Path
) -> None:
    film = album[1].with_suffix(".mov")
    film.write_bytes(b"film")
    groups = [group(1, photo(album[0]), photo(album[1], [film]))]
    apply(make_plan(groups, ORIGIN, action=Action.DELETE, settle=made_plans.settle), permanently=True)
    assert trashed(home) == {"b.mov"}


def test_names_that_are_no_text_go_and_come_back(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("the file system takes text only")
    names = [b"a\xff.jpg", b"two\nlines.jpg", b"%41 #.jpg", b" .jpg"]
    paths = [tmp_path / "photos" / os.fsdecode(name) for name in [b"keep", *names]]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(b"same")
    before = snapshot(tmp_path / "photos")
    assert set(states(apply(plan_for(paths)))) == {State.DONE}
    undo()
    assert snapshot(tmp_path / "photos") == before
