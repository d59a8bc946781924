"""Keys one at a time: each is passed on only when the one before it has taken effect."""

import time
from collections import deque

from textual import events, on
from textual.app import App
from textual.message import Message
from textual.screen import Screen

_MAX_WAIT_S = 1.0
"""After this time keys no longer wait for one whose end was not noticed, because its widget was removed."""


class KeyHandled(Message):
    """All handlers of a key have run, up to those of the screen `at`: it follows the key on its way up."""

    def __init__(self, at: Screen[object]) -> None:
        super().__init__()
        self.at = at


class SerialKeysApp(App[None]):
    """An application in which keys that arrive at once, pasted or over a slow connection, act as if typed slowly.

    Textual passes every key to the widget that has the focus when the key arrives. When several arrive at once, the
    later ones would go to the widget that the first one is about to take the focus from.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._sent_at: float | None = None

    async def on_event(self, event: events.Event) -> None:
        """Queue what is typed or pasted; handle everything else at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
            return
        self._waiting.append(event)
        if self._sent_at is None or time.monotonic() - self._sent_at > _MAX_WAIT_S:
            await self._send_next()

    async def _send_next(self) -> None:
        self._sent_at = None
        if self._waiting:
            self._sent_at = time.monotonic()
            target = self.focused or self.screen
            await super().on_event(self._waiting.popleft())
            target.post_message(KeyHandled(self.screen))

    @on(KeyHandled)
    def _key_handled(self, message: KeyHandled) -> None:
        if self.screen is message.at:
            self.call_later(self._send_next)  # after a change of focus, which Textual makes later, too
        else:  # a screen that the key opened has to choose its focus first
            self.screen.post_message(KeyHandled(self.screen))
