"""Pairs of which only the nearest few of each side are kept, while they are being found."""

import numpy as np

from vtsfind.find.hamming.distance import Integers

_PRUNE_AT_PAIRS = 1 << 22
"""Pairs that are gathered before those that are not among the nearest are dropped."""


def best_ranks(firsts: Integers, seconds: Integers, distances: Integers) -> Integers:
    """The place of each pair among all pairs of one of its sides, nearest first: of the side where it is better.

    Parameters
    ----------
    firsts, seconds, distances
        (p,) int64: one side, the other side, how far they are apart. Of equally near ones, the lower other side is nearer.

    Returns
    -------
    (p,) int64, from 0.
    """
    if not len(firsts):
        return np.empty(0, np.int64)
    nodes = int(max(firsts.max(), seconds.max())) + 1
    spread = int(distances.max()) + 1
    if nodes * nodes * spread < 1 << 63:
        # One number per side and pair: sorted ten times as fast as three columns.
        near = np.concatenate([distances * nodes + seconds, distances * nodes + firsts])
        order = np.argsort(np.concatenate([firsts, seconds]) * (spread * nodes) + near)
    else:
        sides, others = np.concatenate([firsts, seconds]), np.concatenate([seconds, firsts])
        order = np.lexsort((others, np.tile(distances, 2), sides))
    counts = np.bincount(firsts, minlength=nodes) + np.bincount(seconds, minlength=nodes)
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    best: Integers = ranks.reshape(2, -1).min(axis=0)
    return best


class FoundPairs:
    """Pairs found so far: all of them, or those that can still be among the nearest few of one side.

    Parameters
    ----------
    nearest
        How many; None for all.
    """

    def __init__(self, nearest: int | None) -> None:
        self._nearest = nearest
        self._parts = [np.empty((3, 0), np.int64)]
        self._count = 0

    def add(self, pairs: Integers) -> None:
        """Take first codes, second codes and distances, (3, found)."""
        self._parts.append(pairs)
        self._count += pairs.shape[1]
        if self._nearest is not None and self._count > _PRUNE_AT_PAIRS:
            # A pair that is dropped has so many nearer ones on both sides already, so what is left does not depend
            # on when this happens.
            self._parts = [self.pairs()]
            self._count = self._parts[0].shape[1] // 2  # not again before as many new ones have come

    def pairs(self) -> Integers:
        """What is left, (3, found)."""
        every = np.concatenate(self._parts, axis=1)
        if self._nearest is None:
            return every
        kept: Integers = every[:, best_ranks(every[0], every[1], every[2]) < self._nearest]
        return kept
