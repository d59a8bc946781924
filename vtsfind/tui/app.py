"""The application: it holds the session, routes messages between workers and screens, and goes from screen to screen."""

from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.theme import Theme

from vtsfind.base.errors import LibraryMissing
from vtsfind.base.progress import Cancelled
from vtsfind.engine.review.session import BrowseSession, error_message
from vtsfind.graphics.protocols import Graphics
from vtsfind.graphics.renderer import CellSize, PictureRenderer
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import PictureReady, WorkDone, WorkFailed, WorkProgress
from vtsfind.tui.screens.apply import ApplyPage
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.history import HistoryPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.services.jobs import Jobs
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.card_grid import Overlay
from vtsfind.tui.widgets.screen_base import TABS, BusyDialog, HelpDialog, Page
from vtsfind.tui.widgets.text_width import counted, size

THEME = Theme(
    name="vtsfind",
    primary="#e0a458",
    secondary="#7fb7be",
    accent="#e0a458",
    foreground="#e6e1d8",
    background="#14151a",
    surface="#1b1d24",
    panel="#252833",
    success="#8fc07a",
    warning="#e5c15d",
    error="#e0736b",
    dark=True,
)

# What may not be broken off by leaving at once: what is under way is finished, what is not begun stays.
_UNINTERRUPTIBLE_JOBS = {"apply", "undo"}


_FRAMEWORK_COMMANDS = {"Theme", "Quit", "Screenshot"}
"""The framework's own commands that the palette offers, too."""


class BrowseApp(App[None]):
    """The terminal UI over one session.

    Parameters
    ----------
    browsing
        The session; whoever made it closes it.
    graphics
        How pictures are drawn.
    cell
        The size of a character in pixels, where pictures are drawn of pixels.
    """

    TITLE = "vtsfind"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.EVERYWHERE)
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = {
        "home": HomePage,  # type: ignore[dict-item]
        "groups": GroupsPage,  # type: ignore[dict-item]
        "search": SearchPage,  # type: ignore[dict-item]
        "apply": ApplyPage,  # type: ignore[dict-item]
        "history": HistoryPage,  # type: ignore[dict-item]
    }
    DEFAULT_MODE = "groups"

    def __init__(
        self, browsing: BrowseSession, graphics: Graphics = Graphics.BLOCKS, cell: CellSize | None = None
    ) -> None:
        super().__init__()
        self.browsing = browsing
        self.jobs = Jobs(self)
        self.gallery = self._gallery(PictureRenderer(graphics, cell))
        self._leaving = False
        self._interrupted = False
        self.register_theme(THEME)
        self.theme = THEME.name

    def _gallery(self, renderer: PictureRenderer) -> PictureCache:
        return PictureCache(
            self.browsing.previews,
            renderer,
            ready=self._notify_picture_ready,
            start=self._start_picture_worker,
            write=self.write_raw,
        )

    def _notify_picture_ready(self, path: bytes) -> None:
        self.post_message(PictureReady(path))

    def _start_picture_worker(self) -> None:
        self.run_worker(self.gallery.work, thread=True, group="pictures")

    def on_mount(self) -> None:
        """Look for groups."""
        self.load_groups()

    def write_raw(self, text: str) -> None:
        """Send something to the terminal as it is."""
        if self._driver is not None and text:
            self._driver.write(text)

    # -- the session -----------------------------------------------------------------------------------------------

    def load_groups(self) -> None:
        """Look for groups in the background."""
        self.jobs.start("groups", self.browsing.load)

    def open_library(self, library: str) -> None:
        """Go on with another library."""
        self.jobs.cancel("groups")
        self.browsing.switch_library(library)
        self._for_each_page(lambda page: page.groups_changed())
        self.load_groups()

    def notify_review_changed(self, by: Page) -> None:
        """Let all other screens know that a decision was made."""
        by.refresh_state()
        self._for_each_page(lambda page: None if page is by else page.review_changed())

    def search_for(self, path: bytes) -> None:
        """Look for photos like one."""
        self.switch_mode("search")
        self.call_later(self._search_similar, path)

    def _search_similar(self, path: bytes) -> None:
        page = self.screen
        if isinstance(page, SearchPage):
            page.search_similar(path)

    def status_texts(self) -> tuple[str, ...]:
        """How far the review is, for the bar on top, at more and less length."""
        review = self.browsing.review
        running = [what for what in self.jobs.running if what != "groups"]
        busy = f"\u25cf {', '.join(running)}  " if running else ""
        name = f"{self.browsing.settings.library}  "
        review = self.browsing.review
        if review is None:
            return busy + name, busy
        totals = review.totals
        decided = f"{totals.decided:,}/{len(review.groups):,} decided"
        going = f", {counted(totals.files, 'file')} go, {size(totals.gain)} "
        return busy + name + decided + going, busy + decided + going, busy + decided, decided

    # -- messages --------------------------------------------------------------------------------------------------

    def _pages(self) -> list[Page]:
        """All screens that are there, those below others included."""
        stacks = self._screen_stacks.values()
        return [
            screen for stack in stacks for screen in stack if isinstance(screen, Page) and screen.is_mounted
        ]

    def _for_each_page(self, tell: Callable[[Page], None]) -> None:
        for page in self._pages():
            tell(page)
            page.refresh_state()

    def on_picture_ready(self, message: PictureReady) -> None:
        """Have the picture drawn where it is seen."""
        for page in self._pages():
            if page.is_current:
                page.picture_ready(message.path)

    def on_overlay(self, message: Overlay) -> None:
        """Write a picture of pixels over its place."""
        place = message.place
        self.write_raw(f"\x1b7\x1b[{place.y + 1};{place.x + 1}H{message.picture.overlay}\x1b8")

    def on_work_progress(self, message: WorkProgress) -> None:
        """Show how far work is."""
        self._for_each_page(lambda page: page.work_progress(message))

    def on_work_done(self, message: WorkDone) -> None:
        """Take what work has given."""
        self._job_ended(message.what)
        if message.what == "groups" and isinstance(message.result, tuple):
            self.browsing.use_groups(*message.result)
            self._for_each_page(lambda page: page.groups_changed())
        self._for_each_page(lambda page: page.work_done(message))

    def on_work_failed(self, message: WorkFailed) -> None:
        """Say what went wrong, unless it was asked for."""
        self._job_ended(message.what)
        self._for_each_page(lambda page: page.work_failed(message))
        if isinstance(message.error, LibraryMissing) and message.what == "groups":
            self.switch_mode("home")
        elif not isinstance(message.error, Cancelled):
            self.tell(message.error)

    def tell(self, error: Exception) -> None:
        """Show an error."""
        self.notify(error_message(error), severity="error", timeout=8)

    @staticmethod
    def error_text(error: Exception) -> str:
        """An error in words."""
        return error_message(error)

    # -- going about -----------------------------------------------------------------------------------------------

    def action_go(self, name: str) -> None:
        """Show a screen."""
        while len(self.screen_stack) > 1 and not isinstance(self.screen, Page):
            self.pop_screen()
        self.switch_mode(name)

    def action_turn(self, by: int) -> None:
        """Show the next screen."""
        names = list(TABS)
        now = self.current_mode
        self.action_go(names[(names.index(now) + by) % len(names)] if now in names else names[0])

    def action_help(self) -> None:
        """Show the keys of the screen in front."""
        screen = self.screen
        self.push_screen(HelpDialog(screen.KEY_SCOPE if isinstance(screen, Page) else KeyScope.EVERYWHERE))

    async def action_quit(self) -> None:
        """Leave, after what must not be broken off."""
        self._leave()

    def action_interrupt(self) -> None:
        """Stop what a person started; if nothing of that runs, leave."""
        busy = [what for what in self.jobs.running if what != "groups"]
        if busy and not self._interrupted:
            self._interrupted = True
            for what in busy:
                self.jobs.cancel(what)
            self.notify("Stopping. Ctrl-C again leaves.", timeout=4)
        else:
            self._leave()

    def _leave(self) -> None:
        self.jobs.cancel_all()
        if _UNINTERRUPTIBLE_JOBS.isdisjoint(self.jobs.running):
            self.browsing.close()
            self.exit()
        else:
            self._leaving = True
            self.notify("Finishing the file at hand \u2026", timeout=4)

    def _job_ended(self, what: str) -> None:
        self.jobs.ended(what)
        if what == "accept" and isinstance(self.screen, BusyDialog):
            self.pop_screen()
        if not self.jobs.running:
            self._interrupted = False
        if self._leaving:
            self._leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that the screen in front and the program have, for the command palette."""
        from vtsfind.tui.keys import ACTIONS

        yield from (each for each in super().get_system_commands(screen) if each.title in _FRAMEWORK_COMMANDS)
        part = screen.KEY_SCOPE if isinstance(screen, Page) else None
        for action in ACTIONS:
            if action.part is part or (action.part is KeyScope.EVERYWHERE and action.name.startswith("go")):
                yield SystemCommand(
                    action.label,
                    action.help,
                    lambda name=action.name, at=screen: self.call_later(self.run_action, name, at),
                )
