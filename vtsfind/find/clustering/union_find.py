"""Which photos are connected by pairs that are copies, and which photos are other shots of what is connected."""

from collections.abc import Iterable

from vtsfind.find.pairs import Pair

CERTAIN_WEIGHT = 3
"""What a pair that can be nothing but two shots counts towards `MIN_OTHER_SHOT_WEIGHT`; any other counts 1."""
MIN_OTHER_SHOT_WEIGHT = 5
"""See `OtherShots`. Of the pairs of a library of mild edits among other shots of their scenes, more than half of which are of
two shots, this skips 27 % and costs no group anything; of one of hard edits, where many edits look like other shots of their
own original, 15 %, and as many copies are found as without. There 4 would cost half a percent of the copies, 3 one and a half."""


class UnionFind:
    """Connected components of photos that are joined by pairs (Tarjan, 1975).

    Parameters
    ----------
    pairs
        The first ones to join.
    """

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        self._parents: dict[int, int] = {}
        for pair in pairs:
            self.join(*pair)

    def of(self, photo: int) -> int:
        """The component of a photo, named by the lowest number in it."""
        root = photo
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while photo != root:
            self._parents[photo], photo = root, self._parents[photo]
        return root

    def join(self, a: int, b: int) -> None:
        """Connect two photos, and with them their components."""
        first, second = sorted((self.of(a), self.of(b)))
        self._parents[second] = first


class OtherShots:
    """Which photos are other shots of the scene of a component, as far as comparing them with its members has told.

    A photo that is another shot of some members, and a copy of none yet, is not worth comparing with all of them: the
    members are one picture.

    Parameters
    ----------
    components
        Photos connected by copies; may go on growing.
    min_weight
        Other shots of members of one component from which on a photo counts as another shot of all; one that is
        certain counts as `CERTAIN_WEIGHT`.
    """

    def __init__(self, components: UnionFind, min_weight: int = MIN_OTHER_SHOT_WEIGHT) -> None:
        self._components = components
        self._min_weight = min_weight
        self._weighted_others: dict[int, list[tuple[int, int]]] = {}

    def add(self, a: int, b: int, *, certain: bool = False) -> None:
        """Note that two photos are two shots."""
        weight = CERTAIN_WEIGHT if certain else 1
        self._weighted_others.setdefault(a, []).append((b, weight))
        self._weighted_others.setdefault(b, []).append((a, weight))

    def is_other_shot(self, a: int, b: int) -> bool:
        """Whether one of two photos counts as another shot of the other one's component."""
        return self._is_other_shot_of_component(a, b) or self._is_other_shot_of_component(b, a)

    def _is_other_shot_of_component(self, photo: int, member: int) -> bool:
        others = self._weighted_others.get(photo)
        if others is None:
            return False
        component = self._components.of(member)
        weights = (weight for other, weight in others if self._components.of(other) == component)
        return sum(weights) >= self._min_weight
