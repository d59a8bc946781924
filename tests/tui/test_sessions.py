"""Whole sessions: index, review, apply, undo, search, in one program and on real files."""

import os
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import block_encoder, real_photos
from support.drawn_photos import exif, scene, write
from support.made_groups import on_disk
from support.tui_driver import Hand, drive

from vtsfind.base.groups import Group
from vtsfind.base.operations import State
from vtsfind.base.paths import show_path, show_path_from_home
from vtsfind.base.progress import Phase
from vtsfind.base.settings import Settings
from vtsfind.engine.apply.apply import apply
from vtsfind.engine.apply.plans import plan_for_groups
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.indexing.update import update
from vtsfind.engine.library.decisions import DecisionKind, known_decisions
from vtsfind.engine.review.state import ReviewStatus
from vtsfind.tui.app import BrowseApp
from vtsfind.tui.screens.apply import ApplyPage
from vtsfind.tui.screens.groups import GroupsPage
from vtsfind.tui.screens.history import HistoryPage
from vtsfind.tui.screens.home import HomePage
from vtsfind.tui.screens.search import SearchPage
from vtsfind.tui.services.typed_paths import parse_dropped_path
from vtsfind.tui.widgets.card_grid import CardGrid
from vtsfind.tui.widgets.dialogs import AddFolderDialog, ConfirmDialog


@pytest.fixture(autouse=True)
def _small_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    block_encoder.register()
    block_encoder.install(monkeypatch.setattr)


SETTINGS = Settings(workers=1, model=block_encoder.NAME)


def test_accepted_files_go_to_the_trash_and_come_back(tmp_path: Path) -> None:
    groups = on_disk(tmp_path / "photos", 3)
    files = sorted(path for path in (tmp_path / "photos").rglob("*.*"))
    content = {path: path.read_bytes() for path in files}

    async def script(hand: Hand) -> None:
        await hand.press("a", "f5")
        assert "Move 1 photo to the trash" in hand.text
        await hand.press("x")
        hand.page(ConfirmDialog)
        await hand.press("n")
        assert all(path.exists() for path in files)
        await hand.press("x", "y")
        await hand.finish()
        hand.page(ApplyPage)
        gone = [path for path in files if not path.exists()]
        assert len(gone) == 1
        assert "Moved 1 file to the trash" in hand.text
        (trash,) = hand.app.session.runs()[0].places
        assert f"The files are in {show_path_from_home(trash)} now." in " ".join(hand.text.split())
        assert "removed     beach-small.jpg" in hand.text
        await hand.press("f3")
        assert hand.review.decision(hand.groups.group or 0).status is ReviewStatus.OPEN
        await hand.press("f6")
        page = hand.page(HistoryPage)
        assert page.query_one("#run").border_subtitle == f"what is removed is in {show_path_from_home(trash)}"
        assert "removed     trash" in hand.text
        await hand.press("u", "y")
        await hand.finish()
        assert {path: path.read_bytes() for path in files} == content
        assert "1 restored" in hand.text
        assert "restored    trash" in hand.text
        assert page.query_one("#run").border_subtitle == ""

    drive(groups, script)


def test_groups_are_found_again_after_another_process_removed_files(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        first = hand.review
        hand.app._look_for_runs()
        await hand.settle()
        assert hand.review is first
        plan, _ = plan_for_groups(groups[:1], library=tmp_path / "library", command="vtsfind plan")
        assert apply(plan, command="vtsfind apply").of(State.DONE)
        hand.app._look_for_runs()
        await hand.settle()
        assert hand.review is not first
        assert any("removed or restored elsewhere" in note for note in hand.told)
        again = hand.review
        hand.app._look_for_runs()
        await hand.settle()
        assert hand.review is again

    groups = on_disk(tmp_path, 2)
    drive(groups, script)


def test_what_cannot_be_done_without_a_plan_is_not_offered(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        def bar() -> str:
            return hand.text.splitlines()[-1]

        await hand.press("a", "f5")
        assert "Press x to apply" in hand.text
        assert "x Apply" in bar()
        assert "Esc Stop" not in bar()
        await hand.press("f3", "u", "f5")
        assert "Nothing to do yet." in hand.text
        assert "Press x to apply" not in hand.text
        assert "x Apply" not in bar()
        assert "Write plan" not in bar()

    drive(on_disk(tmp_path, 1), script)


def test_an_unreadable_file_is_counted_as_one(photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        await hand.press("f2")
        assert " 1 unreadable file; see `vtsfind doctor --verbose`" in " ".join(hand.text.split())

    drive(None, script, settings=SETTINGS)


def test_one_file_of_a_run_comes_back_alone(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "WhatsApp Images of all the years since the first telephone"
    groups = on_disk(folder, 3)
    files = sorted(path for path in folder.rglob("*.*"))

    async def script(hand: Hand) -> None:
        await hand.press("a", "a", "f5", "x", "y")
        await hand.finish()
        gone = [path for path in files if not path.exists()]
        assert len(gone) == 2
        await hand.press("f6", "b")
        assert [path.exists() for path in gone] == [False, False], "the first b only goes to the files"
        await hand.press("down")
        assert hand.text.count("beach-small.jpg") == 2, "a long folder hides no name"
        await hand.press("b")
        await hand.finish()
        assert [path.exists() for path in gone] == [False, True]
        assert "1 restored" in hand.text
        assert (
            hand.told[-1]
            == f"Restored beach-small.jpg to {gone[1].parent}. It stays beside the kept one, and is not proposed again; `vtsfind decisions forget FILE` revokes that."
        )
        (decision,) = known_decisions(hand.app.session.place)
        digests = {
            each.photo.digest
            for group in groups
            for each in group.members
            if each.photo.path == bytes(gone[1])
        }
        assert decision.choice is DecisionKind.KEEP_BOTH
        assert digests < set(decision.pair)
        await hand.press("b")  # the same file again
        await hand.finish()
        assert [path.exists() for path in gone] == [False, True]
        await hand.press("u", "y")
        await hand.finish()
        assert all(path.exists() for path in gone)
        assert hand.told[-1].endswith(" Photos of this run that had been restored alone are proposed again.")
        assert not list(known_decisions(hand.app.session.place))

    drive(groups, script, size=(80, 24))


def test_the_only_file_of_a_run_comes_back_without_being_chosen(tmp_path: Path) -> None:
    groups = on_disk(tmp_path / "photos", 1)
    files = sorted(path for path in (tmp_path / "photos").rglob("*.*"))

    async def script(hand: Hand) -> None:
        await hand.press("a", "f5", "x", "y")
        await hand.finish()
        assert sum(path.exists() for path in files) == len(files) - 1
        await hand.press("f6", "b")
        await hand.finish()
        assert all(path.exists() for path in files)

    drive(groups, script)


def test_enter_alone_moves_nothing(tmp_path: Path) -> None:
    groups = on_disk(tmp_path / "photos", 1)

    async def script(hand: Hand) -> None:
        await hand.press("a", "f5", "x", "enter")
        hand.page(ConfirmDialog)
        assert "Press  y  to move them to the trash,  n  to go back." in hand.text
        assert all(path.exists() for path in (tmp_path / "photos").rglob("*.*"))

    drive(groups, script)


def test_a_file_that_changed_since_the_review_is_spared_with_its_group(tmp_path: Path) -> None:
    groups = on_disk(tmp_path, 1)
    small = groups[0].members[1].photo.path

    def change(path: bytes) -> None:
        with open(path, "ab") as file:
            file.write(b"changed")

    async def script(hand: Hand) -> None:
        await hand.press("a", "f5")
        change(small)
        await hand.press("x", "y")
        await hand.finish()
        assert "skipped" in hand.text

    drive(groups, script)
    assert all(os.path.exists(member.photo.path) for member in groups[0].members)


def test_the_plan_is_written_to_a_file_that_apply_reads(tmp_path: Path) -> None:
    from vtsfind.engine.apply.plans import read_plan

    groups = on_disk(tmp_path / "photos", 2)

    async def script(hand: Hand) -> None:
        await hand.press("a", "f5", "w")
        hand.app.screen.query_one("Input").value = str(tmp_path / "plan.txt")  # type: ignore[attr-defined]
        await hand.press("enter")
        plan = read_plan(tmp_path / "plan.txt")
        assert sum(file.is_changed for group in plan.groups for file in group.files) == 1

    drive(groups, script)


def test_nothing_is_carried_out_before_something_is_accepted(tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f5", "x", "w")
        hand.page(ApplyPage)
        assert "Nothing to do yet." in hand.text

    drive(on_disk(tmp_path, 1), script)


def test_home_counts_what_is_there_after_an_apply_and_an_undo(photos: Path) -> None:
    Image.open(photos / "cat.jpg").save(photos / "cat-again.jpg", quality=60)

    async def script(hand: Hand) -> None:
        await hand.press("f2", "i")
        await hand.write(str(photos))
        await hand.press("enter")
        await hand.finish()
        await hand.finish()
        assert "13 files" in hand.text
        await hand.press("f3", "a", "f5")
        assert "Move 3 photos" in hand.text
        await hand.press("x", "y")
        await hand.finish()
        await hand.press("f2")
        assert "10 files" in hand.text
        await hand.press("f6", "u", "y")
        await hand.finish()
        await hand.press("f2")
        assert "13 files" in hand.text

    drive(None, script, settings=SETTINGS)


def test_a_folder_is_added_to_the_library_from_home(photos: Path) -> None:
    Image.open(photos / "cat.jpg").save(photos / "cat-again.jpg", quality=60)

    async def script(hand: Hand) -> None:
        await hand.press("f2", "i")
        hand.page(AddFolderDialog)
        await hand.write(str(photos))
        await hand.press("enter")
        await hand.finish()
        await hand.finish()
        hand.page(HomePage)
        assert "13 files" in hand.text
        names = {
            show_path(member.photo.path).rpartition("/")[2]
            for group in hand.review.groups
            for member in group.members
        }
        assert {"cat.jpg", "cat-again.jpg"} <= names

    drive(None, script, settings=SETTINGS)


def test_a_folder_that_is_not_there_is_asked_for_again() -> None:
    async def script(hand: Hand) -> None:
        await hand.press("f2", "n")
        await hand.write("/nowhere")
        await hand.press("enter")
        hand.page(AddFolderDialog)
        assert any("There is no folder" in note for note in hand.told)
        await hand.press("escape")
        hand.page(HomePage)

    drive(None, script, settings=SETTINGS)


def test_similar_photos_are_found_from_a_group_and_on_from_a_hit(photos: Path) -> None:
    Image.open(photos / "cat.jpg").save(photos / "cat-again.jpg", quality=60)
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        await hand.press("s")
        hits = hand.page(SearchPage).query_one("#hits", CardGrid)
        assert hits.has_focus
        assert len(hits.cards) == 13
        before = hits.cards[0].path
        await hand.press("right", "right", "right", "right", "s")
        assert hits.cards[0].path != before
        await hand.press("backspace")
        assert hits.cards[0].path == before
        await hand.press("minus", "minus", "minus", "minus")
        assert 0 < len(hits.cards) <= 13
        assert "by likeness" in hand.text
        await hand.press("c")
        assert "by scene" in hand.text
        await hand.press("c")
        assert "by copy" in hand.text

    drive(None, script, settings=SETTINGS)


def test_a_key_leads_from_a_hit_to_its_group_and_a_photo_without_one_is_said_to_stay(photos: Path) -> None:
    Image.open(photos / "cat.jpg").save(photos / "cat-again.jpg", quality=60)
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        await hand.press("f")
        await hand.press("slash")
        await hand.write("tower")
        await hand.press("enter", "v", "f4", "slash")
        await hand.write(str(photos / "cat.jpg"))
        await hand.press("enter")
        hits = hand.page(SearchPage).query_one("#hits", CardGrid)
        assert "g Group" in hand.text.splitlines()[-1]
        names = [os.path.basename(card.path) for card in hits.cards]
        hits.cursor = names.index(b"cat-again.jpg")
        await hand.press("g")
        assert hand.members.cards[hand.members.cursor].path.endswith(b"/cat-again.jpg")
        assert hand.groups.has_focus
        await hand.press("space", "space", "a")
        assert hand.review.totals.files == 1, "Space kept it, and marked it to go again"
        await hand.press("f4")
        grouped = {each.photo.path for one in hand.review.groups for each in one.members}
        hits.cursor = next(n for n, card in enumerate(hits.cards) if card.path not in grouped)
        await hand.press("g")
        hand.page(SearchPage)
        assert "is in no group: no copy of it was found that would stay" in hand.told[-1]

    drive(None, script, settings=SETTINGS)


def test_the_bar_of_keys_of_the_search_offers_what_does_something(photos: Path) -> None:
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        def bar() -> str:
            return hand.text.splitlines()[-1]

        await hand.press("f4", "escape")
        assert "t Sort" in bar()
        assert not {"Backspace", "Compare", "Wider"} & set(bar().split())
        await hand.press("s")
        assert {"Backspace", "Compare", "Wider"} <= set(bar().split())
        assert "t Sort" not in bar()

    drive(None, script, settings=SETTINGS, size=(140, 36))


def test_a_new_photo_is_searched_by_its_path_pasted_or_dropped(photos: Path, tmp_path: Path) -> None:
    update(Context(SETTINGS), [str(photos)])
    new = write(tmp_path / "a new photo.jpg", scene(1), quality=50)

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        page = hand.page(SearchPage)
        page.query_one("#query-path").value = f"'{new}' "  # type: ignore[attr-defined]
        await hand.press("enter")
        hits = page.query_one("#hits", CardGrid)
        assert show_path(hits.cards[0].path).endswith("cat.jpg")

    drive(None, script, settings=SETTINGS)


def test_the_librarys_photos_are_those_that_are_still_there(photos: Path) -> None:
    update(Context(SETTINGS), [str(photos)])
    paths = [path for path in photos.rglob("*.*") if path.is_file()]

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        assert f"{len(paths)} photos of the library" in hand.text
        await hand.press("escape", "f3", "a", "f5", "x", "y")
        await hand.finish()
        left = sum(path.exists() for path in paths)
        assert left < len(paths)
        await hand.press("f4")
        await hand.finish()
        assert f"{left} photos of the library" in hand.text

    drive(None, script, settings=SETTINGS)


def test_the_search_begins_with_the_library_and_filters_refines_marks_and_copies(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, path in enumerate(sorted(photos.rglob("*.*"))):
        noon = datetime(2010 + number, 3, 1, 12).astimezone().timestamp()
        os.utime(path, (noon, noon))
    update(Context(SETTINGS), [str(photos)])
    copied: list[str] = []
    monkeypatch.setattr(BrowseApp, "copy_to_clipboard", lambda _, text: copied.append(text))

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        hits = hand.page(SearchPage).query_one("#hits", CardGrid)

        def names() -> list[str]:
            return [os.fsdecode(os.path.basename(card.path)) for card in hits.cards]

        assert "12 photos of the library" in hand.text
        newest_first = names()
        await hand.press("escape", "t")
        assert (sorted(names()), names() == newest_first) == (sorted(newest_first), False)
        await hand.press("slash")
        await hand.write("in:trip")
        await hand.press("enter")
        assert sorted(names()) == ["TOWER.JPG", "road.jpeg"]
        await hand.press("space")
        assert "1 marked" in hand.text
        assert hits.cursor == 0, "as in the groups, the photo that was marked stays selected"
        await hand.press("right", "space", "y")
        assert sorted(map(os.path.basename, copied.pop().splitlines())) == ["TOWER.JPG", "road.jpeg"]
        assert "2 marked" in hand.text
        await hand.press("s")
        assert sorted(names()) == ["TOWER.JPG", "road.jpeg"], "a search from a photo keeps the filter"
        await hand.press("backspace")
        assert "2 photos of the library" in hand.text
        await hand.press("slash")
        await hand.write("tower")
        await hand.press("enter")
        assert names() == ["TOWER.JPG"]
        await hand.press("slash")
        await hand.write(f"'{photos / 'trip'}'")
        await hand.press("enter")
        assert sorted(names()) == ["TOWER.JPG", "road.jpeg"], "a folder shows its photos"
        await hand.press("slash")
        await hand.write("in:trip after:2011")
        await hand.press("enter")
        assert len(names()) == 2
        await hand.press("slash")
        await hand.write("after:May")
        await hand.press("enter")
        assert "which is no day" in hand.text
        await hand.press("escape", "slash")
        await hand.write("before:1990")
        await hand.press("enter")
        assert "No photo of the library passes the filters." in hand.text

    drive(None, script, settings=SETTINGS)


def test_a_date_alone_asks_for_the_photos_of_that_time(photos: Path) -> None:
    noon = datetime(1995, 3, 31, 12).astimezone().timestamp()
    os.utime(photos / "trip" / "TOWER.JPG", (noon, noon))
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        for asked in ("1995", "1995-03", "in:trip 1995-03-31"):
            await hand.press("f4", "slash")
            await hand.write(asked)
            await hand.press("enter")
            (card,) = hand.page(SearchPage).query_one("#hits", CardGrid).cards
            assert os.path.basename(card.path) == b"TOWER.JPG"
            await hand.press("backspace")

    drive(None, script, settings=SETTINGS)


def test_the_search_chooses_photos_by_their_camera(photos: Path) -> None:
    write(photos / "trip" / "TOWER.JPG", scene(8, 128, 64), exif=exif(camera=("Apple", "iPhone 13")))
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        hits = hand.page(SearchPage).query_one("#hits", CardGrid)
        await hand.write("camera:IPHONE")
        await hand.press("enter")
        assert [os.path.basename(card.path) for card in hits.cards] == [b"TOWER.JPG"]
        await hand.press("slash")
        await hand.write("camera:leica")
        await hand.press("enter")
        assert "no photo by a camera 'leica'" in hand.text
        assert "Apple iPhone 13" in hand.text

    drive(None, script, settings=SETTINGS)


def test_a_path_that_is_no_photo_is_answered_with_the_reason(photos: Path) -> None:
    update(Context(SETTINGS), [str(photos)])

    async def script(hand: Hand) -> None:
        await hand.press("f4")
        await hand.write("/nowhere.jpg")
        await hand.press("enter")
        assert "/nowhere.jpg does not exist. Check the path" in hand.text

    drive(None, script, settings=SETTINGS)


def test_ctrl_c_stops_what_runs_first_and_leaves_then() -> None:
    entered = threading.Event()

    def slow(context: Context, _options: DedupOptions) -> Sequence[Group]:
        context.progress.start(Phase.COMPARE, 10)
        entered.set()
        while not context.cancel.cancelled:
            threading.Event().wait(0.01)
        context.cancel.check()
        return []

    async def script(hand: Hand) -> None:
        app = hand.app
        assert entered.wait(10)
        await hand.pilot.press("ctrl+c")
        await hand.pilot.pause()
        assert app.return_code == 0

    import asyncio

    from vtsfind.engine.review.session import BrowseSession

    async def run() -> None:
        with BrowseSession(Settings(), slow) as browsing:
            app = BrowseApp(browsing)
            async with app.run_test() as pilot:
                await script(Hand(app, pilot))

    asyncio.run(run())


def test_a_groups_search_that_fails_is_said_and_everything_else_works() -> None:
    def broken(_context: Context, _options: DedupOptions) -> Sequence[Group]:
        raise OSError("the disk is on fire")

    async def script(hand: Hand) -> None:
        assert "the disk is on fire" in hand.text
        await hand.press("f2", "f4", "f5", "f6", "left_square_bracket", "right_square_bracket", "f3")
        assert "the disk is on fire" in hand.text

    drive(broken, script)


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("/a/b.jpg", b"/a/b.jpg"),
        ("  '/a b/c.jpg'  ", b"/a b/c.jpg"),
        ('"/a b/c.jpg"', b"/a b/c.jpg"),
        (r"/a\ b/c\(1\).jpg", b"/a b/c(1).jpg"),
        ("file:///a%20b/%C3%A9.jpg", "/a b/é.jpg".encode()),
        ("", b""),
    ],
)
def test_a_dropped_path_is_understood_as_terminals_write_it(typed: str, path: bytes) -> None:
    assert parse_dropped_path(typed) == path


def test_a_whole_review_of_real_photos(tmp_path: Path) -> None:
    """Index real photos and copies of them, accept everything, apply, undo: every file is as it was."""
    folder = tmp_path / "photos"
    folder.mkdir()
    originals = [name for name in real_photos.NAMES if not name.endswith("-2")][::3]
    assert len(originals) == 8
    for place, name in enumerate(originals):
        photo = real_photos.photo(name)
        photo.save(folder / f"{place}.jpg", quality=92)
        photo.resize((photo.width * 2 // 3, photo.height * 2 // 3)).save(
            folder / f"{place}-small.jpg", quality=70
        )
    content = {path: path.read_bytes() for path in folder.iterdir()}

    def there() -> set[str]:
        return {str(path) for path in folder.iterdir()}

    async def script(hand: Hand) -> None:
        await hand.press("n")
        await hand.write(str(folder))
        await hand.press("enter", "enter")
        await hand.finish()
        await hand.finish()
        hand.page(GroupsPage)
        assert len(hand.review.groups) >= 6
        for group in hand.review.groups:
            assert [os.path.basename(member.photo.path)[1:] for member in group.members] == [
                b".jpg",
                b"-small.jpg",
            ]
        smaller = {os.fsdecode(group.members[1].photo.path) for group in hand.review.groups}
        await hand.press(*"a" * len(smaller))
        await hand.press("f5", "x", "y")
        await hand.finish()
        assert {str(path) for path in content} - there() == smaller
        await hand.press("f6", "u", "y")
        await hand.finish()

    drive(None, script, settings=SETTINGS)
    assert {path: path.read_bytes() for path in folder.iterdir()} == content


def test_thumbnails_stay_below_their_cap_and_the_oldest_go(tmp_path: Path) -> None:
    from vtsfind.store.thumbnails import ThumbnailCache

    cache = ThumbnailCache(tmp_path / "cache", max_bytes=10_000)
    for number in range(40):
        cache.put(f"{number:032x}", bytes(1000))
        os.utime(cache._path(f"{number:032x}"), (number, number))
    sizes = [path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert sum(sizes) <= 10_000
    assert cache.get(f"{39:032x}") == bytes(1000)
    assert cache.get(f"{0:032x}") is None


def test_a_damaged_thumbnail_is_made_anew(tmp_path: Path) -> None:
    from vtsfind.base.settings import places
    from vtsfind.engine.previews.decode import Preview, Previews

    photo = write(tmp_path / "photo.png", scene(3, 64, 48))
    with Previews(Settings()) as previews:
        first = previews.preview(os.fsencode(photo))
        assert isinstance(first, Preview)
        (kept,) = (path for path in (places().cache / "thumbnails").rglob("*") if path.is_file())
        kept.write_bytes(b"no picture")
        again = previews.preview(os.fsencode(photo))
        assert isinstance(again, Preview)
        assert np.array_equal(first.pixels, again.pixels)


def test_a_preview_that_cannot_be_written_to_disk_is_shown_all_the_same(
    tmp_path: Path, own_places: Path
) -> None:
    from vtsfind.engine.previews.decode import Preview, Previews

    own_places.mkdir(exist_ok=True)
    (own_places / "cache").write_text("a file where the folder should be")
    photo = write(tmp_path / "photo.png", scene(3, 64, 48))
    with Previews(Settings()) as previews:
        assert isinstance(previews.preview(os.fsencode(photo)), Preview)
