"""Clustering: contents that are versions of one picture, and which of them is kept.

Contents that show the same in full belong together first, and one of each such set stands for all. Around the one that most
others are versions of, the sets that were compared with it gather (`vtsfind.find.clustering.stars`). Of what came together the keep
rules choose the keeper, and each other one is compared with it. An edit that cannot be recognised in the keeper, which may be an edit
itself, stays in the group as `INDIRECT`, and is never proposed to go.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

from vtsfind.base.groups import Box, Evidence, PairVerdict, Verdict
from vtsfind.engine.duplicates.collection import Collection
from vtsfind.engine.duplicates.keeper_ranking import (
    SAME_FRAME_VERDICTS,
    CopyVerdict,
    KeeperRanking,
    RankedFiles,
)
from vtsfind.engine.duplicates.options import Rules
from vtsfind.engine.duplicates.verification import VerifiedPairs
from vtsfind.engine.duplicates.verifier import Verifier
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.clustering.outvoted import Vote, is_outvoted, outvoted
from vtsfind.find.clustering.stars import MAX_MEMBERS_COMPARED, star_clusters, with_left_out
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.pairs import Pair, ordered_pair

INDIRECT: CopyVerdict = (
    Verdict.EDIT,
    Evidence(indirect=True, note="recognised in another photo of the group"),
)
"""Of a version of the same picture that is not recognised in the keeper."""
INDIRECT_SHOT: CopyVerdict = (Verdict.BURST, INDIRECT[1])
"""Of another shot of a scene that is not recognised in the keeper."""
_MIN_SET_OFF_SHARE = 0.5
"""Share of the lines across an edge that change there, from which on a part is set off: see `vtsfind.act.framing`."""
_CLEAR_AGREEMENT = 0.8
"""Share of what two pictures show that is the same, from which on a refusal is clear: what differs then, differs for being another
shot, not for words or stickers all over the picture."""
_MAX_SHARED_BOX = 0.5
"""Parts of a picture of which the smaller lies in the other by less than this share lie side by side."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A content to keep and its copies, by number."""

    keeper: int
    copies: dict[int, CopyVerdict]
    """Each copy's verdict against the keeper, with the evidence for the keeper coming first, or `INDIRECT`; none if only the
    keeper has several files."""
    shots: dict[int, str] = field(default_factory=dict)
    """Of the keeper and other shots of its scene that were rated, how good they are, in words."""

    def of_kinds(self, kinds: frozenset[Verdict]) -> "Cluster":
        """The same with the copies of some kinds only."""
        return replace(self, copies={n: found for n, found in self.copies.items() if found[0] in kinds})

    def with_distances(self, collection: Collection) -> "Cluster":
        """The same with the distances of the codes in the evidence."""
        return replace(
            self,
            copies={
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
    The clusters; then contents that are in no cluster, each alone.
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
        self._other_shots = verified.other_shots
        self._verifier = verifier
        self._rules = rules
        best = {number: files.best(content) for number, content in contents.items()}
        self._ranking = KeeperRanking(best, rules.policy)
        self._known: dict[Pair, PairVerdict] = dict(verified.copies)

    def clusters(self) -> list[Cluster]:
        order = self._order()
        groups = self._groups(order)
        clusters = []
        while groups:
            keepers = self._keepers(groups)
            split = [self._cluster(keeper, group) for keeper, group in zip(keepers, groups, strict=True)]
            clusters += [made for made, _ in split if made.copies]
            groups = [left for _, left in split if len(left) > 1]
        clustered = {number for made in clusters for number in (made.keeper, *made.copies)}
        return [*clusters, *(Cluster(number, {}) for number in order if number not in clustered)]

    def _groups(self, order: Sequence[int]) -> list[list[int]]:
        """Contents that belong together, in order; those that show the same are together in any case."""
        same = UnionFind(p for p in self._copies() if (self._known[p] or INDIRECT)[0] in SAME_FRAME_VERDICTS)
        sets: dict[int, list[int]] = {}
        for number in order:
            sets.setdefault(same.of(number), []).append(number)
        # What stood for the others of its set so far was compared with most, and stands for them here.
        compared = Counter(number for pair in self._copies() for number in pair)
        for members in sets.values():
            members.sort(key=lambda number: -compared[number])
        first = {number: members[0] for members in sets.values() for number in members}
        joined, skipped, shots = (
            sorted({ordered_pair(first[a], first[b]) for a, b in pairs if first[a] != first[b]})
            for pairs in (self._copies(), self._skipped, self._grouped_shots(first))
        )
        degrees = Counter(number for pair in joined for number in pair)
        likely = sorted((members[0] for members in sets.values()), key=lambda n: -degrees[n])
        self._are_copies(self._likely_pairs(likely, joined))
        stars = self._stars(likely, joined, skipped, shots)
        stars = with_left_out(stars, likely, [*joined, *skipped], self._are_copies, self._is_other_shot)
        clustered = {number for star in stars for number in star}
        stars += [(number,) for number in likely if number not in clustered]
        together = ([n for number in star for n in sets[same.of(number)]] for star in stars)
        return [group for group in together if len(group) > 1]

    def _grouped_shots(self, contents: Container[int]) -> list[Pair]:
        """The pairs of other shots of which both are among some contents."""
        return [(a, b) for a, b in self._other_shots if a in contents and b in contents]

    def _stars(
        self, order: Sequence[int], joined: Sequence[Pair], skipped: Sequence[Pair], shots: Sequence[Pair]
    ) -> list[tuple[int, ...]]:
        """The stars of some contents. What is another shot of the members of its star makes stars by itself."""
        stars = star_clusters(order, joined, skipped, self._are_copies, self._is_centre)
        other_shots = self._other_shots_in(stars, shots)
        if not other_shots:
            return stars
        joined, skipped = (
            [(a, b) for a, b in pairs if a in other_shots and b in other_shots] for pairs in (joined, skipped)
        )
        kept = [tuple(number for number in star if number not in other_shots) for star in stars]
        apart = [number for number in order if number in other_shots]
        return [*(star for star in kept if len(star) > 1), *self._stars(apart, joined, skipped, shots)]

    def _other_shots_in(self, stars: Sequence[tuple[int, ...]], shots: Sequence[Pair]) -> set[int]:
        """The members of stars that are other shots of the pictures that these are of.

        Only members that were found to be clear other shots of one another are looked at, since that takes more comparisons.
        """
        star_of = {number: star for star in stars for number in star}
        within = [(a, b) for a, b in shots if a in star_of and star_of[a] is star_of.get(b)]
        self._are_copies(within)
        clear = {number for pair in within if self._vote(*pair) is Vote.OTHER for number in pair}
        votes = [([n for n in star[1:] if n in clear], star[:MAX_MEMBERS_COMPARED]) for star in stars]
        self._are_copies(
            [ordered_pair(n, voter) for some, voters in votes for n in some for voter in voters if voter != n]
        )
        return {number for some, voters in votes for number in outvoted(some, voters, self._vote)}

    def _is_other_shot(self, number: int, members: Sequence[int]) -> bool:
        """Whether a content that was compared with versions of one picture is another shot."""
        return is_outvoted(self._vote(number, other) for other in members)

    def _vote(self, number: int, other: int) -> Vote:
        """What two contents, which were compared, are to each other."""
        pair = ordered_pair(number, other)
        found = self._known[pair]
        if self._joins(pair, found):
            return Vote.COPY
        if found is None or found[0] is not Verdict.BURST:
            return Vote.NONE
        return Vote.OTHER if (found[1].agreement or 0) >= _CLEAR_AGREEMENT else Vote.NONE

    def _are_copies(self, pairs: Sequence[Pair]) -> list[bool]:
        """Whether pairs are copies, compared now if they were not before."""
        new = [pair for pair in pairs if pair not in self._known]
        self._known.update(zip(new, self._verifier.verdicts(new), strict=True))
        return [self._joins(pair, self._known[pair]) for pair in pairs]

    def _likely_pairs(self, likely: Sequence[int], joined: Sequence[Pair]) -> list[Pair]:
        """The pairs that are most likely asked for, so that they are compared at once: of the first in each component."""
        connected = UnionFind(joined)
        centres: dict[int, int] = {}
        for number in likely:
            centres.setdefault(connected.of(number), number)
        pairs = (ordered_pair(centres[connected.of(n)], n) for n in likely if centres[connected.of(n)] != n)
        return [pair for pair in pairs if pair not in self._known]

    def _is_centre(self, centre: int, members: set[int]) -> bool:
        """Whether copies of a content can all be versions of it: not of a frame around one of them, nor of a collage.

        In a collage parts that are set off lie side by side.
        """
        boxes = []
        for member in sorted(members):
            if not self._known.get(ordered_pair(centre, member)):
                continue  # others of its set were compared
            _, evidence = self._oriented(centre, member)
            if evidence.box is None or evidence.boxed != 0:
                continue
            if self._ranking.is_frame(centre, member, evidence):
                return False
            if (evidence.broken_off or 0) >= _MIN_SET_OFF_SHARE:
                boxes.append(evidence.box)
        return not any(_lie_side_by_side(*two) for two in combinations(boxes, 2))

    def _keepers(self, groups: Sequence[Sequence[int]]) -> list[int]:
        """The content to keep of each group; all others were compared with it, which may show another one to be better."""
        keepers: list[int] = []
        while True:
            place = {number: n for n, number in enumerate(self._order())}
            chosen = [min(group, key=place.__getitem__) for group in groups]
            if chosen == keepers:
                return keepers
            keepers = chosen
            self._are_copies(
                [
                    ordered_pair(keeper, number)
                    for keeper, group in zip(keepers, groups, strict=True)
                    for number in group
                    if number != keeper
                ]
            )

    def _cluster(self, keeper: int, group: Sequence[int]) -> tuple[Cluster, list[int]]:
        """The cluster of a keeper, and what of the group cannot be in it."""
        copies: dict[int, CopyVerdict] = {}
        left = []
        for number in (each for each in group if each != keeper):
            pair = ordered_pair(keeper, number)
            indirect = next((each for each in (INDIRECT, INDIRECT_SHOT) if self._joins(pair, each)), None)
            if self._joins(pair, self._known[pair]):
                copies[number] = self._oriented(keeper, number)
            elif indirect:
                copies[number] = indirect
            else:
                left.append(number)
        return Cluster(keeper, copies), left

    def _order(self) -> list[int]:
        """The contents, those to keep first."""
        return self._ranking.order((pair, *self._oriented(*pair)) for pair in self._copies())

    def _copies(self) -> list[Pair]:
        return [pair for pair, found in self._known.items() if self._joins(pair, found)]

    def _joins(self, pair: Pair, found: PairVerdict) -> bool:
        first, second = (self._contents[number] for number in pair)
        return self._rules.joins(first, second, found)

    def _oriented(self, first: int, second: int) -> CopyVerdict:
        """The verdict on a copy pair, with the evidence for the first of them coming first."""
        found = self._known[ordered_pair(first, second)]
        assert found
        return oriented(found, self._contents[first], self._contents[second])


def oriented(found: CopyVerdict, first: Content, second: Content) -> CopyVerdict:
    """The verdict on a pair, from that with the evidence for the content with the smaller digest coming first."""
    verdict, evidence = found
    return verdict, evidence.swapped() if second.digest < first.digest else evidence


def _lie_side_by_side(first: Box, second: Box) -> bool:
    """Whether two parts of a picture have little in common."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    smaller = min((box.right - box.left) * (box.bottom - box.top) for box in (first, second))
    return max(width, 0) * max(height, 0) < _MAX_SHARED_BOX * smaller
