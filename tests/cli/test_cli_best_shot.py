"""One best shot of a burst, in `dupes`, `plan` and `browse`; the others stay until a person marks them."""

import os
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from support import real_photos
from support.copies import save
from support.drawn_photos import exif
from support.output import Vtsfind, records

from vtsfind.base.groups import COPIES, Verdict
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import find_groups
from vtsfind.engine.review.state import Mark
from vtsfind.media import shot_quality


@pytest.fixture
def shots(run: Vtsfind, tmp_path: Path) -> None:
    """An indexed folder with two shots of one scene, seconds apart; the earlier one, which the keep rules prefer, is blurred."""
    folder = tmp_path / "photos"
    first, second = (real_photos.photo(f"ridge-{number}") for number in (1, 2))
    blurred = first.filter(ImageFilter.GaussianBlur(1.5))
    for name, image, taken in (("a-blurred.jpg", blurred, "10:00:01"), ("b-sharp.jpg", second, "10:00:03")):
        save(folder / name, image, quality=94, exif=exif(taken=f"2024:05:03 {taken}").tobytes())
    assert run("index", folder).exit_code == 0


@pytest.mark.usefixtures("shots")
def test_every_command_keeps_the_best_shot_and_says_why(run: Vtsfind) -> None:
    (group,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    best, other = group["members"]
    assert Path(best["path"]).name == "b-sharp.jpg"
    assert best["reason"] == "sharpest of 2 shots"
    assert other["stays"] == "another shot"
    (planned,) = records(run("plan", "--kind", "burst", "--json"), "group")
    assert [(Path(file["path"]).name, file["action"]) for file in planned["files"]] == [
        ("b-sharp.jpg", "keep"),
        ("a-blurred.jpg", "keep"),
    ]
    said = run("dupes", "--kind", "burst", "--summary").stderr
    assert "1 other shot, all kept." in said
    assert "Kept 1 other shot; choose in `vtsfind browse`." in said
    for kinds in ({Verdict.BURST}, {*COPIES, Verdict.BURST}):
        groups = find_groups(Context(Settings()), DedupOptions(kinds=frozenset(kinds)))
        assert [os.path.basename(each.keeper.path) for each in groups] == [b"b-sharp.jpg"]
        assert [Review(groups).mark(0, place) for place in (0, 1)] == [Mark.KEEPER, Mark.KEEP]
        assert groups[0].members[1].explanation.startswith("stays: another shot; less sharp, ")


def test_screenshots_alone_are_no_shots_of_a_scene_and_none_is_better_than_a_photo(
    run: Vtsfind, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    first, second = (real_photos.photo(f"ridge-{number}") for number in (1, 2))
    for name, image in (("Screenshot_1.png", first), ("Screenshot_2.png", second)):
        save(folder / name, image)
    assert run("index", folder).exit_code == 0
    assert records(run("dupes", "--kind", "burst", "--json"), "group") == []
    (folder / "Screenshot_2.png").unlink()
    save(folder / "passed-on.jpg", second.resize((320, 240)).filter(ImageFilter.GaussianBlur(1)))
    assert run("index", folder).exit_code == 0
    (group,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    assert Path(group["members"][0]["path"]).name == "passed-on.jpg"


def test_a_kept_shot_is_told_from_the_other_shot_and_not_from_its_own_copy(
    run: Vtsfind, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    first, second = (real_photos.photo(f"ridge-{number}") for number in (1, 2))
    large = first.resize((first.width * 3 // 2, first.height * 3 // 2))
    for name in ("large.jpg", "large (1).jpg"):
        save(folder / name, large, quality=94)
    save(folder / "small.jpg", second, quality=94)
    assert run("index", folder).exit_code == 0
    (group,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    best = group["members"][0]
    assert Path(best["path"]).name == "large.jpg"
    assert "named as a copy" not in best["reason"]
    assert "beats" in best["reason"]


@pytest.mark.usefixtures("shots")
def test_a_screenshot_of_a_shot_takes_no_shot_out_of_its_burst(run: Vtsfind, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    shot = Image.open(folder / "b-sharp.jpg").convert("RGB")
    screen = Image.new("RGB", (2 * shot.width, 4 * shot.height), (20, 20, 20))
    screen.paste(shot.resize((2 * shot.width, 2 * shot.height)), (0, shot.height))
    save(folder / "Screenshots" / "Screenshot_1.png", screen)
    assert run("index").exit_code == 0
    (copies,) = records(run("dupes", "--json"), "group")
    assert Path(copies["members"][0]["path"]).name == "Screenshot_1.png"
    assert "  its photo  " in run("dupes").stdout
    (group,) = records(run("dupes", "--kind", "burst", "--json"), "group")
    assert [Path(each["path"]).name for each in group["members"]] == ["b-sharp.jpg", "a-blurred.jpg"]


@pytest.mark.usefixtures("shots")
def test_a_rule_of_the_user_that_comes_first_decides(run: Vtsfind) -> None:
    (group,) = records(run("dupes", "--kind", "burst", "--keep-by", "oldest", "--json"), "group")
    assert Path(group["members"][0]["path"]).name == "a-blurred.jpg"


@pytest.mark.usefixtures("shots")
def test_a_second_run_rates_no_shot_again(run: Vtsfind, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run("dupes", "--kind", "burst", "--csv").stdout
    monkeypatch.setattr(shot_quality, "RateShot", None)
    assert run("dupes", "--kind", "burst", "--csv").stdout == before
