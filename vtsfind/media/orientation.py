"""EXIF orientations, 1 to 8, of arrays of pixels (h, w, 3)."""

from collections.abc import Callable
from typing import Final

from vtsfind.media.decode import Pixels

_TO_UPRIGHT: Final[dict[int, Callable[[Pixels], Pixels]]] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: pixels[::-1].transpose(1, 0, 2),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: pixels.transpose(1, 0, 2)[::-1],
}
_BACK: Final = {6: 8, 8: 6}
"""The orientations that turn a picture back; each other one is its own."""


def upright(pixels: Pixels, orientation: int) -> Pixels:
    """A view of what is stored in an orientation, as it is shown."""
    return _TO_UPRIGHT[orientation](pixels)


def as_stored(pixels: Pixels, orientation: int) -> Pixels:
    """The other way round: a view of what is shown, as it is stored."""
    return _TO_UPRIGHT[_BACK.get(orientation, orientation)](pixels)
