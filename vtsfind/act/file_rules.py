"""The rules of a keep policy about what is in a file besides the picture, its age, its name and its place."""

import os
import re
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from vtsfind.act.keep_rules import KeepCandidate, Reason, Rule
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
    r"\.?thumbs|recycle.*|(back[ _-]?ups?|copy|copies|copie|kopien?|copias?)([ _-].*)?|desktop|\$recycle\.bin|papierkorb)$",
    re.IGNORECASE,
)
"""Names of folders in which copies end up."""


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


def _camera_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    if not worse.details.camera:
        return Reason.about_better(f"is as the camera wrote it, {better.details.camera}")
    if worse.details.exif_size and not _has_size_of_shot(worse, worse.details.exif_size):
        return Reason.about_better("has the size that its camera wrote down")
    return Reason.about_better("is as its camera wrote it")


def _contents_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    mine, yours = better.details.contents, worse.details.contents
    more = set(mine.items) - set(yours.items) if mine and yours else set()
    return Reason.about_better(f"has {', '.join(item_words(more))}" if more else "has more in it")


def _contents_value(candidate: KeepCandidate) -> int:
    return -len(candidate.details.contents.items) if candidate.details.contents else 0


def _copy_signs(candidate: KeepCandidate) -> int:
    """How many parts of a path say that it is of a copy. Those above the folders of the library count for all alike."""
    return int(_is_named_as_copy(candidate)) + len(_copy_folders(candidate))


def _is_named_as_copy(candidate: KeepCandidate) -> bool:
    name = os.path.basename(os.fsdecode(candidate.photo.path))
    return bool(_COPY_NAMES.search(os.path.splitext(name)[0]))


def _copy_folders(candidate: KeepCandidate) -> list[str]:
    folder = os.path.dirname(os.fsdecode(candidate.photo.path))
    return [part for part in folder.split(os.sep) if _COPY_FOLDERS.match(part)]


def _name_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    if _is_named_as_copy(worse) and not _is_named_as_copy(better):
        name = os.path.basename(os.fsdecode(worse.photo.path))
        return Reason(f"{name} is named as a copy", "is named as a copy")
    *_, place = Counter(_copy_folders(worse)) - Counter(_copy_folders(better))
    return Reason.about_worse(f"is in the folder {place}")


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


def _sidecar_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    more = len(better.photo.sidecars) - len(worse.photo.sidecars)
    return Reason.about_better(f"has {more} more {'sidecar' if more == 1 else 'sidecars'}")


def _time(candidate: KeepCandidate) -> tuple[str, int]:
    """The time of the shot, or the year 9999 if there is none; then the time of the last change."""
    return candidate.photo.info.taken or "9999", candidate.photo.stamp.mtime_ns // _SAME_AGE_NS


def _newest(candidate: KeepCandidate) -> tuple[int, int]:
    taken, changed = _time(candidate)
    digits = int("".join(c for c in taken if c.isdigit())) if candidate.photo.info.taken else 0
    return -digits, -changed


def _oldest_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    return _age_reason(better, worse, "was taken earlier", "is the older file")


def _newest_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    return _age_reason(better, worse, "was taken later", "is the newer file")


def _age_reason(better: KeepCandidate, worse: KeepCandidate, taken_word: str, changed_word: str) -> Reason:
    taken = better.photo.info.taken
    if taken and taken != worse.photo.info.taken:
        return Reason.about_better(f"{taken_word}, {taken}")
    dates = [_changed_date(each.photo.stamp.mtime_ns) for each in (better, worse)]
    against = f", {dates[0]} against {dates[1]}" if dates[0] != dates[1] else ""
    return Reason.about_better(changed_word + against)


def _changed_date(mtime_ns: int) -> str:
    """The date of the last change, in UTC, or what a file system has instead of one."""
    try:
        return f"{datetime.fromtimestamp(mtime_ns // 10**9, UTC):%Y-%m-%d}"
    except (OSError, OverflowError, ValueError):
        return "no valid date"


def _bytes_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    return Reason.about_better(f"has {better.photo.stamp.size:,} bytes against {worse.photo.stamp.size:,}")


def _path(candidate: KeepCandidate) -> tuple[int, bytes]:
    path = candidate.photo.path
    return len(path), path


def _path_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    is_shorter = len(better.photo.path) < len(worse.photo.path)
    return Reason.about_better("has the shorter path" if is_shorter else "is first by path")


def folder_rank(folders: tuple[bytes, ...], path: bytes) -> int:
    """The index of the first of some folders that a path lies in; the number of folders if there is none."""
    for rank, folder in enumerate(folders):
        if is_below(path, folder):
            return rank
    return len(folders)


def in_folders(name: str, meaning: str, folders: tuple[bytes, ...], words: str) -> Rule:
    """A rule that prefers photos in some folders, the first folder most."""
    reason = Reason.about_better(words)
    return Rule(
        name, meaning, lambda each: folder_rank(folders, each.photo.path), lambda _better, _worse: reason
    )


CAMERA = Rule(
    "camera",
    "as the camera wrote it: maker, model, time, its own notes, its own size",
    lambda each: int(not is_camera_file(each)),
    _camera_reason,
)
CONTENTS = Rule(
    "contents",
    "more in the file: place, keywords, caption, video, gain map",
    _contents_value,
    _contents_reason,
)
NAME = Rule(
    "name",
    "a name that no program gives to copies, outside of folders for them",
    _copy_signs,
    _name_reason,
)
SIDECARS = Rule(
    "unit",
    "more sidecars: video of a Live Photo, RAW, XMP",
    lambda each: -len(each.photo.sidecars),
    _sidecar_reason,
)
OLDEST = Rule("oldest", "taken earlier, or changed earlier", _time, _oldest_reason)
NEWEST = Rule("newest", "taken later, or changed later", _newest, _newest_reason)
LARGEST = Rule("largest", "more bytes", lambda each: -each.photo.stamp.size, _bytes_reason)
SMALLEST = Rule("smallest", "fewer bytes", lambda each: each.photo.stamp.size, _bytes_reason)
PATH = Rule("path", "the shorter path, then the first in byte order", _path, _path_reason)
