"""The review on the screen: keys make marks, marks are on disk, and the next session goes on from there."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.made_groups import group, many, on_disk, photo
from support.tui_driver import Hand, drive

from vtsfind.base.groups import Group, Verdict
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.review.filters import Listing, weakest_verdict
from vtsfind.engine.review.state import Mark, ReviewStatus
from vtsfind.graphics.detect import Graphics
from vtsfind.tui.screens.compare import ComparePage
from vtsfind.tui.widgets.dialogs import BulkAcceptDialog, HelpDialog
from vtsfind.tui.widgets.group_pane import GroupPane, OrderReady


def test_accepting_goes_on_to_the_next_open_group_and_outlives_the_session() -> None:
    groups = many(30)

    async def first(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        await hand.press("a", "a")
        assert hand.review.decision(number).status is ReviewStatus.ACCEPTED
        assert hand.groups.cursor == 2

    async def second(hand: Hand) -> None:
        assert hand.review.totals.decided == 2
        assert hand.groups.cursor == 2, "the first undecided group"
        await hand.press("u", "u")
        assert hand.review.totals.decided == 0
        assert hand.groups.cursor == 0

    drive(groups, first)
    drive(groups, second)


def test_a_row_names_the_keeper_that_was_chosen_and_after_undoing_the_proposed_one() -> None:
    pair = group(1, [photo(b"/x/sunset.jpg"), photo(b"/y/copy.jpg")])

    async def script(hand: Hand) -> None:
        assert "sunset.jpg  /x" in hand.groups.render_line(0).text
        await hand.press("2")
        assert "copy.jpg  /y" in hand.groups.render_line(0).text
        await hand.press("u")
        assert "sunset.jpg  /x" in hand.groups.render_line(0).text

    drive([pair], script)


def test_the_selected_photo_is_the_first_that_goes_whichever_group_is_shown_so_that_space_is_about_it() -> (
    None
):
    trios = [group(n, [photo(b"/%d/%s.jpg" % (n, name)) for name in (b"a", b"b", b"c")]) for n in (1, 2, 3)]

    async def script(hand: Hand) -> None:
        assert hand.members.cursor == 1
        await hand.press("right", "a")
        assert (hand.groups.cursor, hand.members.cursor) == (1, 1)
        await hand.press("space")
        assert [hand.review.mark(1, place) for place in range(3)] == [Mark.KEEPER, Mark.KEEP, Mark.DROP]
        assert hand.members.cursor == 1, "the photo that was marked stays selected"
        await hand.press("down", "up")
        assert hand.members.cursor == 2, "the first that goes now"
        await hand.press("u", "u")
        assert (hand.groups.cursor, hand.members.cursor) == (0, 1)
        await hand.press("n")
        assert [hand.review.mark(0, place) for place in range(3)] == [
            Mark.KEEPER,
            Mark.NOT_DUPLICATE,
            Mark.DROP,
        ]

    drive(trios, script)


def test_space_digits_and_n_mark_photos_and_u_takes_each_mark_back() -> None:
    groups = [
        group for group in many(40) if len(group.members) > 3 and weakest_verdict(group) is Verdict.RESAVE
    ]

    async def script(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        await hand.press("space")
        assert hand.review.mark(number, 1) is Mark.KEEP
        await hand.press("3")
        assert hand.review.mark(number, 2) is Mark.KEEPER
        assert hand.review.mark(number, 0) is Mark.DROP
        await hand.press("n")
        assert hand.review.mark(number, 1) is Mark.NOT_DUPLICATE
        await hand.press("u", "u", "u")
        assert [hand.review.mark(number, place) for place in range(3)] == [Mark.KEEPER, Mark.DROP, Mark.DROP]

    drive(groups, script)


def test_no_duplicate_is_remembered_by_content_for_ever_until_it_is_taken_back() -> None:
    groups = many(12)

    async def script(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        first, *others = (member.photo.digest for member in groups[number].members)
        await hand.press("left", "n")
        assert hand.review.decision(number).status is ReviewStatus.REFUSED
        assert all(known_decisions().is_excluded(first, other) for other in others)
        await hand.press("u")
        assert not any(known_decisions().is_excluded(first, other) for other in others)

    drive(groups, script)


def test_all_alike_are_accepted_after_their_number_is_shown_and_taken_back_at_once() -> None:
    groups = many(60)

    async def script(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        alike = [
            place
            for place, each in enumerate(groups)
            if weakest_verdict(each) is weakest_verdict(groups[number])
        ]
        await hand.press("A")
        hand.page(BulkAcceptDialog)
        assert f"{len(alike)} groups" in hand.text
        await hand.press("enter")
        assert {
            place for place in range(60) if hand.review.decision(place).status is ReviewStatus.ACCEPTED
        } == set(alike)
        await hand.press("u")
        assert hand.review.totals.decided == 0

    drive(groups, script)


def test_groups_in_which_nothing_goes_are_accepted_in_one_go() -> None:
    edits = [group(n, [photo(b"/%d/a.jpg" % n), photo(b"/%d/b.jpg" % n)], Verdict.EDIT) for n in (1, 2, 3)]

    async def script(hand: Hand) -> None:
        await hand.press("A")
        assert "in the list: all in which nothing goes" in hand.text
        assert "3 groups, adds nothing to the plan" in hand.text
        await hand.press("enter")
        assert (hand.review.totals.decided, hand.review.totals.files) == (3, 0)

    drive(edits, script)


def test_two_files_of_one_name_differ_in_the_plan_at_80_columns(tmp_path: Path) -> None:
    shots = []
    for year in (2020, 2021):
        paths = [tmp_path / folder / "IMG_1076.jpg" for folder in (f"{year}", f"{year}/export")]
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            path.touch()
        shots.append(group(year, [photo(os.fsencode(path)) for path in paths]))

    async def script(hand: Hand) -> None:
        await hand.press("a", "a", "f5")
        for year in (2020, 2021):
            assert f"{year}/export/IMG_1076.jpg  keeps {year}/IMG_1076.jpg" in hand.text

    drive(shots, script, size=(80, 24))


def test_the_kinds_that_are_accepted_at_once_are_named_plainly() -> None:
    kinds = (Verdict.BYTES, Verdict.PIXELS, Verdict.EDIT)
    groups = [
        group(n, [photo(b"/x/%d-a.jpg" % n), photo(b"/x/%d-b.jpg" % n)], kind)
        for n, kind in enumerate(kinds, 1)
    ]

    async def script(hand: Hand) -> None:
        for place, kind in ((1, "exact copies and same pixels"), (2, "all kinds, edited ones too")):
            hand.groups.cursor = hand.groups.order.tolist().index(place)
            await hand.press("A")
            assert f"of {kind}, if all their photos are in /x" in hand.text
            await hand.press("escape")

    drive(groups, script)


def test_groups_of_which_something_goes_are_accepted_apart_from_the_others_and_undone_together() -> None:
    kinds = (Verdict.BYTES, Verdict.EDIT, Verdict.RESAVE)
    groups = [
        group(n, [photo(b"/%d/a.jpg" % n), photo(b"/%d/b.jpg" % n)], kind) for n, kind in enumerate(kinds, 1)
    ]

    def statuses(hand: Hand) -> list[ReviewStatus]:
        return [hand.review.decision(place).status for place in range(3)]

    async def script(hand: Hand) -> None:
        for _ in range(2):
            hand.groups.cursor = 0
            await hand.press("A", "down")
            assert "in the list: all in which something goes" in hand.text
            await hand.press("enter")
            await hand.settle()
            assert statuses(hand) == [ReviewStatus.ACCEPTED, ReviewStatus.OPEN, ReviewStatus.ACCEPTED]
            assert hand.groups.group == 1
            await hand.press("u")
            assert hand.groups.group == hand.groups.order[0]
        assert statuses(hand) == [ReviewStatus.OPEN] * 3

    drive(groups, script)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
def test_a_long_reason_hides_no_folder(size: tuple[int, int]) -> None:
    (long, *_) = [group(1, [photo(b"/x/holiday/a.jpg"), photo(b"/x/phone/b.jpg")])]
    words = "has more EXIF fields and a place, and is the larger of two files that were both saved again " * 3
    long = replace(long, members=tuple(replace(each, reason=words) for each in long.members))

    async def script(hand: Hand) -> None:
        assert "/x/holiday" in hand.text
        assert "/x/phone" in hand.text
        await hand.press("enter")
        assert "1 in /x/holiday" in hand.text
        assert "2 in /x/phone" in hand.text

    drive([long], script, size=size)


def test_groups_in_doubt_are_left_out_counted_and_found() -> None:
    sure, unsure = (group(n, [photo(b"/%d/a.jpg" % n), photo(b"/%d/b.jpg" % n)]) for n in (1, 2))
    unsure = replace(unsure, tied=True, doubt="a crop or a collage")

    async def script(hand: Hand) -> None:
        await hand.press("A")
        assert "1 group, removes 1 photo" in hand.text
        assert "Left out: 1 group to check" in " ".join(hand.text.split())
        await hand.press("enter")
        assert [hand.review.decision(place).status for place in (0, 1)] == [
            ReviewStatus.ACCEPTED,
            ReviewStatus.OPEN,
        ]
        await hand.press("slash")
        await hand.write("is:check")
        assert hand.groups.order.tolist() == [1]
        await hand.press("enter", "A")
        assert "No group in the list can be accepted without a look." in hand.text
        await hand.press("enter")
        assert hand.groups.has_focus
        await hand.press("a")
        assert hand.review.totals.files == 2

    drive([sure, unsure], script)


def test_an_order_that_comes_late_does_not_replace_the_one_that_was_wished_since() -> None:
    groups = many(300)

    async def script(hand: Hand) -> None:
        pane = hand.app.screen.query_one(GroupPane)
        every = OrderReady(pane.wish(Listing(groups), hand.app.session.view), hand.groups.order)
        listing = hand.app.session.listing
        assert listing
        late = OrderReady(pane.wish(listing, hand.app.session.view), hand.groups.order)
        await hand.press("slash")
        await hand.write("07")
        filtered = hand.groups.order.tolist()
        assert len(filtered) < 300
        for message in (every, late):
            pane.post_message(message)
            await hand.settle()
            assert hand.groups.order.tolist() == filtered

    drive(groups, script)


def test_leaving_the_question_about_all_alike_accepts_none() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("A", "escape")
        assert hand.review.totals.decided == 0
        assert hand.groups.has_focus

    drive(many(12), script)


def test_typed_words_filter_the_groups_and_escape_shows_them_all() -> None:
    groups = many(300)

    async def script(hand: Hand) -> None:
        await hand.press("slash")
        await hand.write("kind:edit 07")
        assert 0 < len(hand.groups.order) < 60
        assert {weakest_verdict(groups[place]) for place in hand.groups.order.tolist()} == {Verdict.EDIT}
        await hand.press("enter")
        assert hand.groups.has_focus
        await hand.press("escape")
        assert len(hand.groups.order) == 300

    drive(groups, script)


def test_a_wrong_kind_is_said() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("slash")
        await hand.write("kind:odd")
        await hand.press("enter")
        assert any("no kind 'odd'" in note for note in hand.told)
        await hand.press("escape")
        assert len(hand.groups.order) == 12

    drive(many(12), script)


def test_the_cursor_stays_on_its_group_when_the_order_changes() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("down", "down", "down")
        number = hand.groups.group
        for key in ("t", "t", "T", "t"):
            await hand.press(key)
            assert hand.groups.group == number

    drive(many(50), script)


def test_kinds_are_shown_one_after_the_other_and_then_all() -> None:
    groups = many(60)

    async def script(hand: Hand) -> None:
        seen = []
        for _ in range(len({weakest_verdict(each) for each in groups})):
            await hand.press("f")
            (kind,) = {weakest_verdict(groups[place]) for place in hand.groups.order.tolist()}
            seen.append(kind)
        assert len(set(seen)) == len(seen)
        await hand.press("f")
        assert len(hand.groups.order) == 60
        await hand.press("f", "escape")
        assert len(hand.groups.order) == 60

    drive(groups, script)


def test_a_hundred_thousand_groups_scroll_to_the_end_and_back() -> None:
    groups = many(20) * 5000

    async def script(hand: Hand) -> None:
        await hand.press("end")
        assert hand.groups.cursor == len(groups) - 1
        await hand.press("home", "pagedown")
        assert 0 < hand.groups.cursor < 100

    drive(groups, script)


def test_pictures_are_drawn_and_one_that_is_deleted_while_shown_is_said_to_be_gone(tmp_path: Path) -> None:
    groups = on_disk(tmp_path, 2)

    async def script(hand: Hand) -> None:
        assert any(character in hand.text for character in "\u2580\u258c\u259a\u2598")
        assert "is gone" not in hand.text
        os.unlink(hand.members.cards[1].path)
        hand.members.check()
        await hand.settle()
        assert "is gone" in hand.text
        await hand.press("a")
        assert hand.review.totals.files == 1

    drive(groups, script)


def test_pictures_of_pixels_are_written_over_their_places_once_these_are_drawn(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        written: list[str] = []
        hand.app.write_raw = written.append  # type: ignore[assignment, method-assign]
        await hand.press("down")
        places = {text.partition("H")[0] for text in written if "\x1bP0;1;0q" in text}
        assert len(places) == 3
        written.clear()
        await hand.press("enter")
        assert len({text.partition("H")[0] for text in written if "\x1bP0;1;0q" in text}) == 2
        written.clear()
        await hand.press("question_mark")
        assert not any("\x1bP" in text for text in written)

    drive(on_disk(tmp_path, 3), script, graphics=Graphics.SIXEL)


def test_kitty_gets_each_picture_once_and_its_characters_as_text(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        written: list[str] = []
        hand.app.write_raw = written.append  # type: ignore[assignment, method-assign]
        hand.app.pictures._write = written.append
        await hand.press("down", "up", "down")
        sent = re.findall(r"a=T,U=1,.*?,i=(\d+),", "".join(written))
        assert len(sent) == len(set(sent)) >= 3
        assert "\U0010eeee" in hand.text

    drive(on_disk(tmp_path, 3), script, graphics=Graphics.KITTY)


def test_without_pictures_everything_else_is_there(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        assert "beach-small.jpg" in hand.text
        assert not any(character in hand.text for character in "\u2580\u259a\u2598")
        await hand.press("enter", "f", "d")
        assert "Pictures are off" in hand.text
        await hand.press("escape", "a")
        assert hand.review.totals.decided == 1

    drive(on_disk(tmp_path / "p", 2), script, graphics=Graphics.OFF)


def test_a_drive_that_is_not_there_costs_the_pictures_only(tmp_path: Path) -> None:
    groups = on_disk(tmp_path / "drive", 2)
    (tmp_path / "drive").rename(tmp_path / "elsewhere")

    async def script(hand: Hand) -> None:
        assert hand.text.count("is gone") == 3
        await hand.press("a", "o", "O")
        assert hand.review.totals.decided == 1
        assert any("no longer exists" in note for note in hand.told)

    drive(groups, script)


def test_a_terminal_that_is_too_small_is_told_so_and_keys_still_count() -> None:
    async def script(hand: Hand) -> None:
        assert "too small: 40\u00d710" in hand.text
        await hand.pilot.resize_terminal(80, 24)
        await hand.settle()
        assert "groups" in hand.text
        await hand.press("a")
        assert hand.review.totals.decided == 1

    drive(many(12), script, size=(40, 10))


def test_what_is_said_of_photos_is_as_wide_as_the_terminal_after_it_was_resized() -> None:
    said = "the most pixels of all the copies"
    members = many(1)[0].members
    groups = [Group(1, (replace(members[0], reason=said), *members[1:2]))]

    async def script(hand: Hand) -> None:
        assert said not in hand.text
        await hand.pilot.resize_terminal(160, 24)
        await hand.settle()
        assert said in hand.text

    drive(groups, script, size=(80, 24))


def test_there_may_be_no_duplicates_at_all() -> None:
    async def script(hand: Hand) -> None:
        assert "There are no copies." in hand.text
        await hand.press("a", "n", "u", "enter", "s", "o", "space", "A")

    drive([], script)


def test_a_click_chooses_a_group_and_a_photo_and_a_second_click_looks_closely(tmp_path: Path) -> None:
    groups = on_disk(tmp_path, 4)

    async def script(hand: Hand) -> None:
        await hand.pilot.click("#groups", offset=(10, 3))
        await hand.settle()
        assert hand.groups.cursor == 2
        await hand.pilot.click("#members", offset=(30, 5))
        await hand.settle()
        assert hand.members.cursor == 1
        await hand.pilot.click("#members", offset=(30, 5), times=2)
        await hand.settle()
        hand.page(ComparePage)

    drive(groups, script)


def test_the_help_shows_the_keys_of_the_screen_in_front() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("question_mark")
        hand.page(HelpDialog)
        assert "Keys: Groups" in hand.text
        assert "Not a duplicate" in hand.text
        await hand.press("escape", "f2", "question_mark")
        assert "Keys: Home" in hand.text

    drive(many(3), script)


def test_a_session_that_is_open_elsewhere_is_not_written_to_twice(tmp_path: Path) -> None:
    from vtsfind.base.settings import Settings
    from vtsfind.engine.review.session_log import SavedSteps

    settings = Settings(library=str(tmp_path / "library"))

    async def script(hand: Hand) -> None:
        assert hand.app.session.review is None
        assert "is being reviewed by process" in " ".join(hand.text.split())

    with SavedSteps(tmp_path / "library"):
        drive(many(3), script, settings=settings)


def test_a_keeper_that_must_stay_is_named_when_it_is_marked(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("left", "space")
        assert "beach.jpg" in hand.told[-1]
        assert "press the digit of the photo to keep instead, then mark this one (space)" in hand.told[-1]
        await hand.press("slash")
        assert "Esc Clear" in hand.text.splitlines()[-1]

    drive(on_disk(tmp_path, 1), script)
