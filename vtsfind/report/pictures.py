"""Small pictures of the answers to a query, drawn by `vtsfind.graphics`."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem

from vtsfind.base.paths import show_path
from vtsfind.engine.search.query import Neighbour
from vtsfind.graphics.detect import AUTO, Graphics, choose_graphics, query_terminal
from vtsfind.graphics.renderer import PictureRenderer, RenderedPicture
from vtsfind.graphics.scaling import Pixels
from vtsfind.report.streams import Output

_Item = TypeVar("_Item")

THUMBNAIL_SIDE_PX = 160
"""Side of the squares that thumbnails are stretched to before they are drawn in the photo's own shape, in pixels."""
_MAX_ROWS = 7
"""Lines of the highest picture."""
_MAX_COLUMNS = 20
"""Characters of the widest picture."""
_GAP = 2
"""Characters between pictures."""
_WIDTH_WITHOUT_TERMINAL = 80
"""Characters of a line where the output is no terminal."""


def inline_renderer(requested: str, output: Output) -> PictureRenderer | None:
    """The renderer for pictures among lines of text.

    Parameters
    ----------
    requested
        A value of `Graphics`, or `auto`.
    output
        Where pictures are written to.

    Returns
    -------
    None if pictures are off, or requested as `auto` and the output is no terminal.

    Raises
    ------
    UsageError
        For any other word.
    """
    graphics = choose_graphics(requested)
    if graphics is Graphics.OFF or (requested == AUTO and not output.is_terminal):
        return None
    answer, cell = query_terminal()
    # The terminal keeps pictures by number: another run must not replace the pictures of this one.
    number = 1 + secrets.randbelow(1 << 23)
    return PictureRenderer(choose_graphics(requested, answer), cell, first_number=number)


class InlinePictures:
    """Draws the pictures of hits as a grid that fits the terminal, each with its rank and its name below.

    Parameters
    ----------
    renderer
        Draws for the terminal.
    output
        Where pictures are written to.
    thumbnails
        Gives for each path a picture of `THUMBNAIL_SIDE_PX` by `THUMBNAIL_SIDE_PX` pixels, in order; None for one that
        cannot be read.
    """

    def __init__(
        self,
        renderer: PictureRenderer,
        output: Output,
        thumbnails: Callable[[Sequence[bytes]], Iterator[Pixels | None]],
    ) -> None:
        self._renderer = renderer
        self._output = output
        self._thumbnails = thumbnails

    def draw(self, hits: Sequence[Neighbour]) -> None:
        """Draw the pictures, best first, row by row as they are decoded."""
        in_row = pictures_in_row(self._output.width or _WIDTH_WITHOUT_TERMINAL)
        thumbnails = self._thumbnails([hit.path for hit in hits])
        for row in _batches(zip(hits, thumbnails, strict=True), in_row):
            cells = [self._cell(hit, pixels) for hit, pixels in row]
            self._output.raw(grid_row(cells).encode())

    def _cell(self, hit: Neighbour, pixels: Pixels | None) -> "GridCell":
        rank = f"{hit.rank}. {hit.distance}/{hit.bits}{' (no picture)' if pixels is None else ''}"
        captions = rank[:_MAX_COLUMNS], _fitted(show_path(os.path.basename(hit.path)))
        if pixels is None:
            return GridCell(None, captions)
        columns, rows = picture_cells(hit.info.width, hit.info.height)
        return GridCell(self._renderer.draw(pixels, columns, rows), captions)


def _fitted(name: str) -> str:
    """A name that is no wider than a picture; a long one without its middle."""
    if cell_len(name) <= _MAX_COLUMNS:
        return name
    end = set_cell_size(name[::-1], _MAX_COLUMNS // 2)[::-1]
    return f"{set_cell_size(name, _MAX_COLUMNS - _MAX_COLUMNS // 2 - 1)}\u2026{end}"


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Items in lists of some size, the last one shorter."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


@dataclass(frozen=True, slots=True)
class GridCell:
    """A picture of a grid, and the texts below it."""

    picture: RenderedPicture | None
    captions: tuple[str, str]
    """The two lines below it."""


def pictures_in_row(width: int) -> int:
    """How many pictures stand side by side in a line of some characters.

    >>> pictures_in_row(80), pictures_in_row(120), pictures_in_row(5)
    (3, 5, 1)
    """
    return max(1, (width + _GAP) // (_MAX_COLUMNS + _GAP))


def picture_cells(width: int, height: int) -> tuple[int, int]:
    """The characters and lines of a picture of some shape; a character is twice as high as wide.

    >>> picture_cells(4000, 3000), picture_cells(300, 4000), picture_cells(4000, 300)
    ((19, 7), (1, 7), (20, 1))
    """
    columns = 2 * _MAX_ROWS * width / height
    if columns > _MAX_COLUMNS:
        return _MAX_COLUMNS, max(1, round(_MAX_COLUMNS / 2 * height / width))
    return max(1, round(columns)), _MAX_ROWS


def grid_row(cells: Sequence[GridCell]) -> str:
    """The text that draws pictures side by side at the cursor, their captions below, and leaves the cursor on the next line."""
    captions = [cell.captions for cell in cells]
    height = max((cell.picture.rows for cell in cells if cell.picture), default=0)
    lines = [
        "".join(_padded(_picture_line(cell.picture, row, height)) for cell in cells) for row in range(height)
    ]
    lines += [
        "".join(_padded((text, cell_len(text))) for text in texts) for texts in zip(*captions, strict=True)
    ]
    text = "".join(cell.picture.before for cell in cells if cell.picture)
    text += "".join(f"{line.rstrip()}\n" for line in lines)
    for place, cell in enumerate(cells):
        if (
            cell.picture and cell.picture.overlay
        ):  # its lines are on the screen now, whatever had to scroll for them
            right = place * (_MAX_COLUMNS + _GAP)
            text += f"\x1b7\x1b[{cell.picture.rows + len(cell.captions)}A" + (
                f"\x1b[{right}C" if right else ""
            )
            text += f"{cell.picture.overlay}\x1b8"
    return text


def _picture_line(picture: RenderedPicture | None, row: int, height: int) -> tuple[str, int]:
    """One line of a picture that stands at the bottom of its row of pictures, and its width in characters."""
    if picture is None or row < height - picture.rows:
        return "", 0
    line = picture.lines[row - (height - picture.rows)]
    text = "".join(
        style.render(text, color_system=ColorSystem.TRUECOLOR) if style else text for text, style, _ in line
    )
    return text, picture.columns


def _padded(text_and_width: tuple[str, int]) -> str:
    text, width = text_and_width
    return text + " " * (_MAX_COLUMNS + _GAP - width)
