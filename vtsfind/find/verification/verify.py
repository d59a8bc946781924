"""What two photos are to each other, by looking at both.

Bytes and pixels are compared first, by their digests, then whether they show the same in full, frame on frame
(`vtsfind.find.verification.full_frame`). Else local features, first the coarse ones, must show that one plane map carries one picture onto the other
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

from vtsfind.base.contents import Contents, ItemKind
from vtsfind.base.groups import (
    SEEN_IN_SMALL,
    UNDECIDED,
    Box,
    EditNote,
    Evidence,
    FullFrameVerdict,
    PairVerdict,
    Verdict,
)
from vtsfind.base.records import PictureInfo
from vtsfind.find.features.features import Features
from vtsfind.find.verification.borders import broken_off
from vtsfind.find.verification.close_calls import steady_score
from vtsfind.find.verification.colours import colour_levels
from vtsfind.find.verification.comparison import Comparison, compare
from vtsfind.find.verification.decision import (
    CERTAINLY_OTHER_SCORE,
    MIN_SCORE,
    is_unedited,
    reject_reason,
    version_score,
)
from vtsfind.find.verification.enlarged import enlarged
from vtsfind.find.verification.full_frame import TURNS, compare_full_frame
from vtsfind.find.verification.measures import Agreement, Measures
from vtsfind.find.verification.overlay import jacobian
from vtsfind.find.verification.registration import Alignment, Matrix, align, may_align, project
from vtsfind.find.verification.tones import tone_change

T = TypeVar("T", PairVerdict, FullFrameVerdict)

_NO_TURN = 1

_MIN_SCENE_INLIERS = 15
_HOUR_S = 3600
_QUARTER_HOUR_S = 900
_FULL_FRAME_TOLERANCE_SHARE = 0.02
_WHOLE_SECONDS_CHARACTERS = len("2021-07-03 12:30:45")
# A grey picture is exactly grey in the small picture, too.
_MAX_GREY_LEVELS = 0.5
_MIN_COLOUR_LEVELS = 1.0


@dataclass(frozen=True, slots=True)
class PhotoFeatures:
    """A photo that was looked at."""

    features: Features
    info: PictureInfo
    digest: bytes
    """SHA-256 of the content."""
    pixels_digest: bytes | None = None
    """Digest of all pixels, upright, see `vtsfind.media.pixels_digest`; None if they were not read in full."""
    contents: Contents | None = None
    """What else the file contains; None if that is not known."""

    @property
    def taken(self) -> str | None:
        """When it was shot by the camera's clock, with the fraction of the second if the file has it; None if it has no time."""
        if self.contents is None:
            return self.info.taken
        times = self.contents.of(ItemKind.TIME)
        return times[0] + "".join(self.contents.of(ItemKind.SUBSECONDS)[:1]) if times else None


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
    """What `verify` says if it needs no but coarse local features for it; else `UNDECIDED`."""
    return _in_canonical_order(first, second, _match_full_frame)


def match_local_features(first: PhotoFeatures, second: PhotoFeatures) -> PairVerdict:
    """What `verify` says of a pair for which `match_full_frame` is `UNDECIDED`."""
    return _in_canonical_order(first, second, _match_local_features)


def _in_canonical_order(
    first: PhotoFeatures, second: PhotoFeatures, compare: Callable[[PhotoFeatures, PhotoFeatures], T]
) -> T:
    """Let the photos be seen in an order that does not depend on which comes first."""
    backward = second.digest < first.digest
    found = compare(second, first) if backward else compare(first, second)
    if not isinstance(found, tuple):
        return found
    evidence = found[1].swapped() if backward else found[1]
    return found[0], replace(evidence, seconds_apart=seconds_apart(first, second))


def seconds_apart(first: PhotoFeatures, second: PhotoFeatures) -> float | None:
    """Seconds between the shots, by the cameras' clocks; None if one is not known.

    Fractions count only if both files have them.
    """
    times = [time for time in (first.taken, second.taken) if time is not None]
    if len(times) < 2:
        return None
    length = None if all("." in time for time in times) else _WHOLE_SECONDS_CHARACTERS
    earlier, later = (datetime.fromisoformat(time[:length]) for time in times)
    gap_s = abs(round((earlier - later).total_seconds(), 3))
    return int(gap_s) if gap_s.is_integer() else gap_s


def _match_full_frame(first: PhotoFeatures, second: PhotoFeatures) -> FullFrameVerdict:
    if first.digest == second.digest:
        return Verdict.BYTES, Evidence(agreement=1.0, note="same content")
    if first.pixels_digest is not None and first.pixels_digest == second.pixels_digest:
        return Verdict.PIXELS, Evidence(agreement=1.0, note="same pixels")
    if first.features.flat or second.features.flat:
        return None
    compared = compare_full_frame(first.features, second.features)
    if not compared:
        return UNDECIDED if may_align(first.features, second.features) else None
    agreement, matrix = compared
    return _checked_by_files(first, second, _copy_verdict(first.features, second.features, agreement, matrix))


def _match_local_features(first: PhotoFeatures, second: PhotoFeatures) -> PairVerdict:
    found = align(first.features, second.features)
    if found is None:
        return None
    target, source, alignment = enlarged(first.features, second.features, found)
    compared = compare(target, source, alignment)
    if compared is None:
        return None
    score = steady_score(target, source, alignment, version_score(compared.measures))
    if score < MIN_SCORE:
        return _checked_by_files(first, second, _other_shot(compared, alignment, score, source))
    verdict, evidence = _copy_verdict(target, source, compared.measures, compared.matrix)
    return _checked_by_files(first, second, (verdict, replace(evidence, inliers=alignment.inliers)))


def _checked_by_files(first: PhotoFeatures, second: PhotoFeatures, found: PairVerdict) -> PairVerdict:
    """What was seen, or what the files say besides: another shot, by the cameras' clocks, or no more than an edit."""
    if found is None:
        return None
    if _is_other_moment(first, second):
        return Verdict.BURST, replace(
            found[1], box=None, boxed=None, broken_off=None, certain=True, note="taken at another moment"
        )
    if found[0] is not Verdict.EDIT and found[0] not in SEEN_IN_SMALL:
        return found
    verdict, evidence = found[0], replace(found[1], grey=_grey(first.features, second.features))
    note = _edit_note(first, second, evidence) if verdict in SEEN_IN_SMALL else None
    return (Verdict.EDIT, replace(evidence, note=note)) if note else (verdict, evidence)


def _edit_note(first: PhotoFeatures, second: PhotoFeatures, evidence: Evidence) -> EditNote | None:
    """Why one of two pictures that show the same is an edit of the other; None if neither is."""
    frames = [each.contents.frames for each in (first, second) if each.contents]
    if max(frames, default=1) > 1:
        return EditNote.FRAMES if min(frames) > 1 else EditNote.ONE_FRAME
    return None if evidence.grey is None else EditNote.GREY


def _grey(first: Features, second: Features) -> int | None:
    """Which of two pictures, 0 or 1, has no colours where the other one does; None if neither."""
    levels = [_colourfulness(each) for each in (first, second)]
    return (
        levels.index(min(levels))
        if min(levels) < _MAX_GREY_LEVELS and max(levels) > _MIN_COLOUR_LEVELS
        else None
    )


def _colourfulness(features: Features) -> float:
    """How far red, green and blue are apart, in levels of 255, on average."""
    return float(colour_levels(features.picture).mean())


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
    turn = _nearest_turn(matrix, second)
    same = round(measures.informative_blocks * measures.same_share)
    evidence = Evidence(
        agreement=measures.same_share,
        turn=turn,
        note=f"{same} of {round(measures.informative_blocks)} aligned blocks are the same",
    )
    if not _is_full_frame(matrix, *sizes):
        box, boxed = _box(matrix, *sizes)
        edges = broken_off((first, second)[boxed].picture, box)
        broken = None if edges is None else round(edges, 3)
        return Verdict.EDIT, replace(evidence, box=box, boxed=boxed, broken_off=broken)
    if not is_unedited(measures):
        return Verdict.EDIT, _with_change(evidence, first, second, measures)
    return (Verdict.RESAVE if turn == _NO_TURN else Verdict.TURNED), evidence


def _with_change(
    evidence: Evidence, first: Features, second: Features, measures: Measures | Agreement
) -> Evidence:
    """The evidence with what changed between two pictures that lie frame on frame, for people."""
    changed = measures.changed_pixels if isinstance(measures, Measures) else measures.largest_pixels
    lighter, recoloured = tone_change(first.picture, second.picture, evidence.turn)
    return replace(
        evidence,
        changed=round(changed, 4),
        lighter=round(lighter, 1) + 0.0,  # no negative zero
        recoloured=round(recoloured, 1),
    )


def _corners(size: tuple[int, int]) -> Matrix:
    width, height = size
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _nearest_turn(matrix: Matrix, second: Features) -> int:
    """The EXIF orientation that is most like what brings the second picture onto the first."""
    part = jacobian(matrix, second)
    return max(TURNS.items(), key=lambda item: float(part.ravel() @ np.array(item[0])))[1]


def _is_full_frame(matrix: Matrix, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether a map brings all of the second picture onto all of the first."""
    projected = project(matrix, _corners(second)) / np.array(first)
    return bool(np.abs(projected - np.clip(np.rint(projected), 0, 1)).max() <= _FULL_FRAME_TOLERANCE_SHARE)


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
