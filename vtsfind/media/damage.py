"""Signs that a file is damaged although it can be decoded, and what tells whether two files were the same once.

A changed byte seldom makes a picture undecodable: the rest of a JPEG is shifted, smeared or grey, and decoders only warn. Where
the change leaves no sign in the file, it still has its length and most of its bytes in common with an intact copy.
"""

import math
import re
import zlib
from itertools import pairwise

import numpy as np
from PIL import Image

from vtsfind.media import formats
from vtsfind.media.containers import Bytes
from vtsfind.media.decode import Pixels

PIECES = 64
"""Parts of a file whose checksums are kept: one damaged sector of 4 kB leaves most of any photo alone."""
TONES_SIDE = 16
"""Cells of a grid: with more, small copies differ from large ones, with fewer, damage is lost in a cell."""
_WARNINGS_OF_DAMAGE = re.compile(r"Corrupt JPEG data|Premature end of JPEG|Inconsistent progression")
"""The beginnings of the warnings of libjpeg (its jerror.h) about the picture's data."""
_JPEG_SOS, _JPEG_EOI = b"\xff\xda", b"\xff\xd9"
_MIN_ZEROED_BYTES = 48
"""Two blocks of nothing but zero bits, which no picture has; a disk loses 512 bytes at least."""
_GREY_LEVEL = 128
"""What libjpeg fills a picture with where its data are missing, in levels of 255."""
_MAX_GREY_DEVIATION_LEVELS = 2
_MIN_GREY_SHARE = 1 / 32
"""Of a picture's height or width: less than two rows of blocks of a small photo may be anything."""


def damage(data: Bytes, kind: str, pixels: Pixels) -> str:
    """How a picture that can be decoded seems damaged, in a few words; empty if nothing shows.

    Parameters
    ----------
    data
        The file.
    kind
        Its format.
    pixels
        (h, w, 3) uint8, of any size.
    """
    if kind == formats.JPEG and _has_damaged_data(data):
        return "its data are damaged"
    return "a part of it is blank" if _has_blank_part(pixels) else ""


def checksums(data: Bytes) -> bytes:
    """CRC-32 of `PIECES` parts of a file, one after the other, of almost the same length."""
    limits = [len(data) * number // PIECES for number in range(PIECES + 1)]
    return b"".join(zlib.crc32(data[begin:end]).to_bytes(4, "big") for begin, end in pairwise(limits))


def tones(pixels: Pixels) -> bytes:
    """The brightness around each point of a grid of `TONES_SIDE` by `TONES_SIDE` over a picture (h, w, 3), row by row."""
    grey = Image.fromarray(pixels).convert("L")
    return grey.resize((TONES_SIDE, TONES_SIDE), Image.Resampling.BILINEAR).tobytes()


def _has_damaged_data(data: Bytes) -> bool:
    """Whether libjpeg warns of the data of a JPEG when it decodes all of them, or a part of its last scan was zeroed."""
    import simplejpeg

    scan = data.rfind(_JPEG_SOS)
    if data.find(bytes(_MIN_ZEROED_BYTES), scan, data.find(_JPEG_EOI, scan)) >= 0:
        return True
    try:
        simplejpeg.decode_jpeg(data, "GRAY", min_factor=8, strict=True)
    except ValueError as error:
        return bool(_WARNINGS_OF_DAMAGE.match(str(error)))
    return False


def _has_blank_part(pixels: Pixels) -> bool:
    """Whether a picture, but not all of it, ends on one of its sides in the grey that stands for missing data."""
    for upright in (pixels, pixels.swapaxes(0, 1)):
        lines = max(math.ceil(_MIN_GREY_SHARE * len(upright)), 2)
        if _is_grey(upright[:lines]) or _is_grey(upright[-lines:]):
            return not _is_grey(pixels)
    return False


def _is_grey(pixels: Pixels) -> bool:
    return bool((np.abs(pixels.astype(np.int16) - _GREY_LEVEL) <= _MAX_GREY_DEVIATION_LEVELS).all())
