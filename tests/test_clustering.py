"""Groups around centres: nothing is in a group that was not compared with its centre."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.find.clustering.stars import MIN_COPIES, star_clusters, with_left_out
from vtsfind.find.clustering.union_find import MIN_OTHER_SHOT_WEIGHT, OtherShots, UnionFind
from vtsfind.find.pairs import Pair, ordered_pair

PHOTOS = 9
PAIRS = [(a, b) for a in range(PHOTOS) for b in range(a + 1, PHOTOS)]


class KnownCopies:
    """Knows all copies, and remembers what it was asked."""

    def __init__(self, truth: set[Pair]) -> None:
        self.truth = truth
        self.asked: list[Pair] = []

    def __call__(self, pairs: Sequence[Pair]) -> list[bool]:
        self.asked += pairs
        return [each in self.truth for each in pairs]


@given(st.permutations(range(PHOTOS)), st.sets(st.sampled_from(PAIRS)), st.sets(st.sampled_from(PAIRS)))
def test_every_member_is_a_copy_of_its_centre(order: list[int], truth: set[Pair], known: set[Pair]) -> None:
    known_copies = KnownCopies(truth)
    groups = star_clusters(order, truth & known, truth - known, known_copies)
    grouped = [photo for group in groups for photo in group]
    assert len(grouped) == len(set(grouped))
    for centre, *members in groups:
        assert members
        assert all(ordered_pair(centre, member) in truth for member in members)


@given(st.permutations(range(PHOTOS)), st.sets(st.sampled_from(PAIRS)))
def test_the_groups_do_not_depend_on_the_order_of_the_pairs(order: list[int], truth: set[Pair]) -> None:
    forward = star_clusters(order, sorted(truth), (), KnownCopies(truth))
    assert forward == star_clusters(order, sorted(truth, reverse=True), (), KnownCopies(truth))


@given(st.permutations(range(PHOTOS)), st.sets(st.sampled_from(PAIRS), min_size=1))
def test_a_photo_left_alone_has_no_copy_that_is_left_alone_too(order: list[int], truth: set[Pair]) -> None:
    groups = star_clusters(order, truth, (), KnownCopies(truth))
    alone = set(order) - {photo for group in groups for photo in group}
    assert not any(a in alone and b in alone for a, b in truth)


@given(st.permutations(range(PHOTOS)), st.sets(st.sampled_from(PAIRS)), st.sets(st.sampled_from(PAIRS)))
def test_what_no_star_has_joins_one_of_which_it_is_a_copy_of_several(
    order: list[int], truth: set[Pair], known: set[Pair]
) -> None:
    stars = star_clusters(order, truth & known, (), KnownCopies(truth))
    groups = with_left_out(stars, order, truth & known, KnownCopies(truth))
    grouped = [photo for group in groups for photo in group]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) >= {photo for star in stars for photo in star}
    for group in groups:
        (star,) = (each for each in stars if each == group[: len(each)])
        for photo in group[len(star) :]:
            assert sum(ordered_pair(photo, member) in truth for member in star) >= MIN_COPIES
    again = with_left_out(stars, order, sorted(truth & known, reverse=True), KnownCopies(truth))
    assert again == groups


def test_an_edit_that_is_nothing_to_the_edit_in_the_centre_joins_by_two_others() -> None:
    centre, original, copy, crop, collage, other_picture = range(6)
    star = {(centre, original), (centre, copy), (centre, collage), (original, copy)}
    truth = star | {(original, crop), (copy, crop), (collage, other_picture)}
    groups = with_left_out(
        [(centre, original, copy, collage)],
        range(6),
        star | {(copy, crop), (collage, other_picture)},
        KnownCopies(truth),
    )
    assert groups == [(centre, original, copy, collage, crop)]


@pytest.mark.parametrize(("other", "joins"), [(10, True), (11, False)])
def test_a_photo_is_compared_with_the_twelve_members_that_have_most_copies(
    other: int, *, joins: bool
) -> None:
    star, photo = tuple(range(20)), 20
    known = {(a, b) for a in star for b in star if a < b} | {(19, photo)}
    groups = with_left_out([star], range(21), known, KnownCopies({(19, photo), (other, photo)}))
    assert groups == [(*star, photo) if joins else star]


def test_two_that_are_together_join_together_or_not_at_all() -> None:
    star, pair = (0, 1, 2), (3, 4)
    known = {(0, 1), (0, 2), (1, 2), (3, 4), (1, 3), (2, 4)}
    both = known | {(2, 3), (1, 4)}
    assert with_left_out([star, pair], range(5), known, KnownCopies(both)) == [(0, 1, 2, 3, 4)]
    assert with_left_out([star, pair], range(5), known, KnownCopies(both - {(1, 4)})) == [star, pair]


def test_of_a_chain_only_what_has_a_copy_in_common_holds_together() -> None:
    chain = {(0, 1), (1, 2), (2, 3), (3, 4)}
    assert star_clusters([0, 1, 2, 3, 4], chain, (), KnownCopies(chain)) == [(1, 0, 2), (3, 4)]


def test_the_photo_that_most_are_copies_of_is_the_centre_whichever_comes_first() -> None:
    truth = {(0, 2), (1, 2), (2, 3), (2, 4), (0, 1)}
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]):
        ((centre, *members),) = star_clusters(order, truth, (), KnownCopies(truth))
        assert (centre, set(members)) == (2, {0, 1, 3, 4})


def test_what_is_said_to_be_no_centre_is_a_member_of_one_of_its_copies() -> None:
    truth = {(0, 1), (0, 2)}
    made = star_clusters([0, 1, 2], truth, (), KnownCopies(truth), lambda centre, _: centre != 0)
    assert made == [(1, 0)]


@pytest.mark.parametrize(("hub", "centre"), [(3, 3), (5, 0)])
def test_four_centres_are_tried_for_the_largest_group(hub: int, centre: int) -> None:
    truth = {(0, other) for other in range(1, 6)} | {(hub, other) for other in range(6, 13)}
    groups = star_clusters(range(13), truth, (), KnownCopies(truth))
    assert groups[0][0] == centre


def test_a_copy_of_a_copy_is_compared_with_the_centre() -> None:
    known_copies = KnownCopies({(0, 1), (1, 2), (0, 2)})
    assert star_clusters([0, 1, 2], [(0, 1), (1, 2)], (), known_copies) == [(0, 1, 2)]
    assert known_copies.asked == [(0, 2)]


def test_a_pair_that_was_spared_is_compared_when_it_matters() -> None:
    truth = {(0, 1), (0, 2), (1, 3), (0, 3)}
    known_copies = KnownCopies(truth)
    assert star_clusters([0, 1, 2, 3], [(0, 1), (0, 2)], [(1, 3), (0, 3)], known_copies) == [(0, 1, 2, 3)]
    assert known_copies.asked == [(0, 3)]


def test_of_photos_that_are_all_copies_the_first_is_the_centre() -> None:
    every = set(PAIRS)
    assert star_clusters([4, *(i for i in range(PHOTOS) if i != 4)], every, (), KnownCopies(every)) == [
        (4, 0, 1, 2, 3, 5, 6, 7, 8)
    ]


@given(st.lists(st.sampled_from(PAIRS)))
def test_components_are_what_is_connected(pairs: list[Pair]) -> None:
    components = UnionFind()
    sets = {photo: {photo} for photo in range(PHOTOS)}
    for a, b in pairs:
        components.join(a, b)
        union = sets[a] | sets[b]
        for photo in union:
            sets[photo] = union
    for a, b in PAIRS:
        assert (components.of(a) == components.of(b)) is (b in sets[a])


def test_another_shot_of_enough_members_of_a_component_is_one_of_the_others_too() -> None:
    components = UnionFind()
    shots = OtherShots(components, 2)
    for member in (1, 2, 3):
        components.join(0, member)
    shots.add(1, 9)
    assert not shots.is_other_shot(2, 9)
    shots.add(0, 9)
    assert shots.is_other_shot(2, 9)
    assert shots.is_other_shot(9, 3)
    assert not shots.is_other_shot(2, 8)


def test_other_shots_of_photos_that_are_not_connected_say_nothing_of_a_third() -> None:
    components = UnionFind()
    shots = OtherShots(components, 2)
    shots.add(0, 9)
    shots.add(1, 9)
    assert not shots.is_other_shot(0, 9)
    assert not shots.is_other_shot(2, 9)
    components.join(0, 2)
    assert not shots.is_other_shot(2, 9)
    components.join(1, 2)
    assert shots.is_other_shot(2, 9)


def test_what_looks_like_another_shot_once_or_twice_is_still_compared() -> None:
    components = UnionFind()
    shots = OtherShots(components)
    for member in range(MIN_OTHER_SHOT_WEIGHT):
        assert not shots.is_other_shot(member, 99)
        components.join(0, member)
        shots.add(member, 99)
    assert shots.is_other_shot(0, 99)


def test_two_shots_that_can_be_nothing_else_are_enough() -> None:
    components = UnionFind()
    shots = OtherShots(components)
    components.join(0, 1)
    components.join(0, 2)
    shots.add(0, 99, certain=True)
    assert not shots.is_other_shot(2, 99)
    shots.add(1, 99, certain=True)
    assert shots.is_other_shot(2, 99)
