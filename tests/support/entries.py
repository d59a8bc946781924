"""Made-up photos for tests of the library: everything about photo i follows from i alone."""

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vtsfind.base.records import Entry, Failure, Head, PictureInfo, Reason, Signature, Stamp
from vtsfind.store.index import Index
from vtsfind.store.library import Library

SIGNATURE = Signature("tiny.lite.photos.296", "5f" * 32, (Head("copy", 256), Head("scene", 40)))

CAMERAS = (None, "", "Canon EOS 5D", "Apple iPhone 13")


def path(i: int) -> bytes:
    return b"/photos/%04d.jpg" % i


def stamp(i: int) -> Stamp:
    return Stamp(1000 + i % 7, 1_700_000_000_000_000_000 + i, 100 + i)


def digest(i: int) -> bytes:
    return hashlib.sha256(b"content %d" % i).digest()


def codes(i: int) -> dict[str, npt.NDArray[np.uint8]]:
    drawn = np.frombuffer(hashlib.shake_256(b"code %d" % i).digest(37), np.uint8)
    return {"copy": drawn[:32], "scene": drawn[32:]}


def info(i: int) -> PictureInfo:
    taken = f"2020-01-{1 + i % 28:02d} 12:00:00" if i % 2 else None
    return PictureInfo(4000 + i, 3000 + i, 1 + i % 8, taken, "JPEG" if i % 3 else "HEIF", CAMERAS[i % 4])


def entry(i: int) -> Entry:
    return Entry(path(i), stamp(i), digest(i), info(i), codes(i))


def failure(i: int) -> Failure:
    return Failure(path(i), Reason.DAMAGED, f"cut short at {i}", stamp(i))


def golden_changes(index: Library) -> None:
    """Fill an empty library with one of everything that the format knows."""
    index.add_roots([b"/photos", b"/more/\xff"])
    for i in range(9):
        index.add(entry(i))
    index.add(Entry(b"/photos/two\nlines.jpg", Stamp(5, -7, 2**64 - 2), digest(3)))
    index.add(Entry(b"/more/\xff\xfe.jpg", stamp(50), digest(50), info(50), codes(50)))
    index.add_failure(failure(20))
    index.add_failure(Failure(b"/photos/gone.png", Reason.VANISHED, "", None))
    index.forget([path(0), path(8)])


def write_golden(folder: Path) -> None:
    """Make a golden library in a new folder; for a new version of the format, by hand."""
    with Index.create(folder, SIGNATURE) as index:
        golden_changes(index)
        index.publish()
    (folder / "lock").unlink(missing_ok=True)
