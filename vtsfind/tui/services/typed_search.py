"""What is asked for on the search screen, and how it is read from what was typed."""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace

from vtsfind.engine.library.heads import WORDS_HEAD
from vtsfind.engine.search.query_words import QueryWords, are_words
from vtsfind.engine.search.where import EVERYTHING, Where, filter_words, is_date, split_filters
from vtsfind.tui.services.typed_paths import parse_dropped_path


@dataclass(frozen=True, slots=True)
class Search:
    """One search; what narrows it belongs to it alone."""

    query: bytes | QueryWords | None = None
    """The path of a photo, or words; None for the library as a list."""
    where: Where = EVERYTHING
    filters: str = ""
    """The same as it was typed."""
    head: str = ""
    """What photos are compared by; empty for the usual head."""
    radius: int | None = None
    """Bits in which codes may differ; None for the nearest photos, however far they are."""

    @property
    def text(self) -> str:
        """What asks for it in the text field."""
        name = self.query.name if isinstance(self.query, QueryWords) else self.query or b""
        return f"{self.filters} {os.fsdecode(name).encode('utf-8', 'replace').decode()}".strip()

    def similar_to(self, path: bytes) -> "Search":
        """The search for photos similar to one, by the same filters but those of names, which other photos may not have."""
        where = replace(self.where, path_words=())
        kept = filter_words(self.filters, without="name")
        return replace(self, query=path, radius=None, where=where, filters=kept)


def read_search(text: str, heads: Collection[str], head: str) -> Search:
    """What a text asks for: a photo or words, in a part of the library if it has filters; without either, the library as a list.

    A date alone asks for the photos of that time.

    Parameters
    ----------
    text
        As typed, pasted or dropped.
    heads
        What photos of the library can be compared by.
    head
        What they are compared by if it is a photo; empty for the usual head.

    Raises
    ------
    UsageError
        If a filter cannot be understood.
    """
    asked = _without_slash(text)
    where, rest = split_filters(asked)
    if is_date(rest) and not os.path.exists(rest):
        asked = f"{filter_words(asked)} on:{rest}"
        where, rest = split_filters(asked)
    search = Search(None, where, filter_words(asked), head)
    path = parse_dropped_path(rest)
    if os.path.isdir(path):
        return replace(search, where=replace(where, folders=(*where.folders, path)))
    if path and are_words(os.fsdecode(path)) and WORDS_HEAD in heads:
        return replace(search, query=QueryWords(rest))
    if path and b"/" not in path and not os.path.exists(path):
        return replace(search, where=replace(where, path_words=(*where.path_words, *rest.split())))
    return replace(search, query=os.path.abspath(path)) if path else search


def _without_slash(text: str) -> str:
    """What was asked for, without the key that focuses the field, where it was in focus already."""
    rest = text.removeprefix("/")
    first = rest.split(maxsplit=1)[0] if rest.strip() else ""
    is_path = "/" in first or os.path.exists(f"/{first}") or not (are_words(first) or ":" in first)
    return text if is_path else rest
