"""Pictures to learn from: each kind of source and the list files, and what is wrong with one."""

import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.learn.data.formats import CIFAR10_CLASSES, Source, cifar10, load
from vtsfind.learn.data.formats.classes import COCO, IMAGENET_100, VOC2012
from vtsfind.learn.data.formats.lists import ListFile, read_list


def draw(path: Path, value: int, size: tuple[int, int] = (12, 10)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 0, 255 - value)).save(path)


def mosaic(path: Path, values: list[int]) -> None:
    canvas = Image.new("RGB", (8 * len(values), 16))
    for n, value in enumerate(values):
        canvas.paste((value, value, value), (8 * n, 0, 8 * n + 8, 8))
        canvas.paste((value + 1,) * 3, (8 * n, 8, 8 * n + 8, 16))
    canvas.save(path)


def cifar(folder: Path) -> None:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]:
        rows = rng.integers(0, 256, (cifar10.PICTURES_PER_FILE, 3073), np.uint8)
        rows[:, 0] %= 10
        rows.tofile(folder / f"{name}.bin")


def test_photos_have_no_labels_and_come_by_name(tmp_path: Path) -> None:
    for n, name in enumerate(("b.png", "a.png", "sub/c.png")):
        draw(tmp_path / "p" / name, 10 * n)
    pictures = load([Source("photos", "p")], tmp_path, shortest=8)
    assert pictures.labels.shape == (3, 0)
    assert [int(pictures.picture(row)[0, 0, 0]) for row in range(3)] == [10, 0, 20]


def test_folders_of_one_class_each_give_one_column_each(tmp_path: Path) -> None:
    for name, value in (("dog/1.png", 1), ("cat/1.png", 2), ("cat/2.png", 3)):
        draw(tmp_path / "c" / name, value)
    pictures = load([Source("classes", "c")], tmp_path, shortest=8)
    assert pictures.classes == ("cat", "dog")
    assert pictures.labels.tolist() == [[1, 0], [1, 0], [0, 1]]


def test_sources_are_joined_and_classes_of_one_name_are_one_class(tmp_path: Path) -> None:
    draw(tmp_path / "c/cat/1.png", 1)
    draw(tmp_path / "p/1.png", 2)
    draw(tmp_path / "d/bird/1.png", 3)
    draw(tmp_path / "d/cat/1.png", 4)
    sources = [Source("classes", "c"), Source("photos", "p"), Source("classes", "d")]
    pictures = load(sources, tmp_path, shortest=8)
    assert pictures.classes == ("bird", "cat")
    assert pictures.labels.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
    assert [int(pictures.picture(row)[0, 0, 0]) for row in range(4)] == [1, 2, 3, 4]


def test_a_mosaic_is_cut_into_its_tiles_row_by_row(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    mosaic(tmp_path / "m/x.png", [10, 20, 30])
    mosaic(tmp_path / "m/y.png", [40, 50, 60])
    pictures = load([Source("mosaics", "m", tile=8)], tmp_path, shortest=8)
    assert pictures.picture(0).shape == (8, 8, 3)
    assert [int(pictures.picture(r)[0, 0, 0]) for r in range(12)] == [
        10,
        20,
        30,
        11,
        21,
        31,
        40,
        50,
        60,
        41,
        51,
        61,
    ]
    assert pictures.labels.argmax(1).tolist() == [0] * 6 + [1] * 6


def test_a_mosaic_of_other_tiles_is_named(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    mosaic(tmp_path / "m/x.png", [10, 20, 30])
    with pytest.raises(UsageError, match=r"x\.png is not made of tiles of 7 pixels"):
        load([Source("mosaics", "m", tile=7)], tmp_path, shortest=8)


def test_classes_that_are_left_out_are_not_there(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        draw(tmp_path / "c" / name / "1.png", 5)
    pictures = load([Source("classes", "c", leave_out=("b",))], tmp_path, shortest=8)
    assert pictures.classes == ("a", "c")
    assert len(pictures) == 2


def test_cifar_10_is_read_from_its_binary_archive(tmp_path: Path) -> None:
    cifar(tmp_path / "cifar")
    pictures = load([Source("cifar10", "cifar")], tmp_path, shortest=8)
    raw = np.fromfile(tmp_path / "cifar/data_batch_2.bin", np.uint8).reshape(-1, 3073)[7]
    assert pictures.classes == CIFAR10_CLASSES
    assert len(pictures) == 60_000
    assert pictures.labels[10_007].argmax() == raw[0]
    assert np.array_equal(pictures.picture(10_007), raw[1:].reshape(3, 32, 32).transpose(1, 2, 0))


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """CIFAR-10 with 20 pictures a file."""
    monkeypatch.setattr(cifar10, "PICTURES_PER_FILE", 20)
    cifar(tmp_path / "cifar")
    return tmp_path / "cifar"


def test_a_cifar_file_that_was_cut_short_is_named(small_cifar: Path) -> None:
    whole = (small_cifar / "data_batch_3.bin").read_bytes()
    (small_cifar / "data_batch_3.bin").write_bytes(whole[:-1])
    with pytest.raises(UsageError, match=r"data_batch_3\.bin is not a file of the binary CIFAR-10"):
        load([Source("cifar10", "cifar")], small_cifar.parent, shortest=8)


def test_a_cifar_label_out_of_range_is_named_with_its_place(small_cifar: Path) -> None:
    content = bytearray((small_cifar / "data_batch_3.bin").read_bytes())
    content[7 * 3073] = 10
    (small_cifar / "data_batch_3.bin").write_bytes(content)
    with pytest.raises(UsageError, match=r"data_batch_3\.bin has the label 10 at picture 7"):
        load([Source("cifar10", "cifar")], small_cifar.parent, shortest=8)


def test_cifar_classes_that_are_left_out_are_not_there(small_cifar: Path) -> None:
    pictures = load(
        [Source("cifar10", "cifar", leave_out=("airplane", "truck"))], small_cifar.parent, shortest=8
    )
    assert 0 < len(pictures) < 120
    assert pictures.labels[:, [0, 9]].sum() == 0
    assert (pictures.labels.sum(1) == 1).all()


def test_cifar_pictures_are_sent_to_other_processes_without_their_pixels(small_cifar: Path) -> None:
    pictures = load([Source("cifar10", "cifar")], small_cifar.parent, shortest=8)
    sent = pickle.dumps(pictures)
    assert len(sent) < 10_000
    assert np.array_equal(pickle.loads(sent).picture(77), pictures.picture(77))


def test_chosen_pictures_keep_their_order_labels_and_pixels(tmp_path: Path) -> None:
    for n in range(4):
        draw(tmp_path / "c" / str(n % 2) / f"{n}.png", 10 * n)
    pictures = load([Source("classes", "c")], tmp_path, shortest=8)
    subset = pictures.subset(np.array([3, 0, 3]))
    assert [int(subset.picture(row)[0, 0, 0]) for row in range(len(subset))] == [30, 0, 30]
    assert subset.labels.tolist() == [[0, 1], [1, 0], [0, 1]]
    assert subset.classes == pictures.classes
    again = subset.subset(np.array([1]))
    assert int(again.picture(0)[0, 0, 0]) == 0


def test_class_names_stand_in_the_order_of_the_published_columns() -> None:
    for names, count in ((IMAGENET_100, 100), (VOC2012, 20), (COCO, 80)):
        assert len(set(names)) == count
        assert list(names) == sorted(names)
    assert [COCO.index(name) for name in ("person", "chair", "car", "dining table")] == [49, 22, 18, 27]


def listed(folder: Path, text: str | bytes, *files: str, columns: int | None = None) -> ListFile:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "list.txt").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_list(folder / "list.txt", folder, columns=columns)


def test_a_list_gives_paths_and_labels_in_its_order(tmp_path: Path) -> None:
    found = listed(tmp_path, "b/1.jpg 0 1 1\na.jpg 1 0 0\n", "b/1.jpg", "a.jpg")
    assert found.names == ("b/1.jpg", "a.jpg")
    assert found.labels.tolist() == [[0, 1, 1], [1, 0, 0]]
    assert found.repeated == 0


def test_blank_lines_other_line_ends_and_wide_gaps_change_nothing(tmp_path: Path) -> None:
    text = "\n\r\n  \na.jpg 1 0\r\n\nb.jpg\t0   1 \r\n"
    found = listed(tmp_path, b"\xef\xbb\xbf" + text.encode(), "a.jpg", "b.jpg")
    assert found.names == ("a.jpg", "b.jpg")
    assert found.labels.tolist() == [[1, 0], [0, 1]]


def test_paths_of_the_authors_machine_are_found_in_the_folder(tmp_path: Path) -> None:
    home = "/home/someone/run/dataset/coco"
    text = f"{home}/val2014/1.jpg 1 0\n{home}/train2014/2.jpg 0 1\n./val2014/3.jpg 0 1\n"
    found = listed(tmp_path, text, "val2014/1.jpg", "train2014/2.jpg", "val2014/3.jpg", "1.jpg")
    assert found.names == ("val2014/1.jpg", "train2014/2.jpg", "val2014/3.jpg")


@settings(max_examples=30)
@given(
    names=st.lists(
        st.text("ab \u00e9\u4e2d1", min_size=1, max_size=6), unique_by=str.strip, min_size=1, max_size=5
    ),
    columns=st.integers(2, 5),
    data=st.data(),
)
def test_what_is_written_as_a_list_is_read_back(names: list[str], columns: int, data: st.DataObject) -> None:
    paths = [f"{name.strip()}.jpg" for name in names]
    rows = st.lists(st.integers(0, 1), min_size=columns, max_size=columns)
    labels = [data.draw(rows) for _ in paths]
    lines = [f"{path} {' '.join(map(str, row))}" for path, row in zip(paths, labels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        found = listed(Path(folder), "\n".join(lines), *paths)
    assert found.names == tuple(paths)
    assert found.labels.tolist() == labels


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b.jpg 0 1", r"list\.txt, line 3, has 2 label columns, and not 3"),
        ("b.jpg 0 1 0 1", r"line 3, has 4 label columns, and not 3"),
        ("b.jpg", r"line 3, has 0 label columns, and not 3"),
        ("b.jpg 0 2 0", r"line 3, has the label 2, where only 0 and 1"),
        ("b.jpg 0 1 -1", r"line 3, has the label -1, where only 0 and 1"),
        ("b.jpg 0 1 x", r"line 3, has 0 label columns, and not 3"),
        ("../b.jpg 0 1 0", r"line 3, names a picture outside .*\.\./b\.jpg"),
        ("c.jpg 0 1 0", r"1 of the 2 pictures in .*list\.txt are not in .*the first, on line 3, is c\.jpg"),
        ("a.jpg 0 1 0", r"names a\.jpg on line 1 and again on line 3 with other labels"),
    ],
)
def test_a_wrong_line_of_a_list_is_named_by_file_and_number(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        listed(tmp_path, f"a.jpg 1 0 0\n\n{line}\n", "a.jpg", "b.jpg")


def test_a_list_of_another_data_set_is_told_by_its_columns(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 1, has 2 label columns, and not 3"):
        listed(tmp_path, "a.jpg 1 0\n", "a.jpg", columns=3)


def test_a_picture_that_stands_in_a_list_again_is_counted_and_left_out(tmp_path: Path) -> None:
    found = listed(tmp_path, "a.jpg 1 0\nb.jpg 0 1\na.jpg 1 0\n/x/a.jpg 1 0\n", "a.jpg", "b.jpg")
    assert (found.names, found.repeated) == (("a.jpg", "b.jpg"), 2)


def test_an_empty_list_and_one_that_is_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"list\.txt names no pictures"):
        listed(tmp_path, "\n")
    with pytest.raises(UsageError, match=r"gone\.txt cannot be read"):
        read_list(tmp_path / "gone.txt", tmp_path)


@pytest.mark.parametrize("kind", ["photos", "classes", "mosaics", "cifar10"])
def test_a_missing_folder_is_named_with_the_flag_that_gives_it(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UsageError, match=r"nowhere is not there.*--data"):
        load([Source(kind, "nowhere")], tmp_path, shortest=8)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no pictures"):
        load([Source("photos", ".")], tmp_path, shortest=8)


def test_an_unknown_kind_of_data_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no kind of data 'tapes'.*photos"):
        load([Source("tapes", ".")], tmp_path, shortest=8)


def test_a_damaged_training_picture_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "p/1.png", 1)
    (tmp_path / "p/2.png").write_bytes(b"no picture")
    pictures = load([Source("photos", "p")], tmp_path, shortest=8)
    with pytest.raises(UsageError, match=r"2\.png cannot be used"):
        pictures.picture(1)
