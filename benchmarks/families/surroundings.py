"""Edits that put a photo into something: borders, memes, screens, collages, a photo of a screen, a print, a scan."""

from functools import partial

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from benchmarks.families import apps, drawing
from benchmarks.families.drawing import Colour, Other, Rng, chance, colour, log_uniform, pick
from benchmarks.families.photometric import picture, pixels, saved, short


def padded(image: Image.Image, rng: Rng) -> Image.Image:
    """Room of one colour, of a texture, or of the blurred picture itself around, up to 60 % of each side."""
    width, height = image.size
    left, right = (round(v * width) for v in rng.uniform(0, 0.6, 2))
    top, bottom = (round(v * height) for v in rng.uniform(0, 0.6, 2))
    if chance(rng, 0.5):
        if chance(rng, 0.5):
            left = right = 0
        else:
            top = bottom = 0
    size = width + left + right, height + top + bottom
    kind = int(rng.integers(3))
    if kind == 0:
        ground = Image.new("RGB", size, colour(rng))
    elif kind == 1:
        ground = drawing.texture(rng, *size)
    else:
        wide = ImageOps.fit(image, size, Image.Resampling.BILINEAR)
        ground = wide.filter(ImageFilter.GaussianBlur(rng.uniform(0.03, 0.1) * short(image)))
    ground.paste(image, (left, top))
    return ground


def framed(image: Image.Image, rng: Rng) -> Image.Image:
    """One to four frames inside each other, plain, textured or bevelled; some wider below, as of instant film."""
    for _ in range(int(rng.integers(1, 5))):
        edge = max(1, round(log_uniform(rng, 0.008, 0.12) * short(image)))
        below = edge * (3 if chance(rng, 0.15) else 1)
        size = image.width + 2 * edge, image.height + edge + below
        ground = drawing.texture(rng, *size) if chance(rng, 0.3) else Image.new("RGB", size, colour(rng))
        if chance(rng, 0.3):
            draw = ImageDraw.Draw(ground)
            draw.line([(0, size[1] - 1), (0, 0), (size[0] - 1, 0)], (240, 240, 240), max(1, edge // 6))
            draw.line(
                [(0, size[1] - 1), (size[0] - 1, size[1] - 1), (size[0] - 1, 0)],
                (30, 30, 30),
                max(1, edge // 6),
            )
        ground.paste(image, (edge, edge))
        image = ground
    return image


def rounded(image: Image.Image, rng: Rng) -> Image.Image:
    """Corners rounded, up to an ellipse, on one colour."""
    radius = log_uniform(rng, 0.03, 0.5) * short(image)
    plate = apps.rounded(image, radius)
    ground = Image.new("RGB", image.size, colour(rng))
    ground.paste(plate, (0, 0), plate)
    return ground


def letterboxed(image: Image.Image, rng: Rng) -> Image.Image:
    """Black bars that make it a film's or a screen's shape."""
    shapes = (16 / 9, 2.39, 1.0, 9 / 16, 4 / 3)
    shape = shapes[pick(rng, shapes)]
    size = max(image.width, round(image.height * shape)), max(image.height, round(image.width / shape))
    level = int(rng.integers(0, 20))
    return ImageOps.pad(image, size, color=(level, level, level)) if size != image.size else _over(image, rng)


def _over(image: Image.Image, rng: Rng) -> Image.Image:
    """Bars drawn over the upper and lower ends."""
    image = image.copy()
    high = rng.uniform(0.05, 0.14) * image.height
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, image.width, high), (0, 0, 0))
    draw.rectangle((0, image.height - high, image.width, image.height), (0, 0, 0))
    return image


def with_bar(
    image: Image.Image, words: str, ground: Colour, face: drawing.Font, *, above: bool
) -> Image.Image:
    """A bar with wrapped text above or below a picture."""
    text = drawing.wrap(words, face, 0.94 * image.width)
    box = ImageDraw.Draw(image).multiline_textbbox((0, 0), text, font=face)
    size = round(face.getbbox("x")[3])
    high = round(box[3] + size)
    canvas = Image.new("RGB", (image.width, image.height + high), ground)
    canvas.paste(image, (0, high if above else 0))
    ink = (0, 0, 0) if sum(ground) > 382 else (255, 255, 255)
    ImageDraw.Draw(canvas).text(
        (0.03 * image.width, (0 if above else image.height) + size / 2), text, ink, face
    )
    return canvas


def meme(image: Image.Image, rng: Rng) -> Image.Image:
    """Bars with text above, below or both."""
    name = drawing.script(rng)
    face = drawing.font(rng, log_uniform(rng, 0.05, 0.13) * image.width, name)
    ground = ((255, 255, 255), (0, 0, 0), colour(rng))[pick(rng, range(3))]
    sides = ((True,), (False,), (True, False))[pick(rng, range(3))]
    for above in sides:
        image = with_bar(image, drawing.words(rng, int(rng.integers(2, 14)), name), ground, face, above=above)
    return image


def in_app(image: Image.Image, rng: Rng, other: Other, *, name: str) -> Image.Image:
    """A screenshot of an app that shows the photo."""
    looks = apps.look(rng, phone=name != "browser")
    seen = [image, *(other() for _ in range(4))]
    return apps.APPS[name](looks, seen, rng)


gallery, chat, feed, browser = (partial(in_app, name=name) for name in ("gallery", "chat", "feed", "browser"))


def collage(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
    """Two to nine photos in a grid, cut to fill or all of each shown, with or without gaps."""
    columns, rows = ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3))[pick(rng, range(8))]
    count = columns * rows
    side = log_uniform(rng, 0.5, 1.0) * max(image.size)
    wide, high = round(side), round(side * log_uniform(rng, 0.7, 1.4))
    gap = round(log_uniform(rng, 0.005, 0.08) * side) if chance(rng, 0.7) else 0
    fill = chance(rng, 0.7)
    canvas = Image.new("RGB", (columns * (wide + gap) + gap, rows * (high + gap) + gap), colour(rng))
    mine = int(rng.integers(count))
    for place in range(count):
        shown = apps.fitted(image if place == mine else other(), wide, high, fill=fill)
        left, top = gap + place % columns * (wide + gap), gap + place // columns * (high + gap)
        canvas.paste(shown, (left + (wide - shown.width) // 2, top + (high - shown.height) // 2))
    return canvas


def beside(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
    """Before and after: another photo of the same height or width, without a gap."""
    second = other()
    if chance(rng, 0.7):
        second = second.resize((max(8, round(second.width * image.height / second.height)), image.height))
        canvas = Image.new("RGB", (image.width + second.width, image.height))
        places = [(0, 0), (second.width, 0), (image.width, 0)]
    else:
        second = second.resize((image.width, max(8, round(second.height * image.width / second.width))))
        canvas = Image.new("RGB", (image.width, image.height + second.height))
        places = [(0, 0), (0, second.height), (0, image.height)]
    first = chance(rng, 0.5)
    canvas.paste(image, places[0] if first else places[1])
    canvas.paste(second, places[2] if first else places[0])
    return canvas


def inset(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
    """Another photo, small, in the picture; a fifth to a half of its sides, edged or not."""
    image = image.copy()
    share = rng.uniform(0.2, 0.5)
    small = apps.fitted(other(), share * image.width, share * image.height, fill=False)
    if chance(rng, 0.5):
        small = ImageOps.expand(small, max(1, round(0.01 * short(image))), colour(rng))
    left, top = (int(rng.uniform(0, max(1, a - b))) for a, b in zip(image.size, small.size, strict=True))
    image.paste(small, (left, top))
    return image


def within(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
    """The photo lies on another one, or on its own blurred picture; 40 to 85 % of the sides."""
    share = rng.uniform(0.4, 0.85)
    ground = other() if chance(rng, 0.7) else image.filter(ImageFilter.GaussianBlur(0.06 * short(image)))
    size = round(image.width / share), round(image.height / share * log_uniform(rng, 0.8, 1.5))
    canvas = ImageOps.fit(ground, size, Image.Resampling.BILINEAR)
    plate = (
        apps.rounded(image, rng.uniform(0, 0.1) * short(image)) if chance(rng, 0.4) else image.convert("RGBA")
    )
    left, top = (int(rng.uniform(0, max(1, a - b))) for a, b in zip(size, image.size, strict=True))
    canvas.paste(plate, (left, top), plate)
    return canvas


def _seen_from(image: Image.Image, rng: Rng, ground: Image.Image, reach: float) -> Image.Image:
    """A flat thing on a ground, seen from a side."""
    width, height = ground.size
    inset_x, inset_y = (width - image.width) / 2, (height - image.height) / 2
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    source = (corners * image.size).astype(np.float32)
    target = corners * image.size + (inset_x, inset_y) + rng.uniform(-reach, reach, (4, 2)) * image.size
    matrix = cv2.getPerspectiveTransform(source, target.astype(np.float32))
    moved = cv2.warpPerspective(np.asarray(image), matrix, (width, height), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.full(image.size[::-1], 255, np.uint8), matrix, (width, height))
    shade = cv2.GaussianBlur(np.roll(mask, round(0.01 * width), 1), (0, 0), 0.012 * width)[:, :, None] / 255
    weight = mask[:, :, None] / np.float32(255)
    below = pixels(ground) * (1 - rng.uniform(0, 0.6) * shade)
    return picture(below * (1 - weight) + moved * weight)


def screen_photographed(image: Image.Image, rng: Rng) -> Image.Image:
    """A camera's picture of a screen: dots of the screen, moire against the sensor's, glare, a tilt, noise."""
    scale = max(1.0, 480 / short(image)) * 2
    size = round(image.width * scale), round(image.height * scale)
    values = pixels(image.resize(size, Image.Resampling.BICUBIC))
    pitch, depth = rng.uniform(2.2, 4.5), rng.uniform(0.15, 0.6)
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    dots = [1 - depth * (0.5 + 0.5 * np.cos(2 * np.pi * (x / pitch + n / 3))) for n in range(3)]
    lines = 1 - 0.5 * depth * (0.5 + 0.5 * np.cos(2 * np.pi * y / pitch))
    lit = picture(values * np.stack(dots, -1) * lines[:, :, None] * rng.uniform(1.2, 1.7))
    margin = rng.uniform(1.0, 1.25)
    ground = Image.new("RGB", (round(size[0] * margin), round(size[1] * margin)), (12, 12, 14))
    seen = _seen_from(lit, rng, ground, 0.03)
    factor = rng.uniform(0.35, 0.6)
    sensor = (max(32, round(seen.width * factor)), max(32, round(seen.height * factor)))
    seen = seen.resize(sensor, Image.Resampling.BILINEAR, reducing_gap=1.0)
    return _glare(seen, rng)


def _glare(image: Image.Image, rng: Rng) -> Image.Image:
    """A lamp's reflection, uneven light, another white, noise, JPEG."""
    values = pixels(image)
    y, x = np.mgrid[0 : 1 : image.height * 1j, 0 : 1 : image.width * 1j].astype(np.float32)
    slope = rng.normal(0, 0.2, 2)
    values *= (1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)).astype(np.float32)[:, :, None]
    if chance(rng, 0.6):
        far = np.hypot(x - rng.random(), y - rng.random()) / rng.uniform(0.1, 0.5)
        values += rng.uniform(20, 110) * np.exp(-(far**2))[:, :, None]
    noise = rng.normal(0, rng.uniform(1, 6), values.shape)
    seen = picture(values * np.exp(rng.normal(0, 0.06, 3)) + noise)
    return saved(seen, "JPEG", quality=int(rng.integers(60, 95)))


def print_photographed(image: Image.Image, rng: Rng) -> Image.Image:
    """A print on a table, seen a little from the side, with its shadow."""
    paper = ImageOps.expand(image, round(rng.uniform(0, 0.06) * short(image)), (244, 242, 236))
    size = tuple(round(side * rng.uniform(1.15, 1.6)) for side in paper.size)
    return _glare(_seen_from(paper, rng, drawing.texture(rng, size[0], size[1]), 0.06), rng)


def scanned(image: Image.Image, rng: Rng) -> Image.Image:
    """An old print scanned: a little crooked, yellowed, dust, hairs, scratches, a white or black margin."""
    margin = round(rng.uniform(0.02, 0.15) * short(image))
    level = int(rng.choice([250, 20, 200]))
    sheet = ImageOps.expand(image, margin, (level, level, level))
    sheet = sheet.rotate(rng.normal(0, 1.5), Image.Resampling.BICUBIC, fillcolor=(level, level, level))
    age = rng.uniform(0, 1)
    worn = picture(pixels(sheet) * (1 - age * np.array([0.0, 0.05, 0.2])) * (1 - 0.25 * age) + 45 * age)
    draw = ImageDraw.Draw(worn)
    for _ in range(round(log_uniform(rng, 10, 200))):
        x, y, radius = (
            rng.uniform(0, worn.width),
            rng.uniform(0, worn.height),
            rng.exponential(0.003) * short(image),
        )
        ink = (235, 235, 230) if chance(rng, 0.6) else (30, 28, 25)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), ink)
    for _ in range(int(rng.integers(0, 12))):
        start = rng.uniform(0, 1, 2) * worn.size
        steps = np.cumsum(rng.normal(0, 0.02, (12, 2)) + rng.normal(0, 0.012, 2), 0) * short(image)
        ink = (240, 240, 235) if chance(rng, 0.6) else (40, 36, 30)
        draw.line([(start[0] + dx, start[1] + dy) for dx, dy in steps], ink, 1 if chance(rng, 0.7) else 2)
    return worn.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.8)))


def on_page(image: Image.Image, rng: Rng) -> Image.Image:
    """A picture in an article or a letter, with a headline and columns of text."""
    share = rng.uniform(0.45, 0.95)
    width = round(image.width / share)
    height = round(width * rng.uniform(1.0, 1.5)) + image.height // 2
    page = Image.new("RGB", (width, height), (255, 255, 255) if chance(rng, 0.7) else (238, 232, 218))
    draw = ImageDraw.Draw(page)
    unit = width / rng.uniform(28, 50)
    name = drawing.script(rng)
    face, head = drawing.font(rng, unit, name), drawing.font(rng, 2.2 * unit, name)
    edge = (width - image.width) // 2
    draw.text((edge, unit), drawing.wrap(drawing.words(rng, 5, name), head, image.width), (20, 20, 20), head)
    top = round(7 * unit + rng.uniform(0, 0.2) * height)
    body = drawing.wrap(drawing.words(rng, 500, name), face, image.width)
    lines = body.split("\n")
    before = max(0, int((top - 6.5 * unit) / (1.4 * unit)))
    for n, line in enumerate(lines):
        y = (
            6.5 * unit + n * 1.4 * unit
            if n < before
            else top + image.height + (n - before + 0.5) * 1.4 * unit
        )
        if y > height:
            break
        draw.text((edge, y), line, (40, 40, 40), face)
    page.paste(image, (edge, top))
    return page
