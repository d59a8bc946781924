"""Which photos are connected by pairs that are copies, and which photos are other shots of what is connected."""

CERTAIN_WEIGHT = 3
"""Of what counts towards `MIN_OTHER_SHOT_WEIGHT`: two shots that can be nothing else. Two such, or one and two others, are enough."""
MIN_OTHER_SHOT_WEIGHT = 5
"""See `OtherShots`. Of the pairs of a library of mild edits among other shots of their scenes, more than half of which are of
two shots, this spares 27 % and costs no group anything; of one of hard edits, where many edits look like other shots of their
own original, 15 %, and as many copies are found as without. There 4 would cost half a percent of the copies, 3 one and a half."""


class UnionFind:
    """Photos that hang together by pairs that are copies: who may be of one group, before keepers are chosen."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}

    def of(self, photo: int) -> int:
        """A number that all photos of one family have in common, until the next `join`."""
        root = photo
        while (parent := self._parents.get(root, root)) != root:
            root = parent
        while photo != root:
            self._parents[photo], photo = root, self._parents[photo]
        return root

    def join(self, a: int, b: int) -> None:
        """Make two families one."""
        first, second = sorted((self.of(a), self.of(b)))
        self._parents[second] = first


class OtherShots:
    """Which photos are other shots of the scene of a family, as far as comparing them with its members has told.

    A photo that is another shot of some members, and a copy of none yet, is not worth comparing with all of them: the
    members are one picture.

    Parameters
    ----------
    families
        Who hangs together; may go on growing.
    enough
        Members of one family of which a photo was found to be another shot, from which on it is for all; one that is
        certain counts for as many as `CERTAIN_WEIGHT`.
    """

    def __init__(self, families: UnionFind, enough: int = MIN_OTHER_SHOT_WEIGHT) -> None:
        self._families = families
        self._enough = enough
        self._weighted_others: dict[int, list[tuple[int, int]]] = {}

    def add(self, a: int, b: int, *, certain: bool = False) -> None:
        """Note that two photos are two shots."""
        weight = CERTAIN_WEIGHT if certain else 1
        self._weighted_others.setdefault(a, []).append((b, weight))
        self._weighted_others.setdefault(b, []).append((a, weight))

    def is_other_shot(self, a: int, b: int) -> bool:
        """Whether one of two photos is known for another shot of the other one's family."""
        return self._is_other_shot_of_family(a, b) or self._is_other_shot_of_family(b, a)

    def _is_other_shot_of_family(self, photo: int, member: int) -> bool:
        weighted_others = self._weighted_others.get(photo, ())
        if sum(weight for _, weight in weighted_others) < self._enough:
            return False
        family = self._families.of(member)
        return (
            sum(weight for other, weight in weighted_others if self._families.of(other) == family)
            >= self._enough
        )
