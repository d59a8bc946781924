"""One table of keys: every action is there, no key has two meanings, the page is up to date."""

from collections import Counter
from pathlib import Path

import pytest
from textual.binding import Binding

from vtsfind.tui.app import BrowseApp
from vtsfind.tui.keys import ACTIONS, Part, bindings, page, rows
from vtsfind.tui.screens.apply import ApplyPage
from vtsfind.tui.screens.compare import Compare
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.history import HistoryPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage

OWNERS = {
    Part.EVERYWHERE: BrowseApp,
    Part.HOME: HomePage,
    Part.GROUPS: GroupsPage,
    Part.COMPARE: Compare,
    Part.SEARCH: SearchPage,
    Part.APPLY: ApplyPage,
    Part.HISTORY: HistoryPage,
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.part}-{action.name}")
def test_every_action_of_the_table_can_be_done(action: object) -> None:
    name = action.name.partition("(")[0]  # type: ignore[attr-defined]
    assert hasattr(OWNERS[action.part], f"action_{name}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("part", Part)
def test_no_key_has_two_meanings_in_one_part(part: Part) -> None:
    keys = Counter(key for action in ACTIONS if action.part is part for key in action.keys.split(","))
    everywhere = {
        key for action in ACTIONS if action.part is Part.EVERYWHERE for key in action.keys.split(",")
    }
    assert max(keys.values()) == 1
    if part is not Part.EVERYWHERE:
        assert not everywhere & set(keys)


@pytest.mark.parametrize("part", Part)
def test_the_help_explains_what_every_binding_does(part: Part) -> None:
    bound = [binding for binding in bindings(part) if isinstance(binding, Binding)]
    explained = list(rows(part))
    assert len(bound) == len([action for action in ACTIONS if action.part is part])
    assert all(keys and meaning.endswith(".") for keys, meaning in explained)


def test_the_page_of_keys_is_up_to_date() -> None:
    text = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    assert text == page(), "Run: python -m vtsfind.cli.keys_page > docs/keys.md"
