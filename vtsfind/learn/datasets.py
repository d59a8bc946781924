"""Pictures to learn from: what is on disk, with its labels, by row.

Four kinds of source are read, each by one function below:

``photos``
    A folder of photos, searched through; no labels.
``classes``
    A folder with one folder of photos a class.
``mosaics``
    A folder with one picture a class, `CLASS.webp` or the like, made of equal square tiles.
``cifar10``
    The folder `cifar-10-batches-bin` of the official binary archive: 1 byte label and 3,072 bytes of red, green and blue
    planes a picture; five training files and one test file, 10,000 pictures each.

Rows are in a fixed order (by name), so that a row number means the same picture in every run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.media.decode import DecodeError, decode

Pixels = npt.NDArray[np.uint8]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"}
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_CIFAR_ROW = 1 + 3 * 32 * 32


@dataclass(frozen=True, slots=True)
class Source:
    """Where pictures come from."""

    kind: str
    """`photos`, `classes`, `mosaics` or `cifar10`."""
    path: str
    """Folder, relative to the folder of all data."""
    tile: int = 0
    """Side of a mosaic's tiles, in pixels."""
    leave_out: tuple[str, ...] = ()
    """Classes that are not used, so that they can serve as unseen ones."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A set of pictures by row, with labels.

    Pictures are decoded when asked for. Copies in other processes open the files again, so this is cheap to send.
    """

    classes: tuple[str, ...]
    labels: npt.NDArray[np.float32]
    """(n, c), 1 where the picture is of the class; a row of zeros has no label."""
    readers: tuple[Callable[[int], Pixels], ...]
    """Functions of a local row, one a source."""
    starts: tuple[int, ...]
    """The first row of each source, and the number of all rows."""

    def __len__(self) -> int:
        return self.starts[-1]

    def picture(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        source = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.readers[source](row - self.starts[source])


@dataclass(frozen=True, slots=True)
class _Files:
    """Reads photos from files, at least `shortest` pixels on the short side where they have it."""

    paths: tuple[Path, ...]
    shortest: int

    def __call__(self, row: int) -> Pixels:
        path = self.paths[row]
        try:
            pixels: Pixels = decode(path.read_bytes(), shortest=self.shortest)[0]
        except (OSError, DecodeError) as error:
            raise UsageError(
                f"The training picture {path} cannot be used: {error}.", "Mend or remove it."
            ) from error
        return pixels


@dataclass(frozen=True, slots=True)
class _Rows:
    """Reads pictures of one size from an array (n, h, w, 3)."""

    pixels: Pixels

    def __call__(self, row: int) -> Pixels:
        picture: Pixels = self.pixels[row]
        return picture


def load(sources: Sequence[Source], root: Path, *, shortest: int) -> Pictures:
    """Open data sources as one set; classes of the same name are one class.

    Parameters
    ----------
    sources
        What to read, in order; their rows follow each other.
    root
        The folder of all data.
    shortest
        Pixels wanted on the short side.

    Raises
    ------
    UsageError
        When a folder is missing, holds no pictures, or is not of the kind that it is said to be.
    """
    parts = [_open(source, root / source.path, shortest) for source in sources]
    classes = tuple(sorted({name for names, _, _ in parts for name in names}))
    column = {name: c for c, name in enumerate(classes)}
    labels = []
    for names, numbers, _ in parts:
        block = np.zeros((len(numbers), len(classes)), np.float32)
        for row, number in enumerate(numbers):
            if number >= 0:
                block[row, column[names[number]]] = 1
        labels.append(block)
    lengths = np.cumsum([0] + [len(numbers) for _, numbers, _ in parts])
    return Pictures(
        classes,
        np.concatenate(labels),
        tuple(reader for _, _, reader in parts),
        tuple(int(n) for n in lengths),
    )


_Part = tuple[tuple[str, ...], npt.NDArray[np.int64], Callable[[int], Pixels]]


def _open(source: Source, folder: Path, shortest: int) -> _Part:
    openers = {"photos": _photos, "classes": _classes, "mosaics": _mosaics, "cifar10": _cifar10}
    if source.kind not in openers:
        raise UsageError(f"There is no kind of data '{source.kind}'.", f"Known: {', '.join(openers)}.")
    if not folder.is_dir():
        raise UsageError(
            f"The data folder {folder} is not there.", "Give the folder of all data with --data."
        )
    names, numbers, reader = openers[source.kind](folder, source, shortest)
    if len(numbers) == 0:
        raise UsageError(f"The data folder {folder} holds no pictures.", "Check the path.")
    return names, numbers, reader


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def _photos(folder: Path, source: Source, shortest: int) -> _Part:
    del source
    paths = tuple(_pictures_in(folder))
    return (), np.full(len(paths), -1, np.int64), _Files(paths, shortest)


def _classes(folder: Path, source: Source, shortest: int) -> _Part:
    names = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name not in source.leave_out))
    found = [(path, number) for number, name in enumerate(names) for path in _pictures_in(folder / name)]
    return names, np.array([n for _, n in found], np.int64), _Files(tuple(p for p, _ in found), shortest)


def _mosaics(folder: Path, source: Source, shortest: int) -> _Part:
    del shortest
    files, side = [p for p in _pictures_in(folder) if p.stem not in source.leave_out], source.tile
    tiles, numbers = [], []
    for number, path in enumerate(files):
        whole = _Files((path,), 1 << 16)(0)
        if side < 1 or whole.shape[0] % side or whole.shape[1] % side:
            raise UsageError(
                f"{path} is not made of tiles of {side} pixels.", "Give the right size as 'tile'."
            )
        block = whole.reshape(whole.shape[0] // side, side, whole.shape[1] // side, side, 3).swapaxes(1, 2)
        tiles.append(block.reshape(-1, side, side, 3))
        numbers += [number] * len(tiles[-1])
    pixels = np.concatenate(tiles) if tiles else np.zeros((0, 1, 1, 3), np.uint8)
    return tuple(p.stem for p in files), np.array(numbers, np.int64), _Rows(pixels)


def _cifar10(folder: Path, source: Source, shortest: int) -> _Part:
    del shortest
    names = [f"data_batch_{i}.bin" for i in range(1, 6)] + ["test_batch.bin"]
    blocks = []
    for name in names:
        path = folder / name
        if not path.is_file() or path.stat().st_size != 10_000 * _CIFAR_ROW:
            raise UsageError(
                f"{path} is not a file of the binary CIFAR-10 archive.", "Unpack the archive again."
            )
        blocks.append(np.fromfile(path, np.uint8).reshape(-1, _CIFAR_ROW))
    rows = np.concatenate(blocks)
    if rows[:, 0].max() > 9:
        raise UsageError(f"{folder} has labels above 9, so it is not CIFAR-10.", "Unpack the archive again.")
    kept = ~np.isin(rows[:, 0], [CIFAR10_CLASSES.index(name) for name in source.leave_out])
    rows = rows[kept]
    pixels = np.ascontiguousarray(rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return CIFAR10_CLASSES, rows[:, 0].astype(np.int64), _Rows(pixels)
