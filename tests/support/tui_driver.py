"""Driving the terminal UI without a terminal: press keys, wait until nothing works any more, look at the state."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from textual import events
from textual.pilot import Pilot
from textual.screen import Screen

from vtsfind.base.groups import Group, Verdict
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.previews.decode import Previews
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session import BrowseSession, GroupSource
from vtsfind.graphics.detect import Graphics
from vtsfind.tui.app import BrowseApp
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.group_list import GroupList

Page = TypeVar("Page", bound=Screen[Any])


def found(groups: Sequence[Group]) -> GroupSource:
    """A source of groups of copies that has these, and of no bursts."""

    def source(_context: Context, options: DedupOptions) -> Sequence[Group]:
        return [] if options.kinds == {Verdict.BURST} else groups

    return source


_KEYS = {
    "/": "slash",
    " ": "space",
    "-": "minus",
    "_": "underscore",
    ".": "full_stop",
    "?": "question_mark",
    ":": "colon",
}


class Hand:
    """What a person at the keyboard does and sees."""

    def __init__(self, app: BrowseApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, and wait after each until all work is done."""
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def write(self, text: str) -> None:
        """Type a text."""
        await self.pilot.press(*(_KEYS.get(character, character) for character in text))
        await self.settle()

    async def burst(self, text: str, *then: str) -> None:
        """Let all keys of a text arrive at once, as over a slow connection."""
        for character in text:
            self.app.post_message(events.Key(_KEYS.get(character, character), character))
        for key in then:
            self.app.post_message(events.Key(key, None))
        await self.settle()

    async def settle(self) -> None:
        """Wait until no worker works and no message waits."""
        for _ in range(3):
            await self.pilot.pause()
            await self.app.workers.wait_for_complete(
                [worker for worker in self.app.workers if worker.group not in {"index", "apply"}]
            )
            await self.pilot.pause()

    async def finish(self) -> None:
        """Wait for long work, too."""
        await self.app.workers.wait_for_complete()
        await self.settle()

    @property
    def review(self) -> Review:
        """The review at hand."""
        assert self.app.session.review, f"there is none: {self.told}"
        return self.app.session.review

    def page(self, kind: type[Page]) -> Page:
        """The screen in front, which must be of a kind."""
        assert isinstance(self.app.screen, kind), f"{self.app.screen} is in front"
        return self.app.screen

    @property
    def groups(self) -> GroupList:
        """The list of groups."""
        return self.page(GroupsPage).query_one("#groups", GroupList)

    @property
    def members(self) -> CardGrid:
        """The photos of the group under the cursor."""
        return self.page(GroupsPage).query_one("#members", CardGrid)

    @property
    def told(self) -> list[str]:
        """The notes that are shown."""
        return [note.message for note in self.app._notifications]

    @property
    def text(self) -> str:
        """All that is on the screen, without colours."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())


Script = Callable[[Hand], Awaitable[None]]


def drive(
    source: Sequence[Group] | GroupSource | None,
    script: Script,
    *,
    size: tuple[int, int] = (120, 36),
    settings: Settings | None = None,
    graphics: Graphics = Graphics.BLOCKS,
    previews: Previews | None = None,
    wait: bool = True,
    notices: bool = False,
) -> None:
    """Start the UI over groups (or a source of them, or the library's own), run a script, and leave.

    Unless told not to `wait`, the script begins when the groups are there. Notices are drawn only if asked for.
    """

    async def run() -> None:
        where = source if callable(source) or source is None else found(source)
        with BrowseSession(settings or Settings(workers=1), where) as browsing:
            if previews:
                browsing.previews.close()
                browsing.previews = previews
            app = BrowseApp(browsing, graphics)
            async with app.run_test(size=size, notifications=notices) as pilot:
                hand = Hand(app, pilot)
                if wait:
                    await hand.settle()
                await script(hand)

    asyncio.run(run())
