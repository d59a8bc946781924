"""`vtsfind dupes`, from a folder of photos to groups, and everything that can be wrong on the way."""

import csv
import io
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Vtsfind, records
from PIL import Image, ImageOps
from textured import photograph
from typer.testing import Result

from vtsfind.base.groups import Verdict
from vtsfind.engine.decisions import Choice, remember

Made = Callable[[str, Image.Image], Path]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder for photos, empty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def dupes(run: Vtsfind, tmp_path: Path, photos: Path) -> Vtsfind:
    """Index the folder, if it was not, and look for duplicates."""
    library = tmp_path / "library"

    def dupes(*arguments: object, index: bool = True) -> Result:
        if index:
            assert run("index", photos, "--library", library).exit_code in {0, 3}
        return run("dupes", "--library", library, *arguments)

    return dupes


def save(path: Path, image: Image.Image, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **({"quality": 92} if path.suffix == ".jpg" else {}) | options)
    return path


def family(folder: Path, seed: int = 0) -> Image.Image:
    """A photo and one copy of it for each verdict; gives the photo."""
    image = photograph(seed)
    original = save(folder / "photo.jpg", image, quality=95)
    with Image.open(original) as opened:
        decoded = opened.convert("RGB")
    shutil.copyfile(original, folder / "bytes.jpg")
    save(folder / "pixels.png", decoded)
    save(folder / "resave.jpg", decoded, quality=60)
    save(folder / "turned.jpg", ImageOps.mirror(decoded))
    save(folder / "edit.jpg", decoded.crop((40, 30, 360, 270)))
    return image


def strangers(folder: Path, *seeds: int) -> None:
    for seed in seeds:
        save(folder / f"stranger-{seed}.jpg", photograph(seed))


def groups(result: Result) -> list[dict[str, Any]]:
    return records(result, "group")


def names(group: dict[str, Any]) -> set[str]:
    return {os.path.basename(member["path"]) for member in group["members"]}


def verdicts(group: dict[str, Any]) -> dict[str, str | None]:
    return {os.path.basename(member["path"]): member["verdict"] for member in group["members"]}


# ------------------------------------------------------------------------------------------- what comes out


def test_copies_are_found_each_with_its_verdict_and_evidence(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    strangers(photos, 1, 2, 3)
    result = dupes("--json")
    assert result.exit_code == 0, result.stderr
    (group,) = groups(result)
    assert group["keep"] == group["members"][0]["path"]
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "resave.jpg", "turned.jpg", "edit.jpg"}
    found = verdicts(group)
    keeper = os.path.basename(group["keep"])
    assert keeper in {"photo.jpg", "bytes.jpg"}
    assert found.pop(keeper) is None
    assert found[({"photo.jpg", "bytes.jpg"} - {keeper}).pop()] == "bytes"
    assert (found["pixels.png"], found["resave.jpg"]) == ("pixels", "resave")
    assert (found["turned.jpg"], found["edit.jpg"]) == ("turned", "edit")
    by_name = {os.path.basename(member["path"]): member for member in group["members"]}
    edit = by_name["edit.jpg"]["evidence"]
    assert edit["boxed"] == 0
    assert np.allclose([edit["box"][side] for side in ("left", "top")], [40 / 384, 30 / 288], atol=0.02)
    assert edit["inliers"] >= 15
    assert by_name["turned.jpg"]["evidence"]["turn"] == 2
    assert all(member["reason"] for member in group["members"])
    footer = records(result, "footer")[0]
    assert (footer["groups"], footer["copies"], footer["failed"], footer["verified"]) == (1, 5, 0, True)
    assert footer["gain"] == group["gain"] == sum(member["size"] for member in group["members"][1:])


def test_the_text_says_who_is_kept_and_why(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes()
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Group 1: 6 photos, ")
    assert lines[1].split()[0] == "keep"
    assert [line.split()[0] for line in lines[2:]] == ["bytes", "pixels", "resave", "turned", "edit"]
    assert "384x288 beats 320x240" in lines[-1]
    assert "1 group among 6 photos: 5 copies (1 bytes, 1 pixels, 1 resave, 1 turned, 1 edit)" in result.stderr


def test_a_second_run_reads_and_compares_nothing(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    strangers(photos, 1, 2)
    first, second = dupes("--json"), dupes("--json", index=False)
    assert records(first, "footer")[0]["looked"] > 0
    again = records(second, "footer")[0]
    assert (again["looked"], again["compared"]) == (0, 0)
    assert groups(first) == groups(second)


def test_the_groups_do_not_depend_on_what_was_known_before(
    photos: Path, dupes: Vtsfind, tmp_path: Path
) -> None:
    family(photos)
    first = groups(dupes("--json"))
    (tmp_path / "library" / "evidence.db").write_bytes(b"rubbish")
    assert groups(dupes("--json", index=False)) == first


def test_nothing_to_find_is_said_and_is_no_error(photos: Path, dupes: Vtsfind) -> None:
    strangers(photos, 1, 2, 3)
    result = dupes("--exit-code")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No duplicates among 3 photos." in result.stderr


def test_an_empty_library_has_no_duplicates(dupes: Vtsfind) -> None:
    assert dupes().exit_code == 0


def test_exit_code_tells_that_there_are_some(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    assert dupes("--exit-code", "--quiet").exit_code == 1
    assert dupes(index=False).exit_code == 0


def test_paths_are_those_of_the_copies(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    listed = dupes("--paths-only").stdout.splitlines()
    assert {os.path.basename(path) for path in listed} >= {"pixels.png", "resave.jpg", "edit.jpg"}
    assert len(listed) == 5
    zeros = dupes("--print0", index=False).stdout
    assert zeros.split("\0") == [*listed, ""]


def test_csv_has_a_line_a_photo(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    rows = list(csv.DictReader(io.StringIO(dupes("--csv").stdout)))
    assert [row["role"] for row in rows] == ["keep", *["copy"] * 5]
    assert {row["verdict"] for row in rows[1:]} == {"bytes", "pixels", "resave", "turned", "edit"}
    assert all(row["group"] == "1" for row in rows)


def test_summary_writes_no_groups(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes("--summary")
    assert result.stdout == ""
    assert "1 group" in result.stderr


def test_kinds_narrow_what_counts(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    (group,) = groups(dupes("--kind", "bytes", "--json"))
    assert names(group) == {"photo.jpg", "bytes.jpg"}
    (group,) = groups(dupes("--kind", "bytes,pixels", "--kind", "turned", "--json", index=False))
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "turned.jpg"}


@pytest.mark.parametrize("edit", ["framed", "turned"])
def test_a_frame_around_a_photo_does_not_make_it_the_better_one(
    photos: Path, dupes: Vtsfind, edit: str
) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    larger = (
        ImageOps.expand(image, 40, (246, 244, 238)) if edit == "framed" else image.rotate(15, expand=True)
    )
    save(photos / "larger.jpg", larger)
    (group,) = groups(dupes("--json"))
    assert group["keep"].endswith("photo.jpg")
    assert "of it a border" in group["members"][1]["reason"]


# ------------------------------------------------------------------------------------------------ the wishes


def test_without_looking_the_groups_are_candidates_and_say_so(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    result = dupes("--no-verify", "--radius", 24, "--json")
    (group,) = groups(result)
    assert {"photo.jpg", "pixels.png", "resave.jpg"} <= names(group)
    assert {member["verdict"] for member in group["members"][1:]} <= {"bytes", "similar"}
    footer = records(result, "footer")[0]
    assert (footer["verified"], footer["looked"], footer["compared"]) == (False, 0, 0)
    assert "Candidates only" in result.stderr
    assert "candidates only" in dupes("--no-verify", "--radius", 24, index=False).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--no-verify"],
        ["--kind", "similar"],
        ["--kind", "twin"],
        ["--radius", "9", "--max-false-merge", "1e-4"],
        ["--json", "--csv"],
        ["--between", "/a", "/a"],
        ["--between", "/a", "/b", "--within", "/c"],
        ["--keep-by", "beauty"],
    ],
    ids=" ".join,
)
def test_a_wish_that_makes_no_sense_is_refused(photos: Path, dupes: Vtsfind, arguments: list[str]) -> None:
    strangers(photos, 1)
    result = dupes(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_between_leaves_out_pairs_inside_one_folder(photos: Path, dupes: Vtsfind) -> None:
    family(photos / "a", 0)
    family(photos / "b", 1)
    save(photos / "b" / "far.jpg", photograph(0), quality=70)
    (group,) = groups(dupes("--between", photos / "a", photos / "b", "--json"))
    folders = {os.path.basename(os.path.dirname(member["path"])) for member in group["members"][1:]}
    assert folders == {"b"}
    assert names(group) & {"far.jpg"}


def test_within_leaves_out_everything_else(photos: Path, dupes: Vtsfind) -> None:
    family(photos / "a", 0)
    family(photos / "b", 1)
    (group,) = groups(dupes("--within", photos / "b", "--json"))
    assert all("/b/" in member["path"] for member in group["members"])


def test_a_preferred_folder_decides_between_equals(photos: Path, dupes: Vtsfind) -> None:
    original = save(photos / "a" / "photo.jpg", photograph(0))
    (photos / "other").mkdir()
    shutil.copyfile(original, photos / "other" / "photo.jpg")
    (group,) = groups(dupes("--prefer-folder", photos / "other", "--json"))
    assert group["keep"].endswith("/other/photo.jpg")


def test_photos_of_a_reference_folder_are_never_proposed_to_go(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "master" / "small.jpg", image.resize((192, 144)))
    save(photos / "master" / "smaller.jpg", image.resize((180, 135)))
    save(photos / "large.jpg", image)
    (group,) = groups(dupes("--reference", photos / "master", "--json"))
    assert "/master/" in group["keep"]
    assert names(group) == {os.path.basename(group["keep"]), "large.jpg"}


def test_not_a_duplicate_is_remembered(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    save(photos / "copy.jpg", image, quality=60)
    (group,) = groups(dupes("--json"))
    remember(Choice.NOT_DUPLICATE, [bytes.fromhex(member["sha256"]) for member in group["members"]])
    assert groups(dupes("--json", index=False)) == []


# ------------------------------------------------------------------------------------------------- bad input


def test_two_names_of_one_file_are_one_photo(photos: Path, dupes: Vtsfind) -> None:
    original = save(photos / "photo.jpg", photograph(0))
    os.link(original, photos / "link.jpg")
    result = dupes()
    assert result.stdout == ""
    assert "1 path more to the same files" in result.stderr


def test_a_photo_that_is_gone_is_left_out_and_said(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    dupes("--summary")
    (photos / "edit.jpg").unlink()
    result = dupes("--json", index=False)
    (group,) = groups(result)
    assert "edit.jpg" not in names(group)
    assert "edit.jpg is gone since" in result.stderr
    assert records(result, "failure")[0]["reason"] == "is gone"


def test_a_photo_that_changed_is_left_out_and_costs_the_exit_code(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    dupes("--summary")
    save(photos / "edit.jpg", photograph(9))
    result = dupes("--json", index=False)
    (group,) = groups(result)
    assert "edit.jpg" not in names(group)
    assert result.exit_code == 3


def test_a_photo_changed_behind_its_stamp_is_noticed_when_it_is_read(photos: Path, dupes: Vtsfind) -> None:
    first, second = save(photos / "a.jpg", photograph(0)), save(photos / "b.jpg", photograph(0), quality=91)
    assert dupes("--kind", "bytes", "--summary").exit_code == 0
    before = second.stat()
    data = bytearray(second.read_bytes())
    data[-20] ^= 1
    second.write_bytes(data)
    os.utime(second, ns=(before.st_atime_ns, before.st_mtime_ns))
    result = dupes("--json", index=False)
    assert (result.exit_code, groups(result)) == (3, [])
    assert records(result, "failure")[0]["path"] == str(second)
    assert first.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read anything")
def test_an_unreadable_photo_costs_only_itself(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    dupes("--kind", "bytes", "--summary")
    (photos / "edit.jpg").chmod(0)
    result = dupes("--json", index=False)
    assert result.exit_code == 3
    assert len(groups(result)) == 1


def test_a_missing_drive_is_named_and_its_photos_left_out(
    tmp_path: Path, photos: Path, dupes: Vtsfind, run: Vtsfind
) -> None:
    family(photos)
    drive = tmp_path / "drive"
    save(drive / "copy.jpg", photograph(0), quality=50)
    assert run("index", drive, "--library", tmp_path / "library").exit_code == 0
    shutil.rmtree(drive)
    result = dupes("--json")
    assert result.exit_code == 0
    assert len(groups(result)[0]["members"]) == 6
    assert "drive is missing or empty; its 1 photo are left out" in result.stderr.replace("\n", " ")
    assert records(result, "absent")[0]["files"] == 1


def test_many_files_of_one_content_are_one_group(photos: Path, dupes: Vtsfind) -> None:
    original = save(photos / "thumb.jpg", photograph(0, 96, 72))
    for number in range(300):
        shutil.copyfile(original, photos / f"thumb-{number}.jpg")
    result = dupes("--json")
    (group,) = groups(result)
    assert len(group["members"]) == 301
    assert {member["verdict"] for member in group["members"][1:]} == {"bytes"}
    assert records(result, "footer")[0]["looked"] == 0


def test_black_frames_match_by_their_pixels_only(photos: Path, dupes: Vtsfind) -> None:
    for number in range(6):
        save(photos / f"black-{number}.png", Image.new("RGB", (160, 120)), compress_level=number)
    for number in range(6):
        speck = Image.new("RGB", (160, 120))
        speck.putpixel((number * 20, 10), (9, 9, 9))
        save(photos / f"speck-{number}.png", speck)
    (group,) = groups(dupes("--json"))
    assert all(name.startswith("black") for name in names(group))
    assert {member["verdict"] for member in group["members"][1:]} <= {"bytes", "pixels"}


def test_a_film_strip_is_no_copy_of_its_first_frame_by_pixels(photos: Path, dupes: Vtsfind) -> None:
    frames = [photograph(0, 96, 72).quantize(200), photograph(1, 96, 72).quantize(200)]
    frames[0].save(photos / "film.gif", save_all=True, append_images=frames[1:], duration=100, loop=0)
    with Image.open(photos / "film.gif") as film:
        save(photos / "frame.png", film.convert("RGB"))
    assert not any(
        member["verdict"] == Verdict.PIXELS
        for group in groups(dupes("--json"))
        for member in group["members"]
    )


def test_a_film_and_side_cars_are_told_with_their_photo(photos: Path, dupes: Vtsfind) -> None:
    family(photos)
    for name in ("photo.MOV", "photo.xmp", "photo.jpg.json"):
        (photos / name).write_bytes(b"beside it")
    (group,) = groups(dupes("--json"))
    own = {
        os.path.basename(member["path"]): {os.path.basename(each["path"]) for each in member["companions"]}
        for member in group["members"]
    }
    assert group["keep"].endswith("photo.jpg")
    assert own["photo.jpg"] == {"photo.MOV", "photo.xmp", "photo.jpg.json"}
    assert not any(beside for name, beside in own.items() if name != "photo.jpg")


def test_a_name_that_is_no_unicode_comes_through(photos: Path, dupes: Vtsfind) -> None:
    image = photograph(0)
    save(photos / "photo.jpg", image)
    path = os.fsencode(photos) + b"/copy-\xff.jpg"
    try:
        with open(path, "wb") as file:
            image.save(file, "JPEG", quality=60)
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    (group,) = groups(dupes("--json"))
    assert any(member.get("path_b64") for member in group["members"])


def test_no_library_is_said(run: Vtsfind, tmp_path: Path) -> None:
    result = run("dupes", "--library", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "There is no library" in result.stderr


def test_the_library_may_be_read_while_another_writes_it(
    photos: Path, dupes: Vtsfind, tmp_path: Path
) -> None:
    from vtsfind.store.index import Index

    family(photos)
    dupes("--summary")
    with Index.open(tmp_path / "library", write=True):
        assert dupes("--json", index=False).exit_code == 0


def test_a_plan_keeps_edits_unless_it_is_asked_for_their_kind(
    run: Vtsfind, dupes: Vtsfind, photos: Path, tmp_path: Path
) -> None:
    family(photos)
    assert dupes().exit_code == 0
    made = run("plan", "--library", tmp_path / "library")
    lines = [line for line in made.stdout.splitlines() if "/photos/" in line and "  # " in line]
    words = {name: line.split()[0] for line in lines for name in ("resave.jpg", "edit.jpg") if name in line}
    assert words == {"resave.jpg": "trash", "edit.jpg": "keep"}
    assert "1 edit kept in the plan" in made.stderr
    asked = run("plan", "--library", tmp_path / "library", "--kind", "copies")
    (line,) = (line for line in asked.stdout.splitlines() if "edit.jpg" in line and "  # " in line)
    assert line.startswith("trash")
