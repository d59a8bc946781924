"""Two photos beside each other: brought into one frame, their difference, and what the files say, fact by fact."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.groups import Box, Evidence, Group
from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo
from vtsfind.find.verification.verify import swapped

Pixels = npt.NDArray[np.uint8]

_PADDING_GREY = 24
"""Grey of the part of a frame that a picture does not show."""
_MAX_SHOWN_DIFFERENCE = 96.0
"""Difference, of 255, that is drawn brightest."""
_HEATMAP_COLOURS = np.array(
    [[14, 16, 26], [72, 22, 104], [206, 62, 78], [252, 176, 64], [255, 252, 220]], np.float64
)
_SHARPNESS_SIDE_PX = 1024
"""Pixels of the longer side at which sharpness is compared, at most."""


def apply_orientation(pixels: Pixels, turn: int) -> Pixels:
    """Turn a picture as the EXIF orientation `turn` asks: the second of a pair then stands like the first."""
    if turn in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if turn in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if turn in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def orient_box(box: Box, turn: int) -> Box:
    """Where a part of a picture lies after `apply_orientation`."""
    left, top, right, bottom = box.left, box.top, box.right, box.bottom
    if turn in {5, 6, 7, 8}:
        left, top, right, bottom = top, left, bottom, right
    if turn in {2, 3, 6, 7}:
        left, right = 1 - right, 1 - left
    if turn in {3, 4, 7, 8}:
        top, bottom = 1 - bottom, 1 - top
    return Box(left, top, right, bottom)


def evidence_between(group: Group, first: int, second: int) -> Evidence:
    """What was seen of two members, in this order; nothing if they were not compared with each other."""
    if first == 0:
        return group.members[second].evidence
    return swapped(group.members[first].evidence) if second == 0 else Evidence()


@dataclass(frozen=True, slots=True)
class Aligned:
    """Two pictures in one frame."""

    first: Pixels
    """(h, w, 3)."""
    second: Pixels
    """(h, w, 3)."""
    shared: Box
    """The part of the frame that both show."""


def aligned(first: Pixels, second: Pixels, evidence: Evidence, longest: int = 1400) -> Aligned:
    """Bring two pictures into one frame, by what was seen when they were compared.

    Parameters
    ----------
    first, second
        (h, w, 3) uint8 of any size; `evidence` is of the pair in this order.
    evidence
        How the second is turned, and which part of the wider picture the other one shows.
    longest
        Pixels of the frame's longer side, at most.
    """
    second = apply_orientation(second, evidence.turn)
    box = evidence.box
    if box is not None and evidence.boxed == 1:
        box = orient_box(box, evidence.turn)
    if box is None or evidence.boxed is None:
        height, width = _fitted_size(max((first, second), key=lambda each: each.size), longest)
        whole = Box(0.0, 0.0, 1.0, 1.0)
        return Aligned(resized(first, height, width), resized(second, height, width), whole)
    wide, narrow = (first, second) if evidence.boxed == 0 else (second, first)
    height, width = _fitted_size(wide, longest)
    frame = resized(wide, height, width)
    placed = np.full_like(frame, _PADDING_GREY)
    top, bottom = _pixel_span(box.top, box.bottom, height)
    left, right = _pixel_span(box.left, box.right, width)
    placed[top:bottom, left:right] = resized(narrow, bottom - top, right - left)
    pair = (frame, placed) if evidence.boxed == 0 else (placed, frame)
    return Aligned(*pair, box)


def difference(pair: Aligned) -> Pixels:
    """Where two pictures in one frame differ, (h, w, 3): brighter where more, black where only one shows anything."""
    gap = np.abs(pair.first.astype(np.int16) - pair.second).max(axis=2).astype(np.float32)
    strength = np.clip(gap / _MAX_SHOWN_DIFFERENCE, 0, 1) ** 0.7
    place = strength * (len(_HEATMAP_COLOURS) - 1)
    lower = np.minimum(place.astype(np.int64), len(_HEATMAP_COLOURS) - 2)
    share = (place - lower)[..., None]
    heat: Pixels = (_HEATMAP_COLOURS[lower] * (1 - share) + _HEATMAP_COLOURS[lower + 1] * share).astype(
        np.uint8
    )
    height, width = gap.shape
    top, bottom = _pixel_span(pair.shared.top, pair.shared.bottom, height)
    left, right = _pixel_span(pair.shared.left, pair.shared.right, width)
    shown = np.zeros_like(heat)
    shown[top:bottom, left:right] = heat[top:bottom, left:right]
    return shown


def differing_share(pair: Aligned) -> float:
    """The share of the pixels that both show in which two pictures differ visibly, 0 to 1."""
    height, width = pair.first.shape[:2]
    rows = slice(*_pixel_span(pair.shared.top, pair.shared.bottom, height))
    columns = slice(*_pixel_span(pair.shared.left, pair.shared.right, width))
    gap = np.abs(pair.first[rows, columns].astype(np.int16) - pair.second[rows, columns]).max(axis=2)
    return float((gap > 24).mean())


def shared_parts(first: Pixels, second: Pixels, evidence: Evidence) -> tuple[Pixels, Pixels]:
    """Of two pictures as they are, the part of each that the other shows, too."""
    box = evidence.box
    if box is None or evidence.boxed is None:
        return first, second
    wide = (first, second)[evidence.boxed]
    height, width = wide.shape[:2]
    inner = wide[
        slice(*_pixel_span(box.top, box.bottom, height)), slice(*_pixel_span(box.left, box.right, width))
    ]
    return (inner, second) if evidence.boxed == 0 else (first, inner)


def sharpness(first: Pixels, second: Pixels) -> tuple[float, float]:
    """How much fine detail each of two pictures has, in the size of the smaller: the mean step between neighbours."""
    longest = min(_SHARPNESS_SIDE_PX, max(first.shape), max(second.shape))
    return _mean_gradient(first, longest), _mean_gradient(second, longest)


def _mean_gradient(pixels: Pixels, longest: int) -> float:
    grey = resized(pixels, *_fitted_size(pixels, longest)).mean(axis=2)
    return float(np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    """Resize by the mean where a picture shrinks and linearly where it grows."""
    return _resize_axis(_resize_axis(pixels, height, 0), width, 1)


def _resize_axis(pixels: Pixels, size: int, axis: int) -> Pixels:
    own = pixels.shape[axis]
    if own == size:
        return pixels
    shape = [1, 1, 1]
    shape[axis] = size
    if size < own:
        starts = np.arange(size) * own // size
        counts = np.diff([*starts.tolist(), own]).reshape(shape)
        sums = np.add.reduceat(pixels, starts, axis=axis, dtype=np.uint32)
        means: Pixels = ((sums + counts // 2) // counts).astype(np.uint8)
        return means
    places = np.clip((np.arange(size) + 0.5) * own / size - 0.5, 0, own - 1)
    lower = places.astype(np.int64)
    upper = np.minimum(lower + 1, own - 1)
    share = (places - lower).astype(np.float32).reshape(shape)
    mixed = np.take(pixels, lower, axis) * (1 - share) + np.take(pixels, upper, axis) * share
    return np.asarray(mixed + 0.5, np.uint8)


def _fitted_size(pixels: Pixels, longest: int) -> tuple[int, int]:
    """Height and width of a picture made no longer than so many pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _pixel_span(start: float, end: float, size: int) -> tuple[int, int]:
    first = min(max(0, round(start * size)), size - 1)
    return first, max(first + 1, min(size, round(end * size)))


@dataclass(frozen=True, slots=True)
class File:
    """What is known of one of two files."""

    name: str
    folder: str
    size: int
    """Bytes."""
    changed: str
    """When the file was changed last."""
    info: PictureInfo
    details: Details
    sharpness: float | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of a comparison."""

    name: str
    first: str
    second: str
    better: int = 0
    """1 or 2 for the file that has more of what is good; 0 for neither."""

    @property
    def same(self) -> bool:
        """Whether the two do not differ."""
        return self.first == self.second


def facts(first: File, second: File, size: Callable[[int], str]) -> list[Fact]:
    """What two files say of themselves, fact by fact; what neither says is left out.

    Parameters
    ----------
    first, second
        The files.
    size
        Writes a number of bytes for people.
    """
    a, b = first.info, second.info
    x, y = first.details, second.details
    lines = [
        Fact("name", first.name, second.name),
        Fact("folder", first.folder, second.folder),
        Fact(
            "pixels",
            f"{a.width}\u00d7{a.height}",
            f"{b.width}\u00d7{b.height}",
            _more(a.width * a.height, b.width * b.height),
        ),
        Fact("bytes", size(first.size), size(second.size), _more(first.size, second.size)),
        Fact("format", _format(first), _format(second), _more(x.lossless, y.lossless)),
        Fact("JPEG quality", _number(x.quality), _number(y.quality), _more(x.quality or 0, y.quality or 0)),
        Fact("detail", _share(x.detail), _share(y.detail), _more(x.detail or 1.0, y.detail or 1.0)),
        Fact("sharpness", _number(first.sharpness), _number(second.sharpness), _sharper(first, second)),
        Fact("taken", a.taken or "", b.taken or "", _more(bool(a.taken), bool(b.taken))),
        Fact("place (GPS)", _yes(x.gps), _yes(y.gps), _more(x.gps, y.gps)),
        Fact("camera", x.camera, y.camera, _more(bool(x.camera), bool(y.camera))),
        Fact(
            "EXIF fields", _number(x.exif_fields), _number(y.exif_fields), _more(x.exif_fields, y.exif_fields)
        ),
        Fact("rating", _number(x.rating), _number(y.rating), _more(x.rating or 0, y.rating or 0)),
        Fact("written by", x.software, y.software),
        Fact(
            "compressed twice",
            _yes(x.recompressed),
            _yes(y.recompressed),
            _more(y.recompressed, x.recompressed),
        ),
        Fact("screenshot", _yes(x.screenshot), _yes(y.screenshot), _more(y.screenshot, x.screenshot)),
        Fact("file changed", first.changed, second.changed),
    ]
    return [line for line in lines if line.first or line.second]


def _more(first: float, second: float) -> int:
    return 0 if first == second else 1 if first > second else 2


def _sharper(first: File, second: File) -> int:
    """Which is sharper, if one is clearly so."""
    if first.sharpness is None or second.sharpness is None:
        return 0
    ratio = (first.sharpness + 0.01) / (second.sharpness + 0.01)
    return 1 if ratio > 1.1 else 2 if ratio < 1 / 1.1 else 0


def _format(file: File) -> str:
    return file.info.format + (", lossless" if file.details.lossless else "")


def _number(value: float | None) -> str:
    if not value:
        return ""
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def _share(value: float | None) -> str:
    return "" if value is None else f"enlarged: {100 * value:.0f} % real"


def _yes(value: bool) -> str:  # noqa: FBT001 - it is the fact itself
    return "yes" if value else ""
