"""Visual words: a number for each local feature, such that features of one spot of a scene often have the same number.

A descriptor is cut into halves of 2 x 4 cells by 8 orientations, and each half is quantised to the nearest of at most 512
centres; the two centres make a word, as in the inverted multi-index of Babenko and Lempitsky (2012). Where there are too many points
for these words, a few signs are added, for the side of its centre on which a half lies. 32 such signs a half are a
descriptor's signature, which separates points of one word: the Hamming embedding of Jegou, Douze and Schmid (2008),
with the mean in place of the median.

Mirroring a picture exchanges the halves of every descriptor and mirrors both. So the second half is mirrored before it is
quantised with the same centres: the mirror image of a point then has the same two centres in the other order. Every
word has the lower centre first, and each point says whether its halves were exchanged for that. So a photo and a mirrored
one share words at no further cost.

The centres are learned from a sample of the library's own descriptors. All numbers are whole and small enough to be
exact in single precision, so nothing depends on the order of sums, or on how many threads there are.

Axis letters: n points, m sampled halves, k centres.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from vtsfind.find.features.features import Floats, Pixels
from vtsfind.find.hamming.distance import Integers, Words

MAX_CENTRES = 512
"""At most. With 128, which are faster to compare, collages had four in ten of the votes that they have with 512."""
SIGNS_PER_HALF = 32
"""Of each half."""
MAX_CHANCE_NEIGHBOURS = 32
"""Points that the typical point of a library shares its word with by chance, at most: what finding all pairs costs."""
MAX_SIGNS_IN_WORD = 6
"""Signs of each half that become part of the word, at most. Words must fit 32 bits."""

_HALF_DIMENSIONS = 64
_KMEANS_ROUNDS = 3
_POINTS_PER_CENTRE = 16
_DESCRIPTORS_PER_BATCH = 512
"""Descriptors whose distances to all centres fit a processor's own cache."""

# A half is 2 rows x 4 columns x 8 directions, in the frame of the feature: mirroring turns the rows and the directions over.
_MIRRORED_HALF_ORDER = np.arange(_HALF_DIMENSIONS).reshape(2, 4, 8)[::-1][:, :, (-np.arange(8)) % 8].ravel()


@dataclass(frozen=True, slots=True, eq=False)
class WordAssignments:
    """Points as words."""

    words: npt.NDArray[np.uint32]
    """(n,)"""
    signatures: Words
    """(n,) two points of one word are the more alike, the fewer bits differ; random ones differ in half of 64."""
    halves_swapped: npt.NDArray[np.bool_]
    """(n,) whether the word is that of the mirror image. Where two points differ in this, one photo may be mirrored."""


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """How points become words; made by `learn_vocabulary`."""

    centres: Floats
    """(k, 64), whole numbers."""
    directions: Floats
    """(64, 32) of 1 and -1: the sums whose signs are the signature; those that vary most come first."""
    centre_projections: Floats
    """(k, 32): these sums of the centres."""
    signs_in_word: int = 0
    """How many signs of each half are part of the word."""

    def assign_words(self, descriptors: Pixels) -> WordAssignments:
        """Give points (n, 128) their words."""
        return _assemble_words(self.centres_and_signs(descriptors), self.signs_in_word)

    def centres_and_signs(self, descriptors: Pixels) -> list[Words]:
        """The nearest centre of each half of points (n, 128), and its signs: four numbers a point, (n,) each."""
        found = []
        for half in halves(descriptors):
            near = nearest_centre(half, self.centres)
            signs = np.empty(len(half), np.uint64)
            for start in range(0, len(half), _DESCRIPTORS_PER_BATCH):
                here = slice(start, start + _DESCRIPTORS_PER_BATCH)
                beyond = half[here] @ self.directions > self.centre_projections[near[here]]
                signs[here] = np.packbits(beyond, axis=1).view(">u4").ravel()
            found += [near.astype(np.uint64), signs]
        return found


def _assemble_words(centres_and_signs: Sequence[Words], signs_in_word: int) -> WordAssignments:
    """The words of points by what `Vocabulary.centres_and_signs` says of them."""
    a, a_signs, b, b_signs = centres_and_signs
    shift, kept = np.uint64(SIGNS_PER_HALF), np.uint64(signs_in_word)
    a = a << kept | a_signs >> (shift - kept)
    b = b << kept | b_signs >> (shift - kept)
    halves_swapped = (a > b) | ((a == b) & (a_signs > b_signs))
    words = np.minimum(a, b) * np.uint64(MAX_CENTRES << signs_in_word) + np.maximum(a, b)
    signatures = np.where(halves_swapped, b_signs << shift | a_signs, a_signs << shift | b_signs)
    return WordAssignments(words.astype(np.uint32), signatures, halves_swapped)


def halves(descriptors: Pixels) -> tuple[Floats, Floats]:
    """The halves of descriptors (n, 128), each (n, 64), the second one mirrored."""
    first = np.ascontiguousarray(descriptors[:, :_HALF_DIMENSIONS], np.float32)
    return first, descriptors[:, _HALF_DIMENSIONS:][:, _MIRRORED_HALF_ORDER].astype(np.float32)


def nearest_centre(points: Floats, centres: Floats) -> Integers:
    """Which of some centres (k, 64) is the nearest to each point (n, 64); of equally near ones the first."""
    found = np.empty(len(points), np.int64)
    # Values are at most 255 and there are 64 of them: twice a product stays below 2**24, and is exact.
    lengths, doubled = (centres * centres).sum(1), -2 * centres.T
    for start in range(0, len(points), _DESCRIPTORS_PER_BATCH):
        here = slice(start, start + _DESCRIPTORS_PER_BATCH)
        off = points[here] @ doubled
        off += lengths
        found[here] = off.argmin(1)
    return found


def learn_vocabulary(sample: Pixels, points: int) -> Vocabulary:
    """Make words for a library.

    Parameters
    ----------
    sample
        (n, 128): descriptors from all over the library, or none if there are none. What is learned depends on their order.
    points
        How many points the library has.
    """
    both = np.concatenate(halves(sample))
    centres = _centres(both, max(1, min(MAX_CENTRES, len(both) // _POINTS_PER_CENTRE)))
    signs = _hadamard()
    strength = np.square((both - centres[nearest_centre(both, centres)]) @ signs, dtype=np.float64).sum(0)
    best = np.argsort(-strength, kind="stable")[:SIGNS_PER_HALF]
    vocabulary = Vocabulary(centres, np.ascontiguousarray(signs[:, best]), centres @ signs[:, best])
    centres_and_signs = vocabulary.centres_and_signs(sample)
    signs_in_word = 0
    while (
        signs_in_word < MAX_SIGNS_IN_WORD
        and points * _collision_rate(_assemble_words(centres_and_signs, signs_in_word).words)
        > MAX_CHANCE_NEIGHBOURS
    ):
        signs_in_word += 1
    return replace(vocabulary, signs_in_word=signs_in_word)


def _collision_rate(words: npt.NDArray[np.uint32]) -> float:
    """How often two points have the same word."""
    _, counts = np.unique(words, return_counts=True)
    pairs = int((counts * (counts - 1)).sum())
    return pairs / max(1, len(words) * (len(words) - 1))


def _centres(sample: Floats, count: int) -> Floats:
    """Centres (count, 64) of halves (m, 64), by a few rounds of k-means from every so many-th of them."""
    if not len(sample):
        return np.zeros((1, _HALF_DIMENSIONS), np.float32)
    centres = sample[np.linspace(0, len(sample) - 1, count).astype(np.int64)]
    for _ in range(_KMEANS_ROUNDS):
        near = nearest_centre(sample, centres)
        order = np.argsort(near, kind="stable")
        taken, starts = np.unique(near[order], return_index=True)
        sums = np.add.reduceat(sample[order].astype(np.int64), starts)
        sizes = np.diff(np.append(starts, len(near)))
        centres[taken] = np.rint(sums / sizes[:, None])
    return centres


def _hadamard() -> Floats:
    """A square matrix (64, 64) of 1 and -1 with orthogonal columns (Sylvester)."""
    signs = np.ones((1, 1), np.float32)
    while len(signs) < _HALF_DIMENSIONS:
        signs = np.block([[signs, signs], [signs, -signs]])
    return signs
