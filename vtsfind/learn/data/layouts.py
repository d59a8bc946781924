"""The layouts of data sets on disk, and reading them as pictures with a training set, queries and a database.

``cifar10``
    The official binary files, see `vtsfind.learn.data.formats.cifar10`; the parts are drawn at random with a seed.
``lists``
    `train.txt`, `test.txt` (the queries) and `database.txt`, see `vtsfind.learn.data.formats.lists`.
``folders``
    `train` and `val` (or `test`), with one folder of photos a class in each; queries are those in `val`. The database is
    `database`, of the same form, if there is such a folder, otherwise the training set. Lists take precedence.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.classes import numbered_names
from vtsfind.learn.data.formats.lists import ListFile, read_list
from vtsfind.learn.data.formats.pictures import FileReader, Pictures, RowNumbers, one_hot, photo_names
from vtsfind.learn.data.split_checks import Fault, SplitFinding, raise_if_fatal, repeated, too_small_classes
from vtsfind.learn.data.splits import SplitRows, draw_split, labels_digest, read_split, write_split

LISTS = {"train": "train.txt", "query": "test.txt", "database": "database.txt"}
_QUERY_FOLDERS = ("val", "test")


@dataclass(frozen=True, slots=True)
class SplitSampling:
    """How the parts are drawn from classes, see `vtsfind.learn.data.splits.draw_split`."""

    query: int
    """Queries for each class."""
    train: int
    """Training pictures for each class."""
    database: tuple[str, ...]
    """The parts that make up the database, in order: `train`, `rest`."""


@dataclass(frozen=True, slots=True)
class OpenedDataset:
    """A data set on disk."""

    pictures: Pictures
    parts: Mapping[str, RowNumbers]
    """Rows of `train`, `query` and `database`, (m,) int64 each."""
    labels: str
    """The `labels_digest`."""
    origin: str
    """Where the data come from, in words."""
    findings: tuple[SplitFinding, ...] = ()
    file: Path | None = None
    """The file of a drawn split."""


def missing_lists(folder: Path) -> list[str]:
    """The list files that a folder lacks."""
    return [name for name in LISTS.values() if not (folder / name).is_file()]


def missing_folders(folder: Path) -> list[str]:
    """The class folders that a folder lacks; nothing when it has lists."""
    if not missing_lists(folder):
        return []
    missing = [] if (folder / "train").is_dir() else ["train"]
    return missing + ([] if _find_query_folder(folder) else ["val"])


def _find_query_folder(folder: Path) -> str | None:
    return next((name for name in _QUERY_FOLDERS if (folder / name).is_dir()), None)


def open_lists(folder: Path, classes: tuple[str, ...], shortest: int) -> OpenedDataset:
    """Open a data set with list files; `classes` names the columns, or is empty if any are allowed.

    Raises
    ------
    UsageError
        See `read_list`; and when two lists give a picture different labels.
    """
    listed: dict[str, ListFile] = {}
    columns = len(classes) or None
    for part, name in LISTS.items():
        listed[part] = read_list(folder / name, folder, columns=columns)
        columns = columns or listed[part].labels.shape[1]
    names = sorted({name for one in listed.values() for name in one.names})
    row_of = {name: row for row, name in enumerate(names)}
    parts = {part: np.array([row_of[name] for name in one.names], np.int64) for part, one in listed.items()}
    labels = _merge_labels(listed, parts, names)
    pictures = Pictures(
        classes or numbered_names(labels.shape[1]),
        labels.astype(np.float32),
        (FileReader(folder, tuple(names), shortest),),
        (0, len(names)),
    )
    findings = tuple(repeated(part, one.repeated) for part, one in listed.items() if one.repeated)
    return OpenedDataset(
        pictures, parts, labels_digest(pictures.labels, names), f"the lists in {folder}", findings
    )


def _merge_labels(
    listed: Mapping[str, ListFile], parts: Mapping[str, RowNumbers], names: list[str]
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """One table of labels, (n, c), from those of all lists."""
    first = next(iter(listed.values()))
    labels = np.zeros((len(names), first.labels.shape[1]), np.uint8)
    known = np.zeros(len(names), bool)
    for part, one in listed.items():
        rows = parts[part]
        clash = known[rows] & (labels[rows] != one.labels).any(axis=1)
        if clash.any():
            raise UsageError(
                f"{one.file} gives {names[rows[np.argmax(clash)]]} other labels than another list in that folder "
                f"({int(clash.sum()):,} such pictures).",
                "Get lists that belong together.",
            )
        labels[rows], known[rows] = one.labels, True
    return labels


def open_folders(folder: Path, shortest: int) -> OpenedDataset:
    """Open a data set of class folders."""
    query = _find_query_folder(folder) or _QUERY_FOLDERS[0]
    places = {"train": "train", "query": query}
    if (folder / "database").is_dir():
        places["database"] = "database"
    classes = sorted(
        {path.name for place in places.values() for path in (folder / place).iterdir() if path.is_dir()}
    )
    names: list[str] = []
    numbers: list[int] = []
    parts: dict[str, RowNumbers] = {}
    for part, place in places.items():
        start = len(names)
        for number, label in enumerate(classes):
            found = photo_names(folder, f"{place}/{label}")
            names += found
            numbers += [number] * len(found)
        parts[part] = np.arange(start, len(names), dtype=np.int64)
    parts.setdefault("database", parts["train"])
    labels = one_hot(np.array(numbers, np.int64), len(classes))
    pictures = Pictures(
        tuple(classes), labels, (FileReader(folder, tuple(names), shortest),), (0, len(names))
    )
    return OpenedDataset(pictures, parts, labels_digest(labels, names), f"the class folders in {folder}")


def open_cifar10(
    folder: Path, sampling: SplitSampling, *, protocol: str, seed: int, splits: Path | None
) -> OpenedDataset:
    """Open CIFAR-10 from its unpacked files, with the split of a seed.

    Parameters
    ----------
    folder
        The unpacked files.
    sampling
        How to draw the parts.
    protocol, seed
        Name the split.
    splits
        The folder for split files; None for `folder`. If that cannot be written, it is a finding, and the split is drawn
        again the next time; if a given folder cannot be written, it is an error.

    Raises
    ------
    UsageError
        For files that are not CIFAR-10, classes that are too small, or a damaged split file.
    DiskFull
        When `splits` cannot be written.
    """
    numbers = cifar10.labels(folder)
    raise_if_fatal(too_small_classes(numbers, cifar10.CLASSES, sampling.query + sampling.train), str(folder))
    reader = cifar10.Cifar10Reader(folder, np.arange(len(numbers), dtype=np.int64))
    pictures = Pictures(cifar10.CLASSES, one_hot(numbers, len(cifar10.CLASSES)), (reader,), (0, len(numbers)))
    labels = labels_digest(pictures.labels)
    file = (splits or folder) / f"split-{protocol}-seed{seed}.json"
    findings: list[SplitFinding] = []
    if file.is_file():
        rows = read_split(file, protocol=protocol, seed=seed, labels=labels)
    else:
        rows = _sample_split(numbers, sampling, seed)
        with _saving_split(file, findings, required=splits is not None):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_split(file, rows, protocol=protocol, seed=seed, labels=labels)
    parts = {"train": rows.train, "query": rows.query, "database": rows.database}
    kept = None if findings else file
    return OpenedDataset(pictures, parts, labels, cifar10.origin(folder), tuple(findings), kept)


def _sample_split(numbers: RowNumbers, sampling: SplitSampling, seed: int) -> SplitRows:
    query, train, rest = draw_split(numbers, query=sampling.query, train=sampling.train, seed=seed)
    pools = {"train": train, "rest": rest}
    return SplitRows(train, query, np.concatenate([pools[name] for name in sampling.database]))


@contextmanager
def _saving_split(file: Path, findings: list[SplitFinding], *, required: bool) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"The split could not be kept in {file}: {error.strerror or error}"
        if required:
            raise DiskFull(f"{message}.", "Make the folder writable, or choose another one.") from error
        findings.append(
            SplitFinding(Fault.NOT_SAVED, 1, f"{message}; the same seed draws the same split the next time.")
        )
