"""The photos of a search as cards: how near each is or when it was taken, and its facts."""

from vtsfind.base.paths import show_path_from_home
from vtsfind.base.words import file_size
from vtsfind.engine.search.catalogue import LibraryPhoto
from vtsfind.engine.search.query import Neighbour
from vtsfind.tui.widgets.card_grid import PhotoCard
from vtsfind.tui.widgets.text_width import Line, cut_path

_BAR_WIDTH = 8
"""Characters of a bar."""


def hit_card(hit: Neighbour, width: int, *, marked: bool) -> PhotoCard:
    """A photo that a search found, in lines of so many characters: its rank, and how near it is."""
    filled = hit.bar_cells(_BAR_WIDTH)
    bar = "\u2588" * filled + "\u2591" * (_BAR_WIDTH - filled)
    gone = [("  missing", "bad")] if hit.missing else []
    head = [(f"{hit.rank} ", "key"), (bar, "good"), (f" {hit.distance}/{hit.bits}", "dim"), *gone]
    return _card(hit, head, width, marked=marked)


def photo_card(photo: LibraryPhoto, width: int, *, marked: bool) -> PhotoCard:
    """A photo of the library, in lines of so many characters: its day."""
    source = "" if photo.info.taken else "file of "
    head: Line = [(source, "dim"), (photo.day.isoformat(), "key")] if photo.day else []
    return _card(photo, head, width, marked=marked)


def _card(photo: Neighbour | LibraryPhoto, head: Line, width: int, *, marked: bool) -> PhotoCard:
    folder, _, name = show_path_from_home(photo.path).rpartition("/")
    facts = f"{photo.info.width}\u00d7{photo.info.height}  {file_size(photo.stamp.size)}"
    return PhotoCard(
        photo.path,
        [*([("\u2713 ", "strong")] if marked else []), *head],
        ([(name, "name")], [(facts, "dim")], [(cut_path(folder, width), "dim")], []),
    )
