"""The edits that the model is measured on: written apart from those of training, fixed by name, with other means and sizes.

`MILD` and `HARD` map a name to a function of a picture and a random stream. The stream places things; the kind and the
strength of an edit are fixed by its name.
"""

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

Edit = Callable[[Image.Image, np.random.Generator], Image.Image]


def window(image: Image.Image, rng: np.random.Generator, side: float) -> Image.Image:
    """Keep a window of `side` times each side, anywhere."""
    width, height = round(image.width * side), round(image.height * side)
    x = round(float(rng.random()) * (image.width - width))
    y = round(float(rng.random()) * (image.height - height))
    return image.crop((x, y, x + width, y + height))


def saved(image: Image.Image, kind: str, quality: int) -> Image.Image:
    """Write in a lossy format and read again."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """Turn and show all of it on black."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def warm(image: Image.Image) -> Image.Image:
    """Lift red, lower blue, as an evening filter does."""
    red, green, blue = image.split()
    return Image.merge(
        "RGB", (red.point(lambda v: min(255, v * 5 // 4)), green, blue.point(lambda v: v * 3 // 4))
    )


def faded(image: Image.Image) -> Image.Image:
    """Wash out: less contrast, more light."""
    return image.point(lambda v: 70 + v * 165 // 255)


def grey(image: Image.Image) -> Image.Image:
    """Take the colour out."""
    return image.convert("L").convert("RGB")


def phone_screen(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A phone's screenshot: a tall dark screen, the picture across it, a status line, a caption and buttons."""
    width, height = image.size
    screen = Image.new("RGB", (width, max(round(width * 1.9), round(height * 1.25))), (18, 18, 20))
    top = (screen.height - height) // 2
    screen.paste(image, (0, top))
    draw = ImageDraw.Draw(screen)
    line = max(3, width // 40)
    draw.rectangle((line, line, width // 4, 2 * line), fill=(230, 230, 230))
    draw.rectangle((width - width // 6, line, width - line, 2 * line), fill=(230, 230, 230))
    for n in range(3):
        x = width * (2 * n + 1) // 6
        y = screen.height - 4 * line
        draw.ellipse((x - line, y - line, x + line, y + line), outline=(220, 220, 220), width=2)
    draw.text(
        (line, top + height + line),
        f"{int(rng.integers(1000))} likes",
        fill=(240, 240, 240),
        font_size=3 * line,
    )
    return screen


def captioned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Two thick lines of white letters with black edges, above and below."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(max(10, image.height // 8))
    words = ("SUMMER", "HELLO", "TOGETHER", "MONDAY", "WHY NOT", "LOOK", "AGAIN", "BEST DAY")
    for y in (image.height // 30, image.height * 5 // 6):
        text = " ".join(rng.choice(words, 2))
        draw.text((image.width // 20, y), text, fill="white", font=font, stroke_width=3, stroke_fill="black")
    return image


def stickered(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Three round faces in full colours, each a fifth to a third of the short side."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        side = round(min(image.size) * float(rng.uniform(0.2, 0.33)))
        x, y = int(rng.integers(image.width - side)), int(rng.integers(image.height - side))
        draw.ellipse((x, y, x + side, y + side), fill=(255, 204, 40), outline=(120, 80, 0), width=2)
        for at in (0.28, 0.62):
            draw.ellipse(
                (x + side * at, y + side * 0.3, x + side * (at + 0.1), y + side * 0.45), fill=(60, 40, 0)
            )
        draw.arc((x + side * 0.25, y + side * 0.35, x + side * 0.75, y + side * 0.8), 20, 160, (60, 40, 0), 3)
    return image


def framed(image: Image.Image) -> Image.Image:
    """A white frame, broad below, as of an instant picture."""
    edge = min(image.size) // 8
    frame = Image.new("RGB", (image.width + 2 * edge, image.height + 4 * edge), (246, 244, 238))
    frame.paste(image, (edge, edge))
    return frame


def posterised(image: Image.Image) -> Image.Image:
    """Few colours, as strong filters leave."""
    return image.quantize(12, Image.Quantize.MEDIANCUT).convert("RGB")


def mixed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Several at once: a window of three quarters, mirrored, warm, captioned, a thumbnail saved badly."""
    image = warm(window(image, rng, 0.75).transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    image = captioned(image, rng)
    image.thumbnail((160, 160))
    return saved(image, "JPEG", 35)


def ghosted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Another exposure shines through: the picture itself, turned and shifted, at a quarter."""
    del rng
    ghost = ImageChops.offset(
        image.transpose(Image.Transpose.ROTATE_180), image.width // 3, image.height // 5
    )
    return Image.blend(image, ghost, 0.25)


MILD: Mapping[str, Edit] = {
    "mirror": lambda image, _: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside-down": lambda image, _: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "half size": lambda image, _: image.resize(
        (image.width // 2, image.height // 2), Image.Resampling.LANCZOS
    ),
    "square": lambda image, _: image.resize((256, 256), Image.Resampling.LANCZOS),
    "jpeg 40": lambda image, _: saved(image, "JPEG", 40),
    "crop to 7/8": lambda image, rng: window(image, rng, 7 / 8),
    "25 degrees": lambda image, _: turned(image, 25),
    "warm": lambda image, _: warm(image),
    "faded": lambda image, _: faded(image),
    "grey": lambda image, _: grey(image),
}

HARD: Mapping[str, Edit] = {
    "crop to half": lambda image, rng: window(image, rng, 0.5),
    "screenshot": phone_screen,
    "caption": captioned,
    "stickers": stickered,
    "frame": lambda image, _: framed(image),
    "posterised": lambda image, _: posterised(image),
    "ghost": ghosted,
    "mixture": mixed,
}
