"""Which photos of a library a query answers with: those in some folders, of some time, or by some cameras."""

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import partial

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import is_below
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.base.words import counted
from vtsfind.engine.library.folders import library_folders
from vtsfind.store.library import Library
from vtsfind.store.planes import Planes
from vtsfind.store.rows import FileRecord

_DAY = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")

_FILTER = re.compile(
    r"""(?:^|(?<=\s))(in|name|on|after|before|camera):(?:"([^"]*)"|'([^']*)'|((?:\\.|[^\s\\])+))"""
)
"""A filter as a person types it: a value with blanks is quoted, or its blanks are escaped."""

_MAX_CAMERAS = 8
"""Cameras that a message names."""


@dataclass(frozen=True, slots=True)
class Where:
    """A choice of photos; all of them unless a field says less."""

    folders: tuple[str | bytes, ...] = ()
    """Only photos in one of these, or below."""
    after: date | None = None
    """Only photos of this day or later."""
    before: date | None = None
    """Only photos of earlier days."""
    words: tuple[str, ...] = ()
    """Only photos whose folder has all of these in its path, ignoring case."""
    path_words: tuple[str, ...] = ()
    """Only photos that have all of these in their path, ignoring case."""
    cameras: tuple[str, ...] = ()
    """Only photos by a camera that has one of these in its name, ignoring case."""


EVERYTHING = Where()
NONE_PASSES = "No photo of the library passes the filters."
"""What is said where a choice leaves nothing."""


def parse_day(text: str, option: str) -> date:
    """The first day of a year, of a month, or a day.

    >>> parse_day("2021", "--after"), parse_day("2021-5", "--after").isoformat()
    (datetime.date(2021, 1, 1), '2021-05-01')

    Raises
    ------
    UsageError
        If it is none; names the option.
    """
    match = _DAY.fullmatch(text.strip())
    try:
        if match:
            return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:  # such as a 13th month
        pass
    raise UsageError(f"{option} is '{text}', which is no day.", "Write it as 2021-05-31, 2021-05 or 2021.")


def _first_and_next(text: str, option: str) -> tuple[date, date]:
    """The first day of a year, of a month, or a day, and the first one after it; errors as of `parse_day`."""
    first = parse_day(text, option)
    try:
        match text.count("-"):
            case 0:
                return first, first.replace(year=first.year + 1)
            case 1:
                return first, (first + timedelta(days=31)).replace(day=1)
        return first, first + timedelta(days=1)
    except (OverflowError, ValueError):  # the end of the calendar
        return first, date.max


def is_date(text: str) -> bool:
    """Whether a text is a year, a month or a day of our time, and so not what a photo shows.

    >>> is_date("2023"), is_date("2024-06-06"), is_date("1234"), is_date("2023-13")
    (True, True, False, False)
    """
    try:
        return text.startswith(("19", "20")) and bool(parse_day(text, ""))
    except UsageError:
        return False


def parse_days(given: Mapping[str, Iterable[str]], option: str) -> tuple[date | None, date | None]:
    """The first day that is asked for, and the first one that is not any more; None for no limit.

    Parameters
    ----------
    given
        Days, months and years: `after`, the first that count, `before`, the first that do not, and `on`, those that do.
    option
        How the three are written, such as `--{}`.

    Raises
    ------
    UsageError
        For a day that is none.
    """
    spans = [_first_and_next(text, option.format("on")) for text in given["on"]]
    firsts = [parse_day(text, option.format("after")) for text in given["after"]]
    ends = [parse_day(text, option.format("before")) for text in given["before"]]
    return (
        max(firsts + [first for first, _ in spans], default=None),
        min(ends + [end for _, end in spans], default=None),
    )


def split_filters(text: str) -> tuple[Where, str]:
    r"""Take the filters out of what a person typed: `in:FOLDER`, `name:WORD`, `on:DAY`, `after:DAY`, `before:DAY`, `camera:NAME`.

    `in:` takes a folder, or a word of its path; `name:` a word of the path of the photo.

    >>> where, rest = split_filters("in:trip in:'old ones' after:2021-05 /a b/cat.jpg")
    >>> where.words, where.after.isoformat(), rest
    (('trip', 'old ones'), '2021-05-01', '/a b/cat.jpg')

    Raises
    ------
    UsageError
        For a day that is none.
    """
    given: dict[str, list[str]] = {name: [] for name in ("in", "name", "on", "after", "before", "camera")}
    for name, *values in _FILTER.findall(text):
        given[name].append(values[0] or values[1] or re.sub(r"\\(.)", r"\1", values[2]))
    folders = [os.path.expanduser(value) for value in given["in"]]
    where = Where(
        tuple(folder for folder in folders if os.path.isdir(folder)),
        *parse_days(given, "{}:"),
        tuple(folder for folder in folders if not os.path.isdir(folder)),
        tuple(given["name"]),
        tuple(given["camera"]),
    )
    return where, _FILTER.sub("", text).strip()


def filter_words(text: str, *, without: str = "") -> str:
    """The filters in what a person typed, as they were typed, without those of one name.

    >>> filter_words("in:trip /a b/cat.jpg before:2022"), filter_words("in:trip name:a", without="name")
    ('in:trip before:2022', 'in:trip')
    """
    return " ".join(match[0] for match in _FILTER.finditer(text) if match[1] != without)


def day_of(info: PictureInfo, stamp: Stamp) -> date | None:
    """The day of the shot, else the day of the file; None for a time that no calendar has."""
    try:
        if info.taken:
            return date.fromisoformat(info.taken[:10])
        return datetime.fromtimestamp(stamp.mtime_ns / 1e9).astimezone().date()
    except (OSError, OverflowError, ValueError):
        return None


Passes = Callable[[FileRecord], bool]


Near = Callable[[npt.NDArray[np.uint8], int | None, int | None], Planes]
"""Views, count and radius to codes; see `vtsfind.store.library.Library.near`."""


@dataclass(frozen=True, slots=True)
class ChosenPhotos:
    """The photos that are looked through."""

    bits: int
    """Length of the codes."""
    near: Near
    """The codes, among those of the contents that have a chosen file, that are near a photo."""
    passes: Passes
    """Whether a file is chosen."""


def chosen_photos(where: Where, index: Library, head: str, *, approximate: bool = False) -> ChosenPhotos:
    """The photos of a library that are chosen, by the codes of a head.

    With `approximate`, of all photos some that are near may be missing; see `vtsfind.store.library.Library.near`.

    Raises
    ------
    UsageError
        If the library has no photo in one of the folders, no folder with one of the words, or no photo by one of the cameras.
    """
    if where == EVERYTHING:
        bits = next(each.bits for each in index.signature.heads if each.name == head)
        return ChosenPhotos(bits, partial(index.near, head, approximate=approximate), lambda _: True)
    planes = index.planes(head)
    passes = passing(where, index)
    rows = [row for row, records in index.contents() if any(map(passes, records))]
    mask = np.isin(planes.rows, np.asarray(rows, planes.rows.dtype))
    words = np.ascontiguousarray(planes.words[:, mask])
    chosen = replace(planes, words=words, rows=planes.rows[mask])
    return ChosenPhotos(planes.bits, lambda *_: chosen, passes)


def passing(where: Where, index: Library) -> Passes:
    """What tells whether a file of a library is chosen.

    Raises
    ------
    UsageError
        If the library has no photo in one of the folders, no folder with one of the words, or no photo by one of the cameras.
    """
    cameras = _cameras_named(where.cameras, index)
    paths: Collection[bytes] = index.stamps() if where.words or where.folders else ()
    _check_words(where.words, paths)
    found = library_folders(where.folders, paths)
    places = [place for folder in found for place in folder]
    words = [word.lower() for word in where.words]
    path_words = [word.lower() for word in where.path_words]

    def passes(record: FileRecord) -> bool:
        if places and not any(is_below(record.path, place) for place in places):
            return False
        if words and not all(word in _lower(os.path.dirname(record.path)) for word in words):
            return False
        if path_words and not all(word in _lower(record.path) for word in path_words):
            return False
        if cameras and record.info.camera not in cameras:
            return False
        if where.after is None and where.before is None:
            return True
        day = day_of(record.info, record.stamp)
        return (
            day is not None
            and (where.after is None or day >= where.after)
            and (where.before is None or day < where.before)
        )

    return passes


def passes_none(where: Where, index: Library) -> bool:
    """Whether no file of a library is chosen.

    Raises
    ------
    UsageError
        As `passing`.
    """
    passes = passing(where, index)
    return not any(passes(record) for _, records in index.contents() for record in records)


def _check_words(words: Sequence[str], paths: Iterable[bytes]) -> None:
    """Refuse a word that is in the path of no folder of some files."""
    if not words:
        return
    folders = {_lower(os.path.dirname(path)) for path in paths}
    for word in words:
        if not any(word.lower() in folder for folder in folders):
            raise UsageError(f"There is no folder {word}.", "Check the name, and quote it if it has spaces.")


def _lower(path: bytes) -> str:
    """A path as text in lower case, in any script."""
    return os.fsdecode(path).lower()


def _cameras_named(words: Sequence[str], index: Library) -> set[str]:
    """The cameras of a library that have one of some words in their names."""
    if not words:
        return set()
    names = index.cameras()
    found: set[str] = set()
    for word in words:
        named = [name for name in names if word.lower() in name.lower()]
        if not named or not word.strip():
            raise UsageError(
                f"The library has no photo by a camera '{word}'.",
                _camera_remedy(word, names, index.count_without_camera()),
            )
        found.update(named)
    return found


def _camera_remedy(word: str, names: list[str], unknown: int) -> str:
    """What to do about a camera that no photo has: choose another one, or find out those that are not known yet."""
    close = get_close_matches(word, names, n=_MAX_CAMERAS, cutoff=0.4)
    shown = close or names[:_MAX_CAMERAS]
    remedy = [f"Use one of: {', '.join(shown)}{', ...' if len(shown) < len(names) else ''}."] if shown else []
    if unknown:
        remedy.append(f"The cameras of {counted(unknown, 'photo')} are not known yet: run `vtsfind index`.")
    return " ".join(remedy) or "No photo names its camera."
