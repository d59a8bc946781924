"""Pairs of photos, which are called by number: a single one, and many candidate pairs in columns.

Axis letters: n photos, p pairs.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.find.hamming.distance import Integers

Pair = tuple[int, int]
"""Two photos by number, the lower first."""
PairFilter = Callable[[Integers, Integers], npt.NDArray[np.bool_]]
"""Says of pairs (p,), (p,), the lower number first, which are of interest: (p,) bool."""


def ordered_pair(a: int, b: int) -> Pair:
    """Two photos in order."""
    return (a, b) if a < b else (b, a)


@dataclass(frozen=True, slots=True, eq=False)
class CandidatePairs:
    """Pairs of photos that may be copies, ordered by (first, second)."""

    firsts: Integers
    """(p,) one photo."""
    seconds: Integers
    """(p,) the other one, whose number is higher."""
    ranks: Integers
    """(p,) the place of a pair among the candidates of one of its photos, from 0: of the photo where it is better."""

    def __len__(self) -> int:
        return len(self.firsts)

    def take(self, chosen: Integers | npt.NDArray[np.bool_]) -> Self:
        """Some of the pairs, by their places or by a mask (p,)."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(
            self,
            **{name: column[chosen] for name, column in columns.items() if isinstance(column, np.ndarray)},
        )

    def of_rank(self, rank: int) -> list[Pair]:
        """The pairs of one rank, in order."""
        here = self.ranks == rank
        return list(zip(self.firsts[here].tolist(), self.seconds[here].tolist(), strict=True))

    def represented(self, representative_of: dict[int, int], n: int) -> Self:
        """The pairs that are left when each of n photos is replaced by its representative; none twice, at its best rank."""
        representative = np.arange(n)
        representative[list(representative_of)] = list(representative_of.values())
        firsts, seconds = np.sort([representative[self.firsts], representative[self.seconds]], axis=0)
        rows = np.lexsort((self.ranks, seconds, firsts))
        rows = rows[firsts[rows] != seconds[rows]]
        _, unique = np.unique(firsts[rows] * n + seconds[rows], return_index=True)
        kept = rows[unique]
        return replace(self.take(kept), firsts=firsts[kept], seconds=seconds[kept])
