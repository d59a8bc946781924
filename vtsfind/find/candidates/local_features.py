"""Candidate pairs by local features in common: a second source beside the hash codes of whole pictures.

A collage, a strong crop or a mixture of edits is far from its original by code, but has many of the same local features at the same
relative scale and angle. So the keypoints of all photos are sorted by visual word (`vtsfind.find.candidates.visual_words`; Sivic
and Zisserman, 2003), and two keypoints of one word whose signatures are near are a vote for their two photos. A vote
implies a rotation, a scale, and whether one photo is mirrored. Only votes that roughly agree in these count together (the weak
geometric consistency of Jegou, Douze and Schmid, 2008), and a keypoint counts once, so that not every brick wall votes
for every other.

The cost grows linearly with the number of keypoints: words get finer as there are more of them, words that very many keypoints
share are skipped, and a photo has a limited number of pairs. Memory is up to 40 bytes a keypoint, for at most `MAX_POINTS`: in a
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
from vtsfind.find.candidates.visual_words import Vocabulary, learn_vocabulary
from vtsfind.find.features.features import MAX_POINTS as MAX_POINTS_PER_PHOTO
from vtsfind.find.features.features import Features, Pixels
from vtsfind.find.hamming.distance import Integers
from vtsfind.find.hamming.knn import FoundPairs, best_ranks
from vtsfind.find.pairs import CandidatePairs, PairFilter
from vtsfind.find.threads import SINGLE_THREADED_BLAS

MAX_PAIRS_PER_PHOTO = 8
"""Pairs of one photo."""
MIN_VOTES = 4
"""Below that a pair is not proposed."""
MAX_MEAN_PAIRS_PER_PHOTO = 2
"""Pairs a photo, over all photos, at most; those with the most votes are kept."""
MAX_POINTS = 1 << 25

_MAX_SIGNATURE_DISTANCE_BITS = 20
"""Bits of 64 in which the signatures of one spot differ at most."""
_MAX_POINTS_PER_WORD = 128
"""Words that more points share are skipped."""
_SAMPLE_POINTS = 16_384
_SAMPLE_STRIDE = 12
"""One of so many points is learned from, so that many photos are among them."""
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
    features: Callable[[int], Features],
    *,
    wanted: PairFilter | None = None,
    monitor: Monitor | None = None,
) -> LocalCandidates:
    """Find pairs of photos that have local features in common.

    Parameters
    ----------
    digests
        A key for each photo, all different. They decide ties, so that the answer does not depend on the photos' order.
    features
        Gives the features of a photo, by its place in `digests`; called once or twice for each.
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
        with SINGLE_THREADED_BLAS:
            points = _build_index(order, features, monitor)
        for first in range(0, len(order), _PHOTOS_PER_BLOCK):
            monitor.cancel.check()
            pairs = points.votes(first, first + _PHOTOS_PER_BLOCK)
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


def _build_index(order: Integers, features: Callable[[int], Features], monitor: Monitor) -> "_InvertedIndex":
    """The points of all photos, in this order, as words."""
    sample: list[Pixels] = []
    counted = 0
    for photo in order.tolist():  # digests are as good as random
        monitor.cancel.check()
        sample.append(features(photo).coarse.descriptors)
        counted += len(sample[-1])
        if counted >= _SAMPLE_STRIDE * _SAMPLE_POINTS:
            break
    every = max(1, -(-counted // _SAMPLE_POINTS))
    max_points = min(max(1, MAX_POINTS // len(order)), MAX_POINTS_PER_PHOTO)
    total = sum(min(len(each), max_points) for each in sample) * len(order) // len(sample)
    vocabulary = learn_vocabulary(np.concatenate(sample)[::every], total)
    return _InvertedIndex(vocabulary, _read(order, features, monitor), len(order), max_points)


def _read(order: Integers, features: Callable[[int], Features], monitor: Monitor) -> Iterator[Features]:
    for photo in order.tolist():
        monitor.cancel.check()
        yield features(photo)
        monitor.progress.advance()


class _InvertedIndex:
    """All points of a library, sorted by word; photos are called by their place in what is given.

    Parameters
    ----------
    vocabulary
        Says what the words are.
    photos
        What is kept of each photo.
    count
        How many photos.
    max_points
        Points of one photo.
    """

    def __init__(
        self, vocabulary: Vocabulary, photos: Iterator[Features], count: int, max_points: int
    ) -> None:
        self._photos = count
        kinds = (np.uint32, np.uint64, np.uint8, np.uint8, np.bool_)
        # What is never written takes no memory.
        fields: list[npt.NDArray[Any]] = [np.empty(count * max_points, kind) for kind in kinds]
        starts = [0]
        for each in photos:
            local = each.coarse
            rows = _largest(local.packed_points, max_points)
            assignments = vocabulary.assign_words(local.descriptors[rows])
            packed = local.packed_points[rows]
            turns = (packed[:, 3] >> 8).astype(np.uint8)
            turns = np.where(assignments.halves_swapped, 128 - turns, turns)
            sizes = np.rint(8 * np.log2(np.maximum(packed[:, 2], 1)))
            here = slice(starts[-1], starts[-1] + len(rows))
            for field, some in zip(
                fields,
                (assignments.words, assignments.signatures, turns, sizes, assignments.halves_swapped),
                strict=True,
            ):
                field[here] = some
            starts.append(here.stop)
        self._starts = np.array(starts)
        order = np.argsort(fields[0][: starts[-1]], kind="stable")
        for n, field in enumerate(fields):  # one after the other, for the sake of memory
            fields[n] = field[order]
        self._words, self._signatures, self._angles, self._sizes, self._halves_swapped = fields
        self._photo = np.repeat(np.arange(count, dtype=np.uint32), np.diff(self._starts))[order]
        self._places = np.empty(len(order), np.uint32)
        self._places[order] = np.arange(len(order), dtype=np.uint32)

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
        begins = np.searchsorted(self._words, self._words[mine], "left")
        ends = np.searchsorted(self._words, self._words[mine], "right")
        after = np.where(ends - begins <= _MAX_POINTS_PER_WORD, ends - mine - 1, 0)
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


def _largest(packed: npt.NDArray[np.uint16], max_points: int) -> Integers:
    """The points (m, 4) of the largest diameters, by place."""
    if len(packed) <= max_points:
        return np.arange(len(packed))
    return np.sort(np.argsort(-packed[:, 2].astype(np.int64), kind="stable")[:max_points])


def _count_distinct(cells: Integers, points: Integers) -> Integers:
    """How many different points there are in each cell, by cell; rising."""
    order = np.lexsort((points, cells))
    cells, points = cells[order], points[order]
    fresh = np.append(True, (cells[1:] != cells[:-1]) | (points[1:] != points[:-1]))[: len(cells)]
    _, starts = np.unique(cells, return_index=True)
    return np.add.reduceat(fresh.astype(np.int64), starts) if len(starts) else np.empty(0, np.int64)
