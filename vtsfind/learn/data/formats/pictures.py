"""A set of pictures by row, and the readers of their pixels."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.media.decode import DecodeError, decode

Pixels = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.float32]
RowNumbers = npt.NDArray[np.int64]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"}


@dataclass(frozen=True, slots=True)
class Pictures:
    """A set of pictures by row, with labels.

    Pictures are decoded on request. Copies in other processes open the files again, so it is cheap to pickle.
    """

    classes: tuple[str, ...]
    labels: Labels
    """(n, c), 1 where the picture is of the class; a row of zeros has no label."""
    readers: tuple[Callable[[int], Pixels], ...]
    """Functions of a local row, one for each source."""
    starts: tuple[int, ...]
    """The first row of each source, and the number of all rows."""

    def __len__(self) -> int:
        return self.starts[-1]

    def picture(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        source = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.readers[source](row - self.starts[source])

    def subset(self, rows: RowNumbers) -> Self:
        """The pictures of these rows, (m,) int64, in this order; row i of the result is row ``rows[i]`` of this set."""
        return type(self)(self.classes, self.labels[rows], (SubsetReader(self, rows),), (0, len(rows)))


@dataclass(frozen=True, slots=True)
class SubsetReader:
    """Reads some rows of other pictures."""

    pictures: Pictures
    rows: RowNumbers

    def __call__(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        return self.pictures.picture(int(self.rows[row]))


@dataclass(frozen=True, slots=True)
class FileReader:
    """Reads photos from files, with at least `shortest` pixels on the shorter side if they have that many."""

    folder: Path
    names: tuple[str, ...]
    """Paths below `folder`."""
    shortest: int

    def __call__(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        path = self.folder / self.names[row]
        try:
            pixels: Pixels = decode(path.read_bytes(), shortest=self.shortest)[0]
        except (OSError, DecodeError) as error:
            raise UsageError(
                f"The picture {path} cannot be used: {error}.", "Correct or remove it."
            ) from error
        return pixels


@dataclass(frozen=True, slots=True)
class ArrayReader:
    """Reads pictures of one size from an array (n, h, w, 3)."""

    pixels: Pixels

    def __call__(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        picture: Pixels = self.pixels[row]
        return picture


def photo_names(folder: Path, below: str = "") -> list[str]:
    """The photos anywhere below ``folder / below``, as paths below `folder` with slashes, in order of their names."""
    found = sorted(p for p in (folder / below).rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    return [p.relative_to(folder).as_posix() for p in found]


def one_hot(numbers: RowNumbers, classes: int) -> Labels:
    """Class numbers, (n,), as labels (n, classes); a negative number gives a row of zeros."""
    labels = np.zeros((len(numbers), classes), np.float32)
    labelled = np.flatnonzero(numbers >= 0)
    labels[labelled, numbers[labelled]] = 1
    return labels
