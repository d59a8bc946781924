"""A trash or a quarantine that is not the user's own is never used."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="needs a system with owners of files")

from support.disks import copies
from support.fault_matrix import fault
from support.killed_apply import tree
from support.made_plans import ORIGIN, group, photo

from vtsfind.act.make_plan import make_plan
from vtsfind.base.operations import Action, State
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.undo import undo

USER = str(os.getuid())
SOMEBODY = 12345


def somebodys(folder: Path, mode: int = 0o777) -> None:
    """Make a folder of another user's."""
    folder.mkdir(parents=True)
    folder.chmod(mode)
    try:
        os.chown(folder, SOMEBODY, SOMEBODY)
    except PermissionError:
        pytest.skip("needs the right to give folders away")


def linked(folder: Path) -> None:
    """Make a symbolic link to a folder elsewhere on the drive, of the user's own."""
    folder.parent.mkdir(exist_ok=True)
    (folder.parent / "elsewhere").mkdir(0o700)
    folder.symlink_to(folder.parent / "elsewhere")


def writable(folder: Path) -> None:
    """Make a folder of the user's own in which others may write."""
    folder.mkdir()
    folder.chmod(0o777)


TRAPS = [somebodys, linked, writable]


def shared(disk: Path, mode: int = 0o1777) -> Path:
    """The trash of all users, as an administrator makes it."""
    folder = disk / ".Trash"
    folder.mkdir()
    folder.chmod(mode)
    return folder


def trash_and_undo(disk: Path, action: Action = Action.TRASH) -> list[str]:
    """Take two of three photos away, and bring them back; the folders that they went to."""
    disk.chmod(0o1777)
    paths = copies(disk / "photos")
    before = tree(disk / "photos")
    result = apply(make_plan([group(1, *map(photo, paths))], ORIGIN, action=action))
    assert len(result.of(State.DONE)) == 2, [step.note for step in result.steps]
    found = [path for path in disk.rglob("*") if path.is_file() and path.read_bytes() == b"same picture"]
    gone = {str(path.relative_to(disk)) for path in found} - {"photos/0.jpg"}
    undo()
    assert tree(disk / "photos") == before
    return sorted({name.split("/files/")[0].split(f"/{result.run}/")[0] for name in gone})


@fault("`.Trash-UID` of another user, as a link, or open to all", "The next place is used.", 3)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trash_that_is_not_the_user_s_own_is_not_used(
    other_disk: Path, trap: Callable[[Path], None]
) -> None:
    trap(other_disk / f".Trash-{USER}")
    assert trash_and_undo(other_disk) == [f"photos/.vtsfind-quarantine-{USER}"]


@fault("`files` in `.Trash-UID` of another user, as a link, or open to all", "The next place is used.", 3)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_trash_with_parts_that_are_not_the_user_s_own_is_not_used(
    other_disk: Path, trap: Callable[[Path], None]
) -> None:
    (other_disk / f".Trash-{USER}").mkdir(0o700)
    trap(other_disk / f".Trash-{USER}" / "files")
    assert trash_and_undo(other_disk) == [f"photos/.vtsfind-quarantine-{USER}"]


@fault("`.Trash/UID` of another user, as a link, or open to all", "The next place is used.", 3)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_place_in_the_shared_trash_that_is_not_the_user_s_own_is_not_used(
    other_disk: Path, trap: Callable[[Path], None]
) -> None:
    trap(shared(other_disk) / USER)
    assert trash_and_undo(other_disk) == [f".Trash-{USER}"]


@fault("`.Trash` made by another user, or a link", "The next place is used.", 2)
def test_a_shared_trash_that_no_administrator_made_is_not_used(other_disk: Path) -> None:
    somebodys(other_disk / ".Trash", 0o1777)
    assert trash_and_undo(other_disk) == [f".Trash-{USER}"]
    os.rename(other_disk / ".Trash", other_disk / "trap")
    (other_disk / ".Trash").symlink_to(other_disk / "trap")
    assert trash_and_undo(other_disk) == [f".Trash-{USER}"]


@fault("`.vtsfind-quarantine-UID` of another user, as a link, or open to all", "The next place is used.", 3)
@pytest.mark.parametrize("trap", TRAPS)
def test_a_quarantine_that_is_not_the_user_s_own_is_not_used(
    other_disk: Path, trap: Callable[[Path], None]
) -> None:
    (other_disk / "photos").mkdir()
    trap(other_disk / "photos" / f".vtsfind-quarantine-{USER}")
    assert trash_and_undo(other_disk, Action.QUARANTINE) == [f".vtsfind-quarantine-{USER}"]


@fault("No safe place at all", "The files stay, and the reason is said.")
def test_without_a_safe_place_the_files_stay(other_disk: Path) -> None:
    paths = copies(other_disk / "photos")
    for folder in (other_disk, other_disk / "photos"):
        somebodys(folder / f".vtsfind-quarantine-{USER}")
    somebodys(other_disk / f".Trash-{USER}")
    before = tree(other_disk / "photos")
    result = apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    assert {step.state for step in result.steps} == {State.SKIPPED}
    assert "belongs to another user" in result.steps[0].note
    assert tree(other_disk / "photos") == before


@fault("The user's trash is a link to another drive", "The trash at the top of the photos' drive is used.")
def test_a_home_trash_on_another_drive_is_not_used(
    other_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = other_disk / "home"
    home.mkdir()
    (tmp_path / "big").mkdir()
    (home / "Trash").symlink_to(tmp_path / "big")
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    assert trash_and_undo(other_disk) == [f".Trash-{USER}"]
    (home / "Trash").unlink()
    (home / "bin").mkdir(0o700)
    (home / "Trash").symlink_to(home / "bin")
    assert trash_and_undo(other_disk) == ["home/bin"], (
        "a link of the user's own on the same drive is followed"
    )


@fault("A drive whose file system keeps no owners", "Its trash is used.")
def test_where_files_have_no_owners_the_trash_is_used(
    other_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)  # as where every file seems to be one user's
    assert trash_and_undo(other_disk) == [f".Trash-{USER}"]
