"""Photos that are like one, by two codes of each: by what is in the picture, and by whether it is the same picture.

Other shots of a scene share both what they show and how it looks, so both distances together find more of them than either one. They are
added as shares of the bits, with the weights 1 - `COPY_SHARE` and `COPY_SHARE`; the sum counts as bits of the code for scenes.

Axis letters: w words, m codes, k bits.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base import bits
from vtsfind.find.hamming.distance import Integers, Words
from vtsfind.find.hamming.views import Floats, Outputs, asymmetric_distances

COPY_SHARE = 0.3
"""Of 926 same-scene photos of the even scenes of INRIA Holidays 728 are in the first five by the code for scenes alone, 767, 781, 792 and 793 with
0.2, 0.3, 0.4 and 0.5. The mean average precision of ten kinds of `imagenette/train` falls from 0.981 to 0.978, 0.973, 0.965 and 0.950
(2026-11.md in docs/results/notebook)."""

_ROUNDING = 1e-9
"""Bits, of sums of shares."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The code of the photo asked for by one head."""

    packed: npt.NDArray[np.uint8]
    """(b,)."""
    bits: int
    """k."""
    outputs: Outputs | None = None
    """(k,): the real outputs that the bits are the signs of; None if only the code is known."""

    def shares(self, planes: Words) -> Floats:
        """The share of the bits in which codes (w, m) differ, (m,)."""
        own = bits.words(self.packed[None])[0]
        apart: Floats = np.bitwise_count(planes ^ own[:, None]).sum(axis=0, dtype=np.int64) / self.bits
        return apart

    def fine_shares(self, planes: Words) -> Floats:
        """The same by asymmetric distances where the outputs are known."""
        if self.outputs is None:
            return self.shares(planes)
        apart: Floats = asymmetric_distances(planes, self.outputs[None])[0] / self.bits
        return apart


def by_likeness(
    scene: OwnCode, scene_planes: Words, copy: OwnCode, copy_planes: Words
) -> tuple[Integers, Integers]:
    """Put some photos in the order of their likeness to one.

    Parameters
    ----------
    scene, copy
        Its two codes.
    scene_planes, copy_planes
        (w, m) uint64: those of the others.

    Returns
    -------
    columns
        (m,) int64, the most alike first; of equal ones the lower first.
    distances
        (m,) int64: the weighted sum of the Hamming distances, in bits of the code for scenes.
    """
    coarse = _sum(scene.shares(scene_planes), copy.shares(copy_planes))
    columns = np.argsort(_sum(scene.fine_shares(scene_planes), copy.fine_shares(copy_planes)), kind="stable")
    # Only where both codes are equal is the distance 0.
    distances = np.ceil(coarse * scene.bits - _ROUNDING).astype(np.int64)
    return columns, distances[columns]


def max_scene_distance(distance: int) -> int:
    """The Hamming distance of the codes for scenes, in bits, beyond which no photo has this distance or less."""
    return int(distance / (1 - COPY_SHARE) + _ROUNDING)


def _sum(scene: Floats, copy: Floats) -> Floats:
    return (1 - COPY_SHARE) * scene + COPY_SHARE * copy
