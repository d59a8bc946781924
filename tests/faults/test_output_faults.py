"""What a command writes to a file never takes the place of something that is not vtsfind's."""

import os
import stat
import threading
from pathlib import Path

import pytest
from support.copies import save
from support.fault_matrix import fault
from support.output import Vtsfind
from support.textures import photograph


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two copies of a photo."""
    folder = tmp_path / "photos"
    save(folder / "a.jpg", photograph(0), quality=95)
    save(folder / "b.jpg", photograph(0), quality=60)
    return folder


@pytest.fixture
def ask(run: Vtsfind, photos: Path, tmp_path: Path) -> Vtsfind:
    """Ask a library of the photos something."""
    library = tmp_path / "library"
    assert run("index", photos, "--library", library).exit_code == 0
    return lambda command, *arguments: run(command, "--library", library, *arguments)


COMMANDS: list[tuple[str, ...]] = [("plan", "--output"), ("calibrate", "--edited", "1", "--plot")]


@fault(
    "`plan -o` and `calibrate --plot` onto a photo, a link to one, by force",
    "The photo is never written over.",
    10,
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_output_takes_the_place_of_a_photo(
    ask: Vtsfind, photos: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "link.txt").symlink_to(photos / "a.jpg")
    (tmp_path / "hard.txt").hardlink_to(photos / "a.jpg")
    before = (photos / "a.jpg").read_bytes()
    os.utime(photos / "b.jpg", ns=(1, 1))  # the library's note of it is out of date now
    other = (photos / "b.jpg").read_bytes()
    for force in ([], ["--force"]):
        for name in (photos / "a.jpg", tmp_path / "link.txt", tmp_path / "hard.txt", photos / "b.jpg"):
            result = ask(*command, name, *force)
            assert result.exit_code == 2, name
            assert name.name in result.stderr
    assert (photos / "a.jpg").read_bytes() == before
    assert (photos / "b.jpg").read_bytes() == other
    assert (tmp_path / "link.txt").is_symlink()


@fault(
    "`plan -o` and `calibrate --plot` onto a file of a person's", "It is written over only with `--force`.", 4
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_of_a_person_is_written_over_only_by_force(
    ask: Vtsfind, tmp_path: Path, command: tuple[str, ...]
) -> None:
    if command[0] == "calibrate":
        pytest.importorskip("matplotlib")
    notes = tmp_path / "notes.txt"
    notes.write_text("dear diary")
    result = ask(*command, notes)
    assert (result.exit_code, "--force" in result.stderr) == (2, True)
    assert notes.read_text() == "dear diary"
    assert ask(*command, notes, "--force").exit_code == 0
    assert ask(*command, notes).exit_code == 0, "what vtsfind wrote itself may be written again"


def test_a_plan_is_written_over_a_plan_in_either_form(ask: Vtsfind, tmp_path: Path) -> None:
    target = tmp_path / "plan"
    target.write_text(ask("plan", "--json").stdout)
    assert ask("plan", "--output", target).exit_code == 0
    target.write_bytes(b"")
    assert ask("plan", "--output", target).exit_code == 0
    assert target.read_text().startswith("vtsfind plan 1\n")


@fault("`plan -o` onto a pipe and a full device", "It is written to, and stays what it is.", 2)
def test_pipes_and_devices_are_written_to_and_not_replaced(ask: Vtsfind, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert ask("plan", "--output", pipe).exit_code == 0
    reader.join(timeout=20)
    assert read, "the pipe was not written to"
    assert read[0].startswith(b"vtsfind plan 1\n")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    full = tmp_path / "full"
    try:
        os.mknod(full, stat.S_IFCHR | 0o600, os.stat("/dev/full").st_rdev)
        full.write_bytes(b"")
    except OSError:
        pytest.skip("needs the right to make a device")
    result = ask("plan", "--output", full)
    assert (result.exit_code, "No space" in result.stderr) == (4, True)
    assert stat.S_ISCHR(full.stat().st_mode)
