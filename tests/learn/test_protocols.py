"""Protocols and their splits: what is drawn, kept and hashed, what is missing or wrong, and what is done about it."""

import hashlib
import json
import pickle
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import CIFAR10_CLASSES, cifar10
from vtsfind.learn.data.protocols import (
    CENTRE_CROP,
    PROTOCOLS,
    SQUASH,
    Protocol,
    find_protocol,
    open_protocol,
)
from vtsfind.learn.data.split_checks import ExpectedSplit, Fault, SplitFinding, check_split
from vtsfind.learn.data.splits import Split, draw_split

CHECKOUT = Path(__file__).parents[2]
PARTS = ("train", "query", "database")
PUBLISHED = {
    "cifar10@54000": (10, 5_000, 1_000, 54_000, None),
    "cifar10@all": (10, 5_000, 1_000, 59_000, None),
    "cifar10-2": (10, 50_000, 10_000, 50_000, None),
    "imagenet-100@1000": (100, 13_000, 5_000, 128_503, 1_000),
    "nuswide-21@5000": (21, 10_500, 2_100, 193_734, 5_000),
    "nuswide-21-m": (21, 10_500, 2_100, None, 5_000),
    "nuswide-81-m": (81, 10_000, 5_000, 168_692, 5_000),
    "coco@5000": (80, 10_000, 5_000, 117_218, 5_000),
    "mirflickr": (38, 4_000, 1_000, 20_000, None),
    "voc2012": (20, 4_000, 1_000, 6_540, None),
    "imagenette": (0, None, None, None, None),
    "folder": (0, None, None, None, None),
}
DRAWN_WITH_SEED_1 = "da82ef28ad21e8acf16199ea7146bfa9eef0ec565ef79419e472d1571c3c96cc"


def numbers(pictures: int = 60_000) -> npt.NDArray[np.int64]:
    """Class numbers that are mixed, and of ten classes of one size."""
    return np.arange(pictures) * 7 % 10


@pytest.fixture
def small_cifar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of all data with CIFAR-10 in it, of 1,100 pictures a file."""
    monkeypatch.setattr(cifar10, "PICTURES_PER_FILE", 1_100)
    return write_cifar(tmp_path / "data")


def write_cifar(root: Path, labels: npt.NDArray[np.int64] | None = None) -> Path:
    folder = root / cifar10.FOLDER
    folder.mkdir(parents=True)
    rows = np.zeros((6 * cifar10.PICTURES_PER_FILE, 3073), np.uint8)
    rows[:, 0] = numbers(len(rows)) if labels is None else labels
    rows[:, 1] = np.arange(len(rows)) % 251
    for name, block in zip(cifar10.FILES, np.split(rows, 6), strict=True):
        block.tofile(folder / name)
    return root


def faults(split: Split) -> list[Fault]:
    return [finding.fault for finding in split.findings]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_table_says_what_was_published(name: str) -> None:
    protocol = PROTOCOLS[name]
    sizes = tuple(protocol.sizes[part] for part in PARTS)
    assert (len(protocol.classes), *sizes, protocol.top_k) == PUBLISHED[name]
    assert len(PUBLISHED) == len(PROTOCOLS)


def test_sizes_add_up_to_the_pictures_that_there_are() -> None:
    def size(name: str, *parts: str) -> int:
        return sum(PROTOCOLS[name].sizes[part] or 0 for part in parts)

    assert size("cifar10@54000", *PARTS) == size("cifar10@all", "query", "database") == 60_000
    assert size("cifar10-2", "query", "database") == 60_000
    assert size("nuswide-21@5000", "query", "database") == 195_834
    assert size("nuswide-81-m", "query", "database") == 173_692
    assert size("coco@5000", "query", "database") == 122_218
    assert size("mirflickr", *PARTS) == 25_000
    assert size("voc2012", *PARTS) == 11_540


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cifar10", "cifar10@54000"),
        ("CIFAR10@All", "cifar10@all"),
        ("cifar10-1", "cifar10@all"),
        ("imagenet100@1000", "imagenet-100@1000"),
        ("nuswide_21", "nuswide-21@5000"),
        ("nuswide21@5000", "nuswide-21@5000"),
        ("nuswide_81_m", "nuswide-81-m"),
        ("coco", "coco@5000"),
    ],
)
def test_a_protocol_is_found_by_the_names_of_published_code_and_tables(name: str, found: str) -> None:
    assert find_protocol(name).name == found


def test_no_two_protocols_share_a_name() -> None:
    names = [name for protocol in PROTOCOLS.values() for name in (protocol.name, *protocol.aliases)]
    assert len(names) == len(set(names))
    assert {find_protocol(name).name for name in names} == set(PROTOCOLS)


def test_an_unknown_data_set_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no data set 'mnist'.*cifar10@54000.*folder"):
        find_protocol("mnist")


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_missing_data_are_named_with_what_to_get_and_where_to_put_it(
    tmp_path: Path, protocol: Protocol
) -> None:
    with pytest.raises(UsageError) as caught:
        open_protocol(protocol.name, tmp_path, seed=0, download=False)
    assert f"'{protocol.name}' is not there: {tmp_path / protocol.folder} has no " in caught.value.message
    assert str(tmp_path / protocol.folder) in caught.value.remedy
    if protocol.name != "folder":
        assert "https://" in caught.value.remedy or "http://host.robots" in caught.value.remedy


def test_data_that_are_there_in_part_are_told_from_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    (tmp_path / "coco/train.txt").touch()
    with pytest.raises(UsageError, match=r"coco has no test\.txt, database\.txt\."):
        open_protocol("coco", tmp_path, seed=0)


def test_protocols_say_how_pictures_are_shown_at_any_size() -> None:
    given_ = Preprocessing(size=192, mean=(0.1, 0.2, 0.3))
    middle = CENTRE_CROP.preprocessing(given_)
    assert (middle.fit, middle.size, middle.resize, middle.interpolation) == ("crop", 192, 219, "bilinear")
    assert CENTRE_CROP.preprocessing(Preprocessing(size=224)).resize == 256
    assert middle.mean == given_.mean
    assert SQUASH.preprocessing(given_) == replace(given_, interpolation="bilinear")


def test_a_seed_draws_the_same_rows_for_ever() -> None:
    query, train, rest = draw_split(numbers(), query=100, train=500, seed=1)
    assert [len(part) for part in (query, train, rest)] == [1_000, 5_000, 54_000]
    every = np.concatenate([query, train, rest]).astype("<i8").tobytes()
    assert query[:5].tolist() == [13290, 56780, 44510, 32450, 25300]
    assert hashlib.sha256(every).hexdigest() == DRAWN_WITH_SEED_1
    again = draw_split(numbers(), query=100, train=500, seed=1)
    assert all(map(np.array_equal, (query, train, rest), again))
    assert not np.array_equal(query, draw_split(numbers(), query=100, train=500, seed=2)[0])


@settings(max_examples=30)
@given(
    labels=st.lists(st.integers(0, 3), min_size=1, max_size=60),
    query=st.integers(0, 5),
    train=st.integers(0, 5),
    seed=st.integers(0, 2**40),
)
def test_what_is_drawn_is_every_row_once_and_as_many_of_each_class_as_asked_for(
    labels: list[int], query: int, train: int, seed: int
) -> None:
    classes = np.array(labels)
    parts = draw_split(classes, query=query, train=train, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(labels)))
    for number in set(labels):
        there = labels.count(number)
        counts = [int((classes[part] == number).sum()) for part in parts]
        assert counts[:2] == [min(query, there), min(train, max(0, there - query))]
    assert all((np.diff(classes[part]) >= 0).all() for part in parts)


def test_cifar_10_is_split_as_published_with_the_database_by_class(small_cifar: Path) -> None:
    pictures, split = open_protocol("cifar10@54000", small_cifar, seed=1)
    counts = [np.bincount(pictures.labels[getattr(split, part)].argmax(1)).tolist() for part in PARTS]
    assert counts == [[500] * 10, [100] * 10, [60] * 10]
    assert (np.diff(pictures.labels[split.database].argmax(1)) >= 0).all()
    assert len(set(np.concatenate([split.train, split.query, split.database]).tolist())) == 6_600
    assert pictures.classes == CIFAR10_CLASSES
    assert [int(pictures.picture(row)[0, 0, 0]) for row in split.query[:9]] == (
        split.query[:9] % 251
    ).tolist()
    assert split.origin.startswith("not known: not unpacked by vtsfind")


def test_in_cifar10_all_the_database_is_the_training_set_and_the_rest(small_cifar: Path) -> None:
    _, some = open_protocol("cifar10@54000", small_cifar, seed=1)
    _, every = open_protocol("cifar10@all", small_cifar, seed=1)
    assert np.array_equal(every.train, some.train)
    assert np.array_equal(every.query, some.query)
    assert np.array_equal(every.database, np.concatenate([some.train, some.database]))
    assert every.digest != some.digest


def test_a_split_is_kept_and_read_back(small_cifar: Path, tmp_path: Path) -> None:
    _, first = open_protocol("cifar10", small_cifar, seed=3)
    assert first.file == small_cifar / cifar10.FOLDER / "split-cifar10@54000-seed3.json"
    _, again = open_protocol("cifar10", small_cifar, seed=3)
    _, elsewhere = open_protocol("cifar10", small_cifar, seed=3, splits=tmp_path / "own" / "splits")
    _, other = open_protocol("cifar10", small_cifar, seed=4)
    assert first.digest == again.digest == elsewhere.digest != other.digest
    assert elsewhere.file is not None
    assert elsewhere.file.read_bytes() == first.file.read_bytes()


def test_the_file_of_a_split_decides_and_not_the_drawing(
    small_cifar: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, first = open_protocol("cifar10", small_cifar, seed=3)
    monkeypatch.setattr("vtsfind.learn.data.layouts.draw_split", None)
    _, again = open_protocol("cifar10", small_cifar, seed=3)
    assert np.array_equal(again.train, first.train)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-20], "cannot be read"),
        (lambda content: content.replace(b'"train"', b'"tram"'), "cannot be read"),
        (lambda content: content.replace(b'"query": [', b'"query": [1, '), "damaged"),
        (lambda content: content.replace(b'"version": 1', b'"version": 2'), "its version is 2, not 1"),
        (lambda content: content.replace(b'"seed": 3', b'"seed": 5'), "its seed is 5, not 3"),
    ],
    ids=["cut short", "a part missing", "other rows", "newer", "another seed"],
)
def test_a_changed_file_of_a_split_is_refused_and_left_as_it_is(
    small_cifar: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    _, split = open_protocol("cifar10", small_cifar, seed=3)
    assert split.file is not None
    changed = change(split.file.read_bytes())
    split.file.write_bytes(changed)
    with pytest.raises(UsageError, match=rf"split-cifar10@54000-seed3\.json .*{message}.* Remove it"):
        open_protocol("cifar10", small_cifar, seed=3)
    assert split.file.read_bytes() == changed


def test_a_split_of_other_labels_is_not_used(small_cifar: Path, tmp_path: Path) -> None:
    open_protocol("cifar10", small_cifar, seed=3, splits=tmp_path / "splits")
    other = write_cifar(tmp_path / "other", np.roll(numbers(6_600), 1))
    with pytest.raises(UsageError, match="belongs to other data: its labels is"):
        open_protocol("cifar10", other, seed=3, splits=tmp_path / "splits")


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Make no file grow beyond a size, as if the disk were full then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_split_that_cannot_be_kept_is_used_and_told_of(small_cifar: Path) -> None:
    with room_for(1_000):
        _, split = open_protocol("cifar10", small_cifar, seed=3)
    assert Fault.NOT_SAVED in faults(split)
    assert split.file is None
    assert {path.suffix for path in (small_cifar / cifar10.FOLDER).iterdir()} == {".bin"}
    assert open_protocol("cifar10", small_cifar, seed=3)[1].digest == split.digest


def test_a_folder_for_splits_that_cannot_be_written_is_an_error(small_cifar: Path, tmp_path: Path) -> None:
    with room_for(1_000), pytest.raises(DiskFull, match="split could not be kept in"):
        open_protocol("cifar10", small_cifar, seed=3, splits=tmp_path / "own")
    assert list((tmp_path / "own").iterdir()) == []


def test_splits_with_the_same_training_set_and_queries_are_known_by_it(small_cifar: Path) -> None:
    training_digest = {
        (name, seed): open_protocol(name, small_cifar, seed=seed)[1].training_digest
        for name in ("cifar10@54000", "cifar10@all")
        for seed in (1, 2)
    }
    assert training_digest["cifar10@54000", 1] == training_digest["cifar10@all", 1]
    assert training_digest["cifar10@54000", 1] != training_digest["cifar10@54000", 2]


@pytest.mark.usefixtures("small_cifar")
def test_a_class_with_too_few_pictures_is_named_before_anything_is_written(tmp_path: Path) -> None:
    labels = numbers(6_600)
    labels[labels == 3] = 4
    root = write_cifar(tmp_path / "other", labels)
    with pytest.raises(UsageError, match="The class 'cat' has 0 pictures, and needs 600"):
        open_protocol("cifar10", root, seed=1)
    assert len(list((root / cifar10.FOLDER).iterdir())) == 6


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="seed is -1"):
        open_protocol("cifar10", tmp_path, seed=-1)


def draw(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 10), (sum(name.encode()) % 256, 7, 9)).save(folder / name)


def test_class_folders_are_a_training_set_queries_and_a_database(tmp_path: Path) -> None:
    names = ["train/cat/1.png", "train/dog/1.png", "train/dog/2.png", "val/cat/3.png", "val/dog/3.png"]
    draw(tmp_path, *names)
    pictures, split = open_protocol("folder", tmp_path, seed=0)
    assert pictures.classes == ("cat", "dog")
    assert [getattr(split, part).tolist() for part in PARTS] == [[0, 1, 2], [3, 4], [0, 1, 2]]
    assert pictures.labels.argmax(1).tolist() == [0, 1, 1, 0, 1]
    assert [int(pictures.picture(r)[0, 0, 0]) for r in range(5)] == [sum(n.encode()) % 256 for n in names]
    assert (split.findings, split.seed, split.file) == ((), None, None)


def test_a_database_folder_and_queries_named_test_are_used_when_they_are_there(tmp_path: Path) -> None:
    draw(tmp_path, "train/a/1.png", "train/b/1.png", "test/a/2.png", "test/b/2.png", "database/a/3.png")
    _, split = open_protocol("folder", tmp_path, seed=0)
    assert [getattr(split, part).tolist() for part in PARTS] == [[0, 1], [2, 3], [4]]
    assert [str(finding) for finding in split.findings] == [
        "Found nothing relevant in the database for 1 query; each counts as zero."
    ]


def test_the_digest_of_a_split_changes_with_names_and_labels(tmp_path: Path) -> None:
    draw(tmp_path, "train/a/1.png", "train/b/1.png", "val/a/2.png")
    first = open_protocol("folder", tmp_path, seed=0)[1].digest
    assert open_protocol("folder", tmp_path, seed=9)[1].digest == first
    (tmp_path / "train/a/1.png").rename(tmp_path / "train/a/0.png")
    second = open_protocol("folder", tmp_path, seed=0)[1].digest
    draw(tmp_path, "val/b/2.png")
    assert len({first, second, open_protocol("folder", tmp_path, seed=0)[1].digest}) == 3


def lists(folder: Path, train: str, test: str, database: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in (("train", train), ("test", test), ("database", database)):
        (folder / f"{name}.txt").write_text(text)
        draw(folder, *(line.split()[0].removeprefix("/home/x/") for line in text.splitlines()))


def test_list_files_with_several_labels_are_opened_with_all_faults_told(tmp_path: Path) -> None:
    lists(
        tmp_path,
        "a.png 1 1 0\nb.png 0 1 0\nb.png 0 1 0\n",
        "/home/x/c.png 1 0 0\nd.png 0 0 0\ne.png 0 0 1\n",
        "a.png 1 1 0\nb.png 0 1 0\nc.png 1 0 0\nf.png 0 0 0\n",
    )
    pictures, split = open_protocol("folder", tmp_path, seed=0)
    assert pictures.labels.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert [getattr(split, part).tolist() for part in PARTS] == [[0, 1], [2, 3, 4], [0, 1, 5]]
    assert [(finding.fault, finding.count) for finding in split.findings] == [
        (Fault.REPEATED, 1),
        (Fault.QUERY_IN_DATABASE, 1),
        (Fault.UNLABELLED, 1),
        (Fault.UNLABELLED, 1),
        (Fault.NO_RELEVANT, 2),
    ]
    assert not any(finding.fatal for finding in split.findings)


def test_a_published_list_is_opened_and_compared_with_its_protocol(tmp_path: Path) -> None:
    row = " ".join(["1"] + ["0"] * 19), " ".join(["0"] * 19 + ["1"])
    lists(
        tmp_path / "voc2012",
        f"a.png {row[0]}\n",
        f"b.png {row[1]}\n",
        f"c.png {row[1]}\na.png {row[0]}\n",
    )
    pictures, split = open_protocol("voc2012", tmp_path, seed=0)
    assert pictures.classes[0] == "aeroplane"
    assert faults(split) == [Fault.OTHER_SIZE] * 3 + [Fault.TRAIN_IN_DATABASE]
    assert "1 pictures for the training set, where the protocol has 4,000" in str(split.findings[0])
    alone = open_protocol("voc2012", tmp_path / "voc2012", seed=0)[1]
    assert alone.digest == split.digest


def test_lists_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    lists(tmp_path, "a.png 1 0\n", "b.png 0 1\n", "a.png 0 1\nc.png 1 0\n")
    with pytest.raises(UsageError, match=r"database\.txt gives a\.png other labels"):
        open_protocol("folder", tmp_path, seed=0)


def test_lists_of_different_columns_are_refused_with_file_and_line(tmp_path: Path) -> None:
    lists(tmp_path, "a.png 1 0\n", "b.png 0 1\nc.png 0 1 0\n", "d.png 1 0\n")
    with pytest.raises(UsageError, match=r"test\.txt, line 2, has 3 label columns, and not 2"):
        open_protocol("folder", tmp_path, seed=0)


def test_data_of_one_class_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, "train/cat/1.png", "val/cat/2.png")
    with pytest.raises(UsageError, match="cannot be used: All pictures are of one class"):
        open_protocol("folder", tmp_path, seed=0)


def test_data_without_queries_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, "train/cat/1.png", "train/dog/2.png")
    (tmp_path / "val").mkdir()
    with pytest.raises(UsageError, match="There are no pictures for the queries"):
        open_protocol("folder", tmp_path, seed=0)


LABELS = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 1]], np.float32)


def check(
    train: list[int], query: list[int], database: list[int], labels: npt.NDArray[np.float32] = LABELS
) -> tuple[list[list[int]], list[tuple[Fault, int, bool]]]:
    parts = {
        name: np.array(rows, np.int64) for name, rows in zip(PARTS, (train, query, database), strict=True)
    }
    cleaned, findings = check_split(labels, parts, ExpectedSplit({}))
    return (
        [cleaned[name].tolist() for name in PARTS],
        [(finding.fault, finding.count, finding.fatal) for finding in findings],
    )


def test_a_clean_split_has_no_findings_and_stays_as_it_is() -> None:
    assert check([0, 2], [1, 3], [4, 2, 0]) == ([[0, 2], [1, 3], [4, 2, 0]], [])


def test_queries_in_the_training_set_are_told_and_stay() -> None:
    parts, found = check([0, 1], [1], [4])
    assert parts == [[0, 1], [1], [4]]
    assert found == [(Fault.QUERY_IN_TRAIN, 1, False)]


@pytest.mark.parametrize(
    ("rows", "labels", "fault"),
    [
        ([0, 5], LABELS, Fault.ROW_RANGE),
        ([0, -1], LABELS, Fault.ROW_RANGE),
        ([0, 1], LABELS * 2, Fault.LABEL_RANGE),
        ([0, 1], np.where(LABELS == 1, np.nan, LABELS), Fault.LABEL_RANGE),
        ([0, 1], LABELS * [[1, 0]], Fault.ONE_CLASS),
        ([0, 1], LABELS * 0, Fault.ONE_CLASS),
    ],
)
def test_rows_and_labels_that_cannot_be_are_fatal(
    rows: list[int], labels: npt.NDArray[np.float32], fault: Fault
) -> None:
    _, found = check(rows, [2], [3], labels)
    assert [(name, fatal) for name, _, fatal in found] == [(fault, True)]


@given(
    parts=st.tuples(*(st.lists(st.integers(0, 4), max_size=8) for _ in PARTS)),
)
def test_a_cleaned_split_has_no_query_in_its_database_and_no_row_again(
    parts: tuple[list[int], list[int], list[int]],
) -> None:
    (train, query, database), _ = check(*parts)
    for cleaned, given_ in ((train, parts[0]), (query, parts[1])):
        assert cleaned == list(dict.fromkeys(given_))
    assert database == [row for row in dict.fromkeys(parts[2]) if row not in parts[1]]
    assert check(train, query, database)[0] == [train, query, database]


def test_what_was_found_is_written_beside_results_as_plain_values(small_cifar: Path) -> None:
    _, split = open_protocol("cifar10", small_cifar, seed=3)
    report = json.loads(json.dumps(split.report()))
    assert report["protocol"] == "cifar10@54000"
    assert report["seed"] == 3
    assert report["sizes"] == {"train": 5_000, "query": 1_000, "database": 600}
    assert report["split_sha256"] == split.digest
    assert report["data"].startswith("not known")
    assert report["findings"] == [
        "There are 600 pictures for the database, where the protocol has 54,000: figures do not compare."
    ]
    assert str(SplitFinding(Fault.REPEATED, 1, "said")) == "said"


def test_cifar_10_of_its_full_size_is_split_by_all_three_protocols(tmp_path: Path) -> None:
    write_cifar(tmp_path)
    for name in ("cifar10@54000", "cifar10@all", "cifar10-2"):
        pictures, split = open_protocol(name, tmp_path, seed=1)
        assert {part: len(getattr(split, part)) for part in PARTS} == PROTOCOLS[name].sizes
        assert split.findings == ()
        for part in PARTS:
            counts = np.bincount(pictures.labels[getattr(split, part)].argmax(1))
            assert (counts == len(getattr(split, part)) // 10).all()
    assert split.origin.startswith("not known")
    assert len(pictures) == 60_000
    sent = pickle.loads(pickle.dumps(pictures.subset(split.query)))
    assert np.array_equal(sent.picture(5), pictures.picture(int(split.query[5])))


def test_imagenette_opens_by_its_protocol_in_its_folder(tmp_path: Path) -> None:
    names = ["train/tench/1.png", "train/church/1.png", "val/tench/2.png", "val/church/2.png"]
    draw(tmp_path / "imagenette", *names)
    pictures, split = open_protocol("imagenette", tmp_path, seed=0)
    assert [len(getattr(split, part)) for part in PARTS] == [2, 2, 2]
    assert split.findings == ()
    assert pictures.classes == ("church", "tench")


def test_the_page_says_what_the_table_says() -> None:
    page = (CHECKOUT / "docs" / "protocols.md").read_text(encoding="utf-8")

    def said(number: int | None, nothing: str) -> str:
        return nothing if number is None else f"{number:,}"

    for protocol in PROTOCOLS.values():
        sizes = [said(protocol.sizes[part], "any") for part in PARTS]
        inside = {True: "yes", False: "no", None: "any"}[protocol.train_in_database]
        row = [len(protocol.classes) or "any", *sizes, inside, said(protocol.top_k, "all")]
        assert f"| `{protocol.name}` | {' | '.join(map(str, row))} |" in page
        for name in protocol.aliases:
            assert f"`{name}`" in page
        for text in (protocol.source, protocol.licence, protocol.note):
            assert text in page.replace("\n", " "), protocol.name
    for fault in Fault:
        assert f"| {fault.value} |" in page
