"""Star clusters: a centre, and the photos that were compared with it and are its copies.

This is the star algorithm of Aslam, Pelekhov and Rus (2004), with two differences. Not all pairs are known: photos that are connected
to a centre through others, but were never compared with it, are compared then, so that a cluster does not fall apart for a pair
that nobody compared, and not all pairs of a component need be compared. And where a centre leaves some of what is connected to
its members behind, a few others are tried in its place, and the one with the most members is taken: an edit of an edit is
nothing to a third edit, but all of them are versions of the original.

The result follows from the order of the photos and from the verdicts alone.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

from vtsfind.find.pairs import Pair, ordered_pair

MAX_CENTRES_TRIED = 4
"""Centres of one cluster that are tried, at most: each costs as many comparisons as the cluster has members."""
MAX_MEMBERS_COMPARED = 12
"""Members of a cluster, those with most copies, with which a photo is compared that no cluster has. With 4 fewer edits come together,
see the log of results."""
MIN_COPIES = 2
"""Of these that it must be a copy of."""


def star_clusters(
    order: Sequence[int],
    copies: Iterable[Pair],
    proposed: Iterable[Pair],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
    is_centre: Callable[[int, set[int]], bool] = lambda _centre, _members: True,
) -> list[tuple[int, ...]]:
    """Make clusters.

    Parameters
    ----------
    order
        All photos, by number; those that are likely to have most copies first.
    copies
        The pairs that are known to be copies.
    proposed
        Pairs that may be, but were not compared since they are connected through others.
    compare
        Says of pairs that are not in `copies` whether they are. It may be asked again about a pair that is not.
    is_centre
        Says of a photo and its copies whether the copies are versions of one picture.

    Returns
    -------
    The clusters of two photos and more: the centre, then the members in order.
    """
    return _Stars(order, copies, proposed, compare, is_centre).clusters()


def with_left_out(
    stars: Sequence[tuple[int, ...]],
    order: Sequence[int],
    connected: Iterable[Pair],
    compare: Callable[[Sequence[Pair]], Sequence[bool]],
    is_other: Callable[[int, Sequence[int]], bool] = lambda _photo, _members: False,
) -> list[tuple[int, ...]]:
    """Add to clusters what none has, or a cluster of two, if it is a copy of several of their members.

    A centre may be an edit, to which another edit is nothing. One copy alone is not enough: a collage is a member that
    has copies of its other pictures.

    Parameters
    ----------
    stars
        The clusters.
    order, compare
        As of `star_clusters`.
    connected
        The pairs that are known to be copies, and those that may be.
    is_other
        Says of a photo that was compared with members of a cluster whether it shows something else, though it is a copy of some.

    Returns
    -------
    The clusters, each with what was added at its end, without those of two that were.
    """
    near = _neighbours(connected)
    star_of = {photo: number for number, star in enumerate(stars) if len(star) > 2 for photo in star}
    compared = [
        sorted(star, key=lambda each: -len(near.get(each, ())))[:MAX_MEMBERS_COMPARED] for star in stars
    ]
    possible = [
        (photo, number)
        for photo in order
        if photo not in star_of
        for number in sorted({star_of[other] for other in near.get(photo, ()) if other in star_of})
    ]
    pairs = [[ordered_pair(photo, other) for other in compared[number]] for photo, number in possible]
    found = iter(compare(list(chain.from_iterable(pairs))))
    joined: dict[int, int] = {}
    for (photo, number), asked in zip(possible, pairs, strict=True):
        is_copy = sum(next(found) for _ in asked) >= MIN_COPIES
        if is_copy and not is_other(photo, compared[number]):
            joined.setdefault(photo, number)
    for first, second in (star for star in stars if len(star) == 2):
        if joined.get(first) != joined.get(second):  # two that belong together are not torn apart
            joined.pop(first, None)
            joined.pop(second, None)
    return [
        (*star, *(photo for photo, into in joined.items() if into == number))
        for number, star in enumerate(stars)
        if star[0] not in joined
    ]


class _Stars:
    def __init__(
        self,
        order: Sequence[int],
        copies: Iterable[Pair],
        proposed: Iterable[Pair],
        compare: Callable[[Sequence[Pair]], Sequence[bool]],
        is_centre: Callable[[int, set[int]], bool],
    ) -> None:
        self._order = order
        self._place = {photo: i for i, photo in enumerate(order)}
        self._near, self._possible = _neighbours(copies), _neighbours(proposed)
        self._compare = compare
        self._is_centre = is_centre
        self._taken: set[int] = set()

    def clusters(self) -> list[tuple[int, ...]]:
        found = []
        for photo in self._order:
            while photo not in self._taken:
                centre, members = self._largest_star(photo)
                if not members:
                    break
                self._taken.update(members, (centre,))
                found.append((centre, *sorted(members, key=self._place.__getitem__)))
        return found

    def _largest_star(self, centre: int) -> tuple[int, set[int]]:
        """A centre and its members, or another centre of what is connected to them, if that has more."""
        largest = centre, self._members(centre)
        connected = {other for member in largest[1] | {centre} for other in self._near.get(member, ())}
        connected -= self._taken | {centre}
        if connected <= largest[1]:
            return largest
        for other in sorted(connected, key=self._place.__getitem__)[: MAX_CENTRES_TRIED - 1]:
            members = self._members(other)
            if len(members) > len(largest[1]):
                largest = other, members
        return largest

    def _members(self, centre: int) -> set[int]:
        """The free photos that are copies of a centre, from now on near it; none if it is no centre."""
        near, taken = self._near, self._taken
        members = near.get(centre, set()) - taken
        known = {centre, *members}
        # Copies of a copy that another cluster took may be free.
        newly_reached = near.get(centre, set()) | self._possible.get(centre, set())
        while newly_reached:
            reached = {other for photo in newly_reached for other in near.get(photo, ())}
            to_compare = sorted((reached | (newly_reached - members)) - known - taken)
            known.update(to_compare)
            found = self._compare([ordered_pair(centre, other) for other in to_compare]) if to_compare else ()
            newly_reached = {other for other, is_copy in zip(to_compare, found, strict=True) if is_copy}
            members = members | newly_reached
        for member in members:
            near.setdefault(centre, set()).add(member)
            near.setdefault(member, set()).add(centre)
        return members if self._is_centre(centre, members) else set()


def _neighbours(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    near: dict[int, set[int]] = {}
    for a, b in pairs:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    return near
