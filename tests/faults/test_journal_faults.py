"""What was half done stays known until it is settled, and a damaged journal is never taken for an empty one."""

import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system with fork and limits")

from support.disks import copies, move_mount
from support.fault_matrix import fault
from support.made_plans import ORIGIN, group, photo
from support.output import Vtsfind

from vtsfind.act.actions import moving
from vtsfind.act.make_plan import make_plan
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.recovery import recover, user_journal


def die_at_the_last_unlink(paths: list[Path], target: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Move a photo to another drive and stop, as a kill does, before its original goes; gives the run."""

    def killed(path: bytes, _other: bytes) -> None:
        raise KeyboardInterrupt(path)

    plan = make_plan([group(1, *map(photo, paths))], ORIGIN, action=Action.MOVE, target=os.fsencode(target))
    with monkeypatch.context() as patch:
        patch.setattr(moving, "unlink_copy", killed)
        with pytest.raises(KeyboardInterrupt):
            apply(plan)
    assert not paths[1].exists()
    return user_journal().runs()[-1]


@fault(
    "A move killed at its last step, its drive unplugged, then another `apply`",
    "It stays pending, and is settled when the drive is back.",
)
def test_every_unfinished_run_stays_pending_until_it_is_settled(
    run: Vtsfind, other_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = copies(other_disk / "photos", 2)
    killed = die_at_the_last_unlink(paths, tmp_path / "aside", monkeypatch)
    away = tmp_path / "away"
    move_mount(other_disk, away)
    try:
        apply(make_plan([group(1, *map(photo, copies(tmp_path / "photos")))], ORIGIN))
        assert user_journal().unfinished_runs() == [killed]
        said = run("doctor", "--library", tmp_path / "library")
        assert said.exit_code == 4
        assert killed in said.stdout + said.stderr
        assert "drive" in said.stdout + said.stderr
    finally:
        subprocess.run(["mount", "--move", str(away), str(other_disk)], check=True)
    recover()
    assert user_journal().unfinished_runs() == []
    assert paths[1].read_bytes() == b"same picture"
    assert user_journal().read(killed).op_records[1].state is State.PLANNED


def flipped(path: Path, at: int) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def journal_file() -> Path:
    journal = user_journal()
    return journal.folder / f"{journal.runs()[-1]}.journal"


@fault(
    "One wrong byte in each line of a run's journal, one at a time",
    "What comes back is there, what does not is named; exit code 3 or 4.",
    12,
)
def test_a_damaged_line_of_a_journal_is_never_a_success(run: Vtsfind, tmp_path: Path) -> None:
    paths = copies(tmp_path / "photos", 3)
    apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    path = journal_file()
    whole = path.read_bytes()
    starts = [0, *(at + 1 for at, byte in enumerate(whole) if byte == ord("\n"))][:-1]
    assert len(starts) > 5
    for number, start in enumerate(starts):
        path.write_bytes(whole)
        flipped(path, start + 30)
        assert run("history").exit_code in ({0, 3} if number in {0, len(starts) - 1} else {3}), number
        undone = run("undo", "--yes")
        back = [each for each in paths if each.exists()]
        if len(back) == len(paths):
            assert undone.exit_code in {0, 3}, number
        else:
            assert undone.exit_code in {3, 4}, number
            assert "damaged" in undone.stderr, number
        for each in paths[1:]:
            each.unlink(missing_ok=True)
        for each in paths[1:]:
            each.write_bytes(b"same picture")
            os.utime(each, ns=(5, 7))
        path.unlink()
        apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
        whole = path.read_bytes()


@fault(
    "A journal that is no journal, or has no permissions",
    "It is named; older runs are not undone in its place.",
    2,
)
def test_an_unreadable_journal_is_never_an_empty_one(run: Vtsfind, tmp_path: Path) -> None:
    first, second = copies(tmp_path / "a", 2), copies(tmp_path / "b", 2)
    apply(make_plan([group(1, *map(photo, first))], ORIGIN))
    apply(make_plan([group(1, *map(photo, second))], ORIGIN))
    path = journal_file()
    for content in (b"\x00" * 500, b"no journal\n" * 20):
        path.write_bytes(content)
        history = run("history")
        assert (history.exit_code, "no runs" in history.stderr) == (3, False)
        assert path.stem in history.stdout
        undone = run("undo", "--yes")
        assert undone.exit_code == 4
        assert path.stem in undone.stderr
        assert not first[1].exists()
        assert run("doctor").exit_code == 4
    assert run("doctor", "--repair").exit_code == 2, "there is no library, and nothing else is wrong"
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == content
    assert run("undo", "--yes").exit_code == 0
    assert first[1].exists()


@fault(
    "A marker of runs at work that is not text, is empty, or names no run",
    "It is no error, and what is unfinished is found.",
    4,
)
def test_a_damaged_marker_hides_no_unfinished_run(
    run: Vtsfind, other_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (b"\xff\xfe\x00", b"2020-01-01.1", b"\x00" * 100, b"../../etc"):
        paths = copies(other_disk / "photos", 2)
        die_at_the_last_unlink(paths, tmp_path / "aside", monkeypatch)
        (user_journal().folder / "at-work").write_bytes(content)
        said = run("history")
        assert said.exit_code == 0
        assert "was killed" in said.stderr
        assert paths[1].exists()
        assert not user_journal().at_work()
