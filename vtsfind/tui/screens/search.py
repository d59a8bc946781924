"""The photos of the library, those similar to one, given by path or chosen on any screen, and those that show what words say."""

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.containers import Vertical
from textual.markup import escape
from textual.widget import Widget
from textual.widgets import Input

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import show_path, show_path_from_home
from vtsfind.base.words import counted, file_size
from vtsfind.engine.library.heads import SCENE_HEAD, WORDS_HEAD
from vtsfind.engine.review.session import error_message
from vtsfind.engine.search.catalogue import LibraryPhoto, Order
from vtsfind.engine.search.query import Answer, Neighbour, SearchOptions
from vtsfind.engine.search.query_words import QueryWords, are_words
from vtsfind.engine.search.where import EVERYTHING, filter_words, split_filters
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import JobDone, JobFailed
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.services.typed_paths import parse_dropped_path
from vtsfind.tui.widgets.card_grid import CardGrid, PhotoCard
from vtsfind.tui.widgets.path_input import PathInput
from vtsfind.tui.widgets.text_width import Line, cut_path

_MAX_HITS = 60
_CHANGES_PHOTOS = {"index", "apply", "undo"}
"""Jobs after which other photos are there."""
_BAR_WIDTH = 8
_NONE_SIMILAR = "No photo is this similar. Press + to allow more difference."
_ONE_WORD = "; not it? Say it in two or three words"
_SOME_PHOTO_IS_FIRST = ", whether or not they show it"
_NONE_PASSES = "No photo of the library passes the filters."


class SearchPage(Page):
    """The screen to search for similar photos."""

    KEY_SCOPE = KeyScope.SEARCH
    TAB = "search"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.SEARCH)
    AUTO_FOCUS = "#query-path"

    def __init__(self) -> None:
        super().__init__()
        self._queries: list[bytes | QueryWords] = []
        """What was asked for, the last at the end: paths of photos, and words."""
        self._heads: tuple[str, ...] = ()
        self._head = ""
        self._radius: int | None = None
        self._where = EVERYTHING
        self._filters = ""
        """The same as it was typed."""
        self._order = Order.NEWEST
        self._answer: Answer | list[LibraryPhoto] | None = None
        self._marked: dict[bytes, None] = {}
        self._pending: bytes | QueryWords | None = None
        """What was asked for while a search was running: a path or words, or nothing for the library."""
        self._is_pending = False

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Vertical(
            PathInput(
                placeholder="What photos show, or the path of one (Tab completes); in:trip, name:img, after:2021-05, camera:canon",
                id="query-path",
            ),
            CardGrid(self.context.pictures, lines=14, min_card_width=26, id="hits"),
            id="search",
        )

    def on_mount(self) -> None:
        """Show the library, and check files from time to time."""
        if not self._queries:
            self._search(None)
        self.set_interval(3.0, self._hits.check)

    @property
    def _hits(self) -> CardGrid:
        return self.query_one("#hits", CardGrid)

    # -- searching -------------------------------------------------------------------------------------------------

    def search_similar(self, path: bytes) -> None:
        """Search the whole library for photos similar to one."""
        self._where, self._filters = EVERYTHING, ""
        self._search_chosen(path)

    def _search_chosen(self, query: bytes | QueryWords) -> None:
        """Search the chosen photos for those similar to one, or those that show what words say."""
        if not self._queries or self._queries[-1] != query:
            self._queries.append(query)
        name = query.name if isinstance(query, QueryWords) else query
        self._type(f"{self._filters} {os.fsdecode(name).encode('utf-8', 'replace').decode()}".strip())
        self._hits.focus()
        self._search(query)

    def _type(self, text: str) -> None:
        field = self.query_one("#query-path", Input)
        with field.prevent(Input.Changed):
            field.value = text

    def _search(self, query: bytes | QueryWords | None) -> None:
        """Find what is similar to a photo or shows what words say; without either, list the library."""
        session, head, radius = self.context.session.search_session, self._head, self._radius
        where, order = self._where, self._order

        def search(_progress: object, cancel: object) -> object:
            del cancel
            heads = tuple(session.heads())
            chosen = head or (SCENE_HEAD if SCENE_HEAD in heads else heads[0])
            if query is None:
                return heads, chosen, session.catalogue(where, order)
            by = None if isinstance(query, QueryWords) else chosen
            options = SearchOptions(head=by, top=_MAX_HITS, radius=radius, where=where)
            return heads, chosen, session.find(query, options)

        if not self.context.jobs.start("search", search):
            self._pending, self._is_pending = query, True  # it follows the search that is running
            return
        slow = (
            " Photos that are not in the library take longer: the model is loaded first."
            if isinstance(query, bytes) and not session.has_model
            else ""
        )
        self._hits.show([], empty=f"Searching \u2026{slow}")
        self._titles()

    def job_done(self, message: JobDone) -> None:
        """Show the photos; what changes the library changes its list."""
        if message.job in _CHANGES_PHOTOS and not self._queries:
            self._search(None)
        if message.job != "search" or not isinstance(message.result, tuple):
            return
        self._heads, self._head, answer = message.result
        if self._search_pending():
            return
        self._answer = answer
        self._show()

    def job_failed(self, message: JobFailed) -> None:
        """Show why the search failed."""
        if message.job == "search" and not self._search_pending():
            self._answer = None
            self._hits.show([], empty=error_message(message.error))

    def _search_pending(self) -> bool:
        if not self._is_pending:
            return False
        self._is_pending = False
        self._search(self._pending)
        return True

    def _show(self, cursor: int = 0) -> None:
        answer = self._answer
        if answer is None:
            return
        if isinstance(answer, Answer):
            width = self._hits.text_width(len(answer.neighbours))
            cards = [_hit_card(hit, width, marked=hit.path in self._marked) for hit in answer.neighbours]
            empty = (
                str(answer.failure)
                if answer.failure
                else _NONE_SIMILAR
                if self._radius is not None or self._where == EVERYTHING
                else _NONE_PASSES
            )
        else:
            width = self._hits.text_width(len(answer))
            cards = [_photo_card(photo, width, marked=photo.path in self._marked) for photo in answer]
            empty = (
                "The library has no photos yet. Press F2 to index folders."
                if self._where == EVERYTHING
                else _NONE_PASSES
            )
        self._hits.show(cards, cursor, empty=empty)
        self._titles()

    def _titles(self) -> None:
        hits, query = self._hits, self._queries[-1] if self._queries else None
        count = counted(len(hits.cards), "photo")
        marked = f", {len(self._marked):,} marked" if self._marked else ""
        if query is None:
            hits.border_title = f"{count} of the library{marked}"
            hits.border_subtitle = self._order.value
            return
        limit = f"at most {self._radius} bits" if self._radius is not None else f"{_MAX_HITS} nearest"
        if isinstance(query, QueryWords):
            unknown = self._answer.unknown if isinstance(self._answer, Answer) else ()
            left_out = f"; not known: {', '.join(unknown)}" if unknown else ""
            hits.border_title = escape(f"{count} for \u201c{show_path(query.name)}\u201d{left_out}{marked}")
            if self._radius is None:
                limit += _ONE_WORD if len(query.name.split()) == 1 else _SOME_PHOTO_IS_FIRST
            hits.border_subtitle = f"by words, {limit}"
            return
        name = show_path(query).rpartition("/")[2]
        hits.border_title = escape(f"{count} similar to {name}{marked}" if hits.cards else name)
        hits.border_subtitle = f"by {self._head or SCENE_HEAD}, {limit}"

    def picture_ready(self, path: bytes) -> None:
        """Draw a picture."""
        self._hits.picture_ready(path)

    @on(Input.Submitted, "#query-path")
    def _on_path_submitted(self, event: Input.Submitted) -> None:
        try:
            where, rest = split_filters(event.value)
        except UsageError as error:
            self._answer = None
            self._hits.show([], empty=f"{error.message} {error.remedy}")
            return
        if where != self._where:
            self._where, self._radius = where, None
        self._filters = filter_words(event.value)
        path = parse_dropped_path(rest)
        if os.path.isdir(path):
            self._where = replace(self._where, folders=(*self._where.folders, path))
        elif path and are_words(os.fsdecode(path)) and WORDS_HEAD in self._heads:
            self._search_chosen(QueryWords(rest))
            return
        elif path and b"/" not in path and not os.path.exists(path):
            self._where = replace(self._where, path_words=(*self._where.path_words, *rest.split()))
        elif path:
            self._search_chosen(os.path.abspath(path))
            return
        self._queries.clear()
        self._hits.focus()
        self._search(None)

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
            self._search_chosen(path)

    def action_back(self) -> None:
        """Go back to the previous search, and from the first one to the library."""
        if self._queries:
            self._queries.pop()
        if self._queries:
            self._search_chosen(self._queries[-1])
        elif isinstance(self._answer, Answer):
            self._type(self._filters)
            self._search(None)

    def action_head(self) -> None:
        """Compare by the next head."""
        if self._heads and self._queries and isinstance(self._queries[-1], bytes):
            self._head = self._heads[(self._heads.index(self._head) + 1) % len(self._heads)]
            self._radius = None
            self._repeat()

    def action_radius(self, by: int) -> None:
        """Allow more or fewer bits to differ, starting from the farthest hit."""
        if not isinstance(self._answer, Answer):
            return
        hits = self._answer.neighbours
        if not hits and self._radius is None:  # the limit is not why there is none
            return
        bits = hits[0].bits if hits else 256
        step = max(1, bits // 64)
        now = self._radius if self._radius is not None else (hits[-1].distance if hits else bits // 8)
        self._radius = min(max(0, now + by * step), bits)
        self._repeat()

    def _repeat(self) -> None:
        if self._queries:
            self._search(self._queries[-1])

    def action_sort(self) -> None:
        """List the library in another order."""
        if not self._queries:
            orders = list(Order)
            self._order = orders[(orders.index(self._order) + 1) % len(orders)]
            self._search(None)

    def action_mark(self) -> None:
        """Mark or unmark the selected photo, and go to the next."""
        path = self._path
        if path is None:
            return
        if path in self._marked:
            del self._marked[path]
        else:
            self._marked[path] = None
        self._show(self._hits.cursor + 1)

    def action_copy(self) -> None:
        """Copy paths, one a line."""
        paths = list(self._marked) or [path for path in [self._path] if path is not None]
        if paths:
            self.app.copy_to_clipboard("\n".join(os.fsdecode(path) for path in paths))
            shown = show_path(paths[0]) if len(paths) == 1 else counted(len(paths), "path")
            self.notify(escape(f"Sent to the terminal's clipboard: {shown}"), timeout=6)

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


def _hit_card(hit: Neighbour, width: int, *, marked: bool) -> PhotoCard:
    filled = hit.bar_cells(_BAR_WIDTH)
    bar = "\u2588" * filled + "\u2591" * (_BAR_WIDTH - filled)
    gone = [("  missing", "bad")] if hit.missing else []
    head = [(f"{hit.rank} ", "key"), (bar, "good"), (f" {hit.distance}/{hit.bits}", "dim"), *gone]
    return _card(hit, head, width, marked=marked)


def _photo_card(photo: LibraryPhoto, width: int, *, marked: bool) -> PhotoCard:
    return _card(photo, [(photo.day.isoformat() if photo.day else "", "key")], width, marked=marked)


def _card(photo: Neighbour | LibraryPhoto, head: Line, width: int, *, marked: bool) -> PhotoCard:
    folder, _, name = show_path_from_home(photo.path).rpartition("/")
    facts = f"{photo.info.width}\u00d7{photo.info.height}  {file_size(photo.stamp.size)}"
    return PhotoCard(
        photo.path,
        [*([("\u2713 ", "strong")] if marked else []), *head],
        ([(name, "name")], [(facts, "dim")], [(cut_path(folder, width), "dim")], []),
    )
