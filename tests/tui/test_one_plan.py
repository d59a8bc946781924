"""One library has one set of decisions and one plan, whether its files are looked at as copies or as shots of a scene."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_groups import group, photo
from support.tui_driver import Hand, drive

from vtsfind.act.make_plan import PlanOrigin, make_plan
from vtsfind.act.plan import Plan, operations
from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Evidence, Group, Member, Photo, ShotCopy, StayKind, StayReason, Verdict
from vtsfind.base.quality import Details
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.bulk import bulk_choices
from vtsfind.engine.review.filters import Listing
from vtsfind.engine.review.planned import planned
from vtsfind.engine.review.relations import related_to
from vtsfind.engine.review.review import Review
from vtsfind.engine.review.state import Mark, ReviewStatus, ReviewStep, UnsavedSteps
from vtsfind.report.plan import summarize_plan
from vtsfind.report.streams import Notes

FIRST, SECOND, THIRD = (photo(b"/photos/shot-%d.jpg" % n, 3000 + n) for n in (1, 2, 3))
FIRST_COPY, SECOND_COPY = (photo(b"/copies/shot-%d.jpg" % n, 1000 + n) for n in (1, 2))
COPIES = [group(1, [FIRST, FIRST_COPY]), group(2, [SECOND, SECOND_COPY])]
KEPT = StayReason("another shot")


def shot(
    photo_: Photo, verdict: Verdict | None, *, indirect: bool | None = None, copy_of: ShotCopy | None = None
) -> Member:
    seen = Evidence(indirect=indirect)
    return Member(photo_, verdict, seen, "less sharp", stay_reason=KEPT, copy_of=copy_of)


BURST = Group(
    3,
    (
        shot(FIRST, None),
        shot(FIRST_COPY, Verdict.RESAVE),
        shot(SECOND, Verdict.BURST),
        shot(THIRD, Verdict.BURST),
        shot(SECOND_COPY, Verdict.BURST, indirect=True, copy_of=ShotCopy(SECOND.digest, Verdict.RESAVE)),
    ),
)
ONE, TWO, SCENE = 0, 1, 2
"""The groups of copies of the first and the second shot, and the burst."""


@pytest.fixture
def review() -> Review:
    made = Review(COPIES)
    made.add([BURST])
    return made


def plan_of(review: Review) -> Plan:
    made = planned(review)
    return make_plan(made.groups, PlanOrigin("", "", "", b""), marks=made.actions)


def removed(review: Review) -> list[bytes]:
    """What the plan of a review removes."""
    todo = operations(plan_of(review))
    assert review.totals.files == len(todo)
    assert review.totals.gain == sum(each.size for each in todo)
    return [each.path for each in todo]


def test_what_goes_as_a_copy_is_shown_as_going_in_the_burst_and_counts_once(review: Review) -> None:
    review.accept(ONE)
    assert review.mark(SCENE, 1) is Mark.DROP
    assert review.reason(SCENE, 1) == "goes as a copy of photos/shot-1.jpg, in group 1"
    review.accept(SCENE)
    assert removed(review) == [FIRST_COPY.path]


def test_a_shot_goes_with_the_copies_that_go_for_it(review: Review) -> None:
    review.accept(TWO)
    review.toggle(SCENE, 2)
    review.accept(SCENE)
    assert removed(review) == [SECOND.path, SECOND_COPY.path]
    assert [review.mark(TWO, place) for place in (0, 1)] == [Mark.DROP, Mark.DROP]
    assert review.reason(TWO, 0) == "goes for photos/shot-1.jpg, another shot, in group 3"


def planned_keepers(review: Review) -> list[tuple[int, bytes, bytes | None]]:
    """What a plan removes: its group, and the kept file that is checked first."""
    return [(each.group, each.path, each.keeper) for each in operations(plan_of(review))]


def test_no_reason_speaks_of_the_former_keeper_once_another_shot_is_chosen(review: Review) -> None:
    assert review.reason(SCENE, 2) == "stays: another shot; less sharp"
    review.choose(SCENE, 3)
    assert [review.reason(SCENE, place) for place in (0, 2)] == ["stays, too"] * 2
    assert review.reason(SCENE, 3) == "kept by your choice"


def test_a_copy_goes_for_the_chosen_keeper_by_its_reason_and_in_the_plan() -> None:
    third = photo(b"/copies/third.jpg", 500)
    review = Review([group(1, [FIRST, FIRST_COPY, third])])
    review.choose(ONE, 1)
    review.accept(ONE)
    assert review.reason(ONE, 2) == "goes as a copy of shot-1.jpg"
    assert plan_of(review).groups[0].files[2].reason == "resave; goes as a copy of shot-1.jpg"


def test_a_copy_that_a_burst_removes_goes_for_the_copy_of_it_that_stays(review: Review) -> None:
    review.toggle(SCENE, 4)
    review.accept(SCENE)
    assert review.reason(SCENE, 4) == "goes as a copy of shot-2.jpg"
    assert review.reason(TWO, 1) == "goes as a copy of photos/shot-2.jpg, in group 3"
    assert planned_keepers(review) == [(2, SECOND_COPY.path, SECOND.path)]
    assert [each.photo.path for each in planned(review).groups[0].members] == [SECOND.path, SECOND_COPY.path]


def test_the_group_in_which_a_copy_goes_by_a_burst_is_none_where_all_stays(
    review: Review, capsys: pytest.CaptureFixture[str]
) -> None:
    review.toggle(SCENE, 4)
    review.toggle(TWO, 1)
    review.accept(SCENE)
    summarize_plan(Notes(), plan_of(review), planned(review), (), "plan.txt")
    assert "in 1 group. Nothing was changed." in capsys.readouterr().err


def test_a_shot_that_a_burst_removes_goes_for_a_copy_of_it_that_stays_though_it_was_to_go(
    review: Review,
) -> None:
    review.toggle(SCENE, 2)  # and its copy with it
    review.toggle(SCENE, 4)
    review.accept(SCENE)
    assert planned_keepers(review) == [(2, SECOND.path, SECOND_COPY.path)]


def test_a_shot_of_which_a_person_said_that_it_is_no_copy_goes_for_the_kept_shot(review: Review) -> None:
    review.refuse(TWO)
    review.toggle(SCENE, 4)
    review.accept(SCENE)
    assert planned_keepers(review) == [(3, SECOND_COPY.path, FIRST.path)]


def test_the_groups_of_a_plan_are_those_that_a_person_decided_also_where_a_copy_goes_with_its_shot(
    review: Review,
) -> None:
    review.accept(TWO)
    review.toggle(SCENE, 2)
    review.accept(SCENE)
    made = planned(review)
    todo = operations(make_plan(made.groups, PlanOrigin("", "", "", b""), marks=made.actions))
    assert {operation.group for operation in todo} == {3}
    assert made.groups_of(todo) == {2, 3}


def test_what_a_photo_is_called_follows_from_its_shot_and_that_of_the_chosen_keeper() -> None:
    assert [each.label for each in related_to(BURST, 0)] == [
        "",
        "saved again",
        "other shot",
        "other shot",
        "copy of other shot",
    ]
    assert [each.label for each in related_to(BURST, 2)] == [
        "other shot",
        "copy of other shot",
        "",
        "other shot",
        "saved again",
    ]


class _Steps(UnsavedSteps):
    """Steps in memory."""

    def __init__(self) -> None:
        self.taken: list[ReviewStep] = []

    def steps(self) -> Iterable[ReviewStep]:
        return self.taken

    def append(self, step: ReviewStep) -> None:
        self.taken.append(step)


def test_what_was_decided_of_shots_decides_nothing_of_copies_of_the_kept_one_once_the_others_are_removed() -> (
    None
):
    steps = _Steps()
    review = Review(COPIES, steps)
    review.add([BURST])
    review.keep_only(SCENE, 0)
    review.accept(SCENE)
    gone = removed(review)
    assert FIRST_COPY.path not in gone
    review.settle(gone)
    again = Review(COPIES[:1], steps)
    assert again.decision(ONE).status is ReviewStatus.OPEN
    assert again.mark(ONE, 1) is Mark.DROP


def test_what_stays_for_a_copy_that_goes_as_a_shot_is_not_called_a_choice(review: Review) -> None:
    review.toggle(SCENE, 2)
    review.toggle(SCENE, 4) if review.mark(SCENE, 4) is Mark.DROP else None
    review.accept(SCENE)
    assert [review.mark(TWO, place) for place in (0, 1)] == [Mark.DROP, Mark.KEEPER]
    assert review.reason(TWO, 1) == "kept, as shot-2.jpg goes in group 3"


def test_no_reason_says_that_a_shot_is_kept_which_goes_with_its_copy(review: Review) -> None:
    review.accept(TWO)
    review.keep_only(SCENE, 0)
    assert review.reason(SCENE, 2) == "removed by your choice"
    assert review.reason(SCENE, 4) == "goes as a copy of photos/shot-2.jpg, in group 2"
    review.accept(SCENE)
    assert review.reason(SCENE, 4) == "goes with shot-2.jpg"


def test_a_shot_beside_which_an_edit_is_kept_stays_with_it_when_only_the_best_is_to_be_kept() -> None:
    edit = Member(
        SECOND_COPY, Verdict.EDIT, Evidence(), "crop", stay_reason=StayReason("edited", StayKind.EDITED)
    )
    made = Review([COPIES[0], replace(COPIES[1], members=(COPIES[1].members[0], edit))])
    made.add([BURST])
    made.accept(TWO)
    made.keep_only(SCENE, 0)
    assert [made.mark(SCENE, place) for place in (2, 3)] == [Mark.KEEP, Mark.DROP]
    made.accept(SCENE)
    assert removed(made) == [THIRD.path]


def test_a_shot_that_is_not_certainly_of_the_scene_stays_when_only_the_best_is_to_be_kept() -> None:
    unsure = replace(
        BURST, members=(*BURST.members[:3], shot(THIRD, Verdict.BURST, indirect=True), BURST.members[4])
    )
    made = Review(COPIES)
    made.add([unsure])
    made.keep_only(SCENE, 0)
    marks = [made.mark(SCENE, place) for place in range(5)]
    assert marks == [Mark.KEEPER, Mark.KEEP, Mark.DROP, Mark.KEEP, Mark.DROP]


def test_a_shot_that_was_kept_when_others_of_its_burst_went_is_not_marked_to_go_in_another_burst() -> None:
    steps = _Steps()
    first = Group(1, (shot(FIRST, None), shot(SECOND, Verdict.BURST)))
    review = Review([first], steps)
    review.keep_only(0, 0)
    review.accept(0)
    review.settle(removed(review))
    again = Review([Group(1, (shot(THIRD, None), shot(FIRST, Verdict.BURST)))], steps)
    assert again.reason(0, 1) == "stays: you kept it when others of its burst went; less sharp"
    with pytest.raises(UsageError, match=r"shot-1.jpg \(you kept it when others of its burst went\)"):
        again.keep_only(0, 0)
    assert not again.has_other_decisions
    again.toggle(0, 1)
    assert again.mark(0, 1) is Mark.DROP
    assert again.reason(0, 1) == "removed by your choice"


def test_each_shot_that_stays_beside_the_best_one_has_its_own_reason() -> None:
    upright = photo(b"/photos/upright.jpg", 3004, width=3000, height=4000)
    screen = photo(b"/photos/Screenshot_20230101.png", 3005)
    others = (shot(upright, Verdict.BURST), shot(screen, Verdict.BURST), shot(THIRD, Verdict.BURST))
    made = Review([replace(BURST, members=(BURST.members[0], *others))])
    assert (
        made.staying_beside(0, 0)
        == "upright.jpg (the camera was held another way), Screenshot_20230101.png (a screenshot)"
    )


def test_a_screenshot_stays_when_only_the_best_shot_is_to_be_kept() -> None:
    named = replace(shot(THIRD, Verdict.BURST), photo=photo(b"/photos/Screenshot_20230101.png", 3003))
    told = replace(shot(SECOND, Verdict.BURST), details=Details(screenshot=True))
    burst = replace(BURST, members=(BURST.members[0], told, named, shot(THIRD, Verdict.BURST)))
    made = Review([burst])
    made.keep_only(0, 0)
    assert [made.mark(0, place) for place in range(4)] == [Mark.KEEPER, Mark.KEEP, Mark.KEEP, Mark.DROP]


def test_the_plan_has_the_decisions_about_copies_and_bursts(review: Review) -> None:
    review.accept_all([ONE, TWO])
    review.toggle(SCENE, 3)
    review.accept(SCENE)
    assert sorted(removed(review)) == [FIRST_COPY.path, SECOND_COPY.path, THIRD.path]


def test_the_last_file_of_a_picture_stays(review: Review) -> None:
    review.accept(TWO)
    review.toggle(SCENE, 2)
    review.toggle(SCENE, 4)
    with pytest.raises(
        UsageError, match=r"shot-2.jpg must stay: shot-2.jpg goes for it in group 2 of copies"
    ):
        review.accept(SCENE)
    review.reopen(TWO)
    review.accept(SCENE)
    assert [review.mark(TWO, place) for place in (0, 1)] == [Mark.DROP, Mark.KEEPER]
    with pytest.raises(UsageError, match=r"shot-2.jpg goes in group 3 of bursts"):
        review.choose(TWO, 0)
    review.accept(TWO)
    assert removed(review) == [SECOND.path]


def test_a_keeper_that_another_group_needs_must_stay(review: Review) -> None:
    review.toggle(SCENE, 3)
    review.accept(SCENE)
    review.choose(ONE, 1)
    with pytest.raises(
        UsageError, match=r"shot-1.jpg must stay: shot-3.jpg goes for it in group 3 of bursts"
    ):
        review.accept(ONE)
    assert removed(review) == [THIRD.path]


def test_the_burst_keeps_the_copy_that_was_chosen(review: Review) -> None:
    review.choose(ONE, 1)
    review.accept(ONE)
    assert review.mark(SCENE, 1) is Mark.KEEPER
    review.toggle(SCENE, 3)
    review.accept(SCENE)
    assert sorted(removed(review)) == sorted([FIRST.path, THIRD.path])


def test_a_file_that_goes_elsewhere_is_kept_where_it_goes(review: Review) -> None:
    review.accept(ONE)
    with pytest.raises(UsageError, match=r"shot-1.jpg goes in group 1 of copies"):
        review.toggle(SCENE, 1)


def test_two_people_who_decide_at_odds_lose_no_picture(review: Review) -> None:
    review._set_decisions(
        {
            TWO: replace(review.decision(TWO), status=ReviewStatus.ACCEPTED),
            SCENE: replace(review.decision(SCENE), status=ReviewStatus.ACCEPTED, kept=frozenset({1, 3, 4})),
        }
    )
    assert removed(review) == [SECOND.path]


def test_what_is_left_of_a_burst_keeps_its_marks_when_copies_are_gone(review: Review) -> None:
    review.accept(ONE)
    review.toggle(SCENE, 3)
    review.settle({FIRST_COPY.path})
    rest = replace(BURST, members=tuple(each for each in BURST.members if each.photo is not FIRST_COPY))
    review.add([replace(rest, number=4)])
    assert review.mark(3, 2) is Mark.DROP
    assert review.decision(3).status is ReviewStatus.OPEN


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["toggle", "choose", "accept", "reopen", "all"]),
            st.integers(0, 2),
            st.integers(0, 4),
        )
    )
)
def test_whatever_is_decided_each_plan_is_valid_and_keeps_a_file_of_the_scene(
    steps: Sequence[tuple[str, int, int]],
) -> None:
    review = Review(COPIES)
    review.add([BURST])
    for name, number, member in steps:
        place = member % len(review.groups[number].members)
        try:
            match name:
                case "toggle" | "choose":
                    getattr(review, name)(number, place)
                case "all":
                    review.accept_all(range(3))
                case _:
                    getattr(review, name)(number)
        except UsageError:
            continue
    gone = set(removed(review))
    assert len(gone) < len(BURST.members)
    for number in (ONE, TWO):
        paths = {each.photo.path for each in COPIES[number].members}
        if paths <= gone:  # a picture goes as another shot only, by a person's mark
            assert review.decision(SCENE).status is ReviewStatus.ACCEPTED
            assert paths <= {
                BURST.members[place].photo.path
                for place in review.decision(SCENE).members_to_remove(len(BURST.members))
            }


def test_every_view_has_the_same_sum_and_the_same_plan() -> None:
    def source(_context: Context, options: DedupOptions) -> Sequence[Group]:
        return [replace(BURST, number=1)] if options.kinds == {Verdict.BURST} else COPIES

    async def script(hand: Hand) -> None:
        await hand.press("a", "a", "v", "space", "a")  # the first other shot is selected
        sums = []
        for _ in range(3):
            sums.append(hand.text.split("\n")[0].split("default")[-1].strip())
            await hand.press("v")
        assert sums == ["3 files go, 5.0 kB"] * 3

    drive(source, script)


def test_a_decision_is_not_undone_once_its_files_are_removed() -> None:
    steps = _Steps()
    review = Review(COPIES, steps)
    review.accept(ONE)
    review.settle({FIRST_COPY.path})
    for again in (review, Review(COPIES, steps)):
        with pytest.raises(UsageError, match="no decision to undo"):
            again.undo()
    review.accept(TWO)
    assert review.undo() == ("accept", [TWO])


def test_a_decision_to_keep_all_shots_holds_when_a_copy_of_one_comes_back() -> None:
    steps = _Steps()
    review = Review(COPIES, steps)
    review.add([BURST])
    review.accept(ONE)
    review.accept(SCENE)
    review.settle({FIRST_COPY.path})
    again = Review(COPIES, steps)
    again.add([BURST])
    assert again.decision(SCENE).status is ReviewStatus.ACCEPTED
    assert again.decision(ONE).status is ReviewStatus.OPEN
    assert removed(again) == []


def test_keeping_the_keeper_only_removes_nothing_before_it_is_accepted(review: Review) -> None:
    review.accept(SCENE)
    review.keep_only(SCENE, 0)
    assert review.decision(SCENE).status is ReviewStatus.OPEN
    assert removed(review) == []


def taken(photo_: Photo, time: str) -> Photo:
    return replace(photo_, info=replace(photo_.info, taken=time))


def test_keeping_the_keeper_only_keeps_what_was_shot_at_another_time_or_with_the_camera_held_in_another_way() -> (
    None
):
    first, soon, later, unknown = (photo(b"/%d.jpg" % n, 100 + n) for n in range(4))
    burst = Group(
        1,
        (
            shot(taken(first, "2024-05-18 10:00:00"), None),
            shot(taken(soon, "2024-05-18 10:00:04"), Verdict.BURST),
            shot(taken(later, "2024-05-18 11:00:05"), Verdict.BURST),
            shot(unknown, Verdict.BURST),
            Member(photo(b"/4.jpg", 104), Verdict.BURST, Evidence(turn=6), "", stay_reason=KEPT),
            shot(photo(b"/5.jpg", 105, width=3000, height=4000), Verdict.BURST),
        ),
    )
    made = Review([burst])
    made.keep_only(0, 0)
    assert [place for place in range(6) if made.mark(0, place) is Mark.DROP] == [1, 3]


def test_another_keeper_takes_the_place_of_the_one_that_was_kept_only(review: Review) -> None:
    review.keep_only(SCENE, 0)
    review.choose(SCENE, 3)
    assert review.mark(SCENE, 3) is Mark.KEEPER
    assert [review.mark(SCENE, place) for place in (0, 2)] == [Mark.DROP, Mark.DROP]
    review.accept(SCENE)
    assert THIRD.path not in removed(review)


def test_a_mark_by_which_more_goes_is_not_accepted_yet(review: Review) -> None:
    review.accept(SCENE)
    review.toggle(SCENE, 3)
    assert review.decision(SCENE).status is ReviewStatus.OPEN
    assert removed(review) == []
    review.accept(SCENE)
    review.toggle(SCENE, 3)
    assert review.decision(SCENE).status is ReviewStatus.ACCEPTED


def test_a_group_frees_as_much_once_it_is_accepted_as_its_marks_say(review: Review) -> None:
    review.accept(TWO)
    review.keep_only(SCENE, 0)
    marked = review.removes(SCENE)
    review.accept(SCENE)
    assert review.removes(SCENE) == marked
    assert marked.files == review.totals.files == 3
    assert review.removes(TWO).files == 0


def test_groups_of_which_all_goes_with_another_group_are_accepted_apart_from_those_in_which_nothing_goes() -> (
    None
):
    still = group(4, [photo(b"/x/a.jpg"), photo(b"/x/b.jpg")], Verdict.EDIT)
    review = Review([*COPIES, still])
    review.add([BURST])
    burst = len(review.groups) - 1
    review.keep_only(burst, 0)
    review.accept(burst)
    order = np.arange(len(review.groups))
    sets = bulk_choices(review, Listing(review.groups), order, 0).sets
    told = {each.label.removeprefix("in the list: "): each.numbers for each in sets if not each.files}
    assert told == {
        "all in which nothing goes": (2,),
        "all in which what goes already goes with another group": (1,),
    }


def test_the_title_of_a_group_says_whole_at_120_columns_what_goes_with_another_group() -> None:
    copies = [COPIES[0], group(42, [SECOND, SECOND_COPY], Verdict.RESAVE)]

    def source(_context: Context, options: DedupOptions) -> Sequence[Group]:
        return [replace(BURST, number=1)] if options.kinds == {Verdict.BURST} else copies

    async def script(hand: Hand) -> None:
        await hand.press("v", "b", "a", "v", "v")
        hand.groups.cursor = hand.groups.order.tolist().index(TWO)
        await hand.settle()
        assert "Group 42: 2 photos, saved again, 2 go in other groups \u2500" in hand.text

    drive(source, script, size=(120, 36))


def test_a_copy_that_goes_with_its_shot_does_not_go_for_it(review: Review) -> None:
    review.toggle(SCENE, 2)
    assert review.reason(SCENE, 4) == "goes with shot-2.jpg"
    review.toggle(SCENE, 2)
    review.toggle(SCENE, 4)
    assert review.reason(SCENE, 4) == "goes as a copy of shot-2.jpg"


def test_what_accepted_groups_free_adds_up_to_the_plan(review: Review) -> None:
    review.keep_only(SCENE, 0)
    review.accept(SCENE)
    freed = review.removes(SCENE)
    for number in (TWO, ONE):
        review.accept(number)
        assert review.removes(SCENE) == freed
    assert sum(review.removes(each).gain for each in (ONE, TWO, SCENE)) == review.totals.gain
