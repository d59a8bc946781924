"""The search screen takes words as well as paths."""

import os
from pathlib import Path

import pytest
from support import block_encoder, word_tables
from support.tui_driver import Hand, drive
from textual.widgets import Input

from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.update import update
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.widgets.card_grid import CardGrid

SETTINGS = Settings(workers=1, model=word_tables.NAME)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of four photos, by a model that has words."""
    word_tables.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    word_tables.album(tmp_path / "photos")
    update(Context(SETTINGS), [str(tmp_path / "photos")])
    return tmp_path / "photos"


async def ask(hand: Hand, text: str) -> list[str]:
    """Submit a text; gives the files that are shown."""
    page = hand.page(SearchPage)
    page.query_one("#query-path", Input).value = text
    page.query_one("#query-path", Input).focus()
    await hand.press("enter")
    return [os.path.basename(os.fsdecode(card.path)) for card in page.query_one("#hits", CardGrid).cards]


def test_words_find_photos_that_show_it_and_a_path_finds_similar_ones(folder: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert set((await ask(hand, "sky xyzzy"))[:2]) == {"blue.png", "haze.png"}
        assert "4 photos for \u201csky xyzzy\u201d; not known: xyzzy" in hand.text
        assert "by words" in hand.text
        assert "two or three words" not in hand.text
        await ask(hand, "sky")
        assert "not it? Say it in two or three words" in hand.text
        await hand.press("backspace")
        assert (await ask(hand, str(folder / "night" / "field.png")))[0] == "field.png"
        assert "by scene" in hand.text
        await hand.press("backspace")
        assert "for \u201csky xyzzy\u201d" in hand.text
        assert hand.page(SearchPage).query_one("#query-path", Input).value == "sky xyzzy"

    drive(None, script, settings=SETTINGS)


def test_the_key_of_the_field_typed_into_the_field_is_no_path(folder: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert set((await ask(hand, "/sky xyzzy"))[:2]) == {"blue.png", "haze.png"}
        assert set(await ask(hand, "/name:haze")) == {"haze.png"}
        await ask(hand, "/missing.jpg")
        assert "/missing.jpg does not exist" in hand.text
        assert len(await ask(hand, f"{folder}")) == 4

    drive(None, script, settings=SETTINGS)


def test_similar_photos_need_not_have_the_name_that_was_looked_for(folder: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert await ask(hand, f"in:{folder} name:haze") == ["haze.png"]
        await hand.press("s")
        assert "4 photos similar to haze.png" in hand.text
        await ask(hand, "xyzzy")
        assert "on:DAY and name:WORD" in " ".join(hand.text.split())

    drive(None, script, settings=SETTINGS)


def test_filters_hold_for_words_and_a_name_filters_alone(folder: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert set(await ask(hand, f"in:{folder}/night sky")) == {"field.png", "slope.png"}
        assert await ask(hand, "name:haze") == ["haze.png"]
        assert await ask(hand, "name:night snow") == ["field.png", "slope.png"]

    drive(None, script, settings=SETTINGS)


def test_filters_that_leave_no_photo_are_said_so(folder: Path) -> None:
    assert folder.is_dir()

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert await ask(hand, "in:nowhere sky") == []
        assert "There is no folder nowhere. Check the name" in hand.text
        assert await ask(hand, "before:1990 sky") == []
        assert "No photo of the library passes the filters." in hand.text
        await hand.press("plus")
        assert "No photo of the library passes the filters." in hand.text

    drive(None, script, settings=SETTINGS)


def test_words_that_are_not_known_are_said_so(folder: Path) -> None:
    assert folder.is_dir()

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert await ask(hand, "xyzzy") == []
        assert "No word of 'xyzzy' is known." in hand.text
        assert len(await ask(hand, "sky")) == 4

    drive(None, script, settings=SETTINGS)


def test_words_filter_names_where_the_model_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block_encoder.register()
    block_encoder.install(monkeypatch.setattr)
    word_tables.album(tmp_path / "photos")
    settings = Settings(workers=1, model=block_encoder.NAME)
    update(Context(settings), [str(tmp_path / "photos")])

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert await ask(hand, "haze") == ["haze.png"]

    drive(None, script, settings=settings)


def frame(hand: Hand) -> tuple[str, str]:
    """What the frame of the photos says, above and below them."""
    hits = hand.page(SearchPage).query_one("#hits", CardGrid)
    return str(hits.border_title), str(hits.border_subtitle)


def test_a_search_that_cannot_be_shows_nothing_and_says_so(folder: Path) -> None:
    assert folder.is_dir()

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        await ask(hand, "sky blue")
        before = frame(hand)
        for refused in ("after:foo", "xyzzy"):
            assert await ask(hand, refused) == []
            assert frame(hand) == ("Nothing to show", "")
            await hand.press("escape", "backspace")
            assert frame(hand) == before
        assert await ask(hand, "/nowhere/nope.jpg") == []
        assert (
            "/nowhere/nope.jpg does not exist. Check the path; Tab completes it. Words begin with no /."
            in hand.text
        )
        assert frame(hand) == ("nope.jpg", "")

    drive(None, script, settings=SETTINGS)


def test_what_narrows_a_search_is_its_own(folder: Path) -> None:
    assert folder.is_dir()

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        await ask(hand, "sky blue")
        words = frame(hand)
        await hand.press("s", "minus")
        bits = hand.page(SearchPage)._current.radius
        assert f"by scene, only near ones: at most {bits} of 64 bits differ" == frame(hand)[1]
        narrowed = frame(hand)
        await hand.press("right", "s")
        assert "the nearest, at most 60" in frame(hand)[1]
        await hand.press("backspace")
        assert frame(hand) == narrowed
        await hand.press("backspace")
        assert frame(hand) == words
        assert hand.page(SearchPage).query_one("#query-path", Input).value == "sky blue"

    drive(None, script, settings=SETTINGS)


def test_a_date_that_is_not_of_the_shot_is_said_to_be_of_the_file(folder: Path) -> None:
    os.utime(folder / "night" / "field.png", (1_600_000_000, 1_600_000_000))
    update(Context(SETTINGS), [str(folder)])

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert await ask(hand, "name:field") == ["field.png"]
        assert "file of 2020-09-13" in hand.text

    drive(None, script, settings=SETTINGS)
