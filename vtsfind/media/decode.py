"""One photo: from its encoded bytes to upright sRGB pixels, and from those to a model's input.

Decoding goes no further than asked: a JPEG of 24 megapixels is decoded at an eighth of its side when 224 pixels are
wanted, HEIC by its embedded preview where that shows the same, JPEG 2000 at a lower resolution. The number of pixels
is checked before any of them is decoded. A file that breaks off is an error, never a picture that is partly grey.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from vtsfind.base.records import PictureInfo, Preprocessing, Reason
from vtsfind.media import colour, formats, metadata, raw
from vtsfind.media import partial_decode as reduced

Pixels = npt.NDArray[np.uint8]

PIXEL_LIMIT = 300_000_000
"""Pictures of more pixels are not decoded, unless told otherwise."""

# The limit here is checked for every picture, before decoding; Pillow's own is lower, for some formats comes later,
# and warns on standard error.
Image.MAX_IMAGE_PIXELS = None

# What decoding takes at most: Pillow's four bytes, and a decoder's own planes or coefficients.
_DECODER_BYTES_PER_PIXEL = 12

_RAW_UNSUPPORTED_MESSAGE = "a RAW photo or a rare kind of TIFF: the extra vtsfind[raw] may read it"

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True, slots=True)
class _Limits:
    pixels: int
    memory_bytes: int
    ground: colour.Ground = colour.WHITE


class DecodeError(Exception):
    """A file that does not become a picture.

    Parameters
    ----------
    reason
        Which kind of failure it is.
    detail
        What the decoder said, in its words.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason.value}" + (f" ({self.detail})" if self.detail else "")


def decode(
    data: bytes | BinaryIO,
    *,
    shortest: int,
    pixel_limit: int = PIXEL_LIMIT,
    memory_bytes: int = 0,
    ground: colour.Ground = colour.WHITE,
) -> tuple[Pixels, PictureInfo]:
    """Decode a photo, upright and in sRGB; of several pictures in a file the first, or the main one.

    Parameters
    ----------
    data
        The content of the file, or the file, which can seek.
    shortest
        Pixels that the shorter side has at least, if the photo has that many; larger photos are decoded and reduced
        to less than twice that.
    pixel_limit
        Photos of more pixels are refused before they are decoded.
    memory_bytes
        What this process may take, if there is a limit. Few decoders tell a lack of memory from damage; where the
        photo is so large that it may be either, it is taken for a lack of memory.
    ground
        What shows through where the photo is transparent.

    Returns
    -------
    pixels
        (h, w, 3) uint8.
    info
        What is known of the photo in its full size.

    Raises
    ------
    DecodeError
        With the reason `NOT_A_PICTURE`, `DAMAGED`, `TOO_LARGE` or `MEMORY`.
    OSError
        When the file itself cannot be read.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    stream.seek(0)
    head = stream.read(formats.HEAD_BYTES)
    kind = formats.sniff(head)
    if not head:
        raise DecodeError(Reason.DAMAGED, "the file is empty")
    if kind is None:
        raise DecodeError(Reason.NOT_A_PICTURE)
    if kind != formats.RAW and not formats.readable(kind):
        raise DecodeError(Reason.NOT_A_PICTURE, f"{kind} cannot be read by this installation")
    limits = _Limits(pixel_limit, memory_bytes, ground)
    # A warning of a decoder is either followed by an error or of no interest to the user.
    with _as_decode_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == formats.RAW:
            return _decode_raw(stream, shortest, limits)
        with _within_limits(limits, formats.size_from_header(kind, head)):
            return _decode_picture(stream, kind, shortest, limits)


def later_frames(
    data: bytes | BinaryIO, kind: str, *, pixel_limit: int, ground: colour.Ground = colour.WHITE
) -> Iterator[Pixels]:
    """Decode the frames or pages of a file after the first one, each in full, upright and in sRGB.

    Parameters
    ----------
    data, ground
        As for `decode`.
    kind
        The format of the file.
    pixel_limit
        For each frame.

    Yields
    ------
    (h, w, 3) uint8; frames may have sizes of their own.

    Raises
    ------
    DecodeError
        As `decode`.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    with _as_decode_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = _open_image(stream, kind)
        for number in range(1, getattr(image, "n_frames", 1)):
            image.seek(number)
            if image.width * image.height > pixel_limit:
                raise DecodeError(Reason.TOO_LARGE, f"{image.width} x {image.height}")
            # Loading a TIFF turns it upright, a HEIF was turned by its reader.
            image.load()
            orientation = metadata.UPRIGHT
            if kind not in {formats.TIFF, formats.HEIF}:
                orientation, _ = metadata.read(image.getexif())
            yield _pixels(image, orientation, max(image.size), ground)


def prepare(pixels: Pixels, preprocessing: Preprocessing, *, at: tuple[float, float] = (0.5, 0.5)) -> Pixels:
    """Make a model's input of a decoded photo: squash it to a square, or take the middle of it.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8.
    preprocessing
        As the weights demand it. Mean and deviation are left to the model.
    at
        Where the square is that is taken: 0 for left, or top, 1 for right, or bottom; the middle unless given.

    Returns
    -------
    (size, size, 3) uint8, resized with antialiasing.
    """
    image = Image.fromarray(pixels)
    size = (preprocessing.size, preprocessing.size)
    box = None
    if preprocessing.fit == "crop":
        # The middle is resized alone: a very long picture would take a lot of memory as a whole.
        side = min(image.size) * preprocessing.size / needed_side(preprocessing)
        left, top = (image.width - side) * at[0], (image.height - side) * at[1]
        box = (left, top, left + side, top + side)
    return np.array(image.resize(size, _RESAMPLING[preprocessing.interpolation], box))


def needed_side(preprocessing: Preprocessing) -> int:
    """Pixels that `prepare` reduces the shorter side of a photo to, before it takes the middle."""
    return (
        max(preprocessing.size, preprocessing.resize) if preprocessing.fit == "crop" else preprocessing.size
    )


@contextmanager
def _as_decode_errors() -> Iterator[None]:
    """Turn whatever a decoder raises for hostile data into a `DecodeError`."""
    try:
        yield
    except DecodeError:
        raise
    except MemoryError as error:
        raise DecodeError(Reason.MEMORY) from error
    except UnidentifiedImageError as error:
        raise DecodeError(Reason.DAMAGED, "its header cannot be read") from error
    except ImportError as error:
        raise DecodeError(
            Reason.NOT_A_PICTURE, f"this installation lacks a part: {_error_text(error)}"
        ) from error
    except OSError as error:
        if error.errno is not None:  # of the system, not of a decoder
            raise
        reason = Reason.MEMORY if "memory" in str(error).lower() else Reason.DAMAGED
        raise DecodeError(reason, _error_text(error)) from error
    except Exception as error:
        raise DecodeError(Reason.DAMAGED, _error_text(error)) from error


def _error_text(error: Exception) -> str:
    """The first line of what a decoder says, fit to be shown."""
    lines = str(error).splitlines() or [type(error).__name__]
    return "".join(c for c in lines[0] if c.isprintable())[:200]


def _decode_picture(
    stream: BinaryIO, kind: str, shortest: int, limits: _Limits
) -> tuple[Pixels, PictureInfo]:
    try:
        image = _open_image(stream, kind)
    except UnidentifiedImageError:
        if kind == formats.TIFF and formats.has_complete_ifd(stream):
            return _decode_raw(
                stream, shortest, limits
            )  # many RAW files begin with a picture that TIFF cannot show
        raise
    if kind == formats.TIFF and formats.is_raw_container(image):
        return _decode_raw(stream, shortest, limits)
    size = image.size
    if kind == formats.TIFF:
        # Loading a TIFF turns it upright and forgets how it was turned.
        orientation, taken = metadata.read(image.getexif())
        _load(image, stream, kind, shortest, limits)
        size, pending_orientation = image.size, metadata.UPRIGHT
    else:
        # A PNG may hold its EXIF data behind its pixels.
        _load(image, stream, kind, shortest, limits)
        orientation, taken = metadata.read(image.getexif())
        size, pending_orientation = metadata.upright_size(size, orientation), orientation
    # The HEIF reader turns the picture as the container says, and keeps what the EXIF data said.
    exif_orientation = metadata.checked_orientation(image.info.get("original_orientation"), orientation)
    info = PictureInfo(*size, exif_orientation, taken, kind)
    return _pixels(image, pending_orientation, shortest, limits.ground), info


def _decode_raw(stream: BinaryIO, shortest: int, limits: _Limits) -> tuple[Pixels, PictureInfo]:
    if not formats.readable(formats.RAW):
        raise DecodeError(Reason.NOT_A_PICTURE, _RAW_UNSUPPORTED_MESSAGE)
    try:
        preview, orientation, size = raw.preview(stream)
    except raw.NoPreview as error:
        raise DecodeError(Reason.NOT_A_PICTURE, _error_text(error)) from error
    taken = None
    if isinstance(preview, bytes):
        encoded = io.BytesIO(preview)
        image = _open_image(encoded, formats.JPEG)
        _load(image, encoded, formats.JPEG, shortest, limits)
        orientation, taken = metadata.read(image.getexif(), orientation)
    else:
        image = preview
    width, height = metadata.upright_size(size, orientation)
    info = PictureInfo(width, height, orientation, taken or metadata.taken_in_tiff(stream), formats.RAW)
    return _pixels(image, orientation, shortest, limits.ground), info


def _open_image(stream: BinaryIO, kind: str) -> Image.Image:
    formats.register(kind)
    stream.seek(0)
    return Image.open(stream, formats=(kind,))


def _load(image: Image.Image, stream: BinaryIO, kind: str, shortest: int, limits: _Limits) -> None:
    with _within_limits(limits, image.size):
        reduced.load(image, stream, kind, shortest)


@contextmanager
def _within_limits(limits: _Limits, size: tuple[int, int] | None) -> Iterator[None]:
    """Check the size of a picture before it is decoded, and blame it if it may be why that fails."""
    width, height = size or (0, 0)
    if width * height > limits.pixels:
        raise DecodeError(Reason.TOO_LARGE, f"{width} x {height}")
    try:
        yield
    except DecodeError:
        raise
    except Exception as error:
        if limits.memory_bytes and width * height * _DECODER_BYTES_PER_PIXEL > limits.memory_bytes:
            raise DecodeError(Reason.MEMORY, f"{width} x {height}") from error
        raise


def _pixels(image: Image.Image, orientation: int, shortest: int, ground: colour.Ground) -> Pixels:
    profile = image.info.get("icc_profile")
    small = reduced.box_reduced(colour.to_eight_bit(image), shortest)
    return np.array(metadata.apply_orientation(colour.srgb(small, profile, ground), orientation))
