"""Visual words: a number for each local feature, such that features of one spot of a scene often have the same number.

A descriptor is cut into halves of 2 x 4 cells by 8 orientations, and each half is quantised to the nearest of 512 centres; the two
centres make a word, as in the inverted multi-index of Babenko and Lempitsky (2012). Where there are too many points for these
words, a few signs are added, for the side of its centre on which a half lies. 32 such signs a half are a
descriptor's signature, which separates points of one word: the Hamming embedding of Jegou, Douze and Schmid (2008),
with the mean in place of the median.

Mirroring a picture exchanges the halves of every descriptor and mirrors both. So the second half is mirrored before it is
quantised with the same centres: the mirror image of a point then has the same two centres in the other order. Every
word has the lower centre first, and each point says whether its halves were exchanged for that. So a photo and a mirrored
one share words at no further cost.

The centres are those of `visual_words.npz`, which `python -m benchmarks.fit_words` learns, so the points of a photo depend on the
photo alone and need be computed only once. All numbers are whole and small enough to be exact in single precision, so nothing depends
on the order of sums, or on how many threads there are.

Axis letters: n points, k centres.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats, LocalFeatures, Pixels
from vtsfind.find.hamming.distance import Integers, Words

VOCABULARY = Path(__file__).with_name("visual_words.npz")
CENTRES = 512
"""With 128, which are faster to compare, collages have far fewer votes."""
SIGNS_PER_HALF = 32
"""Of each half."""
MAX_CHANCE_NEIGHBOURS = 32
"""Points that the typical point of a library shares its word with by chance, at most: what finding all pairs costs."""
MAX_SIGNS_IN_WORD = 6
"""Signs of each half that become part of the word, at most. Words must fit 32 bits."""
POINT = np.dtype(
    [
        ("low", "<u2"),
        ("high", "<u2"),
        ("signature", "<u8"),
        ("angle", "u1"),
        ("size", "u1"),
        ("swapped", "?"),
    ]
)
"""A local feature as a point of an index: its lower and higher centre; 32 signs of the half of either, those of the lower in
the higher bits; its angle in 1/256 of a turn, measured the other way round if its halves were exchanged; the logarithm of its
diameter, in eighths of an octave; whether its halves were exchanged."""
Points = npt.NDArray[Any]
"""(n,) of `POINT`."""

HALF_DIMENSIONS = 64
_DESCRIPTORS_PER_BATCH = 512
"""Descriptors whose distances to all centres fit a processor's own cache."""

# A half is 2 rows x 4 columns x 8 directions, in the frame of the feature: mirroring turns the rows and the directions over.
_MIRRORED_HALF_ORDER = np.arange(HALF_DIMENSIONS).reshape(2, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].ravel()


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """How halves of descriptors become numbers."""

    centres: Floats
    """(k, 64), whole numbers."""
    directions: Floats
    """(64, 32) of 1 and -1: the sums whose signs are the signature; those that vary most come first."""
    centre_projections: Floats
    """(k, 32): these sums of the centres."""

    @classmethod
    def of(cls, centres: npt.NDArray[np.uint8], columns: npt.NDArray[np.uint8]) -> Self:
        """The vocabulary of some centres (k, 64) and columns (32,) of a Hadamard matrix."""
        directions = np.ascontiguousarray(hadamard()[:, columns])
        whole = centres.astype(np.float32)
        return cls(whole, directions, whole @ directions)

    def quantised(self, half: Floats) -> tuple[Integers, Words]:
        """The nearest centre of each half (n, 64), and its signs, (n,) both."""
        near = nearest_centre(half, self.centres)
        signs = np.empty(len(half), np.uint64)
        for start in range(0, len(half), _DESCRIPTORS_PER_BATCH):
            here = slice(start, start + _DESCRIPTORS_PER_BATCH)
            beyond = half[here] @ self.directions > self.centre_projections[near[here]]
            signs[here] = np.packbits(beyond, axis=1).view(">u4").ravel()
        return near, signs


@cache
def vocabulary() -> Vocabulary:
    """The one that ships."""
    with np.load(VOCABULARY) as stored:
        return Vocabulary.of(stored["centres"], stored["columns"])


def from_bytes(data: bytes) -> Points:
    """Undo `tobytes` of points."""
    return np.frombuffer(data, POINT)


def points(local: LocalFeatures) -> Points:
    """The local features of a photo as points (n,) of `POINT`, those of the largest diameters first."""
    order = np.argsort(-local.packed_points[:, 2].astype(np.int64), kind="stable")
    packed = local.packed_points[order]
    (a, a_signs), (b, b_signs) = map(vocabulary().quantised, halves(local.descriptors[order]))
    swapped = (a > b) | ((a == b) & (a_signs > b_signs))
    turns = (packed[:, 3] >> 8).astype(np.uint8)
    shift = np.uint64(SIGNS_PER_HALF)
    made = np.empty(len(packed), POINT)
    made["low"], made["high"] = np.minimum(a, b), np.maximum(a, b)
    made["signature"] = np.where(swapped, b_signs << shift | a_signs, a_signs << shift | b_signs)
    made["angle"] = np.where(swapped, 128 - turns, turns)
    made["size"] = np.rint(8 * np.log2(np.maximum(packed[:, 2], 1)))
    made["swapped"] = swapped
    return made


def words(some: Points, signs_in_word: int) -> npt.NDArray[np.uint32]:
    """The words of points (n,), so many signs of each half among them."""
    signature = some["signature"]
    left_out = np.uint64(SIGNS_PER_HALF - signs_in_word)
    low_signs = signature >> np.uint64(SIGNS_PER_HALF)
    high_signs = signature & np.uint64((1 << SIGNS_PER_HALF) - 1)
    kept = np.uint64(signs_in_word)
    low = some["low"].astype(np.uint64) << kept | low_signs >> left_out
    high = some["high"].astype(np.uint64) << kept | high_signs >> left_out
    return (low * np.uint64(CENTRES << signs_in_word) + high).astype(np.uint32)


def signs_for(sample: Points, total: int) -> int:
    """How many signs words need in a library.

    Parameters
    ----------
    sample
        (n,) points from all over the library.
    total
        How many points it has.
    """
    signs = 0
    while signs < MAX_SIGNS_IN_WORD and total * _collision_rate(words(sample, signs)) > MAX_CHANCE_NEIGHBOURS:
        signs += 1
    return signs


def _collision_rate(some: npt.NDArray[np.uint32]) -> float:
    """How often two points have the same word."""
    _, counts = np.unique(some, return_counts=True)
    pairs = int((counts * (counts - 1)).sum())
    return pairs / max(1, len(some) * (len(some) - 1))


def halves(descriptors: Pixels) -> tuple[Floats, Floats]:
    """The halves of descriptors (n, 128), each (n, 64), the second one mirrored."""
    first = np.ascontiguousarray(descriptors[:, :HALF_DIMENSIONS], np.float32)
    return first, descriptors[:, HALF_DIMENSIONS:][:, _MIRRORED_HALF_ORDER].astype(np.float32)


def nearest_centre(some: Floats, centres: Floats) -> Integers:
    """Which of some centres (k, 64) is the nearest to each half (n, 64); of equally near ones the first."""
    found = np.empty(len(some), np.int64)
    # Values are at most 255 and there are 64 of them: twice a product stays below 2**24, and is exact.
    lengths, doubled = (centres * centres).sum(1), -2 * centres.T
    for start in range(0, len(some), _DESCRIPTORS_PER_BATCH):
        here = slice(start, start + _DESCRIPTORS_PER_BATCH)
        off = some[here] @ doubled
        off += lengths
        found[here] = off.argmin(1)
    return found


def hadamard() -> Floats:
    """A square matrix (64, 64) of 1 and -1 with orthogonal columns (Sylvester)."""
    signs = np.ones((1, 1), np.float32)
    while len(signs) < HALF_DIMENSIONS:
        signs = np.block([[signs, signs], [signs, -signs]])
    return signs
