"""The real photographs that the tests ship, see tests/data/README.md."""

from functools import cache
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parents[1] / "data" / "photos"


@cache
def photograph(name: str) -> Image.Image:
    """One of them by name, in RGB."""
    return Image.open(FOLDER / f"{name}.jpg").convert("RGB")


def every() -> list[str]:
    """The names of all."""
    return sorted(path.stem for path in FOLDER.glob("*.jpg"))
