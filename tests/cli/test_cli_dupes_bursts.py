"""Two shots of one scene, each in many copies: two groups, and not every copy is compared with the other shot."""

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
from support import real_photos
from support.copies import save
from support.drawn_photos import exif
from support.output import Vtsfind, records
from support.textures import photograph

from vtsfind.base.groups import COPIES, Verdict
from vtsfind.base.settings import Settings, places
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates import verification as engine
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.duplicates.results import Duplicates
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import find_groups
from vtsfind.engine.review.session_log import SavedSteps
from vtsfind.find.clustering.union_find import OtherShots

COPIES_EACH = 6


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two shots, seconds apart, that are alike to the pixel but for saving, in several parts of each."""
    image = photograph(0, 192, 144)
    for shot, second in ((1, 45), (2, 47)):
        taken = exif(taken=f"2021:07:03 12:30:{second}").tobytes()
        for n in range(COPIES_EACH):
            name = f"shot{shot}-copy{n}.jpg"
            part = image.crop((6 * n, 4 * n, 192, 144))
            save(tmp_path / "photos" / name, part, quality=60 + 5 * n + shot, exif=taken)
    return tmp_path / "photos"


@pytest.fixture
def ask(photos: Path, tmp_path: Path, run: Vtsfind, monkeypatch: pytest.MonkeyPatch) -> "Ask":
    return Ask(photos, tmp_path, run, monkeypatch)


class Ask:
    """Searches the photos, each time in a new library."""

    def __init__(self, photos: Path, folder: Path, run: Vtsfind, monkeypatch: pytest.MonkeyPatch) -> None:
        self._photos, self._folder, self._run, self._patch = photos, folder, run, monkeypatch

    def __call__(self, dedup_options: DedupOptions, enough: int) -> Duplicates:
        """Search; so many other shots settle it."""
        library = self._folder / f"{enough}"
        assert self._run("index", self._photos, "--library", library).exit_code == 0
        self._patch.setattr(engine, "OtherShots", partial(OtherShots, min_weight=enough))
        return duplicates(Context(Settings(library=str(library), workers=1)), dedup_options)


def test_further_copies_of_another_shot_are_not_compared_and_not_told(ask: Ask) -> None:
    every, some = (ask(DedupOptions(), enough) for enough in (99, 2))
    assert some.stats.candidates == every.stats.candidates
    assert some.stats.compared < every.stats.compared
    assert some.groups == every.groups
    for group in some.groups:
        assert len({member.photo.path.rpartition(b"-")[0] for member in group.members}) == 1
        assert len(group.members) == COPIES_EACH
    assert len(some.groups) == 2


def test_who_asks_for_other_shots_has_them_in_a_group_of_their_own(ask: Ask) -> None:
    copies = ask(DedupOptions(), 99)
    both = ask(DedupOptions(kinds=frozenset({*COPIES, Verdict.BURST})), 1)
    assert [[each.photo.digest for each in group.members] for group in both.groups[:2]] == [
        [each.photo.digest for each in group.members] for group in copies.groups
    ]
    (burst,) = both.groups[2:]
    assert burst.number == 3
    assert not burst.proposed
    kept = {group.keeper.digest for group in copies.groups}
    assert burst.keeper.digest in kept  # no view keeps another copy than the other
    shots = {each.photo.digest for each in burst.members if not each.evidence.indirect}
    assert kept <= shots


def test_the_same_file_of_another_shot_is_not_called_a_copy_of_the_kept_one(
    run: Vtsfind, tmp_path: Path
) -> None:
    for place in (1, 2):
        taken = exif(taken=f"2024:05:03 10:00:0{place}").tobytes()
        save(
            tmp_path / "photos" / f"shot-{place}.jpg",
            real_photos.photo(f"ridge-{place}"),
            quality=94,
            exif=taken,
        )
    assert run("index", tmp_path / "photos").exit_code == 0
    (burst,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    other = Path(burst["members"][1]["path"])
    again = tmp_path / "photos" / "again.jpg"
    shutil.copy(other, again)
    later_ns = other.stat().st_mtime_ns + 60 * 10**9
    os.utime(again, ns=(later_ns, later_ns))
    assert run("index").exit_code == 0
    answer = run("dupes", "--kind", "burst", "--json")
    assert "1 other shot and 1 copy of these, all kept.\nKept 1 other shot;" in answer.stderr
    (burst,) = records(answer, "group")
    stays = {Path(each["path"]).name: each["stays"] for each in burst["members"][1:]}
    assert sorted(stays.values()) == ["another shot", f"the same file as {other.name}, which stays"]


def test_a_smaller_copy_of_another_shot_is_called_so_also_where_that_shot_was_chosen(
    run: Vtsfind, tmp_path: Path
) -> None:
    for place in (1, 2):
        taken = exif(taken=f"2024:05:03 10:00:0{place}").tobytes()
        shot = real_photos.photo(f"ridge-{place}")
        save(tmp_path / "photos" / f"shot-{place}.jpg", shot, quality=94, exif=taken)
        save(tmp_path / "photos" / f"small-{place}.jpg", shot.reduce(2), quality=88, exif=taken)
    assert run("index", tmp_path / "photos").exit_code == 0
    (burst,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    kept, other = (Path(burst["members"][place]["path"]).stem[-1] for place in (0, 2))
    stays = {Path(each["path"]).name: each["stays"] for each in burst["members"][1:]}
    assert stays[f"small-{other}.jpg"] == f"a copy of shot-{other}.jpg (saved again)"
    page = tmp_path / "page.html"
    assert run("dupes", "--kind", "burst", "--html", page).exit_code == 0
    assert page.read_text().count("<b>copy of other shot</b>: ") == 1
    groups = find_groups(Context(Settings()), DedupOptions(kinds=frozenset({Verdict.BURST})))
    for chosen, copy in ((kept, other), (other, kept)):
        with SavedSteps(places().library("default")) as log:
            names = [os.path.basename(each.photo.path) for each in groups[0].members]
            Review(groups, log).choose(0, names.index(b"shot-%s.jpg" % chosen.encode()))
        lines = run("dupes", "--kind", "burst").stdout.splitlines()
        said = {line.rpartition(" ")[2]: line.strip() for line in lines}
        assert said[f"small-{copy}.jpg"].startswith("copy of other shot ")
        assert said[f"small-{chosen}.jpg"].startswith("saved again ")
