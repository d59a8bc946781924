"""Clustering: around each content to keep, the contents that were compared with it and are its copies.

Which content is kept depends on the pairs that are known, and which further pairs have to be compared depends on what is
kept. So both are repeated until nothing changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from vtsfind.base.groups import Evidence, PairVerdict, Verdict
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.keeper_ranking import KeeperRanking, RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.clustering.stars import star_clusters
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.pairs import Pair, ordered_pair

CopyVerdict = tuple[Verdict, Evidence]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A content to keep and its copies, by number."""

    keeper: int
    copies: dict[int, CopyVerdict]
    """Each copy's verdict against the keeper, with the evidence for the keeper coming first; none if only the keeper has
    several files."""

    def with_distances(self, collection: Collection) -> "Cluster":
        """The same with the distances of the codes in the evidence."""
        return Cluster(
            self.keeper,
            {
                number: (
                    verdict,
                    replace(
                        evidence,
                        distance=collection.distance(ordered_pair(self.keeper, number)),
                        bits=collection.head.bits,
                    ),
                )
                for number, (verdict, evidence) in self.copies.items()
            },
        )


def cluster(
    contents: Mapping[int, Content],
    files: RankedFiles,
    verified: VerifiedPairs,
    verifier: Verifier,
    rules: Rules,
) -> list[Cluster]:
    """Make clusters; a content is in one at most.

    Parameters
    ----------
    contents
        By number: those of all verified copies, and those with several files.
    files
        The files of the contents, ranked.
    verified
        What is known of pairs.
    verifier
        Compares further ones.
    rules
        What makes a pair a copy.

    Returns
    -------
    The clusters, the one of the best keeper first; then contents with several files that are in no cluster.
    """
    return _Clustering(contents, files, verified, verifier, rules).clusters()


class _Clustering:
    def __init__(
        self,
        contents: Mapping[int, Content],
        files: RankedFiles,
        verified: VerifiedPairs,
        verifier: Verifier,
        rules: Rules,
    ) -> None:
        self._contents = contents
        self._skipped = verified.skipped
        self._verifier = verifier
        self._rules = rules
        best = {number: files.best(content) for number, content in contents.items()}
        self._ranking = KeeperRanking(best, rules.policy)
        self._known: dict[Pair, PairVerdict] = dict(verified.copies)

    def clusters(self) -> list[Cluster]:
        order = self._order()
        self._are_copies(self._likely_pairs(order))
        while True:
            stars = star_clusters(order, self._copies(), self._skipped, self._are_copies)
            better_order = self._order()  # by what was compared since
            if better_order == order:
                break
            order = better_order
        clustered = {number for star in stars for number in star}
        singles = (n for n in order if n not in clustered and len(self._contents[n].photos) > 1)
        return [*(self._cluster(*star) for star in stars), *(Cluster(number, {}) for number in singles)]

    def _are_copies(self, pairs: Sequence[Pair]) -> list[bool]:
        """Whether pairs are copies, compared now if they were not before."""
        new = [pair for pair in pairs if pair not in self._known]
        self._known.update(zip(new, self._verifier.verdicts(new), strict=True))
        return [self._joins(pair, self._known[pair]) for pair in pairs]

    def _likely_pairs(self, order: Sequence[int]) -> list[Pair]:
        """The pairs that are most likely asked for, so that they are compared at once: of the best in each component."""
        connected = UnionFind(self._copies())
        keepers: dict[int, int] = {}
        for number in order:
            keepers.setdefault(connected.of(number), number)
        pairs = [
            ordered_pair(keepers[connected.of(number)], number)
            for number in order
            if keepers[connected.of(number)] != number
        ]
        return [pair for pair in pairs if pair not in self._known]

    def _order(self) -> list[int]:
        """The contents, those to keep first."""
        return self._ranking.order((pair, *self._oriented(*pair)) for pair in self._copies())

    def _copies(self) -> list[Pair]:
        return [pair for pair, found in self._known.items() if self._joins(pair, found)]

    def _joins(self, pair: Pair, found: PairVerdict) -> bool:
        first, second = (self._contents[number] for number in pair)
        return self._rules.joins(first, second, found)

    def _cluster(self, keeper: int, *members: int) -> Cluster:
        return Cluster(keeper, {member: self._oriented(keeper, member) for member in members})

    def _oriented(self, first: int, second: int) -> CopyVerdict:
        """The verdict on a copy pair, with the evidence for the first of them coming first."""
        found = self._known[ordered_pair(first, second)]
        assert found
        verdict, evidence = found
        backward = self._contents[second].digest < self._contents[first].digest
        return verdict, evidence.swapped() if backward else evidence
