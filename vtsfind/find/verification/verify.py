"""What two photos are to each other, by looking at both.

Bytes and pixels are compared first, by their digests, then whether they show the same in full, frame on frame
(`vtsfind.find.verification.full_frame`). Else local features must show that one plane map carries one picture onto the other
(`vtsfind.find.verification.registration`), and then the pictures, laid on each other, are measured
(`vtsfind.find.verification.comparison`) and judged (`vtsfind.find.verification.decision`): a version is what its original holds, in
place, under one change of geometry and one of light. Frames in which nothing is to be seen match by bytes and pixels only.

The verdict does not depend on which photo comes first, nor on anything random.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from vtsfind.base.groups import UNDECIDED, Box, Evidence, FullFrameVerdict, PairVerdict, Verdict
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import Features
from vtsfind.find.verification.borders import broken_off
from vtsfind.find.verification.comparison import Comparison, compare
from vtsfind.find.verification.decision import (
    CERTAINLY_OTHER_SCORE,
    MIN_SCORE,
    is_unedited,
    reject_reason,
    version_score,
)
from vtsfind.find.verification.full_frame import TURNS, compare_full_frame
from vtsfind.find.verification.measures import Agreement, Measures
from vtsfind.find.verification.overlay import jacobian
from vtsfind.find.verification.registration import Alignment, Matrix, align, project

T = TypeVar("T", PairVerdict, FullFrameVerdict)

_NO_TURN = 1
_INVERSE_TURN = {6: 8, 8: 6}

_MIN_SCENE_INLIERS = 15
_HOUR_S = 3600
_QUARTER_HOUR_S = 900
_FULL_FRAME_TOLERANCE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class PhotoFeatures:
    """A photo that was looked at."""

    features: Features
    info: PictureInfo
    digest: bytes
    """SHA-256 of the content."""
    pixels_digest: bytes | None = None
    """Digest of all pixels, upright, see `vtsfind.media.pixels_digest`; None if they were not read in full."""


def verify(
    first: PhotoFeatures, second: PhotoFeatures, *, distance: int | None = None, bits: int | None = None
) -> PairVerdict:
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
    full_frame = match_full_frame(first, second)
    found = match_local_features(first, second) if full_frame is UNDECIDED else full_frame
    if found is None:
        return None
    return found[0], replace(found[1], distance=distance, bits=bits)


def match_full_frame(first: PhotoFeatures, second: PhotoFeatures) -> FullFrameVerdict:
    """What `verify` says if it needs no local features for it; else `UNDECIDED`."""
    return _in_canonical_order(first, second, _match_full_frame)


def match_local_features(first: PhotoFeatures, second: PhotoFeatures) -> PairVerdict:
    """What `verify` says of a pair for which `match_full_frame` is `UNDECIDED`."""
    return _in_canonical_order(first, second, _match_local_features)


def _in_canonical_order(
    first: PhotoFeatures, second: PhotoFeatures, compare: Callable[[PhotoFeatures, PhotoFeatures], T]
) -> T:
    """Let the photos be seen in an order that does not depend on which comes first."""
    backward = (second.digest, second.pixels_digest or b"") < (first.digest, first.pixels_digest or b"")
    found = compare(second, first) if backward else compare(first, second)
    if not isinstance(found, tuple):
        return found
    evidence = swapped(found[1]) if backward else found[1]
    return found[0], replace(evidence, seconds_apart=seconds_apart(first, second))


def seconds_apart(first: PhotoFeatures, second: PhotoFeatures) -> int | None:
    """Seconds between the shots, by the cameras' clocks; None if one is not known."""
    if first.info.taken is None or second.info.taken is None:
        return None
    times = (datetime.fromisoformat(looked.info.taken or "") for looked in (first, second))
    return abs(round((next(times) - next(times)).total_seconds()))


def _match_full_frame(first: PhotoFeatures, second: PhotoFeatures) -> FullFrameVerdict:
    if first.digest == second.digest:
        return Verdict.BYTES, Evidence(agreement=1.0, note="same content")
    if first.pixels_digest is not None and first.pixels_digest == second.pixels_digest:
        return Verdict.PIXELS, Evidence(agreement=1.0, note="same pixels")
    if first.features.flat or second.features.flat:
        return None
    compared = compare_full_frame(first.features, second.features)
    if not compared:
        return UNDECIDED
    agreement, matrix = compared
    return _checked_by_time(first, second, _copy_verdict(first.features, second.features, agreement, matrix))


def _match_local_features(first: PhotoFeatures, second: PhotoFeatures) -> PairVerdict:
    alignment = align(first.features, second.features)
    compared = alignment and compare(first.features, second.features, alignment)
    if not alignment or not compared:
        return None
    score = version_score(compared.measures)
    if score < MIN_SCORE:
        return _checked_by_time(first, second, _other_shot(compared, alignment, score, second.features))
    verdict, evidence = _copy_verdict(first.features, second.features, compared.measures, compared.matrix)
    return _checked_by_time(first, second, (verdict, replace(evidence, inliers=alignment.inliers)))


def _checked_by_time(first: PhotoFeatures, second: PhotoFeatures, found: PairVerdict) -> PairVerdict:
    """What was seen, or another shot, if the cameras' clocks say so."""
    if found is None or not _is_other_moment(first, second):
        return found
    return Verdict.BURST, replace(
        found[1], box=None, boxed=None, broken_off=None, certain=True, note="taken at another moment"
    )


def _is_other_moment(first: PhotoFeatures, second: PhotoFeatures) -> bool:
    """Whether the cameras' clocks say that there were two shots.

    Times that are hours apart, or whole quarters of one, tell as little as none: clocks are set right, time zones change,
    and programs write the time of saving.
    """
    gap_s = seconds_apart(first, second)
    return gap_s is not None and 0 < gap_s < _HOUR_S and gap_s % _QUARTER_HOUR_S != 0


def _other_shot(compared: Comparison, alignment: Alignment, score: float, second: Features) -> PairVerdict:
    if alignment.inliers < _MIN_SCENE_INLIERS:
        return None
    measures = compared.measures
    differing = round(measures.informative_blocks * (1 - measures.same_share))
    evidence = Evidence(
        inliers=alignment.inliers,
        agreement=measures.same_share,
        certain=True if score < CERTAINLY_OTHER_SCORE else None,
        turn=_nearest_turn(compared.matrix, second),
        note=f"{reject_reason(measures)}; {differing} of {round(measures.informative_blocks)} aligned blocks differ",
    )
    return Verdict.BURST, evidence


def _copy_verdict(
    first: Features, second: Features, measures: Measures | Agreement, matrix: Matrix
) -> tuple[Verdict, Evidence]:
    sizes = [(f.picture.shape[1], f.picture.shape[0]) for f in (first, second)]
    turn = _full_frame_turn(matrix, sizes[0], sizes[1], second)
    same = round(measures.informative_blocks * measures.same_share)
    evidence = Evidence(
        agreement=measures.same_share,
        turn=turn or _nearest_turn(matrix, second),
        note=f"{same} of {round(measures.informative_blocks)} aligned blocks are the same",
    )
    if turn is None:
        box, boxed = _box(matrix, *sizes)
        edges = broken_off((first, second)[boxed].picture, box)
        return Verdict.EDIT, replace(evidence, box=box, boxed=boxed, broken_off=edges and round(edges, 3))
    if not is_unedited(measures):
        return Verdict.EDIT, evidence
    return (Verdict.RESAVE if turn == _NO_TURN else Verdict.TURNED), evidence


def _corners(size: tuple[int, int]) -> Matrix:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _nearest_turn(matrix: Matrix, second: Features) -> int:
    """The EXIF orientation that is most like what brings the second picture onto the first."""
    part = jacobian(matrix, second)
    return max(TURNS.items(), key=lambda item: float(part.ravel() @ np.array(item[0])))[1]


def _full_frame_turn(
    matrix: Matrix, first: tuple[int, int], second: tuple[int, int], features: Features
) -> int | None:
    """The turn that brings all of the second picture onto all of the first; None if there is none."""
    projected = project(matrix, _corners(second)) / np.array(first)
    spans = np.rint(projected)
    if np.abs(projected - np.clip(spans, 0, 1)).max() > _FULL_FRAME_TOLERANCE_SHARE:
        return None
    return _nearest_turn(matrix, features)


def _box(matrix: Matrix, first: tuple[int, int], second: tuple[int, int]) -> tuple[Box, int]:
    """Which part of the wider picture the narrower shows, and which of them is the wider one."""
    boxes = [
        _bounds(project(matrix, _corners(second)) / np.array(first)),
        _bounds(project(np.asarray(np.linalg.inv(matrix), np.float64), _corners(first)) / np.array(second)),
    ]
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in boxes]
    wider = 0 if areas[0] <= areas[1] else 1
    return boxes[wider], wider


def _bounds(corners: Matrix) -> Box:
    low, high = np.clip(corners.min(0), 0, 1), np.clip(corners.max(0), 0, 1)
    return Box(*(round(float(v), 4) for v in (low[0], low[1], high[0], high[1])))


def swapped(evidence: Evidence) -> Evidence:
    """The same evidence for the pair in the other order."""
    return replace(
        evidence,
        turn=_INVERSE_TURN.get(evidence.turn, evidence.turn),
        boxed=None if evidence.boxed is None else 1 - evidence.boxed,
    )
