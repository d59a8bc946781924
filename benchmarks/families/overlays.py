"""Edits that draw over a photo: text, emoji, stickers, marks, stripes, hidden and retouched places, another photo."""

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.families import drawing
from benchmarks.families.drawing import Floats, Other, Rng, chance, colour, log_uniform
from benchmarks.families.photometric import picture, pixels, short


def _place(rng: Rng, image: Image.Image, width: float, height: float) -> tuple[int, int]:
    """The upper left corner of something that lies in the picture, if it fits."""
    left, top = rng.uniform(0, max(1, image.width - width)), rng.uniform(0, max(1, image.height - height))
    return int(left), int(top)


def text(image: Image.Image, rng: Rng) -> Image.Image:
    """One to four lines of any script anywhere, letters of 3 to 20 % of the height, plain, edged or on a plate."""
    image = image.copy()
    for _ in range(1 if chance(rng, 0.6) else int(rng.integers(2, 5))):
        name = drawing.script(rng)
        size = max(8.0, log_uniform(rng, 0.03, 0.2) * short(image))
        face = drawing.font(rng, size, name)
        words = drawing.words(rng, int(rng.integers(1, 6)), name)
        words = drawing.wrap(words, face, 0.95 * image.width)
        fill, stroke = colour(rng), int(rng.integers(0, max(1, round(0.12 * size))))
        box = ImageDraw.Draw(image).multiline_textbbox((0, 0), words, font=face, stroke_width=stroke)
        at = _place(rng, image, box[2], box[3])
        if chance(rng, 0.3):
            plate = (at[0] - 0.2 * size, at[1], at[0] + box[2] + 0.2 * size, at[1] + box[3] + 0.2 * size)
            ImageDraw.Draw(image).rectangle(plate, fill=drawing.contrasting(rng, fill))
        drawing.write(image, at, words, face, fill, stroke=stroke, edge=drawing.contrasting(rng, fill))
    return image


def caption(image: Image.Image, rng: Rng) -> Image.Image:
    """White, edged capitals at the top and the bottom; or a band with a line of text, as stories have it."""
    image = image.copy()
    name = drawing.script(rng)
    size = log_uniform(rng, 0.06, 0.15) * image.height
    face = drawing.font(rng, size, name)
    ends = [0.02, 0.97] if chance(rng, 0.5) else [float(rng.choice([0.02, 0.97]))]
    if chance(rng, 0.4):
        return _banded(image, rng, name)
    for end in ends:
        words = drawing.wrap(
            drawing.words(rng, int(rng.integers(2, 7)), name).upper(), face, 0.94 * image.width
        )
        words = "\n".join(words.split("\n")[:2])
        anchor = "ma" if end < 0.5 else "md"
        at = (image.width / 2, end * image.height)
        drawing.write(
            image, at, words, face, (255, 255, 255), stroke=max(1, round(0.07 * size)), anchor=anchor
        )
    return image


def _banded(image: Image.Image, rng: Rng, name: str) -> Image.Image:
    high = log_uniform(rng, 0.07, 0.16) * image.height
    top = rng.uniform(0, image.height - high)
    ground = colour(rng)
    layer = image.copy()
    ImageDraw.Draw(layer).rectangle((0, top, image.width, top + high), fill=ground)
    image = Image.blend(image, layer, rng.uniform(0.5, 1.0))
    face = drawing.font(rng, 0.6 * high, name)
    at = (image.width / 2, top + high / 2)
    words = drawing.words(rng, int(rng.integers(1, 5)), name)
    drawing.write(image, at, words, face, drawing.contrasting(rng, ground), anchor="mm")
    return image


def _laid(image: Image.Image, rng: Rng, sticker: Image.Image, opacity: float) -> Image.Image:
    """Put an RGBA picture on another, turned, somewhere inside or over an edge."""
    sticker = sticker.rotate(rng.normal(0, 20), Image.Resampling.BICUBIC, expand=True)
    if opacity < 1:
        sticker.putalpha(sticker.getchannel("A").point(lambda v: round(v * opacity)))
    left, top = _place(rng, image, sticker.width, sticker.height)
    if chance(rng, 0.2):
        left -= sticker.width // 3
    image.paste(sticker, (left, top), sticker)
    return image


def emoji(image: Image.Image, rng: Rng) -> Image.Image:
    """One big emoji, of 15 to 60 % of the shorter side, or up to eight smaller ones."""
    image = image.copy()
    count = 1 if chance(rng, 0.5) else int(rng.integers(2, 9))
    for _ in range(count):
        side = round(log_uniform(rng, 0.15, 0.6 if count == 1 else 0.3) * short(image))
        image = _laid(image, rng, drawing.emoji(rng, side), 1.0)
    return image


def stickers(image: Image.Image, rng: Rng) -> Image.Image:
    """One to twelve shapes that hide 3 to 40 % of the area together."""
    image = image.copy()
    count = int(rng.integers(1, 13))
    area = log_uniform(rng, 0.03, 0.4) * image.width * image.height
    opacity = 1.0 if chance(rng, 0.8) else rng.uniform(0.5, 1.0)
    for share in rng.dirichlet(np.full(count, 3)):
        side = round(min(np.sqrt(area * share / 0.7), 0.9 * short(image)))
        image = _laid(image, rng, drawing.shape(rng, side), opacity)
    return image


def watermark_tiled(image: Image.Image, rng: Rng) -> Image.Image:
    """The same word, slanted and half transparent, all over; sometimes lines between."""
    size = log_uniform(rng, 0.04, 0.12) * short(image)
    face = drawing.font(rng, size)
    word = drawing.words(rng, int(rng.integers(1, 3)))
    side = round(1.5 * max(image.size))
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    step = max(size * 1.6, face.getlength(word) * rng.uniform(1.1, 2.0)), size * rng.uniform(1.6, 4)
    for row in range(int(side / step[1]) + 1):
        for column in range(int(side / step[0]) + 1):
            draw.text(((column + row % 2 / 2) * step[0], row * step[1]), word, 255, face)
    if chance(rng, 0.3):
        for place in np.arange(0, side, 3 * step[1]):
            draw.line((0, place, side, place), 255, max(1, round(size / 20)))
    mask = mask.rotate(rng.uniform(-45, 45), Image.Resampling.BICUBIC)
    left, top = (side - image.width) // 2, (side - image.height) // 2
    return _stamped(
        image, mask.crop((left, top, left + image.width, top + image.height)), rng.uniform(0.15, 0.7), rng
    )


def watermark(image: Image.Image, rng: Rng) -> Image.Image:
    """A small mark in a corner or a big pale one across the middle; or the date a camera prints."""
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    across = chance(rng, 0.25)
    size = (0.18 if across else log_uniform(rng, 0.03, 0.08)) * short(image)
    face = drawing.font(rng, size)
    word = drawing.number(rng) if chance(rng, 0.3) else drawing.words(rng, int(rng.integers(1, 3)))
    if across:
        draw.text((image.width / 2, image.height / 2), word, 255, face, anchor="mm")
        return _stamped(image, mask, rng.uniform(0.2, 0.6), rng)
    left, low = chance(rng, 0.5), chance(rng, 0.8)
    gap = 0.03 * short(image)
    at = gap if left else image.width - gap, image.height - gap if low else gap
    draw.text(at, word, 255, face, anchor=("l" if left else "r") + ("d" if low else "a"))
    return _stamped(image, mask, rng.uniform(0.5, 1.0), rng)


def _stamped(image: Image.Image, mask: Image.Image, opacity: float, rng: Rng) -> Image.Image:
    ink = (255, 255, 255) if chance(rng, 0.6) else colour(rng)
    return Image.composite(Image.new("RGB", image.size, ink), image, mask.point(lambda v: round(v * opacity)))


def stripes(image: Image.Image, rng: Rng) -> Image.Image:
    """Parallel bands at any angle, 4 to 40 % of the area, opaque or not."""
    share, count = log_uniform(rng, 0.04, 0.4), int(rng.integers(2, 25))
    angle = rng.uniform(0, np.pi) if chance(rng, 0.5) else float(rng.choice([0, np.pi / 2]))
    y, x = np.mgrid[0 : image.height, 0 : image.width].astype(np.float32) / max(image.size)
    phase = (x * np.cos(angle) + y * np.sin(angle)) * count + rng.random()
    hit = np.mod(phase, 1) < share
    weight = (hit * (1.0 if chance(rng, 0.6) else rng.uniform(0.3, 0.9)))[:, :, None].astype(np.float32)
    return picture(pixels(image) * (1 - weight) + np.array(colour(rng), np.float32) * weight)


def scribbles(image: Image.Image, rng: Rng) -> Image.Image:
    """Strokes of a pen, circles around things, arrows."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    width, height = image.size
    for _ in range(int(rng.integers(1, 6))):
        ink, thick = colour(rng), max(1, round(log_uniform(rng, 0.006, 0.05) * short(image)))
        kind = int(rng.integers(3))
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if kind == 0:
            steps = np.cumsum(np.cumsum(rng.normal(0, 0.01, (40, 2)), 0), 0) * short(image)
            draw.line([(x + dx, y + dy) for dx, dy in steps], ink, thick, "curve")
        elif kind == 1:
            a, b = rng.uniform(0.05, 0.3, 2) * short(image)
            draw.ellipse((x - a, y - b, x + a, y + b), outline=ink, width=thick)
        else:
            angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.4) * short(image)
            ends = [(x, y), (x + length * np.cos(angle), y + length * np.sin(angle))]
            draw.line(ends, ink, thick)
            for side in (-0.5, 0.5):
                barb = angle + np.pi + side
                tip = ends[1]
                draw.line(
                    [tip, (tip[0] + 0.3 * length * np.cos(barb), tip[1] + 0.3 * length * np.sin(barb))],
                    ink,
                    thick,
                )
    return image


def censored(image: Image.Image, rng: Rng) -> Image.Image:
    """One to four places made unreadable: mosaic, blur or a bar, as on faces and number plates."""
    image = image.copy()
    for _ in range(int(rng.integers(1, 5))):
        width, height = (max(8, round(log_uniform(rng, 0.08, 0.35) * side)) for side in image.size)
        left, top = _place(rng, image, width, height)
        part = image.crop((left, top, left + width, top + height))
        kind = int(rng.integers(3))
        if kind == 0:
            cells = int(rng.integers(3, 9))
            part = part.resize((cells, cells), Image.Resampling.BOX).resize(
                part.size, Image.Resampling.NEAREST
            )
        elif kind == 1:
            part = part.filter(ImageFilter.GaussianBlur(rng.uniform(0.1, 0.3) * min(width, height)))
        else:
            part = Image.new("RGB", part.size, colour(rng))
        mask = Image.new("L", part.size, 0 if chance(rng, 0.3) else 255)
        ImageDraw.Draw(mask).ellipse((0, 0, *part.size), fill=255)
        image.paste(part, (left, top), mask)
    return image


def erased(image: Image.Image, rng: Rng) -> Image.Image:
    """One to ten rectangles of a colour or of noise, up to 30 % of the area."""
    values = pixels(image).copy()
    count, area = int(rng.integers(1, 11)), log_uniform(rng, 0.02, 0.3)
    for share in rng.dirichlet(np.ones(count)) * area * image.width * image.height:
        shape = log_uniform(rng, 0.4, 2.5)
        width = max(2, min(image.width - 1, round(np.sqrt(share * shape))))
        height = max(2, min(image.height - 1, round(share / width)))
        left, top = _place(rng, image, width, height)
        noisy = chance(rng, 0.3)
        fill = rng.integers(0, 256, (height, width, 3)) if noisy else np.array(colour(rng))
        values[top : top + height, left : left + width] = np.broadcast_to(fill, (height, width, 3))[
            : image.height - top, : image.width - left
        ]
    return picture(values)


def _spot(image: Image.Image, rng: Rng, low: float, high: float) -> Floats:
    """A round or ragged place, (h, w) 0 or 255 uint8, of a share of the shorter side."""
    radius = max(3, round(log_uniform(rng, low, high) * short(image) / 2))
    mask = np.zeros(image.size[::-1], np.uint8)
    x, y = _place(rng, image, 2 * radius, 2 * radius)
    for _ in range(int(rng.integers(1, 5))):
        dx, dy = rng.normal(0, 0.4 * radius, 2)
        cv2.circle(mask, (int(x + radius + dx), int(y + radius + dy)), radius, 255, -1)
    return mask


def retouched(image: Image.Image, rng: Rng) -> Image.Image:
    """A thing of 3 to 12 % of the side taken out: filled from around, or from another place of the picture."""
    mask = _spot(image, rng, 0.03, 0.12)
    values = np.asarray(image)
    if chance(rng, 0.5):
        return Image.fromarray(cv2.inpaint(values, mask, 3, cv2.INPAINT_TELEA))
    shift = tuple(int(v) for v in rng.normal(0, 0.15, 2) * np.array(values.shape[:2]))
    soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 0.006 * short(image))[:, :, None]
    return picture(values * (1 - soft) + np.roll(values, shift, (0, 1)) * soft)


def recoloured(image: Image.Image, rng: Rng) -> Image.Image:
    """One to four small places in another colour or light: red eyes taken out, teeth whitened, lips painted."""
    values = pixels(image)
    for _ in range(int(rng.integers(1, 5))):
        mask = _spot(image, rng, 0.02, 0.15)
        soft = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), max(0.5, 0.005 * short(image)))[
            :, :, None
        ]
        changed = values.mean(2, keepdims=True) * rng.uniform(0.5, 1.5, 3).astype(np.float32)
        values = values * (1 - soft) + changed * soft
    return picture(values)


def blended(image: Image.Image, rng: Rng, other: Other) -> Image.Image:
    """Another photo shines through: 8 to 45 % of it."""
    return Image.blend(image, other().resize(image.size), rng.uniform(0.08, 0.45))
