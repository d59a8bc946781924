"""A few screens as a person approved them. After a change that is meant: look, then `pytest --snapshot-update`."""

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from support.drawn_photos import scene
from support.made_groups import group, photo
from support.tui_driver import Hand, found
from textual.pilot import Pilot

from vtsfind.base.groups import Group, Verdict
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.base.settings import Settings
from vtsfind.engine.previews.decode import Preview
from vtsfind.engine.review.session import BrowseSession
from vtsfind.tui.app import BrowseApp

Compare = Callable[..., bool]


def groups() -> list[Group]:
    names = (b"beach", b"cat", b"harbour at night", b"hill", b"lake", b"moon", b"park", b"road", b"tower")
    kinds = (Verdict.RESAVE, Verdict.EDIT, Verdict.BYTES)
    made = []
    for number, name in enumerate(names):
        photos = [
            photo(
                b"/home/ann/photos/2021/" + name + ending,
                4_000_000 // (i + 1) + number,
                width=4000 // (i + 1),
            )
            for i, ending in enumerate((b".jpg", b"-small.jpg", b" (2).jpg")[: 2 + number % 2])
        ]
        made.append(group(number + 1, photos, kinds[number % 3]))
    return made


class Painted:
    """Pictures that need no file."""

    def preview(self, path: bytes, longest: int = 0) -> Preview:
        seed = sum(path.rpartition(b"/")[2][:4])
        pixels = np.array(scene(seed, 96, 72))
        return Preview(pixels, Stamp(1000 + longest, 0, 0), PictureInfo(4000, 3000, 1, None, "JPEG"))

    def close(self) -> None:
        pass


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "UTC")
    browsing = BrowseSession(Settings(library="holidays"), found(groups()))
    browsing.previews.close()
    browsing.previews = Painted()  # type: ignore[assignment]
    yield BrowseApp(browsing)
    browsing.close()


def script(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        assert isinstance(pilot.app, BrowseApp)
        hand = Hand(pilot.app, pilot)
        await hand.settle()
        await hand.press(*keys)

    return run


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
def test_the_groups(app: BrowseApp, snap_compare: Compare, size: tuple[int, int]) -> None:
    keys = ("a", "a", "n", "right", "space")
    assert snap_compare(app, terminal_size=size, run_before=script(*keys))


def test_two_photos_compared(app: BrowseApp, snap_compare: Compare) -> None:
    assert snap_compare(app, terminal_size=(120, 36), run_before=script("enter"))


def test_the_keys_of_the_groups(app: BrowseApp, snap_compare: Compare) -> None:
    assert snap_compare(app, terminal_size=(80, 24), run_before=script("question_mark"))
