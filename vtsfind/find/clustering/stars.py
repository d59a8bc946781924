"""Star clusters: a keeper, and the photos that were compared with it and are its copies.

This is the star algorithm of Aslam, Pelekhov and Rus (2004), with keepers chosen by rank instead of degree.

The photos are visited from the best to the worst. One that is in no cluster yet becomes a keeper, and every other free photo
that is its copy joins it. Photos that are connected to it through others, but were never compared with it, are compared
then, so that a cluster does not fall apart for a pair that nobody compared, and not all pairs of a component need be compared.
The result follows from the order of the photos and from the verdicts alone.
"""

from collections.abc import Callable, Iterable, Sequence

from vtsfind.find.pairs import Pair, ordered_pair


def star_clusters(
    order: Sequence[int],
    copies: Iterable[Pair],
    proposed: Iterable[Pair],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
) -> list[tuple[int, ...]]:
    """Make clusters.

    Parameters
    ----------
    order
        All photos, by number, the best first.
    copies
        The pairs that are known to be copies.
    proposed
        Pairs that may be, but were not compared since they are connected through others.
    compare
        Says of pairs that are not in `copies` whether they are. It may be asked again about a pair that is not.

    Returns
    -------
    The clusters of two photos and more, by their keepers' place in the order: the keeper, then the members in order.
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
