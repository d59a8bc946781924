"""Other shots of one scene: a view of their own, kept unless a key says otherwise, with the best one suggested."""

import hashlib
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from support import real_photos
from support.made_groups import many
from support.tui_driver import Hand, drive

from vtsfind.base.groups import Evidence, Group, Member, Photo, ShotCopy, StayReason, Verdict
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.filters import GroupView
from vtsfind.engine.review.relations import related_to
from vtsfind.engine.review.state import Mark, ReviewStatus
from vtsfind.tui.widgets.facts_panel import verdict_text

BURST = 5
"""The index of the burst, after five groups of copies."""


def member(path: Path, verdict: Verdict | None) -> Member:
    status = path.stat()
    with Image.open(path) as image:
        info = PictureInfo(image.width, image.height, 1, None, "JPEG")
    stamp = Stamp(status.st_size, status.st_mtime_ns, status.st_ino)
    photo = Photo(os.fsencode(path), stamp, hashlib.sha256(path.read_bytes()).digest(), info)
    reason = "less sharp (60%)" if verdict else "sharpest of 3 shots"
    return Member(photo, verdict, Evidence(), reason, stay_reason=StayReason("another shot"))


@pytest.fixture
def burst(tmp_path: Path) -> Group:
    """Three shots of one scene, the sharpest first, as a search gives them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for place, name in enumerate(("1-sharp.jpg", "2-soft.jpg", "3-blurred.jpg")):
        shot = real_photos.photo(f"ridge-{1 + place % 2}")
        shot.filter(ImageFilter.GaussianBlur(place)).save(folder / name, quality=94)
    verdicts = (None, Verdict.BURST, Verdict.BURST)
    files = sorted(folder.iterdir())
    return Group(1, tuple(member(path, verdict) for path, verdict in zip(files, verdicts, strict=True)))


def library(burst: Group) -> object:
    """A library with copies and one burst."""

    def source(_context: Context, options: DedupOptions) -> Sequence[Group]:
        copies = many(5) if Verdict.RESAVE in options.kinds else []
        return [*copies, *([burst] if Verdict.BURST in options.kinds else [])]

    return source


def test_a_key_goes_from_copies_to_bursts_to_both(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        seen = []
        for _ in range(4):
            seen.append((hand.app.session.view, len(hand.groups.order)))
            await hand.press("v")
        assert seen == [
            (GroupView.COPIES, 5),
            (GroupView.BURSTS, 1),
            (GroupView.ALL, 6),
            (GroupView.COPIES, 5),
        ]
        assert "1 group of bursts" in hand.text

    drive(library(burst), script)  # type: ignore[arg-type]


def test_both_are_compared_once_and_each_view_comes_back_with_its_marks_and_its_cursor(burst: Group) -> None:
    asked = []

    def source(context: Context, options: DedupOptions) -> Sequence[Group]:
        asked.append(options.kinds)
        return library(burst)(context, options)  # type: ignore[operator, no-any-return]

    async def script(hand: Hand) -> None:
        await hand.press("a", "a", "v", "2", "v")
        assert (hand.review.totals.decided, hand.review.is_marked(BURST)) == (2, True)
        await hand.press("v")
        assert hand.groups.cursor == 2
        await hand.press("u", "v")
        assert (hand.review.totals.decided, hand.review.is_marked(BURST)) == (2, False)
        assert len(asked) == 2
        await hand.press("f2", "r", "f3")
        assert len(asked) == 4

    drive(source, script)


def test_copies_can_be_reviewed_while_the_bursts_are_being_found(burst: Group) -> None:
    gate = threading.Event()

    def slow(context: Context, options: DedupOptions) -> Sequence[Group]:
        while Verdict.BURST in options.kinds and not gate.is_set():
            gate.wait(0.01)
            context.cancel.check()
        return library(burst)(context, options)  # type: ignore[operator, no-any-return]

    async def script(hand: Hand) -> None:
        await hand.pilot.press("a")
        await hand.pilot.pause()
        assert hand.review.totals.decided == 1
        await hand.pilot.press("f5")
        for _ in range(1000):
            if "Bursts are still being found" in hand.text:
                break
            await hand.pilot.pause(0.01)
        assert "Bursts are still being found" in hand.text
        gate.set()
        await hand.settle()
        assert "Bursts are still being found" not in hand.text
        await hand.press("f3", "v")
        assert "1 group of bursts" in hand.text
        assert hand.review.totals.decided == 1

    async def begin(hand: Hand) -> None:
        while not len(hand.groups.order):
            await hand.pilot.pause(0.01)
        try:
            await script(hand)
        finally:
            gate.set()  # else a failure waits for the search for ever

    drive(slow, begin, wait=False)


def test_home_counts_copies_and_bursts_apart(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f2")
        await hand.settle()
        assert "duplicates 5 groups of copies, 1 burst" in " ".join(hand.text.split())

    drive(library(burst), script)  # type: ignore[arg-type]


def test_every_shot_is_kept_until_a_key_says_otherwise(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("v")
        marks = [hand.review.mark(BURST, place) for place in range(3)]
        assert marks == [Mark.KEEPER, Mark.KEEP, Mark.KEEP]
        assert "Group 6: 3 shots, nothing goes" in hand.text
        await hand.press("a")
        assert hand.review.decision(BURST).status is ReviewStatus.ACCEPTED
        assert hand.review.totals.files == 0
        await hand.press("f5")
        assert "Nothing to do yet." in hand.text
        await hand.press("f3", "u", "2")
        assert [hand.review.mark(BURST, place) for place in range(3)] == [Mark.KEEP, Mark.KEEPER, Mark.KEEP]
        await hand.press("right", "right", "space")
        assert hand.review.mark(BURST, 2) is Mark.DROP

    drive(library(burst), script)  # type: ignore[arg-type]


def test_the_key_for_the_keeper_only_is_named_at_80_columns(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("v")
        assert "b Keeper only " in hand.text.splitlines()[-1]

    drive(library(burst), script, size=(80, 24))  # type: ignore[arg-type]


def test_after_the_last_group_of_copies_the_bursts_are_named(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("a", "a", "a", "a", "a")
        assert hand.told[-1] == "All groups in the list are decided. F5 shows the plan, v the bursts."
        await hand.press("v", "a")
        assert hand.told[-1] == "All groups in the list are decided. F5 shows the plan."

    drive(library(burst), script)  # type: ignore[arg-type]


def test_a_copy_of_a_shot_is_counted_as_no_shot(burst: Group) -> None:
    copy = replace(
        burst.members[1],
        photo=replace(burst.members[1].photo, path=b"/copy.jpg", digest=b"5" * 32),
        copy_of=ShotCopy(burst.members[1].photo.digest, Verdict.RESAVE),
    )
    with_copy = replace(burst, members=(*burst.members, copy))

    async def script(hand: Hand) -> None:
        await hand.press("v")
        assert "Group 6: 4 photos of 3 shots, nothing goes" in hand.text
        assert hand.text.count("copy of other shot") == 1
        await hand.press("right", "right", "right", "enter")
        assert "copy of other shot" in hand.text
        await hand.press("escape", "2")
        assert "saved again" in hand.text

    drive(library(with_copy), script, size=(200, 36))  # type: ignore[arg-type]


def test_the_best_shot_says_why_and_a_key_keeps_it_only(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("v")
        texts = [" ".join(part for line in card.text for part, _ in line) for card in hand.members.cards]
        assert "kept: sharpest of 3 shots" in texts[0], texts
        assert all("stays: another shot; less sharp (60%)" in " ".join(text.split()) for text in texts[1:]), (
            texts
        )
        await hand.press("b")
        assert [hand.review.mark(BURST, place) for place in range(3)] == [Mark.KEEPER, Mark.DROP, Mark.DROP]
        await hand.press("b")  # no step, so one key undoes the first
        assert any("Nothing else of this burst goes." in note for note in hand.told)
        await hand.press("u", "2", "b")
        assert [hand.review.mark(BURST, place) for place in range(3)] == [Mark.DROP, Mark.KEEPER, Mark.DROP]
        await hand.press("a", "f5")
        assert "Move 2 photos to the trash, as you decided in 1 group;" in hand.text
        assert (
            hand.text.count("keeps another shot, 2-soft.jpg") == 2
        )  # the chosen one, not the first that stays
        await hand.press("x", "y")
        await hand.finish()

    drive(library(burst), script)  # type: ignore[arg-type]
    left = [each.photo.path for each in burst.members if os.path.exists(each.photo.path)]
    assert [os.path.basename(path) for path in left] == [b"2-soft.jpg"]


def test_the_key_for_the_keeper_only_leaves_edits_alone_and_another_keeper_takes_its_place(
    burst: Group,
) -> None:
    edit = replace(burst.members[2], verdict=Verdict.EDIT)
    mixed = replace(burst, members=(*burst.members[:2], edit, burst.members[1]))
    last = replace(
        mixed.members[3], photo=replace(burst.members[1].photo, path=b"/last.jpg", digest=b"4" * 32)
    )
    mixed = replace(mixed, members=(*mixed.members[:3], last))

    async def script(hand: Hand) -> None:
        await hand.press("v", "b")
        marks = [hand.review.mark(BURST, place) for place in range(4)]
        assert marks == [Mark.KEEPER, Mark.DROP, Mark.KEEP, Mark.DROP]
        assert any("Kept beside the keeper: 3-blurred.jpg (an edit)." in each for each in hand.told)
        await hand.press("2")
        marks = [hand.review.mark(BURST, place) for place in range(4)]
        assert marks == [Mark.DROP, Mark.KEEPER, Mark.KEEP, Mark.DROP]

    drive(library(mixed), script)  # type: ignore[arg-type]


def test_what_stays_of_a_burst_is_not_asked_about_again(burst: Group) -> None:
    def source(_context: object, options: DedupOptions) -> list[Group]:
        there = [each for each in burst.members if os.path.exists(each.photo.path)]
        return [replace(burst, members=tuple(there))] if Verdict.BURST in options.kinds else []

    async def script(hand: Hand) -> None:
        await hand.press("v", "right", "space", "a", "f5")
        assert "Move 1 photo to the trash" in hand.text
        await hand.press("x", "y")
        await hand.finish()
        assert "as you decided in 1 group." in hand.text
        await hand.press("f3")
        assert len(hand.review.groups[0].members) == 2
        assert hand.review.totals.decided == 1
        assert hand.review.totals.files == 0

    drive(source, script)


def test_one_plan_has_what_every_view_removes(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("v", "b", "a", "v", "f5")
        assert "Move 2 photos to the trash, as you decided in 1 group;" in hand.text
        await hand.press("f3", "v", "f5")
        assert "Move 2 photos to the trash, as you decided in 1 group;" in hand.text
        assert "2 files go" in hand.text

    drive(library(burst), script)  # type: ignore[arg-type]


def test_a_group_of_copies_has_no_best_shot() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("b")
        assert any("no burst" in note for note in hand.told)
        assert hand.review.totals.decided == 0

    drive([each for each in many(5) if each.members[1].verdict is Verdict.RESAVE], script)


def test_the_comparison_of_two_shots_says_how_sharp_and_how_blown_out_they_are(burst: Group) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("v", "enter")
        sharp, soft = map(float, re.findall(r"sharpest part +(\d+\.\d) +(\d+\.\d)", hand.text)[0])
        assert sharp > 1.1 * soft
        await hand.press("i")
        assert re.search(r"blown out \d+ %, black \d+ %|blown out +\d+ %", hand.text)

    drive(library(burst), script, size=(120, 36))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1.5, "1.5 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (52930488, "613 days")],
)
def test_the_time_between_two_shots_is_told_in_a_unit_that_fits(
    burst: Group, seconds: float, words: str
) -> None:
    first, other = burst.members[:2]
    apart = replace(other, evidence=Evidence(seconds_apart=seconds))
    kept, shot = related_to(Group(1, (first, apart)), 0)
    assert f", {words} apart" in verdict_text((kept, shot), ("1", "2"))
