"""What drawn pictures are made of: fonts of many scripts, made-up words, colours, shapes, emoji."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Rng = np.random.Generator
Colour = tuple[int, int, int]
Floats = npt.NDArray[np.float32]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Other = Callable[[], Image.Image]
"""Gives another photo."""

FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "C:/Windows/Fonts")
EMOJI_SIZE = 109
"""Pixels: the only size that a bitmap emoji font has."""
_EMOJI = (
    *range(0x1F600, 0x1F645),
    *range(0x1F400, 0x1F43E),
    *range(0x1F345, 0x1F37C),
    *(0x2764, 0x2B50, 0x1F525, 0x1F389, 0x1F44D, 0x1F4AF, 0x1F680, 0x1F339, 0x26BD),
)
_LATIN = ("DejaVu", "Roboto", "Liberation", "Lobster", "NotoSans-", "NotoSerif-", "Arial", "Times", "Verdana")
SCRIPTS: dict[str, tuple[tuple[str, ...], tuple[tuple[int, int], ...]]] = {
    "latin": (_LATIN, ((0x61, 0x7A),)),
    "latin with accents": (_LATIN[:4], ((0x61, 0x7A), (0xE0, 0xF6))),
    "cyrillic": (("DejaVu", "Roboto-", "Liberation"), ((0x430, 0x44F),)),
    "greek": (("DejaVu", "Roboto-", "Liberation"), ((0x3B1, 0x3C9),)),
    "arabic": (("NotoSansArabic-", "NotoNaskhArabic-"), ((0x627, 0x63A), (0x641, 0x64A))),
    "hebrew": (("NotoSansHebrew-", "DejaVuSans"), ((0x5D0, 0x5EA),)),
    "devanagari": (("NotoSansDevanagari-", "NotoSerifDevanagari-"), ((0x915, 0x939),)),
    "thai": (("NotoSansThai-", "NotoSerifThai-"), ((0xE01, 0xE2E),)),
    "han": (("NotoSansCJK", "NotoSerifCJK"), ((0x4E00, 0x5E00),)),
    "kana": (("NotoSansCJK", "NotoSerifCJK"), ((0x3042, 0x3093), (0x30A2, 0x30F3))),
    "hangul": (("NotoSansCJK", "NotoSerifCJK"), ((0xAC00, 0xC500),)),
}
"""Script to the beginnings of the names of fonts that have it, and its ranges of letters."""


@cache
def _font_files() -> tuple[Path, ...]:
    found = [path for folder in FONT_FOLDERS for path in Path(folder).rglob("*.[to]t[fc]")]
    return tuple(sorted(found, key=lambda path: path.name))


@cache
def _fonts_of(script: str) -> tuple[Path, ...]:
    return tuple(path for path in _font_files() if path.name.startswith(SCRIPTS[script][0]))


def pick(rng: Rng, things: Sequence[object]) -> int:
    """Draw a place in a sequence."""
    return int(rng.integers(len(things)))


def log_uniform(rng: Rng, low: float, high: float) -> float:
    """Draw between two positive numbers, each doubling as likely as the next."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def chance(rng: Rng, share: float) -> bool:
    """Draw whether something happens."""
    return bool(rng.random() < share)


def colour(rng: Rng) -> Colour:
    """Draw a colour: any, or white, or black, or a grey."""
    kind = rng.random()
    if kind < 0.5:
        red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
        return red, green, blue
    level = 255 if kind < 0.7 else 0 if kind < 0.9 else int(rng.integers(256))
    return level, level, level


def contrasting(rng: Rng, ground: Colour) -> Colour:
    """Draw a colour that can be read on a ground."""
    bright = sum(ground) > 382
    red, green, blue = (int(v) for v in (rng.integers(0, 90, 3) if bright else rng.integers(166, 256, 3)))
    return red, green, blue


def script(rng: Rng) -> str:
    """Draw a script that there are fonts for; more often Latin than each of the others."""
    if chance(rng, 0.4):
        return "latin"
    name = list(SCRIPTS)[pick(rng, list(SCRIPTS))]
    return name if _fonts_of(name) else "latin"


def font(rng: Rng, size: float, name: str = "latin") -> Font:
    """Draw a font of a script in a size of pixels; Pillow's own where the system has none."""
    files = _fonts_of(name)
    pixels = max(4, round(size))
    return ImageFont.truetype(files[pick(rng, files)], pixels) if files else ImageFont.load_default(pixels)


def words(rng: Rng, count: int, name: str = "latin") -> str:
    """Make up words of a script."""
    letters = [chr(code) for low, high in SCRIPTS[name][1] for code in range(low, high + 1)]
    made = []
    for _ in range(count):
        word = "".join(letters[int(i)] for i in rng.integers(0, len(letters), int(rng.integers(1, 10))))
        made.append(word.capitalize() if chance(rng, 0.3) else word)
    return ("" if name in {"han", "kana"} else " ").join(made)


def number(rng: Rng) -> str:
    """Make up an amount, a date, a time or a number."""
    one = int(rng.integers(1, 10 ** int(rng.integers(2, 6))))
    forms = (
        f"{one}",
        f"{one / 100:,.2f}",
        f"{1 + one % 28:02}.{1 + one % 12:02}.{2000 + one % 30}",
        f"{one % 24:02}:{one % 60:02}",
        f"{one % 101}%",
    )
    return forms[pick(rng, forms)]


def wrap(text: str, face: Font, width: float) -> str:
    """Break a text into lines of at most a width; what has no spaces is broken anywhere."""
    lines, line = [], ""
    pieces = text.split(" ") if " " in text else list(text)
    gap = " " if " " in text else ""
    for piece in pieces:
        longer = f"{line}{gap}{piece}" if line else piece
        if line and face.getlength(longer) > width:
            lines.append(line)
            longer = piece
        line = longer
    return "\n".join([*lines, line])


def write(
    image: Image.Image,
    at: tuple[float, float],
    text: str,
    face: Font,
    fill: Colour,
    *,
    stroke: int = 0,
    edge: Colour = (0, 0, 0),
    anchor: str | None = None,
) -> None:
    """Write text into a picture, the upper left corner or the anchor at a place."""
    ImageDraw.Draw(image).text(
        at,
        text,
        font=face,
        fill=fill,
        stroke_width=stroke,
        stroke_fill=edge if stroke else None,
        anchor=anchor,
    )


def emoji(rng: Rng, side: int) -> Image.Image:
    """Draw an emoji, (side, side) RGBA: of the system's font, or else a face made of shapes."""
    files = [path for path in _font_files() if path.name == "NotoColorEmoji.ttf"]
    canvas = Image.new("RGBA", (136, 128))
    if files:
        face = ImageFont.truetype(files[0], EMOJI_SIZE)
        letter = chr(_EMOJI[pick(rng, _EMOJI)])
        ImageDraw.Draw(canvas).text((0, 0), letter, font=face, embedded_color=True)
    else:
        _face(ImageDraw.Draw(canvas), rng)
    return canvas.resize((max(1, side), max(1, side)), Image.Resampling.LANCZOS)


def _face(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    draw.ellipse((6, 2, 130, 126), fill=(255, int(rng.integers(150, 230)), 40, 255), outline=(90, 60, 0, 255))
    for x in (46, 90):
        draw.ellipse((x - 9, 34, x + 9, 56), fill=(60, 40, 20, 255))
    start = 0 if chance(rng, 0.7) else 180
    draw.arc((36, 50, 100, 104), start, start + 180, fill=(60, 40, 20, 255), width=7)


def shape(rng: Rng, side: int) -> Image.Image:
    """Draw a sticker, (side, side) RGBA: an outlined polygon, star, disc, heart or speech bubble."""
    big = 4 * max(side, 4)
    canvas = Image.new("RGBA", (big, big))
    draw = ImageDraw.Draw(canvas)
    fill, outline = (*colour(rng), 255), (*colour(rng), 255)
    corners = int(rng.integers(3, 12))
    turn = rng.uniform(0, 2 * np.pi)
    inner = rng.uniform(0.35, 1.0)
    angles = turn + np.arange(2 * corners) * np.pi / corners
    radii = np.where(np.arange(2 * corners) % 2, inner, 1.0) * 0.47 * big
    points = [(big / 2 + r * np.cos(a), big / 2 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
    width = max(1, round(0.03 * big))
    kind = int(rng.integers(4))
    if kind == 0:
        draw.ellipse((0.04 * big, 0.04 * big, 0.96 * big, 0.96 * big), fill, outline, width)
    elif kind == 1:
        draw.rounded_rectangle(
            (0.04 * big, 0.2 * big, 0.96 * big, 0.8 * big), 0.15 * big, fill, outline, width
        )
    else:
        draw.polygon(points, fill, outline, width)
    if chance(rng, 0.4):
        face = font(rng, 0.2 * big)
        text = words(rng, 1).upper()[:6]
        draw.text((big / 2, big / 2), text, font=face, fill=(*colour(rng), 255), anchor="mm")
    return canvas.resize((max(1, side), max(1, side)), Image.Resampling.LANCZOS)


def texture(rng: Rng, width: int, height: int) -> Image.Image:
    """Draw a ground such as wood, wall or cloth: noise of several lengths in one colour, stretched."""
    base = np.array(colour(rng), np.float32)
    total = np.zeros((height, width), np.float32)
    stretch = log_uniform(rng, 0.1, 10)
    for octave in range(1, 6):
        rows, columns = max(2, round(2**octave * stretch)), max(2, round(2**octave / stretch))
        noise = rng.normal(0, 1, (min(rows, height), min(columns, width))).astype(np.float32)
        total += np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)) / octave
    strength = rng.uniform(3, 25)
    return Image.fromarray(np.clip(base + strength * total[:, :, None], 0, 255).astype(np.uint8))


def seed_of(*parts: object) -> list[int]:
    """Numbers that seed a random stream by names, the same on every machine."""
    return [b for part in parts for b in (*str(part).encode(), 256)]


def photos_in(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it, by name."""
    kinds = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".tif"}
    return sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in kinds and os.path.getsize(p) > 0)


class Others:
    """Gives photos other than one, drawn at random.

    Parameters
    ----------
    photos
        Where they are.
    own
        The one that is not given.
    seed
        Of the random stream.
    """

    def __init__(self, photos: Sequence[Path], own: Path | None, seed: Sequence[int]) -> None:
        self._photos = [path for path in photos if path != own]
        self._rng = np.random.default_rng(seed)

    def __call__(self) -> Image.Image:
        """Open the next one, as RGB."""
        return Image.open(self._photos[pick(self._rng, self._photos)]).convert("RGB")
