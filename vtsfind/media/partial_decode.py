"""Decoding at a reduced resolution, and detecting truncated files."""

import hashlib
import io
import math
from typing import BinaryIO

from PIL import Image

from vtsfind.media import formats

# Inserted before the end of a JPEG to test whether its decoder still expects data: any bytes but a marker.
_PROBE_BYTES = hashlib.shake_128(b"probe").digest(1024).replace(b"\xff", b"")
_JPEG_SOS, _JPEG_EOI = b"\xff\xda", b"\xff\xd9"
_MIN_PADDING_BYTES = 16
"""Zeros at the end of a file that was made longer, and never of picture data."""
_TAIL_BYTES = 65536
"""Part of a file that is searched for the end of a JPEG before all of it is."""

# JPEG 2000: the first two markers of a codestream, the part of a file that is searched for them, and the marker of the
# segment that gives the number of resolutions.
_CODESTREAM_START = b"\xff\x4f\xff\x51"
_CODESTREAM_SEARCH_BYTES = 65536
_COD_MARKER = 0x52


class _EndedJpeg(io.BytesIO):
    """A JPEG that lacked its end marker, with one."""


def with_end(stream: BinaryIO) -> BinaryIO:
    """A JPEG; if its end marker is missing, which many programs do not mind, a copy that has one."""
    total = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, total - _TAIL_BYTES))
    if _JPEG_EOI in stream.read():
        return stream
    stream.seek(0)
    data = stream.read()
    if data.rfind(_JPEG_EOI) > data.rfind(_JPEG_SOS) or data.endswith(bytes(_MIN_PADDING_BYTES)):
        return stream
    return _EndedJpeg(data + _JPEG_EOI)


def load(image: Image.Image, stream: BinaryIO, kind: str, shortest: int) -> None:
    """Decode an opened picture, at a lower resolution if its format supports that.

    Parameters
    ----------
    image
        Opened from `stream`, not loaded yet. Afterwards its shorter side has at least `shortest` pixels, unless the
        picture has fewer.
    stream
        The encoded file.
    kind
        Its format, from `vtsfind.media.formats.sniff`.
    shortest
        In pixels.

    Raises
    ------
    OSError
        When the file is truncated or damaged; Pillow raises other exceptions as well.
    """
    if kind == formats.JPEG:
        _load_jpeg(image, stream, shortest)
    elif kind == formats.JPEG2000:
        _load_jpeg2000(image, stream, shortest)
    else:
        if kind == formats.HEIF and _boxes_are_complete(stream):
            # Decodes an embedded preview if it is large enough and has the crop, orientation and colours of the picture.
            scale = min(1.0, shortest / min(image.size))
            image.draft(None, (math.ceil(image.width * scale), math.ceil(image.height * scale)))
        image.load()


def box_reduced(image: Image.Image, shortest: int) -> Image.Image:
    """Reduce a picture by a whole factor so that its shorter side keeps at least `shortest` pixels."""
    factor = min(image.size) // max(shortest, 1)
    return Image.Image.reduce(image, factor) if factor >= 2 else image


def _load_jpeg(image: Image.Image, stream: BinaryIO, shortest: int) -> None:
    image.draft(image.mode, (shortest, shortest))
    image.load()
    last_row = image.crop((0, image.height - 1, image.width, image.height))
    is_suspect = isinstance(stream, _EndedJpeg) or last_row.getcolors(1)
    if is_suspect and _is_truncated_jpeg(image, stream, shortest):
        raise OSError("the data end before the picture is complete")


def _is_truncated_jpeg(image: Image.Image, stream: BinaryIO, shortest: int) -> bool:
    """Whether the data of a JPEG end before its last row although it has an end marker.

    The decoder silently fills the missing part with one colour. If it still expects data, inserting some before the end
    marker changes the picture; if the picture is complete, the decoder skips them.
    """
    stream.seek(0)
    data = stream.read()
    end = data.rfind(_JPEG_EOI)
    probed = Image.open(io.BytesIO(data[:end] + _PROBE_BYTES + data[end:]), formats=(formats.JPEG,))
    probed.draft(image.mode, (shortest, shortest))
    try:
        probed.load()
    except OSError:
        return False
    return probed.tobytes() != image.tobytes()


def _load_jpeg2000(image: Image.Image, stream: BinaryIO, shortest: int) -> None:
    wanted = (min(image.size) // max(shortest, 1)).bit_length() - 1
    if wanted > 0:
        # Pillow rounds the reduced size to the nearest integer, the decoder rounds it up: they must agree.
        halvings = min(wanted, _decomposition_levels(stream))
        while any((side + (1 << halvings >> 1)) >> halvings != -(-side >> halvings) for side in image.size):
            halvings -= 1
        # This reader has an attribute `reduce` in place of the method of other pictures.
        setattr(image, "reduce", halvings)  # noqa: B010 - mypy only knows the method
    image.load()


def _decomposition_levels(stream: BinaryIO) -> int:
    """How many times the side of a JPEG 2000 file can be halved in decoding, from the COD segment of its codestream."""
    stream.seek(0)
    head = stream.read(_CODESTREAM_SEARCH_BYTES)
    start = head.find(_CODESTREAM_START)
    position = start + 2
    while start >= 0 and position + 10 <= len(head) and head[position] == 0xFF:
        if head[position + 1] == _COD_MARKER:
            return head[position + 9]
        position += 2 + int.from_bytes(head[position + 2 : position + 4], "big")
    return 0


def _boxes_are_complete(stream: BinaryIO) -> bool:
    """Whether every top-level box of a HEIF file ends within the file; the preview of a truncated file may be intact."""
    total = stream.seek(0, io.SEEK_END)
    position = 0
    while position < total:
        stream.seek(position)
        header = stream.read(16)
        size = int.from_bytes(header[:4], "big")
        if size == 1:  # the size is in the eight bytes after the name
            size = int.from_bytes(header[8:16], "big")
        if size < 8:  # invalid, or 0: a box without a size, which extends to the end of the file
            return False
        position += size
    return position == total
