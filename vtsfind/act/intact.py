"""Damaged files: none is kept in place of an intact one, and none goes while it is unclear which of two is the damaged one."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from vtsfind.act.keep_rules import KeepCandidate, Reason, Rule
from vtsfind.base.groups import Verdict

_CHECKSUM_BYTES: Final = 4
_MIN_SHARED_CHECKSUMS: Final = 0.25
"""Share of the parts of two files that are equal if one was made from the other by changing bytes in place.

Two encodings of other pixels have only their headers in common.
"""
_SAME_PIXELS: Final = frozenset({Verdict.BYTES, Verdict.PIXELS})

_SAME_FRAME: Final = frozenset({Verdict.RESAVE, Verdict.TURNED})
_MIN_PART_LEVELS: Final = 5
"""Difference of a cell's brightness, in levels of 255, beyond what tones explain.

Of 180 damaged copies of 30 photos, with at least 1 % of their pixels changed, 96 % differ so much in two cells. Of 210 copies that were
saved again in sizes from a third to twice that of the photo, none does: the largest difference was 2.8.
"""
_MIN_PART_CELLS: Final = 2
_FIT_ROUNDS: Final = 3

INTACT: Final = Rule(
    "intact",
    "files without signs of damage",
    lambda each: int(bool(each.details.damage)),
    lambda _better, worse: Reason.about_worse(f"is damaged: {worse.details.damage}"),
)
"""Comes before all rules that a person may choose."""


def damage_reason(kept: KeepCandidate, file: KeepCandidate, verdict: Verdict) -> str:
    """Why a file must not go for a kept one, since that may be the damaged one, in words; empty if it may.

    Parameters
    ----------
    kept, file
        The two files.
    verdict
        What they are to each other.
    """
    if kept.details.damage and not file.details.damage:
        return f"{kept.called} is damaged: {kept.details.damage}"
    if verdict in _SAME_PIXELS or (file.details.damage and not kept.details.damage):
        return ""
    if _were_one_file(kept, file):
        return "the two differ in some bytes only: one of them is damaged"
    if verdict in _SAME_FRAME and _differ_in_a_part(kept.details.tones, file.details.tones, verdict):
        return "the two differ in a part: one of them may be damaged"
    return ""


def _were_one_file(first: KeepCandidate, second: KeepCandidate) -> bool:
    """Whether two files of different content have the same length and many of their bytes in the same places."""
    ours, theirs = first.details.checksums, second.details.checksums
    if first.photo.stamp.size != second.photo.stamp.size or len(ours) != len(theirs) or ours == theirs:
        return False
    places = range(0, len(ours), _CHECKSUM_BYTES)
    shared = sum(ours[at : at + _CHECKSUM_BYTES] == theirs[at : at + _CHECKSUM_BYTES] for at in places)
    return shared >= _MIN_SHARED_CHECKSUMS * len(places)


def _differ_in_a_part(first: bytes, second: bytes, verdict: Verdict) -> bool:
    """Whether two pictures of the same are of other brightness in a part, but not in all."""
    if not first or len(first) != len(second):
        return False
    side = math.isqrt(len(first))
    ours, theirs = (np.frombuffer(each, np.uint8).astype(np.float64) for each in (first, second))
    grid = theirs.reshape(side, side)
    turned = [grid]
    if verdict is Verdict.TURNED:
        turned = [np.rot90(each, turns) for each in (grid, grid.T) for turns in range(4)]
    return all(_cells_apart(ours, each.ravel()) >= _MIN_PART_CELLS for each in turned)


def _cells_apart(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> int:
    """Cells whose brightness differs by more than the line through most cells explains."""
    weights = np.ones_like(ours)
    apart = np.zeros_like(ours)
    for _ in range(_FIT_ROUNDS):
        terms = np.stack([theirs, np.ones_like(theirs)], axis=1)
        fit, *_ = np.linalg.lstsq(terms * weights[:, None], ours * weights, rcond=None)
        apart = np.abs(ours - terms @ fit)
        weights = (apart <= max(3 * _median(apart), 1)).astype(np.float64)
    return int((apart >= _MIN_PART_LEVELS).sum())


def _median(values: npt.NDArray[np.float64]) -> float:
    """NumPy's own imports `numpy.ma`, which takes longer than all the comparisons of a small library."""
    ordered = np.sort(values)
    return float(ordered[len(ordered) // 2] + ordered[~(len(ordered) // 2)]) / 2
