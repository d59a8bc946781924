"""The bar at the bottom: the most used keys of a screen, as many as fit."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.tui.keys import KeyAction, KeyScope, footer_actions, key_names


class KeyBar(Widget):
    """One line of keys; a click on one runs its action.

    Parameters
    ----------
    scope
        The screen that the bar is on.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"keybar--key"}

    def __init__(self, scope: KeyScope) -> None:
        super().__init__()
        own, everywhere = footer_actions(scope), footer_actions(KeyScope.EVERYWHERE)
        self._actions = own if scope is KeyScope.EVERYWHERE else (*own, *everywhere)
        self._essential = everywhere
        self._spans: list[tuple[int, int, KeyAction]] = []

    def on_mount(self) -> None:
        """Follow the focus: a text field takes the keys that type a character."""
        self.watch(self.screen, "focused", self._draw_again, init=False)

    def _draw_again(self) -> None:
        self.refresh()

    def render(self) -> Text:
        """Draw the keys: those of the screen from the left as far as they fit, then help and quit."""
        gap = "  " if self._width(self._actions, 2) <= self.size.width else " "
        room = self.size.width - self._width(self._essential, len(gap))
        key_style = self.get_component_rich_style("keybar--key", partial=True)
        text = Text(no_wrap=True, overflow="crop")
        self._spans = []
        for action in self._actions:
            if action not in self._essential:
                width = self._width((action,), len(gap))
                if width > room:
                    continue
                room -= width
            start = len(text)
            text.append(gap[1:] + self._key(action), key_style)
            text.append(f" {action.label} ")
            self._spans.append((start, len(text), action))
        return text

    def _width(self, actions: Iterable[KeyAction], gap: int) -> int:
        """Characters that some keys with their labels take."""
        return sum(len(self._key(action)) + 1 + len(action.label) + gap for action in actions)

    async def on_click(self, event: events.Click) -> None:
        """Run the action of the clicked key."""
        for start, end, action in self._spans:
            if start <= event.x < end:
                await self.app.run_action(action.name, self.screen)

    def _key(self, action: KeyAction) -> str:
        """The key to show for an action: the first; for one that works everywhere the last, while a text is typed."""
        names = key_names(action).split(", ")
        is_typed = isinstance(self.screen.focused, Input)
        return names[-1 if is_typed and action in self._essential else 0]
