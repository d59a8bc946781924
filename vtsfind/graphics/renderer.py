"""Pictures as lines of text and escape sequences, for the command line and the terminal UI alike."""

from dataclasses import dataclass, field
from itertools import count

import numpy as np
import numpy.typing as npt
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from vtsfind.base.groups import Box
from vtsfind.graphics.detect import CellSize, Graphics
from vtsfind.graphics.protocols import (
    MAX_PLACEHOLDER_CELLS,
    iterm2_picture,
    kitty_cells,
    kitty_picture,
    kitty_removal,
    sixel_picture,
)
from vtsfind.graphics.scaling import FULL_BOX, Pixels, Viewport, resample, window

# The block characters, and which of the four pixels of a cell have the foreground colour: upper left, upper right, lower
# left, lower right. The half block is first: it wins ties.
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
    """A picture as a terminal draws it."""

    columns: int
    rows: int
    lines: list[list[Segment]] = field(repr=False)
    """`rows` lines of `columns` characters."""
    overlay: str = ""
    """The escape sequence that draws the picture over the lines, written with the cursor at their upper left; or empty."""
    before: str = ""
    """The escape sequence written once before the lines; or empty."""
    after: str = ""
    """The escape sequence written when the picture is no longer needed; or empty."""


class PictureRenderer:
    """Draws pictures for one terminal. Thread-safe.

    Parameters
    ----------
    graphics
        How pictures are drawn.
    cell
        The size of a character.
    first_number
        The number of the first picture, 1 to 2**24 - 1, where the terminal keeps pictures by number.
    """

    def __init__(self, graphics: Graphics, cell: CellSize | None = None, *, first_number: int = 1) -> None:
        self.graphics = graphics
        self.cell = cell or CellSize()
        self._numbers = count(first_number)

    def window(
        self, viewport: Viewport, pixels: Pixels, columns: int, rows: int, part: Box = FULL_BOX
    ) -> tuple[Box, int, int]:
        """What a viewport on a part of a picture shows within some columns and rows, and the columns and rows it takes.

        The result is in fractions of the whole picture. Viewports on parts that show the same thing show the same.
        """
        shape = 0.5 if self.graphics is Graphics.BLOCKS else self.cell.width / self.cell.height
        height, width, _ = pixels.shape
        wide, high = part.right - part.left, part.bottom - part.top
        shown, wide_cells, high_cells = window(
            viewport, (width * wide, height * high), (columns, rows), shape
        )
        in_picture = Box(
            part.left + shown.left * wide,
            part.top + shown.top * high,
            part.left + shown.right * wide,
            part.top + shown.bottom * high,
        )
        return in_picture, wide_cells, high_cells

    def draw(self, pixels: Pixels, columns: int, rows: int, source_window: Box = FULL_BOX) -> RenderedPicture:
        """Draw a part of a picture over all of some columns and rows.

        Parameters
        ----------
        pixels
            (h, w, 3) uint8.
        columns, rows
            The size of the drawing, in characters.
        source_window
            The part of the picture.
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

    def _kitty(self, pixels: Pixels, columns: int, rows: int, source_window: Box) -> RenderedPicture:
        number = next(self._numbers)
        shown = resample(pixels, columns * self.cell.width, rows * self.cell.height, source_window)
        colour = Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255)
        style = Style(color=colour)
        lines = [[Segment(kitty_cells(columns, row), style)] for row in range(rows)]
        before = kitty_picture(shown, number, columns, rows)
        return RenderedPicture(columns, rows, lines, before=before, after=kitty_removal(number))


def block_lines(pixels: Pixels) -> list[list[Segment]]:
    """Draw (2r, 2c, 3) uint8 as r lines of c block characters: the shape and two colours with the least squared error."""
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
    """(r, c, 3): the colour of each character that goes with its best shape."""
    picked = np.take_along_axis(np.stack(colours), best[None, :, :, None], 0)[0]
    rounded: npt.NDArray[np.uint8] = np.rint(picked).astype(np.uint8)
    return rounded


def _line(best: list[int], colours: list[list[int]]) -> list[Segment]:
    """One line; neighbours of the same colours are one segment."""
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
    return Style(color=Color.from_rgb(*pair[:3]), bgcolor=Color.from_rgb(*pair[3:]))
