"""In which order photos become keepers: that of the keep policy, but a frame around another photo comes after that photo."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain, islice

from vtsfind.act.keep_policy import KeepCandidate, Policy, mark_recompressed
from vtsfind.act.keep_rules import Value, mark_enlarged, mark_likely_shots
from vtsfind.base.groups import Evidence, Verdict
from vtsfind.base.quality import Details
from vtsfind.engine.library.snapshot import Content
from vtsfind.find.clustering.union_find import UnionFind
from vtsfind.find.pairs import Pair

SAME_FRAME_VERDICTS = frozenset({Verdict.BYTES, Verdict.PIXELS, Verdict.RESAVE, Verdict.TURNED})
"""Verdicts of photos that show the same, no more and no less."""

CopyVerdict = tuple[Verdict, Evidence]
CopyPair = tuple[Pair, Verdict, Evidence]
"""Two photos by number, the verdict, and the evidence for the first of them coming first."""


class RankedFiles:
    """The files of some contents, ranked by the keep policy.

    Parameters
    ----------
    contents
        Whose files, by number.
    details
        Gives the quality details of a content.
    policy
        What ranks them.
    copies
        Pairs that are copies.
    """

    def __init__(
        self,
        contents: Mapping[int, Content],
        details: Callable[[Content], Details],
        policy: Policy,
        copies: Mapping[Pair, CopyVerdict],
    ) -> None:
        same_frame = UnionFind(
            pair for pair, (verdict, _) in copies.items() if verdict in SAME_FRAME_VERDICTS
        )
        found = {
            number: [KeepCandidate(photo, known) for photo in content.photos]
            for number, content in contents.items()
            for known in [details(content)]
        }
        numbers = {photo.path: number for number, content in contents.items() for photo in content.photos}
        mark_shots = partial(mark_likely_shots, frame_of=lambda each: same_frame.of(numbers[each.photo.path]))
        found = _marked(mark_shots, found, UnionFind(copies))
        found = _marked(mark_enlarged, found, same_frame)
        marked = mark_recompressed(chain.from_iterable(found.values()))
        self._candidates = {each.photo.path: each for each in marked}
        self._keys = {path: policy.key(each) for path, each in self._candidates.items()}

    def candidate(self, path: bytes) -> KeepCandidate:
        """What is known of a file."""
        return self._candidates[path]

    def key(self, candidate: KeepCandidate) -> tuple[Value, ...]:
        """What files are sorted by, the one to keep first."""
        return self._keys[candidate.photo.path]

    def best(self, content: Content) -> KeepCandidate:
        """The file of a content to keep."""
        return self._candidates[min((photo.path for photo in content.photos), key=self._keys.__getitem__)]


def _marked(
    mark: Callable[[Iterable[KeepCandidate]], list[KeepCandidate]],
    files: Mapping[int, list[KeepCandidate]],
    components: UnionFind,
) -> dict[int, list[KeepCandidate]]:
    """The files of each content, after those of each component were marked together."""
    members: dict[int, list[int]] = {}
    for number in files:
        members.setdefault(components.of(number), []).append(number)
    found: dict[int, list[KeepCandidate]] = {}
    for numbers in members.values():
        marked = iter(mark(chain.from_iterable(files[number] for number in numbers)))
        found |= {number: list(islice(marked, len(files[number]))) for number in numbers}
    return found


class KeeperRanking:
    """The order of some contents as keepers.

    Parameters
    ----------
    best
        The best file of each content, by number.
    policy
        What decides.
    """

    def __init__(self, best: Mapping[int, KeepCandidate], policy: Policy) -> None:
        self._best = best
        self._policy = policy
        self._policy_order = sorted(best, key=lambda number: policy.key(best[number]))
        self._policy_rank = {number: place for place, number in enumerate(self._policy_order)}

    def order(self, edges: Iterable[CopyPair]) -> list[int]:
        """All photos, the best first.

        A frame (`Policy.is_frame`) comes right after the best photo in it, and so does what shows the same as the frame,
        so that the order among copies of one picture is always that of the policy.

        Parameters
        ----------
        edges
            Pairs that are copies. The order follows from the set of them.
        """
        every = list(edges)
        ranked_after = self._frames(every)
        if not ranked_after:
            return list(self._policy_order)
        same_frame = UnionFind()
        for (first, second), verdict, _ in every:
            if verdict in SAME_FRAME_VERDICTS:
                same_frame.join(first, second)
        targets: dict[int, int] = {}
        for frame, target in ranked_after.items():
            component = same_frame.of(frame)
            if component != same_frame.of(target):
                targets[component] = min(
                    targets.get(component, target), target, key=self._policy_rank.__getitem__
                )
        return self._order_after(targets, same_frame)

    def is_frame(self, wider: int, narrower: int, evidence: Evidence) -> bool:
        """Whether one content is a frame around another one (`Policy.is_frame`); the evidence's box lies in the wider one."""
        return self._policy.is_frame(self._best[wider], self._best[narrower], evidence)

    def _order_after(self, targets: Mapping[int, int], same_frame: UnionFind) -> list[int]:
        """All photos, where each set of the same frame comes after its target."""
        cluster_keys: dict[int, tuple[int, ...]] = {}

        def key(number: int) -> tuple[int, ...]:
            plain, end = (self._policy_rank[number],), cluster_keys.get(same_frame.of(number))
            if end is None or plain > end:
                return plain
            target = self._best[targets[same_frame.of(number)]]
            return (*end, *plain) if self._policy.is_decided_by_pixels(self._best[number], target) else plain

        for number in self._policy_order:
            visited: dict[int, None] = {}
            component = same_frame.of(number)
            while component in targets and component not in cluster_keys and component not in visited:
                visited[component] = None
                component = same_frame.of(targets[component])
            for each in reversed(visited):
                cluster_keys[each] = key(targets[each])
        return sorted(self._policy_order, key=key)

    def _frames(self, edges: Iterable[CopyPair]) -> dict[int, int]:
        """Photos that the policy alone would put before one that is in them, and the best of those."""
        ranked_after: dict[int, int] = {}
        for (first, second), verdict, evidence in edges:
            if verdict is not Verdict.EDIT or evidence.box is None:
                continue
            wider, narrower = (second, first) if evidence.boxed else (first, second)
            if self._policy_rank[wider] < self._policy_rank[narrower] and self.is_frame(
                wider, narrower, evidence
            ):
                ranked_after[wider] = min(
                    ranked_after.get(wider, narrower), narrower, key=self._policy_rank.__getitem__
                )
        return ranked_after
