"""From verdicts to groups: who is kept, who goes with whom, and every reason in words."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from vtsfind.act.policy import KeepCandidate, Policy, mark_recompressed
from vtsfind.base.groups import Evidence, Group, Member, PairVerdict, Verdict
from vtsfind.base.paths import show_path
from vtsfind.base.quality import Details
from vtsfind.engine.duplicates.keeper_ranking import KeeperRanking
from vtsfind.engine.library.scope import Scope
from vtsfind.engine.library.sidecars import split_sidecars
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.clustering.stars import star_clusters
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.pairs import Pair, ordered_pair
from vtsfind.find.verification.verify import swapped
from vtsfind.store.decisions import Decisions

SAME_CONTENT = (Verdict.BYTES, Evidence(distance=None, agreement=1.0, note="same content"))


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides about groups."""

    policy: Policy
    kinds: frozenset[Verdict]
    """The verdicts that make two photos members of one group."""
    scope: Scope
    decisions: Decisions

    def joins(self, first: Content, second: Content, pair_verdict: PairVerdict) -> bool:
        """Whether two contents with this verdict belong into one group, by the wish and by the user's decisions."""
        if pair_verdict is None or pair_verdict[0] not in self.kinds:
            return False
        return not self.decisions.is_excluded(first.digest, second.digest)


class Grouping:
    """Makes groups of some contents, which are called by number.

    Parameters
    ----------
    contents
        By number.
    details
        Gives what is known of a content's quality.
    rules
        What decides.
    """

    def __init__(
        self, contents: Mapping[int, Content], details: Callable[[Content], Details], rules: Rules
    ) -> None:
        self._contents = contents
        self._rules = rules
        known = mark_recompressed(
            KeepCandidate(photo, content_details)
            for content in contents.values()
            for content_details in (details(content),)
            for photo in content.photos
        )
        self._keep_candidates = {each.photo.path: each for each in known}
        self._keys = {path: rules.policy.key(each) for path, each in self._keep_candidates.items()}
        best = {number: self._best(content) for number, content in contents.items()}
        self._keeper_ranking = KeeperRanking(best, rules.policy)

    def groups(
        self,
        found: Mapping[Pair, PairVerdict],
        skipped: Iterable[Pair],
        compare: Callable[[Sequence[Pair]], Sequence[PairVerdict]],
        evidence: Callable[[Pair, Evidence], Evidence],
    ) -> tuple[Group, ...]:
        """Make the groups.

        Parameters
        ----------
        found
            What is known of pairs of contents; the verdict stands for the one with the smaller digest coming first.
        skipped
            Pairs that may be copies, but were not compared.
        compare
            Finds it out for other pairs.
        evidence
            Adds to a pair's evidence what is not seen in the pictures.

        Returns
        -------
        Numbered by the path of the keeper.
        """
        known = dict(found)

        def further(pairs: Sequence[Pair]) -> list[bool]:
            fresh = [each for each in pairs if each not in known]
            known.update(zip(fresh, compare(fresh), strict=True))
            return [self._joins(each, known[each]) for each in pairs]

        order = self._order(known)
        further(self._likely_pairs(order, known))
        while True:
            star_groups = star_clusters(order, self._joined(known), skipped, further)
            better = self._order(known)  # by what was seen since
            if better == order:
                break
            order = better
        grouped = {number for group in star_groups for number in group}
        singles = [
            (number,) for number in order if number not in grouped and len(self._contents[number].photos) > 1
        ]
        groups_made = []
        for keeper, *members in (*star_groups, *singles):
            pair_verdict = {}
            for member in members:
                verdict, shown = self._in_order(
                    keeper, member, known[ordered_pair(keeper, member)] or SAME_CONTENT
                )
                pair_verdict[member] = verdict, evidence(ordered_pair(keeper, member), shown)
            groups_made.append(self._group(keeper, pair_verdict))
        kept = sorted((group for group in groups_made if group), key=lambda group: group.keeper.path)
        return tuple(replace(group, number=number) for number, group in enumerate(kept, 1))

    def _likely_pairs(self, order: Sequence[int], known: Mapping[Pair, PairVerdict]) -> list[Pair]:
        """The pairs that are most likely asked for, so that they are compared at once: of the best of what hangs together."""
        clusters = UnionFind()
        for each in self._joined(known):
            clusters.join(*each)
        keepers: dict[int, int] = {}
        for number in order:
            keepers.setdefault(clusters.of(number), number)
        pairs = (
            ordered_pair(keepers[clusters.of(number)], number)
            for number in order
            if keepers[clusters.of(number)] != number
        )
        return [each for each in pairs if each not in known]

    def _best(self, content: Content) -> KeepCandidate:
        return self._keep_candidates[
            min((photo.path for photo in content.photos), key=self._keys.__getitem__)
        ]

    def _order(self, known: Mapping[Pair, PairVerdict]) -> list[int]:
        """The contents, those to keep first."""
        joined = ((each, known[each]) for each in self._joined(known))
        return self._keeper_ranking.order(
            (each, *self._in_order(*each, pair_verdict)) for each, pair_verdict in joined if pair_verdict
        )

    def _joined(self, known: Mapping[Pair, PairVerdict]) -> list[Pair]:
        return [each for each, pair_verdict in known.items() if self._joins(each, pair_verdict)]

    def _in_order(
        self, first: int, second: int, pair_verdict: tuple[Verdict, Evidence]
    ) -> tuple[Verdict, Evidence]:
        """What was seen of two contents, with the first of them coming first."""
        verdict, shown = pair_verdict
        backward = self._contents[second].digest < self._contents[first].digest
        return verdict, swapped(shown) if backward else shown

    def _joins(self, numbers: Pair, pair_verdict: PairVerdict) -> bool:
        first, second = (self._contents[number] for number in numbers)
        return self._rules.joins(first, second, pair_verdict)

    def _group(self, keeper: int, pair_verdict: Mapping[int, tuple[Verdict, Evidence]]) -> Group | None:
        """The group of a keeping content and its copies; None if nothing is left but the keeper."""
        policy, scope = self._rules.policy, self._rules.scope
        own = self._contents[keeper]
        best = self._best(own)
        files = {
            photo.path: found
            for number, found in ((keeper, SAME_CONTENT), *pair_verdict.items())
            for photo in self._contents[number].photos
            if number != keeper or self._groups_identical_files(own)
        }
        others = [
            self._keep_candidates[path]
            for path in files
            if path != best.photo.path
            and not policy.protected(path)
            and scope.includes_pair(best.photo.path, path)
        ]
        if not others:
            return None
        second = min(others, key=lambda each: self._keys[each.photo.path])
        members = []
        for each in others:
            photo, staying = split_sidecars(each.photo, best.photo)
            reason = policy.reason(best, each, files[photo.path][1])
            if staying:
                names = ", ".join(show_path(os.path.basename(path)) for path in staying)
                reason += f"; {names} stays, for the kept photo has no such file"
            members.append(Member(photo, *files[photo.path], reason))
        members.sort(key=lambda member: (member.verdict.rank if member.verdict else -1, member.photo.path))
        keeper_reason = policy.keeper_reason([best, second], files[second.photo.path][1])
        doubts = (policy.ambiguity(best, each, files[each.photo.path][1]) for each in others)
        ambiguity = next(filter(None, doubts), "")
        return Group(
            0,
            (Member(best.photo, None, Evidence(), keeper_reason), *members),
            bool(ambiguity) or policy.tied(best, second),
            ambiguity,
        )

    def _groups_identical_files(self, content: Content) -> bool:
        """Whether files of one content are copies to be shown."""
        return Verdict.BYTES in self._rules.kinds and not self._rules.decisions.is_excluded(
            content.digest, content.digest
        )
