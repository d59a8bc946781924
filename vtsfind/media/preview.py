"""A photo made small enough to be shown, in its own shape; and the compact form in which such a picture is kept."""

import io
import json
import struct
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from vtsfind.base.quality import Details
from vtsfind.media.decode import Pixels, decode
from vtsfind.media.work import Content, Made, Setup

_QUALITY = 88
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Shrink:
    """Decode a photo, upright and in sRGB, no longer than so many pixels; see `vtsfind.media.work.Work`.

    What it makes is read by `unpacked`.
    """

    longest: int
    """Pixels of the longer side at most; a smaller photo keeps its size."""

    def __call__(self, content: Content, setup: Setup) -> Made:
        """Do it."""
        pixels, info = decode(
            content,
            shortest=self.longest,
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        return Made(info, packed(_shrunk(pixels, self.longest), lossless=False))


@dataclass(frozen=True, slots=True)
class Closely:
    """As `Shrink`, without loss and with what the file tells of its quality; read by `closely`."""

    longest: int

    def __call__(self, content: Content, setup: Setup) -> Made:
        """Do it."""
        from vtsfind.media.quality import examine

        examined = examine(content, setup, shortest=self.longest, full=False)
        told = json.dumps({**asdict(examined.details), "pixels": ""}).encode()
        picture = packed(_shrunk(examined.pixels, self.longest), lossless=True)
        return Made(examined.info, _LENGTH.pack(len(told)) + told + picture)


def closely(data: bytes | bytearray) -> tuple[Pixels, Details]:
    """What `Closely` made."""
    end = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    told = json.loads(bytes(data[_LENGTH.size : end]))
    size = told.pop("exif_size")
    details = Details(**{**told, "pixels": b""}, exif_size=(size[0], size[1]) if size else None)
    return unpacked(data[end:]), details


def _shrunk(pixels: Pixels, longest: int) -> Pixels:
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    image = Image.fromarray(pixels)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.array(image.resize(size, Image.Resampling.BOX))


def packed(pixels: Pixels, *, lossless: bool) -> bytes:
    """Write (h, w, 3) uint8 as a JPEG, or as a BMP if nothing may be lost."""
    buffer = io.BytesIO()
    if lossless:
        Image.fromarray(pixels).save(buffer, "BMP")
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def unpacked(data: bytes | bytearray) -> Pixels:
    """Undo `packed`.

    Raises
    ------
    ValueError
        If it is anything else, or cut short.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "BMP")) as image:
            return np.array(image.convert("RGB"))
    except OSError as error:
        raise ValueError(f"no packed picture: {error}") from error
