"""Representatives: of photos that show the same in full, one is compared with other photos for all.

Most near pairs of a library are such: a photo and its smaller, rotated or re-encoded versions. Each photo is tested against the
best photo near it, which is likely the one to keep, and, if that fails, against the nearest better one.

Axis letters: n photos, p pairs.
"""

from collections.abc import Callable, Sequence

import numpy as np

from vtsfind.find.hamming.distance import Integers
from vtsfind.find.pairs import CandidatePairs, Pair, ordered_pair


def representatives(
    near: CandidatePairs,
    distances: Integers,
    order: Integers,
    same: Callable[[Sequence[Pair]], Sequence[bool]],
) -> dict[int, int]:
    """Find a representative for photos.

    Parameters
    ----------
    near
        Pairs of photos that may show the same in full.
    distances
        (p,) how far their codes are apart.
    order
        (n,) the place of each photo among all, the best first.
    same
        Says of pairs whether they do.

    Returns
    -------
    Photo to its representative, the best photo that it was found to show the same as; photos without one are left out.
    """
    best, nearest = _first_better(near, order), _first_better(near, order, distances)
    representative_of: dict[int, int] = {}
    for partners in (best, nearest):
        tests = {
            photo: other
            for photo, other in partners.items()
            if photo not in representative_of and not (partners is nearest and best[photo] == other)
        }
        asked = sorted({ordered_pair(photo, other) for photo, other in tests.items()})
        answers = dict(zip(asked, same(asked), strict=True))
        representative_of |= {
            photo: other for photo, other in tests.items() if answers[ordered_pair(photo, other)]
        }
    return {photo: _final_representative(photo, representative_of) for photo in representative_of}


def _first_better(near: CandidatePairs, order: Integers, distances: Integers | None = None) -> dict[int, int]:
    """For each photo the best of those near it that are better than itself, or of these the nearest."""
    worse = np.where(order[near.firsts] < order[near.seconds], near.seconds, near.firsts)
    better = near.firsts + near.seconds - worse
    keys = (order[better],) if distances is None else (order[better], distances)
    rows = np.lexsort((*keys, worse))
    _, first = np.unique(worse[rows], return_index=True)
    return dict(zip(worse[rows[first]].tolist(), better[rows[first]].tolist(), strict=True))


def _final_representative(photo: int, representative_of: dict[int, int]) -> int:
    while photo in representative_of:  # always to a better one
        photo = representative_of[photo]
    return photo
