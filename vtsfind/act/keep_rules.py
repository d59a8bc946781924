"""The rules of keeper ranking: each gives one property of a file as a value, smaller for better, and as text.

Here are those about the picture; those about the rest of the file are in `vtsfind.act.file_rules`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final

from vtsfind.base.groups import Photo
from vtsfind.base.quality import Details
from vtsfind.base.words import format_label

Value = int | str | bytes | tuple[int | str | bytes, ...]
"""What two files are compared by; of one type for all files under one rule."""


@dataclass(frozen=True, slots=True)
class KeepCandidate:
    """A photo that may be kept, with the properties that the rules use."""

    photo: Photo
    details: Details
    copy_enlarged_from: tuple[int, int] | None = None
    """The estimated original size of another file, see `mark_enlarged`."""
    is_likely_shot: bool = False
    """Whether it is no enlargement by the camera data that it alone has, see `mark_likely_shots`."""
    called: str = "the kept one"
    """What it is called where it is a reason why another file stays."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one of two files is better."""

    of_better: str
    """Said of the better file."""
    of_worse: str
    """Said of the other one."""

    @classmethod
    def about_better(cls, words: str) -> "Reason":
        """Of words that follow the better file's name."""
        return cls(words, f"the kept one {words}")

    @classmethod
    def about_worse(cls, words: str) -> "Reason":
        """Of words that follow the other file's name."""
        return cls(f"the other {words}", words)

    @classmethod
    def about_both(cls, words: str) -> "Reason":
        """Of words that name both, the better file first."""
        return cls(words, f"the kept one is better, {words}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason to prefer a file."""

    name: str
    """On the command line."""
    meaning: str
    """What it prefers, for people."""
    value: Callable[[KeepCandidate], Value]
    """Smaller for the better file."""
    reason: Callable[[KeepCandidate, KeepCandidate], Reason]
    """Why the first file is better by this rule than the second."""

    def prefers(self, first: KeepCandidate, second: KeepCandidate) -> bool:
        """Whether the first is better."""
        values: list[Any] = [self.value(first), self.value(second)]
        return bool(values[0] < values[1])


_UPSCALED_PIXEL_WEIGHT: Final = 0.5
"""Weight of the pixels of an enlargement's estimated original: the estimate is accurate to about a third, and an
enlargement must never rank before its original."""
_SCREENSHOT_PIXEL_WEIGHT: Final = 0.25
"""Weight of the pixels of a screenshot, which shows a photo on a part of the screen at most."""
_MAX_UPSCALED_DETAIL_SHARE: Final = 0.8
"""Largest share of detail of an enlargement; soft lenses and noise reduction leave more."""
_MAX_EXIF_PIXEL_RATIO: Final = 1.05
"""Pixels of a file, divided by those that its EXIF data name, above which it was enlarged."""


MIN_ENLARGED: Final = 0.9
"""Probability from which on a picture counts as enlarged: drawings and screens may have one of 0.5."""
SAME_SIZE_RATIO: Final = 1.1
"""Pixels of one of two pictures, divided by those of the other, up to which they count as equally large."""
MAX_PROVEN: Final = 0.15
"""Probability up to which a picture is certainly not enlarged: of 100 enlargements one is below."""
MAX_ENLARGEMENT: Final = 3.0
"""The largest factor by which people enlarge pictures; how far one was enlarged is not measured."""


def mark_likely_shots(
    candidates: Iterable[KeepCandidate], frame_of: Callable[[KeepCandidate], object] = lambda _: None
) -> list[KeepCandidate]:
    """Mark files that are no enlargements though they seem so, among candidates that are copies of each other.

    Who enlarges a picture keeps or drops what its camera wrote, and adds none. So a file that has any was not made from a smaller
    one without. Keeps the order.

    Parameters
    ----------
    candidates
        The files.
    frame_of
        Gives the same for files that show the same, no more and no less; by default all do. What is drawn over a picture hides that it
        was enlarged, so an edit proves nothing.
    """
    known = list(candidates)
    return [replace(each, is_likely_shot=_is_likely_shot(each, known, frame_of)) for each in known]


def _is_likely_shot(
    candidate: KeepCandidate,
    copies: Iterable[KeepCandidate],
    frame_of: Callable[[KeepCandidate], object],
) -> bool:
    """Whether a file that seems enlarged has camera data, while there are copies without, and none that may be its original."""
    if not (has_camera_data(candidate) and upscaled_from(candidate)):
        return False
    has_smaller = has_nameless_of_its_size = False
    for copy in copies:
        if is_larger(candidate, copy, SAME_SIZE_RATIO):
            has_smaller = True
            if has_camera_data(copy) and not upscaled_from(copy):
                return False
        elif not is_larger(copy, candidate, SAME_SIZE_RATIO):
            is_edit = not has_camera_data(copy) and frame_of(copy) != frame_of(candidate)
            if is_certainly_original_size(copy) and not is_edit:
                return False  # the candidate was made smaller, then enlarged again
            has_nameless_of_its_size |= not has_camera_data(copy)
    return has_smaller or (bool(candidate.details.camera) and has_nameless_of_its_size)


def has_camera_data(candidate: KeepCandidate) -> bool:
    """Whether its camera, or the time of the shot, is written in a file."""
    return bool(candidate.details.camera or candidate.photo.info.taken)


def _pixels(candidate: KeepCandidate) -> int:
    return candidate.photo.info.width * candidate.photo.info.height


def is_larger(first: KeepCandidate, second: KeepCandidate, ratio: float = 1.0) -> bool:
    """Whether the first has more pixels, by more than a ratio."""
    return _pixels(first) > ratio * _pixels(second)


def mark_enlarged(candidates: Iterable[KeepCandidate]) -> list[KeepCandidate]:
    """Mark files of a size in which another one seems enlarged, among candidates that show the same.

    Saving a picture again hides that it was enlarged, so of one size either all are or none is. Only a file that is certainly not
    enlarged is not marked: the other one was made smaller, then enlarged again. Keeps the order.
    """
    known = list(candidates)
    sources: dict[tuple[int, int], tuple[int, int]] = {}
    for each in known:
        source, size_px = upscaled_from(each), (each.photo.info.width, each.photo.info.height)
        if source:
            sources[size_px] = max(source, sources.get(size_px, source))
    return [
        each
        if upscaled_from(each) or is_certainly_original_size(each)
        else replace(each, copy_enlarged_from=sources.get((each.photo.info.width, each.photo.info.height)))
        for each in known
    ]


def is_certainly_original_size(candidate: KeepCandidate) -> bool:
    """Whether a picture is certainly not enlarged: it shows no traces, or its camera wrote down its size."""
    details = candidate.details
    shows_none = details.enlarged is not None and details.enlarged <= MAX_PROVEN
    return shows_none or bool(details.camera and details.exif_size)


def upscaled_from(candidate: KeepCandidate) -> tuple[int, int] | None:
    """The estimated original size, in pixels, of an enlarged photo, the smallest that is likely; None if it does not seem enlarged.

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
    if candidate.is_likely_shot:
        return None
    if (details.enlarged or 0.0) >= MIN_ENLARGED:
        return round(info.width / MAX_ENLARGEMENT), round(info.height / MAX_ENLARGEMENT)
    if details.detail is not None and details.detail < _MAX_UPSCALED_DETAIL_SHARE:
        return round(info.width * details.detail), round(info.height * details.detail)
    return candidate.copy_enlarged_from


def effective_pixels(candidate: KeepCandidate) -> int:
    """Weighted number of pixels: less than the actual number for an enlargement or a screenshot."""
    smaller = upscaled_from(candidate)
    width, height = smaller or (candidate.photo.info.width, candidate.photo.info.height)
    if smaller:
        pixel_weight = _UPSCALED_PIXEL_WEIGHT
    elif candidate.details.screenshot:
        pixel_weight = _SCREENSHOT_PIXEL_WEIGHT
    else:
        pixel_weight = 1.0
    return round(width * height * pixel_weight)


def size(candidate: KeepCandidate) -> str:
    """Width and height in pixels as text, such as `4032x3024`."""
    return f"{candidate.photo.info.width}x{candidate.photo.info.height}"


_CAMERA_DATA_REASON = Reason(
    "of the same size, but with camera data", "of the same size, but without camera data"
)
"""Of two that seem enlarged, for the one whose data say that it is not; see `mark_likely_shots`."""


def _pixel_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    doubt, sizes = _pixel_doubt(worse), f"{size(better)} beats {size(worse)}"
    if not doubt:
        return Reason.about_both(sizes)
    if size(better) == size(worse):
        if better.is_likely_shot and not has_camera_data(worse):
            return _CAMERA_DATA_REASON
        return Reason(f"the other, of the same size, {doubt}", doubt)
    return Reason(f"{sizes}, which {doubt}", doubt)


def _pixel_doubt(candidate: KeepCandidate) -> str:
    """Why the pixels of a file count less than they are, in words; empty if they do not."""
    smaller = upscaled_from(candidate)
    if smaller:
        is_measured = candidate.copy_enlarged_from or (candidate.details.enlarged or 0.0) >= MIN_ENLARGED
        return "seems enlarged" if is_measured else f"seems enlarged from about {smaller[0]}x{smaller[1]}"
    return "is a screenshot" if candidate.details.screenshot else ""


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
    OF_JPEG = 8
    FEW_COLOURS = 9


_MODERN = {"HEIF", "AVIF", "JPEG2000"}
_OTHER_FORMAT_RANKS = {"RAW": _FormatRank.RAW, "GIF": _FormatRank.FEW_COLOURS, "WEBP": _FormatRank.WEB}


def _format(candidate: KeepCandidate) -> _FormatRank:
    kind, details = candidate.photo.info.format, candidate.details
    shot = bool(details.camera)
    if details.has_palette:
        return _FormatRank.FEW_COLOURS
    if details.recompressed:
        return _FormatRank.OF_JPEG
    if details.lossless:
        return _FormatRank.LOSSLESS_SHOT if shot else _FormatRank.LOSSLESS
    if kind in _MODERN:
        return _FormatRank.MODERN_SHOT if shot else _FormatRank.MODERN
    return _OTHER_FORMAT_RANKS.get(kind, _FormatRank.JPEG_SHOT if shot else _FormatRank.JPEG)


_FORMAT_WORDS = {
    _FormatRank.LOSSLESS_SHOT: " (lossless, with camera data)",
    _FormatRank.MODERN_SHOT: " (with camera data)",
    _FormatRank.JPEG_SHOT: " (with camera data)",
    _FormatRank.LOSSLESS: " (lossless)",
    _FormatRank.WEB: " (a format of web pages)",
    _FormatRank.OF_JPEG: " (made from a JPEG)",
    _FormatRank.FEW_COLOURS: " (few colours)",
}


def _format_name(candidate: KeepCandidate) -> str:
    return format_label(candidate.photo.info.format) + _FORMAT_WORDS.get(_format(candidate), "")


_NOT_JPEG_QUALITY: Final = 101
"""Of a format that has no JPEG quality: better than any."""


def _compression(candidate: KeepCandidate) -> tuple[int, int, int]:
    """What was made from a JPEG last; then by the lowest quality that the picture ever had; then by that of the file."""
    own = candidate.details.quality or _NOT_JPEG_QUALITY
    return int(candidate.details.recompressed), -min(own, candidate.details.earlier_quality or own), -own


def _compression_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    doubt = _compression_doubt(better, worse)
    if doubt:
        return Reason.about_worse(doubt)
    return Reason.about_both(f"JPEG quality {better.details.quality} beats {worse.details.quality}")


def _compression_doubt(better: KeepCandidate, worse: KeepCandidate) -> str:
    if worse.details.recompressed != better.details.recompressed:
        return "was made from a JPEG"
    earlier = worse.details.earlier_quality
    if earlier and earlier != better.details.earlier_quality:
        return f"was made from a JPEG of quality {earlier}"
    return f"is a JPEG of quality {worse.details.quality}" if better.details.quality is None else ""


def _bits(candidate: KeepCandidate) -> int:
    return candidate.details.contents.bits if candidate.details.contents else 8


def _depth_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    return Reason.about_both(f"{_bits(better)} bits per channel beat {_bits(worse)}")


PIXELS = Rule(
    "pixels",
    "more pixels; an enlargement counts less than its original",
    lambda each: -effective_pixels(each),
    _pixel_reason,
)


def _format_reason(better: KeepCandidate, worse: KeepCandidate) -> Reason:
    return Reason.about_both(f"{_format_name(better)} beats {_format_name(worse)}")


FORMAT = Rule(
    "format",
    "RAW, then files from a camera, then lossless files; never a PNG made from a JPEG",
    lambda each: int(_format(each)),
    _format_reason,
)
COMPRESSION = Rule(
    "compression",
    "compressed least: by the lowest JPEG quality that the picture ever had",
    _compression,
    _compression_reason,
)
DEPTH = Rule("depth", "more bits per channel", lambda each: -_bits(each), _depth_reason)
