"""The rules of a keep policy: each puts one quality of a file into a value, smaller for better, and into words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

from vtsfind.base.groups import Photo
from vtsfind.base.paths import is_below
from vtsfind.base.quality import Details

Value = int | str | bytes | tuple[int | str | bytes, ...]
"""What two files are compared by; of one kind for all files under one rule."""


@dataclass(frozen=True, slots=True)
class KeepCandidate:
    """A photo that may be kept, with all that the rules look at."""

    photo: Photo
    details: Details


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to prefer a file."""

    name: str
    """As a user calls it."""
    meaning: str
    """What it prefers, in words."""
    value: Callable[[KeepCandidate], Value]
    """Smaller for the better file."""
    words: Callable[[KeepCandidate, KeepCandidate], str]
    """Why the first, which is better by this rule, beats the second."""

    def prefers(self, first: KeepCandidate, second: KeepCandidate) -> bool:
        """Whether the first is better."""
        values: list[Any] = [self.value(first), self.value(second)]
        return bool(values[0] < values[1])


# An enlarged picture has the detail of a smaller one at best. Where detail ends can be told to about a third, and an
# enlargement must not beat what it was made of: it counts for half of what it seems to hold. A screenshot shows a
# photo on part of a screen, at most.
_UPSCALED_PIXEL_WEIGHT: Final = 0.5
_SCREENSHOT_PIXEL_WEIGHT: Final = 0.25
# What is framed was put there: it counts for what is inside, and a little less than the same without a frame.
_BORDERED_PIXEL_WEIGHT: Final = 0.75
_MIN_BORDER_SHARE: Final = 0.03
_MAX_UPSCALED_DETAIL_SHARE: Final = 0.8
"""A share of detail above this one is no ground for suspicion: soft lenses and noise reduction do as much."""
_MAX_EXIF_PIXEL_RATIO: Final = 1.05


def upscaled_from(candidate: KeepCandidate) -> tuple[int, int] | None:
    """The size in pixels that a photo seems to have been enlarged from; None if nothing says so.

    What the EXIF data say of the size counts more than how soft the picture is: a photo that has the size that its
    camera wrote down is no enlargement, however blurred.
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
    """Whether there is a border around a photo that no camera made."""
    return candidate.details.border > _MIN_BORDER_SHARE and not candidate.details.camera


def effective_pixels(candidate: KeepCandidate) -> int:
    """Pixels that a file counts for: fewer than it has if it seems enlarged or framed, or is a screenshot."""
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
    """Width and height in pixels, as people write them."""
    return f"{candidate.photo.info.width}x{candidate.photo.info.height}"


def _pixel_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    said = f"{size(better)} beats {size(worse)}"
    smaller = upscaled_from(worse)
    if smaller:
        return f"{said}, which seems enlarged from about {smaller[0]}x{smaller[1]}"
    if worse.details.screenshot:
        return f"{said}, which is a screenshot"
    return said + (f", {worse.details.border:.0%} of it a border" if has_border(worse) else "")


class _FormatRank(IntEnum):
    """How near a file is to what the camera saw, by its format; best first."""

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
    _FormatRank.LOSSLESS_SHOT: " without loss, with camera data",
    _FormatRank.MODERN_SHOT: " with camera data",
    _FormatRank.JPEG_SHOT: " with camera data",
    _FormatRank.LOSSLESS: " without loss",
    _FormatRank.LOSSLESS_OF_LOSSY: " made of a compressed picture",
}


def _format_name(candidate: KeepCandidate) -> str:
    return (candidate.photo.info.format or "another format") + _FORMAT_WORDS.get(_format(candidate), "")


def _compression(candidate: KeepCandidate) -> tuple[int, int]:
    """Photos that were compressed twice last; within each, by quality, where formats without one are at the top."""
    details = candidate.details
    return int(details.recompressed), -(101 if details.quality is None else details.quality)


def _compression_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    if worse.details.recompressed != better.details.recompressed:
        return "the other was compressed before"
    if better.details.quality is None:
        return f"the other is a JPEG of quality {worse.details.quality}"
    return f"JPEG quality {better.details.quality} beats {worse.details.quality}"


def notable_exif(candidate: KeepCandidate) -> list[str]:
    """What a photo has in its EXIF data that a person would miss."""
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
    return f"{more} more {'file belongs' if more == 1 else 'files belong'} to it, such as a film, RAW or side-car"


def _time(candidate: KeepCandidate) -> tuple[str, int]:
    """The time of the shot, else the year 9999: a file without one is younger than any that has one; then its age."""
    return candidate.photo.info.taken or "9999", candidate.photo.stamp.mtime_ns


def _newest(candidate: KeepCandidate) -> tuple[int, int]:
    taken, changed = _time(candidate)
    digits = int("".join(c for c in taken if c.isdigit())) if candidate.photo.info.taken else 0
    return -digits, -changed


def _time_name(candidate: KeepCandidate, other: KeepCandidate) -> str:
    mine, yours = candidate.photo, other.photo
    if mine.info.taken and mine.info.taken != yours.info.taken:
        return f"taken {mine.info.taken}"
    try:
        changed = datetime.fromtimestamp(mine.stamp.mtime_ns // 10**9, UTC)
    except (OSError, OverflowError, ValueError):
        return "of an impossible date"
    return f"last changed {changed:%Y-%m-%d %H:%M:%S} UTC"


def _oldest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return f"older{_times(better, worse)}"


def _newest_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return f"newer{_times(better, worse)}"


def _times(better: KeepCandidate, worse: KeepCandidate) -> str:
    mine, yours = _time_name(better, worse), _time_name(worse, better)
    if mine != yours:
        return f": {mine}, the other {yours}"
    apart_ns = abs(better.photo.stamp.mtime_ns - worse.photo.stamp.mtime_ns)
    return f" by {apart_ns / 1e6:.3g} ms: both {mine}"


def _bytes_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return f"{better.photo.stamp.size:,} bytes against {worse.photo.stamp.size:,}"


def _path(candidate: KeepCandidate) -> tuple[int, bytes]:
    path = candidate.photo.path
    return len(path), path


def _path_words(better: KeepCandidate, worse: KeepCandidate) -> str:
    return "shorter path" if len(better.photo.path) < len(worse.photo.path) else "first by path"


def folder_rank(folders: tuple[bytes, ...], path: bytes) -> int:
    """The place, from 0, of the first of some folders that a path lies in; their number for none."""
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
    "more pixels; an enlargement counts for less than what it was made of",
    lambda each: -effective_pixels(each),
    _pixel_words,
)
FORMAT = Rule(
    "format",
    "RAW, then what came from a camera, then without loss; never a PNG made of a JPEG",
    lambda each: int(_format(each)),
    lambda better, worse: f"{_format_name(better)} beats {_format_name(worse)}",
)
COMPRESSION = Rule("compression", "compressed once and lightly", _compression, _compression_words)
EXIF = Rule("exif", "more EXIF data: time, place, camera, rating", _exif, _exif_words)
SIDECARS = Rule(
    "unit",
    "more files that belong to it: film, RAW, side-car",
    lambda each: -len(each.photo.sidecars),
    _sidecar_words,
)
OLDEST = Rule("oldest", "taken earlier, else changed earlier", _time, _oldest_words)
NEWEST = Rule("newest", "taken later, else changed later", _newest, _newest_words)
LARGEST = Rule("largest", "more bytes", lambda each: -each.photo.stamp.size, _bytes_words)
SMALLEST = Rule("smallest", "fewer bytes", lambda each: each.photo.stamp.size, _bytes_words)
PATH = Rule("path", "the shorter path, then the first by name", _path, _path_words)
