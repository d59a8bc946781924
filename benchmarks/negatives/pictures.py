"""Pairs of pictures with photos in them that are no versions of each other: screens, memes, posters, cameras that stand still.

Each function takes a random stream and something that gives photos, and makes two pictures.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageOps

from benchmarks.families import apps, drawing
from benchmarks.families.drawing import Floats, Other, Rng, chance, colour, contrasting, log_uniform, pick
from benchmarks.families.geometric import warped
from benchmarks.families.photometric import picture, pixels, saved, short
from benchmarks.families.surroundings import with_bar
from benchmarks.shots import SHOTS

Pair = tuple[Image.Image, Image.Image]
Draw = Callable[[Rng, Other], Pair]
LARGE = 800
"""Pixels of the shorter side to which photos are enlarged where a small thing in a large photo is meant."""
SMALLEST_CHANGE = 8
"""Pixels: no side of a change is shorter."""


def _stream(rng: Rng) -> int:
    return int(rng.integers(1 << 40))


def screens(rng: Rng, other: Other, *, name: str) -> Pair:
    """Two screens of one app with other photos; the words are other ones, too, or the same."""
    looks = apps.look(rng, phone=name != "browser")
    seeds = [_stream(rng)] * 2 if chance(rng, 0.5) else [_stream(rng), _stream(rng)]
    first, second = (
        apps.APPS[name](looks, [other() for _ in range(5)], np.random.default_rng(s)) for s in seeds
    )
    return first, second


def albums(rng: Rng, other: Other) -> Pair:
    """Two screens of one album, the second with one to three photos more at the beginning."""
    looks, seed = apps.look(rng), _stream(rng)
    photos = [other() for _ in range(10)]
    more = [other() for _ in range(int(rng.integers(1, 4)))]
    first, second = (
        apps.thumbnails(looks, shown, np.random.default_rng(seed)) for shown in (photos, [*more, *photos])
    )
    return first, second


def _meme(photo: Image.Image, look: int, words: list[str]) -> Image.Image:
    """A photo with words over it or in bars, as the look says."""
    rng = np.random.default_rng(look)
    name = "latin"
    face = drawing.font(rng, rng.uniform(0.06, 0.12) * photo.width, name)
    if chance(rng, 0.5):
        ground = (255, 255, 255) if chance(rng, 0.7) else (0, 0, 0)
        image = with_bar(photo, words[0], ground, face, above=True)
        return with_bar(image, words[1], ground, face, above=False) if chance(rng, 0.4) else image
    image = photo.copy()
    for text, at, anchor in ((words[0], 0.02, "ma"), (words[1], 0.97, "md")):
        lines = "\n".join(drawing.wrap(text.upper(), face, 0.94 * photo.width).split("\n")[:2])
        place = photo.width / 2, at * photo.height
        drawing.write(
            image, place, lines, face, (255, 255, 255), stroke=max(1, photo.width // 150), anchor=anchor
        )
    return image


def memes_of_one_photo(rng: Rng, other: Other) -> Pair:
    """One photo with two texts."""
    photo, look = other(), _stream(rng)
    first, second = (_meme(photo, look, [drawing.words(rng, 5), drawing.words(rng, 4)]) for _ in range(2))
    return first, second


def memes_of_one_text(rng: Rng, other: Other) -> Pair:
    """One text with two photos, cut to one size."""
    words, look = [drawing.words(rng, 5), drawing.words(rng, 4)], _stream(rng)
    size = other().size
    first, second = (_meme(ImageOps.fit(other(), size), look, words) for _ in range(2))
    return first, second


def posters(rng: Rng, other: Other) -> Pair:
    """One frame, title, logo and line below around two photos."""
    size, look = (int(rng.integers(300, 600)), int(rng.integers(300, 600))), _stream(rng)
    first, second = (_poster(ImageOps.fit(other(), size), look) for _ in range(2))
    return first, second


def _poster(photo: Image.Image, look: int) -> Image.Image:
    rng = np.random.default_rng(look)
    width, height = photo.size
    edge, above, below = (round(v * height) for v in rng.uniform((0.03, 0.1, 0.1), (0.12, 0.4, 0.4)))
    ground = colour(rng)
    image = Image.new("RGB", (width + 2 * edge, height + above + below), ground)
    image.paste(photo, (edge, above))
    ink = contrasting(rng, ground)
    head, small = drawing.font(rng, 0.55 * above), drawing.font(rng, 0.2 * below)
    drawing.write(image, (edge, 0.15 * above), drawing.words(rng, 2).upper(), head, ink)
    drawing.write(image, (edge, above + height + 0.2 * below), drawing.words(rng, 6), small, ink)
    drawing.write(image, (edge, above + height + 0.5 * below), drawing.words(rng, 6), small, ink)
    logo = drawing.shape(rng, max(12, round(0.6 * below)))
    image.paste(logo, (image.width - logo.width - edge, above + height + round(0.2 * below)), logo)
    return image


def products(rng: Rng, other: Other) -> Pair:
    """Two things on white, with the same badge and price tag."""
    side, look = int(rng.integers(300, 900)), _stream(rng)
    return _product(other(), side, look), _product(other(), side, look)


def _product(photo: Image.Image, side: int, look: int) -> Image.Image:
    rng = np.random.default_rng(look)
    image = Image.new("RGB", (side, side), (255, 255, 255))
    thing = ImageOps.fit(photo, (round(0.6 * side), round(rng.uniform(0.4, 0.75) * side)))
    mask = Image.new("L", thing.size)
    ImageDraw.Draw(mask).ellipse((0, 0, *thing.size), fill=255)
    at = (round(0.2 * side), (side - thing.height) // 2)
    image.paste(thing, at, mask.filter(ImageFilter.GaussianBlur(2)))
    badge = drawing.shape(rng, round(rng.uniform(0.12, 0.25) * side))
    image.paste(badge, (round(0.04 * side), round(0.04 * side)), badge)
    drawing.write(
        image,
        (0.96 * side, 0.96 * side),
        drawing.number(rng),
        drawing.font(rng, 0.06 * side),
        (0, 0, 0),
        anchor="rd",
    )
    return image


def _enlarged(photo: Image.Image, rng: Rng) -> Image.Image:
    """A photo as large as cameras make them, with noise in place of the detail that it lacks."""
    scale = LARGE / short(photo)
    if scale <= 1:
        return photo
    large = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
    return picture(pixels(large) + rng.normal(0, 3, (large.height, large.width, 3)))


def _frame(scene: Image.Image, clock: str, rng: Rng) -> Image.Image:
    """What a camera that stands still sends at one moment: its own noise, light and time, and its compression."""
    light = rng.uniform(0.97, 1.03)
    values = pixels(scene) * light + rng.normal(0, rng.uniform(1, 5), (scene.height, scene.width, 3))
    seen = picture(values)
    face = drawing.font(np.random.default_rng(7), 0.045 * scene.height)
    drawing.write(seen, (0.02 * scene.width, 0.02 * scene.height), clock, face, (255, 255, 255), stroke=1)
    return saved(seen, "JPEG", quality=int(rng.integers(60, 92)))


def _person(cloth: Image.Image, height: int, rng: Rng) -> Image.Image:
    """A figure, RGBA, of a head, a trunk and legs, filled from a photo, its light from above."""
    width = round(0.42 * height)
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    middle, head = width / 2, 0.07 * height
    draw.ellipse((middle - head, 0, middle + head, 2.3 * head), 255)
    draw.rounded_rectangle((0.12 * width, 2.2 * head, 0.88 * width, 0.58 * height), 0.15 * width, 255)
    sway = rng.uniform(-0.15, 0.15) * width
    for side in (-1, 1):
        foot = middle + side * (0.2 * width + sway)
        draw.line([(middle + side * 0.12 * width, 0.55 * height), (foot, height)], 255, round(0.24 * width))
    figure = ImageOps.fit(cloth, (width, height)).convert("RGB")
    draw = ImageDraw.Draw(figure)
    draw.ellipse((middle - head, 0, middle + head, 2.3 * head), (196, int(rng.integers(110, 165)), 110))
    draw.rectangle((0, 0.56 * height, width, height), contrasting(rng, (255, 255, 255)))
    figure.putalpha(mask.filter(ImageFilter.GaussianBlur(max(0.6, height / 150))))
    return figure


def still_camera(rng: Rng, other: Other) -> Pair:
    """Two moments of one place: a person of 8 to 40 % of the height is in one of them, or moved, or something is gone."""
    scene = ImageOps.fit(other(), (round(rng.uniform(1.2, 1.8) * 480), 480))
    figure = _person(other(), round(log_uniform(rng, 0.08, 0.4) * 480), rng)
    shown = [scene.copy(), scene.copy()]
    for image in shown[: 1 if chance(rng, 0.7) else 2]:
        _stand(image, figure, rng)
    clocks = [
        f"2026-{1 + int(rng.integers(12)):02} {int(rng.integers(24)):02}:{int(rng.integers(60)):02}"
        for _ in range(2)
    ]
    return _frame(shown[0], clocks[0], rng), _frame(shown[1], clocks[1], rng)


def _stand(image: Image.Image, figure: Image.Image, rng: Rng) -> None:
    """Put a figure where it is seen well against what is behind it."""
    for _ in range(20):
        left, top = (round(rng.uniform(0, a - b)) for a, b in zip(image.size, figure.size, strict=True))
        behind = image.crop((left, top, left + figure.width, top + figure.height))
        if np.abs(pixels(behind) - pixels(figure)).mean() > 45:
            break
    image.paste(figure, (left, top), figure)


def digits(rng: Rng, other: Other) -> Pair:
    """One digit of a number differs: on a plate in the middle of a photo, or in a scanned line; 12 to 40 pixels high."""
    image = _enlarged(other(), rng)
    number = [str(digit) for digit in rng.integers(0, 10, int(rng.integers(3, 9)))]
    changed, place = number.copy(), pick(rng, number)
    changed[place] = str((int(number[place]) + int(rng.integers(1, 10))) % 10)
    high = log_uniform(rng, 12, 40) / 0.72
    look, at = _stream(rng), rng.uniform(0.2, 0.6, 2) * image.size
    pages = []
    for digits_shown in (number, changed):
        streams, page = np.random.default_rng(look), image.copy()
        face, ground = drawing.font(streams, high), colour(streams)
        box = (
            at[0] - high / 2,
            at[1] - high / 4,
            at[0] + 0.7 * high * len(number) + high / 2,
            at[1] + 1.3 * high,
        )
        ImageDraw.Draw(page).rectangle(box, ground)
        ink = contrasting(streams, ground)
        for n, digit in enumerate(digits_shown):
            drawing.write(page, (at[0] + 0.7 * n * high, at[1]), digit, face, ink)
        pages.append(page)
    return pages[0], pages[1]


def pasted(rng: Rng, other: Other, *, share: float) -> Pair:
    """A square of another photo in a photo, of a share of the shorter side, where it differs from what was there."""
    image = _enlarged(other(), rng)
    side = max(SMALLEST_CHANGE, round(share * short(image)))
    changed = image.copy()
    for _ in range(20):
        patch = ImageOps.fit(other(), (4 * side, 4 * side)).crop((side, side, 2 * side, 2 * side))
        left, top = int(rng.integers(image.width - side)), int(rng.integers(image.height - side))
        before = pixels(image.crop((left, top, left + side, top + side)))
        if np.abs(before - pixels(patch)).mean() > 40:
            break
    changed.paste(patch, (left, top))
    return image, changed


def places_of_one_texture(rng: Rng, other: Other) -> Pair:
    """Two windows of one photo that have nothing in common."""
    image = max((other() for _ in range(3)), key=_evenness)
    width, height = image.size
    gap = rng.uniform(0, 0.1)
    if width > height:
        end = round((0.5 - gap / 2) * width)
        return image.crop((0, 0, end, height)), image.crop((width - end, 0, width, height))
    end = round((0.5 - gap / 2) * height)
    return image.crop((0, 0, width, end)), image.crop((0, height - end, width, height))


def _evenness(image: Image.Image) -> float:
    """How alike the parts of a picture are in colour and contrast: the larger the more."""
    values: Floats = pixels(image.resize((64, 64))).reshape(4, 16, 4, 16, 3)
    return -float(values.mean((1, 3)).std((0, 1)).sum() + values.std((1, 3)).std((0, 1)).sum())


def walls(rng: Rng, _other: Other) -> Pair:
    """Two places of one wall of bricks, tiles or boards, each stone of its own shade."""
    look = _stream(rng)
    return _wall(look, _stream(rng)), _wall(look, _stream(rng))


def _wall(look: int, place: int) -> Image.Image:
    rng, own = np.random.default_rng(look), np.random.default_rng(place)
    width, height = (int(v) for v in rng.integers(300, 800, 2))
    brick_w, brick_h, gap = rng.uniform(20, 120), rng.uniform(15, 60), rng.uniform(1, 6)
    base, shift, spread = np.array(colour(rng)), rng.uniform(0, 0.5), rng.uniform(6, 30)
    image = Image.new("RGB", (width, height), contrasting(rng, colour(rng)))
    draw = ImageDraw.Draw(image)
    for row in range(int(height / brick_h) + 1):
        for column in range(-1, int(width / brick_w) + 1):
            x, y = (column + row % 2 * shift) * brick_w, row * brick_h
            shade = np.clip(base + own.normal(0, spread) + own.normal(0, spread / 4, 3), 0, 255).astype(int)
            draw.rectangle((x, y, x + brick_w - gap, y + brick_h - gap), tuple(int(v) for v in shade))
    return picture(pixels(image) + own.normal(0, 6, (height, width, 3)))


def night_skies(rng: Rng, _other: Other) -> Pair:
    """Stars over one dark horizon, or over none."""
    look = _stream(rng)
    return _night(look, _stream(rng)), _night(look, _stream(rng))


def _night(look: int, moment: int) -> Image.Image:
    rng, own = np.random.default_rng(look), np.random.default_rng(moment)
    width, height = (int(v) for v in rng.integers(300, 900, 2))
    y = np.linspace(0, 1, height)[:, None, None]
    values = rng.uniform(0, 25, 3) * (1 - y) + rng.uniform(5, 60, 3) * y + np.zeros((height, width, 1))
    image = picture(values + own.normal(0, rng.uniform(1, 5), (height, width, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(20, 400))):
        x, at, size = own.uniform(0, width), own.uniform(0, height), own.exponential(0.5)
        level = int(own.integers(90, 256))
        draw.ellipse(
            (x - size, at - size, x + size, at + size), (level, level, int(own.integers(level // 2, 256)))
        )
    if chance(rng, 0.6):
        ridge = np.cumsum(rng.normal(0, 0.01, 60)) + rng.uniform(0.7, 0.95)
        points = [(width * n / 59, height * v) for n, v in enumerate(ridge)]
        draw.polygon([(0, height), *points, (width, height)], (4, 4, 8))
    return image


def other_shots(rng: Rng, other: Other) -> Pair:
    """A photo, and another shot of its scene that is drawn from it, see `benchmarks.shots`."""
    photo = other()
    taken = SHOTS[list(SHOTS)[pick(rng, list(SHOTS))]](photo, rng)
    if chance(rng, 0.3):
        turn = np.array([[1, rng.normal(0, 0.02), 0], [rng.normal(0, 0.02), 1, 0], [0, 0, 1]], np.float32)
        taken = warped(taken, turn, taken.size, rng)
    return photo, taken


PAIRS: Mapping[str, Draw] = {
    **{f"screens: {name}": partial(screens, name=name) for name in apps.APPS},
    "albums": albums,
    "memes of one photo": memes_of_one_photo,
    "memes of one text": memes_of_one_text,
    "posters": posters,
    "products": products,
    "still camera": still_camera,
    "places of one texture": places_of_one_texture,
    "walls": walls,
    "night skies": night_skies,
    "drawn shots": other_shots,
}
CHANGED: Mapping[str, Draw] = {
    "digits": digits,
    "pasted 1 %": partial(pasted, share=0.01),
    "pasted 3 %": partial(pasted, share=0.03),
    "pasted 6 %": partial(pasted, share=0.06),
}
