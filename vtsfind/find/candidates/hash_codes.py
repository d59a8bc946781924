"""Candidate pairs by hash codes: those whose copy codes are near, as many as can be verified.

The codes of copies and of unrelated photos overlap: a mirrored or strongly cropped copy can be as far away as the nearest of many
unrelated photos. So no radius separates them. The radius used here gives the typical photo of the library a few neighbours,
measured on the library's own codes: wide in a small library, where many candidates cost little, and narrower in a large
one. Within it, all pairs are found, exactly (`vtsfind.find.hamming.all_pairs`), if that takes about a minute; in a larger
library all pairs within a narrower radius, and most of the nearer ones beyond it.

Each photo has a limited number of candidates: the nearest by the copy code's distance, plus half the distance of a second code, of
what is in the picture, if there is one. A pair is kept if it is among those of either photo. Equal codes make only a few
times as many pairs as photos.

Of these pairs only the near ones are compared for their codes alone, see `MAX_COMPARED_SHARE`. The others say which photos are worth
reading; local features tell which of them to compare (`vtsfind.find.candidates.local_features`).

Axis letters: n photos, w words, p pairs.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from vtsfind.base.bits import WORD_BITS
from vtsfind.base.progress import Monitor
from vtsfind.find.hamming.all_pairs import FindPairs, close_codes
from vtsfind.find.hamming.chunk_pairs import find_pairs
from vtsfind.find.hamming.distance import Integers, Words, count_bits
from vtsfind.find.hamming.knn import best_ranks
from vtsfind.find.hamming.mih import exhaustive_cost
from vtsfind.find.hamming.search import top_k
from vtsfind.find.pairs import CandidatePairs, PairFilter

MAX_CANDIDATES_PER_PHOTO = 8
"""Candidates of one photo. By the first default model, of mild edits of 200 photographs 99.7 % had their original among them
in a library of 598, of hard ones 97.3 %, of quarter and half turns 99.7 %; 24 candidates instead of 8 would give 99.8, 98.3
and 99.7 %."""
TARGET_NEIGHBOURS = 64
"""Photos within the radius of the typical photo: many more than its candidates, since these are the nearest by both
codes. A radius with only 16 in it (94 bits of 256 in that library) cost 3.5 % of the mild edits, and 13 % of the hard."""
MAX_RADIUS_SHARE = 0.44
"""The radius at most, as a share of the bits. Codes of unrelated photos differ in half of the bits, with a standard deviation of a
few percent: beyond this there are only unrelated photos."""
MAX_COMPARED_SHARE = 0.3
"""Share of the bits in which the codes of a pair differ, up to which it is compared for that alone. Of 6,051 pairs of edits of 48 training
photos, each among 1,400 pictures and more, that the verifier accepts 65 are neither within it nor proposed by local features, and 2 of 1,152
edits are lost from their photo; by 0.25 129 and 4. Of the pairs of different pictures that are proposed there, 8 % are within it."""

TARGET_NEIGHBOURS_PARTIAL = 16
"""The same where only some of the pairs within the radius are found, since there are too many codes. Some unrelated photos
are not found either, so photos still have a few candidates each. Of edits of 30 photographs among 1,000,000 simulated codes,
where all pairs within 47 bits are found, all mild and 91.2 % of the hard ones were within this radius of their original
(91 bits), and 98.0 and 79.2 % were found; all of these were among the `MAX_CANDIDATES_PER_PHOTO` nearest found (docs/results/pairs.json)."""

_RADIUS_SAMPLE_PHOTOS = 256
_MAX_EFFORT_NS = 50e9
"""Nanoseconds of processors that finding pairs may take, about."""
_OVERSAMPLING = 4
"""How many times as many pairs as candidates of one photo are found, before they are ranked by both codes."""


@dataclass(frozen=True, slots=True, eq=False)
class HashCandidates(CandidatePairs):
    """Pairs of photos, by their columns in the planes, whose copy codes are near."""

    distances: Integers
    """(p,) in bits of the copy code."""
    radius: int
    """The radius of the search, in bits."""
    complete: int
    """The radius within which all pairs were found: less than `radius` if there are very many photos."""
    within: int
    """Pairs that were found within the radius: more than there are here if some photos had too many."""

    def near(self, bits: int) -> Self:
        """The pairs that are compared for their codes of so many bits alone, see `MAX_COMPARED_SHARE`."""
        return self.take(self.distances <= MAX_COMPARED_SHARE * bits)


def hash_candidates(
    planes: Words,
    *,
    radius: int | None = None,
    max_per_photo: int | None = MAX_CANDIDATES_PER_PHOTO,
    other: Words | None = None,
    wanted: PairFilter | None = None,
    monitor: Monitor | None = None,
    finder: FindPairs = find_pairs,
) -> HashCandidates:
    """Find candidate pairs.

    Parameters
    ----------
    planes
        (w, n) uint64: the copy codes, as `vtsfind.base.bits.planes` lays them out.
    radius
        In bits: all pairs within it are found, however long that takes. By default `adaptive_radius`, and what can be found
        in about a minute.
    max_per_photo
        Candidates of one photo; None for no limit, but for codes that more than `MAX_CANDIDATES_PER_PHOTO` photos share: each of these is paired
        with the first `MAX_CANDIDATES_PER_PHOTO` only if it is one of them, else with the first.
    other
        (w', n) uint64: codes of what is in the picture.
    wanted
        Says of pairs of columns (p,), (p,) which are of interest, (p,) bool; all are by default.
    monitor, finder
        As for `vtsfind.find.hamming.all_pairs.close_codes`.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    planes = np.asarray(planes, np.uint64)
    effort = None
    if radius is None:
        is_exhaustive = exhaustive_cost(planes.shape[1]) <= _MAX_EFFORT_NS
        radius = adaptive_radius(
            planes,
            neighbours=TARGET_NEIGHBOURS if is_exhaustive else TARGET_NEIGHBOURS_PARTIAL,
        )
        effort = _MAX_EFFORT_NS
    max_nearest = None if max_per_photo is None else _OVERSAMPLING * max_per_photo
    close = close_codes(planes, radius, nearest=max_nearest, effort=effort, monitor=monitor, finder=finder)
    firsts, seconds, distances = close.expand(max_per_photo or MAX_CANDIDATES_PER_PHOTO)
    within = close.count()
    if wanted is not None:
        kept = wanted(firsts, seconds)
        firsts, seconds, distances = firsts[kept], seconds[kept], distances[kept]
    ranks = best_ranks(firsts, seconds, _ranking_distances(firsts, seconds, distances, other))
    kept = ranks < (len(firsts) + 1 if max_per_photo is None else max_per_photo)
    return HashCandidates(
        firsts[kept], seconds[kept], ranks[kept], distances[kept], radius, close.complete, within
    )


def _ranking_distances(
    firsts: Integers, seconds: Integers, distances: Integers, other: Words | None
) -> Integers:
    """What pairs are ranked by: twice the copy code's distance, and that of the other code."""
    if other is None or not len(firsts):
        return distances
    other = np.asarray(other, np.uint64)
    return 2 * distances + count_bits(other[:, firsts] ^ other[:, seconds])


def adaptive_radius(planes: Words, *, neighbours: int = TARGET_NEIGHBOURS) -> int:
    """The radius within which the typical photo of these codes (w, n) has so many neighbours.

    The median over a sample of photos, evenly spaced, so that many frames of one kind do not count for the others;
    at most `MAX_RADIUS_SHARE`.
    """
    words, n = planes.shape
    max_radius = int(MAX_RADIUS_SHARE * words * WORD_BITS)
    if n <= neighbours + 1:
        return max_radius
    rows = np.unique(np.linspace(0, n - 1, _RADIUS_SAMPLE_PHOTOS).astype(np.int64))
    _, distances = top_k(planes, np.ascontiguousarray(planes[:, rows].T), neighbours + 1)
    # The photo itself is the nearest; the last one would already be one too many.
    return min(int(np.median(distances[:, -1])), max_radius)
