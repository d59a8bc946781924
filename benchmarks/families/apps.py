"""Screens of made-up apps that show photos: a gallery, a chat, a feed, a browser, a grid of thumbnails.

An app's looks follow from one random stream, what it shows from another: two screens of one app with other photos in them
differ in the second only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from benchmarks.families import drawing
from benchmarks.families.drawing import Colour, Font, Rng, chance, colour, pick

_PHONES = ((9, 16), (9, 18), (9, 19.5), (9, 20), (3, 4))
_DESKTOPS = ((16, 9), (16, 10), (4, 3))


@dataclass(frozen=True, slots=True)
class Look:
    """How an app looks."""

    width: int
    height: int
    dark: bool
    ground: Colour
    accent: Colour
    unit: float
    """Pixels of a line of text."""
    seed: int
    """Of what else does not change from screen to screen."""

    @property
    def ink(self) -> Colour:
        """The colour of text."""
        return (235, 235, 235) if self.dark else (20, 20, 20)

    @property
    def soft(self) -> Colour:
        """The colour of plates and lines."""
        return (48, 50, 54) if self.dark else (224, 226, 230)

    def fixed(self) -> Rng:
        """The stream of what does not change from screen to screen."""
        return np.random.default_rng(self.seed)

    def font(self, size: float = 1.0) -> Font:
        """The app's font, in lines of text."""
        return drawing.font(self.fixed(), size * 0.75 * self.unit)


def look(rng: Rng, *, phone: bool = True) -> Look:
    """Draw an app's looks."""
    across, down = (_PHONES if phone else _DESKTOPS)[pick(rng, _PHONES if phone else _DESKTOPS)]
    width = int(rng.integers(320, 760) if phone else rng.integers(600, 1280))
    dark = chance(rng, 0.5)
    grey = int(rng.integers(0, 40) if dark else rng.integers(225, 256))
    ground = (
        (grey, grey, grey)
        if chance(rng, 0.7)
        else drawing.contrasting(rng, (0, 0, 0) if not dark else (255, 255, 255))
    )
    height = round(width * down / across)
    unit = (height / 42 if phone else height / 34) * rng.uniform(0.8, 1.2)
    return Look(width, height, dark, ground, colour(rng), unit, int(rng.integers(1 << 30)))


def canvas(app: Look) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """An empty screen of an app."""
    image = Image.new("RGB", (app.width, app.height), app.ground)
    return image, ImageDraw.Draw(image)


def fitted(photo: Image.Image, width: float, height: float, *, fill: bool) -> Image.Image:
    """A photo as large as fits, or cut to fill."""
    size = max(8, round(width)), max(8, round(height))
    if fill:
        return ImageOps.fit(photo, size, Image.Resampling.LANCZOS)
    return ImageOps.contain(photo, size, Image.Resampling.LANCZOS)


def rounded(photo: Image.Image, radius: float) -> Image.Image:
    """A photo with a mask of rounded corners in its fourth channel."""
    big = Image.new("L", (2 * photo.width, 2 * photo.height))
    ImageDraw.Draw(big).rounded_rectangle((0, 0, big.width - 1, big.height - 1), 2 * radius, fill=255)
    photo = photo.convert("RGBA")
    photo.putalpha(big.resize(photo.size, Image.Resampling.LANCZOS))
    return photo


def status_bar(app: Look, image: Image.Image, rng: Rng) -> float:
    """Time, signals and battery at the top; gives its height in pixels."""
    fixed, draw, high = app.fixed(), ImageDraw.Draw(image), app.unit * 1.3
    if chance(fixed, 0.3):
        draw.rectangle((0, 0, app.width, high), fill=app.accent)
    face = app.font(0.8)
    now = f"{int(rng.integers(24))}:{int(rng.integers(60)):02}"
    middle = chance(fixed, 0.2)
    at = (app.width / 2 if middle else 0.5 * app.unit, high / 2)
    draw.text(at, now, app.ink, face, anchor="mm" if middle else "lm")
    right = app.width - 0.5 * app.unit
    percent = int(rng.integers(3, 101))
    wide, tall = app.unit, 0.5 * app.unit
    draw.rectangle((right - wide, high / 2 - tall / 2, right, high / 2 + tall / 2), outline=app.ink)
    draw.rectangle(
        (right - wide, high / 2 - tall / 2, right - wide * (1 - percent / 100), high / 2 + tall / 2), app.ink
    )
    for n in range(int(fixed.integers(1, 5))):
        x = right - wide - (n + 1) * 0.9 * app.unit
        if n == 0:
            draw.text((x, high / 2), f"{percent}%", app.ink, face, anchor="rm")
        else:
            draw.polygon(
                [
                    (x - app.unit, high * 0.75),
                    (x - 0.5 * app.unit, high * 0.75),
                    (x - 0.5 * app.unit, high * 0.3),
                ],
                app.ink,
            )
    return high


def icon(draw: ImageDraw.ImageDraw, rng: Rng, at: tuple[float, float], size: float, ink: Colour) -> None:
    """One of a few simple signs, its middle at a place."""
    x, y = at
    kind, half, thick = int(rng.integers(7)), size / 2, max(1, round(size / 10))
    if kind == 0:
        draw.line([(x + half / 2, y - half), (x - half / 2, y), (x + half / 2, y + half)], ink, thick)
    elif kind == 1:
        draw.ellipse((x - half, y - half, x + half, y + half), outline=ink, width=thick)
    elif kind == 2:
        for shift in (-0.6, 0, 0.6):
            draw.line((x - half, y + shift * half, x + half, y + shift * half), ink, thick)
    elif kind == 3:
        draw.rounded_rectangle((x - half, y - half, x + half, y + half), half / 3, outline=ink, width=thick)
    elif kind == 4:
        for shift in (-0.7, 0, 0.7):
            spot = y + shift * half
            draw.ellipse((x - thick, spot - thick, x + thick, spot + thick), ink)
    elif kind == 5:
        draw.polygon([(x, y - half), (x + half, y), (x, y + half), (x - half, y)], outline=ink, width=thick)
    else:
        draw.line((x - half, y, x + half, y), ink, thick)
        draw.line((x, y - half, x, y + half), ink, thick)


def title_bar(app: Look, image: Image.Image, top: float, words: str) -> float:
    """A bar with a sign, a name and further signs; gives where it ends."""
    fixed, draw, high = app.fixed(), ImageDraw.Draw(image), app.unit * 2.2
    if chance(fixed, 0.5):
        draw.rectangle((0, top, app.width, top + high), fill=app.soft)
    icon(draw, fixed, (1.2 * app.unit, top + high / 2), 0.9 * app.unit, app.ink)
    draw.text((2.6 * app.unit, top + high / 2), words, app.ink, app.font(1.2), anchor="lm")
    for n in range(int(fixed.integers(0, 4))):
        icon(draw, fixed, (app.width - (1.2 + 1.9 * n) * app.unit, top + high / 2), 0.9 * app.unit, app.ink)
    return top + high


def button_bar(app: Look, image: Image.Image) -> float:
    """A bar of signs at the bottom, sometimes a line to swipe below; gives where it begins."""
    fixed, draw, high = app.fixed(), ImageDraw.Draw(image), app.unit * 2.6
    below = app.unit if chance(fixed, 0.6) else 0.0
    top = app.height - high - below
    if chance(fixed, 0.5):
        draw.rectangle((0, top, app.width, app.height), fill=app.soft)
    count = int(fixed.integers(3, 6))
    named = chance(fixed, 0.4)
    for n in range(count):
        x = (n + 0.5) * app.width / count
        ink = app.accent if n == 0 and chance(fixed, 0.5) else app.ink
        icon(draw, fixed, (x, top + (0.35 if named else 0.5) * high), app.unit, ink)
        if named:
            draw.text((x, top + 0.8 * high), drawing.words(fixed, 1)[:8], app.ink, app.font(0.6), anchor="mm")
    if below:
        half, y = 0.17 * app.width, app.height - 0.5 * app.unit
        draw.rounded_rectangle((app.width / 2 - half, y - 2, app.width / 2 + half, y + 2), 2, fill=app.ink)
    return top


def gallery(app: Look, photos: Sequence[Image.Image], rng: Rng) -> Image.Image:
    """One photo between the bars of a viewer, in some apps with a strip of thumbnails."""
    image, _ = canvas(app)
    fixed = app.fixed()
    top = title_bar(app, image, status_bar(app, image, rng), drawing.number(rng))
    bottom = button_bar(app, image)
    if chance(fixed, 0.4) and len(photos) > 1:
        side = round(2.2 * app.unit)
        bottom -= side
        for n in range(app.width // (side + 2) + 1):
            shown = photos[1 + n % (len(photos) - 1)]
            image.paste(fitted(shown, side, side, fill=True), (n * (side + 2), round(bottom)))
    top, bottom = (0.0, app.height) if chance(fixed, 0.1) else (top, bottom)
    shown = fitted(photos[0], app.width, bottom - top, fill=False)
    image.paste(shown, ((app.width - shown.width) // 2, round(top + (bottom - top - shown.height) / 2)))
    return image


def _bubble(app: Look, image: Image.Image, rng: Rng, y: float, *, own: bool, fill: Colour) -> float:
    face = app.font()
    name = "latin" if chance(app.fixed(), 0.7) else drawing.script(app.fixed())
    face = face if name == "latin" else drawing.font(app.fixed(), 0.75 * app.unit, name)
    words = drawing.wrap(drawing.words(rng, int(rng.integers(1, 14)), name), face, 0.6 * app.width)
    draw = ImageDraw.Draw(image)
    box = draw.multiline_textbbox((0, 0), words, font=face)
    pad, gap = 0.5 * app.unit, 0.6 * app.unit
    wide, high = box[2] + 2 * pad, box[3] + 2 * pad
    left = app.width - gap - wide if own else gap
    draw.rounded_rectangle((left, y, left + wide, y + high), 0.7 * app.unit, fill=fill)
    draw.text((left + pad, y + pad), words, drawing.contrasting(app.fixed(), fill), face)
    return y + high + gap


def chat(app: Look, photos: Sequence[Image.Image], rng: Rng) -> Image.Image:
    """A photo among bubbles of text."""
    image, draw = canvas(app)
    fixed = app.fixed()
    own_fill, their_fill = (app.accent, app.soft) if chance(fixed, 0.7) else (app.soft, app.soft)
    share, radius = fixed.uniform(0.55, 0.9), fixed.uniform(0, 1.0) * app.unit
    top = title_bar(app, image, status_bar(app, image, rng), drawing.words(rng, 2))
    bottom = app.height - 3 * app.unit
    y, before = top + 0.6 * app.unit, int(rng.integers(0, 4))
    for _ in range(before):
        own = chance(rng, 0.5)
        y = _bubble(app, image, rng, y, own=own, fill=own_fill if own else their_fill)
    for photo in photos[: int(rng.integers(1, 3))]:
        shown = fitted(photo, share * app.width, 0.55 * app.height, fill=False)
        own = chance(rng, 0.5)
        left = app.width - 0.6 * app.unit - shown.width if own else 0.6 * app.unit
        plate = rounded(shown, radius)
        image.paste(plate, (round(left), round(y)), plate)
        draw.text(
            (left + shown.width - 4, y + shown.height - 4),
            drawing.number(rng),
            (255, 255, 255),
            app.font(0.6),
            anchor="rd",
        )
        y += shown.height + 0.6 * app.unit
    while y < bottom - 3 * app.unit:
        own = chance(rng, 0.5)
        y = _bubble(app, image, rng, y, own=own, fill=own_fill if own else their_fill)
    draw.rectangle((0, bottom, app.width, app.height), fill=app.ground)
    box = (2.5 * app.unit, bottom + 0.5 * app.unit, app.width - 3 * app.unit, bottom + 2.3 * app.unit)
    draw.rounded_rectangle(box, app.unit, fill=app.soft)
    for x in (1.3 * app.unit, app.width - 1.5 * app.unit):
        icon(draw, fixed, (x, bottom + 1.4 * app.unit), app.unit, app.accent)
    return image


def feed(app: Look, photos: Sequence[Image.Image], rng: Rng) -> Image.Image:
    """A post: a name, the photo from side to side, signs, likes and words; then the next one."""
    image, draw = canvas(app)
    fixed = app.fixed()
    square, shown_name = chance(fixed, 0.3), drawing.words(fixed, 1)
    y = title_bar(app, image, status_bar(app, image, rng), shown_name)
    signs = int(fixed.integers(1 << 30))
    for photo in photos[:2]:
        spot, side = 0.5 * app.unit, 1.8 * app.unit
        draw.ellipse((spot, y + spot / 2, spot + side, y + spot / 2 + side), colour(rng))
        draw.text(
            (spot * 2 + side, y + spot + side / 3), drawing.words(rng, 2), app.ink, app.font(), anchor="lm"
        )
        y += side + spot
        high = app.width if square else min(app.width * photo.height / photo.width, 0.62 * app.height)
        shown = fitted(photo, app.width, high, fill=True)
        image.paste(shown, (0, round(y)))
        y += shown.height
        row = np.random.default_rng(signs)
        for n in range(4):
            icon(draw, row, ((1.2 + 2.2 * n) * app.unit, y + 1.1 * app.unit), 1.1 * app.unit, app.ink)
        words = f"{drawing.number(rng)}  {drawing.words(rng, 8)}"
        draw.text(
            (0.6 * app.unit, y + 2.1 * app.unit),
            drawing.wrap(words, app.font(), 0.95 * app.width),
            app.ink,
            app.font(),
        )
        y += 4.6 * app.unit
    bottom = button_bar(app, image.copy())
    draw.rectangle((0, bottom, app.width, app.height), fill=app.ground)
    button_bar(app, image)
    return image


def browser(app: Look, photos: Sequence[Image.Image], rng: Rng) -> Image.Image:
    """A window with a photo and text beside or below it."""
    image, draw = canvas(app)
    fixed, unit = app.fixed(), app.unit
    draw.rectangle((0, 0, app.width, 3 * unit), fill=app.soft)
    for n, ink in enumerate(((237, 95, 87), (245, 190, 60), (98, 198, 85))):
        draw.ellipse(((0.6 + 1.1 * n) * unit, 0.4 * unit, (1.4 + 1.1 * n) * unit, 1.2 * unit), ink)
    draw.rounded_rectangle(
        (2 * unit, 1.6 * unit, app.width - 2 * unit, 2.8 * unit), 0.5 * unit, fill=app.ground
    )
    draw.text(
        (2.5 * unit, 2.2 * unit),
        f"https://{drawing.words(fixed, 1).lower()}.example/{drawing.number(rng)}",
        app.ink,
        app.font(0.8),
        anchor="lm",
    )
    beside = chance(fixed, 0.5)
    wide = fixed.uniform(0.45, 0.7) * app.width if beside else fixed.uniform(0.6, 0.95) * app.width
    draw.text((unit, 3.6 * unit), drawing.words(rng, 4), app.ink, app.font(1.6))
    shown = fitted(photos[0], wide, (0.75 if beside else 0.6) * app.height, fill=False)
    image.paste(shown, (round(unit), round(6 * unit)))
    left = shown.width + 2 * unit if beside else unit
    top = 6 * unit if beside else shown.height + 7 * unit
    text = drawing.wrap(drawing.words(rng, 220), app.font(), max(4 * unit, app.width - left - unit))
    draw.text((left, top), text, app.ink, app.font(), spacing=0.3 * unit)
    return image


def thumbnails(app: Look, photos: Sequence[Image.Image], rng: Rng) -> Image.Image:
    """A grid of squares, as albums show it."""
    image, draw = canvas(app)
    columns = int(app.fixed().integers(2, 5))
    side, gap = app.width // columns, max(1, round(0.08 * app.unit))
    y = round(title_bar(app, image, status_bar(app, image, rng), drawing.words(app.fixed(), 1)))
    place = 0
    while y < app.height:
        for column in range(columns):
            shown = fitted(photos[place % len(photos)], side - gap, side - gap, fill=True)
            image.paste(shown, (column * side, y))
            place += 1
        y += side
    draw.rectangle((0, button_bar(app, image.copy()), app.width, app.height), fill=app.ground)
    button_bar(app, image)
    return image


APPS: Mapping[str, Callable[[Look, Sequence[Image.Image], Rng], Image.Image]] = {
    "gallery": gallery,
    "chat": chat,
    "feed": feed,
    "browser": browser,
    "thumbnails": thumbnails,
}
