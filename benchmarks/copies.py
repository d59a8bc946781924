"""The edits that duplicates are looked for among: those of `edits.py`, and more of the hard kind.

`mild` and `hard` map a name to a function of a picture and a random stream. Collages need four other photos.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from benchmarks.edits import HARD, MILD, Edit, framed, grey, saved, turned, window

Pictures = Sequence[Image.Image]


def vintage(image: Image.Image) -> Image.Image:
    """An app's filter: a bent curve for each colour, less of it, and darker corners."""
    pixels = np.asarray(image).astype(np.float32) / 255
    pixels = pixels ** np.array([0.85, 1.0, 1.25], np.float32)
    pixels = 0.6 * pixels + 0.4 * pixels.mean(2, keepdims=True)
    y, x = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    pixels *= (1 - 0.35 * np.minimum(1, (x * x + y * y) / 2))[:, :, None]
    return Image.fromarray(np.rint(pixels * 235 + 12).astype(np.uint8))


def collage(image: Image.Image, rng: np.random.Generator, others: Pictures) -> Image.Image:
    """Two by two photos on white with gaps, the picture in one of the places, all of it or a part."""
    side, gap = 256, 6
    canvas = Image.new("RGB", (2 * side + 3 * gap, 2 * side + 3 * gap), "white")
    place = int(rng.integers(4))
    for n in range(4):
        shown = image if n == place else others[n if n < place else n - 1]
        edge = min(shown.size)
        left, top = (shown.width - edge) // 2, (shown.height - edge) // 2
        shown = shown.resize((side, side), Image.Resampling.LANCZOS, (left, top, left + edge, top + edge))
        canvas.paste(shown, (gap + n % 2 * (side + gap), gap + n // 2 * (side + gap)))
    return canvas


def beside(image: Image.Image, rng: np.random.Generator, others: Pictures) -> Image.Image:
    """Before and after: the picture left or right of another of the same height."""
    other = others[3]
    other = other.resize((max(1, other.width * image.height // other.height), image.height))
    first, second = (image, other) if rng.random() < 0.5 else (other, image)
    canvas = Image.new("RGB", (first.width + second.width, image.height))
    canvas.paste(first, (0, 0))
    canvas.paste(second, (first.width, 0))
    return canvas


def passed_on(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Sent around: grey, a little crooked, cropped, framed, small and saved badly."""
    image = framed(grey(window(turned(image, 6), rng, 0.85)))
    image.thumbnail((200, 200))
    return saved(image, "JPEG", 45)


def mild() -> Mapping[str, Edit]:
    """Edits that leave most of a photo as it is."""
    return MILD


def hard(others: Pictures) -> Mapping[str, Edit]:
    """Edits that change much of a photo, or leave little of it."""
    return {
        **HARD,
        "jpeg 10": lambda image, _: saved(image, "JPEG", 10),
        "vintage": lambda image, _: vintage(image),
        "collage": lambda image, rng: collage(image, rng, others),
        "beside": lambda image, rng: beside(image, rng, others),
        "passed on": passed_on,
    }
