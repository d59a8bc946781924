"""Photos similar to one: given by path, or chosen on any screen."""

import os
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.base.paths import show_path
from vtsfind.base.words import counted, file_size
from vtsfind.engine.review.session import error_message
from vtsfind.engine.search.query import Answer, Neighbour, SearchOptions
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import JobDone, JobFailed
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.services.typed_paths import parse_dropped_path
from vtsfind.tui.widgets.card_grid import CardGrid, PhotoCard
from vtsfind.tui.widgets.path_input import PathInput
from vtsfind.tui.widgets.text_width import cut_path

_MAX_HITS = 60
_BAR_WIDTH = 8


class SearchPage(Page):
    """The screen to search for similar photos."""

    KEY_SCOPE = KeyScope.SEARCH
    TAB = "search"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.SEARCH)
    AUTO_FOCUS = "#query-path"

    def __init__(self) -> None:
        super().__init__()
        self._query_paths: list[bytes] = []
        self._heads: tuple[str, ...] = ()
        self._head = ""
        self._radius: int | None = None
        self._answer: Answer | None = None
        self._pending_path: bytes | None = None

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Vertical(
            PathInput(
                placeholder="The path of a photo: type (Tab completes), paste or drop it here",
                id="query-path",
            ),
            CardGrid(self.context.pictures, lines=14, min_card_width=26, id="hits"),
            id="search",
        )

    def on_mount(self) -> None:
        """Show the empty state and check files from time to time."""
        self._hits.show([], empty="Type the path of a photo above, or press s on a photo on any screen.")
        self.set_interval(3.0, self._hits.check)

    @property
    def _hits(self) -> CardGrid:
        return self.query_one("#hits", CardGrid)

    # -- searching -------------------------------------------------------------------------------------------------

    def search_similar(self, path: bytes) -> None:
        """Search for photos similar to one."""
        if not self._query_paths or self._query_paths[-1] != path:
            self._query_paths.append(path)
        field = self.query_one("#query-path", Input)
        with field.prevent(Input.Changed):
            field.value = os.fsdecode(path).encode("utf-8", "replace").decode()
        self._hits.focus()
        self._search(path)

    def _search(self, path: bytes) -> None:
        search_session, head, radius = self.context.session.search_session, self._head, self._radius

        def search(_progress: object, cancel: object) -> object:
            del cancel
            heads = tuple(search_session.heads())
            chosen = head or ("scene" if "scene" in heads else heads[0])
            return (
                path,
                heads,
                chosen,
                search_session.find(path, SearchOptions(head=chosen, top=_MAX_HITS, radius=radius)),
            )

        if not self.context.jobs.start("search", search):
            self._pending_path = path  # it follows the search that is running
            return
        slow = (
            ""
            if search_session.has_model
            else " Photos that are not in the library take longer: the model is loaded first."
        )
        self._hits.show([], empty=f"Searching \u2026{slow}")
        self._titles()

    def job_done(self, message: JobDone) -> None:
        """Show the hits."""
        if message.job != "search" or not isinstance(message.result, tuple):
            return
        path, self._heads, self._head, answer = message.result
        if self._search_pending(path):
            return
        self._answer = answer
        self._show()

    def job_failed(self, message: JobFailed) -> None:
        """Show why the search failed."""
        if message.job == "search" and not self._search_pending(None):
            self._hits.show([], empty=error_message(message.error))

    def _search_pending(self, answered: bytes | None) -> bool:
        again, self._pending_path = self._pending_path, None
        if again is None:
            return False
        del answered
        self._search(again)
        return True

    def _show(self) -> None:
        answer = self._answer
        if answer is None:
            return
        empty = (
            str(answer.failure)
            if answer.failure
            else "No photo is this similar. Press + to allow more difference."
        )
        width = self._hits.text_width(len(answer.neighbours))
        self._hits.show([_hit_card(hit, width) for hit in answer.neighbours], empty=empty)
        self._titles()

    def _titles(self) -> None:
        hits = self._hits
        query_name = show_path(self._query_paths[-1]).rpartition("/")[2] if self._query_paths else ""
        count = len(hits.cards)
        hits.border_title = escape(
            f"{counted(count, 'photo')} similar to {query_name}" if count else query_name
        )
        limit = f"at most {self._radius} bits" if self._radius is not None else f"{_MAX_HITS} nearest"
        hits.border_subtitle = f"by {self._head or 'scene'}, {limit}"

    def picture_ready(self, path: bytes) -> None:
        """Draw a picture."""
        self._hits.picture_ready(path)

    @on(Input.Submitted, "#query-path")
    def _on_path_submitted(self, event: Input.Submitted) -> None:
        path = parse_dropped_path(event.value)
        if path:
            self.search_similar(os.path.abspath(path))

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_ask(self) -> None:
        """Focus the path input."""
        self.query_one("#query-path").focus()

    def key_escape(self) -> None:
        """Leave the path input."""
        self._hits.focus()

    @on(CardGrid.CardOpened)
    def action_similar(self) -> None:
        """Search for photos similar to the selected one."""
        path = self._path
        if path is not None:
            self.search_similar(path)

    def action_back(self) -> None:
        """Go back to the previous search."""
        if len(self._query_paths) > 1:
            self._query_paths.pop()
            self.search_similar(self._query_paths[-1])

    def action_head(self) -> None:
        """Compare by the next head."""
        if self._heads:
            self._head = self._heads[(self._heads.index(self._head) + 1) % len(self._heads)]
            self._radius = None
            self._repeat()

    def action_radius(self, by: int) -> None:
        """Allow more or fewer bits to differ, starting from the farthest hit."""
        hits = self._answer.neighbours if self._answer else ()
        bits = hits[0].bits if hits else 256
        step = max(1, bits // 64)
        now = self._radius if self._radius is not None else (hits[-1].distance if hits else bits // 8)
        self._radius = min(max(0, now + by * step), bits)
        self._repeat()

    def _repeat(self) -> None:
        if self._query_paths:
            self._search(self._query_paths[-1])

    def action_view(self) -> None:
        """Open the photo."""
        if self._path is not None:
            open_photo(self, self._path)

    def action_folder(self) -> None:
        """Open its folder."""
        if self._path is not None:
            open_folder(self, self._path)

    @property
    def _path(self) -> bytes | None:
        cards = self._hits.cards
        return cards[self._hits.cursor].path if cards else None


def _hit_card(hit: Neighbour, width: int) -> PhotoCard:
    folder, _, name = show_path(hit.path).rpartition("/")
    filled = hit.bar_cells(_BAR_WIDTH)
    bar = "\u2588" * filled + "\u2591" * (_BAR_WIDTH - filled)
    facts = f"{hit.info.width}\u00d7{hit.info.height}  {file_size(hit.stamp.size)}"
    gone = [("  missing", "bad")] if hit.missing else []
    return PhotoCard(
        hit.path,
        [(f"{hit.rank} ", "key"), (bar, "good"), (f" {hit.distance}/{hit.bits}", "dim"), *gone],
        ([(name, "name")], [(facts, "dim")], [(cut_path(folder, width), "dim")], []),
    )
