"""The supported picture formats: their signatures, their readers, and whether this installation can read them.

Only these formats are ever opened. Pillow reads many more, some of them by running other programs; a file is passed only
to the reader of its signature.
"""

import io
import struct
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import BinaryIO, Final, Literal

from PIL import Image, features

JPEG: Final = "JPEG"
PNG: Final = "PNG"
WEBP: Final = "WEBP"
GIF: Final = "GIF"
TIFF: Final = "TIFF"
BMP: Final = "BMP"
AVIF: Final = "AVIF"
HEIF: Final = "HEIF"
JPEG2000: Final = "JPEG2000"
RAW: Final = "RAW"

HEAD_BYTES: Final = 128
"""The number of bytes at the beginning of a file that `sniff` needs."""

# Importing one of these registers its format with Pillow.
_PLUGINS = {
    JPEG: "PIL.JpegImagePlugin",
    PNG: "PIL.PngImagePlugin",
    WEBP: "PIL.WebPImagePlugin",
    GIF: "PIL.GifImagePlugin",
    TIFF: "PIL.TiffImagePlugin",
    BMP: "PIL.BmpImagePlugin",
    AVIF: "PIL.AvifImagePlugin",
    JPEG2000: "PIL.Jpeg2KImagePlugin",
}

# The optional parts of Pillow, or the other packages, that a format needs.
_PILLOW_FEATURES = {JPEG: "jpg", PNG: "zlib", WEBP: "webp", AVIF: "avif", JPEG2000: "jpg_2000"}
_OPTIONAL_PACKAGES = {HEIF: "pillow_heif", RAW: "rawpy"}

# TIFF tags that identify a RAW file.
_SUBFILE_TYPE, _SUB_IFDS, _DNG_VERSION = 254, 330, 50706

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EXIF_CHUNKS = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}

# A signature comes before any other that is a prefix of it.
_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (_PNG_SIGNATURE, PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", JPEG2000),
    (b"\xff\x4f\xff\x51", JPEG2000),
    (b"II*\x00\x10\x00\x00\x00CR", RAW),  # Canon CR2
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),  # BigTIFF
    (b"MM\x00+", TIFF),
    (b"IIRO", RAW),  # Olympus
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\x00", RAW),  # Panasonic
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),  # Sigma
    (b"\x00MRM", RAW),  # Minolta
    (b"II\x1a\x00\x00\x00HEAPCCDR", RAW),  # Canon CRW
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}
_BMP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}


def sniff(head: bytes) -> str | None:
    r"""The format of a file by its first bytes; None if it is not a supported one.

    Parameters
    ----------
    head
        The first `HEAD_BYTES` of the file, or all of a shorter one.

    >>> sniff(b"\xff\xd8\xff\xe0..."), sniff(b"#!/bin/sh")
    ('JPEG', None)
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        return _sniff_boxes(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    return None


def _sniff_boxes(head: bytes) -> str | None:
    """The format of an ISO base media file, by its brands."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = {major, *(head[start : start + 4] for start in range(16, size - 3, 4))}
    if major == b"crx ":  # Canon CR3
        return RAW
    if brands & _AVIF_BRANDS:
        return AVIF
    return HEIF if major in _HEIF_BRANDS else None


def size_from_header(kind: str, head: bytes) -> tuple[int, int] | None:
    """Width and height from the first `HEAD_BYTES` of a WebP file; None for other formats and invalid headers.

    Needed because opening a WebP file allocates its pixels, while opening other files only reads the header.
    """
    if kind != WEBP:
        return None
    part, content = head[12:16], head[20:30].ljust(10, b"\0")
    if part == b"VP8X":
        return int.from_bytes(content[4:7], "little") + 1, int.from_bytes(content[7:10], "little") + 1
    if part == b"VP8L":
        bits = int.from_bytes(content[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if part == b"VP8 ":
        width, height = struct.unpack("<HH", content[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None


def formats() -> dict[str, bool]:
    """Every supported format, and whether this installation can read it."""
    kinds = (JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, HEIF, JPEG2000, RAW)
    return {kind: readable(kind) for kind in kinds}


@cache
def readable(kind: str) -> bool:
    """Whether this installation can read a format; cheaper than `formats`."""
    if kind in _OPTIONAL_PACKAGES:
        return find_spec(_OPTIONAL_PACKAGES[kind]) is not None
    return _PILLOW_FEATURES.get(kind) is None or features.check(_PILLOW_FEATURES[kind]) is True


def has_complete_ifd(stream: BinaryIO) -> bool:
    """Whether the first directory of a TIFF lies within the file; in a truncated file it may not."""
    total = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(8)
    order: Literal["little", "big"] = "little" if head[:1] == b"I" else "big"
    place = int.from_bytes(head[4:8], order)
    stream.seek(place)
    entries = int.from_bytes(stream.read(2), order)
    return entries > 0 and place + 2 + 12 * entries <= total


def has_late_exif(stream: BinaryIO) -> bool:
    """Whether a PNG may have EXIF data after its pixels: a chunk `eXIf`, or text, in which older programs kept them."""
    stream.seek(len(_PNG_SIGNATURE))
    seen_pixels = False
    while len(head := stream.read(8)) == 8:
        name = head[4:]
        if seen_pixels and name in _EXIF_CHUNKS:
            return True
        seen_pixels = seen_pixels or name == b"IDAT"
        stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    return False


def is_raw_container(image: Image.Image) -> bool:
    """Whether a file that opened as a TIFF is a camera's RAW file (DNG, NEF, ARW, ...), whose TIFF picture is a thumbnail.

    Such a file has a DNG version, or its first picture is marked as reduced and has sub-directories.
    """
    tags = getattr(image, "tag_v2", {})
    reduced = tags.get(_SUBFILE_TYPE, 0)
    return _DNG_VERSION in tags or (isinstance(reduced, int) and bool(reduced & 1) and _SUB_IFDS in tags)


@cache
def register(kind: str) -> None:
    """Register a format other than RAW with Pillow."""
    if kind == HEIF:
        import pillow_heif

        # One thread each: several decoders run in parallel.
        pillow_heif.register_heif_opener(decode_threads=1)
    else:
        import_module(_PLUGINS[kind])
    if kind == AVIF:
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
