"""Groups of copies: a keeper, and around it what was compared with it and is its copy. Nothing is there through another.

The photos are walked from the best to the worst. One that is in no group yet becomes a keeper, and every other free photo
that is its copy joins it. What hangs together with it through other photos, but was never compared with it, is compared then,
so that a group does not fall apart for a pair that nobody compared, and not all pairs of a family need be compared.
The result follows from the order of the photos and from the verdicts alone.
"""

from collections.abc import Callable, Iterable, Sequence

Pair = tuple[int, int]
"""Two photos by number, the lower first."""
CERTAIN_WEIGHT = 3
"""Of what counts towards `MIN_OTHER_SHOT_WEIGHT`: two shots that can be nothing else. Two such, or one and two others, are enough."""
MIN_OTHER_SHOT_WEIGHT = 5
"""See `OtherShots`. Of the pairs of a library of mild edits among other shots of their scenes, more than half of which are of
two shots, this spares 27 % and costs no group anything; of one of hard edits, where many edits look like other shots of their
own original, 15 %, and as many copies are found as without. There 4 would cost half a percent of the copies, 3 one and a half."""


def ordered_pair(a: int, b: int) -> Pair:
    """Two photos in order."""
    return (a, b) if a < b else (b, a)


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


def star_clusters(
    order: Sequence[int],
    copies: Iterable[Pair],
    proposed: Iterable[Pair],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
) -> list[tuple[int, ...]]:
    """Make groups.

    Parameters
    ----------
    order
        All photos, by number, the best first.
    copies
        The pairs that are known to be copies.
    proposed
        Pairs that may be, but were not compared since they hang together through others.
    compare
        Says of pairs that are not in `copies` whether they are. It may be asked about one that was compared before and
        is none, and should know.

    Returns
    -------
    The groups of two photos and more, by their keepers' place in the order: the keeper, then the members in order.
    """
    near, possible = _neighbours(copies), _neighbours(proposed)
    place = {photo: i for i, photo in enumerate(order)}
    taken: set[int] = set()
    groups = []
    position = 0
    while position < len(order):
        keeper = order[position]
        position += 1
        if keeper in taken or not (keeper in near or keeper in possible):
            continue
        members = _copies_of(keeper, near, possible, taken, compare)
        first = min((place[member] for member in members), default=position)
        if (
            first < position - 1
        ):  # a better photo that had not met this one: now it has, and gets another turn
            position = first
        elif members:
            taken.update(members, (keeper,))
            groups.append((keeper, *sorted(members, key=place.__getitem__)))
    return sorted(groups, key=lambda group: place[group[0]])


def _neighbours(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {}
    for a, b in pairs:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    return near


def _copies_of(
    keeper: int,
    near: dict[int, set[int]],
    possible: dict[int, set[int]],
    taken: set[int],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
) -> set[int]:
    """The free photos that are copies of a keeper; from now on they are near it."""
    members = near.get(keeper, set()) - taken
    known = {keeper, *members}
    newly_reached = near.get(keeper, set()) | possible.get(
        keeper, set()
    )  # copies of a copy that another group took may be free
    while newly_reached:
        reached = {other for photo in newly_reached for other in near.get(photo, ())}
        to_compare = sorted((reached | (newly_reached - members)) - known - taken)
        known.update(to_compare)
        found = compare([ordered_pair(keeper, other) for other in to_compare]) if to_compare else ()
        newly_reached = {other for other, is_copy in zip(to_compare, found, strict=True) if is_copy}
        members = members | newly_reached
    for member in members:
        near.setdefault(keeper, set()).add(member)
        near.setdefault(member, set()).add(keeper)
    return members
