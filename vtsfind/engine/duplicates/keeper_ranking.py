"""In which order photos become keepers: that of the keep policy, but what is a frame around another photo comes after it."""

from collections.abc import Iterable, Mapping

from vtsfind.act.policy import Contender, Policy
from vtsfind.base.groups import Evidence, Verdict
from vtsfind.find.clustering.stars import Families, Pair

SAME_FRAME = frozenset({Verdict.BYTES, Verdict.PIXELS, Verdict.RESAVE, Verdict.TURNED})
"""Verdicts of photos that show the same, no more and no less."""

Edge = tuple[Pair, Verdict, Evidence]
"""Two photos by number, the verdict, and the evidence for the first of them coming first."""


class Precedence:
    """The order of some photos.

    Parameters
    ----------
    best
        The contender of each photo, by number.
    policy
        What decides.
    """

    def __init__(self, best: Mapping[int, Contender], policy: Policy) -> None:
        self._best = best
        self._policy = policy
        self._plain = sorted(best, key=lambda number: policy.key(best[number]))
        self._place = {number: place for place, number in enumerate(self._plain)}

    def order(self, edges: Iterable[Edge]) -> list[int]:
        """All photos, the best first.

        A frame (`Policy.is_frame`) comes right after the best photo in it, and so does what shows the same as the frame,
        so that the order among copies of one picture is always that of the policy.

        Parameters
        ----------
        edges
            Pairs that are copies. The order follows from the set of them.
        """
        every = list(edges)
        behind = self._frames(every)
        if not behind:
            return list(self._plain)
        same = Families()
        for (first, second), verdict, _ in every:
            if verdict in SAME_FRAME:
                same.join(first, second)
        targets: dict[int, int] = {}
        for frame, target in behind.items():
            family = same.of(frame)
            if family != same.of(target):
                targets[family] = min(targets.get(family, target), target, key=self._place.__getitem__)
        return self._after(targets, same)

    def _after(self, targets: Mapping[int, int], same: Families) -> list[int]:
        """All photos, where each family comes after the photo that is its target."""
        ends: dict[int, tuple[int, ...]] = {}

        def key(number: int) -> tuple[int, ...]:
            plain, end = (self._place[number],), ends.get(same.of(number))
            if end is None or plain > end:
                return plain
            target = self._best[targets[same.of(number)]]
            return (*end, *plain) if self._policy.weighs_pixels(self._best[number], target) else plain

        for number in self._plain:
            way: dict[int, None] = {}
            family = same.of(number)
            while family in targets and family not in ends and family not in way:
                way[family] = None
                family = same.of(targets[family])
            for each in reversed(way):
                ends[each] = key(targets[each])
        return sorted(self._plain, key=key)

    def _frames(self, edges: Iterable[Edge]) -> dict[int, int]:
        """Photos that the policy alone would put before one that is in them, and the best of those."""
        behind: dict[int, int] = {}
        for (first, second), verdict, evidence in edges:
            if verdict is not Verdict.EDIT or evidence.box is None:
                continue
            wider, narrower = (second, first) if evidence.boxed else (first, second)
            if self._place[wider] < self._place[narrower] and self._policy.is_frame(
                self._best[wider], self._best[narrower], evidence
            ):
                behind[wider] = min(behind.get(wider, narrower), narrower, key=self._place.__getitem__)
        return behind
