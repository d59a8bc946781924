"""Candidate pairs by local features in common: a second source beside the hash codes of whole pictures.

A collage, a strong crop or a mixture of edits is far from its original by code, but has many of the same local features at the same
relative scale and angle. So the keypoints of all photos are sorted by visual word (`vtsfind.find.candidates.visual_words`; Sivic
and Zisserman, 2003), and two keypoints of one word whose signatures are near are a vote for their two photos. A vote
implies a rotation, a scale, and whether one photo is mirrored. Only votes that roughly agree in these count together (the weak
geometric consistency of Jegou, Douze and Schmid, 2008), and a keypoint counts once, so that not every brick wall votes
for every other.

The cost grows linearly with the number of keypoints: words get finer as there are more of them, words that very many keypoints
share are skipped, and a photo has a limited number of pairs. Memory is up to 24 bytes a keypoint, for at most `MAX_POINTS`: in a
larger library only the largest keypoints of each photo are used.

Every vote counts the same, however rare its word is.

Axis letters: n photos, m points, v votes, p pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import Monitor, Phase
from vtsfind.find.candidates.visual_words import POINT, Points, signs_for, words
from vtsfind.find.features.features import MAX_POINTS as MAX_POINTS_PER_PHOTO
from vtsfind.find.hamming.distance import Integers
from vtsfind.find.hamming.knn import FoundPairs, best_ranks
from vtsfind.find.pairs import CandidatePairs, PairFilter

MAX_PAIRS_PER_PHOTO = 8
"""Pairs of one photo."""
MIN_VOTES = 4
"""Below that a pair is not proposed."""
MAX_MEAN_PAIRS_PER_PHOTO = 2
"""Pairs a photo, over all photos, at most; those with the most votes are kept."""
MAX_POINTS = 3 << 23
"""600 MB. Of 100,000 photos these are 251 each; with at most 250 of their 209 on average, hard edits were proposed with their photo
as often as with all, with at most 167 in 90.5 % of cases instead of 95.5 %."""

_MAX_SIGNATURE_DISTANCE_BITS = 20
"""Bits of 64 in which the signatures of one spot differ at most."""
_MAX_POINTS_PER_WORD = 128
"""Words that more points share are skipped."""
_SAMPLE_POINTS = 16_384
"""Points, evenly spaced, that say how fine words need to be."""
_POINTS_PER_CHUNK = 1 << 18
_WORD_SHIFT = np.uint64(32)
_PHOTOS_PER_BLOCK = 64
"""Photos whose votes are counted at once."""
_ANGLE_BINS = 8
_ANGLE_BIN_WIDTH = 256 // _ANGLE_BINS
_SCALE_BIN_WIDTH = 6
"""In eighths of an octave."""
_SCALE_BINS = 64


@dataclass(frozen=True, slots=True, eq=False)
class LocalCandidates(CandidatePairs):
    """Pairs of photos with local features in common, of those that are of interest."""

    votes: Integers
    """(p,) points in common that agree on how the photos lie on each other."""

    def to_bytes(self) -> bytes:
        """Pack for a cache: the four as rows of little-endian int64."""
        return np.stack([self.firsts, self.seconds, self.ranks, self.votes]).astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LocalCandidates":
        """Unpack what `to_bytes` packed."""
        return cls(*np.frombuffer(data, "<i8").reshape(4, -1).astype(np.int64))


def local_candidates(
    digests: Sequence[bytes],
    points: Callable[[int], Points],
    *,
    wanted: PairFilter | None = None,
    monitor: Monitor | None = None,
) -> LocalCandidates:
    """Find pairs of photos that have local features in common.

    Parameters
    ----------
    digests
        A key for each photo, all different. They decide ties, so that the answer does not depend on the photos' order.
    points
        Gives the points of a photo, see `vtsfind.find.candidates.visual_words.points`, by its place in `digests`.
    wanted
        Says of pairs of places (p,), (p,), the lower first, which are of interest, (p,) bool; all are by default. Others do
        not count against a photo's limit.
    monitor
        Its progress counts photos.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    monitor = monitor or Monitor()
    order = np.array(sorted(range(len(digests)), key=digests.__getitem__), np.int64)
    monitor.progress.start(Phase.MATCH_LOCAL_FEATURES, len(order))
    found = FoundPairs(MAX_PAIRS_PER_PHOTO)
    if len(order):
        index = _InvertedIndex(_read(order, points, monitor), len(order))
        for first in range(0, len(order), _PHOTOS_PER_BLOCK):
            monitor.cancel.check()
            pairs = index.votes(first, first + _PHOTOS_PER_BLOCK)
            if wanted:
                pairs = pairs[:, wanted(*np.sort(order[pairs[:2]], axis=0))]
            found.add(pairs)
    return _best(found.pairs(), order)


def _best(pairs: Integers, order: Integers) -> LocalCandidates:
    """The pairs that are proposed, with photos called as the caller does."""
    ranks = best_ranks(*pairs)
    kept = np.flatnonzero(ranks < MAX_PAIRS_PER_PHOTO)
    kept = kept[np.lexsort((pairs[1, kept], pairs[0, kept], pairs[2, kept]))][
        : MAX_MEAN_PAIRS_PER_PHOTO * len(order)
    ]
    firsts, seconds = np.sort(order[pairs[:2, kept]], axis=0)
    rows = np.lexsort((seconds, firsts))
    return LocalCandidates(
        firsts[rows], seconds[rows], ranks[kept][rows], _VOTE_CEILING - pairs[2, kept][rows]
    )


# Pairs are ranked by how far they are from all the votes there can be: less is better, as with distances.
_VOTE_CEILING = 1 << 16


def _read(order: Integers, points: Callable[[int], Points], monitor: Monitor) -> Iterator[Points]:
    for photo in order.tolist():
        monitor.cancel.check()
        yield points(photo)
        monitor.progress.advance()


class _InvertedIndex:
    """All points of a library, sorted by word; photos are called by their place in what is given.

    Parameters
    ----------
    photos
        The points of each photo.
    count
        How many photos.
    """

    def __init__(self, photos: Iterator[Points], count: int) -> None:
        self._photos = count
        max_points = min(max(1, MAX_POINTS // count), MAX_POINTS_PER_PHOTO)
        # What is never written takes no memory.
        fields = {name: np.empty(count * max_points, POINT[name]) for name in POINT.names or ()}
        starts = [0]
        for each in photos:
            largest = each[:max_points]
            here = slice(starts[-1], starts[-1] + len(largest))
            for name, field in fields.items():
                field[here] = largest[name]
            starts.append(here.stop)
        self._starts = np.array(starts)
        for name in fields:
            fields[name] = fields[name][: starts[-1]]
        order, self._after = _sorted_by_word(fields)
        # One after the other, for the sake of memory.
        self._signatures = fields.pop("signature")[order]
        self._angles, self._sizes, self._halves_swapped = (
            fields.pop(name)[order] for name in ("angle", "size", "swapped")
        )
        self._photo = np.repeat(np.arange(count, dtype=np.uint32), np.diff(self._starts))[order]
        self._places = np.empty(len(order), np.uint32)
        for start in range(0, len(order), _POINTS_PER_CHUNK):
            some = order[start : start + _POINTS_PER_CHUNK]
            self._places[some] = np.arange(start, start + len(some), dtype=np.uint32)

    def votes(self, first: int, last: int) -> Integers:
        """Pairs of the photos from `first` to before `last` with later ones, (3, p): both photos, and `_VOTE_CEILING` less the votes."""
        i, j = self._near(
            self._places[slice(*self._starts[[first, min(last, self._photos)]])].astype(np.int64)
        )
        pair = (self._photo[i] - np.int64(first)) * self._photos + self._photo[j]
        pairs, which, counts = np.unique(pair, return_inverse=True, return_counts=True)
        many = counts[which] >= MIN_VOTES
        which, i, j = which[many], i[many], j[many]
        best = np.zeros(len(pairs), np.int64)
        cells, vote = self._cells(which, i, j)
        agreeing = np.minimum(*(_count_distinct(cells, side[vote]) for side in (i, j)))
        np.maximum.at(best, np.unique(cells) // (2 * _ANGLE_BINS * _SCALE_BINS), agreeing)
        kept = best >= MIN_VOTES
        firsts, seconds = np.divmod(pairs[kept], self._photos)
        return np.stack([firsts + first, seconds, _VOTE_CEILING - best[kept]])

    def _near(self, mine: Integers) -> tuple[Integers, Integers]:
        """Places of points of one word with near signatures in different photos: given ones (m,), and those after each."""
        after = self._after[mine].astype(np.int64)
        i = np.repeat(mine, after)
        j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(after) - after, after)
        near = np.bitwise_count(self._signatures[i] ^ self._signatures[j]) <= _MAX_SIGNATURE_DISTANCE_BITS
        i, j = i[near], j[near]
        apart = self._photo[i] != self._photo[j]
        return i[apart], j[apart]

    def _cells(self, pair: Integers, i: Integers, j: Integers) -> tuple[Integers, Integers]:
        """Cells of pair, mirror state, turn and growth, each overlapping its neighbours, and which vote is in each, (4 v,) both."""
        mirrored = self._halves_swapped[i] ^ self._halves_swapped[j]
        rotation_sign = np.where(self._halves_swapped[i], -1, 1)
        turn = rotation_sign * (self._angles[i].astype(np.int64) - self._angles[j]) % 256 // _ANGLE_BIN_WIDTH
        growth = (self._sizes[i].astype(np.int64) - self._sizes[j]) // _SCALE_BIN_WIDTH + _SCALE_BINS // 2
        state = pair * 2 + mirrored
        cells = [
            (state * _ANGLE_BINS + (turn + a) % _ANGLE_BINS) * _SCALE_BINS + growth + b
            for a in (0, 1)
            for b in (0, 1)
        ]
        return np.concatenate(cells), np.tile(np.arange(len(pair)), len(cells))


def _sorted_by_word(
    fields: dict[str, npt.NDArray[Any]],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    """The points by word, and how many of its word come after each; none of a word that too many have.

    The centres are taken out of the fields.
    """
    count = len(fields["signature"])
    signs = signs_for(_rows(fields, slice(None, None, max(1, count // _SAMPLE_POINTS))), count)
    keys = np.empty(count, np.uint64)
    for start in range(0, count, _POINTS_PER_CHUNK):
        found = words(_rows(fields, slice(start, start + _POINTS_PER_CHUNK)), signs).astype(np.uint64)
        numbers = np.arange(start, start + len(found), dtype=np.uint64)
        keys[start : start + len(found)] = found << _WORD_SHIFT | numbers
    del fields["low"], fields["high"]
    keys.sort()
    order = keys.astype(np.uint32)
    keys >>= _WORD_SHIFT
    return order, _counted_after(keys)


def _counted_after(rising: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint8]:
    """How many equal ones come after each of some words (m,); 0 for those that more than `_MAX_POINTS_PER_WORD` have."""
    after = np.zeros(len(rising), np.uint8)
    for start in range(0, len(rising), _POINTS_PER_CHUNK):
        chunk = rising[start : start + _POINTS_PER_CHUNK]
        is_first = np.append(False, chunk[1:] != chunk[:-1])
        outer = np.searchsorted(rising, chunk[0], "left"), np.searchsorted(rising, chunk[-1], "right")
        edges = np.concatenate([[outer[0] - start], np.flatnonzero(is_first), [outer[1] - start]])
        run = np.cumsum(is_first)
        few = np.diff(edges)[run] <= _MAX_POINTS_PER_WORD
        after[start : start + len(chunk)] = np.where(few, edges[run + 1] - 1 - np.arange(len(chunk)), 0)
    return after


def _rows(fields: dict[str, npt.NDArray[Any]], chosen: slice) -> Points:
    """Some points, of which each field is an array."""
    some = np.empty(len(fields["signature"][chosen]), POINT)
    for name, field in fields.items():
        some[name] = field[chosen]
    return some


def _count_distinct(cells: Integers, points: Integers) -> Integers:
    """How many different points there are in each cell, by cell; rising."""
    order = np.lexsort((points, cells))
    cells, points = cells[order], points[order]
    fresh = np.append(True, (cells[1:] != cells[:-1]) | (points[1:] != points[:-1]))[: len(cells)]
    _, starts = np.unique(cells, return_index=True)
    return np.add.reduceat(fresh.astype(np.int64), starts) if len(starts) else np.empty(0, np.int64)
