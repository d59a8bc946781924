"""One table of keys: every action is there, no key has two meanings, the page is up to date."""

from collections import Counter
from pathlib import Path

import pytest
from textual.binding import Binding

from vtsfind.tui.app import BrowseApp
from vtsfind.tui.keys import ACTIONS, KeyScope, bindings, page, rows
from vtsfind.tui.screens.apply import ApplyPage
from vtsfind.tui.screens.compare import ComparePage
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.history import HistoryPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.screens.welcome import WelcomePage

OWNERS = {
    KeyScope.EVERYWHERE: BrowseApp,
    KeyScope.WELCOME: WelcomePage,
    KeyScope.HOME: HomePage,
    KeyScope.GROUPS: GroupsPage,
    KeyScope.COMPARE: ComparePage,
    KeyScope.SEARCH: SearchPage,
    KeyScope.APPLY: ApplyPage,
    KeyScope.HISTORY: HistoryPage,
}


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: f"{action.scope}-{action.name}")
def test_every_action_of_the_table_can_be_done(action: object) -> None:
    name = action.name.partition("(")[0]  # type: ignore[attr-defined]
    assert hasattr(OWNERS[action.scope], f"action_{name}")  # type: ignore[attr-defined]


@pytest.mark.parametrize("scope", KeyScope)
def test_no_key_has_two_meanings_in_one_part(scope: KeyScope) -> None:
    keys = Counter(key for action in ACTIONS if action.scope is scope for key in action.keys.split(","))
    everywhere = {
        key for action in ACTIONS if action.scope is KeyScope.EVERYWHERE for key in action.keys.split(",")
    }
    assert max(keys.values()) == 1
    if scope is not KeyScope.EVERYWHERE:
        assert not everywhere & set(keys)


@pytest.mark.parametrize("scope", KeyScope)
def test_the_help_explains_what_every_binding_does(scope: KeyScope) -> None:
    bound = [binding for binding in bindings(scope) if isinstance(binding, Binding)]
    explained = list(rows(scope))
    assert len(bound) == len([action for action in ACTIONS if action.scope is scope])
    assert all(keys and meaning.endswith(".") for keys, meaning in explained)


def test_the_page_of_keys_is_up_to_date() -> None:
    text = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    assert text == page(), "Run: python -m vtsfind.cli.keys_page > docs/keys.md"
