"""Keys that arrive at once act as if they were typed slowly."""

from pathlib import Path

import pytest
from support.made_groups import many
from support.tui_driver import Hand, drive
from textual.widgets import Input

from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.widgets.dialogs import AddFolderDialog


def test_a_filter_that_arrives_at_once_is_a_filter_and_no_commands() -> None:
    async def script(hand: Hand) -> None:
        await hand.burst("/whats")
        assert hand.page(GroupsPage).query_one("#filter", Input).value == "whats"
        assert hand.review.totals.decided == 0

    drive(many(12), script)


def test_commands_that_arrive_at_once_all_count() -> None:
    async def script(hand: Hand) -> None:
        await hand.burst("aan", "u")
        assert hand.review.totals.decided == 2

    drive(many(12), script)


def test_a_folder_that_arrives_with_the_key_that_asks_for_it_is_typed_into_the_dialog(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f2")
        await hand.burst(f"n{tmp_path}/no-such")
        dialog = hand.page(AddFolderDialog)
        assert dialog.query_one("#folder", Input).value == f"{tmp_path}/no-such"
        await hand.burst("", "escape", "f3")
        hand.page(GroupsPage)

    drive(many(3), script)


@pytest.mark.parametrize("key", ["f4"])
def test_a_path_that_arrives_with_the_key_that_goes_to_the_search_is_typed_there(key: str) -> None:
    async def script(hand: Hand) -> None:
        await hand.press(key, "escape")
        await hand.burst("//photos/a q.jpg")
        assert hand.page(SearchPage).query_one("#query-path", Input).value == "/photos/a q.jpg"

    drive(many(3), script)


def test_a_key_that_closes_a_dialog_is_followed_by_the_keys_behind_it() -> None:
    async def script(hand: Hand) -> None:
        await hand.burst("?", "escape", "a", "f2")
        hand.page(HomePage)
        assert hand.review.totals.decided == 1

    drive(many(12), script)


def test_the_key_of_the_search_screen_leads_back_to_its_input() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f4", "escape", "f4", "x")
        assert hand.page(SearchPage).query_one(Input).value == "x"

    drive(many(2), script)
