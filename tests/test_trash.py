"""The trash is that of the freedesktop.org specification, and the quarantine explains itself."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from support.made_plans import ORIGIN, digest, group, photo

from vtsfind.act.actions import ActionRefused, Actions, renaming
from vtsfind.act.actions import system_trash as system
from vtsfind.act.actions.xdg_trash import NoPlaceAvailable, Quarantine, Trash
from vtsfind.act.checks import CheckedOperation, stat_regular_file
from vtsfind.act.make_plan import make_plan
from vtsfind.act.plan import operations
from vtsfind.act.volumes import Volumes
from vtsfind.base.operations import Action, Operation, State
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.undo import RestoreOutcome, undo

pytestmark = pytest.mark.skipif(
    sys.platform in {"darwin", "win32"}, reason="this system has another kind of trash"
)


@pytest.fixture
def trash(own_places: Path) -> Path:
    """The trash of the test's own data folder."""
    return own_places / "share" / "Trash"


def two(folder: Path, name: str = "copy.jpg") -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / "keep.jpg", folder / name]
    for path in paths:
        path.write_bytes(b"same picture")
    return paths


def take(paths: list[Path], action: Action = Action.TRASH) -> None:
    result = apply(make_plan([group(1, *map(photo, paths))], ORIGIN, action=action))
    assert {step.state for step in result.steps} == {State.DONE}


@contextmanager
def audited() -> Iterator[list[tuple[Any, ...]]]:
    """The openings and renamings of files within the block, in order."""
    seen: list[tuple[Any, ...]] = []
    active = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event in {"open", "os.rename", "os.mkdir"}:
            seen.append((event, *arguments))

    sys.addaudithook(hook)
    yield seen
    active = False


def test_the_info_file_is_made_exclusively_and_before_the_file_moves(tmp_path: Path, trash: Path) -> None:
    paths = two(tmp_path / "photos")
    (operation,) = operations(make_plan([group(1, *map(photo, paths))], ORIGIN))
    actions = Actions("2026-05-04.1")
    checked = CheckedOperation(
        operation, stat_regular_file(operation.path), stat_regular_file(os.fsencode(paths[0]))
    )
    with audited() as seen:
        undo_record = actions.prepare(checked)
    info = trash / "info" / "copy.jpg.trashinfo"
    (flags,) = [
        flags
        for event, path, _, flags in (one for one in seen if one[0] == "open")
        if path == os.fsencode(info)
    ]
    assert flags & os.O_EXCL
    assert flags & os.O_CREAT
    assert info.exists()
    assert paths[1].exists()
    assert list((trash / "files").iterdir()) == []
    actions.perform(checked, undo_record)
    assert (trash / "files" / "copy.jpg").exists()


def test_names_that_are_taken_get_a_number(tmp_path: Path, trash: Path) -> None:
    for _ in range(3):
        take(two(tmp_path / "photos"))
    (trash / "files" / "copy 4.jpg").write_bytes(b"someone else's, without an info file")
    (trash / "info" / "copy 5.jpg.trashinfo").write_bytes(b"someone else's, without a file")
    take(two(tmp_path / "photos"))
    assert {path.name for path in (trash / "files").iterdir()} == {
        "copy.jpg", "copy 2.jpg", "copy 3.jpg", "copy 4.jpg", "copy 6.jpg",
    }  # fmt: skip
    assert (trash / "files" / "copy 4.jpg").read_bytes().startswith(b"someone")


def test_the_longest_names_fit(tmp_path: Path) -> None:
    paths = two(tmp_path / "photos", "n" * 251 + ".jpg")
    take(paths)
    assert not paths[1].exists()
    undo()
    assert paths[1].exists()


def test_paths_are_written_as_the_specification_says(tmp_path: Path, trash: Path) -> None:
    name = os.fsdecode("50% größer\n\udcff.jpg".encode("utf-8", "surrogateescape"))
    paths = two(tmp_path / "photos", name)
    take(paths)
    (info,) = (trash / "info").iterdir()
    head, path, date = info.read_text().splitlines()
    assert (head, path.partition("=")[0], date.partition("=")[0]) == ("[Trash Info]", "Path", "DeletionDate")
    assert path.isascii()
    assert os.fsencode(unquote(path.partition("=")[2], errors="surrogateescape")) == os.fsencode(paths[1])


def test_the_folders_are_private(tmp_path: Path, trash: Path) -> None:
    take(two(tmp_path / "photos"))
    assert {path.stat().st_mode & 0o777 for path in (trash, trash / "files", trash / "info")} == {0o700}


def test_send2trash_and_vtsfind_share_a_trash(
    tmp_path: Path, trash: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another program of the specification puts there is left alone, and says the same of a file."""
    from send2trash import plat_other

    monkeypatch.setattr(plat_other, "XDG_DATA_HOME", os.fsencode(trash.parent))
    monkeypatch.setattr(plat_other, "HOMETRASH_B", os.fsencode(trash))
    monkeypatch.setattr(plat_other, "get_dev", lambda path: os.lstat(os.path.dirname(path)).st_dev)
    paths = two(tmp_path / "photos")
    plat_other.send2trash(str(paths[1]))
    theirs = (trash / "info" / "copy.jpg.trashinfo").read_text().splitlines()
    two(tmp_path / "photos")
    take(paths)
    ours = (trash / "info" / "copy 2.jpg.trashinfo").read_text().splitlines()
    assert ours[:2] == theirs[:2]
    undo()
    assert paths[1].exists()
    assert {path.name for path in (trash / "files").iterdir()} == {"copy.jpg"}


def test_a_trash_of_the_system_is_searched_for_what_went_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS and Windows, where only the system knows the place."""
    folder = tmp_path / "system's"
    folder.mkdir()
    monkeypatch.setattr(system, "is_used", lambda: True)
    monkeypatch.setattr(system, "folders", lambda *_: iter([os.fsencode(folder)]))
    monkeypatch.setattr(
        system, "send", lambda path: os.rename(path, os.path.join(os.fsencode(folder), b"renamed"))
    )
    paths = two(tmp_path / "photos")
    take(paths)
    assert [path.name for path in folder.iterdir()] == ["renamed"]
    assert [step.outcome for step in undo().steps] == [RestoreOutcome.RESTORED]
    assert paths[1].read_bytes() == b"same picture"


def test_a_file_that_took_its_keeper_along_is_taken_out_of_the_systems_trash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "system's"
    folder.mkdir()
    paths = two(tmp_path / "photos")

    def send(path: bytes) -> None:
        os.rename(path, os.path.join(os.fsencode(folder), b"renamed"))
        paths[0].rename(folder / "keeper")

    monkeypatch.setattr(system, "is_used", lambda: True)
    monkeypatch.setattr(system, "folders", lambda *_: iter([os.fsencode(folder)]))
    monkeypatch.setattr(system, "send", send)
    result = apply(make_plan([group(1, *map(photo, paths))], ORIGIN))
    assert [step.state for step in result.steps] == [State.FAILED]
    assert paths[1].read_bytes() == b"same picture"


def test_a_quarantine_says_where_its_files_came_from(tmp_path: Path) -> None:
    paths = two(tmp_path / "photos")
    operation = Operation(7, 1, Action.QUARANTINE, os.fsencode(paths[1]), 12, digest(paths[1]))
    slot = Quarantine(Volumes(), "2026-05-04.1").reserve(operation)
    record = json.loads(Path(os.fsdecode(slot.record)).read_text())
    assert record == {"path": str(paths[1]), "size": 12, "sha256": digest(paths[1]).hex()}
    again = Quarantine(Volumes(), "2026-05-04.1").reserve(operation)
    assert os.path.dirname(again.place).endswith(b"/7-2")
    for each in (again, slot):
        renaming.remove_if_exists(each.record)
        renaming.remove_empty(each.made)


def test_a_quarantine_is_not_made_in_a_folder_for_all_users(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    shared = [folder for folder in (tmp_path, *tmp_path.parents) if folder.stat().st_mode & 0o1000]
    places = [folder / f".vtsfind-quarantine-{os.getuid()}" for folder in (*shared, Path("/"))]
    before = [place for place in places if place.exists()]
    take(two(tmp_path / "mine" / "photos"), Action.QUARANTINE)
    assert [place for place in places if place.exists()] == before
    undo()


def test_where_neither_can_be_made_the_group_is_spared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NoPlaceAvailable("No space left on device")

    monkeypatch.setattr(Trash, "reserve", refuse)
    monkeypatch.setattr(Quarantine, "reserve", refuse)
    paths = two(tmp_path / "photos")
    (step,) = apply(make_plan([group(1, *map(photo, paths))], ORIGIN)).steps
    assert step.state is State.SKIPPED
    assert "neither a trash (No space left on device) nor a quarantine" in step.note
    assert paths[1].exists()


def test_renaming_never_overwrites_even_where_the_system_cannot_promise_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"a")
    target.write_bytes(b"b")
    for exclusive in (renaming._exclusive(), None):
        monkeypatch.setattr(renaming, "_exclusive", lambda call=exclusive: call)
        with pytest.raises(FileExistsError):
            renaming.rename_new(os.fsencode(source), os.fsencode(target))
        assert target.read_bytes() == b"b"
        renaming.rename_new(os.fsencode(source), os.fsencode(tmp_path / "c"))
        renaming.rename_new(os.fsencode(tmp_path / "c"), os.fsencode(source))


def test_a_file_swapped_at_the_very_moment_it_goes_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vtsfind.act.actions import guards as guarding

    paths = two(tmp_path / "photos")
    (operation,) = operations(make_plan([group(1, *map(photo, paths))], ORIGIN))
    checked = CheckedOperation(
        operation, stat_regular_file(operation.path), stat_regular_file(os.fsencode(paths[0]))
    )
    actions = Actions("2026-05-04.1")
    undo_record = actions.prepare(checked)

    def swap(source: bytes, target: bytes) -> None:
        if source == operation.path:
            paths[1].unlink()
            paths[1].write_bytes(b"a new photo!")
        renaming.rename_new(source, target)

    monkeypatch.setattr(guarding, "rename_new", swap)
    with pytest.raises(ActionRefused, match="was replaced during the operation"):
        actions.perform(checked, undo_record)
    assert paths[1].read_bytes() == b"a new photo!"


@pytest.fixture
def folded(tmp_path: Path) -> Iterator[Path]:
    """A folder of a file system that takes upper case for lower case."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    disk.mkdir()
    image.write_bytes(b"")
    os.truncate(image, 8 << 20)
    make = ["mkfs.ext4", "-q", "-O", "casefold", str(image)]
    if not shutil.which(make[0]) or subprocess.run(make, capture_output=True, check=False).returncode:
        pytest.skip("needs mkfs.ext4")
    if subprocess.run(
        ["mount", "-o", "loop", str(image), str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount, and a system that folds case")
    folder = disk / "photos"
    folder.mkdir()
    folds = subprocess.run(["chattr", "+F", str(folder)], capture_output=True, check=False).returncode == 0
    if folds:
        yield folder
    subprocess.run(["umount", "-l", str(disk)], check=True)
    if not folds:
        pytest.skip("needs a system that folds case")


@pytest.mark.parametrize("action", [Action.TRASH, Action.HARDLINK, Action.SYMLINK, Action.DELETE])
def test_names_that_differ_in_case_only_may_be_one_file(action: Action, folded: Path) -> None:
    keeper = folded / "beach.jpg"
    keeper.write_bytes(b"same picture")
    plan = make_plan([group(1, photo(keeper), photo(folded / "BEACH.JPG"))], ORIGIN, action=action)
    (step,) = apply(plan, permanently=True).steps
    assert step.state is State.SKIPPED
    assert "is the same file as" in step.note
    assert keeper.read_bytes() == b"same picture"


def test_access_control_lists_survive_the_trash_and_a_link(tmp_path: Path) -> None:
    entries = (0x01, 6, -1), (0x02, 4, 1234), (0x04, 4, -1), (0x10, 4, -1), (0x20, 0, -1)
    acl = (2).to_bytes(4, "little") + b"".join(
        tag.to_bytes(2, "little") + mode.to_bytes(2, "little") + (who & 0xFFFFFFFF).to_bytes(4, "little")
        for tag, mode, who in entries
    )
    for action in (Action.TRASH, Action.HARDLINK):
        paths = two(tmp_path / action)
        try:
            os.setxattr(paths[1], "system.posix_acl_access", acl)
        except OSError:
            pytest.skip("no access control lists here")
        before = os.getxattr(paths[1], "system.posix_acl_access")
        take(paths, action)
        undo()
        assert os.getxattr(paths[1], "system.posix_acl_access") == before
