"""The words for what became of a file in a run, and for where it went."""

from collections.abc import Sequence

from vtsfind.base.operations import Operation, State, state_word
from vtsfind.base.paths import show_path_from_home

_MAX_PLACES = 2
"""Folders that are named, of those where files went."""
_STYLES = {
    State.PLANNED: "dim",
    State.BEGUN: "warn",
    State.UNDOING: "warn",
    State.UNDONE: "good",
    State.SKIPPED: "warn",
    State.FAILED: "bad",
}
STATE_WIDTH = 12
"""Characters of a column of states."""


def state_label(operation: Operation, state: State) -> tuple[str, str]:
    """The state of an operation in a word or two, and the style for it."""
    word = state_word(operation, state)
    return word, _STYLES.get(state) or ("good" if word == "moved" else "bad")


def places_text(places: Sequence[bytes]) -> str:
    """The folders where files went."""
    shown = ", ".join(map(show_path_from_home, places[:_MAX_PLACES]))
    more = len(places) - _MAX_PLACES
    return f"{shown} and {more:,} more" if more > 0 else shown
