"""Writing and drawings that people lay over photos, for training: drawn at random, as pictures with opacity."""

import string
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 160, 80
_LETTERS = string.ascii_letters + string.digits + "     .,!?"

Colour = tuple[int, int, int, int]


def draw_sprites(count: int, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Draw sprites: half of them writing, the others bars, shapes, hand-drawn lines and marks.

    Returns
    -------
    (count, height, width, 4) uint8: colours and opacity.
    """
    kinds: tuple[Callable[[ImageDraw.ImageDraw, np.random.Generator], None], ...] = (
        _writing,
        _writing,
        _writing,
        _bar,
        _shape,
        _strokes,
    )
    drawn = []
    for _ in range(count):
        sprite = Image.new("RGBA", (WIDTH_PX, HEIGHT_PX))
        kinds[int(rng.integers(len(kinds)))](ImageDraw.Draw(sprite), rng)
        drawn.append(np.asarray(sprite))
    return np.stack(drawn)


def _colour(rng: np.random.Generator, opacity: tuple[int, int] = (255, 256)) -> Colour:
    """Any colour, or half of the time a grey."""
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    if rng.random() < 0.5:
        red = green = blue = int(rng.choice([0, 255, red]))
    return red, green, blue, int(rng.integers(*opacity))


def _writing(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """One to four lines of letters, some with an edge, some on a ground."""
    if rng.random() < 0.3:
        draw.rectangle((0, 0, WIDTH_PX, HEIGHT_PX), fill=_colour(rng, (100, 256)))
    lines = int(rng.integers(1, 5))
    font = ImageFont.load_default(HEIGHT_PX / lines * float(rng.uniform(0.6, 0.95)))
    colour, edge = _colour(rng), int(rng.integers(0, 3))
    for line in range(lines):
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 5 * lines + 4))))
        at = (float(rng.uniform(0, WIDTH_PX / 4)), line * HEIGHT_PX / lines)
        draw.text(at, text, fill=colour, font=font, stroke_width=edge, stroke_fill=_colour(rng))


def _bar(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """A bar with signs and buttons on it."""
    draw.rectangle((0, 0, WIDTH_PX, HEIGHT_PX), fill=_colour(rng, (150, 256)))
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(0, WIDTH_PX * 0.9), rng.uniform(0, HEIGHT_PX * 0.8)
        width, height = rng.uniform(4, WIDTH_PX / 2), rng.uniform(3, HEIGHT_PX / 3)
        draw.rounded_rectangle((x, y, x + width, y + height), height / 3, fill=_colour(rng))


def _shape(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """One to three polygons and discs over each other."""
    for _ in range(int(rng.integers(1, 4))):
        if rng.random() < 0.5:
            corners = rng.uniform(0, 1, (int(rng.integers(3, 8)), 2)) * (WIDTH_PX, HEIGHT_PX)
            draw.polygon([(float(x), float(y)) for x, y in corners], fill=_colour(rng, (120, 256)))
        else:
            x, y = rng.uniform(0, WIDTH_PX / 2), rng.uniform(0, HEIGHT_PX / 2)
            box = (x, y, x + rng.uniform(10, WIDTH_PX / 2), y + rng.uniform(10, HEIGHT_PX / 2))
            draw.ellipse(box, fill=_colour(rng, (120, 256)), outline=_colour(rng), width=2)


def _strokes(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Lines as drawn by a finger."""
    for _ in range(int(rng.integers(1, 4))):
        steps = rng.normal(0, 14, (int(rng.integers(5, 15)), 2)).cumsum(0)
        points = steps + rng.uniform(0.2, 0.8, 2) * (WIDTH_PX, HEIGHT_PX)
        width = int(rng.integers(2, 9))
        draw.line([(float(x), float(y)) for x, y in points], fill=_colour(rng), width=width, joint="curve")
