"""What can be wrong with the photos of a library, and what `vtsfind dupes` makes of it: each is handled and said."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support.copies import family, groups, names, save
from support.output import Vtsfind, records
from support.textures import photograph

from vtsfind.base.groups import Verdict


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder for photos, empty."""
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


def test_two_names_of_one_file_are_one_photo(photos: Path, dupes: Vtsfind) -> None:
    original = save(photos / "photo.jpg", photograph(0))
    os.link(original, photos / "link.jpg")
    result = dupes()
    assert result.stdout == ""
    assert "1 further path to the same files" in result.stderr


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


BAD_DISK = """
import errno, os
whole = os.open
def opened(path, *arguments, **options):
    if os.fsencode(path).endswith(os.environ["BAD_FILES"].encode()):
        raise OSError(errno.EIO, os.strerror(errno.EIO), path)
    return whole(path, *arguments, **options)
os.open = opened
"""


@pytest.fixture
def bad_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the processes that read photos get an I/O error for files with a certain ending."""
    (tmp_path / "started").mkdir()
    (tmp_path / "started" / "sitecustomize.py").write_text(BAD_DISK)

    def bad_disk(ending: str) -> None:
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "started"))
        monkeypatch.setenv("BAD_FILES", ending)

    return bad_disk


def test_a_photo_that_the_disk_does_not_give_back_costs_only_itself(
    photos: Path, dupes: Vtsfind, bad_disk: Callable[[str], None]
) -> None:
    family(photos)
    assert dupes("--kind", "bytes", "--summary").exit_code == 0
    bad_disk("edit.jpg")
    result = dupes("--json", index=False)
    assert result.exit_code == 3
    (group,) = groups(result)
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "resave.jpg", "turned.jpg"}
    (failure,) = records(result, "failure")
    assert (failure["path"], failure["reason"]) == (str(photos / "edit.jpg"), "cannot be read")
    assert "edit.jpg" in result.stderr


def test_of_two_files_with_one_content_the_other_is_read_if_one_cannot_be(
    photos: Path, dupes: Vtsfind, bad_disk: Callable[[str], None]
) -> None:
    family(photos)
    dupes("--kind", "bytes", "--summary")
    bad_disk("bytes.jpg")  # comes before photo.jpg, which has the same content
    result = dupes("--json", index=False)
    assert result.exit_code == 3
    (group,) = groups(result)
    assert {"photo.jpg", "pixels.png", "resave.jpg", "turned.jpg", "edit.jpg"} <= names(group)


def replaced(path: Path, kind: str) -> None:
    path.unlink()
    if kind == "a folder":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link to nowhere":
        path.symlink_to(path.with_name("nowhere.jpg"))
    else:
        path.symlink_to(path)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes and links")
@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("a folder", "changed while it was read", 3),
        ("a pipe", "changed while it was read", 3),
        ("a link to nowhere", "is gone", 0),
        ("a link to itself", "cannot be read", 3),
    ],
)
def test_a_photo_in_whose_place_is_something_else_costs_only_itself(
    photos: Path, dupes: Vtsfind, kind: str, reason: str, code: int
) -> None:
    family(photos)
    dupes("--kind", "bytes", "--summary")
    replaced(photos / "edit.jpg", kind)
    result = dupes("--json", index=False)
    assert result.exit_code == code, result.stderr
    (group,) = groups(result)
    assert names(group) == {"photo.jpg", "bytes.jpg", "pixels.png", "resave.jpg", "turned.jpg"}
    (failure,) = records(result, "failure")
    assert (failure["path"], failure["reason"]) == (str(photos / "edit.jpg"), reason)


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
    assert "drive is missing or empty; skipped its 1 photo" in result.stderr.replace("\n", " ")
    assert records(result, "absent")[0]["files"] == 1


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
