"""The rules of a keep policy about what is in a file besides the picture, its age, its name and its place."""

import os
import re
from datetime import UTC, datetime
from typing import Final

from vtsfind.act.keep_rules import KeepCandidate, Rule
from vtsfind.base.contents import ItemKind, item_words
from vtsfind.base.paths import is_below

_SAME_AGE_NS: Final = 2_000_000_000
"""What a file system like FAT rounds times to."""
_MAX_SIZE_DIFFERENCE_SHARE: Final = 0.01
"""How far a picture's size may be from what its camera wrote down: some cut a few pixels off."""
_EDITORS: Final = re.compile(
    r"adobe|photoshop|lightroom|gimp|picasa|snapseed|instagram|paint|affinity|capture one|darktable|vsco|pixelmator|"
    r"luminar|acdsee|xnview|irfanview|imagemagick|photoscape|canva|meitu|facetune|editor|google|photos",
    re.IGNORECASE,
)
"""How programs call themselves that save pictures anew."""
_COPY_NAMES: Final = re.compile(
    r"""
    \(\d+\)$ | [ _-](copy|copie|kopie|copia|edited|edit|bearbeitet|modifi[eé])([ _-]?\d+)?$ | [-_]WA\d{4}$ |
    ^(copy|kopie)[ _]of | ^screen[ _-]?shot | ^bildschirmfoto | ^fb_img_ | ^received_\d | ^image\d*$ | ^unnamed
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""How the names of files begin or end, without their endings, that programs give to copies."""
_SCREENSHOT_NAMES: Final = re.compile(
    r"^(screen[ _-]?shot|bildschirmfoto|capture d.[eé]cran|captura de pantalla)", re.IGNORECASE
)
"""How the names of screenshots begin that phones and desktops save."""
_COPY_FOLDERS: Final = re.compile(
    r"^(downloads?|trash|\.trash.*|(.*\.)?caches?|tmp|temp|te?mporary.*|whatsapp.*|telegram.*|screenshots?|thumbnails?|"
    r"\.?thumbs|recycle.*|back[ _-]?ups?([ _-].*)?|\$recycle\.bin|papierkorb)$",
    re.IGNORECASE,
)
"""Names of folders in which copies end up."""


_NAMED: Final = "is named as a copy"


def is_camera_file(candidate: KeepCandidate) -> bool:
    """Whether a file is as its camera wrote it, as far as it tells: nobody made it smaller, larger or saved it anew."""
    details, contents = candidate.details, candidate.details.contents
    if not details.camera or details.screenshot or contents is None or not contents.of(ItemKind.TIME):
        return False
    if _EDITORS.search(details.software):
        return False
    if details.exif_size:
        return _has_size_of_shot(candidate, details.exif_size)
    return bool(contents.of(ItemKind.MAKER_NOTE))


def is_screenshot(candidate: KeepCandidate) -> bool:
    """Whether a picture is a screenshot, by what the file says or by its name."""
    name = os.fsdecode(os.path.basename(candidate.photo.path))
    return candidate.details.screenshot or bool(_SCREENSHOT_NAMES.match(name))


def _has_size_of_shot(candidate: KeepCandidate, shot: tuple[int, int]) -> bool:
    """Whether a picture has the size that its camera wrote down, either way round."""
    info = candidate.photo.info
    return all(
        abs(own - written) <= _MAX_SIZE_DIFFERENCE_SHARE * written
        for own, written in zip(sorted((info.width, info.height)), sorted(shot), strict=True)
    )


def _camera_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    if not worse.details.camera:
        return f"is as the camera wrote it, {better.details.camera}"
    if worse.details.exif_size and not _has_size_of_shot(worse, worse.details.exif_size):
        return "has the size that its camera wrote down"
    return "is as its camera wrote it"


def _contents_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    mine, yours = better.details.contents, worse.details.contents
    more = set(mine.items) - set(yours.items) if mine and yours else set()
    return f"has {', '.join(item_words(more))}" if more else "has more in it"


def _contents_value(candidate: KeepCandidate) -> int:
    return -len(candidate.details.contents.items) if candidate.details.contents else 0


def _is_named_as_copy(candidate: KeepCandidate) -> int:
    """How much the name and the folders of a file say that it is a copy: 0 for not at all."""
    folder, name = os.path.split(os.fsdecode(candidate.photo.path))
    named = bool(_COPY_NAMES.search(os.path.splitext(name)[0]))
    placed = any(_COPY_FOLDERS.match(part) for part in folder.split(os.sep))
    return int(named) + int(placed)


def _name_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    name = os.path.basename(os.fsdecode(worse.photo.path))
    doubt = _name_doubt(better, worse)
    return f"{name} {doubt}" if doubt == _NAMED else f"the other {doubt}"


def _name_doubt(_better: KeepCandidate, worse: KeepCandidate) -> str:
    folder, name = os.path.split(os.fsdecode(worse.photo.path))
    if _COPY_NAMES.search(os.path.splitext(name)[0]):
        return _NAMED
    *_, place = (part for part in folder.split(os.sep) if _COPY_FOLDERS.match(part))
    return f"is in the folder {place}"


def notable_exif(candidate: KeepCandidate) -> list[str]:
    """The EXIF data of a photo that a person would miss, as words."""
    photo, details = candidate.photo, candidate.details
    has = {
        "the time of the shot": bool(photo.info.taken),
        "GPS": details.gps,
        "the camera's name": bool(details.camera),
        "a rating": bool(details.rating),
    }
    return [name for name, there in has.items() if there]


def _sidecar_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    more = len(better.photo.sidecars) - len(worse.photo.sidecars)
    return f"has {more} more {'sidecar' if more == 1 else 'sidecars'}"


def _time(candidate: KeepCandidate) -> tuple[str, int]:
    """The time of the shot, or the year 9999 if there is none; then the time of the last change."""
    return candidate.photo.info.taken or "9999", candidate.photo.stamp.mtime_ns // _SAME_AGE_NS


def _newest(candidate: KeepCandidate) -> tuple[int, int]:
    taken, changed = _time(candidate)
    digits = int("".join(c for c in taken if c.isdigit())) if candidate.photo.info.taken else 0
    return -digits, -changed


def _oldest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return _age_words(better, worse, "was taken earlier", "is the older file")


def _newest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return _age_words(better, worse, "was taken later", "is the newer file")


def _age_words(better: KeepCandidate, worse: KeepCandidate, taken_word: str, changed_word: str) -> str:
    taken = better.photo.info.taken
    if taken and taken != worse.photo.info.taken:
        return f"{taken_word}, {taken}"
    dates = [_changed_date(each.photo.stamp.mtime_ns) for each in (better, worse)]
    return f"{changed_word}, {dates[0]} against {dates[1]}" if dates[0] != dates[1] else changed_word


def _changed_date(mtime_ns: int) -> str:
    """The date of the last change, in UTC, or what a file system has instead of one."""
    try:
        return f"{datetime.fromtimestamp(mtime_ns // 10**9, UTC):%Y-%m-%d}"
    except (OSError, OverflowError, ValueError):
        return "no valid date"


def _bytes_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return f"has {better.photo.stamp.size:,} bytes against {worse.photo.stamp.size:,}"


def _path(candidate: KeepCandidate) -> tuple[int, bytes]:
    path = candidate.photo.path
    return len(path), path


def _path_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return "has the shorter path" if len(better.photo.path) < len(worse.photo.path) else "is first by path"


def folder_rank(folders: tuple[bytes, ...], path: bytes) -> int:
    """The index of the first of some folders that a path lies in; the number of folders if there is none."""
    for rank, folder in enumerate(folders):
        if is_below(path, folder):
            return rank
    return len(folders)


def in_folders(name: str, meaning: str, folders: tuple[bytes, ...], words: str) -> Rule:
    """A rule that prefers photos in some folders, the first folder most."""
    return Rule(
        name, meaning, lambda each: folder_rank(folders, each.photo.path), lambda _better, _worse: words
    )


CAMERA = Rule(
    "camera",
    "as the camera wrote it: maker, model, time, its own notes, its own size",
    lambda each: int(not is_camera_file(each)),
    _camera_words,
)
CONTENTS = Rule(
    "contents",
    "more in the file: place, keywords, caption, video, gain map",
    _contents_value,
    _contents_words,
)
NAME = Rule(
    "name",
    "a name that no program gives to copies, outside of folders for them",
    _is_named_as_copy,
    _name_words,
    _name_doubt,
)
SIDECARS = Rule(
    "unit",
    "more sidecars: video of a Live Photo, RAW, XMP",
    lambda each: -len(each.photo.sidecars),
    _sidecar_words,
)
OLDEST = Rule("oldest", "taken earlier, or changed earlier", _time, _oldest_words)
NEWEST = Rule("newest", "taken later, or changed later", _newest, _newest_words)
LARGEST = Rule("largest", "more bytes", lambda each: -each.photo.stamp.size, _bytes_words)
SMALLEST = Rule("smallest", "fewer bytes", lambda each: each.photo.stamp.size, _bytes_words)
PATH = Rule("path", "the shorter path, then the first in byte order", _path, _path_words)
