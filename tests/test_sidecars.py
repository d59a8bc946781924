"""Films, RAW files and side-cars go where their photo goes, and nowhere else."""

import os
from pathlib import Path

import pytest

from vtsfind.base.groups import Photo
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.library.sidecar_places import SidecarPlaces
from vtsfind.engine.library.sidecars import Sidecars


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
        ("DSC1.JPG", "DSC1.THM"),
        ("DSC1.JPG", "DSC1.WAV"),
        ("DSC1.NEF", "DSC1.NEF.dop"),
        ("DSC1.jpg", "DSC1.jpg.pp3"),
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


def photo(path: Path, *others: str) -> Photo:
    """A photo with the sidecars that are beside it."""
    for name in others:
        (path.parent / name).write_bytes(name.encode())
    path.parent.mkdir(exist_ok=True)
    path.touch()
    encoded = os.fsencode(path)
    return Photo(encoded, Stamp(1, 1, 1), bytes(32), PictureInfo(1, 1), Sidecars().sidecars(encoded))


@pytest.mark.parametrize(
    ("sidecar", "keeper", "new"),
    [
        ("a.xmp", "k.jpg", "k.xmp"),
        ("a.jpg.xmp", "k.png", "k.png.xmp"),
        ("a.jpg.pp3", "k.jpg", "k.jpg.pp3"),
        ("a.MOV", "k.HEIC", "k.MOV"),
        ("a.jpg.supplemental-metadata.json", "k.jpg", "k.jpg.supplemental-metadata.json"),
        ("a.json", "k(2).jpg", "k(2).json"),
    ],
)
def test_a_sidecar_moves_over_under_the_kept_photo_s_name(
    tmp_path: Path, sidecar: str, keeper: str, new: str
) -> None:
    (tmp_path / "kept").mkdir()
    going, kept = photo(tmp_path / "a.jpg", sidecar), photo(tmp_path / "kept" / keeper)
    settled = SidecarPlaces().settle(going, kept)
    assert settled
    assert [each.target for each in settled] == [os.fsencode(tmp_path / "kept" / new)]
    os.rename(tmp_path / sidecar, tmp_path / "kept" / new)
    assert Sidecars().sidecars(kept.path) == (os.fsencode(tmp_path / "kept" / new),)


def test_a_sidecar_of_equal_content_goes_and_one_without_a_place_holds_its_photo(tmp_path: Path) -> None:
    kept = photo(tmp_path / "k.jpg", "k.xmp")
    same, other = photo(tmp_path / "a.jpg", "a.xmp"), photo(tmp_path / "b.jpg", "b.xmp")
    (tmp_path / "a.xmp").write_bytes((tmp_path / "k.xmp").read_bytes())
    places = SidecarPlaces()
    (goes,) = places.settle(same, kept) or ()
    assert goes.target is None
    assert places.settle(other, kept) is None
    assert (
        places.problem(other, kept) == "has b.xmp, which the kept one lacks and which cannot be moved to it"
    )


def test_two_sidecars_do_not_move_to_one_place(tmp_path: Path) -> None:
    kept = photo(tmp_path / "k.jpg")
    first, second = photo(tmp_path / "a.jpg", "a.xmp"), photo(tmp_path / "b.jpg", "b.xmp")
    places = SidecarPlaces()
    assert places.settle(first, kept)
    assert places.settle(second, kept) is None


def test_a_sidecar_does_not_move_to_where_another_photo_would_get_it(tmp_path: Path) -> None:
    (tmp_path / "k.png").touch()
    kept = photo(tmp_path / "k.jpg")
    assert SidecarPlaces().settle(photo(tmp_path / "a.jpg", "a.mov"), kept) is None


def test_notes_about_a_raw_file_travel_with_it(tmp_path: Path) -> None:
    assert sidecars(tmp_path, "a.JPG", "a.CR2", "a.CR2.xmp", "a.WAV", "a.JPG.dop") == {
        "a.CR2", "a.CR2.xmp", "a.WAV", "a.JPG.dop"
    }  # fmt: skip
