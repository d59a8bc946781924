"""Photos that look like one: by path, or on from any photo that is shown."""

import os
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.base.records import show_path
from vtsfind.engine.search.query import Answer, Neighbour, SearchOptions
from vtsfind.tui.keys import KeyScope
from vtsfind.tui.messages import WorkDone, WorkFailed
from vtsfind.tui.services.open_external import show_file, show_folder
from vtsfind.tui.widgets.card_grid import CardGrid, PhotoCard
from vtsfind.tui.widgets.screen_base import Page, page_bindings
from vtsfind.tui.widgets.text_width import counted, cut_left, size

_MAX_HITS = 60
_BAR_WIDTH = 8


class SearchPage(Page):
    """The screen of searches."""

    KEY_SCOPE = KeyScope.SEARCH
    NAME = "search"
    BINDINGS: ClassVar[list[BindingType]] = page_bindings(KeyScope.SEARCH)
    AUTO_FOCUS = "#question"

    def __init__(self) -> None:
        super().__init__()
        self._query_paths: list[bytes] = []
        self._heads: tuple[str, ...] = ()
        self._head = ""
        self._radius: int | None = None
        self._answer: Answer | None = None
        self._pending_path: bytes | None = None

    def body(self) -> Iterable[Widget]:
        """Lay it out."""
        yield Vertical(
            Input(placeholder="The path of a photo: type, paste, or drop it here", id="question"),
            CardGrid(self.browse.gallery, lines=14, min_card_width=26, id="hits"),
            id="search",
        )

    def on_mount(self) -> None:
        """Fill it."""
        self._hits.show([], empty="Nothing asked yet. Press s on any photo, or give a path.")
        self.set_interval(3.0, self._hits.check)

    @property
    def _hits(self) -> CardGrid:
        return self.query_one("#hits", CardGrid)

    # -- asking ----------------------------------------------------------------------------------------------------

    def search_similar(self, path: bytes) -> None:
        """Look for photos like one."""
        if not self._query_paths or self._query_paths[-1] != path:
            self._query_paths.append(path)
        field = self.query_one("#question", Input)
        with field.prevent(Input.Changed):
            field.value = os.fsdecode(path).encode("utf-8", "replace").decode()
        self._hits.focus()
        self._search(path)

    def _search(self, path: bytes) -> None:
        search_session, head, radius = self.browse.browsing.search_session, self._head, self._radius

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

        if not self.browse.jobs.start("search", search):
            self._pending_path = path  # the newest question follows the one under way
            return
        slow = (
            ""
            if search_session.has_model
            else " A photo that is new to the library has to wait for the model."
        )
        self._hits.show([], empty=f"Looking \u2026{slow}")
        self._titles()

    def work_done(self, message: WorkDone) -> None:
        """Show an answer."""
        if message.what != "search" or not isinstance(message.result, tuple):
            return
        path, self._heads, self._head, answer = message.result
        if self._search_pending(path):
            return
        self._answer = answer
        self._show()

    def work_failed(self, message: WorkFailed) -> None:
        """Say why there is no answer."""
        if message.what == "search" and not self._search_pending(None):
            self._hits.show([], empty=self.browse.error_text(message.error))

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
            str(answer.failure) if answer.failure else "Nothing in the library is that near. + looks farther."
        )
        width = self._hits.text_width(len(answer.neighbours))
        self._hits.show([_hit_card(hit, width) for hit in answer.neighbours], empty=empty)
        self._titles()

    def _titles(self) -> None:
        hits = self._hits
        query_name = show_path(self._query_paths[-1]).rpartition("/")[2] if self._query_paths else ""
        count = len(hits.cards)
        hits.border_title = f"{counted(count, 'photo')} like {query_name}" if count else query_name
        limit = f"at most {self._radius} bits" if self._radius is not None else f"the {_MAX_HITS} nearest"
        hits.border_subtitle = f"by {self._head or 'scene'}, {limit}"

    def picture_ready(self, path: bytes) -> None:
        """Show a picture."""
        self._hits.picture_ready(path)

    @on(Input.Submitted, "#question")
    def _on_path_submitted(self, event: Input.Submitted) -> None:
        path = parse_dropped_path(event.value)
        if path:
            self.search_similar(os.path.abspath(path))

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_ask(self) -> None:
        """Go to the field."""
        self.query_one("#question").focus()

    def key_escape(self) -> None:
        """Leave the field."""
        self._hits.focus()

    @on(CardGrid.CardOpened)
    def action_similar(self) -> None:
        """Go on with the photo under the cursor."""
        path = self._path
        if path is not None:
            self.search_similar(path)

    def action_back(self) -> None:
        """Go back to the question before."""
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
        """Allow more or fewer bits to differ; the first time, as many as the farthest hit has."""
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
            show_file(self, self._path)

    def action_folder(self) -> None:
        """Open its folder."""
        if self._path is not None:
            show_folder(self, self._path)

    @property
    def _path(self) -> bytes | None:
        cards = self._hits.cards
        return cards[self._hits.cursor].path if cards else None


def parse_dropped_path(text: str) -> bytes:
    r"""The path in what was typed, pasted or dropped: terminals quote it, escape its blanks, or make it a URL.

    >>> parse_dropped_path("'/a b/c.jpg' "), parse_dropped_path("/a\\ b/c.jpg"), parse_dropped_path("file:///a%20b/c.jpg"), parse_dropped_path("~/x")[:1]
    (b'/a b/c.jpg', b'/a b/c.jpg', b'/a b/c.jpg', b'/')
    """
    text = text.strip()
    if text.startswith("file://"):
        return os.fsencode(unquote(urlsplit(text).path))
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif "\\" in text and not os.path.exists(text):
        text = text.replace("\\ ", " ").replace("\\(", "(").replace("\\)", ")").replace("\\'", "'")
    return os.fsencode(os.path.expanduser(text))


def _hit_card(hit: Neighbour, width: int) -> PhotoCard:
    folder, _, name = show_path(hit.path).rpartition("/")
    filled = round(_BAR_WIDTH * max(0.0, 1 - 2 * hit.distance / hit.bits))
    bar = "\u2588" * filled + "\u2591" * (_BAR_WIDTH - filled)
    facts = f"{hit.info.width}\u00d7{hit.info.height}  {size(hit.stamp.size)}"
    gone = [("  gone", "bad")] if hit.missing else []
    return PhotoCard(
        hit.path,
        [(f"{hit.rank} ", "key"), (bar, "good"), (f" {hit.distance}/{hit.bits}", "dim"), *gone],
        ([(name, "name")], [(facts, "dim")], [(cut_left(folder, width), "dim")], []),
    )
