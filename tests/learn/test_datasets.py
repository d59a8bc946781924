"""Pictures to learn from: each kind of source, and what is wrong with one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.learn.datasets import CIFAR10_CLASSES, Source, load


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
        rows = rng.integers(0, 256, (10_000, 3073), np.uint8)
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


def test_a_cifar_file_that_was_cut_short_is_named(tmp_path: Path) -> None:
    cifar(tmp_path / "cifar")
    whole = (tmp_path / "cifar/data_batch_3.bin").read_bytes()
    (tmp_path / "cifar/data_batch_3.bin").write_bytes(whole[:-1])
    with pytest.raises(UsageError, match=r"data_batch_3\.bin is not a file of the binary CIFAR-10"):
        load([Source("cifar10", "cifar")], tmp_path, shortest=8)


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
