"""What two photos are to each other, by looking at both.

Bytes and pixels are compared first, by their digests, then whether they show the same in full, frame on frame
(`vtsfind.find.verification.full_frame`). Else local features must show that one affine map carries one picture onto the other
(`vtsfind.find.verification.registration`), and then the pictures, laid on each other, must be the same in most blocks
(`vtsfind.find.verification.block_similarity`). Frames in which nothing is to be seen match by bytes and pixels only.

The verdict does not depend on which photo comes first, nor on anything random.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from vtsfind.base.groups import UNDECIDED, Box, Evidence, Glanced, Seen, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.verification.block_similarity import Likeness, likeness
from vtsfind.find.verification.borders import broken_off
from vtsfind.find.verification.decision import MOVED, doubt, still
from vtsfind.find.verification.features import Features
from vtsfind.find.verification.full_frame import TURNS, seen_in_full
from vtsfind.find.verification.registration import Alignment, align

T = TypeVar("T", Seen, Glanced)

_UNTURNED = 1
_INVERSE_TURN = {6: 8, 8: 6}

_SCENE_INLIERS = 15
_HOUR_S = 3600
_QUARTER_S = 900
_WHOLE_FRAME = 0.02
_SAME_TONES = 6.0


@dataclass(frozen=True, slots=True)
class Looked:
    """A photo that was looked at."""

    features: Features
    info: PictureInfo
    digest: bytes
    """SHA-256 of the content."""
    pixels_digest: bytes | None = None
    """Digest of all pixels, upright, see `vtsfind.media.pixels_digest`; None if they were not read in full."""


def verify(first: Looked, second: Looked, *, distance: int | None = None, bits: int | None = None) -> Seen:
    """Say what two photos are to each other.

    Parameters
    ----------
    first, second
        The photos.
    distance, bits
        How far their codes differ, if that is known; it goes into the evidence.

    Returns
    -------
    The verdict and what shows it, or None when they are strangers to each other.
    """
    glanced = glance(first, second)
    found = closer(first, second) if glanced is UNDECIDED else glanced
    if found is None:
        return None
    return found[0], replace(found[1], distance=distance, bits=bits)


def glance(first: Looked, second: Looked) -> Glanced:
    """What `verify` says if it needs no local features for it; else `UNDECIDED`."""
    return _either_way(first, second, _glance)


def closer(first: Looked, second: Looked) -> Seen:
    """What `verify` says of a pair for which `glance` is `UNDECIDED`."""
    return _either_way(first, second, _closer)


def _either_way(first: Looked, second: Looked, see: Callable[[Looked, Looked], T]) -> T:
    """Let the photos be seen in an order that does not depend on which comes first."""
    backward = (second.digest, second.pixels_digest or b"") < (first.digest, first.pixels_digest or b"")
    found = see(second, first) if backward else see(first, second)
    if not isinstance(found, tuple):
        return found
    evidence = swapped(found[1]) if backward else found[1]
    return found[0], replace(evidence, seconds_apart=seconds_apart(first, second))


def seconds_apart(first: Looked, second: Looked) -> int | None:
    """Seconds between the shots, by the cameras' clocks; None if one is not known."""
    if first.info.taken is None or second.info.taken is None:
        return None
    times = (datetime.fromisoformat(looked.info.taken or "") for looked in (first, second))
    return abs(round((next(times) - next(times)).total_seconds()))


def wants_pixels(first: Looked, second: Looked) -> bool:
    """Whether the digests of all pixels are needed to tell what these two are."""
    if first.digest == second.digest:
        return False
    return (first.info.width, first.info.height) == (second.info.width, second.info.height) and (
        first.pixels_digest is None or second.pixels_digest is None
    )


def _glance(first: Looked, second: Looked) -> Glanced:
    if first.digest == second.digest:
        return Verdict.BYTES, Evidence(agreement=1.0, note="same content")
    if first.pixels_digest is not None and first.pixels_digest == second.pixels_digest:
        return Verdict.PIXELS, Evidence(agreement=1.0, note="same pixels")
    if first.features.flat or second.features.flat:
        return None
    compared = seen_in_full(first.features, second.features)
    if not compared:
        return UNDECIDED
    verdict, evidence = _copy(first.features, second.features, *compared)
    if evidence.box:
        return UNDECIDED
    return _timed(first, second, (verdict, replace(evidence, inliers=None)))


def _closer(first: Looked, second: Looked) -> Seen:
    alignment = align(first.features, second.features)
    compared = alignment and likeness(first.features, second.features, alignment)
    if not compared:
        return None
    against = doubt(*compared)
    if against:
        return _timed(first, second, _other_shot(*compared, against))
    return _timed(first, second, _copy(first.features, second.features, *compared))


def _timed(first: Looked, second: Looked, found: Seen) -> Seen:
    """What was seen, or another shot, if the cameras' clocks say so."""
    if found is None or not _of_another_moment(first, second):
        return found
    return Verdict.BURST, replace(
        found[1], box=None, boxed=None, broken_off=None, certain=True, note="taken at another moment"
    )


def _of_another_moment(first: Looked, second: Looked) -> bool:
    """Whether the cameras' clocks say that there were two shots.

    Times that are hours apart, or whole quarters of one, tell as little as none: clocks are set right, time zones change,
    and programs write the time of saving.
    """
    apart = seconds_apart(first, second)
    return apart is not None and 0 < apart < _HOUR_S and apart % _QUARTER_S != 0


def _other_shot(seen: Likeness, alignment: Alignment, why: str) -> Seen:
    if alignment.inliers < _SCENE_INLIERS:
        return None
    note = f"{why}; {round(seen.blocks * (1 - seen.same))} of {seen.blocks} aligned blocks differ"
    evidence = Evidence(
        inliers=alignment.inliers,
        agreement=max(0.0, seen.same),
        certain=True if why == MOVED else None,
        note=note,
    )
    return Verdict.BURST, replace(evidence, turn=nearest_turn(alignment))


def _copy(
    first: Features, second: Features, seen: Likeness, alignment: Alignment
) -> tuple[Verdict, Evidence]:
    sizes = [(f.picture.shape[1], f.picture.shape[0]) for f in (first, second)]
    turn = _whole_frame_turn(alignment, *sizes)
    evidence = Evidence(
        inliers=alignment.inliers,
        agreement=max(0.0, seen.same),
        turn=turn or nearest_turn(alignment),
        note=f"{round(seen.blocks * seen.same)} of {seen.blocks} aligned blocks are the same",
    )
    if turn is None:
        box, boxed = _box(alignment, *sizes)
        edges = broken_off((first, second)[boxed].picture, box)
        return Verdict.EDIT, replace(evidence, box=box, boxed=boxed, broken_off=edges and round(edges, 3))
    # Where little is lost by saving, a few blocks that are not the same are something drawn.
    touched = not still(seen) or (seen.same < 0.98 and seen.noise < 1.5)
    if touched or seen.colour > _SAME_TONES:
        return Verdict.EDIT, evidence
    return (Verdict.RESAVE if turn == _UNTURNED else Verdict.TURNED), evidence


def _corners(size: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    width, height = size
    return np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64)


def nearest_turn(alignment: Alignment) -> int:
    """The EXIF orientation that is most like what brings the second picture onto the first."""
    part = alignment.matrix[:, :2] / alignment.scale
    return max(TURNS.items(), key=lambda item: float(part.ravel() @ np.array(item[0])))[1]


def _whole_frame_turn(alignment: Alignment, first: tuple[int, int], second: tuple[int, int]) -> int | None:
    """The turn that brings all of the second picture onto all of the first; None if there is none."""
    landed = _corners(second) @ alignment.matrix.T / np.array(first)
    spans = np.rint(landed)
    if np.abs(landed - np.clip(spans, 0, 1)).max() > _WHOLE_FRAME:
        return None
    return nearest_turn(alignment)


def _box(alignment: Alignment, first: tuple[int, int], second: tuple[int, int]) -> tuple[Box, int]:
    """Which part of the wider picture the narrower shows, and which of them is the wider one."""
    forth = alignment.matrix
    turn = np.linalg.inv(forth[:, :2])
    back = np.column_stack([turn, -turn @ forth[:, 2]])
    boxes = [
        _bounds(_corners(second) @ forth.T / np.array(first)),
        _bounds(_corners(first) @ back.T / np.array(second)),
    ]
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in boxes]
    wider = 0 if areas[0] <= areas[1] else 1
    return boxes[wider], wider


def _bounds(corners: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Box:
    low, high = np.clip(corners.min(0), 0, 1), np.clip(corners.max(0), 0, 1)
    return Box(*(round(float(v), 4) for v in (low[0], low[1], high[0], high[1])))


def swapped(evidence: Evidence) -> Evidence:
    """The same evidence for the pair in the other order."""
    return replace(
        evidence,
        turn=_INVERSE_TURN.get(evidence.turn, evidence.turn),
        boxed=None if evidence.boxed is None else 1 - evidence.boxed,
    )
