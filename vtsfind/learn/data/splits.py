"""Splits of a data set into training set, queries and database, as row numbers: drawn with a seed, stored in files, hashed.

A drawn split is stored as a JSON file: `format`, `version`, `protocol`, `seed`, `labels` (SHA-256 of the labels that it was
drawn from), `train`, `query` and `database` (lists of row numbers) and `sha256`, the digest of the rows. An existing file is
used, after a check of its digest, instead of drawing again.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.learn.data.formats.pictures import Labels, RowNumbers
from vtsfind.learn.data.split_checks import SplitFinding
from vtsfind.store.atomic import replace_file

_FORMAT, _VERSION = "vtsfind split", 1
_PARTS = ("train", "query", "database")


@dataclass(frozen=True, slots=True, eq=False)
class SplitRows:
    """The three parts of a split, as row numbers of one set of pictures, each (m,) int64."""

    train: RowNumbers
    query: RowNumbers
    database: RowNumbers


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """The three parts of a data set with their origin. Splits of the same digest are equal."""

    protocol: str
    """Name of the protocol."""
    seed: int | None
    """The seed of the parts; None if files or folders define them."""
    train: RowNumbers
    query: RowNumbers
    database: RowNumbers
    digest: str
    """SHA-256, in hex, of the labels, the names and the three parts."""
    findings: tuple[SplitFinding, ...]
    """Faults of the data, and what was done about them."""
    origin: str
    """The origin of the data, in words."""
    file: Path | None = None
    """The file of a drawn split."""
    training_digest: str = ""
    """SHA-256, in hex, of the labels, the names, the training set and the queries: a model may be evaluated on any split
    with the same ones, whatever its database."""

    def report(self) -> dict[str, object]:
        """The description of the split for a result: plain values for JSON."""
        return {
            "protocol": self.protocol,
            "seed": self.seed,
            "sizes": {name: len(getattr(self, name)) for name in _PARTS},
            "split_sha256": self.digest,
            "data": self.origin,
            "findings": [str(finding) for finding in self.findings],
        }


def draw_split(numbers: RowNumbers, *, query: int, train: int, seed: int) -> tuple[RowNumbers, ...]:
    """Draw queries and training pictures of every class at random.

    The rows of a class are put into a random order: the first `query` are queries, the next `train` are for training, and
    the others are the rest. Each of the three results lists one class after the other, as in the published code.

    The order is that of raw 64-bit numbers of PCG64, seeded with (seed, class). NumPy guarantees that stream for every
    version and machine, but not the result of `Generator.permutation`; so a seed gives the same split everywhere.

    Parameters
    ----------
    numbers
        Class of every row, (n,) int64.
    query, train
        Pictures for each class.
    seed
        Not negative.

    Returns
    -------
    Rows of queries, of training pictures, and of the rest, each (m,) int64.
    """
    parts: tuple[list[RowNumbers], ...] = ([], [], [])
    for number in np.unique(numbers):
        rows = np.flatnonzero(numbers == number).astype(np.int64)
        keys = np.random.PCG64([seed, int(number)]).random_raw(len(rows))
        rows = rows[np.argsort(keys, kind="stable")]
        for part, chosen in zip(parts, np.split(rows, [query, query + train]), strict=True):
            part.append(chosen)
    return tuple(np.concatenate(part) for part in parts)


def labels_digest(labels: Labels, names: Sequence[str] = ()) -> str:
    """SHA-256, in hex, of labels, (n, c) of 0 and 1, and of the pictures' names."""
    digest = hashlib.sha256(f"{labels.shape[0]} {labels.shape[1]}\n".encode())
    digest.update(np.packbits(labels > 0, axis=1).tobytes())
    for name in names:
        digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def split_digest(labels: str, rows: SplitRows) -> str:
    """SHA-256, in hex, of the three parts of a split of pictures whose `labels_digest` is `labels`."""
    digest = hashlib.sha256(f"{_FORMAT} {_VERSION}\n{labels}\n".encode())
    for name in _PARTS:
        part: npt.NDArray[np.int64] = getattr(rows, name)
        digest.update(f"{name} {len(part)}\n".encode())
        digest.update(part.astype("<i8").tobytes())
    return digest.hexdigest()


def write_split(file: Path, rows: SplitRows, *, protocol: str, seed: int, labels: str) -> None:
    """Write a drawn split to a file.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    content = {
        "format": _FORMAT,
        "version": _VERSION,
        "protocol": protocol,
        "seed": seed,
        "labels": labels,
        "sha256": split_digest(labels, rows),
        **{name: getattr(rows, name).tolist() for name in _PARTS},
    }
    replace_file(file, (json.dumps(content) + "\n").encode())


def read_split(file: Path, *, protocol: str, seed: int, labels: str) -> SplitRows:
    """Read a split from a file.

    Raises
    ------
    UsageError
        When the file cannot be read, is damaged, or is the split of another protocol, seed or set of labels.
    """
    remedy = "Remove it to draw the split again, or choose another folder for splits."
    try:
        content = json.loads(file.read_bytes())
        rows = SplitRows(*(np.array(content[name], np.int64) for name in _PARTS))
        stored = {
            name: content[name] for name in ("format", "version", "protocol", "seed", "labels", "sha256")
        }
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise UsageError(f"The split file {file} cannot be read: {error}.", remedy) from error
    for name, wanted in {
        "format": _FORMAT,
        "version": _VERSION,
        "protocol": protocol,
        "seed": seed,
        "labels": labels,
    }.items():
        if stored[name] != wanted:
            raise UsageError(
                f"The split file {file} belongs to other data: its {name} is {stored[name]!r}, not {wanted!r}.",
                remedy,
            )
    if split_digest(labels, rows) != stored["sha256"]:
        raise UsageError(f"The split file {file} is damaged: its SHA-256 is not that of its rows.", remedy)
    return rows
