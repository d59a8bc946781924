"""Groups of copies: a keeper, and around it what was compared with it and is its copy. Nothing is there through another.

The photos are walked from the best to the worst. One that is in no group yet becomes a keeper, and every other free photo
that is its copy joins it. What hangs together with it through other photos, but was never compared with it, is compared then,
so that a group does not fall apart for a pair that nobody compared, and not all pairs of a family need be compared.
The result follows from the order of the photos and from the verdicts alone.
"""

from collections.abc import Callable, Iterable, Sequence

Pair = tuple[int, int]
"""Two photos by number, the lower first."""
CERTAIN = 3
"""Of what counts towards `ENOUGH`: two shots that can be nothing else. Two such, or one and two others, are enough."""
ENOUGH = 5
"""See `OtherShots`. Of the pairs of a library of mild edits among other shots of their scenes, more than half of which are of
two shots, this spares 27 % and costs no group anything; of one of hard edits, where many edits look like other shots of their
own original, 15 %, and as many copies are found as without. There 4 would cost half a percent of the copies, 3 one and a half."""


def pair(a: int, b: int) -> Pair:
    """Two photos in order."""
    return (a, b) if a < b else (b, a)


class Families:
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
        certain counts for as many as `CERTAIN`.
    """

    def __init__(self, families: Families, enough: int = ENOUGH) -> None:
        self._families = families
        self._enough = enough
        self._others: dict[int, list[tuple[int, int]]] = {}

    def add(self, a: int, b: int, *, certain: bool = False) -> None:
        """Note that two photos are two shots."""
        weight = CERTAIN if certain else 1
        self._others.setdefault(a, []).append((b, weight))
        self._others.setdefault(b, []).append((a, weight))

    def settled(self, a: int, b: int) -> bool:
        """Whether one of two photos is known for another shot of the other one's family."""
        return self._is_other(a, b) or self._is_other(b, a)

    def _is_other(self, photo: int, member: int) -> bool:
        seen = self._others.get(photo, ())
        if sum(weight for _, weight in seen) < self._enough:
            return False
        family = self._families.of(member)
        return sum(weight for other, weight in seen if self._families.of(other) == family) >= self._enough


def stars(
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
    near, maybe = _neighbours(copies), _neighbours(proposed)
    place = {photo: i for i, photo in enumerate(order)}
    taken: set[int] = set()
    groups = []
    turn = 0
    while turn < len(order):
        keeper = order[turn]
        turn += 1
        if keeper in taken or not (keeper in near or keeper in maybe):
            continue
        members = _around(keeper, near, maybe, taken, compare)
        first = min((place[member] for member in members), default=turn)
        if first < turn - 1:  # a better photo that had not met this one: now it has, and gets another turn
            turn = first
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


def _around(
    keeper: int,
    near: dict[int, set[int]],
    maybe: dict[int, set[int]],
    taken: set[int],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
) -> set[int]:
    """The free photos that are copies of a keeper; from now on they are near it."""
    members = near.get(keeper, set()) - taken
    known = {keeper, *members}
    fresh = near.get(keeper, set()) | maybe.get(
        keeper, set()
    )  # copies of a copy that another group took may be free
    while fresh:
        reached = {other for photo in fresh for other in near.get(photo, ())}
        asked = sorted((reached | (fresh - members)) - known - taken)
        known.update(asked)
        found = compare([pair(keeper, other) for other in asked]) if asked else ()
        fresh = {other for other, is_copy in zip(asked, found, strict=True) if is_copy}
        members = members | fresh
    for member in members:
        near.setdefault(keeper, set()).add(member)
        near.setdefault(member, set()).add(keeper)
    return members
