"""A killed process, a full disk and other drives cost no photo.

`python -m benchmarks.kills` kills far more often than the tests here.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system with fork and limits")

from support.disks import copies, fill, mount
from support.fault_matrix import fault
from support.killed_apply import Actor, Task, Tree, at_home, bring_everything_back, build, leftovers, tree
from support.made_plans import ORIGIN, group, photo

from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import operations
from vtsfind.base.errors import StorageError
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.undo import RestoreOutcome, undo
from vtsfind.store.checksummed_log import line_of
from vtsfind.store.journal import _planned_record

KILLS = int(os.environ.get("VTSFIND_TEST_KILLS", "12"))


@pytest.fixture(scope="module")
def actor() -> Iterator[Actor]:
    """The program that dies."""
    program = Actor()
    yield program
    program.close()


def killed(actor: Actor, folder: Path, work: list[str], chooser: random.Random, steps: int) -> None:
    """Build, do all but the last of some work, die at a chosen step of the last, and see that nothing is lost."""
    step = chooser.randrange(1, steps)
    before = build(folder, folder / "aside")
    for each in work[:-1]:
        assert actor.run(Task(str(folder), each))
    assert actor.run(Task(str(folder), work[-1], step)) == 0
    assert_nothing_lost(folder, before, f"killed at step {step} of {work}")
    shutil.rmtree(folder)


def assert_nothing_lost(folder: Path, before: Tree, what: str) -> None:
    bring_everything_back(folder)
    assert tree(folder / "photos") == before, what
    assert leftovers(folder, folder / "aside") == [], what


@fault(
    "`apply` or `undo` killed at a random system call",
    "Every file is in its old or its new place, and `undo` brings all back.",
    2 * KILLS,
)
@pytest.mark.parametrize("work", [["apply"], ["apply", "undo"]], ids=" ".join)
def test_killed_at_any_step_nothing_is_lost_and_everything_comes_back(
    actor: Actor, tmp_path: Path, work: list[str]
) -> None:
    build(tmp_path / "whole", tmp_path / "whole" / "aside")
    steps = [actor.run(Task(str(tmp_path / "whole"), each)) for each in work][-1]
    assert steps > 200
    chooser = random.Random(len(work))
    for number in range(KILLS):
        killed(actor, tmp_path / str(number), work, chooser, steps)


@fault("Killed again while it settles a kill", "The same.", KILLS // 2)
def test_killed_while_it_settles_a_kill_nothing_is_lost(actor: Actor, tmp_path: Path) -> None:
    chooser = random.Random(3)
    for number in range(KILLS // 2):
        folder = tmp_path / str(number)
        before = build(folder, folder / "aside")
        assert actor.run(Task(str(folder), "apply", chooser.randrange(400, 1500))) == 0
        actor.run(Task(str(folder), "recover", chooser.randrange(20, 150)))
        assert_nothing_lost(folder, before, str(number))


@fault("`apply` killed half way, then run again", "It ends as if it had not been killed.")
def test_after_a_kill_the_same_plan_goes_on_to_the_same_end(actor: Actor, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    build(whole, whole / "aside")
    before = build(cut, cut / "aside")
    steps = actor.run(Task(str(whole), "apply"))
    assert actor.run(Task(str(cut), "apply", steps // 2)) == 0
    assert actor.run(Task(str(cut), "apply"))
    assert {name: seen[0] for name, seen in tree(cut / "photos").items()} == {
        name: seen[0] for name, seen in tree(whole / "photos").items()
    }
    assert_nothing_lost(cut, before, "twice applied")


@fault("Photos on another drive", "They go to the trash of that drive, and come back.")
def test_files_of_another_volume_go_to_the_trash_at_its_top(other_disk: Path) -> None:
    paths = copies(other_disk / "photos")
    before = tree(other_disk)
    apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    trash = other_disk / f".Trash-{os.getuid()}"
    assert {path.name for path in (trash / "files").iterdir()} == {"1.jpg", "2.jpg"}
    assert "Path=photos/1.jpg" in (trash / "info" / "1.jpg.trashinfo").read_text().splitlines()
    assert trash.stat().st_mode & 0o777 == 0o700
    undo()
    assert tree(other_disk / "photos") == {
        name.removeprefix("photos/"): seen for name, seen in before.items()
    }


@fault("A shared trash with and without the sticky bit", "Only with it is it used.", 2)
def test_a_shared_trash_with_the_sticky_bit_is_used_and_one_without_is_not(other_disk: Path) -> None:
    paths = copies(other_disk / "photos")
    shared = other_disk / ".Trash"
    shared.mkdir()
    shared.chmod(0o1777)
    apply(make_plan([group(1, *map(photo, paths[:2]))], ORIGIN))
    assert (shared / str(os.getuid()) / "files" / "1.jpg").exists()
    shared.chmod(0o777)
    apply(make_plan([group(1, photo(paths[0]), photo(paths[2]))], ORIGIN))
    assert (other_disk / f".Trash-{os.getuid()}" / "files" / "2.jpg").exists()


@fault("No trash can be made", "Files go to the quarantine, and that is said.")
def test_where_no_trash_can_be_made_files_go_to_a_quarantine_and_that_is_said(other_disk: Path) -> None:
    other_disk.chmod(0o755)
    paths = copies(other_disk / "photos")
    (other_disk / f".Trash-{os.getuid()}").write_bytes(b"a file is in the way")
    before = tree(other_disk / "photos")
    result = apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    assert all("no trash can be made there" in step.note for step in result.of(State.DONE))
    place = other_disk / f".vtsfind-quarantine-{os.getuid()}" / result.run / "1"
    assert (place / "1.jpg").read_bytes() == b"same picture"
    assert str(paths[1]) in (place / "restore.json").read_text()
    undo()
    assert tree(other_disk / "photos") == before
    assert not (other_disk / f".vtsfind-quarantine-{os.getuid()}").exists()


@fault("A move to another drive", "Times are kept; it comes back.")
def test_a_move_to_another_volume_keeps_times_and_comes_back(other_disk: Path, tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos")
    before = tree(tmp_path / "photos")
    plan = make_plan(
        [group(1, *map(photo, paths))], ORIGIN, action=Action.MOVE, target=os.fsencode(other_disk / "aside")
    )
    assert len(apply(plan).of(State.DONE)) == 2
    moved = other_disk / "aside" / paths[1].relative_to("/")
    assert (moved.read_bytes(), moved.stat().st_mtime_ns) == (b"same picture", 7)
    undo()
    assert tree(tmp_path / "photos") == before
    assert list(other_disk.iterdir()) == []


@fault(
    "A move to another drive killed at a random system call", "Nothing is lost, and all comes back.", KILLS
)
def test_killed_in_a_move_to_another_volume_nothing_is_lost(
    actor: Actor, other_disk: Path, tmp_path: Path
) -> None:
    chooser = random.Random(4)
    for number in range(KILLS):
        folder, target = tmp_path / str(number), other_disk / str(number)
        before = build(folder, target)
        assert actor.run(Task(str(folder), "apply", chooser.randrange(500, 1600))) == 0
        bring_everything_back(folder)
        assert tree(folder / "photos") == before
        assert leftovers(folder, target) == []


@fault("A drive unplugged before `undo`", "Its files stay pending; the rest comes back.")
def test_an_unplugged_drive_leaves_its_part_pending(other_disk: Path, tmp_path: Path) -> None:
    here, there = copies(tmp_path / "photos"), copies(other_disk / "photos")
    keeper = here[0]
    plan = make_plan([group(1, photo(keeper), photo(here[1]), photo(there[1]))], ORIGIN)
    apply(plan)
    away = tmp_path / "away"
    away.mkdir()
    subprocess.run(["mount", "--move", str(other_disk), str(away)], check=False, capture_output=True)
    if not (away / "photos").exists():
        pytest.skip("needs the right to move a mount")
    undone = undo()
    assert [step.operation.path for step in undone.of(RestoreOutcome.RESTORED)] == [os.fsencode(here[1])]
    assert [step.operation.path for step in undone.of(RestoreOutcome.PENDING)] == [os.fsencode(there[1])]
    assert here[1].exists()
    assert list(other_disk.iterdir()) == []
    subprocess.run(["mount", "--move", str(away), str(other_disk)], check=True)
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]
    assert there[1].read_bytes() == b"same picture"


@fault("Another drive at the same place", "Its files stay pending.")
def test_another_drive_at_the_same_place_leaves_its_part_pending(other_disk: Path, tmp_path: Path) -> None:
    there = copies(other_disk / "photos")
    apply(make_plan([group(1, *map(photo, there))], ORIGIN))
    kept = tmp_path / "kept"
    kept.mkdir()
    if subprocess.run(
        ["mount", "--move", str(other_disk), str(kept)], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to move a mount")
    mount(other_disk)
    steps = undo().steps
    subprocess.run(["umount", "-l", str(other_disk)], check=True)
    subprocess.run(["mount", "--move", str(kept), str(other_disk)], check=True)
    assert {step.outcome for step in steps} == {RestoreOutcome.PENDING}
    assert {step.outcome for step in undo().steps} == {RestoreOutcome.RESTORED}


@fault("A folder mounted twice", "One file is never taken for two copies.", 4)
def test_a_folder_mounted_twice_holds_one_file_and_not_two_copies(tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 1)
    twice = tmp_path / "twice"
    twice.mkdir()
    if subprocess.run(
        ["mount", "--bind", str(paths[0].parent), str(twice)], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to bind a folder")
    try:
        for action in (Action.TRASH, Action.HARDLINK, Action.SYMLINK, Action.DELETE):
            plan = make_plan([group(1, photo(paths[0]), photo(twice / "0.jpg"))], ORIGIN, action=action)
            (step,) = apply(plan, permanently=True).steps
            assert step.state is State.SKIPPED
            assert "is the same file as" in step.note
        assert paths[0].read_bytes() == b"same picture"
    finally:
        subprocess.run(["umount", str(twice)], check=True)


@fault("No room for the journal", "No file is touched.")
def test_a_full_disk_under_the_journal_stops_before_any_file_is_touched(
    other_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = copies(tmp_path / "photos")
    before = tree(tmp_path)
    monkeypatch.setenv("VTSFIND_STATE_DIR", str(other_disk / "state"))
    fill(other_disk)
    with pytest.raises(StorageError):
        apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    assert tree(tmp_path / "photos") == {
        name.removeprefix("photos/"): seen for name, seen in before.items() if name.startswith("photos/")
    }


@fault("The journal's disk fills up half way", "It stops, and all comes back.")
def test_a_disk_that_fills_up_under_the_journal_loses_nothing(other_disk: Path, tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 300)
    before = tree(tmp_path / "photos")
    (tmp_path / "state").symlink_to(other_disk)
    groups = [group(i + 1, photo(paths[2 * i]), photo(paths[2 * i + 1])) for i in range(150)]
    plan = make_plan(groups, ORIGIN)
    planned_bytes = sum(len(line_of(_planned_record(operation))) for operation in operations(plan))
    filler = fill(other_disk)
    os.truncate(filler, filler.stat().st_size - planned_bytes - 50 * 1024)
    with at_home(tmp_path):
        with pytest.raises(StorageError, match="is full"):
            apply(plan)
        assert len(tree(tmp_path / "photos")) < 300
    filler.unlink()
    bring_everything_back(tmp_path)
    assert tree(tmp_path / "photos") == before


@fault("No room on the photos' drive", "Nothing is lost.")
def test_a_full_disk_under_the_photos_loses_nothing(other_disk: Path) -> None:
    paths = copies(other_disk / "photos")
    before = tree(other_disk / "photos")
    plan = make_plan([group(1, *map(photo, paths))], ORIGIN)
    filler = fill(other_disk)
    result = apply(plan)
    assert {step.state for step in result.steps} <= {State.DONE, State.SKIPPED}
    filler.unlink()
    if result.of(State.DONE):
        undo()
    assert tree(other_disk / "photos") == before


@fault("No room where files move to", "They stay where they are.")
def test_a_full_disk_at_the_end_of_a_move_spares_the_file(other_disk: Path, tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos")
    before = tree(tmp_path / "photos")
    fill(other_disk)
    plan = make_plan(
        [group(1, *map(photo, paths))], ORIGIN, action=Action.MOVE, target=os.fsencode(other_disk / "aside")
    )
    result = apply(plan)
    assert not result.of(State.DONE)
    assert tree(tmp_path / "photos") == before
    assert [path.name for path in other_disk.rglob("*") if path.is_file()] == ["filler"]


@fault("A read-only drive", "The group is skipped, for every action.", 7)
def test_a_read_only_folder_spares_the_group(other_disk: Path) -> None:
    paths = copies(other_disk / "photos")
    plan = make_plan([group(1, *map(photo, paths))], ORIGIN)
    subprocess.run(["mount", "-o", "remount,ro", str(other_disk)], check=True)
    before = tree(other_disk)
    for action in Action:
        if action is not Action.KEEP:
            plan = make_plan(
                [group(1, *map(photo, paths))], ORIGIN, action=action, target=os.fsencode(other_disk / "to")
            )
            result = apply(plan, permanently=True)
            assert {step.state for step in result.steps} == {State.SKIPPED}
            assert "read-only" in result.steps[0].note
    assert tree(other_disk) == before
