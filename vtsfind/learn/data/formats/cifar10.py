"""CIFAR-10 in its official binary format, read from disk or downloaded and unpacked.

The folder `cifar-10-batches-bin` has five training files and one test file of 10,000 pictures each. A picture is 3,073
bytes: its label, 0 to 9, then 1,024 bytes of red, of green and of blue, row by row. Row numbers here count through the
training files, then the test file.

When vtsfind unpacks the official archive, it writes `origin.json` beside the files: the archive's MD5, which was checked,
and the SHA-256 of each unpacked file. `origin` uses it to tell whether the pictures are the official ones.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.learn.data.archives import unpack
from vtsfind.learn.data.download import RemoteFile, RetryPolicy, download, storage_errors
from vtsfind.learn.data.formats.pictures import Pixels, RowNumbers
from vtsfind.store.atomic import replace_file

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
FOLDER = "cifar-10-batches-bin"
FILES = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
ARCHIVE = RemoteFile(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    size=170_052_171,
    md5="c32a1d4ab5d03f1284b67883e8d87530",
    sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
)
PICTURES_PER_FILE = 10_000
"""Pictures in a file."""

_ROW_BYTES = 1 + 3 * 32 * 32
_ORIGIN_FILE = "origin.json"


def labels(folder: Path) -> RowNumbers:
    """The class of every picture, (60000,), from the six files in `folder`.

    Raises
    ------
    UsageError
        When a file is missing, has another length, or a label above 9.
    """
    numbers = np.concatenate([np.asarray(_memory_mapped(_check_size(folder / name))[:, 0]) for name in FILES])
    if numbers.max() >= len(CLASSES):
        row = int(np.argmax(numbers >= len(CLASSES)))
        name, place = FILES[row // PICTURES_PER_FILE], row % PICTURES_PER_FILE
        raise UsageError(
            f"{folder / name} has the label {numbers[row]} at picture {place}, and labels above 9 are not of CIFAR-10.",
            "Unpack the archive again.",
        )
    return numbers.astype(np.int64)


def _check_size(path: Path) -> Path:
    if not path.is_file() or path.stat().st_size != PICTURES_PER_FILE * _ROW_BYTES:
        raise UsageError(f"{path} is not a file of the binary CIFAR-10 archive.", "Unpack the archive again.")
    return path


@lru_cache(maxsize=2 * len(FILES))
def _memory_mapped(path: Path) -> npt.NDArray[np.uint8]:
    """The rows of a file, (10000, 3073), memory-mapped, so that processes share them."""
    return np.memmap(path, np.uint8, "r").reshape(-1, _ROW_BYTES)


@dataclass(frozen=True, slots=True)
class Cifar10Reader:
    """Reads pictures from the files of a folder."""

    folder: Path
    rows: RowNumbers
    """The number of each row among all 60,000."""

    def __call__(self, row: int) -> Pixels:
        """The pixels of one row, (h, w, 3) uint8 RGB."""
        file, place = divmod(int(self.rows[row]), PICTURES_PER_FILE)
        planes = _memory_mapped(self.folder / FILES[file])[place, 1:].reshape(3, 32, 32)
        return np.ascontiguousarray(planes.transpose(1, 2, 0))


def find(root: Path) -> Path | None:
    """The folder of the unpacked files: `root` itself, or `cifar-10-batches-bin` in it or in `cifar10` in it."""
    for folder in (root / FOLDER, root / "cifar10" / FOLDER, root):
        if all((folder / name).is_file() for name in FILES):
            return folder
    return None


def find_or_download(
    root: Path,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    archive: RemoteFile = ARCHIVE,
    retry: RetryPolicy | None = None,
) -> Path:
    """The folder of the unpacked files; if they are missing, the archive is downloaded and unpacked.

    Parameters
    ----------
    root
        The folder of all data. The archive is downloaded to `cifar10` in it, unless it is in `root` already, and unpacked
        in the same folder; it is not needed afterwards.
    progress, cancel
        Of the download.
    archive
        The file to download.
    retry
        Of the download.

    Raises
    ------
    vtsfind.learn.data.download.DownloadFailed
        When the archive cannot be downloaded, is a different file, or is damaged.
    DiskFull
        When there is no space, or `root` cannot be written.
    Cancelled
        When it is cancelled; a download continues from there the next time.
    """
    folder = find(root)
    if folder is not None:
        return folder
    home = root if (root / archive.name).is_file() else root / "cifar10"
    packed = home / archive.name
    download(archive, packed, progress=progress, cancel=cancel, retry=retry)
    wanted = {f"{FOLDER}/{name}": PICTURES_PER_FILE * _ROW_BYTES for name in FILES}
    sums = unpack(packed, wanted, home / FOLDER, cancel=cancel or CancelToken())
    provenance = {
        "archive": archive.url,
        "md5": archive.md5,
        "files": {name.rpartition("/")[2]: checksum for name, checksum in sums.items()},
    }
    with storage_errors(home):
        replace_file(home / FOLDER / _ORIGIN_FILE, (json.dumps(provenance, indent=1) + "\n").encode())
    return home / FOLDER


def origin(folder: Path) -> str:
    """The origin of the files in `folder`, in words: the official archive, or unknown."""
    try:
        provenance = json.loads((folder / _ORIGIN_FILE).read_bytes())
        archive, md5, files = str(provenance["archive"]), str(provenance["md5"]), dict(provenance["files"])
    except FileNotFoundError:
        return "not known: not unpacked by vtsfind; sizes and labels were checked, pixels were not"
    except (OSError, ValueError, KeyError, TypeError):
        return f"not known: {folder / _ORIGIN_FILE} cannot be read"
    for name in FILES:
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != files.get(name):
                return f"not official: {name} is not as it came out of {archive}"
    return f"official archive {archive}, MD5 {md5}"
