"""Small pictures beside the answers to a query, drawn by `vtsfind.graphics`."""

import secrets
from collections.abc import Callable, Iterator, Sequence

from rich.color import ColorSystem

from vtsfind.engine.search.query import Neighbour
from vtsfind.graphics.detect import AUTO, Graphics, choose_graphics, query_terminal
from vtsfind.graphics.renderer import PictureRenderer, RenderedPicture
from vtsfind.graphics.scaling import Pixels
from vtsfind.report.streams import Output

THUMBNAIL_SIDE_PX = 160
"""Side of the squares that thumbnails are stretched to before they are drawn in the photo's own shape, in pixels."""
_MAX_ROWS = 7
"""Lines of the highest picture."""
_MAX_COLUMNS = 20
"""Characters of the widest picture."""


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
    """Draws the pictures of hits.

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

    def draw(self, hits: Sequence[Neighbour]) -> Iterator[None]:
        """Draw the next hit's picture at each step."""
        for hit, pixels in zip(hits, self._thumbnails([hit.path for hit in hits]), strict=True):
            if pixels is not None:
                columns, rows = picture_cells(hit.info.width, hit.info.height)
                self._output.raw(inline_picture(self._renderer.draw(pixels, columns, rows)).encode())
            yield


def picture_cells(width: int, height: int) -> tuple[int, int]:
    """The characters and lines of a picture of some shape; a character is twice as high as wide.

    >>> picture_cells(4000, 3000), picture_cells(300, 4000), picture_cells(4000, 300)
    ((19, 7), (1, 7), (20, 1))
    """
    columns = 2 * _MAX_ROWS * width / height
    if columns > _MAX_COLUMNS:
        return _MAX_COLUMNS, max(1, round(_MAX_COLUMNS / 2 * height / width))
    return max(1, round(columns)), _MAX_ROWS


def inline_picture(picture: RenderedPicture) -> str:
    """The text that draws a picture at the cursor and leaves the cursor on the line below it."""
    lines = (
        "".join(
            style.render(text, color_system=ColorSystem.TRUECOLOR) if style else text
            for text, style, _ in line
        )
        for line in picture.lines
    )
    text = picture.before + "".join(f"{line}\n" for line in lines)
    if picture.overlay:  # its lines are on the screen now, whatever had to scroll for them
        text += f"\x1b[{picture.rows}A\x1b7{picture.overlay}\x1b8\x1b[{picture.rows}B"
    return text
