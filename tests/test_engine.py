"""What the engine does with a library: refreshing it, asking it, looking after it."""

import io
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.block_encoder import SIGNATURE, BlockMeans, BlockModel
from support.drawn_photos import album, encoded, scene, write

from vtsfind.base.errors import ModelMismatch, UsageError
from vtsfind.base.progress import CancelToken, Phase, SilentProgress
from vtsfind.base.records import Head, Reason, Signature
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import RefreshOptions, Selection, select
from vtsfind.engine.indexing.refresh import RefreshResult, refresh
from vtsfind.engine.search.query import Answer, SearchOptions, search_library
from vtsfind.engine.search.query_image import query_image
from vtsfind.store.index import Index
from vtsfind.store.rows import MAX_DIGESTS_OF_SIZE

SETTINGS = Settings(workers=1)


class Watcher(SilentProgress):
    """A progress that does something at the start of a phase and at each photo read."""

    def __init__(
        self, started: Callable[[Phase], object] = repr, stepped: Callable[[int], object] = repr
    ) -> None:
        self.started = started
        self.stepped = stepped
        self.steps = 0

    def start(self, phase: Phase, total: int | None) -> None:
        super().start(phase, total)
        self.steps = 0
        self.phase = phase
        self.started(phase)

    def advance(self, steps: int = 1, note: str = "") -> None:
        super().advance(steps, note)
        self.steps += steps
        if self.phase is Phase.ENCODE:
            self.stepped(self.steps)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.create(tmp_path / "library", SIGNATURE) as index:
        yield index


@pytest.fixture(scope="module")
def album_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return album(tmp_path_factory.mktemp("album"))


@pytest.fixture(scope="module")
def full(album_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A library of the album, for tests that only ask."""
    with Index.create(tmp_path_factory.mktemp("full") / "library", SIGNATURE) as index:
        look(index, album_photos)
        yield index


def no_model() -> BlockMeans:
    raise AssertionError("the model was loaded")


def look(
    index: Index,
    *folders: Path,
    encoder: Callable[[], Any] = BlockMeans,
    settings: Settings = SETTINGS,
    selection: Selection | None = None,
    options: RefreshOptions = RefreshOptions(),
    **monitor: Any,
) -> RefreshResult:
    """Refresh a library from some folders, or from its own."""
    selection = selection or select(map(str, folders), (), index.roots())
    return refresh(index, selection, BlockModel(encoder), Context(settings, **monitor), options)


def names(index: Index) -> set[str]:
    """The names of all photos in the library."""
    planes = index.planes("scene")
    return {
        os.path.basename(os.fsdecode(record.path))
        for records in index.files_of_rows(planes.rows)
        for record in records
    }


def asked(index: Index, *images: Path, encoder: Callable[[], Any] = no_model, **wish: Any) -> list[Answer]:
    return search_library(
        index,
        [query_image(str(image), io.BytesIO()) for image in images],
        SearchOptions(**wish),
        BlockModel(encoder),
        Context(SETTINGS),
    )


def test_every_photo_of_a_folder_comes_into_the_library(index: Index, photos: Path) -> None:
    result = look(index, photos)
    assert (result.new, result.photos, result.failures) == (12, 12, [])
    assert index.counts().files == 12
    assert index.roots() == [os.fsencode(photos)]


def test_a_second_run_opens_no_photo_and_loads_no_model(
    index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(index, photos)
    monkeypatch.setattr("vtsfind.media.pool.DecodePool", no_model)
    result = look(index, encoder=no_model)
    assert (result.unchanged, result.new, result.removed) == (12, 0, 0)


def test_a_moved_photo_is_neither_decoded_nor_encoded(index: Index, photos: Path) -> None:
    look(index, photos)
    (photos / "new").mkdir()
    (photos / "cat.jpg").rename(photos / "new" / "tiger.jpg")
    result = look(index, encoder=no_model)
    assert (result.moved, result.unchanged, result.new, result.removed) == (1, 11, 0, 0)
    assert "tiger.jpg" in names(index)
    assert "cat.jpg" not in names(index)


def test_a_copy_shares_its_content_and_is_not_encoded(index: Index, photos: Path) -> None:
    look(index, photos)
    shutil.copy(photos / "cat.jpg", photos / "cat2.jpg")
    result = look(index, encoder=no_model)
    assert (result.new, result.unchanged) == (1, 12)
    assert index.counts().contents == 12
    (answer,) = asked(index, photos / "cat.jpg", top=2)
    assert [Path(os.fsdecode(hit.path)).name for hit in answer.neighbours] == ["cat.jpg", "cat2.jpg"]
    assert [hit.distance for hit in answer.neighbours] == [0, 0]


def test_a_touched_photo_is_read_but_not_encoded(index: Index, photos: Path) -> None:
    look(index, photos)
    os.utime(photos / "cat.jpg", ns=(1, 1))
    assert look(index, encoder=no_model).unchanged == 12
    assert index.stamps()[os.fsencode(photos / "cat.jpg")][1] == 1


def test_of_very_many_photos_of_one_size_those_that_moved_or_were_touched_are_not_encoded_again(
    index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    count = MAX_DIGESTS_OF_SIZE + 6
    for number in range(count):
        write(folder / f"{number:02}.bmp", scene(number, 8, 8))
    assert look(index, folder).new == count
    assert len(index.digests_of_size((folder / "00.bmp").stat().st_size)) == MAX_DIGESTS_OF_SIZE
    (folder / "away").mkdir()
    for number in range(count):
        (folder / f"{number:02}.bmp").rename(folder / "away" / f"{number:02}.bmp")
    result = look(index, encoder=no_model)
    assert (result.moved, result.new, result.removed) == (count, 0, 0)
    os.utime(folder / "away" / "00.bmp", ns=(1, 1))
    assert look(index, encoder=no_model).unchanged == count
    shutil.copyfile(folder / "away" / "01.bmp", folder / "copy.bmp")
    assert look(index).new == 1
    counts = index.counts()
    assert (counts.files, counts.contents) == (count + 1, count), "it is read again, but is no new content"


def test_a_changed_photo_gets_new_codes(index: Index, photos: Path) -> None:
    look(index, photos)
    write(photos / "cat.jpg", scene(77))
    assert look(index).changed == 1
    (answer,) = asked(index, photos / "cat.jpg", top=1)
    assert answer.neighbours[0].path == os.fsencode(photos / "cat.jpg")


def test_a_deleted_photo_leaves_the_library(index: Index, photos: Path) -> None:
    look(index, photos)
    (photos / "cat.jpg").unlink()
    assert look(index).removed == 1
    assert "cat.jpg" not in names(index)


def test_a_look_at_one_folder_leaves_the_others_alone(index: Index, photos: Path) -> None:
    look(index, photos)
    (photos / "cat.jpg").unlink()
    assert look(index, photos / "trip").removed == 0
    assert "cat.jpg" in names(index)


def test_nothing_under_an_unreadable_folder_is_forgotten(
    index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(index, photos)
    closed = os.fsencode(photos / "trip")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if path == closed:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = look(index)
    assert result.removed == 0
    assert [(failure.path, failure.reason) for failure in result.failures] == [(closed, Reason.UNREADABLE)]
    assert {"road.jpeg", "TOWER.JPG"} <= names(index)


@pytest.mark.parametrize("place", ["empty", "missing"])
def test_the_photos_of_an_unplugged_drive_stay(index: Index, photos: Path, place: str) -> None:
    look(index, photos)
    photos.rename(photos.with_name("elsewhere"))
    if place == "empty":
        photos.mkdir()
    result = look(index)
    assert result.absent == {os.fsencode(photos): 12}
    assert result.removed == 0
    assert index.counts().files == 12

    assert look(index, options=RefreshOptions(forget_missing=True)).removed == 12
    assert index.counts().files == 0


def test_a_damaged_photo_costs_only_itself_and_is_not_tried_again(index: Index, photos: Path) -> None:
    (photos / "half.jpg").write_bytes(encoded(scene(50))[:300])
    (photos / "letter.png").write_bytes(b"Dear Ann, no picture this time.")
    result = look(index, photos)
    assert result.new == 12
    assert {Path(os.fsdecode(failure.path)).name for failure in result.failures} == {"half.jpg", "letter.png"}
    assert {failure.path for failure in index.failures()} == {failure.path for failure in result.failures}

    again = look(index, encoder=no_model)
    assert (again.failures, again.waiting, again.unchanged) == ([], 2, 12)


def test_a_failed_file_is_tried_again_when_asked_or_changed(index: Index, photos: Path) -> None:
    (photos / "half.jpg").write_bytes(encoded(scene(50))[:300])
    look(index, photos)
    assert len(look(index, options=RefreshOptions(retry_failed=True)).failures) == 1
    (photos / "half.jpg").write_bytes(encoded(scene(50)))
    result = look(index)
    assert (result.new, result.failures, index.failures()) == (1, [], [])


def test_a_photo_that_vanishes_before_it_is_read_costs_only_itself(index: Index, photos: Path) -> None:
    look(index, photos / "trip")
    write(photos / "trip" / "road.jpeg", scene(91))

    def vanish(phase: Phase) -> None:
        if phase is Phase.ENCODE:
            (photos / "trip" / "road.jpeg").unlink()
            (photos / "cat.jpg").unlink()

    result = look(index, photos, progress=Watcher(started=vanish))
    assert {failure.reason for failure in result.failures} == {Reason.VANISHED}
    assert len(result.failures) == 2
    assert index.failures() == []
    assert names(index).isdisjoint({"cat.jpg", "road.jpeg"})
    assert look(index).photos == 10


def test_a_photo_that_changes_before_it_is_read_is_kept_as_it_was_read(index: Index, photos: Path) -> None:
    def change(phase: Phase) -> None:
        if phase is Phase.ENCODE:
            write(photos / "cat.jpg", scene(92))

    look(index, photos, progress=Watcher(started=change))
    result = look(index, encoder=no_model)
    assert result.unchanged == 12


def test_a_stopped_run_keeps_what_was_done_and_the_next_goes_on(index: Index, photos: Path) -> None:
    cancel = CancelToken()
    stop = Watcher(stepped=lambda steps: cancel.cancel() if steps == 6 else None)
    settings = Settings(workers=1, batch=2)
    result = look(index, photos, progress=stop, cancel=cancel, settings=settings)
    assert result.interrupted
    assert result.new == 6
    assert index.counts().files == 6

    model = BlockMeans()
    rest = look(index, encoder=lambda: model)
    assert (rest.new, rest.unchanged, model.encoded) == (6, 6, 6)


def test_a_run_stopped_while_it_looks_around_forgets_nothing(index: Index, photos: Path) -> None:
    look(index, photos)
    shutil.rmtree(photos / "trip")
    cancel = CancelToken()
    cancel.cancel()
    assert look(index, cancel=cancel).interrupted
    assert index.counts().files == 12


def test_work_is_committed_along_the_way(index: Index, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["vtsfind.engine.indexing.refresh"], "COMMIT_EVERY_S", 0.0)

    def fail(steps: int) -> None:
        if steps == 8:
            raise RuntimeError("the roof falls in")

    with pytest.raises(RuntimeError):
        look(index, photos, progress=Watcher(stepped=fail), settings=Settings(workers=1, batch=2))
    index.close()
    with Index.open(index.folder) as reopened:
        assert reopened.counts().files >= 6


def test_codes_of_another_model_are_refused(index: Index, photos: Path) -> None:
    other = BlockMeans(Signature("other", "0" * 64, SIGNATURE.heads))
    with pytest.raises(ModelMismatch):
        look(index, photos, encoder=lambda: other)
    assert index.counts().files == 0


def test_files_named_one_by_one_are_looked_at_by_a_plain_refresh(index: Index, photos: Path) -> None:
    cat = os.fsencode(photos / "cat.jpg")
    gone = os.fsencode(photos / "unicorn.jpg")
    result = look(index, selection=select((), [cat, gone], ()))
    assert result.new == 1
    assert [(failure.path, failure.reason) for failure in result.failures] == [(gone, Reason.VANISHED)]
    assert index.roots() == []

    assert look(index, selection=Selection(known=True)).unchanged == 1
    (photos / "cat.jpg").unlink()
    assert look(index, selection=Selection(known=True)).removed == 1


def test_where_to_look_must_be_said_and_exist(photos: Path) -> None:
    with pytest.raises(UsageError, match="nothing to refresh"):
        select([], [], [])
    with pytest.raises(UsageError, match="nowhere"):
        select([str(photos / "nowhere")], [], [])


def test_names_of_any_bytes_are_indexed_and_asked_for(index: Index, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "odd")
    os.mkdir(folder)
    odd = [b"two\nlines.jpg", b"not-utf8-\xff\xfe.jpg", b" blanks .jpg", b"-x.jpg"]
    for seed, name in enumerate(odd):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(encoded(scene(seed)))
    assert look(index, tmp_path / "odd").new == 4
    (answer,) = search_library(
        index,
        [query_image(os.path.join(folder, odd[1]), io.BytesIO())],
        SearchOptions(top=1),
        BlockModel(no_model),
        Context(SETTINGS),
    )
    assert answer.neighbours[0].path == os.path.join(folder, odd[1])


def test_a_photo_of_the_library_is_its_own_best_hit_unless_left_out(full: Index, album_photos: Path) -> None:
    (answer,) = asked(full, album_photos / "cat.jpg", top=5)
    assert [hit.rank for hit in answer.neighbours] == [1, 2, 3, 4, 5]
    assert answer.neighbours[0].path == os.fsencode(album_photos / "cat.jpg")
    assert answer.neighbours[0].distance == 0
    (other,) = asked(full, album_photos / "cat.jpg", top=5, skip_self=True)
    assert len(other.neighbours) == 5
    assert answer.neighbours[1].path == other.neighbours[0].path


def test_the_photo_itself_comes_before_others_of_the_same_code_and_only_its_bar_is_full(
    index: Index, tmp_path: Path
) -> None:
    folder = tmp_path / "album"
    original = write(folder / "z.jpg", scene(1), quality=95)
    for name in ("a.jpg", "b.jpg"):
        with Image.open(original) as image:
            write(folder / name, image.convert("RGB"), quality=90)
    (folder / "copy of z.jpg").write_bytes(original.read_bytes())
    look(index, folder, encoder=BlockMeans)
    (answer,) = asked(index, original)
    hits = answer.neighbours
    assert {hit.distance for hit in hits} == {0}, "the encoder cannot tell them apart"
    assert [Path(os.fsdecode(hit.path)).name for hit in hits] == ["z.jpg", "copy of z.jpg", "a.jpg", "b.jpg"]
    assert [hit.bar_cells(10) for hit in hits] == [10, 10, 9, 9]
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]


def test_a_known_content_elsewhere_needs_no_model(full: Index, album_photos: Path, tmp_path: Path) -> None:
    shutil.copy(album_photos / "cat.jpg", tmp_path / "outside.jpg")
    (answer,) = asked(full, tmp_path / "outside.jpg", top=1)
    assert answer.neighbours[0].path == os.fsencode(album_photos / "cat.jpg")


def test_a_new_photo_is_decoded_encoded_and_found(full: Index, album_photos: Path, tmp_path: Path) -> None:
    small = write(tmp_path / "small.jpg", scene(1).resize((64, 48)), quality=60)
    (answer,) = asked(full, small, encoder=BlockMeans, head="copy", top=1)
    assert answer.neighbours[0].path == os.fsencode(album_photos / "cat.jpg")
    assert answer.neighbours[0].bits == 256


def test_bytes_from_standard_input_are_a_photo(full: Index, album_photos: Path) -> None:
    stream = io.BytesIO(encoded(scene(1), quality=70))
    (answer,) = search_library(
        full,
        [query_image("-", stream)],
        SearchOptions(top=1),
        BlockModel(BlockMeans),
        Context(SETTINGS),
    )
    assert answer.neighbours[0].path == os.fsencode(album_photos / "cat.jpg")


def test_one_unusable_photo_among_several_costs_only_its_own_answer(
    full: Index, album_photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "half.jpg").write_bytes(encoded(scene(50))[:300])
    new = write(tmp_path / "new.jpg", scene(1), quality=50)
    answers = asked(
        full,
        tmp_path / "half.jpg",
        album_photos / "cat.jpg",
        tmp_path,
        new,
        tmp_path / "gone",
        encoder=BlockMeans,
        top=1,
    )
    reasons = [answer.failure and answer.failure.reason for answer in answers]
    assert reasons == [Reason.DAMAGED, None, Reason.UNREADABLE, None, Reason.VANISHED]
    cat = os.fsencode(album_photos / "cat.jpg")
    assert [answer.neighbours[0].path for answer in answers if not answer.failure] == [cat, cat]


def test_a_radius_gives_all_within_it_and_no_others(full: Index, album_photos: Path) -> None:
    (everything,) = asked(full, album_photos / "cat.jpg", radius=64)
    assert len(everything.neighbours) == 12
    limit = everything.neighbours[5].distance
    (near,) = asked(full, album_photos / "cat.jpg", radius=limit)
    assert [hit.path for hit in near.neighbours] == [
        hit.path for hit in everything.neighbours if hit.distance <= limit
    ]
    (two,) = asked(full, album_photos / "cat.jpg", radius=64, top=2)
    assert len(two.neighbours) == 2


def test_a_hit_whose_file_is_gone_is_marked(index: Index, photos: Path) -> None:
    look(index, photos)
    (photos / "dog.png").unlink()
    (answer,) = asked(index, photos / "cat.jpg")
    missing = [Path(os.fsdecode(hit.path)).name for hit in answer.neighbours if hit.missing]
    assert missing == ["dog.png"]


def test_an_empty_library_gives_an_empty_answer(index: Index, photos: Path) -> None:
    (answer,) = asked(index, photos / "cat.jpg", encoder=BlockMeans)
    assert answer.neighbours == ()
    assert answer.failure is None


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"head": "colour"}, "--by scene or --by copy"),
        ({"top": 0}, "from 1"),
        ({"radius": -1}, "0 to 64"),
        ({"radius": 65}, "0 to 64"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_with_what_can(
    index: Index, photos: Path, wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        asked(index, photos / "cat.jpg", **wish)


def test_a_model_with_one_head_needs_no_choice(tmp_path: Path, photos: Path) -> None:
    signature = Signature("paper", "1" * 64, (Head("hash", 64),))

    class OneHead(BlockMeans):
        def outputs(self, pixels: Any, heads: Any = None) -> Any:
            return dict.fromkeys(heads or ["hash"], super().outputs(pixels)["scene"])

    with Index.create(tmp_path / "one", signature) as index:
        look(index, photos, encoder=lambda: OneHead(signature))
        (answer,) = asked(index, photos / "cat.jpg", top=1)
    assert answer.neighbours[0].bits == 64
