"""Pages and screens that share nearly all of what they show, and yet are different: one number, one word, one person, one mark.

Every kind is a function of two random streams. The first draws what all pictures of one template have in common, the second
what tells one from the other: two pictures of one template and different second streams are different documents.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Random = np.random.Generator
Kind = Callable[[Random, Random, Sequence[Image.Image]], Image.Image]
"""Draws one picture: what the template has, what the picture has of its own, and photographs to use."""

_WORDS = [
    "account",
    "amount",
    "annual",
    "approved",
    "balance",
    "bank",
    "base",
    "board",
    "book",
    "box",
    "branch",
    "call",
    "card",
    "case",
    "cash",
    "change",
    "charge",
    "city",
    "class",
    "code",
    "copy",
    "cost",
    "count",
    "credit",
    "date",
    "day",
    "debit",
    "delivery",
    "deposit",
    "desk",
    "door",
    "due",
    "east",
    "entry",
    "fee",
    "file",
    "final",
    "first",
    "flight",
    "floor",
    "form",
    "fund",
    "gate",
    "group",
    "guest",
    "half",
    "hall",
    "home",
    "hotel",
    "hour",
    "index",
    "item",
    "key",
    "lake",
    "land",
    "large",
    "late",
    "left",
    "line",
    "list",
    "loan",
    "local",
    "lot",
    "main",
    "map",
    "market",
    "member",
    "month",
    "name",
    "net",
    "new",
    "north",
    "note",
    "number",
    "offer",
    "office",
    "open",
    "order",
    "page",
    "paid",
    "paper",
    "part",
    "party",
    "pass",
    "period",
    "phone",
    "place",
    "plan",
    "point",
    "port",
    "post",
    "price",
    "product",
    "public",
    "quarter",
    "rate",
    "reason",
    "region",
    "rent",
    "report",
    "rest",
    "right",
    "road",
    "room",
    "route",
    "sale",
    "seat",
    "second",
    "sent",
    "service",
    "share",
    "ship",
    "side",
    "sign",
    "small",
    "south",
    "stock",
    "store",
    "street",
    "sum",
    "supply",
    "table",
    "tax",
    "team",
    "term",
    "ticket",
    "time",
    "title",
    "total",
    "tower",
    "town",
    "track",
    "trade",
    "train",
    "transfer",
    "travel",
    "unit",
    "value",
    "view",
    "visit",
    "week",
    "west",
    "work",
]


def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The face that Pillow brings, in a height in pixels."""
    return ImageFont.load_default(size)


def words(rng: Random, count: int) -> str:
    """A line of words."""
    return " ".join(rng.choice(_WORDS, count).tolist())


def money(rng: Random) -> str:
    """An amount."""
    return f"{int(rng.integers(1, 9999)):,}.{int(rng.integers(0, 100)):02}"


def _page(
    width: int, height: int, colour: str | tuple[int, int, int] = "white"
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), colour)
    return image, ImageDraw.Draw(image)


def _other_digit(text: str, rng: Random) -> str:
    """The text with one of its digits changed."""
    places = [place for place, character in enumerate(text) if character.isdigit()]
    place = int(rng.choice(places))
    digit = str((int(text[place]) + int(rng.integers(1, 10))) % 10)
    return text[:place] + digit + text[place + 1 :]


def _colour(rng: Random, low: int = 0, high: int = 256) -> tuple[int, int, int]:
    red, green, blue = rng.integers(low, high, 3).tolist()
    return red, green, blue


def invoice(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A page with a letterhead and a table of amounts; one digit differs."""
    image, draw = _page(827, 1169)
    ink = _colour(template, 0, 90)
    draw.rectangle((60, 50, 767, 110), fill=_colour(template, 60, 230))
    draw.text((75, 62), words(template, 3).upper(), font=font(32), fill="white")
    for row in range(5):
        draw.text((60, 140 + 20 * row), words(template, 4), font=font(15), fill=ink)
    lines = [(words(template, 3), str(template.integers(1, 20)), money(template)) for _ in range(18)]
    place = int(template.integers(len(lines)))
    item, count, amount = lines[place]
    lines[place] = (item, count, _other_digit(amount, own))
    for row, (item, count, amount) in enumerate(lines):
        y = 290 + 34 * row
        draw.text((60, y), item, font=font(15), fill=ink)
        draw.text((520, y), count, font=font(15), fill=ink)
        draw.text((640, y), amount, font=font(15), fill=ink)
        draw.line((60, y + 24, 767, y + 24), fill=(210, 210, 210))
    for row in range(6):
        draw.text((60, 960 + 20 * row), words(template, 9), font=font(13), fill=(110, 110, 110))
    return image


def spreadsheet(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A window full of cells; two cells differ."""
    image, draw = _page(1280, 800)
    draw.rectangle((0, 0, 1280, 60), fill=_colour(template, 40, 160))
    rows, columns = 30, 12
    cells = [[money(template) for _ in range(columns)] for _ in range(rows)]
    for _ in range(2):
        row, column = int(own.integers(rows)), int(own.integers(columns))
        cells[row][column] = money(own)
    for row in range(rows):
        y = 66 + 24 * row
        draw.line((0, y, 1280, y), fill=(222, 222, 222))
        for column in range(columns):
            x = 10 + 106 * column
            draw.line((x - 6, 60, x - 6, 800), fill=(222, 222, 222))
            draw.text((x, y + 4), cells[row][column], font=font(14), fill=(30, 30, 30))
    return image


def terminal(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A dark window with lines of text; the last line differs."""
    image, draw = _page(1000, 640, _colour(template, 0, 40))
    shades = [(220, 220, 220), (120, 220, 120), (230, 200, 110), (110, 170, 240)]
    for row in range(24):
        draw.text(
            (12, 10 + 25 * row),
            words(template, int(template.integers(3, 10))),
            font=font(16),
            fill=shades[row % 4],
        )
    draw.text((12, 10 + 25 * 24), "$ " + words(own, 3), font=font(16), fill="white")
    return image


def chat(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A phone's screen with bubbles; one bubble differs."""
    image, draw = _page(540, 1170, _colour(template, 200, 245))
    draw.rectangle((0, 0, 540, 110), fill=_colour(template, 20, 140))
    draw.text((90, 55), words(template, 2), font=font(24), fill="white")
    y, place = 130, int(template.integers(9))
    for row in range(9):
        stream = own if row == place else template
        left = template.random() < 0.5
        x = 20 if left else 180
        draw.rounded_rectangle((x, y, x + 340, y + 84), 18, fill="white" if left else (205, 240, 190))
        draw.text((x + 16, y + 12), words(stream, 4), font=font(19), fill=(20, 20, 20))
        draw.text((x + 16, y + 42), words(stream, 3), font=font(19), fill=(20, 20, 20))
        y += 100
    draw.rectangle((0, 1090, 540, 1170), fill="white")
    return image


def cctv(template: Random, own: Random, photos: Sequence[Image.Image]) -> Image.Image:
    """A frame of a fixed camera; a figure stands somewhere else, the clock is another, and so is the noise."""
    image = _filled(photos[int(template.integers(len(photos)))], (704, 480)).convert("L").convert("RGB")
    draw = ImageDraw.Draw(image)
    x, y, height = int(own.integers(40, 640)), int(own.integers(200, 380)), int(template.integers(36, 90))
    shade = int(own.integers(10, 70))
    draw.ellipse((x, y, x + height // 4, y + height // 4), fill=(shade,) * 3)
    draw.rectangle((x - height // 8, y + height // 4, x + 3 * height // 8, y + height), fill=(shade,) * 3)
    clock = f"CAM 03  2024-05-{own.integers(1, 29):02}  {own.integers(24):02}:{own.integers(60):02}:{own.integers(60):02}"
    draw.text((10, 8), clock, font=font(20), fill="white")
    return _noisy(image, own, 3.0)


def slide(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A slide of a talk; the next one has one more point."""
    image, draw = _page(1280, 720, _colour(template, 220, 256))
    draw.rectangle((0, 0, 1280, 96), fill=_colour(template, 20, 150))
    draw.text((50, 26), words(template, 4).title(), font=font(42), fill="white")
    points = [words(template, int(template.integers(3, 7))) for _ in range(5)]
    points.append(words(own, 4))
    for row, point in enumerate(points):
        draw.text((90, 150 + 78 * row), "-  " + point, font=font(32), fill=(40, 40, 50))
    draw.text((1180, 680), words(template, 1), font=font(18), fill=(120, 120, 120))
    return image


def boarding_pass(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A boarding pass; seat, time and code differ."""
    image, draw = _page(900, 400)
    tint = _colour(template, 20, 200)
    draw.rectangle((0, 0, 900, 64), fill=tint)
    draw.text((24, 14), words(template, 2).upper() + " AIR", font=font(32), fill="white")
    route = [words(template, 1).upper()[:3] for _ in range(2)]
    draw.text((30, 90), f"{route[0]}  >  {route[1]}", font=font(56), fill=(20, 20, 20))
    facts = {
        "passenger": words(template, 2).title(),
        "flight": f"XY {template.integers(100, 999)}",
        "seat": f"{own.integers(1, 40)}{'ABCDEF'[int(own.integers(6))]}",
        "gate": f"{own.integers(1, 60)}",
        "time": f"{own.integers(24):02}:{own.integers(60):02}",
    }
    for column, (name, value) in enumerate(facts.items()):
        x = 30 + 120 * column
        draw.text((x, 190), name, font=font(14), fill=(120, 120, 120))
        draw.text((x, 212), value, font=font(22), fill=(20, 20, 20))
    _paste_code(image, own, (690, 180), modules=25, side=7)
    return image


def _paste_code(image: Image.Image, rng: Random, place: tuple[int, int], *, modules: int, side: int) -> None:
    """Squares, black and white, with the three finder marks that QR codes have."""
    code = (rng.random((modules, modules)) < 0.5).astype(np.uint8) * 255
    finder = np.full((8, 8), 255, np.uint8)
    finder[:7, :7] = 0
    finder[1:6, 1:6] = 255
    finder[2:5, 2:5] = 0
    code[:8, :8], code[:8, -8:], code[-8:, :8] = finder, finder[:, ::-1], finder[::-1]
    square = Image.fromarray(code).resize((modules * side, modules * side), Image.Resampling.NEAREST)
    image.paste(square.convert("RGB"), place)


def qr_code(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A code that fills a white square."""
    modules, side = int(template.choice([25, 29, 33])), int(template.integers(8, 15))
    image, _ = _page(modules * side + 80, modules * side + 80)
    _paste_code(image, own, (40, 40), modules=modules, side=side)
    return image


def meme(template: Random, own: Random, photos: Sequence[Image.Image]) -> Image.Image:
    """A photo that everybody has, with other words above and below."""
    image = _filled(photos[int(template.integers(len(photos)))], (640, 480))
    draw = ImageDraw.Draw(image)
    for y, count in ((12, 4), (420, 3)):
        draw.text(
            (24, y),
            words(own, count).upper(),
            font=font(38),
            fill="white",
            stroke_width=3,
            stroke_fill="black",
        )
    return image


def manga(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A page of panels in black and white; speech differs, or one panel does."""
    image, draw = _page(800, 1200)
    panels = [
        (20, 20, 390, 390),
        (410, 20, 780, 390),
        (20, 410, 780, 780),
        (20, 800, 390, 1180),
        (410, 800, 780, 1180),
    ]
    chosen = int(template.integers(len(panels)))
    for number, (left, top, right, bottom) in enumerate(panels):
        draw.rectangle((left, top, right, bottom), outline="black", width=4)
        for _ in range(40):
            x, y = int(template.integers(left, right - 60)), int(template.integers(top, bottom - 60))
            length = template.integers(5, 60, 2).tolist()
            draw.line((x, y, x + length[0], y + length[1]), fill="black", width=int(template.integers(1, 4)))
        stream = own if number == chosen else template
        draw.ellipse((left + 30, top + 30, left + 250, top + 130), fill="white", outline="black", width=3)
        draw.text((left + 62, top + 55), words(stream, 2), font=font(17), fill="black")
        draw.text((left + 62, top + 80), words(stream, 2), font=font(17), fill="black")
    return image


def city_map(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A map of streets; the pin is elsewhere."""
    image, draw = _page(900, 900, (242, 239, 233))
    for _ in range(26):
        a, b, c, d = template.integers(0, 900, 4).tolist()
        draw.line((a, b, c, d), fill=(255, 255, 255), width=int(template.integers(5, 16)))
    draw.polygon(template.integers(0, 900, (5, 2)).ravel().tolist(), fill=(170, 211, 223))
    for _ in range(40):
        x, y = template.integers(10, 850, 2).tolist()
        draw.text((x, y), words(template, 1), font=font(13), fill=(90, 90, 90))
    x, y = own.integers(60, 840, 2).tolist()
    draw.ellipse((x - 11, y - 30, x + 11, y - 8), fill=(220, 50, 40))
    draw.polygon((x - 9, y - 14, x + 9, y - 14, x, y), fill=(220, 50, 40))
    return image


def chart(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """A chart of bars; one bar is of another height."""
    image, draw = _page(900, 600)
    draw.text((40, 20), words(template, 4).title(), font=font(26), fill=(30, 30, 30))
    heights = template.integers(40, 420, 12).tolist()
    heights[int(template.integers(12))] = int(own.integers(40, 420))
    tint = _colour(template, 30, 200)
    for line in range(6):
        draw.line((60, 120 + 80 * line, 860, 120 + 80 * line), fill=(220, 220, 220))
    for place, height in enumerate(heights):
        draw.rectangle((80 + 64 * place, 540 - height, 118 + 64 * place, 540), fill=tint)
        draw.text((82 + 64 * place, 548), words(template, 1)[:4], font=font(14), fill=(80, 80, 80))
    return image


def night_sky(template: Random, own: Random, _photos: Sequence[Image.Image]) -> Image.Image:
    """Stars over a dark ridge; another night has other stars."""
    pixels = np.zeros((600, 900, 3), np.float32)
    pixels += np.linspace(6, 22, 600, dtype=np.float32)[:, None, None] * np.array([0.6, 0.7, 1.0], np.float32)
    stars = own.integers(0, (430, 900), (160, 2))
    pixels[stars[:, 0], stars[:, 1]] += own.uniform(60, 230, (160, 1)).astype(np.float32)
    ridge = 460 + 60 * np.convolve(template.standard_normal(1000), np.ones(100) / 10, "same")[:900]
    pixels[np.arange(600)[:, None] > ridge[None]] = 2
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize(
        (900, 600), Image.Resampling.BICUBIC
    )
    return _noisy(image, own, 1.5)


def product(template: Random, own: Random, photos: Sequence[Image.Image]) -> Image.Image:
    """A thing on white; the next one has another pattern or colour."""
    image, draw = _page(700, 700)
    form = template.integers(120, 580, (6, 2)).ravel().tolist()
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).polygon(form, fill=255)
    ImageDraw.Draw(mask).ellipse((200, 200, 500, 500), fill=255)
    pattern = _filled(photos[int(own.integers(len(photos)))], image.size)
    image.paste(pattern, mask=mask)
    draw.text((20, 660), f"No. {own.integers(10000, 99999)}", font=font(18), fill=(120, 120, 120))
    return image


def _filled(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The middle of a photo, in a size."""
    scale = max(size[0] / photo.width, size[1] / photo.height)
    large = photo.resize(
        (round(photo.width * scale) + 1, round(photo.height * scale) + 1), Image.Resampling.LANCZOS
    )
    return large.crop((0, 0, *size)).convert("RGB")


def _noisy(image: Image.Image, rng: Random, sigma: float) -> Image.Image:
    values: npt.NDArray[np.float64] = np.asarray(image) + rng.normal(0, sigma, (image.height, image.width, 1))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


KINDS: Mapping[str, Kind] = {
    "invoice": invoice,
    "spreadsheet": spreadsheet,
    "terminal": terminal,
    "chat": chat,
    "cctv frame": cctv,
    "slide": slide,
    "boarding pass": boarding_pass,
    "meme": meme,
    "manga page": manga,
    "map": city_map,
    "chart": chart,
    "QR code": qr_code,
    "night sky": night_sky,
    "product on white": product,
}
"""What is drawn, by name."""
