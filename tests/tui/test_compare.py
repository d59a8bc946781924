"""Two photos closely: on the screen, and the arithmetic below it."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.drawn_photos import scene
from support.made_groups import judged, on_disk, photo
from support.tui_driver import Hand, drive
from textual.widgets import Static

from vtsfind.base.groups import Box, Evidence, Group, Member, Verdict
from vtsfind.base.quality import Details
from vtsfind.base.records import Failure, PictureInfo
from vtsfind.base.settings import Settings
from vtsfind.engine.previews.decode import SMALL_SIDE_PX, Preview, Previews
from vtsfind.engine.review.alignment import (
    aligned,
    apply_orientation,
    difference,
    differing_share,
    orient_box,
    resized,
    shared_parts,
    sharpness,
)
from vtsfind.engine.review.facts import ComparedFile, facts
from vtsfind.engine.review.relations import related_to
from vtsfind.engine.review.state import Mark, ReviewStatus
from vtsfind.tui.screens.compare import ComparePage
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.widgets.facts_panel import FactsPanel, verdict_text
from vtsfind.tui.widgets.group_list import GroupList
from vtsfind.tui.widgets.image_view import ZoomView
from vtsfind.tui.widgets.pair_view import PairView


def picture(
    seed: int, width: int = 160, height: int = 120
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(scene(seed, width, height))


@pytest.mark.parametrize(
    ("names", "boxed", "words"),
    [
        ((b"/Screenshot_1.png", b"/a.jpg"), 0, "the photo fills 67 % of the screenshot"),
        ((b"/a.jpg", b"/Screenshot_1.png"), 1, "the photo fills 67 % of the screenshot"),
        ((b"/a.jpg", b"/Screenshot_1.png"), 0, "the screenshot shows 67 % of the photo"),
        ((b"/a.jpg", b"/b.jpg"), 1, "1 shows 67 % of 2"),
        ((b"/Screenshot_1.png", b"/Screenshot_2.png"), 1, "1 shows 67 % of 2"),
    ],
)
def test_of_a_screenshot_is_said_how_much_of_it_the_photo_fills(
    names: tuple[bytes, bytes], boxed: int, words: str
) -> None:
    evidence = Evidence(box=Box(0.0, 0.2, 1.0, 0.87), boxed=boxed)
    members = (
        Member(photo(name), verdict, seen, "", Details())
        for name, verdict, seen in zip(names, (None, Verdict.EDIT), (Evidence(), evidence), strict=True)
    )
    kept, other = related_to(Group(1, tuple(members)), 0)
    assert verdict_text((kept, other), ("1", "2")).endswith(f", {words}")


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_turned_copy_lies_on_the_first_again(turn: int) -> None:
    whole = picture(1)
    undo = {6: 8, 8: 6}.get(turn, turn)
    pair = aligned(whole, apply_orientation(whole, undo), Evidence(turn=turn))
    assert np.array_equal(pair.first, pair.second)
    assert differing_share(pair) == 0


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_box_turns_with_its_picture(turn: int) -> None:
    marked = np.zeros((40, 60, 3), np.uint8)
    marked[4:12, 30:54] = 255
    box = orient_box(Box(30 / 60, 4 / 40, 54 / 60, 12 / 40), turn)
    shown = apply_orientation(marked, turn)
    height, width = shown.shape[:2]
    rows, columns = np.nonzero(shown[:, :, 0])
    found = (
        columns.min() / width,
        rows.min() / height,
        (columns.max() + 1) / width,
        (rows.max() + 1) / height,
    )
    assert np.allclose(found, (box.left, box.top, box.right, box.bottom))


def test_a_crop_lies_in_its_box_and_differs_nowhere_there() -> None:
    whole = picture(2)
    crop = whole[30:90, 40:120]
    box = Box(0.25, 0.25, 0.75, 0.75)
    for pair in (
        aligned(whole, crop, Evidence(box=box, boxed=0)),
        aligned(crop, whole, Evidence(box=box, boxed=1)),
    ):
        assert pair.first.shape == pair.second.shape == whole.shape
        assert differing_share(pair) == 0
        heat = difference(pair)
        assert not heat[:29].any()
        assert heat[30:90, 40:120].max() < 40


def test_a_retouched_spot_is_the_brightest_of_the_difference() -> None:
    whole = picture(3)
    other = whole.copy()
    other[50:60, 70:90] = 255 - other[50:60, 70:90]
    pair = aligned(whole, other, Evidence())
    heat = difference(pair).sum(axis=2)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    assert 50 <= row < 60
    assert 70 <= column < 90
    assert 0 < differing_share(pair) < 0.02


def test_a_blurred_copy_is_less_sharp_whatever_its_size() -> None:
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (200, 300, 3), dtype=np.uint8)
    blurred = resized(resized(sharp, 50, 75), 400, 600)
    own, other = sharpness(sharp, blurred)
    assert own > 2 * other


def test_a_crop_is_as_sharp_as_the_part_that_it_shows() -> None:
    rng = np.random.default_rng(1)
    whole = np.zeros((200, 300, 3), np.uint8)
    whole[50:150, 75:225] = rng.integers(0, 256, (100, 150, 3), dtype=np.uint8)
    box = Box(0.25, 0.25, 0.75, 0.75)
    crop = whole[50:150, 75:225]
    own, other = sharpness(*shared_parts(whole, crop, Evidence(box=box, boxed=0)))
    assert own == other
    own, other = sharpness(*shared_parts(crop, whole, Evidence(box=box, boxed=1)))
    assert own == other


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40))
def test_resizing_keeps_a_flat_picture_flat(height: int, width: int, rows: int, columns: int) -> None:
    flat = np.full((height, width, 3), 77, np.uint8)
    assert (resized(flat, rows, columns) == 77).all()
    assert resized(flat, rows, columns).shape == (rows, columns, 3)


def test_facts_name_the_better_file_and_leave_out_what_neither_says() -> None:
    first = ComparedFile(
        "a.jpg", 2000, "", PictureInfo(400, 300, 1, "2020-01-01 10:00:00", "JPEG"), Details(gps=True)
    )
    second = ComparedFile("b.jpg", 3000, "", PictureInfo(200, 150, 1, None, "JPEG"), Details(quality=80))
    lines = {fact.name: fact for fact in facts(first, second)}
    assert (lines["pixels"].better, lines["bytes"].better, lines["taken"].better) == (1, 2, 1)
    assert (lines["place (GPS)"].better, lines["JPEG quality"].better) == (1, 2)
    assert lines["format"].same
    assert "rating" not in lines


def shown(hand: Hand) -> ZoomView:
    return hand.page(ComparePage).query_one("#first", ZoomView)


def drawn(view: ZoomView) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The mean colour of each character that a view draws, (lines, columns, 3)."""
    assert view._current_picture
    rows = []
    for line in view._current_picture.lines:
        row: list[tuple[float, ...]] = []
        for text, style, _ in line:
            assert style
            assert style.color
            assert style.color.triplet
            assert style.bgcolor
            assert style.bgcolor.triplet
            pair = np.array([style.color.triplet, style.bgcolor.triplet], np.float64)
            row += [tuple(pair.mean(axis=0))] * len(text)
        rows.append(row)
    return np.array(rows)


def test_flicker_difference_and_side_by_side_keep_zoom_and_place(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter")
        view = hand.page(ComparePage).query_one(PairView)
        assert "saved again" in hand.text
        await hand.press("plus", "plus", "right")
        viewport = view.viewport
        assert viewport
        assert viewport.zoom > 2
        for key in ("f", "f", "d", "v"):
            await hand.press(key)
            assert view.viewport == viewport
            request = shown(hand)._current_request
            assert request
            assert request.viewport == viewport
        await hand.press("0")
        assert view.viewport is None

    drive(on_disk(tmp_path), script)


@pytest.mark.parametrize("keys", [["plus"], ["plus", "plus", "plus", "right", "down"], ["plus"] * 5])
def test_zoomed_in_both_views_show_the_same_detail_of_a_photo_and_its_crop(
    tmp_path: Path, keys: list[str]
) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", "tab")
        page = hand.page(ComparePage)
        first, second = (drawn(page.query_one(name, ZoomView)) for name in ("#first", "#second"))
        whole = first.shape != second.shape or np.abs(first - second).mean()
        assert whole is True or whole > 20, "the whole photos differ: one is a quarter of the other"
        await hand.press(*keys)
        first, second = (drawn(page.query_one(name, ZoomView)) for name in ("#first", "#second"))
        rows, columns = min(first.shape[0], second.shape[0]), min(first.shape[1], second.shape[1])
        assert np.abs(first[:rows, :columns] - second[:rows, :columns]).mean() < 12
        await hand.press(*["minus"] * 5)
        assert page.query_one(PairView).viewport is None

    drive(on_disk(tmp_path, 1), script)


class SlowToDecode(Previews):
    """Previews whose large pictures wait until they are let through."""

    def __init__(self) -> None:
        super().__init__(Settings(workers=1))
        self.gate = threading.Event()

    def preview(self, path: bytes, longest: int = SMALL_SIDE_PX) -> Preview | Failure:
        if longest > SMALL_SIDE_PX:
            self.gate.wait(30)
        return super().preview(path, longest)


def test_photos_are_shown_before_their_large_pictures_are_decoded_and_nothing_jumps_then(
    tmp_path: Path,
) -> None:
    previews = SlowToDecode()

    async def script(hand: Hand) -> None:
        await hand.pilot.press("enter")
        while not isinstance(hand.app.screen, ComparePage):
            await hand.pilot.pause()
        page = hand.page(ComparePage)
        views = [page.query_one(name, ZoomView) for name in ("#first", "#second")]
        for key in ("b", "b"):
            await hand.pilot.press(key)
            while any(view._current_picture is None for view in views):
                await hand.pilot.pause(0.01)
        before = [view.region for view in views]
        previews.gate.set()
        await hand.settle()
        assert "480\u00d7360" in hand.text
        assert [view.region for view in views] == before

    try:
        drive(on_disk(tmp_path, 1), script, previews=previews)
    finally:
        previews.gate.set()


def test_flicker_swaps_the_two_photos_in_one_place(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", "f")
        second = shown(hand)._current_picture
        await hand.press("f")
        first = shown(hand)._current_picture
        await hand.press("f")
        assert shown(hand)._current_picture is second
        assert first is not second
        assert not hand.page(ComparePage).query_one("#second").display

    drive(on_disk(tmp_path), script)


def test_what_differs_is_listed_and_what_does_not_is_said_once(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter")
        assert "480\u00d7360" in hand.text
        assert "240\u00d7180" in hand.text
        assert "bits differ" not in hand.text
        await hand.press("i")
        assert "the same: " in hand.text
        assert "2 of 256 bits differ" in hand.text
        await hand.press("tab")
        assert "edited: crop, 25 % of it" in hand.text

    drive(on_disk(tmp_path), script)


def test_photos_are_marked_while_they_are_compared_and_accepting_goes_on(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        number = hand.groups.group
        assert number is not None
        await hand.press("enter", "space")
        assert hand.review.mark(number, 1) is Mark.KEEP
        await hand.press("u", "2")
        assert hand.review.mark(number, 1) is Mark.KEEPER
        await hand.press("a")
        assert hand.review.decision(number).status is ReviewStatus.ACCEPTED
        page = hand.page(ComparePage)
        assert page._number != number
        await hand.press("greater_than_sign", "less_than_sign", "n", "escape")
        hand.page(GroupsPage)
        assert len(hand.app.screen_stack) == 1

    drive(on_disk(tmp_path), script)


@pytest.mark.parametrize("mode", ["v", "f", "d"])
def test_what_becomes_of_a_photo_follows_its_mark_in_every_view(mode: str, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", mode)
        assert "2 may go: " in hand.text
        await hand.press("space")
        assert "2 kept by your choice" in hand.text
        await hand.press("space")
        assert "2 may go: " in hand.text

    drive(on_disk(tmp_path, 1), script, size=(80, 24))


def test_all_facts_can_be_reached_at_80_columns(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", "i")
        panel = hand.app.screen.query_one(FactsPanel)
        assert panel.max_scroll_y > 0
        await hand.press(*["J"] * panel.max_scroll_y)
        assert panel.scroll_y == panel.max_scroll_y
        await hand.press(*["K"] * panel.max_scroll_y)
        assert panel.scroll_y == 0

    drive(on_disk(tmp_path, 1), script, size=(80, 24))


def test_a_photo_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    groups = on_disk(tmp_path, 1)
    os.unlink(groups[0].members[1].photo.path)

    async def script(hand: Hand) -> None:
        await hand.press("enter", "f", "d", "v", "plus", "b")
        assert "is gone" in hand.text

    drive(groups, script)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_both_photos_of_a_pair_say_why(size: tuple[int, int], tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        words = [" ".join(part for line in card.text for part, _ in line) for card in hand.members.cards]
        for said, expected in zip(
            words, ("kept: 480x360, the", "may go: 240x180", "stays: crop, 25 %"), strict=True
        ):
            assert expected in said
        await hand.press("enter")
        assert "1 kept: 480x360, the most pixels" in hand.text
        assert "2 may go: 240x180 < 480x360" in hand.text
        await hand.press("tab")
        assert "3 stays: crop, 25 % of it" in hand.text

    drive(on_disk(tmp_path, 1), script, size=size)


def test_title_verdict_and_facts_follow_another_keeper(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", "2")
        panel = hand.app.screen.query_one(FactsPanel)
        assert str(panel.border_title).endswith("beach-small.jpg")
        assert "edited, not compared with each other directly" in hand.text
        await hand.press("tab")
        assert "2 KEEPER beach-small.jpg" in hand.text
        assert "1 keep beach.jpg" in hand.text
        assert "saved again" in str(panel.query_one("#verdict", Static).content)

    drive(on_disk(tmp_path, 1), script)


def test_a_screenshot_and_the_photo_in_it_are_called_so_whichever_is_kept(tmp_path: Path) -> None:
    (first, *_) = on_disk(tmp_path, 1)
    screen, _, shown_part = first.members
    screen = replace(screen, details=Details(screenshot=True))
    found = replace(first, members=judged(screen, shown_part))

    async def script(hand: Hand) -> None:
        def heads() -> list[str]:
            return ["".join(part for part, _ in card.head) for card in hand.members.cards]

        assert "KEEPER  screenshot" in heads()[0]
        assert "what the screenshot shows" in heads()[1]
        await hand.press("2")
        assert "screenshot of it" in heads()[0]
        assert heads()[1] == "2  KEEPER "
        await hand.press("enter")
        assert "edited: screenshot of it" in hand.text

    drive([found], script, size=(160, 40))


def test_undo_leads_the_comparison_and_the_list_back_to_the_group(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", "a", "a", "u")
        second = int(hand.app.screen_stack[0].query_one(GroupList).order[1])
        title = str(hand.page(ComparePage).query_one(FactsPanel).border_title)
        assert title.startswith(f"Group {hand.review.groups[second].number}: ")
        await hand.press("escape")
        assert hand.groups.group == second
        assert hand.review.decision(second).status is ReviewStatus.OPEN

    drive(on_disk(tmp_path, 3), script)
