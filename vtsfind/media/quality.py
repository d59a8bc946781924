"""Quality details of a file, see `vtsfind.base.quality.Details`.

Everything except the digest of the pixels, the border, the detail and signs of damage is read from the file's header. Invalid metadata
never make a picture unreadable: they count as missing.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image

from vtsfind.base.quality import Details
from vtsfind.base.records import PictureInfo
from vtsfind.media import formats
from vtsfind.media.contents import raw_contents, read_contents, whole
from vtsfind.media.damage import checksums, damage, tones
from vtsfind.media.decode import DecodeError, Pixels, decode
from vtsfind.media.descriptions import camera_name, clean_text
from vtsfind.media.earlier_compression import earlier_quality, steps
from vtsfind.media.enlargement import Middle, detail, enlarged_probability
from vtsfind.media.orientation import as_stored
from vtsfind.media.pixels_digest import FULL_SIZE, pixel_facts
from vtsfind.media.screens import has_status_bar
from vtsfind.media.work import Content, Setup

_MAX_NAME_CHARACTERS = 100
_RATING = 0x4746
_XMP_RATING = re.compile(rb"xmp:Rating\s*(?:=\s*[\"']|>)\s*([1-5])")
_LUMINANCE_SUMS = steps(np.arange(1, 101)).sum((1, 2))
"""Of the tables for brightness at quality 1 to 100."""
_LOSSLESS_TIFF = {"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "lzma", "zstd"}
_MAX_BORDER_DEVIATION_LEVELS = 8
"""Largest difference of a border's pixels from its colour, in levels of 255."""
# Tags that do not describe the shot: offsets of other data, and the maker's private data.
_NON_DESCRIPTIVE_TAGS = {
    ExifTags.IFD.Exif,
    ExifTags.IFD.GPSInfo,
    ExifTags.IFD.Interop,
    ExifTags.IFD.MakerNote,
}


@dataclass(frozen=True, slots=True)
class ExaminedPhoto:
    """A decoded photo with its quality details."""

    pixels: Pixels
    """(h, w, 3) uint8, upright, sRGB: of at least the requested size, if the photo has it."""
    info: PictureInfo
    details: Details


def examine(content: Content, setup: Setup, *, shortest: int, full: bool) -> ExaminedPhoto:
    """Decode a photo at reduced size, and collect its quality details.

    Parameters
    ----------
    content, setup
        Of a `vtsfind.media.work.ContentProcessor`.
    shortest
        Minimum length of the shorter side in pixels, see `vtsfind.media.decode.decode`.
    full
        Whether to decode it at full size as well, which takes many times as long for a large photo: only then are the
        digest of the pixels, the detail and an earlier compression found.

    Raises
    ------
    DecodeError, OSError
        See `decode`.
    """
    decoded = partial(decode, content, pixel_limit=setup.pixel_limit, memory_bytes=setup.memory_bytes)
    pixels, info = decoded(shortest=shortest)
    details = _read_head(io.BytesIO(content) if isinstance(content, bytes) else content, info.format)
    with whole(io.BytesIO(content) if isinstance(content, bytes) else content) as data:
        details = replace(
            details,
            border=border(pixels),
            damage="" if info.format == formats.RAW else damage(data, info.format, pixels),
            checksums=checksums(data),
            tones=tones(pixels),
            screenshot=details.screenshot or (not details.camera and has_status_bar(pixels)),
        )
    if full:
        reduced = pixels.shape[:2] != (info.height, info.width)
        in_full = decoded(shortest=FULL_SIZE)[0] if reduced else pixels
        details = _with_pixel_facts(details, content, in_full, info, setup)
        middle = Middle.of(in_full)
        details = replace(
            details,
            detail=detail(middle),
            enlarged=enlarged_probability(middle),
            earlier_quality=earlier_quality(as_stored(in_full, info.orientation), details.quality),
        )
    return ExaminedPhoto(pixels, info, details)


def _with_pixel_facts(
    details: Details, content: Content, in_full: Pixels, info: PictureInfo, setup: Setup
) -> Details:
    if details.contents is None:
        return details
    try:
        facts = pixel_facts(content, in_full, info, details.contents, pixel_limit=setup.pixel_limit)
    except DecodeError:  # a later frame is damaged: then no other file has the same
        return details
    contents = replace(details.contents, transparent=facts.transparent, bits=facts.bits)
    return replace(details, contents=contents, pixels=facts.digest)


def border(pixels: Pixels) -> float:
    """The share of a picture (h, w, 3) that is covered by a border of the colour of all four corners; 0 if they differ.

    The corners of a camera's photo hardly ever agree to within a few levels of 255.
    """
    values = pixels.astype(np.int16)
    corner = values[0, 0]
    if any(
        np.abs(values[y, x] - corner).max() > _MAX_BORDER_DEVIATION_LEVELS for y in (0, -1) for x in (0, -1)
    ):
        return 0.0
    alike = (np.abs(values - corner) <= _MAX_BORDER_DEVIATION_LEVELS).all(axis=2)
    border_mask = np.zeros_like(alike)
    for axis in (0, 1):
        for step in (1, -1):
            turned = np.flip(alike, axis) if step < 0 else alike
            inwards = np.logical_and.accumulate(turned, axis=axis)
            border_mask |= np.flip(inwards, axis) if step < 0 else inwards
    return round(float(border_mask.mean()), 4)


@dataclass(slots=True)
class _Exif:
    """The EXIF data of a file, tag to value."""

    main: dict[int, Any] = field(default_factory=dict)
    shot: dict[int, Any] = field(default_factory=dict)
    place: dict[int, Any] = field(default_factory=dict)


def _read_head(stream: BinaryIO, kind: str) -> Details:
    """The details in the file's header."""
    if kind == formats.RAW:
        return Details(lossless=True, contents=raw_contents(stream))
    with contextlib.suppress(Exception), _without_warnings():
        formats.register(kind)
        stream.seek(0)
        with Image.open(stream, formats=(kind,)) as image:
            details = _image_details(image, stream, kind)
            with contextlib.suppress(Exception):
                details = replace(details, contents=read_contents(image, stream, kind))
            return details
    return Details()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _image_details(image: Image.Image, stream: BinaryIO, kind: str) -> Details:
    exif = _exif(image)
    return Details(
        quality=_quality(image),
        lossless=_lossless(image, stream, kind),
        screenshot="screenshot" in clean_text(exif.shot.get(ExifTags.Base.UserComment)).lower(),
        exif_fields=sum(
            _has_value(value) for part in (exif.main, exif.shot, exif.place) for value in part.values()
        ),
        exif_size=_size(exif.shot),
        camera=camera_name(exif.main)[:_MAX_NAME_CHARACTERS],
        gps=bool(exif.place.get(ExifTags.GPS.GPSLatitude) and exif.place.get(ExifTags.GPS.GPSLongitude)),
        rating=_rating(image, exif.main),
        software=clean_text(exif.main.get(ExifTags.Base.Software))[:_MAX_NAME_CHARACTERS],
    )


def _exif(image: Image.Image) -> _Exif:
    found = _Exif()
    with contextlib.suppress(Exception):
        exif = image.getexif()
        found.main = {tag: value for tag, value in exif.items() if tag not in _NON_DESCRIPTIVE_TAGS}
        with contextlib.suppress(Exception):
            shot = exif.get_ifd(ExifTags.IFD.Exif)
            found.shot = {tag: value for tag, value in shot.items() if tag not in _NON_DESCRIPTIVE_TAGS}
        with contextlib.suppress(Exception):
            found.place = dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    return found


def _has_value(value: object) -> bool:
    if isinstance(value, bytes):
        return bool(value.strip(b"\0 "))
    return bool(value.strip("\0 ")) if isinstance(value, str) else value is not None


def _size(shot: dict[int, Any]) -> tuple[int, int] | None:
    width, height = (shot.get(tag) for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight))
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None


def _rating(image: Image.Image, main: dict[int, Any]) -> int | None:
    """The rating, 1 to 5, from EXIF or else from XMP."""
    stars = main.get(_RATING)
    if not isinstance(stars, int):
        packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
        found = _XMP_RATING.search(packet.encode() if isinstance(packet, str) else bytes(packet))
        stars = int(found[1]) if found else None
    return stars if stars is not None and 1 <= stars <= 5 else None


def _quality(image: Image.Image) -> int | None:
    """The quality whose standard luminance table is closest to that of this JPEG."""
    tables = getattr(image, "quantization", None)
    if not tables or 0 not in tables:
        return None
    return int(np.abs(_LUMINANCE_SUMS - sum(tables[0])).argmin()) + 1


def _lossless(image: Image.Image, stream: BinaryIO, kind: str) -> bool:
    if kind == formats.WEBP:
        stream.seek(0)
        head = stream.read(formats.HEAD_BYTES)
        return head[12:16] == b"VP8L" or (head[12:16] == b"VP8X" and b"VP8L" in head)
    if kind == formats.TIFF:
        return str(image.info.get("compression", "raw")) in _LOSSLESS_TIFF
    return kind in {formats.PNG, formats.BMP}
