"""Pictures as something that a terminal can show: made in workers, drawn by widgets line by line."""

from dataclasses import dataclass, field
from itertools import count

from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from vtsfind.tui.graphics import (
    PLACEHOLDERS_MOST,
    Graphics,
    iterm2_picture,
    kitty_cells,
    kitty_picture,
    kitty_removal,
    sixel_picture,
)
from vtsfind.tui.scaling import ALL, Look, Pixels, Window, part, window

_UPPER_HALF = "\u2580"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture for a place on the screen."""

    columns: int
    rows: int
    lines: list[list[Segment]] = field(repr=False)
    """`rows` lines of `columns` characters."""
    over: str = ""
    """What is written at the upper left corner, over the lines, once they are there; empty for most."""
    before: str = ""
    """What is written once before the lines."""
    after: str = ""
    """What is written when the drawing is forgotten."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The size of a character, in pixels."""

    width: int = 10
    height: int = 20


class Artist:
    """Draws pictures for one terminal; any thread may use it.

    Parameters
    ----------
    graphics
        How.
    cell
        The size of a character.
    """

    def __init__(self, graphics: Graphics, cell: Cell | None = None) -> None:
        self.graphics = graphics
        self.cell = cell or Cell()
        self._numbers = count(1)

    def window(self, look: Look, pixels: Pixels, columns: int, rows: int) -> tuple[Window, int, int]:
        """What a look shows of a picture in a place, and the characters and lines that this takes."""
        shape = 0.5 if self.graphics is Graphics.BLOCKS else self.cell.width / self.cell.height
        height, width, _ = pixels.shape
        return window(look, (width, height), (columns, rows), shape)

    def draw(self, pixels: Pixels, columns: int, rows: int, seen: Window = ALL) -> Drawing:
        """Draw a part of a picture over all of a place.

        Parameters
        ----------
        pixels
            (h, w, 3) uint8.
        columns, rows
            Of the place.
        seen
            Which part.
        """
        kind = self.graphics
        if kind is Graphics.KITTY and max(columns, rows) <= PLACEHOLDERS_MOST:
            return self._kitty(pixels, columns, rows, seen)
        if kind in {Graphics.SIXEL, Graphics.ITERM2}:
            blank = [[Segment(" " * columns, Style.null())] for _ in range(rows)]
            shown = part(pixels, columns * self.cell.width, rows * self.cell.height, seen)
            over = sixel_picture(shown) if kind is Graphics.SIXEL else iterm2_picture(shown, columns, rows)
            return Drawing(columns, rows, blank, over=over)
        return Drawing(columns, rows, blocks(part(pixels, columns, 2 * rows, seen)))

    def _kitty(self, pixels: Pixels, columns: int, rows: int, seen: Window) -> Drawing:
        number = next(self._numbers)
        shown = part(pixels, columns * self.cell.width, rows * self.cell.height, seen)
        colour = Color.from_rgb(number >> 16 & 255, number >> 8 & 255, number & 255)
        style = Style(color=colour)
        lines = [[Segment(kitty_cells(columns, row), style)] for row in range(rows)]
        before = kitty_picture(shown, number, columns, rows)
        return Drawing(columns, rows, lines, before=before, after=kitty_removal(number))


def blocks(pixels: Pixels) -> list[list[Segment]]:
    """Draw (2r, c, 3) uint8 as r lines of c half blocks, two pixels each."""
    lines = []
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        line: list[Segment] = []
        before, length = None, 0
        for pair in zip(map(tuple, upper), map(tuple, lower), strict=True):
            if pair == before:
                length += 1
                continue
            if before is not None:
                line.append(Segment(_UPPER_HALF * length, _style(*before)))
            before, length = pair, 1
        if before is not None:
            line.append(Segment(_UPPER_HALF * length, _style(*before)))
        lines.append(line)
    return lines


def _style(upper: tuple[int, ...], lower: tuple[int, ...]) -> Style:
    style = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
    Strip.render_ansi(
        style, ColorSystem.TRUECOLOR
    )  # kept in the style, so that drawing it later takes no time
    return style
