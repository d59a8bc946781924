"""Verifying candidate pairs: each content with its nearest candidate first, then with the next one, and so on.

Pairs that are connected by copies already are skipped: clustering compares them with the keeper. So are pairs of a content and a
connected set of which it was found to be another shot, unless other shots are asked for.
"""

from dataclasses import dataclass, field

from vtsfind.base.groups import Evidence, Verdict
from vtsfind.base.progress import Phase, Progress
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.find.clustering.union_find import OtherShots, UnionFind
from vtsfind.find.pairs import CandidatePairs, Pair

_PAIRS_PER_BATCH = 4096
"""Pairs that are compared before connections are looked at again."""


@dataclass(frozen=True, slots=True)
class VerifiedPairs:
    """What is known of candidate pairs."""

    copies: dict[Pair, tuple[Verdict, Evidence]] = field(default_factory=dict)
    """The pairs that belong into one group; evidence is for the content with the smaller digest coming first."""
    skipped: tuple[Pair, ...] = ()
    """Pairs that were not compared, since they are connected by copies."""
    other_shots: dict[Pair, bool] = field(default_factory=dict)
    """Pairs of two shots of one scene, and whether they can be nothing else."""


def verify_candidates(
    proposed: CandidatePairs,
    known: VerifiedPairs,
    collection: Collection,
    verifier: Verifier,
    *,
    rules: Rules,
    progress: Progress,
) -> VerifiedPairs:
    """Compare candidate pairs, and add what is found to what is known.

    Parameters
    ----------
    proposed
        The pairs.
    known
        From earlier stages.
    collection, verifier
        The contents, and what compares them.
    rules
        What makes a pair a copy.
    progress
        Counts pairs.
    """
    progress.start(Phase.VERIFY, len(proposed))
    copies, skipped, other_shots = dict(known.copies), list(known.skipped), dict(known.other_shots)
    connected = UnionFind(copies)
    shots = OtherShots(connected)
    for pair, certain in other_shots.items():
        shots.add(*pair, certain=certain)
    for rank in range(int(proposed.ranks.max(initial=-1)) + 1):
        pairs = proposed.of_rank(rank)
        apart = [(a, b) for a, b in pairs if connected.of(a) != connected.of(b)]
        left = [pair for pair in apart if not shots.is_other_shot(*pair)]
        skipped += [(a, b) for a, b in pairs if connected.of(a) == connected.of(b)]
        progress.advance(len(pairs) - len(left))
        for start in range(0, len(left), _PAIRS_PER_BATCH):
            some = left[start : start + _PAIRS_PER_BATCH]
            for pair, found in zip(some, verifier.verdicts(some, progress.advance), strict=True):
                if found is None:
                    continue
                first, second = (collection.contents[number] for number in pair)
                if rules.joins(first, second, found):
                    copies[pair] = found
                    connected.join(*pair)
                elif found[0] is Verdict.BURST and Verdict.BURST not in rules.kinds:
                    other_shots[pair] = bool(found[1].certain)
                    shots.add(*pair, certain=other_shots[pair])
    return VerifiedPairs(copies, tuple(skipped), other_shots)
