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
from vtsfind.base.paths import show_path
from vtsfind.base.records import Failure, Reason
from vtsfind.base.words import counted
from vtsfind.engine.review.session import error_message
from vtsfind.engine.search.catalogue import LibraryPhoto, Order
from vtsfind.engine.search.query import Answer, SearchOptions
from vtsfind.engine.search.query_words import QueryWords
from vtsfind.engine.search.where import EVERYTHING, NONE_PASSES
from vtsfind.tui.keys import KeyScope, bindings
from vtsfind.tui.messages import JobDone, JobFailed, ShowMember
from vtsfind.tui.page import Page
from vtsfind.tui.services.open_external import open_folder, open_photo
from vtsfind.tui.services.typed_search import Search, read_search
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.hit_cards import hit_card, photo_card
from vtsfind.tui.widgets.path_input import PathInput

_MAX_HITS = 60
_CHANGES_PHOTOS = {"index", "apply", "undo"}
"""Jobs after which other photos are there."""
_NONE_SIMILAR = "No photo is this similar. Press + to allow more difference."
_ONE_WORD = "; not it? Say it in two or three words"
_SOME_PHOTO_IS_FIRST = ", whether or not they show it"
_OTHER_WAYS = " in:FOLDER, on:DAY and name:WORD look at folders, dates and names."
_USUAL_BITS = 256
"""Length of a code where no hit says it."""


class SearchPage(Page):
    """The screen to search for similar photos."""

    KEY_SCOPE = KeyScope.SEARCH
    TAB = "search"
    BINDINGS: ClassVar[list[BindingType]] = bindings(KeyScope.SEARCH)
    AUTO_FOCUS = "#query-path"

    def __init__(self) -> None:
        super().__init__()
        self._searches = [Search()]
        """The library, and the searches from there on; the last is shown."""
        self._heads: tuple[str, ...] = ()
        self._order = Order.NEWEST
        self._answer: Answer | list[LibraryPhoto] | None = None
        self._marked: dict[bytes, None] = {}
        self._is_pending = False
        """Whether another search was asked for while one was running."""

    def body(self) -> Iterable[Widget]:
        """The widgets between top bar and footer."""
        yield Vertical(
            PathInput(
                placeholder="What photos show, or the path of one; in: name: on: after: before: camera:",
                id="query-path",
            ),
            CardGrid(self.context.pictures, lines=14, min_card_width=26, id="hits"),
            id="search",
        )

    def on_mount(self) -> None:
        """Show the library, and check files from time to time."""
        if self._current.query is None:
            self._search()
        self.set_interval(3.0, self._hits.check)

    @property
    def _hits(self) -> CardGrid:
        return self.query_one("#hits", CardGrid)

    @property
    def _current(self) -> Search:
        return self._searches[-1]

    def offers(self, action: str) -> bool:
        """Whether a key does anything now."""
        match action:
            case "ask":
                return True
            case "back":
                return len(self._searches) > 1
            case "head":
                return isinstance(self._current.query, bytes) and len(self._heads) > 1
            case "sort":
                return self._current.query is None
            case "radius(1)" | "radius(-1)":
                return isinstance(self._answer, Answer)
        return bool(self._hits.cards)

    # -- searching -------------------------------------------------------------------------------------------------

    def search_similar(self, path: bytes) -> None:
        """Search the whole library for photos similar to one."""
        self._ask(Search(path, head=self._current.head))

    def _ask(self, search: Search) -> None:
        """Search for something else; what is asked once more is searched anew."""
        if search != replace(self._current, radius=None):
            self._searches.append(search)
        else:
            self._searches[-1] = search
        self._show_current()

    def _show_current(self) -> None:
        field = self.query_one("#query-path", Input)
        with field.prevent(Input.Changed):
            field.value = self._current.text
        self._hits.focus()
        self._search()

    def _search(self) -> None:
        """Find what is similar to a photo or shows what words say; without either, list the library."""
        session, asked, order = self.context.session.search_session, self._current, self._order
        query = asked.query

        def search(_progress: object, cancel: object) -> object:
            del cancel
            heads = tuple(session.heads())
            if query is None:
                return heads, session.catalogue(asked.where, order)
            by = None if isinstance(query, QueryWords) else asked.head or heads[0]
            options = SearchOptions(head=by, top=_MAX_HITS, radius=asked.radius, where=asked.where)
            return heads, session.find(query, options)

        if not self.context.jobs.start("search", search):
            self._is_pending = True  # it follows the search that is running
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
        if message.job in _CHANGES_PHOTOS and self._current.query is None:
            self._search()
        if message.job != "search" or not isinstance(message.result, tuple):
            return
        self._heads, answer = message.result
        if self._search_pending():
            return
        self._answer = answer
        self._show()

    def job_failed(self, message: JobFailed) -> None:
        """Show why the search failed; Backspace then shows the one before it."""
        if message.job == "search" and not self._search_pending():
            hint = _OTHER_WAYS if isinstance(self._current.query, QueryWords) else ""
            self._show_refusal(error_message(message.error) + hint)
            if len(self._searches) > 1:
                self._searches.pop()

    def _show_refusal(self, why: str) -> None:
        """Show why there is no answer."""
        self._answer = None
        self._hits.show([], empty=why)
        self._hits.border_title, self._hits.border_subtitle = "Nothing to show", ""
        self.refresh_status()

    def _search_pending(self) -> bool:
        if not self._is_pending:
            return False
        self._is_pending = False
        self._search()
        return True

    @on(CardGrid.CardsScrolled)
    def _write_for_width(self) -> None:
        """Write the text of the cards for the width that they have now."""
        self._show(self._hits.cursor)

    def _show(self, cursor: int = 0) -> None:
        answer = self._answer
        if answer is None:
            return
        if isinstance(answer, Answer):
            width = self._hits.text_width(len(answer.neighbours))
            cards = [hit_card(hit, width, marked=hit.path in self._marked) for hit in answer.neighbours]
            empty = (
                _failure_words(answer.failure)
                if answer.failure
                else _NONE_SIMILAR
                if self._current.radius is not None or self._current.where == EVERYTHING
                else NONE_PASSES
            )
        else:
            width = self._hits.text_width(len(answer))
            cards = [photo_card(photo, width, marked=photo.path in self._marked) for photo in answer]
            empty = (
                "The library has no photos yet. Press F2 to index folders."
                if self._current.where == EVERYTHING
                else NONE_PASSES
            )
        self._hits.show(cards, cursor, empty=empty)
        self._titles()
        self.refresh_status()

    def _titles(self) -> None:
        hits, query, radius = self._hits, self._current.query, self._current.radius
        answer = self._answer if isinstance(self._answer, Answer) else Answer(QueryWords(""))
        count = counted(len(hits.cards), "photo")
        marked = f", {len(self._marked):,} marked" if self._marked else ""
        if query is None:
            hits.border_title = f"{count} of the library{marked}"
            hits.border_subtitle = self._order.value
            return
        limit = (
            f"the nearest, at most {_MAX_HITS}"
            if radius is None
            else f"only near ones: at most {radius} of {_bits(answer)} bits differ"
        )
        if isinstance(query, QueryWords):
            left_out = f"; not known: {', '.join(answer.unknown)}" if answer.unknown else ""
            hits.border_title = escape(f"{count} for \u201c{show_path(query.name)}\u201d{left_out}{marked}")
            if radius is None:
                limit += _ONE_WORD if len(query.name.split()) == 1 else _SOME_PHOTO_IS_FIRST
            hits.border_subtitle = f"by words, {limit}"
            return
        name = show_path(query).rpartition("/")[2]
        among = "" if self._current.where == EVERYTHING else ", of those that pass the filter"
        hits.border_title = escape(f"{count} similar to {name}{among}{marked}" if hits.cards else name)
        by = self._current.head or self._heads[0]
        hits.border_subtitle = "" if answer.failure else f"by {by}, {limit}"

    def picture_ready(self, path: bytes) -> None:
        """Draw a picture."""
        self._hits.picture_ready(path)

    @on(Input.Submitted, "#query-path")
    def _on_path_submitted(self, event: Input.Submitted) -> None:
        try:
            search = read_search(event.value, self._heads, self._current.head)
        except UsageError as error:
            self._show_refusal(f"{error.message} {error.remedy}")
            return
        if search.query is not None:
            self._ask(search)
            return
        self._searches = [search]
        self._hits.focus()
        self._search()

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
        if self._path is not None:
            self._ask(self._current.similar_to(self._path))

    def action_back(self) -> None:
        """Go back to the previous search as it was, and from the first one to the library."""
        if len(self._searches) > 1 and self._answer is not None:
            self._searches.pop()
        self._show_current()

    def action_head(self) -> None:
        """Compare by the next head."""
        if self._heads and isinstance(self._current.query, bytes):
            now = self._current.head or self._heads[0]
            head = self._heads[(self._heads.index(now) + 1) % len(self._heads)]
            self._searches[-1] = replace(self._current, head=head, radius=None)
            self._search()

    def action_radius(self, by: int) -> None:
        """Allow more or fewer bits to differ, starting from the farthest hit."""
        if not isinstance(self._answer, Answer):
            return
        hits, radius, bits = self._answer.neighbours, self._current.radius, _bits(self._answer)
        if not hits and radius is None:  # the limit is not why there is none
            return
        step = max(1, bits // 64)
        now = radius if radius is not None else (hits[-1].distance if hits else bits // 8)
        self._searches[-1] = replace(self._current, radius=min(max(0, now + by * step), bits))
        self._search()

    def action_sort(self) -> None:
        """List the library in another order."""
        if self._current.query is None:
            orders = list(Order)
            self._order = orders[(orders.index(self._order) + 1) % len(orders)]
            self._search()

    def action_mark(self) -> None:
        """Mark or unmark the selected photo."""
        path = self._path
        if path is None:
            return
        if path in self._marked:
            del self._marked[path]
        else:
            self._marked[path] = None
        self._show(self._hits.cursor)

    def action_group(self) -> None:
        """Show the group of the selected photo, where it can be marked to go."""
        path, session = self._path, self.context.session
        if path is None:
            return
        place = session.review.place_of(path) if session.review else None
        if place:
            self.post_message(ShowMember(*place))
        elif not session.has_bursts:
            self.notify("Groups are still being found. Press g again in a moment.", timeout=4)
        else:
            self.notify(
                f"{show_path(os.path.basename(path))} is in no group: no copy of it was found that would stay, or you said to keep both (`vtsfind decisions`). So vtsfind does not remove it."
                " O opens its folder, if it is to go all the same.",
                timeout=8,
            )

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


def _bits(answer: Answer) -> int:
    """Length of the codes that were compared."""
    return answer.neighbours[0].bits if answer.neighbours else _USUAL_BITS


def _failure_words(failure: Failure) -> str:
    """Why there is no answer for a photo, and what to do; it may never have been there."""
    if failure.reason is Reason.VANISHED:
        return f"{show_path(failure.path)} does not exist. Check the path; Tab completes it. Words begin with no /."
    return str(failure)
