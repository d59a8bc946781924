"""Pairs of which only the nearest few of each side are kept, while they are being found."""

import threading

import numpy as np

from vtsfind.find.hamming.distance import Integers

_PRUNE_AT_PAIRS = 1 << 20
"""Pairs that are gathered before those that are not among the nearest are dropped; at least half as many as are left."""


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
        places = np.concatenate([firsts, seconds])
        places *= spread
        halves = places.reshape(2, -1)
        halves += distances
        places *= nodes
        halves += seconds, firsts
        order = np.argsort(places)
    else:
        sides, others = np.concatenate([firsts, seconds]), np.concatenate([seconds, firsts])
        order = np.lexsort((others, np.tile(distances, 2), sides))
        places = np.empty(len(order), np.int64)
    counts = np.bincount(firsts, minlength=nodes) + np.bincount(seconds, minlength=nodes)
    before = np.cumsum(counts) - counts
    places[order] = np.arange(len(order), dtype=np.uint32)
    del order
    ranks = places.reshape(2, -1)
    ranks[0] -= before[firsts]
    ranks[1] -= before[seconds]
    best: Integers = ranks.min(axis=0)
    return best


class FoundPairs:
    """Pairs found so far: all of them, or those that can still be among the nearest few of one side. Threads may share it.

    Parameters
    ----------
    nearest
        How many; None for all.
    """

    def __init__(self, nearest: int | None) -> None:
        self._nearest = nearest
        self._parts = [np.empty((3, 0), np.int64)]
        self._count = 0
        self._lock = threading.Lock()

    def add(self, pairs: Integers) -> None:
        """Take first codes, second codes and distances, (3, found)."""
        with self._lock:
            self._parts.append(pairs)
            self._count += pairs.shape[1]
            if self._nearest is not None and self._count > max(_PRUNE_AT_PAIRS, self._parts[0].shape[1] // 2):
                # A pair that is dropped has so many nearer ones on both sides already, so what is left does not depend
                # on when this happens.
                self._prune(self._nearest)

    def pairs(self) -> Integers:
        """What is left, (3, found)."""
        with self._lock:
            if self._nearest is None:
                return np.concatenate(self._parts, axis=1)
            return self._prune(self._nearest)

    def _prune(self, nearest: int) -> Integers:
        # Only one copy of what was found is held at a time.
        self._parts = [np.concatenate(self._parts, axis=1)]
        self._parts = [self._parts[0][:, best_ranks(*self._parts[0]) < nearest]]
        self._count = 0
        return self._parts[0]
