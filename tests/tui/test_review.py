"""The state of a review, without any screen."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_groups import group, many, on_disk, photo

from vtsfind.act.make_plan import PlanOrigin, make_plan
from vtsfind.act.plan import operations
from vtsfind.act.plan_rules import PlanRefused
from vtsfind.act.plan_text import plan_text, read_plan_text
from vtsfind.base.errors import DiskFull, LibraryLocked, UsageError
from vtsfind.base.groups import Group, StayKind, StayReason, Verdict
from vtsfind.base.operations import Action
from vtsfind.engine.review.filters import Filter, Listing, Sort, parse_filter, weakest_verdict
from vtsfind.engine.review.planned import planned
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.session_log import SavedSteps
from vtsfind.engine.review.state import (
    DigestPair,
    GroupDecision,
    Mark,
    ReviewStatus,
    ReviewStep,
    UnsavedSteps,
)


def trio(number: int = 1) -> Group:
    return group(number, [photo(b"/%d/%s.jpg" % (number, name), 100) for name in (b"a", b"b", b"c")])


def marks(review: Review, number: int = 0) -> list[Mark]:
    return [review.mark(number, member) for member in range(len(review.groups[number].members))]


def test_the_proposal_keeps_the_first_and_drops_the_others() -> None:
    review = Review([trio()])
    assert marks(review) == [Mark.KEEPER, Mark.DROP, Mark.DROP]
    assert review.decision(0).status is ReviewStatus.OPEN
    assert planned(review).groups == []


def test_an_accepted_group_gives_up_what_is_marked() -> None:
    review = Review([trio()])
    review.toggle(0, 2)
    review.accept(0)
    (group,) = planned(review).groups
    assert [each.photo for each in group.members] == [each.photo for each in review.groups[0].members]
    assert group.members[2].reason == "kept by your choice"
    assert planned(review).actions == {
        b"/1/a.jpg": Action.KEEP,
        b"/1/b.jpg": Action.TRASH,
        b"/1/c.jpg": Action.KEEP,
    }
    assert (review.totals.decided, review.totals.files, review.totals.gain) == (1, 1, 100)


def test_a_group_whose_photos_all_stay_gives_up_nothing() -> None:
    review = Review([trio()])
    review.toggle(0, 1)
    review.toggle(0, 2)
    review.accept(0)
    assert planned(review).groups == []
    assert review.totals.decided == 1


def test_the_only_keeper_cannot_be_dropped() -> None:
    review = Review([trio()])
    with pytest.raises(UsageError, match="must stay"):
        review.toggle(0, 0)


def test_a_keeper_that_no_kept_photo_can_replace_is_not_dropped() -> None:
    review = Review([group(1, [member.photo for member in trio().members], Verdict.EDIT)])
    assert marks(review) == [Mark.KEEPER, Mark.KEEP, Mark.KEEP]
    with pytest.raises(UsageError, match=r"has everything that a\.jpg contains"):
        review.toggle(0, 0)


def test_who_follows_the_sentence_keeps_the_crop_and_removes_its_original() -> None:
    review = Review([group(1, [member.photo for member in trio().members[:2]], Verdict.EDIT)])
    with pytest.raises(UsageError) as refused:
        review.toggle(0, 0)
    assert refused.value.remedy == (
        "To remove it all the same, press the digit of the photo to keep instead, then mark this one (space)."
    )
    review.choose(0, 1)
    review.toggle(0, 0)
    review.accept(0)
    assert planned(review).actions == {b"/1/a.jpg": Action.TRASH, b"/1/b.jpg": Action.KEEP}


def test_who_follows_the_sentence_removes_an_edit_and_its_original_with_the_written_plan() -> None:
    review = Review([group(7, [member.photo for member in trio().members[:2]], Verdict.EDIT)])
    review.toggle(0, 1)
    with pytest.raises(UsageError, match=r"must stay: a\.jpg") as refused:
        review.toggle(0, 0)
    assert "write trash instead of keep, and `remove-all 7` below `group 7`." in refused.value.remedy
    review.accept(0)
    made = planned(review)
    text = plan_text(make_plan(made.groups, PlanOrigin("", "", "", b"/library"), marks=made.actions))
    edited = re.sub(r"(?m)^keep ", "trash", text).replace("group 7\n", "group 7\nremove-all 7\n")
    assert [each.path for each in operations(read_plan_text(edited.encode()))] == [b"/1/a.jpg", b"/1/b.jpg"]
    with pytest.raises(PlanRefused, match="remove-all 7"):
        read_plan_text(edited.replace("remove-all 7\n", "").encode())


def test_accepting_many_groups_takes_those_in_which_nothing_goes_and_leaves_those_in_doubt() -> None:
    edits = group(2, [photo(b"/2/%s.jpg" % name, 100) for name in (b"a", b"b")], Verdict.EDIT)
    in_doubt = replace(trio(3), tied=True, doubt="it may be an enlargement")
    review = Review([trio(), edits, in_doubt])
    assert review.accept_all([0, 1, 2]) == 2
    assert review.decision(1).status is ReviewStatus.ACCEPTED
    assert review.needs_look(2)
    assert review.totals.files == 2
    review.choose(2, 1)  # it was looked at
    assert review.accept_all([0, 1, 2]) == 1


def test_accepting_many_groups_leaves_those_in_which_a_copy_stays_for_a_doubt() -> None:
    doubt, edit = StayReason("may be the original", StayKind.IN_DOUBT), StayReason("an edit", StayKind.EDITED)
    keeper, *copies = trio().members
    made = [
        replace(trio(n), members=(keeper, *(replace(each, stay_reason=why) for each in copies)))
        for n, why in enumerate((doubt, edit))
    ]
    listing, review = Listing(made), Review(made)
    assert listing.order(criteria=parse_filter("is:check")).tolist() == [0]
    assert review.accept_all([0, 1]) == 1
    assert review.decision(0).status is ReviewStatus.OPEN


def test_a_dropped_keeper_is_followed_by_the_next_that_stays() -> None:
    review = Review([trio()])
    review.toggle(0, 2)
    review.toggle(0, 0)
    assert marks(review) == [Mark.DROP, Mark.DROP, Mark.KEEPER]


def test_another_keeper_takes_the_place_of_the_first_in_the_plan() -> None:
    review = Review([trio()])
    review.choose(0, 1)
    review.accept(0)
    (plan,) = planned(review).groups
    assert [member.photo.path for member in plan.members] == [b"/1/a.jpg", b"/1/b.jpg", b"/1/c.jpg"]
    assert plan.members[1].reason == "kept by your choice"
    assert plan.members[0].reason == "you chose another keeper"
    assert planned(review).actions == {
        b"/1/a.jpg": Action.TRASH,
        b"/1/b.jpg": Action.KEEP,
        b"/1/c.jpg": Action.TRASH,
    }


def test_each_photo_says_why_it_is_kept_may_go_or_stays_until_a_person_says_otherwise(tmp_path: Path) -> None:
    review = Review(on_disk(tmp_path, 1))
    assert [review.reason(0, place) for place in range(3)] == [
        "kept: 480x360, the most pixels; has the time of the shot",
        "may go: 240x180 < 480x360",
        "stays: crop, 25 % of it; it may be wanted as well",
    ]
    review.toggle(0, 1)
    review.toggle(0, 2)
    assert [review.reason(0, place) for place in (1, 2)] == ["kept by your choice", "removed by your choice"]
    review.choose(0, 1)
    assert review.reason(0, 0) == "stays, too; it is the better copy: 480x360 beats 240x180"


def test_a_crop_cannot_stand_for_another_crop() -> None:
    crops = group(1, [member.photo for member in trio().members], Verdict.EDIT)
    review = Review([crops])
    review.choose(0, 1)
    assert marks(review) == [Mark.KEEP, Mark.KEEPER, Mark.KEEP]
    review.toggle(0, 0)
    review.toggle(0, 2)
    with pytest.raises(UsageError, match="was not compared with any kept photo"):
        review.accept(0)
    assert review.decision(0).status is ReviewStatus.OPEN
    review.toggle(0, 2)
    review.accept(0)
    assert planned(review).actions[b"/1/c.jpg"] is Action.KEEP


def test_a_photo_that_is_no_duplicate_stays_and_its_pair_is_saved_and_removed_again() -> None:
    told: list[tuple[set[DigestPair], set[DigestPair]]] = []
    review = Review([trio()], save_pairs=lambda added, removed: told.append((added, removed)))
    review.refuse(0, 1)
    review.accept(0)
    assert planned(review).actions == {b"/1/a.jpg": Action.KEEP, b"/1/b.jpg": None, b"/1/c.jpg": Action.TRASH}
    first, second, _ = (member.photo.digest for member in review.groups[0].members)
    assert told == [({(first, second)}, set())]
    review.undo()
    review.undo()
    assert told[1:] == [(set(), {(first, second)})]


def test_a_group_of_strangers_is_refused_as_a_whole() -> None:
    review = Review([trio()])
    review.refuse(0, 1)
    review.refuse(0, 2)
    assert review.decision(0).status is ReviewStatus.REFUSED
    assert len(review.non_duplicate_pairs(0)) == 2


def test_many_groups_are_accepted_and_taken_back_as_one_step() -> None:
    review = Review([trio(number) for number in range(5)])
    review.refuse(3)
    assert review.accept_all(range(5)) == 4
    assert review.totals.decided == 5
    assert review.undo() == ("accept", [0, 1, 2, 4])
    assert review.totals.decided == 1
    assert review.undo() == ("not a duplicate", [3])


def test_there_is_nothing_to_undo_at_first() -> None:
    with pytest.raises(UsageError, match="no decision to undo"):
        Review([trio()]).undo()


def test_a_review_goes_on_where_it_stood_and_can_still_be_undone(tmp_path: Path) -> None:
    groups = [trio(number) for number in range(4)]
    with SavedSteps(tmp_path / "library") as log:
        review = Review(groups, log)
        review.toggle(1, 2)
        review.accept(1)
        review.choose(2, 1)
        review.undo()
        review.refuse(3, 1)
        before = [review.decision(number) for number in range(4)], review.totals
    with SavedSteps(tmp_path / "library") as log:
        again = Review(groups, log)
        assert ([again.decision(number) for number in range(4)], again.totals) == before
        again.undo()
        again.undo()
        assert again.decision(1) == GroupDecision(kept=frozenset({2}))


def test_a_group_whose_decision_was_revoked_elsewhere_is_open_and_undo_goes_back_over_that(
    tmp_path: Path,
) -> None:
    groups = [trio(number) for number in range(2)]
    with SavedSteps(tmp_path / "library") as log:
        review = Review(groups, log)
        review.accept(0)
        review.refuse(1, 2)
        review.accept(1)
    with SavedSteps(tmp_path / "library") as log:
        review = Review(groups, log, revoked=lambda pairs: pairs)
        assert [review.decision(number).status.value for number in range(2)] == ["accepted", "open"]
        assert marks(review, 1) == [Mark.KEEPER, Mark.DROP, Mark.DROP]
        labels = [review.undo()[0] for _ in range(4)]
    assert labels == ["reset", "accept", "not a duplicate", "accept"]
    with SavedSteps(tmp_path / "library") as log:
        review = Review(groups, log)
    assert [review.decision(number) for number in range(2)] == [GroupDecision()] * 2


def test_a_decision_outlives_another_order_of_the_groups_and_their_members(tmp_path: Path) -> None:
    first, second = trio(1), trio(2)
    with SavedSteps(tmp_path / "library") as log:
        Review([first, second], log).choose(1, 2)
    turned = Group(1, (second.members[2], second.members[0], second.members[1]))
    with SavedSteps(tmp_path / "library") as log:
        review = Review([turned, first], log)
    assert review.decision(0).keeper == 0
    assert review.decision(1) == GroupDecision()


def test_a_group_that_has_changed_is_open_again(tmp_path: Path) -> None:
    with SavedSteps(tmp_path / "library") as log:
        Review([trio()], log).accept(0)
    changed = group(1, [photo(b"/1/%s.jpg" % name, 101) for name in (b"a", b"b", b"c")])
    with SavedSteps(tmp_path / "library") as log:
        assert Review([changed], log).decision(0) == GroupDecision()


def test_a_library_is_reviewed_by_one_session_at_a_time(tmp_path: Path) -> None:
    with SavedSteps(tmp_path / "library"), pytest.raises(LibraryLocked, match="is being reviewed by process"):
        SavedSteps(tmp_path / "library")


def test_a_torn_last_step_costs_itself_only(tmp_path: Path) -> None:
    groups = [trio(number) for number in range(2)]
    with SavedSteps(tmp_path / "library") as log:
        review = Review(groups, log)
        review.accept(0)
        review.accept(1)
        path = log._path
    path.write_bytes(path.read_bytes()[:-5])
    with SavedSteps(tmp_path / "library") as log:
        assert Review(groups, log).totals.decided == 1


class Full(UnsavedSteps):
    """A log on a full disk."""

    def append(self, step: ReviewStep) -> None:
        raise DiskFull(f"no room for {step.label}")


def test_a_mark_that_cannot_be_kept_is_not_made() -> None:
    review = Review([trio()], Full())
    with pytest.raises(DiskFull):
        review.accept(0)
    assert review.decision(0) == GroupDecision()
    with pytest.raises(UsageError, match="no decision to undo"):
        review.undo()


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["toggle", "choose", "accept", "refuse", "reopen"]),
        st.integers(0, 2),
        st.integers(0, 2),
    ),
    max_size=12,
)


@given(ACTS)
def test_undoing_everything_leads_back_to_the_proposal_and_a_keeper_always_stays(
    acts: list[tuple[str, int, int]],
) -> None:
    review = Review([trio(number) for number in range(3)])
    done = 0
    for name, number, member in acts:
        before = review.decision(number)
        try:
            if name in {"accept", "reopen"}:
                getattr(review, name)(number)
            else:
                getattr(review, name)(number, member)
            done += 1
        except UsageError:
            assert review.decision(number) == before
        assert marks(review, number).count(Mark.DROP) < 3
        assert all(Action.KEEP in planned(review).actions.values() for _ in planned(review).groups)
    for _ in range(done):
        review.undo()
    assert all(review.decision(number) == GroupDecision() for number in range(3))
    assert review.totals.decided == review.totals.files == review.totals.gain == 0


def test_the_next_open_group_is_looked_for_from_here_on_and_then_from_the_top() -> None:
    review = Review([trio(number) for number in range(4)])
    review.accept_all([0, 2, 3])
    assert review.next_open([3, 2, 1, 0], 2) == 2
    review.accept(1)
    assert review.next_open([3, 2, 1, 0], 0) is None


@pytest.mark.parametrize("sort", Sort)
def test_every_order_holds_every_group_once_and_turns_around(sort: Sort) -> None:
    groups = many(200)
    listing = Listing(groups)
    order = listing.order(sort).tolist()
    assert sorted(order) == list(range(200))
    assert sorted(listing.order(sort, is_reversed=True).tolist()) == list(range(200))


def test_groups_are_sorted_by_what_they_give_up() -> None:
    groups = many(100)
    gains = [groups[place].gain for place in Listing(groups).order(Sort.GAIN)]
    assert gains == sorted(gains, reverse=True)


def test_a_listing_knows_its_bursts_also_beside_weaker_verdicts() -> None:
    copies = many(3)
    shots = [photo(b"/a/1.jpg"), photo(b"/a/2.jpg"), photo(b"/a/3.jpg")]
    burst, similar = group(4, shots, Verdict.BURST), group(5, shots, Verdict.SIMILAR)
    both = replace(similar, members=(*burst.members, *similar.members[1:]))
    assert Listing([*copies, burst, similar, both]).bursts() == [3, 5]


def test_groups_are_found_by_kind_words_and_size() -> None:
    groups = many(300)
    listing = Listing(groups)
    for place in listing.order(Sort.DATE, Filter(frozenset({Verdict.EDIT}), "07 img", 1_000_000)).tolist():
        assert weakest_verdict(groups[place]) is Verdict.EDIT
        assert b"07" in groups[place].keeper.path
        assert groups[place].gain >= 1_000_000


def test_groups_of_the_same_folders_are_as_sure_or_surer() -> None:
    groups = many(1200)
    similar_groups = Listing(groups).similar_groups(2, by_folders=True).tolist()
    assert 2 in similar_groups
    assert {groups[place].keeper.path[:11] for place in similar_groups} == {b"/photos/02/"}
    assert all(
        weakest_verdict(groups[place]).rank <= weakest_verdict(groups[2]).rank for place in similar_groups
    )
