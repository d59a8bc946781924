"""The inner loop of every search: XOR, count the bits, add, word by word, and say where few bits differ.

The sums are kept in the narrowest integer that serves. They only grow: once the words counted so far leave few places
at or below the limit, the other words are left out, and the places found are candidates. So the answer is always to be
counted again, in full, for the few places that are in it.

NumPy lets go of the interpreter's lock in here. Calls must be long enough for threads to seldom wait for each other, and
short enough for their operands to stay in a processor's own cache: `WORDS_PER_CALL` words each.
"""

import threading
from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]

WORDS_PER_CALL = 1 << 16
"""Words compared by one call."""
_SPARSE_DIVISOR = 64
"""Places are few, and cheaper to gather than to scan, when they are fewer than one in this many."""
_RETRY_AFTER_COMPARISONS = 16
"""Comparisons to wait after one that could not be ended early, before that is tried again at the same word."""
_CACHE_LINE_BYTES = 64
"""Bytes."""

_thread_local = threading.local()


def count_bits(differences: Words) -> Integers:
    """Count the bits of words (w, ...) over all w; (...) int64."""
    total: Integers = np.bitwise_count(differences).sum(axis=0, dtype=np.int64)
    return total


def comparison(w: int, places: int) -> "Comparison":
    """The calling thread's own `Comparison`. It is kept, since new memory costs as much as a small search."""
    kept: Comparison | None = getattr(_thread_local, "comparison", None)
    if kept is None or kept.w != w or kept.places < places:
        kept = _thread_local.comparison = Comparison(w, max(places, WORDS_PER_CALL))
    return kept


class Comparison:
    """Compares codes of w words with each other, at most `places` pairs at a time. Each thread needs one of its own."""

    def __init__(self, w: int, places: int) -> None:
        self.w, self.places = w, places
        # Distances up to 255 fit in a byte. 256, the one other distance of four words, wraps to 0: such a place is a
        # candidate, and is counted again as every candidate is.
        sums = np.uint8 if w <= 4 else np.uint32
        self._highest = int(np.iinfo(sums).max)
        self._scratch = [_cache_aligned(places, kind) for kind in (np.uint64, np.uint8, sums, np.bool_)]
        self._shape: tuple[int, ...] = (0,)
        self._shaped = self._scratch
        self._checks_skipped = [0] * w

    def limits(self, distances: Integers) -> npt.NDArray[Any]:
        """Write the highest distances wanted as `candidates` takes them. Negative ones stand for 0."""
        return np.minimum(np.maximum(distances, 0), self._highest).astype(self._scratch[2].dtype)

    def candidates(
        self,
        shape: tuple[int, ...],
        lefts: Iterable[Words],
        rights: Iterable[Words],
        limits: npt.NDArray[Any],
        excluded: slice | None = None,
    ) -> Integers:
        """Find the places where the distance may be within the limits: all where it is, and few others.

        Parameters
        ----------
        shape
            What each left and right word broadcast to; `limits` too.
        lefts, rights
            For each of the w words the operands. They are asked for one after the other, the later ones maybe never.
        limits
            From `limits`.
        excluded
            Places on all axes but the last, in row-major order, that are not wanted.

        Returns
        -------
        The places (found,) int64 in row-major order, rising.
        """
        words, counts, sums, within_limits = self._scratch_views(shape)
        last = len(self._checks_skipped) - 1
        for j, (left, right) in enumerate(zip(lefts, rights, strict=True)):
            np.bitwise_xor(left, right, out=words)
            if j == 0:
                np.bitwise_count(words, out=sums)
            else:
                np.bitwise_count(words, out=counts)
                np.add(sums, counts, out=sums)
            if self._checks_skipped[j]:
                self._checks_skipped[j] -= 1
            elif j < last:
                _mark_within_limits(sums, limits, excluded, within_limits)
                if np.count_nonzero(within_limits) * _SPARSE_DIVISOR < within_limits.size:
                    return within_limits.ravel().nonzero()[0]
                self._checks_skipped[j] = _RETRY_AFTER_COMPARISONS
        _mark_within_limits(sums, limits, excluded, within_limits)
        return within_limits.ravel().nonzero()[0]

    def _scratch_views(self, shape: tuple[int, ...]) -> list[npt.NDArray[Any]]:
        if shape != self._shape:
            size = prod(shape)
            self._shape, self._shaped = shape, [each[:size].reshape(shape) for each in self._scratch]
        return self._shaped


def _mark_within_limits(
    sums: npt.NDArray[Any],
    limits: npt.NDArray[Any],
    excluded: slice | None,
    within_limits: npt.NDArray[np.bool_],
) -> None:
    np.less_equal(sums, limits, out=within_limits)
    if excluded is not None:
        within_limits.reshape(-1, within_limits.shape[-1])[excluded] = False


def _cache_aligned(length: int, kind: npt.DTypeLike) -> npt.NDArray[Any]:
    """Space that begins on a cache line: vectors stored across two lines take a quarter longer."""
    size = length * np.dtype(kind).itemsize
    space = np.empty(size + _CACHE_LINE_BYTES, np.uint8)
    start = -space.ctypes.data % _CACHE_LINE_BYTES
    return space[start : start + size].view(kind)
