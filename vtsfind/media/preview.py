"""A photo made small enough to be shown, in its own shape; and the compact form in which such a picture is kept."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vtsfind.media.decode import Pixels, decode
from vtsfind.media.work import Content, Made, Setup

_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Shrink:
    """Decode a photo, upright and in sRGB, no longer than so many pixels; see `vtsfind.media.work.Work`.

    What it makes is read by `unpacked`.
    """

    longest: int
    """Pixels of the longer side at most; a smaller photo keeps its size."""
    lossless: bool = False
    """Whether the pixels come as they are, many bytes, instead of as a JPEG of high quality."""

    def __call__(self, content: Content, setup: Setup) -> Made:
        """Do it."""
        pixels, info = decode(
            content,
            shortest=self.longest,
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        scale = self.longest / max(pixels.shape[:2])
        if scale < 1:
            image = Image.fromarray(pixels)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            pixels = np.array(image.resize(size, Image.Resampling.BOX))
        return Made(info, packed(pixels, lossless=self.lossless))


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
