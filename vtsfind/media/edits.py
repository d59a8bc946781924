"""Random edits of the kinds that people make: a model trained on them maps a photo and its edits to one code.

`edited` applies a few edits, whose kinds and strengths come from a random generator. The same generator state makes the same
picture. These edits are for training and for calibration on a user's own photos; a benchmark must use its own.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from vtsfind.media.decode import Pixels

OtherPicture = Callable[[], Pixels]
_Edit = Callable[[Image.Image, np.random.Generator], Image.Image]

WORKING_SIDE_PX = 224
"""Mean of the shorter side to which larger pictures are reduced first: the model uses fewer pixels, and edits take time
for each."""


def edited(
    pixels: Pixels, rng: np.random.Generator, *, other: OtherPicture | None = None, strength: float = 1.0
) -> Pixels:
    """Make one edited version of a picture.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8.
    rng
        The random generator.
    other
        Returns another picture for collages and insets; None for none of these.
    strength
        Multiplies the probability of each kind of edit; 0 for hardly any edit, 1 for up to seven.

    Returns
    -------
    (h', w', 3) uint8.
    """
    image = _shrink(Image.fromarray(pixels), rng)
    for edits, chance in (
        (_GEOMETRIC_EDITS, 0.75),
        (_COLOUR_EDITS, 0.55),
        (_ROTATION_EDITS, 0.6),
        (_OVERLAY_EDITS, 0.35),
    ):
        if rng.random() < chance * strength:
            image = edits[int(rng.integers(len(edits)))](image, rng)
    if other is not None and rng.random() < 0.15 * strength:
        image = _MIXING_EDITS[int(rng.integers(len(_MIXING_EDITS)))](image, Image.fromarray(other()), rng)
    if rng.random() < 0.35 * strength:
        image = crop(image, rng)
    if rng.random() < 0.5 * strength:
        image = recompress(image, rng)
    return np.asarray(image)


def mild(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Make a version that shows the same subject: a crop, possibly mirrored, with slightly different colours."""
    image = _shrink(Image.fromarray(pixels), rng)
    image = _random_crop(image, rng, area=(0.35, 1.0), aspect=(0.75, 1.33))
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    if rng.random() < 0.6:
        image = enhance(image, rng)
    return np.asarray(image)


def _shrink(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = WORKING_SIDE_PX * float(rng.uniform(0.8, 1.2))
    scale = side / min(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _random_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    if rng.random() < 0.5:
        red = green = blue = int(rng.choice([0, 255, red]))
    return red, green, blue


def _random_crop(
    image: Image.Image, rng: np.random.Generator, *, area: tuple[float, float], aspect: tuple[float, float]
) -> Image.Image:
    w, h = image.size
    share = float(rng.uniform(*area))
    ratio = float(np.exp(rng.uniform(np.log(aspect[0]), np.log(aspect[1]))))
    width = min(w, max(8, round(w * np.sqrt(share * ratio))))
    height = min(h, max(8, round(h * np.sqrt(share / ratio))))
    left, top = int(rng.integers(w - width + 1)), int(rng.integers(h - height + 1))
    return image.crop((left, top, left + width, top + height))


def crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Crop to 22 to 95 % of the area."""
    return _random_crop(image, rng, area=(0.22, 0.95), aspect=(0.7, 1.43))


def stretch(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change the aspect ratio by up to a half."""
    factor = float(np.exp(rng.uniform(-0.4, 0.4)))
    return image.resize((max(8, round(image.width * factor)), image.height), Image.Resampling.BILINEAR)


def border(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add a border of one colour, up to a quarter of each side, of different widths."""
    w, h = image.size
    left, top, right, bottom = (
        round(float(f) * s) for f, s in zip(rng.uniform(0, 0.25, 4), (w, h, w, h), strict=True)
    )
    canvas = Image.new("RGB", (w + left + right, h + top + bottom), _random_colour(rng))
    canvas.paste(image, (left, top))
    return canvas


def screenshot(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Put the picture between the bars of a phone screen, with lines and buttons on them."""
    w, h = image.size
    tall = rng.random() < 0.6
    top, bottom = (round(float(f) * h) for f in rng.uniform(0.04, 0.7 if tall else 0.2, 2))
    side = 0 if tall else round(float(rng.uniform(0, 0.3)) * w)
    canvas = Image.new("RGB", (w + side, h + top + bottom), _random_colour(rng))
    canvas.paste(image, (0, top))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(2, 12))):
        y = int(rng.choice([rng.integers(0, max(1, top)), top + h + rng.integers(0, max(1, bottom))]))
        x = int(rng.integers(0, max(1, canvas.width)))
        wide, high = int(rng.integers(4, max(5, w // 2))), int(rng.integers(2, max(3, h // 16)))
        draw.rounded_rectangle((x, y, x + wide, y + high), 2, fill=_random_colour(rng))
    return canvas


def flip(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mirror horizontally, or less often vertically."""
    return ImageOps.mirror(image) if rng.random() < 0.7 else ImageOps.flip(image)


def quarter_turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Rotate by 90, 180 or 270 degrees."""
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(turns[int(rng.integers(3))])


def rotate(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Rotate by any angle, mostly a small one, with or without cutting off the corners."""
    angle = float(rng.normal(0, 20)) if rng.random() < 0.8 else float(rng.uniform(-180, 180))
    return image.rotate(
        angle, Image.Resampling.BILINEAR, expand=bool(rng.random() < 0.5), fillcolor=_random_colour(rng)
    )


def enhance(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change brightness, contrast and saturation together."""
    for kind, low, high in (
        (ImageEnhance.Brightness, 0.5, 1.6),
        (ImageEnhance.Contrast, 0.5, 1.7),
        (ImageEnhance.Color, 0.0, 2.0),
    ):
        image = kind(image).enhance(float(rng.uniform(low, high)))
    return image


def grey(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Convert to grey, or to one tint."""
    greyscale = ImageOps.grayscale(image)
    if rng.random() < 0.6:
        return greyscale.convert("RGB")
    dark, light = np.clip(rng.integers(0, 60, 3), 0, 255), np.clip(rng.integers(180, 256, 3), 0, 255)
    return ImageOps.colorize(greyscale, tuple(int(v) for v in dark), tuple(int(v) for v in light))


def colour_cast(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Change gain and gamma of each colour channel separately, as filters and white balance do."""
    gain, bend = rng.uniform(0.6, 1.4, 3), np.exp(rng.uniform(-0.5, 0.5, 3))
    levels = np.arange(256) / 255
    table = [int(v) for c in range(3) for v in np.clip(255 * gain[c] * levels ** bend[c], 0, 255)]
    return image.point(table)


def blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Blur, sharpen, or add noise."""
    kind = rng.integers(3)
    if kind == 0:
        return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 3.5))))
    if kind == 1:
        return image.filter(ImageFilter.UnsharpMask(3, int(rng.integers(80, 300))))
    noise = rng.normal(0, float(rng.uniform(4, 30)), (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))


def text_overlay(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Write lines of text over the picture, like captions and watermarks."""
    draw = ImageDraw.Draw(image := image.copy())
    for _ in range(int(rng.integers(1, 5))):
        letters = "".join(
            chr(int(c)) for c in rng.choice(np.r_[65:91, 97:123, [32, 32, 32]], rng.integers(4, 24))
        )
        size = max(8, round(float(rng.uniform(0.05, 0.22)) * image.height))
        at = (int(rng.integers(-size, max(1, image.width // 2))), int(rng.integers(0, image.height)))
        draw.text(at, letters, fill=_random_colour(rng), font_size=size)
    return image


def shape_overlay(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Draw opaque or half-transparent shapes over the picture."""
    layer = image.copy()
    draw = ImageDraw.Draw(layer)
    for _ in range(int(rng.integers(1, 5))):
        side = float(rng.uniform(0.1, 0.4)) * min(image.size)
        x, y = float(rng.uniform(0, image.width - side)), float(rng.uniform(0, image.height - side))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + side, y + side * float(rng.uniform(0.5, 1.2))), fill=_random_colour(rng))
    return Image.blend(image, layer, float(rng.uniform(0.6, 1.0)))


def recompress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Save as JPEG, often strongly, sometimes as a thumbnail."""
    if rng.random() < 0.3:
        side = int(rng.integers(40, 120))
        image = image.resize(
            (max(8, side * image.width // max(image.size)), max(8, side * image.height // max(image.size))),
            Image.Resampling.BILINEAR,
        )
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(8, 90)))
    return Image.open(buffer).convert("RGB")


def collage(image: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Put another picture of at most the same size beside or below it."""
    share = float(rng.uniform(0.2, 0.8))
    if rng.random() < 0.5:
        beside = other.resize((max(8, round(image.width * share)), image.height), Image.Resampling.BILINEAR)
        canvas = Image.new("RGB", (image.width + beside.width, image.height))
        places = [(0, 0), (image.width, 0)]
    else:
        beside = other.resize((image.width, max(8, round(image.height * share))), Image.Resampling.BILINEAR)
        canvas = Image.new("RGB", (image.width, image.height + beside.height))
        places = [(0, 0), (0, image.height)]
    canvas.paste(image, places[0])
    canvas.paste(beside, places[1])
    return canvas


def inset(image: Image.Image, other: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Paste another, smaller picture over it, or blend another picture into it."""
    if rng.random() < 0.4:
        return Image.blend(
            image, other.resize(image.size, Image.Resampling.BILINEAR), float(rng.uniform(0.1, 0.35))
        )
    image = image.copy()
    scale = float(rng.uniform(0.2, 0.5))
    small = other.resize((max(8, round(image.width * scale)), max(8, round(image.height * scale))))
    image.paste(
        small,
        (
            int(rng.integers(image.width - small.width + 1)),
            int(rng.integers(image.height - small.height + 1)),
        ),
    )
    return image


_GEOMETRIC_EDITS: tuple[_Edit, ...] = (crop, crop, stretch, border, screenshot)
_COLOUR_EDITS: tuple[_Edit, ...] = (enhance, enhance, grey, colour_cast, blur)
_ROTATION_EDITS: tuple[_Edit, ...] = (flip, quarter_turn, rotate, rotate)
_OVERLAY_EDITS: tuple[_Edit, ...] = (text_overlay, shape_overlay)
_MIXING_EDITS = (collage, inset)
