"""Codes of the pictures of a split, made in batches and cached in files.

A file holds the codes of all heads of one model, for the queries and then the database of one split. Its name is a
SHA-256 of all that they depend on: the model's fingerprint, the split's digest, sizes and times of change of the files of
the pictures, and the versions of the packages. It is written now and then while codes are made, so that work that was
interrupted continues. Every file may be removed.
"""

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import vtsfind
from vtsfind.base.progress import CancelToken, Phase, Progress, SilentProgress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.data.formats import cifar10
from vtsfind.learn.data.formats.pictures import FileReader, Pictures, Pixels, RowNumbers
from vtsfind.learn.data.splits import Split
from vtsfind.learn.models.registry import ModelCard
from vtsfind.media.decode import prepare
from vtsfind.store.atomic import replace_file

if TYPE_CHECKING:
    from vtsfind.learn.models.encoder import Encoder

PACKAGES = ("torch", "timm", "pillow")
"""Other packages that codes depend on, to the bit."""

_FORMAT = 1
_SAVE_EVERY_PICTURES = 4096
_MADE_ON_KEY = "made_on"

CodeTables = dict[str, npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, eq=False)
class SplitCodes:
    """The codes of queries and database, by head."""

    queries: Mapping[str, npt.NDArray[np.uint8]]
    """(q, b) uint8, packed."""
    database: Mapping[str, npt.NDArray[np.uint8]]
    """(n, b) uint8, packed."""
    made_on: str
    """Device and precision that made them, such as `cpu, float32`."""
    encoded: int
    """Pictures that were encoded now; the codes of the others were in the cache."""
    cache_error: str = ""
    """Why the codes could not be cached; empty if they were."""


def versions() -> dict[str, str]:
    """The versions of vtsfind and of `PACKAGES`."""
    return {"vtsfind": vtsfind.__version__, **{name: version(name) for name in PACKAGES}}


@dataclass(frozen=True, slots=True)
class EncodingOptions:
    """How codes are made."""

    device: str = "auto"
    """See `vtsfind.learn.models.encoder.Encoder`. With `auto`, kept codes are used whatever made them."""
    batch: int = 32
    """Pictures in one batch."""
    workers: int = 0
    """Threads that decode; 0 for one for each core."""
    progress: Progress = field(default_factory=SilentProgress)
    cancel: CancelToken = field(default_factory=CancelToken)
    precision: str = "auto"
    """See `vtsfind.learn.models.encoder.chosen_precision`. With `auto`, kept codes are used in whatever they were made."""


def encode_split(
    card: ModelCard, pictures: Pictures, split: Split, folder: Path, encoding: EncodingOptions
) -> SplitCodes:
    """Get the codes of queries and database, from the cache as far as they are in it.

    Parameters
    ----------
    card
        The model, with its preprocessing.
    pictures, split
        See `vtsfind.learn.data.protocols.open_protocol`.
    folder
        Of the cache; created if necessary.
    encoding
        How to make missing codes.

    Raises
    ------
    ModelDamaged, UsageError
        See `Encoder`; and when a picture cannot be used.
    Cancelled
        When it is cancelled; finished work is kept.
    """
    rows = np.concatenate([split.query, split.database])
    code_file = _CodeFile(folder / f"{_key(card, pictures, split)}.npz", card, len(rows))
    if code_file.done and not _as_wanted(code_file.made_on, encoding):
        code_file.clear()
    encoded = _encode_missing(code_file, card, pictures, rows, encoding) if code_file.done < len(rows) else 0
    q = len(split.query)
    return SplitCodes(
        {name: table[:q] for name, table in code_file.tables.items()},
        {name: table[q:] for name, table in code_file.tables.items()},
        code_file.made_on,
        encoded,
        code_file.write_error,
    )


def _as_wanted(made_on: str, encoding: EncodingOptions) -> bool:
    """Whether codes that were made so may be used."""
    device, _, arithmetic = made_on.partition(", ")
    return encoding.device in {"auto", device} and encoding.precision in {"auto", arithmetic}


class _CodeFile:
    """A cache file: the codes in it, and those to be added."""

    def __init__(self, file: Path, card: ModelCard, count: int) -> None:
        self.file = file
        self.count = count
        self.tables: CodeTables = {
            head.name: np.zeros((count, -(-head.bits // 8)), np.uint8) for head in card.network.heads
        }
        self.done = 0
        self.made_on = ""
        self.write_error = ""
        self._read()

    def _read(self) -> None:
        """Read the file; an unreadable file counts as empty."""
        try:
            with np.load(io.BytesIO(self.file.read_bytes()), allow_pickle=False) as stored:
                found = {name: stored[f"head {name}"] for name in self.tables}
                made_on = str(stored[_MADE_ON_KEY])
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
            return
        lengths = {len(table) for table in found.values()}
        fits = all(
            table.dtype == np.uint8 and table.shape[1:] == self.tables[name].shape[1:]
            for name, table in found.items()
        )
        if not fits or len(lengths) != 1 or max(lengths) > self.count:
            return
        self.done, self.made_on = lengths.pop(), made_on
        for name, table in found.items():
            self.tables[name][: self.done] = table

    def clear(self) -> None:
        """Begin anew."""
        self.done = 0

    def add(self, codes: Mapping[str, npt.NDArray[np.uint8]], count: int) -> None:
        """Add the codes of the next `count` pictures, and write the file from time to time."""
        for name, table in self.tables.items():
            table[self.done : self.done + count] = codes[name]
        before, self.done = self.done, self.done + count
        if before // _SAVE_EVERY_PICTURES != self.done // _SAVE_EVERY_PICTURES:
            self.save()

    def save(self) -> None:
        """Write the file. If the folder cannot be written, only the cache is lost, not the result."""
        content = io.BytesIO()
        arrays = {f"head {name}": table[: self.done] for name, table in self.tables.items()}
        np.savez(content, **{_MADE_ON_KEY: np.array(self.made_on)}, **arrays)  # type: ignore[arg-type]
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.file, content.getvalue())
        except OSError as error:
            self.write_error = (
                f"The codes could not be cached in {self.file.parent}: {error.strerror or error}."
            )


def _encode_missing(
    code_file: _CodeFile, card: ModelCard, pictures: Pictures, rows: RowNumbers, encoding: EncodingOptions
) -> int:
    """Make the missing codes; returns their number."""
    from vtsfind.learn.models.encoder import Encoder

    encoder = Encoder(card, device=encoding.device, precision=encoding.precision)
    made_on = _device_and_precision(encoder)
    if code_file.made_on != made_on:
        code_file.clear()
        code_file.made_on = made_on
    start = code_file.done
    encoding.progress.start(Phase.EVALUATE, len(rows))
    encoding.progress.advance(start)
    prepare_row = PreparedPictures(pictures, card.preprocessing)
    try:
        with closing(
            prepared_batches(prepare_row, rows[start:], encoding.batch, encoding.workers)
        ) as batches:
            for pixels in batches:
                encoding.cancel.check()
                code_file.add(encoder.encode(pixels), len(pixels))
                encoding.progress.advance(len(pixels))
    finally:
        if code_file.done > start:
            code_file.save()
    return len(rows) - start


def _device_and_precision(encoder: "Encoder") -> str:
    return f"{encoder.device.type}, {str(encoder.precision).removeprefix('torch.')}"


@dataclass(frozen=True, slots=True)
class PreparedPictures:
    """Gives the model's input for a row."""

    pictures: Pictures
    preprocessing: Preprocessing

    def __call__(self, row: int) -> Pixels:
        """The input, (size, size, 3) uint8."""
        return prepare(self.pictures.picture(row), self.preprocessing)


def prepared_batches(
    prepare_row: Callable[[int], Pixels], rows: RowNumbers, batch: int, workers: int
) -> Generator[Pixels, None, None]:
    """Yield inputs (b, size, size, 3) in the order of `rows`; the next two batches are prepared at the same time."""
    pool = ThreadPoolExecutor(workers or os.cpu_count(), thread_name_prefix="decode")
    pending: deque[Sequence[Future[Pixels]]] = deque()
    try:
        for first in range(0, len(rows), batch):
            pending.append([pool.submit(prepare_row, int(row)) for row in rows[first : first + batch]])
            if len(pending) > 2:
                yield np.stack([one.result() for one in pending.popleft()])
        while pending:
            yield np.stack([one.result() for one in pending.popleft()])
    finally:
        pool.shutdown(cancel_futures=True)


def _key(card: ModelCard, pictures: Pictures, split: Split) -> str:
    parts = {
        "format": _FORMAT,
        "model": card.signature.fingerprint,
        "heads": [asdict(head) for head in card.network.heads],
        "split": split.digest,
        "files": files_digest(pictures),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def files_digest(pictures: Pictures) -> str:
    """SHA-256, in hex, of the sizes and the times of change of all files that hold the pictures."""
    digest = hashlib.sha256()
    for reader in pictures.readers:
        for path in _files(reader):
            status = os.stat(path)
            digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(reader: Callable[[int], Pixels]) -> list[Path]:
    if isinstance(reader, FileReader):
        return [reader.folder / name for name in reader.names]
    if isinstance(reader, cifar10.Cifar10Reader):
        return [reader.folder / name for name in cifar10.FILES]
    raise TypeError(f"Pictures from {type(reader).__name__} are in no files of their own.")
