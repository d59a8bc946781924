"""One read of a photo for everything that a comparison and a keep policy want to know of it; done by a worker process.

What is made is text and bytes: a number of 32 bits, the length of the details as JSON; the details; the features.
"""

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from vtsfind.base.details import Details
from vtsfind.find import align, features, likeness, opencv, verify
from vtsfind.media.details import examine
from vtsfind.media.work import Content, Made, Setup

SHORTEST = 384
"""Pixels of the shorter side that are decoded: more than the features are computed on, whatever the picture's shape."""
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Look:
    """Compute the features of a photo and gather its details; see `vtsfind.media.work.Work` and `unpack`."""

    full: bool = False
    """Whether to decode it in full too, for the digest of its pixels and for suspicions."""

    def __call__(self, content: Content, setup: Setup) -> Made:
        """Do it."""
        examined = examine(content, setup, shortest=SHORTEST, full=self.full)
        found = features.features(examined.pixels)
        return Made(examined.info, pack(examined.details, found))


def pack(details: Details, found: features.Features) -> bytes:
    """Write details and features as bytes."""
    text = json.dumps({**asdict(details), "pixels": details.pixels.hex()}).encode()
    return _LENGTH.pack(len(text)) + text + found.to_bytes()


def unpack(data: bytes | bytearray) -> tuple[Details, features.Features]:
    """Undo `pack`.

    Raises
    ------
    ValueError
        If it is anything else, or of another version.
    """
    return details_of(data), features.Features.from_bytes(bytes(data[_end(data) :]))


def details_of(data: bytes | bytearray) -> Details:
    """The details alone, see `unpack`."""
    try:
        told: dict[str, Any] = json.loads(bytes(data[_LENGTH.size : _end(data)]))
        size = told.pop("exif_size")
        pixels = bytes.fromhex(told.pop("pixels"))
        return Details(**told, exif_size=tuple(size) if size else None, pixels=pixels)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no details of a photo") from error


def _end(data: bytes | bytearray) -> int:
    if len(data) < _LENGTH.size:
        raise ValueError("a look is cut short")
    length: int = _LENGTH.unpack_from(data)[0]
    return _LENGTH.size + length


@cache
def version() -> str:
    """What looks and verdicts depend on, as a short text: the modules that make them, and OpenCV.

    Looks and verdicts that another version made are made again, since the two need not agree.
    """
    digest = hashlib.sha256(opencv.opencv().__version__.encode())
    for module in (features, align, likeness, verify):
        digest.update(Path(module.__file__ or "").read_bytes())
    return digest.hexdigest()[:16]
