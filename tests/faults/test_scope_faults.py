"""A folder that a person names to protect or to choose photos does that by whatever name, or is refused."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.copies import save
from support.fault_matrix import fault
from support.output import Vtsfind
from support.textures import photograph

OPTIONS = {
    "--reference": ("{0}",),
    "--prefer-folder": ("{0}",),
    "--within": ("{0}",),
    "--between": ("{0}", "{1}"),
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """`master` and `phone` with the same photo, whose path is shorter on the phone."""
    folder = tmp_path / "photos"
    for place in (folder / "phone", folder / "master" / "archive"):
        save(place / "a.jpg", photograph(0))
        os.utime(place / "a.jpg", (1e9, 1e9))
    return folder


@pytest.fixture
def plan(run: Vtsfind, photos: Path, tmp_path: Path) -> Vtsfind:
    """Make a plan of the photos."""
    library = tmp_path / "library"
    assert run("index", photos, "--library", library).exit_code == 0
    return lambda *arguments: run("plan", "--library", library, *arguments)


def gone(plan_text: str) -> list[str]:
    """The photos that a plan takes away."""
    return [
        line.split()[1].rsplit("/photos/", 1)[1]
        for line in plan_text.splitlines()
        if line.startswith("trash ")
    ]


@pytest.fixture
def names(photos: Path, tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Other names of `master`."""
    link = tmp_path / "link"
    link.symlink_to(photos / "master")
    above = tmp_path / "above"
    above.symlink_to(photos)
    bound = tmp_path / "bound"
    bound.mkdir()
    found = {"link": link, "below a link": above / "master", "dots": photos / "phone" / ".." / "master"}
    command = ["mount", "--bind", str(photos / "master"), str(bound)]
    mounted = (
        shutil.which("mount") and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    yield found | ({"bind mount": bound} if mounted else {})
    if mounted:
        subprocess.run(["umount", str(bound)], check=True)


@fault("`--reference` by a symbolic link, a bind mount, a path with dots", "It protects the same photos.", 4)
def test_a_reference_folder_protects_its_photos_by_any_of_its_names(
    plan: Vtsfind, names: dict[str, Path]
) -> None:
    assert gone(plan().stdout) == ["master/archive/a.jpg"]
    for what, name in names.items():
        result = plan("--reference", name)
        assert (result.exit_code, gone(result.stdout)) == (0, ["phone/a.jpg"]), what


@fault("`--between` and `--within` by other names of the folders", "The same pairs are asked about.", 8)
def test_a_scope_holds_by_any_of_its_folders_names(
    plan: Vtsfind, names: dict[str, Path], photos: Path
) -> None:
    for what, name in names.items():
        result = plan("--between", name, photos / "phone")
        assert (result.exit_code, gone(result.stdout)) == (0, ["master/archive/a.jpg"]), what
        assert gone(plan("--within", name).stdout) == [], what


@fault(
    "A library whose own folder is a symbolic link", "A reference folder above the link's target protects."
)
def test_photos_that_are_known_through_a_link_are_protected(
    run: Vtsfind, photos: Path, tmp_path: Path
) -> None:
    shutil.move(photos / "master", tmp_path / "disk")
    (photos / "master").symlink_to(tmp_path / "disk" / "archive")
    save(photos / "phone" / "b.jpg", photograph(1))
    library = tmp_path / "library"
    folders = (photos / "phone", photos / "master")
    assert run("index", *folders, "--library", library).exit_code == 0
    result = run("plan", "--library", library, "--reference", tmp_path / "disk")
    assert (result.exit_code, gone(result.stdout)) == (0, ["phone/a.jpg"])


@fault("A misspelt, missing, empty or unexpanded folder (`*`), or a file", "An error and no plan.", 20)
@pytest.mark.parametrize("option", OPTIONS)
def test_a_folder_that_covers_no_photo_is_an_error(
    plan: Vtsfind, photos: Path, tmp_path: Path, option: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no folder")
    wrong = ["photos/mastre", "photos/mas*", "empty", "notes.txt", "photos/phone/nowhere"]
    for name in wrong:
        arguments = [part.format(tmp_path / name, photos / "phone") for part in OPTIONS[option]]
        result = plan(option, *arguments)
        assert (result.exit_code, result.stdout) == (2, ""), name
        assert os.path.basename(name) in result.stderr


@fault("The same folder twice by two names", "An error and no plan.")
def test_one_folder_by_two_names_is_not_two(plan: Vtsfind, names: dict[str, Path], photos: Path) -> None:
    result = plan("--between", photos / "master", names["link"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "twice" in result.stderr
