"""Edits of where a photo's pixels are: size, crop, turn, mirror, perspective, lens."""

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.families.drawing import Rng, chance, colour, log_uniform, pick
from benchmarks.families.photometric import RESAMPLING, short

_TURNS = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
_SMALLEST = 24
"""Pixels that a side keeps at least."""
_BORDERS = (cv2.BORDER_REFLECT, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT, cv2.BORDER_CONSTANT)


def scaled(image: Image.Image, wide: float, high: float, method: Image.Resampling) -> Image.Image:
    """Resize by factors."""
    size = max(_SMALLEST, round(image.width * wide)), max(_SMALLEST, round(image.height * high))
    return image.resize(size, method)


def resized(image: Image.Image, rng: Rng) -> Image.Image:
    """By 0.3 to 3, by any filter."""
    factor = log_uniform(rng, 0.3, 3)
    return scaled(image, factor, factor, RESAMPLING[pick(rng, RESAMPLING)])


def thumbnail(image: Image.Image, rng: Rng) -> Image.Image:
    """A longer side of 64 to 160 pixels."""
    factor = log_uniform(rng, 64, 160) / max(image.size)
    return scaled(image, factor, factor, RESAMPLING[1 + pick(rng, RESAMPLING[1:])])


def stretched(image: Image.Image, rng: Rng) -> Image.Image:
    """The aspect changed by up to 1.9, often to a square."""
    method = RESAMPLING[1 + pick(rng, RESAMPLING[1:])]
    if chance(rng, 0.3):
        side = short(image)
        return image.resize((side, side), method)
    factor = log_uniform(rng, 1.1, 1.9) ** (0.5 if chance(rng, 0.5) else -0.5)
    return scaled(image, factor, 1 / factor, method)


def cropped(image: Image.Image, rng: Rng) -> Image.Image:
    """A window of any place and shape, of a third of the area to nearly all."""
    area, shape = rng.uniform(1 / 3, 0.95), log_uniform(rng, 0.6, 1.7)
    wide = min(1.0, np.sqrt(area * shape))
    high = min(1.0, area / wide)
    wide = min(1.0, area / high)
    width, height = round(wide * image.width), round(high * image.height)
    left, top = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    return image.crop((left, top, left + width, top + height))


def trimmed(image: Image.Image, rng: Rng) -> Image.Image:
    """One side or two opposite ones cut off, by up to half; or a square or a screen's shape from the middle."""
    if chance(rng, 0.4):
        shape = (1.0, 16 / 9, 9 / 16, 4 / 5)[pick(rng, range(4))]
        width = min(image.width, round(image.height * shape))
        height = min(image.height, round(image.width / shape))
        left, top = (image.width - width) // 2, (image.height - height) // 2
        return image.crop((left, top, left + width, top + height))
    share = rng.uniform(0.05, 0.5)
    first = share * rng.choice([0.0, 0.5, 1.0])
    if chance(rng, 0.5):
        return image.crop(
            (round(first * image.width), 0, round((1 - share + first) * image.width), image.height)
        )
    return image.crop(
        (0, round(first * image.height), image.width, round((1 - share + first) * image.height))
    )


def mirrored(image: Image.Image, rng: Rng) -> Image.Image:
    """Left to right, seldom top to bottom or along a diagonal."""
    kind = rng.random()
    if kind < 0.6:
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if kind < 0.8:
        return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return image.transpose(Image.Transpose.TRANSPOSE if kind < 0.9 else Image.Transpose.TRANSVERSE)


def quarter_turned(image: Image.Image, rng: Rng) -> Image.Image:
    """One, two or three quarters."""
    return image.transpose(_TURNS[pick(rng, _TURNS)])


def warped(image: Image.Image, matrix: npt.NDArray[Any], size: tuple[int, int], rng: Rng) -> Image.Image:
    """Carry a picture by a map (3, 3) of its pixels; what is beside it is of one colour, or made up from it."""
    border = _BORDERS[pick(rng, _BORDERS)]
    methods = (cv2.INTER_LINEAR, cv2.INTER_CUBIC)
    moved = cv2.warpPerspective(
        np.asarray(image),
        matrix,
        size,
        flags=methods[pick(rng, methods)],
        borderMode=border,
        borderValue=colour(rng),
    )
    return Image.fromarray(moved)


def rotated(image: Image.Image, rng: Rng) -> Image.Image:
    """By any angle, half of them below 30 degrees, into the old frame or one that holds all of it."""
    angle = rng.uniform(2, 30) * rng.choice([-1, 1]) if chance(rng, 0.5) else rng.uniform(0, 360)
    width, height = image.size
    matrix = np.eye(3, dtype=np.float32)
    matrix[:2] = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    size = width, height
    if chance(rng, 0.6):
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        size = round(width * cosine + height * sine), round(width * sine + height * cosine)
        matrix[:2, 2] += (np.array(size) - (width, height)) / 2
    return warped(image, matrix, size, rng)


def straightened(image: Image.Image, rng: Rng) -> Image.Image:
    """By up to 15 degrees, and the largest window of the old shape without corners from it."""
    degrees = rng.uniform(0.5, 15) * rng.choice([-1, 1])
    angle = np.deg2rad(abs(degrees))
    width, height = image.size
    long, low = max(width, height), min(width, height)
    share = low / (long * np.sin(angle) + low * np.cos(angle))
    turned = image.rotate(degrees, Image.Resampling.BICUBIC)
    x, y = width * (1 - share) / 2 + 1, height * (1 - share) / 2 + 1
    return turned.crop((round(x), round(y), round(width - x), round(height - y)))


def perspective(image: Image.Image, rng: Rng) -> Image.Image:
    """Each corner moved by up to a fifth of the side, as of a print seen from the side, or a keystone undone."""
    width, height = image.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    reach = log_uniform(rng, 0.04, 0.2)
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float32)
    outside = chance(rng, 0.3)
    move = inwards * rng.uniform(0, reach, (4, 2)) * (width, height) * (-1 if outside else 1)
    matrix = cv2.getPerspectiveTransform(corners, (corners + move).astype(np.float32))
    return warped(image, matrix, (width, height), rng)


def sheared(image: Image.Image, rng: Rng) -> Image.Image:
    """Slanted and stretched by any affine map not far from none."""
    width, height = image.size
    matrix = np.eye(3, dtype=np.float32)
    matrix[:2, :2] += rng.normal(0, rng.uniform(0.05, 0.16), (2, 2))
    middle = np.array([width / 2, height / 2])
    matrix[:2, 2] = middle - matrix[:2, :2] @ middle + rng.normal(0, 0.03, 2) * (width, height)
    return warped(image, matrix, (width, height), rng)


def lens(image: Image.Image, rng: Rng) -> Image.Image:
    """Barrel or pincushion of up to 20 % at the corners."""
    bend = rng.uniform(0.03, 0.2) * rng.choice([-1, 1])
    width, height = image.size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    factor = 1 + np.float32(bend) * ((x * x + y * y) / 2 - 1) * (1 if bend > 0 else 0.6)
    at_x, at_y = (x * factor + 1) / 2 * (width - 1), (y * factor + 1) / 2 * (height - 1)
    moved = cv2.remap(np.asarray(image), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return Image.fromarray(moved)


def pixelated(image: Image.Image, rng: Rng) -> Image.Image:
    """Blocks of 1 to 4 % of the shorter side, at the old size or small."""
    block = max(2.0, log_uniform(rng, 0.01, 0.04) * short(image))
    small = scaled(image, 1 / block, 1 / block, Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def enlarged(image: Image.Image, rng: Rng) -> Image.Image:
    """Made small and as large again or larger, as low-resolution copies are."""
    down, up = log_uniform(rng, 0.2, 0.8), log_uniform(rng, 1, 2)
    small = scaled(image, down, down, RESAMPLING[pick(rng, RESAMPLING)])
    return scaled(small, up / down, up / down, RESAMPLING[pick(rng, RESAMPLING)])
