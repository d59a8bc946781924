"""Which pairs of photos are asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtsfind.base.errors import UsageError
from vtsfind.engine.library.scope import scope

paths = st.lists(st.sampled_from([b"a", b"b", b"ab"]), min_size=1, max_size=4).map(
    lambda parts: b"/" + b"/".join(parts)
)


def test_without_folders_every_pair_is_asked_about() -> None:
    assert scope().includes_pair(b"/x/a.jpg", b"/y/b.jpg")


def test_between_asks_for_one_photo_in_each_of_two_folders() -> None:
    card = scope(between=[(b"/card",), (b"/photos",)])
    assert card.includes_pair(b"/card/1.jpg", b"/photos/2021/1.jpg")
    assert not card.includes_pair(b"/card/1.jpg", b"/card/2.jpg")
    assert not card.includes_pair(b"/card/1.jpg", b"/elsewhere/2.jpg")
    assert not card.includes_photo(b"/elsewhere/2.jpg")


def test_within_asks_for_both_photos_in_the_same_folder() -> None:
    trips = scope(within=[(b"/2020",), (b"/2021",)])
    assert trips.includes_pair(b"/2020/a/1.jpg", b"/2020/b/1.jpg")
    assert not trips.includes_pair(b"/2020/1.jpg", b"/2021/1.jpg")


def test_a_photo_lies_in_the_deepest_folder_that_holds_it() -> None:
    nested = scope(between=[(b"/photos",), (b"/photos/inbox",)])
    assert nested.includes_pair(b"/photos/inbox/1.jpg", b"/photos/2021/1.jpg")
    assert not nested.includes_pair(b"/photos/inbox/1.jpg", b"/photos/inbox/2.jpg")


def test_a_folder_does_not_hold_the_photos_of_one_whose_name_begins_with_its() -> None:
    assert not scope(within=[(b"/photos",)]).includes_photo(b"/photos-old/1.jpg")


def test_a_folder_holds_photos_below_each_of_its_paths() -> None:
    twice = scope(within=[(b"/photos", b"/mnt/photos")])
    assert twice.includes_pair(b"/photos/1.jpg", b"/mnt/photos/2.jpg")


@given(paths, paths, st.lists(paths, min_size=2, max_size=3, unique=True))
def test_both_orders_of_a_pair_are_one_and_between_and_within_share_no_pair(
    first: bytes, second: bytes, folders: list[bytes]
) -> None:
    named = [(folder,) for folder in folders]
    across, inside = scope(between=named), scope(within=named)
    for each in (across, inside):
        assert each.includes_pair(first, second) == each.includes_pair(second, first)
    admitted = across.includes_photo(first) and across.includes_photo(second)
    assert across.includes_pair(first, second) + inside.includes_pair(first, second) == admitted


def test_wrong_folders_are_refused() -> None:
    with pytest.raises(UsageError, match="exclude"):
        scope(between=[(b"/a",), (b"/b",)], within=[(b"/a",)])
    with pytest.raises(UsageError, match="only"):
        scope(between=[(b"/a",)])
