"""The codes nearest to a photo that is not in the library: seen in several views, and by real outputs instead of bits.

Of the photos of a library only bits are stored. Of a photo that a model has just seen, the real outputs u are there too, and say
how sure each bit is. So its *asymmetric distance* from a code b of -1 and 1 (Gordo et al., "Asymmetric Distances for Binary
Embeddings", TPAMI 2014, section 3) is finer than the Hamming distance. With u as a unit vector, and in bits,

    d = (k - sqrt(k) u . b) / 2,

which is the Hamming distance where all outputs are equally large. It is computed for the `CANDIDATES` nearest by Hamming
distance only, so that nothing more is stored and every code is still compared.

Axis letters: n codes, v views, k bits, w words, m candidates.
"""

import numpy as np
import numpy.typing as npt

from vtsfind.find.hamming.distance import WORDS_PER_CALL, Integers, Words
from vtsfind.find.hamming.search import checked, top_k, within

CANDIDATES = 1000
"""Nearest codes by Hamming distance that are put in the order of their asymmetric distances."""
_SIGNS_OF_BYTES = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[None], axis=0) - 1
"""(8, 256): the bits of every byte as -1 and 1, the high one first."""
_SOFT_MINIMUM_BITS = 16.0
"""Bits, of `soft_minimum`."""

Floats = npt.NDArray[np.float64]
Outputs = npt.NDArray[np.float32]


def nearest(
    planes: Words, views: Words, k: int, *, radius: int | None = None, outputs: Outputs | None = None
) -> tuple[Integers, Integers]:
    """Find the codes nearest to a photo.

    Parameters
    ----------
    planes
        (w, n) uint64, as `vtsfind.base.bits.planes` lays them out.
    views
        (v, w) uint64: the codes of the views, that of the photo as it is first.
    k
        How many to find.
    radius
        Only codes at most so many bits away from the photo as it is; None for no limit.
    outputs
        (v, k) float32: the real outputs that the codes of the views are the signs of; None if only the codes are known.

    Returns
    -------
    rows
        (found,) int64, nearest first; of equally near ones the lower row first.
    distances
        (found,) int64, in bits, from the photo as it is.
    """
    count = k if outputs is None else max(k, CANDIDATES)
    if len(views) > 1:
        rows, distances = best_by_views(planes, views, count, radius=radius)
    elif radius is None:
        rows, distances = (found[0] for found in top_k(planes, views, count))
    else:
        rows, distances = within(planes, views, radius)[0]
    if outputs is not None and len(rows):
        order = np.lexsort((rows, soft_minimum(asymmetric_distances(planes[:, rows], outputs))))
        rows, distances = rows[order], distances[order]
    return rows[:k], distances[:k]


def nearest_to_direction(
    planes: Words, direction: Outputs, k: int, *, radius: int | None = None
) -> tuple[Integers, Integers]:
    """Find the codes nearest to a direction by asymmetric distance alone, such as one that words give.

    Parameters
    ----------
    planes
        As for `nearest`.
    direction
        (k,) float32.
    k, radius
        As for `nearest`, but of asymmetric distances, in whole bits.

    Returns
    -------
    As `nearest` does, with asymmetric distances in whole bits.
    """
    apart = asymmetric_distances(planes, direction[None])[0]
    whole = np.rint(apart).astype(np.int64)
    rows = np.arange(len(apart)) if radius is None else np.flatnonzero(whole <= radius)
    if k < len(rows):
        rows = rows[apart[rows] <= np.partition(apart[rows], k - 1)[k - 1]] if k else rows[:0]
    rows = rows[np.argsort(apart[rows], kind="stable")][:k]
    return rows, whole[rows]


def asymmetric_distances(planes: Words, outputs: Outputs) -> Floats:
    """Asymmetric distances between real outputs and codes.

    Parameters
    ----------
    planes
        (w, m) uint64.
    outputs
        (v, k) float32; a row of zeros is equally far from all codes.

    Returns
    -------
    (v, m) float64, in bits.
    """
    (v, k), m = outputs.shape, planes.shape[1]
    lengths = np.linalg.norm(outputs.astype(np.float64), axis=1, keepdims=True)
    padded = np.zeros((v, 64 * len(planes)))
    padded[:, :k] = outputs / np.where(lengths > 0, lengths, 1)
    tables = padded.reshape(v, -1, 8) @ _SIGNS_OF_BYTES
    products: Floats = np.zeros((v, m))
    for word, plane in enumerate(np.asarray(planes)):
        packed = np.ascontiguousarray(plane).astype("<u8", copy=False).view(np.uint8).reshape(m, 8)
        for byte in range(8):
            products += tables[:, 8 * word + byte, packed[:, byte]]
    distances: Floats = (k - np.sqrt(k) * products) / 2
    return distances


def best_by_views(
    planes: Words, views: Words, k: int, *, radius: int | None = None
) -> tuple[Integers, Integers]:
    """Find the codes nearest to several views of one photo, by the soft minimum of their Hamming distances.

    Parameters and answer are those of `nearest`.
    """
    planes, views = checked(planes, views)
    n = planes.shape[1]
    own, near = np.empty(n, np.int64), np.empty(n)
    for start in range(0, n, WORDS_PER_CALL):
        some = slice(start, start + WORDS_PER_CALL)
        apart = np.bitwise_count(planes[None, :, some] ^ views[:, :, None]).sum(axis=1, dtype=np.int64)
        own[some], near[some] = apart[0], soft_minimum(apart)
    rows = np.arange(n) if radius is None else np.flatnonzero(own <= radius)
    if k < len(rows):
        rows = rows[near[rows] <= np.partition(near[rows], k - 1)[k - 1]] if k else rows[:0]
    rows = rows[np.argsort(near[rows], kind="stable")][:k]
    return rows, own[rows]


def soft_minimum(distances: Integers | Floats) -> Floats:
    """One distance of several, in bits: near the least of them, less where others are small, too.

    -16 log of the sum of exp(-d / 16), of (v, ...) to (...). With codes of 256 bits it finds more than the least one and more
    than the mean (docs/results/notebook).
    """
    softened: Floats = -_SOFT_MINIMUM_BITS * np.log(np.exp(-distances / _SOFT_MINIMUM_BITS).sum(axis=0))
    return softened
