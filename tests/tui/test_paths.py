"""Paths are completed by Tab."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_groups import many
from support.tui_driver import Hand, drive

from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.services.typed_paths import complete_path
from vtsfind.tui.widgets.dialogs import AddFolderDialog
from vtsfind.tui.widgets.path_input import PathInput


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("Photos 2020", "Photos 2021", "Music", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "Photos 2020" / "IMG_1.jpg").touch()
    (tmp_path / "Phone.txt").touch()
    return tmp_path


def test_a_path_is_completed_as_far_as_it_is_clear(tree: Path) -> None:
    assert complete_path(f"{tree}/M").text == f"{tree}/Music/"
    assert complete_path(f"{tree}/Photos").text == f"{tree}/Photos 202"
    assert complete_path(f"{tree}/Photos").candidates == ("Photos 2020/", "Photos 2021/")
    assert complete_path(f"{tree}/Photos 2020/").text == f"{tree}/Photos 2020/IMG_1.jpg"
    assert complete_path(f"{tree}/Ph").candidates == ("Phone.txt", "Photos 2020/", "Photos 2021/")
    assert complete_path(f"{tree}/Ph", folders_only=True).candidates == ("Photos 2020/", "Photos 2021/")


def test_case_does_not_matter_unless_it_decides(tree: Path) -> None:
    assert complete_path(f"{tree}/mus").text == f"{tree}/Music/"
    (tree / "music").mkdir()
    assert complete_path(f"{tree}/mus").text == f"{tree}/music/"
    assert complete_path(f"{tree}/MUS").candidates == ("Music/", "music/")


def test_hidden_names_and_unreadable_folders_are_not_offered(tree: Path) -> None:
    assert ".hidden/" not in complete_path(f"{tree}/").candidates
    assert complete_path(f"{tree}/.h").text == f"{tree}/.hidden/"
    assert complete_path(f"{tree}/nowhere/x") == complete_path(f"{tree}/nowhere/x")
    assert complete_path(f"{tree}/nowhere/x").candidates == ()


def test_the_home_folder_may_be_written_short(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tree))
    monkeypatch.setenv("USERPROFILE", str(tree))
    assert complete_path("~").text == "~/"
    assert complete_path("~/Mu").text == "~/Music/"


@given(st.text(max_size=20))
def test_what_was_typed_is_never_shortened(text: str) -> None:
    assert len(complete_path(text).text) >= len(text) if "\0" not in text else True


def test_tab_completes_the_path_in_the_search_and_nothing_runs_as_a_command(tree: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4")
        await hand.burst(f"{tree}/Pho", "tab")
        field = hand.page(SearchPage).query_one(PathInput)
        assert field.has_focus
        assert field.value == f"{tree}/Pho"
        assert "Photos 2020/" in str(field.border_subtitle)
        await hand.burst("tos 2020/", "tab")
        assert field.value == f"{tree}/Photos 2020/IMG_1.jpg"
        assert field.has_focus

    drive(many(3), script)


def test_tab_completes_a_folder_and_goes_to_the_next_field_when_it_is_complete(tree: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f2", "n")
        await hand.burst(f"{tree}/mu", "tab", "tab")
        dialog = hand.page(AddFolderDialog)
        assert dialog.query_one("#folder", PathInput).value == f"{tree}/Music/"
        assert dialog.query_one("#name").has_focus

    drive(many(3), script)
