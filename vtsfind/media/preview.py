"""Previews: photos reduced for display, in their own shape, and the encoded form in which they are stored."""

import io
import json
import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vtsfind.base.quality import Details
from vtsfind.media.decode import Pixels, decode
from vtsfind.media.work import Content, ProcessedContent, Setup

_JPEG_QUALITY = 88
_LENGTH_PREFIX = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Shrink:
    """Decode a photo and reduce it, a `vtsfind.media.work.ContentProcessor`; `decode_preview` decodes the result."""

    longest: int
    """Maximum length of the longer side in pixels; a smaller photo keeps its size."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """See `vtsfind.media.work.ContentProcessor`."""
        pixels, info = decode(
            content,
            shortest=self.longest,
            pixel_limit=setup.pixel_limit,
            memory_bytes=setup.memory_bytes,
        )
        return ProcessedContent(info, encode_preview(_shrink_to(pixels, self.longest), lossless=False))


@dataclass(frozen=True, slots=True)
class ShrinkWithDetails:
    """As `Shrink`, but lossless and with quality details; `unpack_with_details` decodes the result."""

    longest: int

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """See `vtsfind.media.work.ContentProcessor`."""
        from vtsfind.media.quality import examine

        examined = examine(content, setup, shortest=self.longest, full=False)
        details_record = json.dumps(examined.details.to_record()).encode()
        picture = encode_preview(_shrink_to(examined.pixels, self.longest), lossless=True)
        return ProcessedContent(
            examined.info, _LENGTH_PREFIX.pack(len(details_record)) + details_record + picture
        )


def unpack_with_details(data: bytes | bytearray) -> tuple[Pixels, Details]:
    """Decode the result of `ShrinkWithDetails`."""
    end = _LENGTH_PREFIX.size + _LENGTH_PREFIX.unpack_from(data)[0]
    details = Details.from_record(json.loads(bytes(data[_LENGTH_PREFIX.size : end])))
    return decode_preview(data[end:]), details


def _shrink_to(pixels: Pixels, longest: int) -> Pixels:
    scale = longest / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    image = Image.fromarray(pixels)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.array(image.resize(size, Image.Resampling.BOX))


def encode_preview(pixels: Pixels, *, lossless: bool) -> bytes:
    """Encode (h, w, 3) uint8 as a JPEG, or as a BMP if it has to be lossless."""
    buffer = io.BytesIO()
    if lossless:
        Image.fromarray(pixels).save(buffer, "BMP")
    else:
        Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def decode_preview(data: bytes | bytearray) -> Pixels:
    """Decode the result of `encode_preview`.

    Raises
    ------
    ValueError
        If the data are damaged or anything else.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "BMP")) as image:
            return np.array(image.convert("RGB"))
    except OSError as error:
        raise ValueError(f"not an encoded preview: {error}") from error
