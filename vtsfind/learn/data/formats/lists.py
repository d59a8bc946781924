r"""List files, as published with data sets: one picture on each line, its path and then 0 or 1 for every class.

::

    train2014/COCO_train2014_000000262184.jpg 0 0 1 0
    val2014/COCO_val2014_000000477705.jpg 0 1 1 0

Paths are relative to the folder of the data set. Published lists often have absolute paths of their authors' machines: the
part in front that does not exist here is removed. Line ends may be ``\n`` or ``\r\n``; blank lines are ignored. A path may
contain blanks.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import show_path


@dataclass(frozen=True, slots=True)
class ListFile:
    """The content of a list file, one row for each picture, in the file's order; repeated pictures are left out."""

    file: Path
    names: tuple[str, ...]
    """Paths below the folder of the data set, with slashes."""
    labels: npt.NDArray[np.uint8]
    """(n, c), 0 or 1."""
    repeated: int
    """Lines left out."""


def read_list(file: Path, folder: Path, *, columns: int | None = None) -> ListFile:
    """Read a list file, and check that its pictures exist.

    Parameters
    ----------
    file
        The list.
    folder
        Of the data set.
    columns
        Expected number of label columns; by default that of the first line.

    Raises
    ------
    UsageError
        For a file that cannot be read; a line with a wrong number of columns, or with labels other than 0 and 1; a path
        outside the folder; a picture that is listed twice with different labels; missing pictures. The message names the
        file and the line.
    """
    lines = list(_lines(file))
    if not lines:
        raise UsageError(f"The list {file} names no pictures.", "Get the list again.")
    count = columns or max(1, _label_count(lines[0][1].split()))
    paths, labels = [], []
    for number, line in lines:
        path, bits = _parse_line(line, count, f"{file}, line {number},")
        paths.append(path)
        labels.append(bits)
    numbers = [number for number, _ in lines]
    names = _FolderListing(folder).relative_names(paths, numbers, file)
    return _without_duplicates(file, names, labels, numbers)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    try:
        text = os.fsdecode(file.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except OSError as error:
        raise UsageError(f"The list {file} cannot be read: {error.strerror}.", "Check the file.") from error
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def _label_count(words: list[str]) -> int:
    """How many words at the end are labels; the first word is none."""
    count = 0
    while count < len(words) - 1 and words[-1 - count] in {"0", "1"}:
        count += 1
    return count


def _parse_line(line: str, count: int, where: str) -> tuple[str, bytes]:
    """Split a line into its path and its labels, a byte each: ``0`` or ``1``."""
    path, end = line[: -2 * count], line[-2 * count :]
    plain = end[::2] == " " * count and not end[1::2].strip("01") and path[-2:] not in {" 0", " 1"}
    if plain and path and not path[-1].isspace():
        return path, end[1::2].encode()
    words = line.split()
    labels = _label_count(words)
    if labels == count:
        return line.rsplit(maxsplit=count)[0], "".join(words[-count:]).encode()
    if labels < count and _is_number(words[-1 - labels]):
        raise UsageError(
            f"{where} has the label {words[-1 - labels]}, where only 0 and 1 are labels.",
            "Lists have one column a class: 1 if the picture is of it, else 0.",
        )
    raise UsageError(
        f"{where} has {labels} label columns, and not {count} as it should.",
        "Correct the line, or get the list again.",
    )


def _is_number(word: str) -> bool:
    return word.lstrip("+-").replace(".", "", 1).isdecimal()


class _FolderListing:
    """The files below a folder; each folder is listed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._listed: dict[str, frozenset[str]] = {}

    def contains(self, name: str) -> bool:
        """Whether a path below the folder is there."""
        below, _, last = name.rpartition("/")
        if below not in self._listed:
            try:
                self._listed[below] = frozenset(os.listdir(self.folder / below))
            except OSError:
                self._listed[below] = frozenset()
        return last in self._listed[below]

    def relative_names(self, paths: list[str], numbers: list[int], file: Path) -> list[str]:
        """The paths of a list as paths below the folder."""
        names, missing, prefix = [], [], ""
        for path, number in zip(paths, numbers, strict=True):
            if path.startswith("/"):
                if not prefix or not path.startswith(prefix):
                    prefix = self._foreign_prefix(path)
                name = path.removeprefix(prefix)
            else:
                name = path.removeprefix("./")
            if ".." in name.split("/"):
                raise UsageError(
                    f"{file}, line {number}, names a picture outside {self.folder}: {_printable(path)}.",
                    "Correct the line.",
                )
            if not self.contains(name):
                missing.append((number, name))
            names.append(name)
        if missing:
            number, name = missing[0]
            raise UsageError(
                f"{len(missing):,} of the {len(paths):,} pictures in {file} are not in {self.folder}; the first, on "
                f"line {number}, is {_printable(name)}.",
                f"Put the pictures where the list says, below {self.folder}.",
            )
        return names

    def _foreign_prefix(self, path: str) -> str:
        """The part of an absolute path before its longest suffix that exists; only the slash if no suffix exists."""
        parts = path.strip("/").split("/")
        for start in range(len(parts)):
            if self.contains("/".join(parts[start:])):
                return path[: len(path) - len("/".join(parts[start:]))]
        return "/"


def _without_duplicates(file: Path, names: list[str], labels: list[bytes], numbers: list[int]) -> ListFile:
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        before = first.setdefault(name, place)
        if labels[before] != labels[place]:
            raise UsageError(
                f"{file} names {_printable(name)} on line {numbers[before]} and again on line {numbers[place]} with other labels.",
                "Remove one of the lines.",
            )
    kept = list(first.values())
    table = np.frombuffer(b"".join(labels[place] for place in kept), np.uint8) - ord("0")
    return ListFile(file, tuple(first), table.reshape(len(kept), -1), len(names) - len(kept))


def _printable(name: str) -> str:
    return show_path(os.fsencode(name))
