"""The features of one photo: a small picture, and the local features of that.

Local features are SIFT (Lowe, 2004), from OpenCV, with descriptors made RootSIFT (Arandjelovic and Zisserman,
2012): each divided by its sum, then the square root of each value. There are coarse ones, of the small picture at `COARSE_SCALE` of its
size, for a quarter of the time: they say which photos are worth a comparison. Those that it rests on are extracted when they are asked
for. What is computed and what is read back from `Features.to_bytes` is the same to the last bit, so a cache never changes a verdict.

Format of the bytes, version 4, little-endian: the four letters `VTSF`; version, uint16; whether it is flat, uint16; number of coarse
points, uint16; number of points, uint16, 65535 if they were not extracted; length of the picture, uint32; the thumbnail, 256 float32;
for the coarse points and then for the others 4 uint16 for each, see `LocalFeatures.packed_points`, and 128 uint8 for each, the
descriptors; the picture as JPEG.
"""

import struct
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.find.threads import opencv

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

MAX_AREA_PX = 288 * 288
"""Pixels of the small picture, at most."""
MAX_POINTS = 400
COARSE_SCALE = 0.5
"""Size of the picture that coarse local features are of, as a share of the small picture's. They are 0.57 times as many.

Of 740 edits of 60 families that are found by local features, 7 are lost by a first look at this scale, 8 at 0.4, 18 at 0.333 and 35
at 0.25; but candidates by local features need as many points as they can get (`vtsfind.find.candidates.local_features`).
"""
THUMBNAIL_PX = 16
BLUR_SIGMA_PX = 1.0
"""Deviation, in pixels of the small picture, of what takes noise out of it before it is compared."""

_MAGIC = b"VTSF"
_VERSION = 4
_NOT_EXTRACTED = 0xFFFF
_HEADER = struct.Struct("<4sHHHHI")
_THUMBNAIL_BYTES = 4 * THUMBNAIL_PX**2
_SIFT_CONTRAST_THRESHOLD = 0.015
_JPEG_QUALITY = 97
_DESCRIPTOR_SCALE = 512
# Points are kept in steps: of place and size in pixels, of the angle in degrees.
_POINT_QUANTISATION = np.array([1 / 64, 1 / 64, 1 / 64, 360 / 65536], np.float32)
_BLOCK_PX = 16
_MIN_BLOCK_STD_LEVELS = 4.0
_MIN_DETAILED_SHARE = 0.08


@dataclass(frozen=True, eq=False)
class LocalFeatures:
    """Local features."""

    packed_points: npt.NDArray[np.uint16]
    """(n, 4): x, y and diameter in 1/64 pixel of the small picture, angle in 1/65536 of a turn."""
    descriptors: Pixels
    """(n, 128): RootSIFT, in 1/512."""

    @cached_property
    def points(self) -> Floats:
        """(n, 4) float32: x, y and diameter in pixels of the small picture, angle in degrees."""
        return self.packed_points.astype(np.float32) * _POINT_QUANTISATION

    @cached_property
    def float_descriptors(self) -> Floats:
        """(n, 128) float32: `descriptors`, as matrix products need them."""
        return self.descriptors.astype(np.float32)

    @cached_property
    def squared_lengths(self) -> Floats:
        """(n,) float32: of `descriptors`."""
        return np.asarray((self.float_descriptors * self.float_descriptors).sum(1))

    @cached_property
    def distance_terms(self) -> Floats:
        """(n, 130) float32: descriptors, their squared lengths, ones; their products with `distance_factors` are squared distances."""
        lengths = self.squared_lengths[:, None]
        return np.hstack([self.float_descriptors, lengths, np.ones_like(lengths)])

    @cached_property
    def distance_factors(self) -> Floats:
        """(n, 130) float32: descriptors times -2, ones, their squared lengths."""
        lengths = self.squared_lengths[:, None]
        return np.hstack([-2 * self.float_descriptors, np.ones_like(lengths), lengths])

    def to_bytes(self) -> bytes:
        """Points, then descriptors."""
        return self.packed_points.astype("<u2").tobytes() + self.descriptors.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, count: int) -> Self:
        """Unpack what `to_bytes` packed, for so many points."""
        points = np.frombuffer(data, "<u2", 4 * count).reshape(count, 4).astype(np.uint16)
        return cls(points, np.frombuffer(data, np.uint8, 128 * count, 8 * count).reshape(count, 128))


_POINT_BYTES = 8 + 128


@dataclass(frozen=True, eq=False)
class Features:
    """The features of one photo."""

    encoded: bytes
    """The small picture as JPEG."""
    flat: bool
    """Whether there is too little detail for a similarity to mean anything: blank, dark and evenly coloured frames."""
    thumbnail: Floats
    """(256,) float32: `denoised` in 16 by 16 pixels, of mean 0 and length 1."""
    coarse: LocalFeatures
    """Coarse local features."""
    found: LocalFeatures | None = None
    """None if they were not extracted yet."""

    @cached_property
    def local(self) -> LocalFeatures:
        """The local features, extracted now if they were not before."""
        return self.found or _extract_local(_grey(self.picture))

    def with_local(self) -> "Features":
        """The same with its local features."""
        return self if self.found else replace(self, found=self.local)

    @cached_property
    def picture(self) -> Pixels:
        """The small picture, (h, w, 3) uint8, red, green, blue."""
        return _decoded(self.encoded)

    def with_picture(self, picture: Pixels) -> "Features":
        """The same with another small picture, (h, w, 3) uint8, for a comparison: what else is known stays as it is."""
        made = replace(self)
        vars(made)["picture"] = picture
        return made

    @cached_property
    def grey(self) -> Floats:
        """The small picture's brightness, (h, w) float32, 0 to 255."""
        return _grey(self.picture).astype(np.float32)

    @cached_property
    def denoised(self) -> Floats:
        """`grey` with its noise taken out."""
        return _denoised(self.grey)

    def to_bytes(self) -> bytes:
        """Pack for a cache; the module says how."""
        count = _NOT_EXTRACTED if self.found is None else len(self.found.packed_points)
        head = _HEADER.pack(
            _MAGIC, _VERSION, self.flat, len(self.coarse.packed_points), count, len(self.encoded)
        )
        local = b"" if self.found is None else self.found.to_bytes()
        thumbnail = self.thumbnail.astype("<f4").tobytes()
        return head + thumbnail + self.coarse.to_bytes() + local + self.encoded

    @classmethod
    def from_bytes(cls, data: bytes) -> "Features":
        """Unpack what `to_bytes` packed.

        Raises
        ------
        ValueError
            When the data are of another version, or damaged in their structure.
        """
        if len(data) < _HEADER.size:
            raise ValueError("features are cut short")
        magic, version, flat, coarse_count, count, length = _HEADER.unpack_from(data)
        if magic != _MAGIC or version != _VERSION:
            raise ValueError("not features of this version")
        local_count = 0 if count == _NOT_EXTRACTED else count
        coarse = _HEADER.size + _THUMBNAIL_BYTES
        local = coarse + _POINT_BYTES * coarse_count
        picture = local + _POINT_BYTES * local_count
        if len(data) != picture + length:
            raise ValueError("features are cut short")
        thumbnail = np.frombuffer(data, "<f4", THUMBNAIL_PX**2, _HEADER.size).astype(np.float32)
        found = None if count == _NOT_EXTRACTED else LocalFeatures.from_bytes(data[local:picture], count)
        return cls(
            data[picture:],
            bool(flat),
            thumbnail,
            LocalFeatures.from_bytes(data[coarse:local], coarse_count),
            found,
        )


def features_without_local(pixels: Pixels) -> Features:
    """Compute the features of a photo but the local ones.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, upright, sRGB; of any size. Best of at least 288 pixels on the shorter side, where the photo has
        that many.
    """
    cv2 = opencv()
    small = np.ascontiguousarray(_shrunk(pixels))
    done, encoded = cv2.imencode(
        ".jpg",
        small[:, :, ::-1],
        [
            cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY,
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
        ],
    )  # fmt: skip
    if not done:
        raise ValueError("OpenCV could not encode the small picture")
    picture = encoded.tobytes()
    grey = _grey(_decoded(picture))
    levels = grey.astype(np.float32)
    return Features(
        picture,
        _detailed_share(levels) < _MIN_DETAILED_SHARE,
        _thumbnail(_denoised(levels)),
        _extract_coarse(grey),
    )


def features(pixels: Pixels) -> Features:
    """Compute all features of a photo, see `features_without_local`."""
    return features_without_local(pixels).with_local()


def _extract_coarse(grey: Pixels) -> LocalFeatures:
    """Local features at `COARSE_SCALE`, in pixels of the small picture."""
    cv2 = opencv()
    size = [max(1, round(side * COARSE_SCALE)) for side in grey.shape[::-1]]
    found = _extract_local(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))
    scale = np.array([grey.shape[1] / size[0], grey.shape[0] / size[1]])
    points = found.packed_points.astype(np.float64)
    centre = 0.5 / _POINT_QUANTISATION[0]  # places are those of pixels' middles
    points[:, :2] = (points[:, :2] + centre) * scale - centre
    points[:, 2] *= scale.mean()
    return LocalFeatures(np.clip(np.rint(points), 0, 65535).astype(np.uint16), found.descriptors)


def _extract_local(grey: Pixels) -> LocalFeatures:
    detector = opencv().SIFT_create(nfeatures=MAX_POINTS, contrastThreshold=_SIFT_CONTRAST_THRESHOLD)
    found, raw = detector.detectAndCompute(grey, None)
    if raw is None or not found:
        return LocalFeatures(np.zeros((0, 4), np.uint16), np.zeros((0, 128), np.uint8))
    points = np.array([(*p.pt, p.size, p.angle % 360) for p in found], np.float32)
    packed = np.clip(np.rint(points / _POINT_QUANTISATION), 0, 65535).astype(np.uint16)
    # OpenCV's order depends on how its sorting treats equals.
    order = np.lexsort(packed.T)[:MAX_POINTS]
    return LocalFeatures(packed[order], _root_sift(raw)[order])


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, float(np.sqrt(MAX_AREA_PX / (width * height))))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size == (width, height):
        return pixels
    cv2 = opencv()
    shrunk: Pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _root_sift(raw: Floats) -> Pixels:
    shares = raw / np.maximum(raw.sum(1, keepdims=True), 1e-6)
    quantised: Pixels = np.minimum(np.rint(np.sqrt(shares) * _DESCRIPTOR_SCALE), 255).astype(np.uint8)
    return quantised


def _grey(pixels: Pixels) -> Pixels:
    cv2 = opencv()
    grey: Pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    return grey


def _decoded(encoded: bytes) -> Pixels:
    cv2 = opencv()
    picture: Pixels | None = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise ValueError("the small picture is damaged")
    return picture


def _denoised(grey: Floats) -> Floats:
    blurred: Floats = opencv().GaussianBlur(grey, (0, 0), BLUR_SIGMA_PX)
    return blurred


def _thumbnail(denoised: Floats) -> Floats:
    cv2 = opencv()
    size = (THUMBNAIL_PX, THUMBNAIL_PX)
    thumbnail = cv2.resize(denoised, size, interpolation=cv2.INTER_AREA).ravel()
    thumbnail = thumbnail - thumbnail.mean()
    result: Floats = thumbnail / max(float(np.linalg.norm(thumbnail)), 1e-6)
    return result


def _detailed_share(grey: Floats) -> float:
    """The share of blocks, 0 to 1, in which something is to be seen."""
    rows, columns = grey.shape[0] // _BLOCK_PX, grey.shape[1] // _BLOCK_PX
    if not rows or not columns:
        return 0.0
    blocks = grey[: rows * _BLOCK_PX, : columns * _BLOCK_PX].reshape(rows, _BLOCK_PX, columns, _BLOCK_PX)
    return float((blocks.std((1, 3)) > _MIN_BLOCK_STD_LEVELS).mean())
