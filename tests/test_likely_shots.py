"""A larger photo that seems enlarged is kept for the camera data that it alone has; else it is in doubt which to keep."""

import pytest

from vtsfind.act.keep_policy import policy
from vtsfind.act.keep_rules import KeepCandidate, mark_enlarged, mark_likely_shots
from vtsfind.act.removal import stay_reason
from vtsfind.base.contents import Contents
from vtsfind.base.groups import COPIES, Evidence, Group, Photo, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.duplicates.clustering import Cluster
from vtsfind.engine.duplicates.keeper_ranking import RankedFiles
from vtsfind.engine.duplicates.keepers import choose_keepers
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.library.scope import scope
from vtsfind.engine.library.snapshot import Content

TAKEN = "2024-09-21 07:33:00"
SEEMS_ENLARGED, CERTAIN = 0.994, 0.0


def file(
    name: str, width: int, enlarged: float, *, camera: str = "", taken: str | None = None, **details: object
) -> KeepCandidate:
    info = PictureInfo(width, width * 2 // 3, taken=taken, format="JPEG")
    known = Details(quality=92, enlarged=enlarged, camera=camera, contents=Contents(), **details)  # type: ignore[arg-type]
    path = name.encode()
    return KeepCandidate(Photo(path, Stamp(width, 1, width), path.ljust(32), info), known)


SHOT = file("/2024/shot.jpg", 600, SEEMS_ENLARGED, camera="Maker Model", taken=TAKEN)
PLAIN = file("/net/photo.jpg", 600, SEEMS_ENLARGED)
THUMBNAIL = file("/small.jpg", 200, CERTAIN)


def kept(*candidates: KeepCandidate) -> str:
    found = policy().ranked(mark_enlarged(mark_likely_shots(candidates)))
    return found[0].photo.path.decode()


@pytest.mark.parametrize("own", [{"camera": "Maker Model"}, {"taken": TAKEN}])
def test_a_larger_photo_with_camera_data_does_not_lose_as_enlarged_to_one_without(
    own: dict[str, str],
) -> None:
    shot = file("/2024/shot.jpg", 600, SEEMS_ENLARGED, **own)
    assert kept(THUMBNAIL, shot) == "/2024/shot.jpg"
    assert kept(shot, THUMBNAIL) == "/2024/shot.jpg"
    blurred = file("/2024/shot.jpg", 600, CERTAIN, detail=0.5, **own)
    assert kept(THUMBNAIL, blurred) == "/2024/shot.jpg"


@pytest.mark.parametrize(
    "original",
    [
        file("/small.jpg", 200, CERTAIN, camera="Maker Model"),
        file("/small.jpg", 200, CERTAIN, taken=TAKEN),
        file("/same size.jpg", 600, CERTAIN),
        file("/nearly the same size.jpg", 580, CERTAIN),
    ],
)
def test_it_counts_as_enlarged_beside_one_that_may_be_its_original(original: KeepCandidate) -> None:
    assert kept(SHOT, original, THUMBNAIL) == original.photo.path.decode()


@pytest.mark.parametrize(("own", "is_kept"), [({"camera": "Maker Model"}, True), ({"taken": TAKEN}, False)])
def test_it_is_kept_before_an_edit_of_its_size_that_names_no_camera(
    own: dict[str, str], *, is_kept: bool
) -> None:
    shot, edit = file("/shot.jpg", 600, SEEMS_ENLARGED, **own), file("/edit.jpg", 600, 0.5)
    best, _ = policy().ranked(mark_likely_shots([edit, shot]))
    assert (best.photo == shot.photo) is is_kept


def test_of_two_of_one_size_that_both_seem_enlarged_the_camera_data_is_the_reason() -> None:
    best, other = policy().ranked(mark_enlarged(mark_likely_shots([PLAIN, SHOT])))
    assert best.photo == SHOT.photo
    assert policy().reason(best, other).startswith("of the same size, but with camera data")
    assert policy().loss(best, other).startswith("of the same size, but without camera data")


def test_one_that_is_larger_than_its_own_data_say_counts_as_enlarged() -> None:
    enlarged = file("/e.jpg", 600, SEEMS_ENLARGED, camera="Maker Model", taken=TAKEN, exif_size=(300, 200))
    assert kept(file("/s.jpg", 290, CERTAIN), enlarged) == "/s.jpg"


def test_of_two_with_camera_data_that_both_seem_enlarged_the_larger_one_is_kept() -> None:
    larger = file("/l.jpg", 900, SEEMS_ENLARGED, camera="Maker Model", taken=TAKEN)
    assert kept(THUMBNAIL, larger, SHOT) == "/l.jpg"


def test_a_photo_with_camera_data_stays_for_a_thumbnail_and_the_thumbnail_for_it() -> None:
    found = stay_reason(THUMBNAIL, SHOT, Verdict.RESAVE)
    assert found
    assert found.words == "is the better copy: 600x400 beats 200x133"
    doubt = stay_reason(SHOT, THUMBNAIL, Verdict.RESAVE)
    assert doubt
    assert doubt.words == "the kept one is larger, but may be an enlargement of it"


# -------------------------------------------------------------------------------------------- in a group


def grouped(verdict: Verdict, *candidates: KeepCandidate) -> Group:
    """The group of two files, of which the better one is the keeper."""
    contents = {
        number: Content(each.photo.digest, each.photo.info, (each.photo,))
        for number, each in enumerate(candidates)
    }
    known = {each.photo.digest: each.details for each in candidates}
    rules = Rules(policy(), frozenset(COPIES), frozenset(), scope(), known_decisions())
    found = verdict, Evidence()
    files = RankedFiles(contents, lambda each: known[each.digest], rules.policy, {(0, 1): found})
    keeper, other = sorted(contents, key=lambda number: files.key(files.best(contents[number])))
    (group,) = choose_keepers([Cluster(keeper, {other: found})], contents, files, rules)
    return group


@pytest.mark.parametrize("verdict", [Verdict.RESAVE, Verdict.EDIT])
def test_a_group_keeps_the_photo_with_camera_data_and_is_in_no_doubt(verdict: Verdict) -> None:
    group = grouped(verdict, SHOT, THUMBNAIL)
    assert group.keeper.path == b"/2024/shot.jpg"
    assert (group.tied, group.doubt) == (False, "")
    assert not group.members[1].may_go


@pytest.mark.parametrize(
    ("verdict", "kept_path"), [(Verdict.EDIT, b"/2024/shot.jpg"), (Verdict.RESAVE, b"/sent.jpg")]
)
def test_an_edit_of_its_size_does_not_prove_that_the_photo_of_a_camera_is_enlarged(
    verdict: Verdict, kept_path: bytes
) -> None:
    assert grouped(verdict, SHOT, file("/sent.jpg", 600, 0.111)).keeper.path == kept_path


def test_a_group_in_which_a_larger_photo_is_left_as_enlarged_is_in_doubt() -> None:
    group = grouped(Verdict.RESAVE, PLAIN, THUMBNAIL)
    assert group.keeper.path == b"/small.jpg"
    assert (group.tied, group.doubt) == (True, "an original or an enlargement")
    assert not group.members[1].may_go


def test_a_smaller_photo_that_seems_enlarged_leaves_no_doubt() -> None:
    large, small = file("/l.jpg", 900, CERTAIN), file("/s.jpg", 600, SEEMS_ENLARGED)
    group = grouped(Verdict.RESAVE, large, small)
    assert (group.keeper.path, group.tied) == (b"/l.jpg", False)
