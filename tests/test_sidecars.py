"""Films, RAW files and side-cars go where their photo goes, and nowhere else."""

import os
from pathlib import Path

import pytest

from vtsfind.base.groups import Photo
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.library.sidecars import Sidecars, split_sidecars


def sidecars(folder: Path, photo: str, *others: str) -> set[str]:
    """The companions of a photo that lies in a folder with other files."""
    for name in (photo, *others):
        (folder / name).touch()
    found = Sidecars().sidecars(os.fsencode(folder / photo))
    assert all(os.path.dirname(path) == os.fsencode(folder) for path in found)
    assert list(found) == sorted(found)
    return {os.path.basename(os.fsdecode(path)) for path in found}


@pytest.mark.parametrize(
    ("photo", "companion"),
    [
        ("IMG_1.HEIC", "IMG_1.MOV"),
        ("IMG_1.heic", "IMG_1.mov"),
        ("PXL_1.jpg", "PXL_1.MP"),
        ("IMG_1.JPG", "IMG_1.CR2"),
        ("DSC1.jpg", "DSC1.ARW"),
        ("IMG_1.JPG", "IMG_1.xmp"),
        ("IMG_1.JPG", "IMG_1.JPG.xmp"),
        ("IMG_1.HEIC", "IMG_1.AAE"),
        ("IMG_1.NEF", "IMG_1.xmp"),
        ("IMG_1.jpg", "IMG_1.jpg.json"),
        ("IMG_1.jpg", "IMG_1.json"),
        ("IMG_1.jpg", "IMG_1.jpg.supplemental-metadata.json"),
        ("IMG_1(2).jpg", "IMG_1.jpg(2).json"),
        ("IMG_1(1).jpg", "IMG_1.jpg(1).json"),
        ("IMG_1(1).JPG", "IMG_1.JPG(1).JSON"),
        ("IMG_1(1).HEIC", "IMG_1(1).MOV"),
        ("img_1.jpeg", "img_1.DNG"),
        ("IMG_1.Heic", "IMG_1.mp4"),
        ("img_1.jpg", "img_1.jpg.XMP"),
        ("img_1.heic", "img_1.aae"),
        ("IMG_1.NEF", "IMG_1.json"),
        ("PXL_1.MP.jpg", "PXL_1.MP"),
        ("PXL_1.MP.jpg", "PXL_1.MP.jpg.supplemental-metadata.json"),
        ("IMG_1(2).jpg", "IMG_1.jpg.supplemental-metadata(2).json"),
        # cut to 46 characters before .json
        ("PXL_20230102_030405678.jpg", "PXL_20230102_030405678.jpg.supplemental-metada.json"),
        ("PXL_20230102_030405678.PORTRAIT-01.jpg", "PXL_20230102_030405678.PORTRAIT-01.jpg.supplem.json"),
        (
            "a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on.jpg",
            "a-name-that-goes-on-and-on-and-on-and-on-and-o.json",
        ),
    ],
)
def test_a_file_that_belongs_to_a_photo_travels_with_it(tmp_path: Path, photo: str, companion: str) -> None:
    assert sidecars(tmp_path, photo, companion, "IMG_10.MOV", "IMG_10.JPG") == {companion}


@pytest.mark.parametrize(
    ("photo", "others"),
    [
        ("IMG_1.JPG", ["IMG_10.MOV", "IMG_2.xmp", "IMG_10.jpg.json", "notes.json", "IMG_1.txt"]),
        ("IMG_1.jpg", ["IMG_1.jpg(2).json", "IMG_1(2).jpg"]),
        ("IMG_1(2).jpg", ["IMG_1.jpg.json", "IMG_1(3).jpg"]),
        ("IMG_1.jpg", ["IMG_1.jpg.supplemental.json"]),
        ("IMG_1.JPG", ["IMG_1.PNG", "IMG_1.MOV", "IMG_1.xmp", "IMG_1.CR2"]),
        ("IMG_1.JPG", ["IMG_1.PNG", "IMG_1.json"]),
        ("IMG_1.jpg.png", ["IMG_1.jpg", "IMG_1.jpg.json"]),
        ("PXL_1.MP.jpg", ["PXL_1.MP", "PXL_1.jpg"]),
        (
            "a-name-that-goes-on-and-on-and-on-and-on-and-on-1.jpg",
            [
                "a-name-that-goes-on-and-on-and-on-and-on-and-on-2.jpg",
                "a-name-that-goes-on-and-on-and-on-and-on-and-o.json",
            ],
        ),
        ("IMG_1.CR2", ["IMG_1.JPG"]),
    ],
)
def test_a_file_that_may_belong_elsewhere_stays(tmp_path: Path, photo: str, others: list[str]) -> None:
    assert sidecars(tmp_path, photo, *others) == set()


def test_of_a_heic_and_the_jpeg_made_of_it_the_heic_has_the_film(tmp_path: Path) -> None:
    assert sidecars(tmp_path, "IMG_1.HEIC", "IMG_1.JPG", "IMG_1.MOV") == {"IMG_1.MOV"}
    assert sidecars(tmp_path, "IMG_1.JPG") == set()


def test_what_is_told_of_a_shot_goes_with_its_picture_and_its_raw_file_with_it(tmp_path: Path) -> None:
    own = {"IMG_1.cr2", "IMG_1.json", "IMG_1.JPG.json", "IMG_1.xmp"}
    assert sidecars(tmp_path, "IMG_1.JPG", *own) == own


def test_numbered_photos_of_one_name_have_each_their_own_files(tmp_path: Path) -> None:
    every = {
        "IMG_1.jpg": "IMG_1.jpg.json",
        "IMG_1(1).jpg": "IMG_1.jpg(1).json",
        "IMG_1(2).jpg": "IMG_1(2).json",
    }
    for photo, own in every.items():
        assert sidecars(tmp_path, photo, *every, *every.values()) == {own}


def test_a_raw_file_beside_its_picture_is_no_photo_of_its_own(tmp_path: Path) -> None:
    for name in ("a.CR2", "a.JPG", "b.CR2", "c.NEF", "c.JPG", "c.PNG"):
        (tmp_path / name).touch()
    sidecar_finder = Sidecars()
    assert sidecar_finder.is_raw_sidecar(os.fsencode(tmp_path / "a.CR2"))
    assert not any(
        sidecar_finder.is_raw_sidecar(os.fsencode(tmp_path / name))
        for name in ("a.JPG", "b.CR2", "c.NEF", "c.PNG")
    )


def test_a_folder_that_cannot_be_listed_has_no_companions(tmp_path: Path) -> None:
    assert Sidecars().sidecars(os.fsencode(tmp_path / "gone" / "a.jpg")) == ()


def test_a_name_that_is_no_unicode_is_no_trouble(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/a\xff.jpg"
    for name in (path, path + b".json", path[:-4] + b".mov"):
        try:
            with open(name, "wb"):
                pass
        except OSError:
            pytest.skip("this file system takes only Unicode names")
    assert len(Sidecars().sidecars(path)) == 2


def photo(*sidecars: bytes) -> Photo:
    return Photo(b"/p.jpg", Stamp(1, 1, 1), bytes(32), PictureInfo(1, 1), sidecars)


def test_a_raw_or_a_film_never_goes_for_a_photo_that_has_none() -> None:
    going, staying = split_sidecars(photo(b"/p.CR2", b"/p.mov", b"/p.xmp"), photo(b"/q.arw"))
    assert going.sidecars == (b"/p.CR2", b"/p.xmp")
    assert staying == (b"/p.mov",)
    assert split_sidecars(photo(b"/p.xmp"), photo()) == (photo(b"/p.xmp"), ())
