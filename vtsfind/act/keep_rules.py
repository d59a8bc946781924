"""The rules of keeper ranking: each gives one property of a file as a value, smaller for better, and as text."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

from vtsfind.base.groups import Photo
from vtsfind.base.paths import is_below
from vtsfind.base.quality import Details

Value = int | str | bytes | tuple[int | str | bytes, ...]
"""What two files are compared by; of one type for all files under one rule."""


@dataclass(frozen=True, slots=True)
class KeepCandidate:
    """A photo that may be kept, with the properties that the rules use."""

    photo: Photo
    details: Details


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to prefer a file."""

    name: str
    """On the command line."""
    meaning: str
    """What it prefers, for people."""
    value: Callable[[KeepCandidate], Value]
    """Smaller for the better file."""
    words: Callable[[KeepCandidate, KeepCandidate], str]
    """Why the first file, which is better by this rule, is preferred to the second."""

    def prefers(self, first: KeepCandidate, second: KeepCandidate) -> bool:
        """Whether the first is better."""
        values: list[Any] = [self.value(first), self.value(second)]
        return bool(values[0] < values[1])


_UPSCALED_PIXEL_WEIGHT: Final = 0.5
"""Weight of the pixels of an enlargement's estimated original: the estimate is accurate to about a third, and an
enlargement must never rank before its original."""
_SCREENSHOT_PIXEL_WEIGHT: Final = 0.25
"""Weight of the pixels of a screenshot, which shows a photo on a part of the screen at most."""
_BORDERED_PIXEL_WEIGHT: Final = 0.75
"""Weight of the pixels inside a border: less than those of the same picture without a border."""
_MIN_BORDER_SHARE: Final = 0.03
"""Smallest border, as a share of the area."""
_MAX_UPSCALED_DETAIL_SHARE: Final = 0.8
"""Largest share of detail of an enlargement; soft lenses and noise reduction leave more."""
_MAX_EXIF_PIXEL_RATIO: Final = 1.05
"""Pixels of a file, divided by those that its EXIF data name, above which it was enlarged."""


def upscaled_from(candidate: KeepCandidate) -> tuple[int, int] | None:
    """The estimated original size, in pixels, of an enlarged photo; None if it does not seem enlarged.

    The size in the EXIF data counts more than missing detail: a photo of the size that its camera recorded is no
    enlargement, however blurred.
    """
    info, details = candidate.photo.info, candidate.details
    if details.exif_size and min(details.exif_size) > 0:
        shot_pixels = details.exif_size[0] * details.exif_size[1]
        if info.width * info.height > _MAX_EXIF_PIXEL_RATIO * shot_pixels:
            upright = (info.width >= info.height) == (details.exif_size[0] >= details.exif_size[1])
            return details.exif_size if upright else (details.exif_size[1], details.exif_size[0])
        if details.camera:
            return None
    if details.detail is not None and details.detail < _MAX_UPSCALED_DETAIL_SHARE:
        return round(info.width * details.detail), round(info.height * details.detail)
    return None


def has_border(candidate: KeepCandidate) -> bool:
    """Whether a picture without camera data has a border."""
    return candidate.details.border > _MIN_BORDER_SHARE and not candidate.details.camera


def effective_pixels(candidate: KeepCandidate) -> int:
    """Weighted number of pixels: less than the actual number for an enlargement, a border or a screenshot."""
    smaller = upscaled_from(candidate)
    width, height = smaller or (candidate.photo.info.width, candidate.photo.info.height)
    if smaller:
        pixel_weight = _UPSCALED_PIXEL_WEIGHT
    elif candidate.details.screenshot:
        pixel_weight = _SCREENSHOT_PIXEL_WEIGHT
    else:
        pixel_weight = 1.0
    if has_border(candidate):
        pixel_weight *= _BORDERED_PIXEL_WEIGHT * (1 - candidate.details.border)
    return round(width * height * pixel_weight)


def size(candidate: KeepCandidate) -> str:
    """Width and height in pixels as text, such as `4032x3024`."""
    return f"{candidate.photo.info.width}x{candidate.photo.info.height}"


def _pixel_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    said = f"{size(better)} beats {size(worse)}"
    smaller = upscaled_from(worse)
    if smaller:
        return f"{said}, which seems enlarged from about {smaller[0]}x{smaller[1]}"
    if worse.details.screenshot:
        return f"{said}, which is a screenshot"
    if not has_border(worse):
        return said
    border = f"{worse.details.border:.0%} border"
    return f"the other is {border}" if size(better) == size(worse) else f"{said}, which is {border}"


class _FormatRank(IntEnum):
    """Formats by how close they are to the camera's data, best first."""

    RAW = 0
    LOSSLESS_SHOT = 1
    MODERN_SHOT = 2
    JPEG_SHOT = 3
    LOSSLESS = 4
    MODERN = 5
    JPEG = 6
    WEB = 7
    LOSSLESS_OF_LOSSY = 8
    FEW_COLOURS = 9


_MODERN = {"HEIF", "AVIF", "JPEG2000"}
_LOSSLESS = {"PNG", "TIFF", "BMP"}
_OTHER_FORMAT_RANKS = {"RAW": _FormatRank.RAW, "GIF": _FormatRank.FEW_COLOURS, "WEBP": _FormatRank.WEB}


def _format(candidate: KeepCandidate) -> _FormatRank:
    kind, details = candidate.photo.info.format, candidate.details
    shot = bool(details.camera)
    if details.lossless or kind in _LOSSLESS:
        if details.recompressed:
            return _FormatRank.LOSSLESS_OF_LOSSY
        return _FormatRank.LOSSLESS_SHOT if shot else _FormatRank.LOSSLESS
    if kind in _MODERN:
        return _FormatRank.MODERN_SHOT if shot else _FormatRank.MODERN
    return _OTHER_FORMAT_RANKS.get(kind, _FormatRank.JPEG_SHOT if shot else _FormatRank.JPEG)


_FORMAT_WORDS = {
    _FormatRank.LOSSLESS_SHOT: " (lossless, with camera data)",
    _FormatRank.MODERN_SHOT: " (with camera data)",
    _FormatRank.JPEG_SHOT: " (with camera data)",
    _FormatRank.LOSSLESS: " (lossless)",
    _FormatRank.LOSSLESS_OF_LOSSY: " (made from a JPEG)",
}


def _format_name(candidate: KeepCandidate) -> str:
    return (candidate.photo.info.format or "another format") + _FORMAT_WORDS.get(_format(candidate), "")


def _compression(candidate: KeepCandidate) -> tuple[int, int]:
    """Recompressed photos last; then by JPEG quality, with formats that have none first."""
    details = candidate.details
    return int(details.recompressed), -(101 if details.quality is None else details.quality)


def _compression_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    if worse.details.recompressed != better.details.recompressed:
        return "the other was made from a JPEG"
    if better.details.quality is None:
        return f"the other is a JPEG of quality {worse.details.quality}"
    return f"JPEG quality {better.details.quality} beats {worse.details.quality}"


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


def _exif(candidate: KeepCandidate) -> tuple[int, int]:
    return -len(notable_exif(candidate)), -candidate.details.exif_fields


def _exif_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    own, other = notable_exif(better), notable_exif(worse)
    gained = [name for name in own if name not in other]
    if len(own) > len(other):
        return "has " + ", ".join(gained)
    return f"{better.details.exif_fields} EXIF fields beat {worse.details.exif_fields}"


def _sidecar_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    more = len(better.photo.sidecars) - len(worse.photo.sidecars)
    return f"has {more} more {'sidecar' if more == 1 else 'sidecars'}"


def _time(candidate: KeepCandidate) -> tuple[str, int]:
    """The time of the shot, or the year 9999 if there is none; then the time of the last change."""
    return candidate.photo.info.taken or "9999", candidate.photo.stamp.mtime_ns


def _newest(candidate: KeepCandidate) -> tuple[int, int]:
    taken, changed = _time(candidate)
    digits = int("".join(c for c in taken if c.isdigit())) if candidate.photo.info.taken else 0
    return -digits, -changed


def _oldest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return _age_words(better, worse, "taken earlier", "older file")


def _newest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return _age_words(better, worse, "taken later", "newer file")


def _age_words(better: KeepCandidate, worse: KeepCandidate, taken_word: str, changed_word: str) -> str:
    taken = better.photo.info.taken
    if taken and taken != worse.photo.info.taken:
        return f"{taken_word}: {taken}"
    dates = [_changed_date(each.photo.stamp.mtime_ns) for each in (better, worse)]
    return f"{changed_word}: {dates[0]}, the other {dates[1]}" if dates[0] != dates[1] else changed_word


def _changed_date(mtime_ns: int) -> str:
    """The date of the last change, in UTC, or what a file system has instead of one."""
    try:
        return f"{datetime.fromtimestamp(mtime_ns // 10**9, UTC):%Y-%m-%d}"
    except (OSError, OverflowError, ValueError):
        return "no valid date"


def _bytes_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return f"{better.photo.stamp.size:,} bytes against {worse.photo.stamp.size:,}"


def _path(candidate: KeepCandidate) -> tuple[int, bytes]:
    path = candidate.photo.path
    return len(path), path


def _path_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return "shorter path" if len(better.photo.path) < len(worse.photo.path) else "first by path"


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


PIXELS = Rule(
    "pixels",
    "more pixels; an enlargement counts less than its original",
    lambda each: -effective_pixels(each),
    _pixel_words,
)
FORMAT = Rule(
    "format",
    "RAW, then files from a camera, then lossless files; never a PNG made from a JPEG",
    lambda each: int(_format(each)),
    lambda better, worse: f"{_format_name(better)} beats {_format_name(worse)}",
)
COMPRESSION = Rule("compression", "compressed once, with higher quality", _compression, _compression_words)
EXIF = Rule("exif", "more EXIF data: time, place, camera, rating", _exif, _exif_words)
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
