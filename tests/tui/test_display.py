"""What the screens say is complete, agrees with each other, and fits."""

import re
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.color import Color
from support.made_groups import group, many, on_disk, photo
from support.tui_driver import Hand, drive
from textual.geometry import Region
from textual.widget import Widget

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Group, Verdict
from vtsfind.base.progress import Phase
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.tui.keys import KeyScope, footer_actions, key_names
from vtsfind.tui.widgets.group_list import GroupList
from vtsfind.tui.widgets.text_width import cut_path


def test_header_and_plan_count_the_same_photos_and_the_plan_names_its_sidecars(tmp_path: Path) -> None:
    (group,) = on_disk(tmp_path, 1)
    keeper, small, crop = group.members
    sidecar = tmp_path / "trip-0" / "beach-small.xmp"
    sidecar.write_text("<xmp/>")
    photo = replace(small.photo, sidecars=(bytes(sidecar),))
    same = tmp_path / "trip-0" / "beach.xmp"
    same.write_text("<xmp/>")
    keeper = replace(keeper, photo=replace(keeper.photo, sidecars=(bytes(same),)))
    groups = [replace(group, members=(keeper, replace(small, photo=photo), crop))]

    async def script(hand: Hand) -> None:
        await hand.press("a")
        assert "1 file goes" in hand.text
        await hand.press("f5")
        assert "Move 1 photo and 1 sidecar file to the trash" in hand.text
        assert "1 file goes" in hand.text

    drive(groups, script)


def test_no_number_of_groups_is_shown_while_they_are_being_found() -> None:
    gate = threading.Event()

    def slow(context: Context, _options: DedupOptions) -> Sequence[Group]:
        context.progress.start(Phase.COMPARE, 10)
        while not gate.wait(0.01):
            context.cancel.check()
        return many(3)

    async def script(hand: Hand) -> None:
        while "0 of 10" not in hand.text:
            await hand.pilot.pause(0.01)
        assert "0 groups" not in hand.text
        gate.set()
        await hand.settle()
        assert "3 groups of copies" in hand.text

    try:
        drive(slow, script, wait=False)
    finally:
        gate.set()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_while_groups_are_being_found_both_panes_say_what_happens_what_follows_and_how_to_leave(
    size: tuple[int, int],
) -> None:
    gate, begun = threading.Event(), threading.Event()

    def slow(context: Context, _options: DedupOptions) -> Sequence[Group]:
        begun.wait(10)
        context.progress.start(Phase.VERIFY, 1200)
        while not gate.wait(0.01):
            context.cancel.check()
        return []

    def shown(pane: Widget, hand: Hand) -> str:
        inside = pane.content_region
        lines = hand.text.splitlines()[inside.y : inside.bottom]
        return " ".join(" ".join(line[inside.x : inside.right] for line in lines).split())

    async def script(hand: Hand) -> None:
        while not shown(hand.members, hand):
            await hand.pilot.pause(0.01)
        assert shown(hand.groups, hand) == "Opening the library \u2026"
        assert "Nothing is removed before you confirm it" in shown(hand.members, hand)
        assert "q quits" in shown(hand.members, hand)
        begun.set()
        while shown(hand.groups, hand) != "Comparing pairs of photos: 0 of 1,200":
            await hand.pilot.pause(0.01)
        assert "q quits" in shown(hand.members, hand)
        gate.set()
        await hand.settle()
        assert shown(hand.groups, hand) == "There are no copies."
        assert "v shows other groups" in shown(hand.members, hand)

    async def script_then_end(hand: Hand) -> None:
        try:
            await script(hand)
        finally:
            begun.set()
            gate.set()

    drive(slow, script_then_end, wait=False, size=size)


def test_an_empty_filter_says_so_in_both_panes_and_the_title_says_what_is_filtered() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("slash")
        await hand.write("kind:edit sea >5MB")
        assert "0 groups of copies: edited, 'sea', frees \u2265 5.0 MB" in hand.text
        assert "No group matches the filter." in " ".join(hand.text.split())
        assert "Nothing to show." in hand.text
        await hand.press("escape")
        assert "12 groups of copies " in hand.text

    drive(many(12), script)


def test_the_bar_beside_a_long_list_hides_no_letter_of_a_folder() -> None:
    folder = b"/photos/a long way down/to/the/shots/of 2024/"
    groups = [
        group(number, [photo(folder + name + b".jpg", 100_000), photo(folder + b"%d.jpg" % number, 60_000)])
        for number, name in enumerate((b"x" * length for length in range(1, 20)), 1)
    ]

    async def script(hand: Hand) -> None:
        for _ in range(3):
            lines = hand.text.splitlines()
            shown = [line for line in lines[2 : hand.groups.size.height + 2] if ".jpg" in line]
            assert shown
            assert all(re.search("of 2024[ \u2581-\u2588]*\u2502$", line) for line in shown), shown
            await hand.press("pagedown")

    drive(groups, script, size=(80, 24))


def test_a_notice_does_not_cover_the_paths_of_the_photos(tmp_path: Path) -> None:
    groups = on_disk(tmp_path / "drive", 2)
    (tmp_path / "drive").rename(tmp_path / "elsewhere")

    async def script(hand: Hand) -> None:
        await hand.press("o")
        (notice,) = hand.app.screen.query("Toast")
        assert any("no longer exists" in note for note in hand.told)
        assert not notice.region.overlaps(hand.members.region)

    drive(groups, script, notices=True)


def test_a_notice_does_not_cover_what_the_plan_does(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("A", "enter")
        await hand.finish()
        assert any("Accepted" in note for note in hand.told)
        await hand.press("f5")
        hand.app.notify("Accepted 2 groups.")
        await hand.settle()
        assert "to the trash, as you decided in 2 groups; frees" in hand.text
        await hand.press("f3", "n", "f5")
        assert "as you decided in 1 of 2 groups;" in hand.text

    drive(on_disk(tmp_path, 2), script, size=(80, 24), notices=True)


def test_a_notice_shows_a_path_as_it_is() -> None:
    groups = [group(1, [photo(b"/nowhere/[red]a.jpg"), photo(b"/nowhere/[b]b.jpg")])]

    async def script(hand: Hand) -> None:
        await hand.press("left", "o")
        assert "[red]a.jpg no longer exists" in " ".join(hand.text.split())
        await hand.press("enter")
        assert "[b]b.jpg" in hand.text

    drive(groups, script, notices=True)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=str)
@pytest.mark.parametrize("taken", ["2024-05-03 10:00:01", None])
def test_the_head_of_a_card_and_its_date_are_never_cut(size: tuple[int, int], taken: str | None) -> None:
    groups = [
        group(
            number,
            [photo(b"/photos/%d-%d.jpg" % (number, each), 1000, taken=taken) for each in range(4)],
            kind,
        )
        for number, kind in enumerate(Verdict, 1)
    ]

    async def script(hand: Hand) -> None:
        for _ in groups:
            width = hand.members.text_width(4)
            for card in hand.members.cards:
                *_, last = card.text
                for line in (card.head, last):
                    assert cell_len("".join(part for part, _ in line).rstrip()) <= width
            await hand.press("down")

    drive(groups, script, size=size)


def test_the_list_names_kinds_in_words_and_folders_from_home(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/photos")
    kinds = [Verdict.RESAVE, Verdict.TURNED, Verdict.EDIT]
    groups = [
        group(number, [photo(b"/photos/2024/%d-%d.jpg" % (number, each), 1000) for each in range(2)], kind)
        for number, kind in enumerate(kinds, 1)
    ]

    async def script(hand: Hand) -> None:
        rows = [line for line in hand.text.splitlines() if ".jpg  ~/2024" in line]
        assert {kind for kind in kinds for row in rows if kind.short_label in row} == set(kinds)
        assert "/photos/2024" not in hand.text

    drive(groups, script, size=(120, 36))


def test_a_photo_without_a_date_shows_when_its_file_was_changed() -> None:
    def last_line(hand: Hand) -> str:
        return "".join(part for part, _ in hand.members.cards[0].text[-1])

    async def script(hand: Hand) -> None:
        assert re.search(r"changed \d{4}-\d\d-\d\d", last_line(hand))
        await hand.press("down")
        assert "2024-05-03 10:00" in last_line(hand)
        assert "changed" not in last_line(hand)

    taken = "2024-05-03 10:00:01"
    drive(
        [
            group(1, [photo(b"/a/1.jpg", 3000), photo(b"/a/2.jpg", 2000)]),
            group(2, [photo(b"/b/1.jpg", 1000, taken=taken), photo(b"/b/2.jpg", 900, taken=taken)]),
        ],
        script,
    )


def test_cards_that_do_not_fit_are_counted() -> None:
    photos = [photo(b"/photos/%d.jpg" % number, 1000 + number) for number in range(7)]

    async def script(hand: Hand) -> None:
        shown = hand.members.size.width // hand.members._grid.card.width
        assert f"7 photos, {7 - shown} more \u2192" in hand.text
        await hand.press("right", "right", "right", "right", "right", "right")
        assert f"7 photos, \u2190 {7 - shown} more" in hand.text

    drive([group(1, photos)], script)


def test_a_history_without_runs_leaves_no_pane_empty(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f6")
        assert "No file was changed yet." in hand.text
        assert "u restores them" in hand.text

    drive(on_disk(tmp_path, 1), script)


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 36)], ids=str)
def test_the_bar_of_keys_ends_with_help_and_quit_or_says_how_to_leave_a_text_field(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async def script(hand: Hand) -> None:
        for keys in (("f3",), ("enter",), ("escape", "f2"), ("f4",), ("f5",), ("f6",)):
            await hand.press(*keys)
            is_typing = keys == ("f4",)  # a text field has the focus there
            assert re.search(
                "Esc Leave +F1 Help *$" if is_typing else r"\? Help +q Quit", hand.text.splitlines()[-1]
            )
        await hand.press("f4", "f1")
        assert "Keys: Search" in hand.text
        await hand.press("escape", "escape")
        assert re.search(r"/ Search .*\? Help +q Quit", hand.text.splitlines()[-1])

    drive(on_disk(tmp_path, 1), script, size=size)


@pytest.mark.parametrize(
    ("scope", "labels"),
    [
        (KeyScope.GROUPS, ["Accept", "All", "Mark", "Compare", "Undo", "Not dup", "View"]),
        (KeyScope.COMPARE, ["Back", "Flicker", "Diff", "Next", "Accept", "Mark", "Box"]),
        (KeyScope.SEARCH, ["Search", "Sort"]),
        (KeyScope.APPLY, ["Refresh"]),
        (KeyScope.HISTORY, ["Undo run", "Restore file", "Files", "Refresh"]),
        (KeyScope.HOME, ["Index", "Add folder", "Open", "Compare again"]),
    ],
)
def test_at_80_columns_each_screen_names_its_main_keys_whole_and_those_of_the_other_screens(
    tmp_path: Path, scope: KeyScope, labels: list[str]
) -> None:
    way = {
        "Compare": ("enter",),
        "Search": ("f4", "escape"),
        "Apply": ("f5",),
        "History": ("a", "f5", "x", "y", "f6"),
        "Home": ("f2",),
    }

    async def script(hand: Hand) -> None:
        await hand.press(*way.get(scope.value, ()))
        await hand.finish()
        first, *_, last = hand.text.splitlines()
        shown = [action for action in footer_actions(scope) if f" {action.label} " in last]
        assert [action.label for action in shown] == labels
        assert all(f"{key_names(action).partition(',')[0]} {action.label} " in last for action in shown)
        assert "? Help" in last
        assert "F2 Home  F3 Groups  F4 Search  F5 Apply  F6 History" in first
        assert first.rstrip().endswith("nothing goes yet")

    drive(on_disk(tmp_path, 1), script, size=(80, 24))


@pytest.mark.parametrize("theme", ["vtsfind", "textual-light", "textual-dark"])
def test_the_marks_can_be_read_in_dark_and_light_themes(theme: str) -> None:
    def luminance(color: Color | None) -> float:
        assert color
        parts = [part / 255 for part in color.get_truecolor()]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    async def script(hand: Hand) -> None:
        hand.app.theme = theme
        await hand.press("space", "right", "n")
        for word in ("KEEPER", " remove ", "not a duplicate"):
            (style,) = {
                segment.style
                for strip in hand.app.screen._compositor.render_strips()
                for segment in strip
                if word in segment.text and segment.style
            }
            dark, light = sorted(map(luminance, (style.color, style.bgcolor)))
            assert (light + 0.05) / (dark + 0.05) > 4.5, (word, style)  # WCAG 2.1, level AA

    four = group(1, [photo(b"/x/%d.jpg" % n) for n in range(4)])
    drive([four], script, size=(200, 40))


def test_keys_that_do_nothing_now_are_not_in_the_bar(tmp_path: Path) -> None:
    pair = group(2, [photo(b"/x/a.jpg"), photo(b"/x/b.jpg")])

    async def script(hand: Hand) -> None:
        def bar() -> str:
            return hand.text.splitlines()[-1]

        assert "b Keeper only" not in bar()
        await hand.press("enter")
        assert "Tab Next" in bar()
        await hand.press(">")
        assert "Tab Next" not in bar()
        await hand.press("escape", "f2")
        assert "Esc Stop" not in bar()
        await hand.press("f6")
        assert bar().split() == ["r", "Refresh", "?", "Help", "q", "Quit"]

    drive([*on_disk(tmp_path, 1), pair], script, size=(160, 36))


def test_a_reason_that_does_not_fit_ends_with_an_ellipsis() -> None:
    words = "has more EXIF fields and a place, and is the larger of two files that were both saved again " * 3
    one = group(1, [photo(b"/x/a.jpg"), photo(b"/x/b.jpg")])
    one = replace(one, members=tuple(replace(each, reason=words) for each in one.members))

    async def script(hand: Hand) -> None:
        lines = [line for line in hand.text.splitlines() if "kept: has more" in line or "EXIF fields" in line]
        below = hand.text.splitlines()[hand.text.splitlines().index(lines[0]) + 1]
        assert below.count("\u2026") == 2, hand.text

    drive([one], script, size=(80, 24))


@pytest.mark.parametrize(("key", "mode"), [("v", "Side"), ("f", ""), ("d", "Diff")])
def test_the_bar_of_the_comparison_shows_all_that_works_but_the_mode_that_is_on(
    tmp_path: Path, key: str, mode: str
) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("enter", key)
        last = hand.text.splitlines()[-1]
        missing = [each.label for each in footer_actions(KeyScope.COMPARE) if f" {each.label} " not in last]
        assert missing == [mode] * bool(mode)

    drive(on_disk(tmp_path, 1), script, size=(120, 36))


def test_a_click_on_a_key_of_the_bar_does_what_the_key_does() -> None:
    async def script(hand: Hand) -> None:
        await hand.pilot.click("KeyBar", offset=(4, 0))
        await hand.settle()
        assert hand.review.totals.decided == 1

    drive(many(12), script)


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (200, 60)], ids=str)
def test_a_folder_in_the_list_is_shown_in_whole_names_or_not_at_all(size: tuple[int, int]) -> None:
    folder = b"/home/ann/Pictures/2021/Summer holidays"
    names = (
        b"/IMG_20210704_123456.jpg",
        b"/a very long name of a photo that somebody has typed.jpg",
        b"/x.jpg",
    )
    groups = [
        group(number + 1, [photo(folder + name, 10**9 - number), photo(folder + name + b"2", 1000)])
        for number, name in enumerate(names)
    ]

    async def script(hand: Hand) -> None:
        rows = [hand.app.screen.query_one("#groups", GroupList).render_line(y).text for y in range(3)]
        for row in rows:
            stub = re.search(r"\u2026([^ \u2026]*)\s*$", row)
            assert stub is None or stub[1].startswith("/") or not stub[1], row

    drive(groups, script, size=size)


@given(st.text(st.characters(exclude_categories=["C"]), max_size=60), st.integers(1, 60))
def test_a_cut_path_has_exactly_the_width(path: str, width: int) -> None:
    assert cell_len(cut_path(path, width)) == width


def test_a_notice_goes_with_the_next_key_so_that_it_covers_nothing_that_was_asked_for() -> None:
    async def script(hand: Hand) -> None:
        hand.app.notify("A tip.", timeout=60)
        await hand.press("question_mark")
        assert hand.told == []
        assert "Keys: Groups" in hand.text

    drive(many(3), script, notices=True)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
def test_a_notice_leaves_the_marks_of_photos_free(size: tuple[int, int]) -> None:
    async def script(hand: Hand) -> None:
        hand.app.notify("What you did cannot be done, and here is why in many words.", timeout=60)
        await hand.settle()
        (rack,) = hand.app.screen.query("ToastRack")
        (toast,) = rack.query("Toast")
        cards = hand.members.region
        marks = Region(cards.x, cards.y, cards.width, 3)
        assert "cannot be done" in hand.text
        assert not toast.region.overlaps(marks)

    drive(many(3), script, size=size, notices=True)


def test_an_error_is_not_typed_away() -> None:
    async def script(hand: Hand) -> None:
        hand.app.show_error(UsageError("Something failed."))
        await hand.press("j")
        assert hand.told == ["Something failed."]

    drive(many(3), script)
