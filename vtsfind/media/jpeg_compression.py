"""How a JPEG was compressed, and what becomes of other pixels when they are compressed in the same way.

Decoding and compressing are exact: a picture that was saved again, and nothing else, has the pixels that its original gets by the same tables.
"""

import io
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import Image, JpegImagePlugin

from vtsfind.media.decode import Pixels


@dataclass(frozen=True, slots=True)
class JpegCompression:
    """What decides the pixels of a JPEG, given those that it was made of."""

    tables: tuple[tuple[int, ...], ...]
    """Quantisation tables, 64 steps each: of brightness, then of colours. What can be decoded has one at least."""
    subsampling: int
    """Pillow's number of how many pixels share a colour: 0 for one, 1 for two, 2 for four."""


def jpeg_compression(content: bytes | BinaryIO) -> JpegCompression | None:
    """Read how a file in colour was compressed; None if it is no such JPEG, or of a rare kind. Nothing is decoded.

    Raises
    ------
    OSError
        When the file itself cannot be read, or its header.
    """
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    stream.seek(0)
    with Image.open(stream) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return None
        # -1 also for one or four channels.
        subsampling = JpegImagePlugin.get_sampling(image)
        tables = tuple(tuple(image.quantization[number]) for number in sorted(image.quantization))
    return JpegCompression(tables, subsampling) if subsampling >= 0 else None


def compressed(pixels: Pixels, how: JpegCompression) -> Pixels:
    """What becomes of pixels, (h, w, 3) uint8, in a JPEG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(
        file, "JPEG", qtables=[list(table) for table in how.tables], subsampling=how.subsampling
    )
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))
