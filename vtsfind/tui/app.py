"""The application: it owns the session and the services, knows all screens, and passes messages to them."""

import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual import events, on
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme

from vtsfind.base.errors import LibraryMissing, UsageError
from vtsfind.base.progress import Cancelled
from vtsfind.base.words import counted, either, file_size
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.review.session import BrowseSession, error_message
from vtsfind.graphics.detect import CellSize, Graphics
from vtsfind.graphics.renderer import PictureRenderer
from vtsfind.tui.keys import ACTIONS, KeyScope, bindings
from vtsfind.tui.messages import (
    CompareGroup,
    DecisionsChanged,
    GoToScreen,
    JobDone,
    JobFailed,
    JobProgressed,
    OpenLibrary,
    PictureReady,
    SearchSimilar,
    ShowMember,
)
from vtsfind.tui.page import Page
from vtsfind.tui.screens.apply import ApplyPage
from vtsfind.tui.screens.compare import ComparePage
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.history import HistoryPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.screens.welcome import WelcomePage
from vtsfind.tui.services.jobs import Jobs
from vtsfind.tui.services.serial_keys import SerialKeysApp
from vtsfind.tui.services.thumbnails import PictureCache
from vtsfind.tui.widgets.dialogs import BusyDialog, HelpDialog
from vtsfind.tui.widgets.overlay import Overlay
from vtsfind.tui.widgets.top_bar import TABS

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

_UNINTERRUPTIBLE_JOBS = {"apply", "undo"}
"""Jobs that change files: on quitting, the file in work is finished first."""
_LOADING = "groups"
_LOADING_BURSTS = "bursts"
_RUNS = {"apply", "undo"}
"""The jobs that remove or restore files."""
_CHECK_RUNS_S = 3.0
_BY_ITSELF = {_LOADING, _LOADING_BURSTS}
"""The jobs that find the groups, first the copies: they run on their own, so Ctrl-C does not count them as something to stop."""
_RETRY_S = 0.1
_MIN_ERROR_S = 3.0
"""Seconds that an error is shown at least, whatever is typed meanwhile: it may speak of a job in the background."""
_FRAMEWORK_COMMANDS = {"Theme", "Quit", "Screenshot"}
"""Textual's own commands that the command palette offers too."""


class BrowseApp(SerialKeysApp):
    """The terminal UI over one session.

    Parameters
    ----------
    session
        The session; the caller closes it.
    graphics
        How pictures are drawn.
    cell
        The size of a character in pixels, for graphics that draw pixels.
    theme
        The name of the colours.

    Raises
    ------
    UsageError
        If there is no such theme.
    """

    TITLE = "vtsfind"
    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.EVERYWHERE)
    MODES: ClassVar[dict[str, str | Callable[[], Screen[object]]]] = {
        "welcome": WelcomePage,  # type: ignore[dict-item]
        "home": HomePage,  # type: ignore[dict-item]
        "groups": GroupsPage,  # type: ignore[dict-item]
        "search": SearchPage,  # type: ignore[dict-item]
        "apply": ApplyPage,  # type: ignore[dict-item]
        "history": HistoryPage,  # type: ignore[dict-item]
    }
    DEFAULT_MODE = "groups"

    def __init__(
        self,
        session: BrowseSession,
        graphics: Graphics = Graphics.BLOCKS,
        cell: CellSize | None = None,
        theme: str = THEME.name,
    ) -> None:
        super().__init__()
        self.session = session
        self.jobs = Jobs(self)
        self.pictures = PictureCache(
            session.previews,
            PictureRenderer(graphics, cell),
            ready=lambda path: self.post_message(PictureReady(path)),
            start=lambda: self.run_worker(self.pictures.work, thread=True, group="pictures"),
            write=self.write_raw,
        )
        self._is_loading_stale = False
        """Whether the groups that are being found are not wanted any more, and others are."""
        self._last_run_change = 0
        """When files were removed or restored last, as far as this screen knows, in nanoseconds."""
        self._leaving = False
        self._interrupted = False
        self._error_shown_at = -_MIN_ERROR_S
        self.register_theme(THEME)
        if theme not in self.available_themes:
            raise UsageError(f"There is no theme '{theme}'.", f"Use {either(sorted(self.available_themes))}.")
        self.theme = theme

    def on_mount(self) -> None:
        """Start to find groups; find them again after another process removed or restored files."""
        self.load_groups()
        self._last_run_change = self.session.last_run_change()
        self.set_interval(_CHECK_RUNS_S, self._look_for_runs)

    def _look_for_runs(self) -> None:
        changed = self.session.last_run_change()
        if not changed or changed == self._last_run_change or _RUNS.intersection(self.jobs.running):
            return
        self._last_run_change = changed
        self.notify("Files were removed or restored elsewhere. Finding the groups again.", timeout=5)
        self.load_groups()

    async def on_event(self, event: events.Event) -> None:
        """Let a notice go with the next key, so that it covers nothing that was asked for since; an error stays a moment."""
        is_typed = isinstance(event, events.Key) and not event.is_forwarded
        if is_typed and time.monotonic() - self._error_shown_at > _MIN_ERROR_S:
            self.clear_notifications()
        await super().on_event(event)

    def notify(
        self,
        message: str,
        *,
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        **_: object,
    ) -> None:
        """Show a notice as plain text: paths may contain what looks like markup."""
        if severity == "error":
            self._error_shown_at = time.monotonic()
        super().notify(message, severity=severity, timeout=timeout, markup=False)

    def write_raw(self, text: str) -> None:
        """Send escape sequences to the terminal."""
        if self._driver is not None and text:
            self._driver.write(text)

    # -- what screens may ask for: see AppContext ------------------------------------------------------------------

    def load_groups(self) -> None:
        """Find the groups of duplicates again, in the background; a search that runs is given up."""
        busy = _BY_ITSELF.intersection(self.jobs.running)
        self._is_loading_stale = bool(busy)
        for job in busy:
            self.jobs.cancel(job)
        if not busy:
            self.jobs.start(_LOADING, self.session.load)

    def show_error(self, error: Exception) -> None:
        """Show an error to the user."""
        self.notify(error_message(error), severity="error", timeout=8)

    def status_texts(self) -> tuple[str, ...]:
        """What the top bar says, longest text first: what runs, the library, and the progress of the review."""
        running = [job for job in self.jobs.running if job not in _BY_ITSELF]
        busy = f"\u25cf {', '.join(running)}  " if running else ""
        name = f"library {self.session.settings.library}  "
        review = self.session.review
        if review is None:
            return busy + name, busy
        totals = review.totals
        files = f"{counted(totals.files, 'file')} {'goes' if totals.files == 1 else 'go'}"
        going = f"{files}, {file_size(totals.gain)} " if totals.files else "nothing goes yet "
        return busy + name + going, busy + going, going, f"{files} "

    # -- messages from screens -------------------------------------------------------------------------------------

    @on(GoToScreen)
    def _go_to_screen(self, message: GoToScreen) -> None:
        self.action_go(message.name)

    @on(CompareGroup)
    def _compare_group(self, message: CompareGroup) -> None:
        self.push_screen(ComparePage(message.order, message.group, message.member))

    @on(SearchSimilar)
    def _search_similar(self, message: SearchSimilar) -> None:
        self.switch_mode("search")
        page = self.screen
        assert isinstance(page, SearchPage)
        self.call_later(page.search_similar, message.path)

    @on(ShowMember)
    def _show_member(self, message: ShowMember) -> None:
        self.switch_mode("groups")
        page = self.screen
        assert isinstance(page, GroupsPage)
        self.call_later(page.show_member, message.group, message.member)

    @on(OpenLibrary)
    def _open_library(self, message: OpenLibrary) -> None:
        self.session.switch_library(message.library)
        self.load_groups()
        self._for_each_page(lambda page: page.groups_changed())

    @on(DecisionsChanged)
    def _decisions_changed(self, message: DecisionsChanged) -> None:
        self._for_each_page(lambda page: None if page is message.source else page.decisions_changed())

    # -- messages from workers and widgets -------------------------------------------------------------------------

    @on(PictureReady)
    def _picture_ready(self, message: PictureReady) -> None:
        for page in self._pages():
            if page.is_current:
                page.picture_ready(message.path)

    @on(Overlay)
    def _write_overlay(self, message: Overlay) -> None:
        place = message.place
        self.write_raw(f"\x1b7\x1b[{place.y + 1};{place.x + 1}H{message.picture.overlay}\x1b8")

    @on(JobProgressed)
    def _job_progressed(self, message: JobProgressed) -> None:
        self._for_each_page(lambda page: page.job_progressed(message))

    @on(JobDone)
    def _job_done(self, message: JobDone) -> None:
        if message.job == _LOADING_BURSTS and "accept" in self.jobs.running:  # it works on the review
            self.set_timer(_RETRY_S, lambda: self.post_message(message))
            return
        self._job_ended(message.job)
        if message.job in _RUNS:
            self._last_run_change = self.session.last_run_change()
        if self._restarted_loading(message.job):
            return
        if message.job in _BY_ITSELF and isinstance(message.result, tuple):
            use = self.session.use_copies if message.job == _LOADING else self.session.use_bursts
            use(*message.result)
            if message.job == _LOADING:
                self.jobs.start(_LOADING_BURSTS, self.session.load_bursts)
            self._for_each_page(lambda page: page.groups_changed())
        if (
            isinstance(message.result, RefreshResult)
            and message.result.photos
            and not message.result.interrupted
        ):
            self.load_groups()
        self._for_each_page(lambda page: page.job_done(message))

    @on(JobFailed)
    def _job_failed(self, message: JobFailed) -> None:
        self._job_ended(message.job)
        if self._restarted_loading(message.job):
            return
        self._for_each_page(lambda page: page.job_failed(message))
        if isinstance(message.error, LibraryMissing) and message.job == _LOADING:
            self.switch_mode("home" if self.session.has_libraries() else "welcome")
        elif not isinstance(message.error, Cancelled):
            self.show_error(message.error)

    def _restarted_loading(self, job: str) -> bool:
        """Find the groups that are wanted now, if those that were found are not; gives whether it did."""
        if job not in _BY_ITSELF or not self._is_loading_stale or self._leaving:
            return False
        self.load_groups()
        return True

    def _pages(self) -> list[Page]:
        """All screens that exist, those that are covered by others included."""
        stacks = self._screen_stacks.values()
        return [
            screen for stack in stacks for screen in stack if isinstance(screen, Page) and screen.is_mounted
        ]

    def _for_each_page(self, call: Callable[[Page], None]) -> None:
        for page in self._pages():
            call(page)
            page.refresh_status()

    # -- actions ---------------------------------------------------------------------------------------------------

    def action_go(self, name: str) -> None:
        """Show a screen; the key of the search screen leads to its input once more."""
        while len(self.screen_stack) > 1 and not isinstance(self.screen, Page):
            self.pop_screen()
        if name == self.current_mode and isinstance(self.screen, SearchPage):
            self.screen.action_ask()
        self.switch_mode(name)

    def action_turn(self, by: int) -> None:
        """Show the next screen."""
        names = list(TABS)
        now = self.current_mode
        self.action_go(names[(names.index(now) + by) % len(names)] if now in names else names[0])

    def action_help(self) -> None:
        """Show the keys of the current screen."""
        screen = self.screen
        self.push_screen(HelpDialog(screen.KEY_SCOPE if isinstance(screen, Page) else KeyScope.EVERYWHERE))

    async def action_quit(self) -> None:
        """Quit as soon as no job changes files."""
        self._leave()

    def action_interrupt(self) -> None:
        """Stop the running jobs; without any, or the second time, quit."""
        busy = [job for job in self.jobs.running if job not in _BY_ITSELF]
        if busy and not self._interrupted:
            self._interrupted = True
            for job in busy:
                self.jobs.cancel(job)
            self.notify("Stopping. Press Ctrl-C again to quit.", timeout=4)
        else:
            self._leave()

    def _leave(self) -> None:
        self.jobs.cancel_all()
        if _UNINTERRUPTIBLE_JOBS.isdisjoint(self.jobs.running):
            self.session.close()
            self.exit()
        else:
            self._leaving = True
            self.notify("Finishing the current file \u2026", timeout=4)

    def _job_ended(self, job: str) -> None:
        self.jobs.ended(job)
        if job == "accept" and isinstance(self.screen, BusyDialog):
            self.pop_screen()
        if not self.jobs.running:
            self._interrupted = False
        if self._leaving:
            self._leave()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The actions of the current screen and the ways to other screens, for the command palette."""
        yield from (each for each in super().get_system_commands(screen) if each.title in _FRAMEWORK_COMMANDS)
        scope = screen.KEY_SCOPE if isinstance(screen, Page) else None
        for action in ACTIONS:
            if action.scope is scope or (
                action.scope is KeyScope.EVERYWHERE and action.name.startswith("go")
            ):
                yield SystemCommand(
                    action.label,
                    action.help,
                    lambda name=action.name, at=screen: self.call_later(self.run_action, name, at),
                )
