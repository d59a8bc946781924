"""Pictures as something that a terminal can show: made in workers, drawn by widgets line by line."""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vtsfind.graphics.protocols import (
    MAX_PLACEHOLDER_CELLS,
    Graphics,
    iterm2_picture,
    kitty_cells,
    kitty_picture,
    kitty_removal,
    sixel_picture,
)
from vtsfind.graphics.scaling import FULL_WINDOW, Pixels, Viewport, Window, resample, window

# The characters that part their place in two, and the pixels in the colour of the text: upper left and right, lower left
# and right. The half block stands first, since it wins where nothing is gained by another.
_BLOCK_SHAPES = [
    ("\u2580", np.array([1, 1, 0, 0], np.float32)),
    ("\u258c", np.array([1, 0, 1, 0], np.float32)),
    ("\u259a", np.array([1, 0, 0, 1], np.float32)),
    ("\u2598", np.array([1, 0, 0, 0], np.float32)),
    ("\u259d", np.array([0, 1, 0, 0], np.float32)),
    ("\u2596", np.array([0, 0, 1, 0], np.float32)),
    ("\u2597", np.array([0, 0, 0, 1], np.float32)),
]


@dataclass(frozen=True, slots=True)
class RenderedPicture:
    """A picture for a place on the screen."""

    columns: int
    rows: int
    lines: list[list[Segment]] = field(repr=False)
    """`rows` lines of `columns` characters."""
    overlay: str = ""
    """What is written at the upper left corner, over the lines, once they are there; empty for most."""
    before: str = ""
    """What is written once before the lines."""
    after: str = ""
    """What is written when the drawing is forgotten."""


@dataclass(frozen=True, slots=True)
class CellSize:
    """The size of a character, in pixels."""

    width: int = 10
    height: int = 20


class PictureRenderer:
    """Draws pictures for one terminal; any thread may use it.

    Parameters
    ----------
    graphics
        How.
    cell
        The size of a character.
    """

    def __init__(self, graphics: Graphics, cell: CellSize | None = None) -> None:
        self.graphics = graphics
        self.cell = cell or CellSize()
        self._numbers = count(1)

    def window(self, viewport: Viewport, pixels: Pixels, columns: int, rows: int) -> tuple[Window, int, int]:
        """What a look shows of a picture in a place, and the characters and lines that this takes."""
        shape = 0.5 if self.graphics is Graphics.BLOCKS else self.cell.width / self.cell.height
        height, width, _ = pixels.shape
        return window(viewport, (width, height), (columns, rows), shape)

    def draw(
        self, pixels: Pixels, columns: int, rows: int, source_window: Window = FULL_WINDOW
    ) -> RenderedPicture:
        """Draw a part of a picture over all of a place.

        Parameters
        ----------
        pixels
            (h, w, 3) uint8.
        columns, rows
            Of the place.
        source_window
            Which part.
        """
        kind = self.graphics
        if kind is Graphics.KITTY and max(columns, rows) <= MAX_PLACEHOLDER_CELLS:
            return self._kitty(pixels, columns, rows, source_window)
        if kind in {Graphics.SIXEL, Graphics.ITERM2}:
            blank = [[Segment(" " * columns, Style.null())] for _ in range(rows)]
            shown = resample(pixels, columns * self.cell.width, rows * self.cell.height, source_window)
            overlay = sixel_picture(shown) if kind is Graphics.SIXEL else iterm2_picture(shown, columns, rows)
            return RenderedPicture(columns, rows, blank, overlay=overlay)
        return RenderedPicture(
            columns, rows, block_lines(resample(pixels, 2 * columns, 2 * rows, source_window))
        )

    def _kitty(self, pixels: Pixels, columns: int, rows: int, source_window: Window) -> RenderedPicture:
        number = next(self._numbers)
        shown = resample(pixels, columns * self.cell.width, rows * self.cell.height, source_window)
        colour = Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255)
        style = Style(color=colour)
        lines = [[Segment(kitty_cells(columns, row), style)] for row in range(rows)]
        before = kitty_picture(shown, number, columns, rows)
        return RenderedPicture(columns, rows, lines, before=before, after=kitty_removal(number))


def block_lines(pixels: Pixels) -> list[list[Segment]]:
    """Draw (2r, 2c, 3) uint8 as r lines of c characters: two colours each, parted where that shows the four pixels best."""
    quads = _quads(pixels)
    foregrounds, backgrounds, errors = [], [], []
    for _, mask in _BLOCK_SHAPES:
        foreground, background = quads @ (mask / mask.sum()), quads @ ((1 - mask) / max(1, (1 - mask).sum()))
        drawn = foreground[..., None] * mask + background[..., None] * (1 - mask)
        foregrounds.append(foreground)
        backgrounds.append(background)
        errors.append(np.square(quads - drawn).sum(axis=(2, 3)))
    best = np.argmin(errors, axis=0)
    chosen = np.concatenate([_pick_colours(foregrounds, best), _pick_colours(backgrounds, best)], axis=2)
    return [_line(*line) for line in zip(best.tolist(), chosen.tolist(), strict=True)]


def _quads(pixels: Pixels) -> npt.NDArray[np.float32]:
    """(r, c, 3, 4): the pixels of each character, row by row."""
    height, width, _ = pixels.shape
    parted = pixels.reshape(height // 2, 2, width // 2, 2, 3).transpose(0, 2, 4, 1, 3)
    return parted.reshape(height // 2, width // 2, 3, 4).astype(np.float32)


def _pick_colours(
    colours: list[npt.NDArray[np.float32]], best: npt.NDArray[np.int64]
) -> npt.NDArray[np.uint8]:
    """(r, c, 3): of each character, the colour that goes with its best part."""
    picked = np.take_along_axis(np.stack(colours), best[None, :, :, None], 0)[0]
    rounded: npt.NDArray[np.uint8] = np.rint(picked).astype(np.uint8)
    return rounded


def _line(best: list[int], colours: list[list[int]]) -> list[Segment]:
    """One line; characters of the same colours that stand together are one segment."""
    line: list[Segment] = []
    text, before = "", None
    for kind, pair in zip(best, map(tuple, colours), strict=True):
        if pair != before and text:
            line.append(Segment(text, _style(before)))
            text = ""
        text, before = text + _BLOCK_SHAPES[kind][0], pair
    if text:
        line.append(Segment(text, _style(before)))
    return line


def _style(pair: tuple[int, ...] | None) -> Style:
    assert pair
    style = Style(color=Color.from_rgb(*pair[:3]), bgcolor=Color.from_rgb(*pair[3:]))
    Strip.render_ansi(
        style, ColorSystem.TRUECOLOR
    )  # kept in the style, so that drawing it later takes no time
    return style
