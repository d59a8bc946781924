"""Decoding one photo: from encoded bytes to upright sRGB pixels, and from those to a model's input.

No more is decoded than necessary: a JPEG of 24 megapixels at an eighth of its side when 224 pixels are wanted, HEIC by its
embedded preview if that shows the same, JPEG 2000 at a lower resolution. The number of pixels is checked before decoding.
A truncated file is an error, never a picture that is partly grey.
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

from vtsfind.base.records import PIXEL_LIMIT, PictureInfo, Preprocessing, Reason
from vtsfind.media import colour, formats, metadata, partial_decode, raw
from vtsfind.media.camera import camera

Pixels = npt.NDArray[np.uint8]

# The limit above is checked for every picture before decoding. Pillow's own is lower, is checked later for some formats,
# and prints a warning.
Image.MAX_IMAGE_PIXELS = None

# An upper bound of the memory of decoding: Pillow's four bytes, and a decoder's own planes or coefficients.
_DECODER_BYTES_PER_PIXEL = 12

_RAW_UNSUPPORTED_MESSAGE = "a RAW photo or a rare kind of TIFF: install the package rawpy to read it"

_RESAMPLING = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True, slots=True)
class _Limits:
    pixels: int
    memory_bytes: int
    ground: colour.Ground = colour.WHITE


class DecodeError(Exception):
    """A file cannot be decoded.

    Parameters
    ----------
    reason
        The kind of failure.
    detail
        The message of the decoder.
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
    """Decode a photo, upright and in sRGB; if a file has several pictures, the first or primary one.

    Parameters
    ----------
    data
        The content of the file, or the seekable file.
    shortest
        Minimum length of the shorter side in pixels, if the photo has that many; larger photos are reduced to less than
        twice that.
    pixel_limit
        Photos of more pixels are refused before they are decoded.
    memory_bytes
        The memory limit of this process; 0 for none. Few decoders distinguish a lack of memory from damage; a failure
        of a photo that is too large for the limit counts as a lack of memory.
    ground
        The background where the photo is transparent.

    Returns
    -------
    pixels
        (h, w, 3) uint8.
    info
        Size, orientation, time, format and camera of the full photo.

    Raises
    ------
    DecodeError
        With the reason `NOT_A_PICTURE`, `DAMAGED`, `TOO_LARGE` or `MEMORY`.
    OSError
        When the file itself cannot be read.
    """
    image, info = decode_image(
        data, shortest=shortest, pixel_limit=pixel_limit, memory_bytes=memory_bytes, ground=ground
    )
    with _as_decode_errors():
        return np.array(image), info


def decode_image(
    data: bytes | BinaryIO,
    *,
    shortest: int,
    pixel_limit: int = PIXEL_LIMIT,
    memory_bytes: int = 0,
    ground: colour.Ground = colour.WHITE,
) -> tuple[Image.Image, PictureInfo]:
    """Decode a photo as `decode` does, to a loaded image of the mode `RGB`: what resizes it saves copying its pixels twice."""
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
    # A warning of a decoder is either followed by an error or irrelevant to the user.
    with _as_decode_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == formats.RAW:
            return _decode_raw(stream, shortest, limits)
        with _within_limits(limits, formats.size_from_header(kind, head)):
            return _decode_picture(stream, kind, shortest, limits)


def read_camera(stream: BinaryIO, *, pixel_limit: int = PIXEL_LIMIT) -> str:
    """The camera that `decode` finds in a photo; its pixels are decoded only if the name may come after them.

    Parameters
    ----------
    stream
        The file.
    pixel_limit
        As for `decode`.

    Raises
    ------
    DecodeError, OSError
        As `decode`.
    """
    stream.seek(0)
    head = stream.read(formats.HEAD_BYTES)
    kind = formats.sniff(head)
    name = camera(metadata.exif_in_tiff(stream))
    if name or kind is None or not formats.readable(kind):
        return name
    if kind == formats.RAW:
        return decode(stream, shortest=1, pixel_limit=pixel_limit)[1].camera or ""
    limits = _Limits(pixel_limit, 0)
    with _as_decode_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _within_limits(limits, formats.size_from_header(kind, head)):
            image = _open_image(stream, kind)
        if kind == formats.PNG and "exif" not in image.info and not formats.has_late_exif(stream):
            return ""
        with _within_limits(limits, image.size):
            return camera(image.getexif())


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
            yield np.array(_upright(image, orientation, max(image.size), ground))


def prepare(
    pixels: Pixels | Image.Image, preprocessing: Preprocessing, *, at: tuple[float, float] = (0.5, 0.5)
) -> Pixels:
    """Make a model's input from a decoded photo: resize it to a square, or crop a square.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, or an image of the mode `RGB`.
    preprocessing
        Of the model. Its mean and deviation are applied later, by the encoder.
    at
        Position of the crop, horizontal and vertical: 0 for left or top, 1 for right or bottom; the centre by default.

    Returns
    -------
    (size, size, 3) uint8, resized with antialiasing.
    """
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    size = (preprocessing.size, preprocessing.size)
    box = None
    if preprocessing.fit == "crop":
        # Only the crop is resized: a very long picture would need too much memory.
        side = min(image.size) * preprocessing.size / needed_side(preprocessing)
        left, top = (image.width - side) * at[0], (image.height - side) * at[1]
        box = (left, top, left + side, top + side)
    return np.array(image.resize(size, _RESAMPLING[preprocessing.interpolation], box))


def needed_side(preprocessing: Preprocessing) -> int:
    """Length in pixels of the shorter side to which `prepare` resizes a photo, before it crops the square."""
    return (
        max(preprocessing.size, preprocessing.resize) if preprocessing.fit == "crop" else preprocessing.size
    )


@contextmanager
def _as_decode_errors() -> Iterator[None]:
    """Turn every exception of a decoder into a `DecodeError`."""
    try:
        yield
    except DecodeError:
        raise
    except MemoryError as error:
        raise DecodeError(Reason.MEMORY) from error
    except UnidentifiedImageError as error:
        raise DecodeError(Reason.DAMAGED, "its header cannot be read") from error
    except ImportError as error:
        raise DecodeError(Reason.NOT_A_PICTURE, f"a package is missing: {_error_text(error)}") from error
    except OSError as error:
        if error.errno is not None:  # from the system, not from a decoder
            raise
        reason = Reason.MEMORY if "memory" in str(error).lower() else Reason.DAMAGED
        raise DecodeError(reason, _error_text(error)) from error
    except Exception as error:
        raise DecodeError(Reason.DAMAGED, _error_text(error)) from error


def _error_text(error: Exception) -> str:
    """The first line of an error message, printable and at most 200 characters."""
    lines = str(error).splitlines() or [type(error).__name__]
    return "".join(c for c in lines[0] if c.isprintable())[:200]


def _decode_picture(
    stream: BinaryIO, kind: str, shortest: int, limits: _Limits
) -> tuple[Image.Image, PictureInfo]:
    if kind == formats.JPEG:
        stream = partial_decode.with_end(stream)
    try:
        image = _open_image(stream, kind)
    except UnidentifiedImageError:
        if kind == formats.TIFF and formats.has_complete_ifd(stream):
            # Many RAW files begin with a picture that Pillow's TIFF reader does not know.
            return _decode_raw(stream, shortest, limits)
        raise
    if kind == formats.TIFF and formats.is_raw_container(image):
        return _decode_raw(stream, shortest, limits)
    size = image.size
    if kind == formats.TIFF:
        # Loading a TIFF applies and then drops its orientation.
        exif = image.getexif()
        (orientation, taken), name = metadata.read(exif), camera(exif)
        _load(image, stream, kind, shortest, limits)
        size, pending_orientation = image.size, metadata.UPRIGHT
    else:
        # A PNG may have its EXIF data after its pixels.
        _load(image, stream, kind, shortest, limits)
        exif = image.getexif()
        (orientation, taken), name = metadata.read(exif), camera(exif)
        size, pending_orientation = metadata.upright_size(size, orientation), orientation
    # The HEIF reader applies the orientation of the container, and keeps that of the EXIF data here.
    exif_orientation = metadata.checked_orientation(image.info.get("original_orientation"), orientation)
    info = PictureInfo(*size, exif_orientation, taken, kind, name)
    return _upright(image, pending_orientation, shortest, limits.ground), info


def _decode_raw(stream: BinaryIO, shortest: int, limits: _Limits) -> tuple[Image.Image, PictureInfo]:
    if not formats.readable(formats.RAW):
        raise DecodeError(Reason.NOT_A_PICTURE, _RAW_UNSUPPORTED_MESSAGE)
    try:
        preview, orientation, size = raw.preview(stream)
    except raw.NoPreview as error:
        raise DecodeError(Reason.NOT_A_PICTURE, _error_text(error)) from error
    exif = metadata.exif_in_tiff(stream)
    taken, name = metadata.taken_in_tiff(exif), camera(exif)
    if isinstance(preview, bytes):
        encoded = io.BytesIO(preview)
        image = _open_image(encoded, formats.JPEG)
        _load(image, encoded, formats.JPEG, shortest, limits)
        exif = image.getexif()
        orientation, preview_taken = metadata.read(exif, orientation)
        taken, name = preview_taken or taken, name or camera(exif)
    else:
        image = preview
    width, height = metadata.upright_size(size, orientation)
    info = PictureInfo(width, height, orientation, taken, formats.RAW, name)
    return _upright(image, orientation, shortest, limits.ground), info


def _open_image(stream: BinaryIO, kind: str) -> Image.Image:
    formats.register(kind)
    stream.seek(0)
    return Image.open(stream, formats=(kind,))


def _load(image: Image.Image, stream: BinaryIO, kind: str, shortest: int, limits: _Limits) -> None:
    with _within_limits(limits, image.size):
        partial_decode.load(image, stream, kind, shortest)


@contextmanager
def _within_limits(limits: _Limits, size: tuple[int, int] | None) -> Iterator[None]:
    """Check the size of a picture before it is decoded; report a failure as lack of memory if the size explains it."""
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


def _upright(image: Image.Image, orientation: int, shortest: int, ground: colour.Ground) -> Image.Image:
    profile = image.info.get("icc_profile")
    small = partial_decode.box_reduced(colour.to_eight_bit(image), shortest)
    return metadata.apply_orientation(colour.srgb(small, profile, ground), orientation)
