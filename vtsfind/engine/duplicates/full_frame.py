"""Full-frame sets and their representatives: one photo stands for all that show the same, all of it and no more.

Most near pairs of a library are a photo and its smaller, rotated or re-encoded copies. They are matched without local
features, and only the one with the most detail of each set is compared with other photos.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vtsfind.base.groups import UNDECIDED, Evidence, Verdict
from vtsfind.base.progress import Phase, Progress
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verifier import PhotoVerifier
from vtsfind.find.clustering.representatives import representatives
from vtsfind.find.pairs import Pair

if TYPE_CHECKING:
    from vtsfind.find.candidates.hash_codes import HashCandidates

_MAX_DISTANCE_SHARE = 0.25
"""Share of the bits in which the codes of a pair differ, up to which a full-frame match is tried."""


@dataclass(frozen=True, slots=True)
class FullFrameSets:
    """Photos that show the same in full."""

    copies: dict[Pair, tuple[Verdict, Evidence]] = field(default_factory=dict)
    """The pairs that were found."""
    representative_of: dict[int, int] = field(default_factory=dict)
    """Each photo but the most detailed of its set, to that one."""


def find_full_frame_sets(
    collection: Collection,
    proposed: "HashCandidates",
    verifier: PhotoVerifier,
    rules: Rules,
    progress: Progress,
) -> FullFrameSets:
    """Find the full-frame sets among near candidates; of each set, the photo with the most detail is its representative.

    Each photo is tried with the largest and with the nearest candidate that is larger, see
    `vtsfind.find.clustering.representatives`.
    """
    near = proposed.take(proposed.distances <= _MAX_DISTANCE_SHARE * collection.head.bits)
    copies: dict[Pair, tuple[Verdict, Evidence]] = {}

    def is_full_frame_copy(pairs: Sequence[Pair]) -> list[bool]:
        progress.start(Phase.VERIFY, len(pairs))
        verdicts = verifier.full_frame_verdicts(pairs)
        progress.advance(len(pairs))
        for pair, found in zip(pairs, verdicts, strict=True):
            first, second = (collection.contents[number] for number in pair)
            if (
                found is not None
                and found is not UNDECIDED
                and rules.joins(first, second, found)
                and found[1].inliers
                is None  # by full frame: what local features told a run before makes no set
            ):
                copies[pair] = found
        return [pair in copies for pair in pairs]

    pixels = np.array([each.info.width * each.info.height for each in collection.contents], np.int64)
    order = np.argsort(np.argsort(-pixels, kind="stable"), kind="stable")
    found = representatives(near, near.distances, order, is_full_frame_copy)
    return FullFrameSets(copies, _most_detailed(found, verifier.detail))


def _most_detailed(representative_of: dict[int, int], detail: Callable[[int], int]) -> dict[int, int]:
    """The same sets, each represented by the photo with the most detail: of the largest, compression may have left little."""
    sets: dict[int, list[int]] = {}
    for photo, largest in sorted(representative_of.items()):
        sets.setdefault(largest, [largest]).append(photo)
    best = {largest: max(members, key=detail) for largest, members in sets.items()}
    return {
        photo: best[largest]
        for largest, members in sets.items()
        for photo in members
        if photo != best[largest]
    }
