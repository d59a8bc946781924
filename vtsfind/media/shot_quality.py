"""How sharp and how well exposed a shot is, comparable with other shots of the same scene and size."""

import struct
from dataclasses import astuple, dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from vtsfind.media.decode import Pixels, decode
from vtsfind.media.work import Content, ProcessedContent, Setup

_MAX_SIDE_PX: Final = 1024
"""The longer side that shots are rated at, in pixels, at most."""
_SCALE: Final = 0.5
"""Shots are rated at half their size: most of the noise of JPEG files is averaged out."""
_BLOCK_PX: Final = 32
_SHARPEST_SHARE: Final = 0.25
"""Share of the blocks whose mean gradient counts: the subject, where the background is out of focus."""
_WHITE: Final = 250
_BLACK: Final = 5
"""Grey levels from which, and up to which, a pixel has lost its detail."""
_STORED: Final = struct.Struct("<3d")


@dataclass(frozen=True, slots=True)
class ShotQuality:
    """How good a shot is."""

    sharpness: float
    """Mean absolute gradient of its sharpest quarter, in grey levels a pixel."""
    white: float
    """Share of the pixels that are white, 0 to 1."""
    black: float
    """Share of the pixels that are black, 0 to 1."""

    def to_bytes(self) -> bytes:
        """The three numbers, each in 8 bytes."""
        return _STORED.pack(*astuple(self))

    @classmethod
    def from_bytes(cls, stored: bytes | bytearray) -> Self:
        """Undo `to_bytes`."""
        return cls(*_STORED.unpack(stored))


@dataclass(frozen=True, slots=True)
class RateShot:
    """Decode a photo and rate it, a `vtsfind.media.work.ContentProcessor`; gives a `ShotQuality` as bytes."""

    def __call__(self, content: Content, setup: Setup) -> ProcessedContent:
        """Do it."""
        pixels, info = decode(
            content, shortest=_MAX_SIDE_PX, pixel_limit=setup.pixel_limit, memory_bytes=setup.memory_bytes
        )
        return ProcessedContent(info, shot_quality(pixels, max(info.width, info.height)).to_bytes())


def shot_quality(pixels: Pixels, longest: int) -> ShotQuality:
    """Rate a picture.

    Parameters
    ----------
    pixels
        (h, w, 3).
    longest
        The longer side of the photo at full size, in pixels.
    """
    scale = min(_MAX_SIDE_PX, _SCALE * longest) / max(pixels.shape[:2])
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    reduced = np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))
    grey = reduced.mean(axis=2, dtype=np.float32)
    return ShotQuality(_sharpness(grey), float((grey >= _WHITE).mean()), float((grey <= _BLACK).mean()))


def _sharpness(grey: npt.NDArray[np.float32]) -> float:
    """The mean absolute gradient of the sharpest blocks; 0 for a picture of one line."""
    if min(grey.shape) < 2:
        return 0.0
    gradient = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    blocks = np.sort(_block_means(gradient).ravel())
    count = max(1, round(_SHARPEST_SHARE * len(blocks)))
    return float(blocks[-count:].mean())


def _block_means(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The means of square blocks; the rest at the right and the bottom is left out, unless there is nothing else."""
    height, width = (max(1, side // _BLOCK_PX) for side in values.shape)
    side_y, side_x = min(_BLOCK_PX, values.shape[0]), min(_BLOCK_PX, values.shape[1])
    cut = values[: height * side_y, : width * side_x]
    means: npt.NDArray[np.float32] = cut.reshape(height, side_y, width, side_x).mean(axis=(1, 3))
    return means
