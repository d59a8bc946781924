"""The real photographs of `tests/data/photos`; see `tests/data/README.md` for what they show."""

from functools import cache
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parents[1] / "data" / "photos"
FILES = tuple(sorted(FOLDER.glob("*.jpg")))
NAMES = tuple(path.stem for path in FILES)
SCENES = ("bag", "cottongrass", "forest-path", "red-rock", "ridge", "temple")
"""Scenes with two shots each, `NAME-1` and `NAME-2`; the cameras moved between them."""


@cache
def photo(name: str) -> Image.Image:
    """One photograph, RGB, its longer side 480 pixels at most."""
    with Image.open(FOLDER / f"{name}.jpg") as opened:
        return opened.convert("RGB")
