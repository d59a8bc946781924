"""Undo brings back what was there, says so only then, and removes nothing that is the only copy."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system with fork and limits")

from support.disks import copies, mount, unmount
from support.fault_matrix import fault
from support.killed_apply import tree
from support.made_plans import ORIGIN, group, origin_with, photo
from support.output import Vtsfind

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import Plan
from vtsfind.act.plan_text import plan_text
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import ApplyResult, apply
from vtsfind.engine.apply.recovery import recover, user_journal
from vtsfind.engine.apply.undo import RestoreOutcome, undo
from vtsfind.store.run_record import Transition


def applied(paths: list[Path], action: Action, target: Path | None = None) -> ApplyResult:
    """Take away all but the first of some copies."""
    plan = make_plan(
        [group(1, *map(photo, paths))],
        ORIGIN,
        action=action,
        target=None if target is None else os.fsencode(target),
    )
    result = apply(plan)
    assert len(result.of(State.DONE)) == len(paths) - 1, [step.note for step in result.steps]
    return result


def begin_to_undo(run: str) -> None:
    """Leave a run as a process does that was killed right before its files come back."""
    with user_journal().open(run) as opened:
        for record in opened.record.op_records.values():
            assert record.undo_record is not None
            back = replace(record.undo_record, back=record.operation.path)
            opened.transition(
                [Transition(record.operation.number, State.UNDOING, undo_record=back)], durable=True
            )


@fault(
    "Hard links whose kept file was renamed or changed its mode",
    "They come back as files of their own, with their times.",
    3,
)
def test_hard_links_come_back_as_files_of_their_own(tmp_path: Path) -> None:
    for number, keeper_after in enumerate((None, "renamed.jpg", "sub/moved.jpg")):
        paths = copies(tmp_path / str(number))
        for path in paths[1:]:
            path.chmod(0o640)
            os.utime(path, ns=(50, 70))
        before = tree(paths[0].parent)
        applied(paths, Action.HARDLINK)
        if keeper_after:
            (paths[0].parent / "sub").mkdir()
            paths[0].rename(paths[0].parent / keeper_after)
        result = undo()
        assert [step.outcome for step in result.steps] == [RestoreOutcome.RESTORED] * 2
        after = tree(paths[0].parent)
        assert {name: after[name] for name in ("1.jpg", "2.jpg")} == {
            name: before[name] for name in ("1.jpg", "2.jpg")
        }
        assert paths[1].stat().st_mode & 0o777 == 0o640


@fault(
    "The kept file of hard links was deleted",
    "The last link becomes the file that was there, with its times.",
)
def test_the_last_of_some_hard_links_gets_its_own_times_back(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 2)
    os.utime(paths[1], ns=(50, 70))
    applied(paths, Action.HARDLINK)
    paths[0].unlink()
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]
    assert paths[1].stat().st_mtime_ns == 70


@fault("A symbolic link whose kept file was renamed", "It is said that it cannot come back; the link stays.")
def test_a_link_to_nowhere_is_no_success(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 2)
    applied(paths, Action.SYMLINK)
    paths[0].rename(tmp_path / "photos" / "renamed.jpg")
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.FAILED]
    assert paths[1].is_symlink()


@fault("`undo` killed; then the photo's folder becomes a link to the trash", "The only copy stays.", 2)
@pytest.mark.parametrize("action", [Action.TRASH, Action.QUARANTINE])
def test_a_folder_that_became_a_link_to_the_trash_costs_no_photo(tmp_path: Path, action: Action) -> None:
    paths = copies(tmp_path / "photos", 1) + copies(tmp_path / "other", 1)
    result = applied(paths, action)
    (step,) = result.of(State.DONE)
    record = user_journal().read(result.run).op_records[step.operation.number]
    assert record.undo_record is not None
    assert record.undo_record.place is not None
    place = Path(os.fsdecode(record.undo_record.place))
    begin_to_undo(result.run)
    shutil.rmtree(tmp_path / "other")
    (tmp_path / "other").symlink_to(place.parent)
    if place.name != "0.jpg":
        place = place.rename(place.with_name("0.jpg"))
    recover()
    assert place.read_bytes() == b"same picture"


@fault(
    "A move between drives whose files have equal numbers, killed before its file goes",
    "It is not taken for done.",
)
def test_equal_numbers_on_two_drives_are_not_one_file(other_disk: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    mount(second)
    try:
        copies(other_disk / "others", 60, b"")  # numbers that the other drive has not used yet
        paths = copies(other_disk, 2)
        target = second / paths[1].relative_to("/")
        result = applied(paths, Action.MOVE, second)
        undo()
        # Put a file of the same number where the move goes, as two drives of the same make may have.
        target.parent.mkdir(parents=True, exist_ok=True)
        record = user_journal().read(result.run).op_records[1]
        assert record.undo_record is not None
        wanted = record.undo_record.inode
        for attempt in range(200):
            target.write_bytes(b"same picture")
            if target.stat().st_ino == wanted:
                break
            target.rename(second / f"used-{attempt}")
        else:
            pytest.skip("this system gives no equal numbers")
        _begin_again(result.run)
        recover()
        assert paths[1].read_bytes() == b"same picture"
        state = user_journal().read(user_journal().runs()[-1]).op_records[1].state
        assert state is State.PLANNED
    finally:
        unmount(second)


def _begin_again(run: str) -> None:
    """Leave another run like this one as a process does that was killed right before its file goes."""
    journal = user_journal()
    record = journal.read(run).op_records[1]
    with journal.create([record.operation], command="again", library=b"/library", version="0") as again:
        again.transition([Transition(1, State.BEGUN, undo_record=record.undo_record)], durable=True)


@fault("A plan of hard and symbolic links carried out twice", "The second time there is nothing to do.", 2)
@pytest.mark.parametrize("action", [Action.HARDLINK, Action.SYMLINK])
def test_a_plan_of_links_can_be_carried_out_again(tmp_path: Path, action: Action) -> None:
    first, second = copies(tmp_path / "1"), copies(tmp_path / "2")
    groups = [group(1, *map(photo, first)), group(2, *map(photo, second))]
    apply(make_plan(groups[:1], ORIGIN, action=action))
    again = apply(make_plan_of_links(groups, first, action))
    assert [(step.state, step.already_done) for step in again.steps] == [
        (State.SKIPPED, True),
        (State.SKIPPED, True),
        (State.DONE, False),
        (State.DONE, False),
    ]
    assert again.skipped == []


def make_plan_of_links(groups: list[Group], linked: list[Path], action: Action) -> Plan:
    """The plan of groups as it was made before some files became links."""
    plan = make_plan(groups, ORIGIN, action=action)
    assert all(os.path.samefile(path, linked[0]) for path in linked)
    return plan


@fault("The trash was emptied after the latest run", "`undo` turns to the run before it.")
def test_a_run_whose_files_are_gone_does_not_stand_before_others(tmp_path: Path) -> None:
    first, second = copies(tmp_path / "1", 2), copies(tmp_path / "2", 2)
    applied(first, Action.QUARANTINE)
    latest = applied(second, Action.QUARANTINE)
    for record in user_journal().read(latest.run).op_records.values():
        assert record.undo_record is not None
        assert record.undo_record.place is not None
        os.unlink(record.undo_record.place)
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]
    assert first[1].exists()
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.FAILED]


@fault("Two files come back beside names that were taken", "Each gets a name of its own.")
def test_files_that_come_back_together_get_different_names(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 3)
    beside = paths[1].with_name("1 (restored).jpg")
    paths[2].rename(beside)
    applied([paths[0], paths[1], beside], Action.QUARANTINE)
    paths[1].write_bytes(b"new")
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED] * 2
    assert sorted(path.read_bytes() == b"new" for path in paths[1].parent.iterdir()) == [
        False,
        False,
        False,
        True,
    ]


@fault("A name of 255 bytes that was taken when its file comes back", "It comes back with a shorter name.", 2)
@pytest.mark.parametrize("name", ["x" * 251 + ".jpg", "\N{BLACK SQUARE}" * 83 + "x.jpg"])
def test_the_longest_name_comes_back(tmp_path: Path, name: str) -> None:
    paths = copies(tmp_path / "photos", 2)
    longest = paths[1].rename(paths[1].with_name(name))
    content = longest.read_bytes()
    applied([paths[0], longest], Action.TRASH)
    longest.write_bytes(b"new")
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]
    (back,) = [path for path in longest.parent.iterdir() if path not in {longest, paths[0]}]
    assert back.read_bytes() == content
    assert "(restored)" in back.name


@fault("`undo` with an empty name of a run", "It is an error, not the latest run.")
def test_an_empty_name_is_no_run(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 2)
    applied(paths, Action.TRASH)
    with pytest.raises(UsageError, match="no run ''"):
        undo("")
    assert not paths[1].exists()


@fault(
    "The kept file and its link were moved to the trash by a later run", "It is said which run to undo first."
)
def test_the_content_of_a_link_is_found_in_the_trash(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 2)
    other = tmp_path / "other.jpg"
    shutil.copyfile(paths[0], other)
    links = applied(paths, Action.SYMLINK)
    trashed = applied([other, paths[0]], Action.TRASH)
    assert trashed.run in undo(links.run).steps[0].note
    undo(trashed.run)
    assert [step.outcome for step in undo(links.run).steps] == [RestoreOutcome.RESTORED]


@fault(
    "A plan with a file outside its library's folders, or of no library",
    "It is refused without `--outside`.",
    3,
)
def test_a_plan_cannot_name_any_file(run: Vtsfind, tmp_path: Path) -> None:
    inside, outside = copies(tmp_path / "photos", 2), copies(tmp_path / "elsewhere", 2)
    (tmp_path / "photos" / "link").symlink_to(tmp_path / "elsewhere")
    origin = origin_with(tmp_path / "library", tmp_path / "photos")
    for paths, of in (
        ([inside[0], outside[1]], origin),
        ([inside[0], tmp_path / "photos" / "link" / outside[1].name], origin),
        (inside, ORIGIN),
    ):
        plan = tmp_path / "plan"
        plan.write_text(plan_text(make_plan([group(1, *map(photo, paths))], of)))
        for more in ((), ("--dry-run",)):
            refused = run("apply", plan, "--yes", *more)
            assert (refused.exit_code, "--outside" in refused.stderr) == (2, True), refused.stderr
            assert all(path.exists() for path in (*inside, *outside))
    assert run("apply", plan, "--yes", "--outside").exit_code == 0
    assert not inside[1].exists()
