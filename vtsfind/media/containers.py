"""What lies in a picture file beside the picture: what its container adds, and what stands behind the picture's end.

Each format has a way to say where its picture ends. Behind it phones put films (Motion Photo), gain maps (ISO 21496-1, Ultra HDR,
Apple's), depth maps and further shots (CIPA DC-007, Multi-Picture Format), and people anything at all.
"""

import hashlib
import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from vtsfind.base.contents import Item, ItemKind
from vtsfind.media import formats

DIGEST_CHARACTERS = 16
"""Of a SHA-256 in hex, by which two parts are told apart."""

# The next marker in a JPEG's entropy-coded data: not a stuffed zero, not a restart, not a fill byte.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_SOI = b"\xff\xd8\xff"
_STANDALONE_MARKERS = {0x01, *range(0xD0, 0xD9)}
_EOI, _SOS, _COM, _APP0, _APP15 = 0xD9, 0xDA, 0xFE, 0xE0, 0xEF
_PADDING = re.compile(rb"(?:[\x00 \r\n\t]|\xff(?!\xd8))*")
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP_HEADER = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_XMP_LENGTHS = struct.Struct(">II")
_GUID_BYTES = 32
_GAIN_MAP_MARKS = (b"hdrgm:", b"urn:iso:std:iso:ts:21496", b"aux:hdrgainmap", b"HDRGainMap")
_DEPTH_MARKS = (b"aux:disparity", b"aux:depth", b"portraiteffectsmatte", b"GDepth", b"DepthMap")
_AUDIO_MARKS = (b"SoundShot", b"RIFF")
# Boxes (ISO 14496-12) that hold the picture itself, or nothing.
_PICTURE_BOXES = {b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide", b"pdin", b"jP  ", b"jp2h", b"jp2c"}
_VIDEO_BOXES = {b"mpvd"}
_SEQUENCE_BOXES = {b"moov"}
_RAW_BOXES = {b"uuid"}
"""Boxes of metadata that other readers understand: XMP and GeoTIFF in JPEG 2000."""


Bytes = bytes | mmap.mmap
"""All of a file."""


@dataclass(slots=True)
class Container:
    """What was found around a picture."""

    items: list[Item] = field(default_factory=list)
    xmp: list[bytes] = field(default_factory=list)
    """XMP packets that Pillow does not give: of a JPEG the extended one."""


def read_container(data: Bytes, kind: str, previews: frozenset[int] = frozenset()) -> Container:
    """What lies in a file of a format beside its picture.

    Parameters
    ----------
    data
        All of the file.
    kind
        Its format, see `vtsfind.media.formats`.
    previews
        Where in a JPEG pictures begin that only show the main one smaller.
    """
    found = Container()
    if kind == formats.JPEG:
        end, segments = _jpeg(data, 0)
        found.xmp = _extended_xmp(segments)
        found.items = list(_behind(data, end, previews))
    elif kind in {formats.HEIF, formats.AVIF, formats.JPEG2000}:
        found.items = list(_boxes(data))
    elif kind in _ENDS:
        found.items = list(_behind(data, _ENDS[kind](data), previews))
    return found


def digest_text(data: bytes) -> str:
    """The value of an item that is told by its bytes."""
    return hashlib.sha256(data).hexdigest()[:DIGEST_CHARACTERS]


Segment = tuple[int, bytes]
"""A JPEG marker and what its segment holds."""


def _jpeg(data: Bytes, start: int) -> tuple[int, list[Segment]]:
    """Where the JPEG that starts at a place ends, and its application and comment segments."""
    segments: list[Segment] = []
    place, total = start + 2, len(data)
    while place + 2 <= total:
        head = data[place : place + 4]
        if head[0] != 0xFF:
            break
        marker = head[1]
        if marker == 0xFF:
            place += 1
        elif marker == _EOI:
            return place + 2, segments
        elif marker in _STANDALONE_MARKERS:
            place += 2
        else:
            length = int.from_bytes(head[2:4], "big")
            if _APP0 <= marker <= _APP15 or marker == _COM:
                segments.append((marker, data[place + 4 : place + 2 + length]))
            place += 2 + max(length, 2)
            if marker == _SOS:
                found = _NEXT_MARKER.search(data, place)
                place = found.start() if found else total
    return total, segments


def _extended_xmp(segments: list[Segment]) -> list[bytes]:
    """XMP that did not fit into one segment (XMP specification, part 3, 1.1.3.1), put together."""
    parts: dict[bytes, list[tuple[int, bytes]]] = {}
    for _, payload in segments:
        if payload.startswith(_EXTENDED_XMP_HEADER):
            body = payload[len(_EXTENDED_XMP_HEADER) :]
            if len(body) >= _GUID_BYTES + _EXTENDED_XMP_LENGTHS.size:
                _, offset = _EXTENDED_XMP_LENGTHS.unpack_from(body, _GUID_BYTES)
                text = body[_GUID_BYTES + _EXTENDED_XMP_LENGTHS.size :]
                parts.setdefault(body[:_GUID_BYTES], []).append((offset, text))
    return [b"".join(text for _, text in sorted(pieces)) for pieces in parts.values()]


def _behind(data: Bytes, end: int, previews: frozenset[int]) -> Iterator[Item]:
    """What stands behind the end of a picture: JPEGs one after the other, then a film or whatever it is."""
    place, total = end, len(data)
    while place < total:
        padding = _PADDING.match(data, place)
        place = padding.end() if padding else place
        if data[place : place + 3] != _JPEG_SOI:
            break
        begin, (place, segments) = place, _jpeg(data, place)
        if begin not in previews:
            yield Item(_kind_of_picture(segments), digest_text(data[begin:place]))
    if place < total:
        yield Item(_kind_of_rest(data, place), digest_text(data[place:total]))


def _kind_of_picture(segments: list[Segment]) -> ItemKind:
    text = b"".join(payload for _, payload in segments)
    if any(mark in text for mark in _GAIN_MAP_MARKS):
        return ItemKind.GAIN_MAP
    return ItemKind.DEPTH_MAP if any(mark in text for mark in _DEPTH_MARKS) else ItemKind.PICTURE


def _kind_of_rest(data: Bytes, place: int) -> ItemKind:
    if data.find(b"ftyp", place) >= 0:
        return ItemKind.VIDEO
    if any(data.find(mark, place) >= 0 for mark in _AUDIO_MARKS):
        return ItemKind.AUDIO
    return ItemKind.TRAILER


def _boxes(data: Bytes) -> Iterator[Item]:
    """The boxes at the top level of a HEIF, AVIF or JPEG 2000 file that do not belong to its picture."""
    place, total = 0, len(data)
    while place + 8 <= total:
        head = data[place : place + 16]
        size, name = int.from_bytes(head[:4], "big"), head[4:8]
        if size == 1 and len(head) == 16:  # the size is in the eight bytes behind the name
            size = int.from_bytes(head[8:16], "big")
        end = place + size if size else total
        if (size < 8 and size) or end > total:
            break
        content = data[place:end]
        if name in _VIDEO_BOXES or (name in _SEQUENCE_BOXES and place):
            yield Item(ItemKind.VIDEO, digest_text(content))
        elif name not in _PICTURE_BOXES | _RAW_BOXES and content[8:].strip(b"\0"):
            yield Item(ItemKind.TRAILER, digest_text(content))
        place = end
    if data[place:total].strip(b"\0"):
        yield from _behind(data, place, frozenset())


def _png_end(data: Bytes) -> int:
    place, total = 8, len(data)
    while place + 12 <= total:
        head = data[place : place + 8]
        place += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return place
    return total


def _gif_end(data: Bytes) -> int:
    """Behind the trailer of a GIF (GIF89a specification, appendix B)."""
    total = len(data)
    place = 13 + _colour_table_bytes(data[10:11])
    while place < total:
        block = data[place : place + 1]
        if block == b";":
            return place + 1
        if block == b",":
            place += 11 + _colour_table_bytes(data[place + 9 : place + 10])
        elif block == b"!":
            place += 2
        else:
            break
        while place < total and (length := data[place : place + 1][0]):
            place += 1 + length
        place += 1
    return total


def _colour_table_bytes(flags: bytes) -> int:
    packed = flags[0] if flags else 0
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _webp_end(data: Bytes) -> int:
    size = int.from_bytes(data[4:8], "little")
    return min(8 + size + size % 2, len(data))


def _bmp_end(data: Bytes) -> int:
    size = int.from_bytes(data[2:6], "little")
    return min(size, len(data)) if size > 14 else len(data)


_ENDS = {formats.PNG: _png_end, formats.GIF: _gif_end, formats.WEBP: _webp_end, formats.BMP: _bmp_end}
"""Where the pictures of a format end. A TIFF has no end: what its directories do not name is not looked for."""
