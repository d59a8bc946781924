"""The bar at the bottom: the most used keys of a screen, as many as fit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.tui.keys import KeyScope, footer_actions, key_names


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key, what it does in one or two words, and the action that a click on it runs, if any."""

    key: str
    label: str
    action: str = ""


_TYPING = (_Entry("Enter", "Done"), _Entry("Esc", "Leave"))
"""What works in a text field, where other keys type a character."""
_FILTERING = (_Entry("Enter", "Done"), _Entry("Esc", "Clear"))
"""The same in the filter of groups."""


class KeyBar(Widget):
    """One line of keys; a click on one runs its action.

    Parameters
    ----------
    scope
        The screen that the bar is on.
    offers
        Whether an action of it is shown now.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keybar--key"}

    def __init__(self, scope: KeyScope, offers: Callable[[str], bool]) -> None:
        super().__init__()
        self._scope, self._offers = scope, offers
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        """Follow the focus: a text field takes the keys that type a character."""
        self.watch(self.screen, "focused", self._draw_again, init=False)

    def _draw_again(self) -> None:
        self.refresh()

    def render(self) -> Text:
        """Draw the keys: those of the screen from the left as far as they fit, then help and quit."""
        own, everywhere = self._entries()
        gap = "  " if _width((*own, *everywhere), 2) <= self.size.width else " "
        room = self.size.width - _width(everywhere, len(gap))
        shown: list[_Entry] = []
        for entry in own:
            if _width((*shown, entry), len(gap)) <= room:
                shown.append(entry)
        key_style = self.get_component_rich_style("keybar--key", partial=True)
        text = Text(no_wrap=True, overflow="crop")
        self._spans = []
        for entry in (*shown, *everywhere):
            start = len(text)
            text.append(gap[1:] + entry.key, key_style)
            text.append(f" {entry.label} ")
            self._spans.append((start, len(text), entry.action))
        return text

    def _entries(self) -> tuple[Sequence[_Entry], Sequence[_Entry]]:
        """The keys of the screen, and those that work everywhere, of which the last name is no character."""
        is_typing = isinstance(self.screen.focused, Input)
        everywhere = [
            _Entry(key_names(each).split(", ")[-1 if is_typing else 0], each.label, each.name)
            for each in footer_actions(KeyScope.EVERYWHERE)
            if not is_typing or len(key_names(each).split(", ")[-1]) > 1
        ]
        if is_typing:
            return _FILTERING if self._scope is KeyScope.GROUPS else _TYPING, everywhere
        if self._scope is KeyScope.EVERYWHERE:
            return (), everywhere
        own = [each for each in footer_actions(self._scope) if self._offers(each.name)]
        return [_Entry(key_names(each).split(", ")[0], each.label, each.name) for each in own], everywhere

    async def on_click(self, event: events.Click) -> None:
        """Run the action of the clicked key."""
        for start, end, action in self._spans:
            if start <= event.x < end and action:
                await self.app.run_action(action, self.screen)


def _width(entries: Sequence[_Entry], gap: int) -> int:
    """Characters that some keys with their labels take."""
    return sum(len(entry.key) + 1 + len(entry.label) + gap for entry in entries)
