"""Documents of one template with other content: papers, tables, screens of text, charts, maps, codes, comic pages.

Each function draws a page: how it looks follows from a stream that both pages of a pair share, what it says from fields, of
which one, a few, or all are other ones on the second page.
"""

from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.families import drawing
from benchmarks.families.drawing import Colour, Rng, chance, colour, pick

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


class Fields:
    """Streams for what a page says, one a field, in the order in which they are asked for.

    Parameters
    ----------
    seed
        Of all fields.
    changed
        The numbers of those that are other ones than on the first page.
    """

    def __init__(self, seed: int, changed: frozenset[int] = frozenset()) -> None:
        self._seed, self._changed = seed, changed
        self.count = 0

    def __call__(self) -> Rng:
        """The stream of the next field."""
        self.count += 1
        return np.random.default_rng((self._seed, self.count, int(self.count in self._changed)))


Page = Callable[[Rng, Fields], Image.Image]


def _paper(look: Rng, aspect: float) -> tuple[Image.Image, ImageDraw.ImageDraw, float]:
    """An empty page, what draws on it, and the height of a line of text in pixels."""
    width = int(look.integers(560, 1500))
    ground = WHITE if chance(look, 0.7) else (int(look.integers(235, 256)), 245, int(look.integers(220, 250)))
    image = Image.new("RGB", (width, round(width * aspect)), ground)
    return image, ImageDraw.Draw(image), width / look.uniform(38, 60)


def _letterhead(look: Rng, image: Image.Image, unit: float) -> float:
    """A logo, a name and a line; gives where it ends."""
    draw = ImageDraw.Draw(image)
    logo = drawing.shape(look, round(4 * unit))
    image.paste(logo, (round(2 * unit), round(1.5 * unit)), logo)
    draw.text((7 * unit, 2.2 * unit), drawing.words(look, 2), colour(look), drawing.font(look, 1.8 * unit))
    draw.text((7 * unit, 4.6 * unit), drawing.words(look, 5), (90, 90, 90), drawing.font(look, 0.7 * unit))
    draw.line((2 * unit, 6.5 * unit, image.width - 2 * unit, 6.5 * unit), colour(look), 2)
    return 8 * unit


def invoice(look: Rng, fields: Fields) -> Image.Image:
    """A letterhead, an address, a number, a table of amounts, a total."""
    image, draw, unit = _paper(look, 1.41)
    y, face = _letterhead(look, image, unit), drawing.font(look, unit)
    for n in range(3):
        draw.text((2 * unit, y + 1.4 * n * unit), drawing.words(fields(), 2), BLACK, face)
    for n in range(2):
        draw.text((0.62 * image.width, y + 1.4 * n * unit), f"No. {drawing.number(fields())}", BLACK, face)
    y += 7 * unit
    draw.text((2 * unit, y), drawing.words(look, 2), BLACK, drawing.font(look, 1.6 * unit))
    columns = np.array([0.06, 0.16, 0.68, 0.94]) * image.width
    for n in range(int(look.integers(3, 14))):
        row = y + (3.5 + 1.7 * n) * unit
        draw.line((columns[0], row - 0.3 * unit, columns[3], row - 0.3 * unit), (200, 200, 200))
        draw.text((columns[0], row), f"{int(fields().integers(1, 20))}", BLACK, face)
        draw.text((columns[1], row), drawing.words(fields(), 3), BLACK, face)
        draw.text((columns[3], row), f"{fields().integers(100, 99999) / 100:,.2f}", BLACK, face, anchor="ra")
    total = f"{fields().integers(1000, 999999) / 100:,.2f}"
    draw.text((columns[3], row + 3 * unit), total, BLACK, drawing.font(look, 1.4 * unit), anchor="ra")
    draw.text((2 * unit, image.height - 3 * unit), drawing.words(look, 9), (120, 120, 120), face)
    return image


def letter(look: Rng, fields: Fields) -> Image.Image:
    """A letterhead, a date, paragraphs."""
    image, draw, unit = _paper(look, 1.41)
    y = _letterhead(look, image, unit)
    name = drawing.script(look)
    face = drawing.font(look, unit, name)
    draw.text((image.width - 2 * unit, y), drawing.number(fields()), BLACK, face, anchor="ra")
    y += 4 * unit
    while y < image.height - 9 * unit:
        text = drawing.wrap(drawing.words(fields(), 45, name), face, image.width - 4 * unit)
        draw.text((2 * unit, y), text, BLACK, face, spacing=0.3 * unit)
        y += (2 + 1.35 * text.count("\n")) * unit
    return image


def spreadsheet(look: Rng, fields: Fields) -> Image.Image:
    """A grid of numbers with names on two sides."""
    image, draw, unit = _paper(look, look.uniform(0.5, 0.9))
    face = drawing.font(look, 0.8 * unit)
    wide, high, grey = look.uniform(4, 8) * unit, 1.5 * unit, (205, 205, 205)
    draw.rectangle((0, 0, image.width, high), (232, 235, 238))
    for row in range(round(image.height / high) + 1):
        draw.line((0, row * high, image.width, row * high), grey)
        for column in range(round(image.width / wide) + 1):
            x, y = column * wide, row * high
            draw.line((x, 0, x, image.height), grey)
            if row == 0 or column == 0:
                words = drawing.words(look, 1)[:8]
            else:
                words = drawing.number(fields()) if look.random() < 0.8 else ""
            draw.text((x + 0.3 * unit, y + 0.25 * unit), words, BLACK, face)
    return image


def terminal(look: Rng, fields: Fields) -> Image.Image:
    """Lines of commands and numbers on a dark ground."""
    image, draw, unit = _paper(look, look.uniform(0.5, 0.8))
    dark = chance(look, 0.8)
    draw.rectangle((0, 0, *image.size), (14, 16, 20) if dark else (250, 248, 240))
    ink = ((220, 220, 220), (120, 230, 120), (230, 180, 80)) if dark else (BLACK, (0, 80, 0), (120, 60, 0))
    draw.rectangle((0, 0, image.width, 1.6 * unit), (70, 72, 76))
    draw.text(
        (image.width / 2, 0.8 * unit), drawing.words(look, 2), WHITE, drawing.font(look, unit), anchor="mm"
    )
    face = drawing.font(look, unit)
    y = 2 * unit
    while y < image.height:
        line = drawing.words(fields(), int(look.integers(1, 7)))
        prompt = "$ " if chance(look, 0.25) else ""
        draw.text((0.5 * unit, y), f"{prompt}{line} {drawing.number(fields())}", ink[pick(look, ink)], face)
        y += 1.25 * unit
    return image


def slide(look: Rng, fields: Fields) -> Image.Image:
    """A title, points, a logo, a number of the page, on a coloured ground."""
    image, draw, unit = _paper(look, 9 / 16 if chance(look, 0.7) else 3 / 4)
    ground = colour(look)
    image.paste(ground, (0, 0, *image.size))
    band = colour(look)
    draw.rectangle(
        (0, 0, image.width, 5 * unit) if chance(look, 0.5) else (0, 0, 1.5 * unit, image.height), band
    )
    ink = drawing.contrasting(look, ground)
    head, face = drawing.font(look, 2.4 * unit), drawing.font(look, 1.4 * unit)
    title = drawing.words(fields(), 4)
    draw.text((2.5 * unit, 1.2 * unit), title, drawing.contrasting(look, band), head)
    for n in range(int(look.integers(2, 6))):
        y = (7 + 2.4 * n) * unit
        draw.ellipse((3 * unit, y + 0.4 * unit, 3.6 * unit, y + unit), ink)
        draw.text((5 * unit, y), drawing.words(fields(), 5), ink, face)
    logo = drawing.shape(look, round(3 * unit))
    image.paste(logo, (round(image.width - 4 * unit), round(image.height - 4 * unit)), logo)
    draw.text((unit, image.height - 2 * unit), str(fields().integers(1, 99)), ink, face)
    return image


def boarding_pass(look: Rng, fields: Fields) -> Image.Image:
    """Names of fields, what is in them, a bar code, a part to tear off."""
    image, draw, unit = _paper(look, 0.42)
    band = colour(look)
    draw.rectangle((0, 0, image.width, 3 * unit), band)
    draw.text(
        (unit, 0.6 * unit),
        drawing.words(look, 2),
        drawing.contrasting(look, band),
        drawing.font(look, 1.5 * unit),
    )
    small, face = drawing.font(look, 0.7 * unit), drawing.font(look, 1.5 * unit)
    for n in range(9):
        x, y = (1 + n % 3 * 9) * unit, (4 + n // 3 * 3.6) * unit
        draw.text((x, y), drawing.words(look, 1)[:8], (110, 110, 110), small)
        words = drawing.number(fields()) if n % 2 else drawing.words(fields(), 1).upper()[:7]
        draw.text((x, y + unit), words, BLACK, face)
    tear = 0.72 * image.width
    for y in np.arange(0, image.height, unit):
        draw.line((tear, y, tear, y + unit / 2), (150, 150, 150), 2)
    _bars(draw, fields(), (tear + unit, 4 * unit, image.width - unit, image.height - 2 * unit))
    return image


def _bars(draw: ImageDraw.ImageDraw, rng: Rng, box: tuple[float, float, float, float]) -> None:
    x = box[0]
    while x < box[2]:
        wide = float(rng.integers(1, 5))
        if chance(rng, 0.5):
            draw.rectangle((x, box[1], min(x + wide, box[2]), box[3]), BLACK)
        x += wide


def chart(look: Rng, fields: Fields) -> Image.Image:
    """Bars or lines between axes with names."""
    image, draw, unit = _paper(look, look.uniform(0.5, 0.8))
    face = drawing.font(look, 0.9 * unit)
    left, bottom = 4 * unit, image.height - 4 * unit
    high, wide = bottom - 4 * unit, image.width - 6 * unit
    draw.text((left, unit), drawing.words(look, 4), BLACK, drawing.font(look, 1.6 * unit))
    for n in range(6):
        y = bottom - high * n / 5
        draw.line((left, y, left + wide, y), (210, 210, 210))
        draw.text((left - 0.4 * unit, y), str(20 * n), BLACK, face, anchor="rm")
    count, inks, bars = int(look.integers(4, 16)), [colour(look) for _ in range(3)], chance(look, 0.5)
    step = wide / count
    for series in range(1 if bars else int(look.integers(1, 4))):
        level = [bottom - high * fields().uniform(0.05, 1) for _ in range(count)]
        ink = inks[series] if sum(inks[series]) < 600 else (60, 90, 160)
        if bars:
            for n, y in enumerate(level):
                draw.rectangle((left + (n + 0.15) * step, y, left + (n + 0.85) * step, bottom), ink)
        else:
            draw.line(
                [(left + (n + 0.5) * step, y) for n, y in enumerate(level)], ink, max(2, round(unit / 6))
            )
    for n in range(count):
        draw.text(
            (left + (n + 0.5) * step, bottom + 0.5 * unit),
            drawing.words(look, 1)[:5],
            BLACK,
            face,
            anchor="ma",
        )
    return image


def city_map(look: Rng, fields: Fields) -> Image.Image:
    """Streets, parks and names of one town; pins, a route and a word at the top that differ."""
    image, draw, unit = _paper(look, look.uniform(0.6, 1.6))
    image.paste((238, 234, 226), (0, 0, *image.size))
    for _ in range(int(look.integers(2, 8))):
        x, y, wide, high = look.uniform(0, 1, 4) * (
            image.width,
            image.height,
            image.width / 3,
            image.height / 4,
        )
        park: Colour = (196, 224, 180) if chance(look, 0.7) else (170, 205, 235)
        draw.polygon(
            [(x, y), (x + wide, y + 0.2 * high), (x + 0.8 * wide, y + high), (x, y + 0.7 * high)], park
        )
    for _ in range(int(look.integers(8, 40))):
        start, angle, thick = look.uniform(0, 1, 2) * image.size, look.normal(0, 0.3), look.uniform(0.2, 1)
        angle += np.pi / 2 * look.integers(2)
        reach = 2 * max(image.size) * np.array([np.cos(angle), np.sin(angle)])
        draw.line([tuple(start - reach), tuple(start + reach)], WHITE, max(2, round(thick * unit)))
        draw.text(tuple(start), drawing.words(look, 1), (110, 110, 110), drawing.font(look, 0.8 * unit))
    route = np.cumsum(fields().normal(0, 3 * unit, (8, 2)), 0) + np.array(image.size) / 2
    draw.line([tuple(point) for point in route], (50, 110, 240), max(3, round(0.4 * unit)))
    for _ in range(2):
        x, y = fields().uniform(0.1, 0.9, 2) * image.size
        draw.ellipse((x - 0.8 * unit, y - 2 * unit, x + 0.8 * unit, y - 0.4 * unit), (215, 50, 45))
        draw.polygon([(x - 0.7 * unit, y - unit), (x + 0.7 * unit, y - unit), (x, y)], (215, 50, 45))
    draw.rounded_rectangle((unit, unit, image.width - unit, 3.4 * unit), unit, WHITE)
    draw.text((2 * unit, 1.6 * unit), drawing.words(fields(), 2), BLACK, drawing.font(look, 1.2 * unit))
    return image


def square_code(look: Rng, fields: Fields) -> Image.Image:
    """A code of 21 to 45 squares a side with its three corner marks, with or without a name below."""
    image, draw, unit = _paper(look, look.uniform(1.0, 1.3))
    count = 17 + 4 * int(look.integers(1, 8))
    dots = fields().random((count, count)) < 0.5
    for top, left in ((0, 0), (0, count - 7), (count - 7, 0)):
        dots[max(0, top - 1) : top + 8, max(0, left - 1) : left + 8] = False
        dots[top : top + 7, left : left + 7] = True
        dots[top + 1 : top + 6, left + 1 : left + 6] = False
        dots[top + 2 : top + 5, left + 2 : left + 5] = True
    side = int(0.8 * image.width // count) * count
    code = Image.fromarray(np.where(dots, 0, 255).astype(np.uint8)).resize(
        (side, side), Image.Resampling.NEAREST
    )
    image.paste(code.convert("RGB"), ((image.width - side) // 2, (image.width - side) // 2))
    draw.text(
        (image.width / 2, image.height - 2 * unit),
        drawing.words(look, 2),
        BLACK,
        drawing.font(look, 1.5 * unit),
        anchor="md",
    )
    return image


def comic_page(look: Rng, fields: Fields) -> Image.Image:
    """Panels of lines, hatching and screens, figures and bubbles, black on white."""
    image, draw, unit = _paper(look, 1.45)
    image.paste(WHITE, (0, 0, *image.size))
    rows = look.dirichlet(np.full(int(look.integers(3, 5)), 6)) * (image.height - 2 * unit)
    y = unit
    for high in rows:
        x = unit
        for wide in look.dirichlet(np.full(int(look.integers(1, 4)), 6)) * (image.width - 2 * unit):
            box = (
                round(x + unit / 4),
                round(y + unit / 4),
                round(x + wide - unit / 4),
                round(y + high - unit / 4),
            )
            _panel(image, box, fields(), unit)
            draw.rectangle(box, outline=BLACK, width=3)
            x += wide
        y += high
    return image


def _panel(image: Image.Image, box: tuple[int, int, int, int], rng: Rng, unit: float) -> None:
    part = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), WHITE)
    draw = ImageDraw.Draw(part)
    width, height = part.size
    if chance(rng, 0.6):
        step = max(3, round(unit / rng.uniform(2, 5)))
        for row in range(0, height, step):
            for dot in range(row // step % 2 * step // 2, width, step):
                draw.ellipse((dot, row, dot + step / 3, row + step / 3), BLACK)
    else:
        middle = rng.uniform(0, 1, 2) * part.size
        for angle in rng.uniform(0, 2 * np.pi, 40):
            ray = np.array([np.cos(angle), np.sin(angle)])
            draw.line(
                [tuple(middle + ray * height / 3), tuple(middle + ray * 2 * width)],
                BLACK,
                int(rng.integers(1, 4)),
            )
    x, y, size = (
        rng.uniform(0.2, 0.8) * width,
        rng.uniform(0.4, 0.7) * height,
        rng.uniform(0.12, 0.3) * height,
    )
    draw.polygon(
        [(x - 1.6 * size, height), (x, y), (x + 1.6 * size, height)],
        (70, 70, 70) if chance(rng, 0.5) else WHITE,
        BLACK,
    )
    draw.ellipse((x - size, y - 1.2 * size, x + size, y + size), WHITE, BLACK, 3)
    for side in (-0.4, 0.4):
        eye = x + side * size, y - 0.1 * size
        draw.ellipse((eye[0] - size / 6, eye[1] - size / 4, eye[0] + size / 6, eye[1] + size / 4), BLACK)
    hair = [
        (x + 1.3 * size * np.cos(a), y - 0.3 * size + 1.3 * size * np.sin(a))
        for a in np.linspace(np.pi, 2 * np.pi, 9)
    ]
    draw.polygon([(hx, hy + rng.uniform(0, size / 2)) for hx, hy in hair], BLACK)
    face = drawing.font(rng, 0.9 * unit)
    words = drawing.wrap(drawing.words(rng, 5), face, 0.4 * width)
    at = (rng.uniform(0, 0.5) * width, rng.uniform(0, 0.2) * height)
    bounds = draw.multiline_textbbox(at, words, font=face)
    draw.ellipse((bounds[0] - unit, bounds[1] - unit, bounds[2] + unit, bounds[3] + unit), WHITE, BLACK, 2)
    draw.text(at, words, BLACK, face, align="center")
    image.paste(part, box[:2])


PAGES: Mapping[str, Page] = {
    "invoices": invoice,
    "letters": letter,
    "spreadsheets": spreadsheet,
    "terminals": terminal,
    "slides": slide,
    "boarding passes": boarding_pass,
    "charts": chart,
    "maps": city_map,
    "square codes": square_code,
    "comic pages": comic_page,
}
