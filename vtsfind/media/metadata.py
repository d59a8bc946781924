"""Orientation and time from EXIF data. Invalid EXIF data never make a picture unreadable."""

import contextlib
import re
from datetime import datetime
from typing import BinaryIO

from PIL import ExifTags, Image

UPRIGHT = 1
"""The EXIF orientation of an upright picture."""

# EXIF orientation to the transformation that makes the picture upright.
_TRANSPOSE_OF_ORIENTATION = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIME = re.compile(r"\s*(\d{4})[:/.-](\d\d)[:/.-](\d\d)[ T](\d\d):(\d\d):(\d\d)")


def read(exif: Image.Exif, default: int = UPRIGHT) -> tuple[int, str | None]:
    """The EXIF orientation, 1 to 8, or `default` if it is missing or invalid; and the time, see `taken`."""
    value = None
    with contextlib.suppress(Exception):
        value = exif.get(ExifTags.Base.Orientation)
    return checked_orientation(value, default), taken(exif)


def checked_orientation(value: object, default: int) -> int:
    """`value` if it is an EXIF orientation, otherwise `default`."""
    return value if isinstance(value, int) and 1 <= value <= 8 else default


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """Make a picture of this EXIF orientation upright."""
    transpose_method = _TRANSPOSE_OF_ORIENTATION.get(orientation)
    return image if transpose_method is None else image.transpose(transpose_method)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Width and height of a picture of this EXIF orientation when it is upright."""
    width, height = size
    return (height, width) if orientation >= 5 else (width, height)


def taken(exif: Image.Exif) -> str | None:
    """The time of the shot, `YYYY-MM-DD HH:MM:SS` by the camera's clock; None if the file does not have it.

    Only from the EXIF tag DateTimeOriginal: DateTime is when a program saved the file, DateTimeDigitized when a print was
    scanned.
    """
    with contextlib.suppress(Exception):
        return _parse_time(exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal))
    return None


def exif_in_tiff(stream: BinaryIO) -> Image.Exif:
    """The EXIF data of a file with the structure of a TIFF, to be read while it is open; empty for another file."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):
        stream.seek(0)
        exif.load_from_fp(stream)
    return exif


def taken_in_tiff(exif: Image.Exif) -> str | None:
    """The time of the shot, as `taken`, by `exif_in_tiff`: TIFF/EP (ISO 12234-2) has DateTimeOriginal in the first directory."""
    return taken(exif) or _parse_time(exif.get(ExifTags.Base.DateTimeOriginal))


def _parse_time(value: object) -> str | None:
    """Parse an EXIF time; None for blanks, zeros and impossible dates, as cameras with an empty battery write them.

    >>> _parse_time("2021:07:03 12:30:45")
    '2021-07-03 12:30:45'
    >>> _parse_time("0000:00:00 00:00:00")
    """
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    try:
        return datetime.fromisoformat("{}-{}-{} {}:{}:{}".format(*match.groups())).isoformat(" ")
    except ValueError:
        return None
