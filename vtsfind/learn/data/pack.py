"""The pictures of a recipe in a few small archives, to be carried to another machine, such as one with a GPU.

Photos are reduced and saved as WebP; mosaics, which are small, are kept as they are. The archives have the folders of the recipe,
so that unpacked into one folder they are the data of the same recipe::

    for piece in PACK/*.tar; do tar xf "$piece" -C DATA; done
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Phase, Progress
from vtsfind.learn.data.formats import Source
from vtsfind.learn.data.formats.pictures import photo_names
from vtsfind.media.decode import DecodeError, decode
from vtsfind.media.reduced import encode_webp
from vtsfind.store.atomic import atomic_replace, replace_file
from vtsfind.store.errors import system_error

SIDE_PX = 192
"""Short side of a packed photo."""
QUALITY = 50
"""Of WebP: 4 to 5 KiB a photo."""
PIECE_BYTES = 56 << 20
"""Most that the files of an archive have together."""
CONTENTS = "pack.json"


def pack_data(
    sources: Sequence[Source], root: Path, folder: Path, progress: Progress, cancel: CancelToken
) -> list[Path]:
    """Write the pictures of data sources into archives.

    Parameters
    ----------
    sources
        The data of a recipe's tasks. Those named twice are packed once, with the classes that both use.
    root
        The folder of all data.
    folder
        Where the archives go, with a list of what is in them, ``pack.json``. New or empty.
    progress, cancel
        Updated and checked for every file.

    Returns
    -------
    The archives.

    Raises
    ------
    UsageError
        When a picture or folder cannot be used, `folder` is not empty, or a source is of another kind.
    DiskFull, StorageError
        When the archives cannot be written.
    Cancelled
        When it is cancelled.
    """
    for source in sources:
        if source.kind == "cifar10":
            raise UsageError("CIFAR-10 is not packed.", "Carry its archive to the other machine.")
    names = list(dict.fromkeys(name for source in sources for name in _names(source, root)))
    if not names:
        raise UsageError(f"There are no pictures to pack in {root}.", "Check --data and the recipe.")
    kept_as_they_are = tuple(f"{source.path}/" for source in sources if source.kind == "mosaics")
    progress.start(Phase.TRAIN, len(names))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty.", "Give a new or empty folder with --pack.")
        entries = _entries(names, root, kept_as_they_are, progress, cancel)
        pieces = [_write_piece(folder / f"data-{number:02}.tar", piece) for number, piece in _cut(entries)]
        counts = {source.path: sum(n.startswith(f"{source.path}/") for n in names) for source in sources}
        replace_file(folder / CONTENTS, (json.dumps({"files": counts}, indent=1) + "\n").encode())
    except OSError as error:
        raise system_error(error, folder, verb="written", option="--pack") from error
    return pieces


Entry = tuple[str, bytes]
"""A name within an archive, and the content."""


def _names(source: Source, root: Path) -> list[str]:
    """The files of a source, as paths below the folder of all data."""
    place = root / source.path
    if not place.is_dir():
        raise UsageError(f"The data folder {place} is not there.", "Give the folder of all data with --data.")
    names = photo_names(place)
    if source.kind == "classes":
        names = [name for name in names if name.split("/")[0] not in source.leave_out]
    if source.kind == "mosaics":
        names = [name for name in names if Path(name).stem not in source.leave_out]
    return [f"{source.path}/{name}" for name in names]


def _entries(
    names: Iterable[str], root: Path, as_they_are: tuple[str, ...], progress: Progress, cancel: CancelToken
) -> Iterator[Entry]:
    for name in names:
        cancel.check()
        content = (root / name).read_bytes()
        if as_they_are and name.startswith(as_they_are):
            yield name, content
        else:
            yield _packed_name(name), _reduce(content, root / name)
        progress.advance(note="packing")


def _packed_name(name: str) -> str:
    """The name of a reduced photo: the old suffix stays, so that no two files of a folder get one name."""
    return name if name.endswith(".webp") else f"{name}.webp"


def _reduce(content: bytes, path: Path) -> bytes:
    try:
        pixels, _ = decode(content, shortest=SIDE_PX)
    except DecodeError as error:
        raise UsageError(f"The picture {path} cannot be used: {error}.", "Correct or remove it.") from error
    return encode_webp(pixels, SIDE_PX, QUALITY)


def _cut(entries: Iterable[Entry]) -> Iterator[tuple[int, list[Entry]]]:
    """Number and content of each archive, none larger than allowed but for one file that is by itself."""
    piece: list[Entry] = []
    number, size = 0, 0
    for entry in entries:
        # A file takes whole blocks of 512 bytes, and one more for its name.
        taken = 1024 + len(entry[1])
        if piece and size + taken > PIECE_BYTES:
            yield number, piece
            number, piece, size = number + 1, [], 0
        piece.append(entry)
        size += taken
    yield number, piece


def _write_piece(path: Path, piece: Sequence[Entry]) -> Path:
    with atomic_replace(path) as temporary, tarfile.open(temporary, "w") as tar:
        for name, content in piece:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path
