"""The first launch leads from nothing to the first groups."""

from pathlib import Path

import pytest
from PIL import Image
from support import block_encoder
from support.drawn_photos import scene, write
from support.tui_driver import Hand, drive

from vtsfind.base.settings import Settings
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.welcome import WelcomePage
from vtsfind.tui.widgets.path_input import PathInput

SETTINGS = Settings(workers=1, model=block_encoder.NAME)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with nothing in it."""
    block_encoder.register()
    block_encoder.install(monkeypatch.setattr)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return home


@pytest.fixture
def pictures(home: Path) -> Path:
    """Its folder of pictures: three photos, a smaller copy of one."""
    for seed in range(3):
        write(home / "Pictures" / f"{seed}.jpg", scene(seed))
    with Image.open(home / "Pictures" / "0.jpg") as image:
        image.convert("RGB").save(home / "Pictures" / "0-again.jpg", quality=60)
    return home / "Pictures"


def test_the_folder_of_pictures_is_proposed_and_enter_leads_to_the_first_groups(pictures: Path) -> None:
    async def script(hand: Hand) -> None:
        hand.page(WelcomePage)
        assert f"[x] {pictures}  4 photos" in hand.text
        await hand.press("enter")
        await hand.finish()
        await hand.finish()
        hand.page(GroupsPage)
        assert len(hand.review.groups) == 1
        assert any("Press a to accept" in note for note in hand.told)

    drive(None, script, settings=SETTINGS)


def test_another_folder_is_typed_and_chosen_and_the_first_one_left_out(
    pictures: Path, tmp_path: Path
) -> None:
    write(tmp_path / "other" / "a.jpg", scene(7))

    async def script(hand: Hand) -> None:
        await hand.press("space")
        await hand.burst(f"n{tmp_path}/oth", "tab", "enter")
        assert f"[ ] {pictures}" in hand.text
        assert f"[x] {tmp_path}/other" in hand.text
        await hand.press("enter")
        await hand.finish()
        await hand.finish()
        hand.page(GroupsPage)
        (library,) = hand.app.session.overviews()
        assert library.counts
        assert library.counts.files == 1

    drive(None, script, settings=SETTINGS)


def test_a_folder_without_photos_and_one_that_is_not_there_are_told(home: Path) -> None:
    (home / "Pictures").mkdir()

    async def script(hand: Hand) -> None:
        await hand.press("enter")
        await hand.finish()
        await hand.finish()
        hand.page(WelcomePage)
        assert "There are no photos in these folders." in hand.text
        await hand.burst("n/nowhere", "enter")
        assert any("There is no folder /nowhere." in note for note in hand.told)
        assert hand.page(WelcomePage).query_one(PathInput).has_focus

    drive(None, script, settings=SETTINGS)


def test_nothing_starts_before_a_folder_is_chosen() -> None:
    async def script(hand: Hand) -> None:
        assert "Press n and type the path" in hand.text
        await hand.press("enter")
        assert any("No folder is selected." in note for note in hand.told)
        await hand.press("space", "escape")
        assert not hand.app.jobs.running

    drive(None, script, settings=SETTINGS)
