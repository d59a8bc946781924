"""Small pictures in a terminal: by the graphics protocols of Kitty and iTerm2, else as coloured half blocks."""

import base64
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import UsageError
from vtsfind.engine import Neighbour
from vtsfind.graphics.png import png
from vtsfind.report.streams import Output

PictureProtocol = Literal["kitty", "iterm2", "blocks"]
Pixels = npt.NDArray[np.uint8]
"""(h, w, 3): red, green and blue."""

THUMBNAIL_SIDE_PX = 160
"""Pixels along each side of the squares that are drawn, stretched to the photo's shape."""
_MAX_ROWS = 7
"""Lines of text that a picture is high, at most."""
_MAX_COLUMNS = 20
"""Characters that a picture is wide, at most."""
_KITTY_CHUNK_BYTES = 4096


def choose_protocol(
    requested: str, output: Output, environment: Mapping[str, str] = os.environ
) -> PictureProtocol | None:
    """How to draw: as asked, or for `auto` the best that the terminal says it can; None if it is no terminal.

    Raises
    ------
    UsageError
        For another word.
    """
    kinds = get_args(PictureProtocol)
    if requested in kinds:
        return cast(PictureProtocol, requested)
    if requested != "auto":
        near = get_close_matches(requested, kinds, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise UsageError(f"'{requested}' is no kind of pictures.", f"{hint}Use auto, {', '.join(kinds)}.")
    if not output.is_terminal:
        return None
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or environment.get("STY"):  # which pass no graphics on
        return "blocks"
    if environment.get("KITTY_WINDOW_ID") or "kitty" in environment.get("TERM", "") or program == "ghostty":
        return "kitty"
    if program in {"iTerm.app", "WezTerm", "mintty"} or environment.get("LC_TERMINAL") == "iTerm2":
        return "iterm2"
    return "blocks"


class InlinePictures:
    """Draws the pictures of hits.

    Parameters
    ----------
    kind
        How to draw.
    output
        Where to.
    thumbnails
        Gives for each path a picture of `THUMBNAIL_SIDE_PX` by `THUMBNAIL_SIDE_PX` pixels, in order, None for one that cannot be shown.
    """

    def __init__(
        self,
        kind: PictureProtocol,
        output: Output,
        thumbnails: Callable[[Sequence[bytes]], Iterator[Pixels | None]],
    ) -> None:
        self._kind = kind
        self._output = output
        self._thumbnails = thumbnails

    def draw(self, hits: Sequence[Neighbour]) -> Iterator[None]:
        """Draw the next hit's picture at each step."""
        for hit, pixels in zip(hits, self._thumbnails([hit.path for hit in hits]), strict=True):
            if pixels is not None:
                columns, rows = cell_size(hit.info.width, hit.info.height)
                self._output.raw(encode_picture(self._kind, pixels, columns, rows))
            yield


def cell_size(width: int, height: int) -> tuple[int, int]:
    """How many characters and lines a picture of a shape takes; a character is twice as high as wide.

    >>> cell_size(4000, 3000), cell_size(300, 4000), cell_size(4000, 300)
    ((19, 7), (1, 7), (20, 1))
    """
    columns = 2 * _MAX_ROWS * width / height
    if columns > _MAX_COLUMNS:
        return _MAX_COLUMNS, max(1, round(_MAX_COLUMNS / 2 * height / width))
    return max(1, round(columns)), _MAX_ROWS


def encode_picture(kind: PictureProtocol, pixels: Pixels, columns: int, rows: int) -> bytes:
    """What to write to a terminal so that it shows a picture on so many characters and lines, and goes on below it."""
    if kind == "kitty":
        return _kitty(pixels, columns, rows)
    if kind == "iterm2":
        data = base64.b64encode(png(pixels))
        where = f"inline=1;width={columns};height={rows};preserveAspectRatio=0"
        return b"\x1b]1337;File=" + where.encode() + b":" + data + b"\x07\n"
    return _half_blocks(downscale(pixels, columns, 2 * rows))


def _kitty(pixels: Pixels, columns: int, rows: int) -> bytes:
    height, width, _ = pixels.shape
    data = base64.b64encode(zlib.compress(pixels.tobytes()))
    chunks = [data[start : start + _KITTY_CHUNK_BYTES] for start in range(0, len(data), _KITTY_CHUNK_BYTES)]
    control = f"a=T,q=2,f=24,o=z,s={width},v={height},c={columns},r={rows},"
    parts = []
    for i, chunk in enumerate(chunks):
        more = int(i + 1 < len(chunks))
        parts.append(b"\x1b_G" + f"{control if i == 0 else ''}m={more};".encode() + chunk + b"\x1b\\")
    return b"".join(parts) + b"\n"


def _half_blocks(pixels: Pixels) -> bytes:
    """Draw two pixels, one above the other, with each character."""
    lines = []
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        line = [
            f"\x1b[38;2;{a};{b};{c}m\x1b[48;2;{d};{e};{f}m\u2580"
            for (a, b, c), (d, e, f) in zip(upper, lower, strict=True)
        ]
        lines.append("".join(line) + "\x1b[0m\n")
    return "".join(lines).encode()


def downscale(pixels: Pixels, width: int, height: int) -> Pixels:
    """Make a picture smaller by taking means; neither side may grow."""
    for axis, size in ((0, height), (1, width)):
        starts = np.arange(size) * pixels.shape[axis] // size
        counts = np.diff([*starts, pixels.shape[axis]])
        sums = np.add.reduceat(pixels, starts, axis=axis, dtype=np.uint32)
        pixels = np.round(sums / np.expand_dims(counts, [1 - axis, 2])).astype(np.uint8)
    return pixels
