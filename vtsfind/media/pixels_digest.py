"""The digest of a photo's pixels: the same for files that show exactly the same, whatever else is in them.

All frames count, and what no eight bits on white show counts, too: transparency, and values of more than eight bits.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from vtsfind.base.contents import Contents, ItemKind
from vtsfind.base.records import PictureInfo
from vtsfind.media import formats
from vtsfind.media.colour import BLACK
from vtsfind.media.contents import whole
from vtsfind.media.decode import Pixels, decode, later_frames

FULL_SIZE = 1 << 30
"""As `shortest` of `vtsfind.media.decode.decode`: every pixel of the photo."""
_MAX_FRAME_PIXELS = 400_000_000
"""Pixels of all frames together that are decoded, at most: a few seconds."""


def pixels_digest(pixels: Pixels, *further: npt.NDArray[Any]) -> bytes:
    """SHA-256 of a photo's size and pixels, 32 bytes.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8: decoded in full (`shortest=FULL_SIZE`), upright, sRGB.
    further
        What else has to be the same: other frames, the photo on another ground, its values in full depth.
    """
    height, width = pixels.shape[:2]
    digest = hashlib.sha256(f"{width} x {height}\n".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    for each in further:
        digest.update(f"{each.shape} {each.dtype.str}\n".encode())
        digest.update(np.ascontiguousarray(each).data)
    return digest.digest()


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """What all pixels of a file tell."""

    digest: bytes
    """See `pixels_digest`; empty if not all of the file could be taken into it."""
    transparent: bool
    """Whether something shows through somewhere."""
    bits: int
    """Bits a channel that are in use: 8 for values of 16 that are eight bits made wider."""


def pixel_facts(
    data: bytes | BinaryIO, pixels: Pixels, info: PictureInfo, contents: Contents, *, pixel_limit: int
) -> PixelFacts:
    """Look at all pixels of a file.

    Parameters
    ----------
    data
        The file.
    pixels
        Its first frame, (h, w, 3), decoded in full.
    info, contents
        What is known of it.
    pixel_limit
        For each frame.

    Raises
    ------
    DecodeError
        If a later frame cannot be decoded.
    """
    kind, further = info.format, []
    transparent = False
    if contents.transparent:
        on_black, _ = decode(data, shortest=FULL_SIZE, pixel_limit=pixel_limit, ground=BLACK)
        transparent = not np.array_equal(on_black, pixels)
        further += [on_black] * transparent
    bits, complete = 8, kind != formats.RAW  # of a RAW file the preview alone is decoded
    if contents.bits > 8:
        values = _deep_values(data, kind)
        bits = contents.bits if values is None or _is_deep(values) else 8
        complete = complete and (values is not None or bits == 8)
        if values is not None and bits > 8:
            further.append(values)
    if contents.frames > 1:
        if contents.frames * pixels.shape[0] * pixels.shape[1] > _MAX_FRAME_PIXELS:
            complete = False
        else:
            further += later_frames(data, kind, pixel_limit=pixel_limit)
            if transparent:
                further += later_frames(data, kind, pixel_limit=pixel_limit, ground=BLACK)
    pictures = "|".join(contents.of(ItemKind.PICTURE)).encode()
    if pictures:
        further.append(np.frombuffer(pictures, np.uint8))
    return PixelFacts(pixels_digest(pixels, *further) if complete else b"", transparent, bits)


def _deep_values(data: bytes | BinaryIO, kind: str) -> npt.NDArray[Any] | None:
    """A file's values in full depth, (h, w) or (h, w, channels), as stored; None if nothing here can read them."""
    if kind == formats.RAW:
        return None
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    if kind == formats.HEIF:
        import pillow_heif

        stream.seek(0)
        return np.asarray(pillow_heif.open_heif(stream, convert_hdr_to_8bit=False))
    formats.register(kind)
    stream.seek(0)
    with Image.open(stream, formats=(kind,)) as image:
        if "16" in image.mode or image.mode in {"I", "F"}:
            return np.asarray(image)
    if kind not in {formats.PNG, formats.TIFF}:
        return None
    import cv2  # Pillow reads colours of 16 bits as 8

    with whole(stream) as content:
        values: npt.NDArray[Any] | None = cv2.imdecode(
            np.frombuffer(content[0 : len(content)], np.uint8), cv2.IMREAD_UNCHANGED
        )
    return values if values is not None and values.dtype != np.uint8 else None


def _is_deep(values: npt.NDArray[Any]) -> bool:
    """Whether values need more than eight bits: 16 of which each half is the same do not."""
    return values.dtype != np.uint16 or bool((values >> 8 != values & 0xFF).any())
