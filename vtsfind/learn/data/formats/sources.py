"""Several folders of pictures, each of a kind, opened as one set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vtsfind.base.errors import UsageError
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.pictures import (
    ArrayReader,
    FileReader,
    Pictures,
    Pixels,
    RowNumbers,
    one_hot,
    photo_names,
)


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of pictures of one kind."""

    kind: str
    """`photos`, `classes`, `mosaics` or `cifar10`."""
    path: str
    """Folder, relative to the folder of all data."""
    tile: int = 0
    """Side of a mosaic's tiles, in pixels."""
    leave_out: tuple[str, ...] = ()
    """Classes that are not used, to serve as unseen classes."""


def load(sources: Sequence[Source], root: Path, *, shortest: int) -> Pictures:
    """Open data sources as one set; classes of the same name are one class.

    Parameters
    ----------
    sources
        The folders, in order; their rows are concatenated.
    root
        The folder of all data.
    shortest
        Minimum length of the shorter side, in pixels.

    Raises
    ------
    UsageError
        When a folder is missing, has no pictures, or is not of its kind.
    """
    parts = [_open(source, root / source.path, shortest) for source in sources]
    classes = tuple(sorted({name for names, _, _ in parts for name in names}))
    column = {name: c for c, name in enumerate(classes)}
    labels = []
    for names, numbers, _ in parts:
        # The last place is for pictures without a class, whose number is -1.
        columns = np.array([*(column[name] for name in names), -1], np.int64)
        labels.append(one_hot(columns[numbers], len(classes)))
    lengths = np.cumsum([0] + [len(numbers) for _, numbers, _ in parts])
    return Pictures(
        classes,
        np.concatenate(labels),
        tuple(reader for _, _, reader in parts),
        tuple(int(n) for n in lengths),
    )


_Part = tuple[tuple[str, ...], RowNumbers, Callable[[int], Pixels]]


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


def _photos(folder: Path, source: Source, shortest: int) -> _Part:
    del source
    names = tuple(photo_names(folder))
    return (), np.full(len(names), -1, np.int64), FileReader(folder, names, shortest)


def _classes(folder: Path, source: Source, shortest: int) -> _Part:
    classes = tuple(sorted(p.name for p in folder.iterdir() if p.is_dir() and p.name not in source.leave_out))
    found = [(name, number) for number, label in enumerate(classes) for name in photo_names(folder, label)]
    numbers = np.array([number for _, number in found], np.int64)
    return classes, numbers, FileReader(folder, tuple(name for name, _ in found), shortest)


def _mosaics(folder: Path, source: Source, shortest: int) -> _Part:
    del shortest
    files, side = [n for n in photo_names(folder) if Path(n).stem not in source.leave_out], source.tile
    read_mosaic = FileReader(folder, tuple(files), 1 << 16)
    tiles, numbers = [], []
    for number, name in enumerate(files):
        mosaic = read_mosaic(number)
        if side < 1 or mosaic.shape[0] % side or mosaic.shape[1] % side:
            raise UsageError(
                f"{folder / name} is not made of tiles of {side} pixels.", "Give the right size as 'tile'."
            )
        block = mosaic.reshape(mosaic.shape[0] // side, side, mosaic.shape[1] // side, side, 3).swapaxes(1, 2)
        tiles.append(block.reshape(-1, side, side, 3))
        numbers += [number] * len(tiles[-1])
    pixels = np.concatenate(tiles) if tiles else np.zeros((0, 1, 1, 3), np.uint8)
    return tuple(Path(name).stem for name in files), np.array(numbers, np.int64), ArrayReader(pixels)


def _cifar10(folder: Path, source: Source, shortest: int) -> _Part:
    del shortest
    numbers = cifar10.labels(folder)
    left_out = [cifar10.CLASSES.index(name) for name in source.leave_out if name in cifar10.CLASSES]
    rows = np.flatnonzero(~np.isin(numbers, left_out))
    return cifar10.CLASSES, numbers[rows], cifar10.Cifar10Reader(folder, rows)
