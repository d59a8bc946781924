"""Groups of copies: a keeper, and around it what was compared with it and is its copy. Nothing is there through another.

The photos are walked from the best to the worst. One that is in no group yet becomes a keeper, and every other free photo
that is its copy joins it. What is a copy of a member, but was never compared with the keeper, is compared with it then,
and so on, so that a group does not fall apart for a pair that nobody proposed. The result follows from the order of the
photos and from the verdicts alone.
"""

from collections.abc import Callable, Iterable, Sequence

Pair = tuple[int, int]
"""Two photos by number, the lower first."""


def pair(a: int, b: int) -> Pair:
    """Two photos in order."""
    return (a, b) if a < b else (b, a)


def stars(
    order: Sequence[int], copies: Iterable[Pair], compare: Callable[[Sequence[Pair]], Sequence[bool]]
) -> list[tuple[int, ...]]:
    """Make groups.

    Parameters
    ----------
    order
        All photos, by number, the best first.
    copies
        The pairs that are known to be copies.
    compare
        Says of pairs that were not in `copies` whether they are. It may be asked about one that was compared before and
        is none, and should know.

    Returns
    -------
    The groups of two photos and more, by their keepers' place in the order: the keeper, then the members in order.
    """
    near: dict[int, set[int]] = {}
    for a, b in copies:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    place = {photo: i for i, photo in enumerate(order)}
    taken: set[int] = set()
    groups = []
    for keeper in order:
        if keeper in taken or keeper not in near:
            continue
        members = _around(keeper, near, taken, compare)
        if members:
            taken.update(members, (keeper,))
            groups.append((keeper, *sorted(members, key=place.__getitem__)))
    return groups


def _around(
    keeper: int,
    near: dict[int, set[int]],
    taken: set[int],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
) -> set[int]:
    """The free photos that are copies of a keeper, among those that are copies of its members."""
    members = {photo for photo in near[keeper] if photo not in taken}
    asked = {keeper, *members}
    fresh = members
    while fresh:
        further = sorted({other for photo in fresh for other in near[photo]} - asked - taken)
        asked.update(further)
        found = compare([pair(keeper, other) for other in further]) if further else ()
        fresh = {other for other, is_copy in zip(further, found, strict=True) if is_copy}
        members |= fresh
    return members
