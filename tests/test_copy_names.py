"""Of equal files, those go that have names of copies or lie in folders for copies, wherever the library lies."""

import pytest

from vtsfind.act.keep_policy import KeepCandidate, policy
from vtsfind.base.groups import Photo
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp

RULES = policy()


def files(*paths: bytes) -> list[KeepCandidate]:
    """Equal files, the one to keep first."""
    info = PictureInfo(4032, 3024, format="JPEG")
    return RULES.ranked(
        KeepCandidate(Photo(path, Stamp(10**6, 10**18, 1), b"d" * 32, info), Details()) for path in paths
    )


@pytest.mark.parametrize("root", [b"", b"/tmp/library", b"/home/ann/Desktop/Backup/copy"])
@pytest.mark.parametrize(
    ("plain", "copy", "why"),
    [
        (b"/2023/IMG_1041.JPG", b"/2023/IMG_1041 (1).JPG", "IMG_1041 (1).JPG is named as a copy"),
        (b"/p/holiday/beach.jpg", b"/p/beach copy.jpg", "beach copy.jpg is named as a copy"),
        (b"/p/holiday/beach.jpg", b"/p/beach - Kopie.jpg", "beach - Kopie.jpg is named as a copy"),
        (b"/p/holiday/beach.jpg", b"/p/beach-edited.jpg", "beach-edited.jpg is named as a copy"),
        (
            b"/p/holiday/beach.jpg",
            b"/p/IMG-20210703-WA0001.jpg",
            "IMG-20210703-WA0001.jpg is named as a copy",
        ),
        (b"/p/holiday/beach.png", b"/p/Screenshot_1.png", "Screenshot_1.png is named as a copy"),
        (b"/Downloads/a.jpg", b"/Downloads/a (1).jpg", "a (1).jpg is named as a copy"),
        (b"/photos/2023/a.jpg", b"/Downloads/a.jpg", "the other is in the folder Downloads"),
        (b"/photos/2023/a.jpg", b"/Backup of phone/a.jpg", "the other is in the folder Backup of phone"),
        (b"/ann/holiday/beach.jpg", b"/ann/.cache/beach.jpg", "the other is in the folder .cache"),
        (b"/ann/holiday/beach.jpg", b"/ann/Trash/b.jpg", "the other is in the folder Trash"),
        (b"/2021/2021-01/a.jpg", b"/Desktop/a.jpg", "the other is in the folder Desktop"),
        (b"/2021/2021-01/a.jpg", b"/2022/copy/a.jpg", "the other is in the folder copy"),
        (b"/2021/2021-01/a.jpg", b"/Copies/a.jpg", "the other is in the folder Copies"),
        (b"/2021/2021-01/a.jpg", b"/Copy of 2021/a.jpg", "the other is in the folder Copy of 2021"),
        (b"/2021/2021-01/a.jpg", b"/2021/Kopie/a.jpg", "the other is in the folder Kopie"),
        (b"/Backup/2021-01/a.jpg", b"/Backup/temp/a.jpg", "the other is in the folder temp"),
        (b"/2021-01/temp/a.jpg", b"/Backup/temp/a.jpg", "the other is in the folder Backup"),
        (b"/2021-01/a (1).jpg", b"/temp/a (1).jpg", "the other is in the folder temp"),
    ],
)
def test_a_plain_path_comes_before_one_of_a_copy_for_the_same_reason_below_any_folder(
    root: bytes, plain: bytes, copy: bytes, why: str
) -> None:
    kept, other = files(root + copy, root + plain)
    assert kept.photo.path == root + plain
    assert RULES.reason(kept, other) == why
    assert not RULES.tied(kept, other)


@pytest.mark.parametrize("folder", [b"Copyright", b"Desktops", b"Copiapo"])
def test_a_folder_whose_name_only_begins_as_one_for_copies_is_none(folder: bytes) -> None:
    kept, other = files(b"/%s/a.jpg" % folder, b"/a long name/a.jpg")
    assert RULES.reason(kept, other) in {"has the shorter path", "is first by path"}
