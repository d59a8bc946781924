"""Comparing at full size what lies frame on frame: small pictures tell neither a digit from another one nor a far face.

What shows the same in small pictures is an edit if a part of it differs after all. What shows other things in the same places is no
copy: the two are pages of one form, or moments before one camera. Such contents leave their cluster, and are clustered anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, combinations
from typing import Final

from vtsfind.base.groups import SEEN_IN_SMALL, Difference, EditNote, Evidence, Verdict
from vtsfind.engine.duplicates.clustering import Cluster, cluster
from vtsfind.engine.duplicates.keeper_ranking import CopyVerdict, RankedFiles
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.pairs import Pair, ordered_pair

MAX_ROUNDS: Final = 4
"""How often contents are clustered, at most: else all of a hundred pages of one form would be compared with each other at full size."""

Compare = Callable[[Sequence[tuple[Content, Content, int]]], list[Difference | None]]
"""Says of pairs what they differ in, see `vtsfind.engine.duplicates.feature_cache.FeatureCache.compare_in_full`."""


def cluster_at_full_size(
    contents: Mapping[int, Content],
    files: RankedFiles,
    verified: VerifiedPairs,
    verifier: Verifier,
    *,
    compare: Compare,
    rules: Rules,
) -> list[Cluster]:
    """Make clusters of what is a copy at full size, too.

    Parameters
    ----------
    contents, files, verified, verifier
        As for `cluster`.
    compare
        Compares at full size.
    rules
        As for `cluster`.

    Returns
    -------
    The clusters, then contents with several files that are in none; copies that differ in a part from the keeper, or that could not be
    compared in full, are `EDIT`.
    """
    found: list[Cluster] = []
    left = dict(contents)
    for _ in range(MAX_ROUNDS):
        clusters = cluster(left, files, verified, verifier, rules)
        differences = _differences(clusters, contents, compare)
        checked = [_checked(each, contents, differences, rules) for each in clusters]
        found += [each for each in checked if each.copies or len(contents[each.keeper].photos) > 1]
        apart = [
            [number for number in before.copies if number not in after.copies]
            for before, after in zip(clusters, checked, strict=True)
        ]
        left = {number: contents[number] for numbers in apart for number in numbers}
        if not left:
            break
        verified = _verified_among(apart, verified)
    return [*found, *(Cluster(number, {}) for number in left if len(contents[number].photos) > 1)]


def _differences(
    clusters: Sequence[Cluster], contents: Mapping[int, Content], compare: Compare
) -> dict[Pair, Difference | None]:
    """What pairs that lie frame on frame differ in; None for those that could not be read."""
    turns = {
        (each.keeper, number): evidence.turn
        for each in clusters
        for number, (verdict, evidence) in each.copies.items()
        if verdict in SEEN_IN_SMALL or _is_edit_in_place(verdict, evidence)
    }
    compared = compare([(contents[a], contents[b], turn) for (a, b), turn in turns.items()])
    return dict(zip(turns, compared, strict=True))


def _is_edit_in_place(verdict: Verdict, evidence: Evidence) -> bool:
    """Whether a copy is an edit that shows neither more nor less than the keeper."""
    return verdict is Verdict.EDIT and evidence.box is None and not evidence.indirect


def _checked(
    cluster: Cluster,
    contents: Mapping[int, Content],
    differences: Mapping[Pair, Difference | None],
    rules: Rules,
) -> Cluster:
    """A cluster without what is no copy at full size."""
    copies: dict[int, CopyVerdict] = {}
    for number, found in cluster.copies.items():
        key = cluster.keeper, number
        difference = differences.get(key, Difference.NONE)
        seen = _at_full_size(found, difference)
        first, second = (contents[each] for each in ordered_pair(*key))
        if difference is not Difference.REPLACED and rules.joins(first, second, seen):
            copies[number] = seen
    return replace(cluster, copies=copies)


def _at_full_size(found: CopyVerdict, difference: Difference | None) -> CopyVerdict:
    """The verdict on a copy by what it differs in at full size."""
    verdict, evidence = found
    if difference is Difference.NONE or verdict is Verdict.EDIT:
        return found
    note = EditNote.NOT_COMPARED_IN_FULL if difference is None else EditNote.DIFFERS_IN_FULL
    return Verdict.EDIT, replace(evidence, note=note)


def _verified_among(sets: Sequence[Sequence[int]], verified: VerifiedPairs) -> VerifiedPairs:
    """What is known of pairs in sets; others of one set may be copies as well, and are compared if it comes to that."""
    left = frozenset(chain.from_iterable(sets))
    copies = {pair: found for pair, found in verified.copies.items() if left.issuperset(pair)}
    return VerifiedPairs(
        copies, tuple(ordered_pair(*two) for numbers in sets for two in combinations(numbers, 2))
    )
