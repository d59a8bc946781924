"""Comparing at full size what may go: pairs that show the same in small pictures are edits if a part of them differs after all."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vtsfind.base.groups import SEEN_IN_SMALL, EditNote, Verdict
from vtsfind.engine.duplicates.clustering import Cluster
from vtsfind.engine.duplicates.feature_cache import FeatureCache
from vtsfind.engine.duplicates.keeper_ranking import CopyVerdict
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.pairs import Pair, ordered_pair


def check_at_full_size(
    clusters: Sequence[Cluster], contents: Mapping[int, Content], cache: FeatureCache, rules: Rules
) -> list[Cluster]:
    """The clusters, with `EDIT` for copies that differ in a part from the keeper, or that could not be compared in full.

    Parameters
    ----------
    clusters
        The contents that belong together, by number.
    contents
        By number.
    cache
        Compares, and knows what was compared before.
    rules
        What makes a pair a copy: what is none any more leaves its cluster.
    """
    pairs = [
        (contents[each.keeper], contents[number], evidence.turn)
        for each in clusters
        for number, (verdict, evidence) in each.copies.items()
        if verdict in SEEN_IN_SMALL
    ]
    notes = {
        (first.digest, second.digest): note
        for (first, second, _), note in zip(pairs, cache.compare_in_full(pairs), strict=True)
    }
    checked = (_checked(each, contents, notes, rules) for each in clusters)
    return [each for each in checked if each.copies or len(contents[each.keeper].photos) > 1]


def _checked(
    cluster: Cluster,
    contents: Mapping[int, Content],
    notes: Mapping[tuple[bytes, bytes], EditNote | None],
    rules: Rules,
) -> Cluster:
    keeper = contents[cluster.keeper]
    copies: dict[int, CopyVerdict] = {}
    for number, (verdict, evidence) in cluster.copies.items():
        note = notes.get((keeper.digest, contents[number].digest))
        found = (Verdict.EDIT, replace(evidence, note=note)) if note else (verdict, evidence)
        pair: Pair = ordered_pair(cluster.keeper, number)
        if not note or rules.joins(contents[pair[0]], contents[pair[1]], found):
            copies[number] = found
    return replace(cluster, copies=copies)
