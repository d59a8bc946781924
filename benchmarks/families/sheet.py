"""Contact sheets: rows of small pictures with a name before each row."""

from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

CELL = 200
"""Pixels of the side of one picture."""
_NAME = 150


def sheet(rows: Iterable[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    """Draw rows of pictures, each as large as fits its cell."""
    listed = list(rows)
    columns = max(len(pictures) for _, pictures in listed)
    canvas = Image.new("RGB", (_NAME + columns * CELL, len(listed) * CELL), (128, 128, 128))
    draw = ImageDraw.Draw(canvas)
    for row, (name, pictures) in enumerate(listed):
        draw.text((4, row * CELL + 8), name.replace(" ", "\n"), (255, 255, 255), ImageFont.load_default(16))
        for column, picture in enumerate(pictures):
            shown = ImageOps.contain(picture, (CELL - 6, CELL - 6))
            left = _NAME + column * CELL + (CELL - shown.width) // 2
            canvas.paste(shown, (left, row * CELL + (CELL - shown.height) // 2))
    return canvas
