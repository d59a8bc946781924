"""The escape sequences that draw pictures in a terminal.

=======  ===================================================================================================
kitty    Kitty's graphics protocol with Unicode placeholders: the picture is sent once, and the characters that
         stand for it are text like any other, which can be scrolled, covered and cut. Kitty and Ghostty.
sixel    DEC's six-pixel rows, drawn over blank characters: xterm -ti vt340, foot, Konsole, Windows Terminal, mlterm.
iterm2   Files sent inline: iTerm2, WezTerm, mintty.
blocks   Characters that are halves and quarters of a block in two colours, everywhere.
off      No pictures.
=======  ===================================================================================================
"""

import base64
import zlib

import numpy as np
import numpy.typing as npt

from vtsfind.graphics.png import png
from vtsfind.graphics.scaling import Pixels

_KITTY_CHUNK_BYTES = 4096
_PLACEHOLDER = "\U0010eeee"
_SIXEL_LEVELS = (6, 7, 6)
"""Shades of red, green and blue in the palette of sixel pictures."""
_BAYER_MATRIX = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) / 16 - 15 / 32

# The combining characters that number rows and columns in Kitty's protocol: hexadecimal ranges, in its order.
_DIACRITIC_RANGES = """
305 30D-30E 310 312 33D-33F 346 34A-34C 350-352 357 35B 363-36F 483-487 592-595 597-599 59C-5A1 5A8-5A9 5AB-5AC 5AF 5C4
610-617 657-65B 65D-65E 6D6-6DC 6DF-6E2 6E4 6E7-6E8 6EB-6EC 730 732-733 735-736 73A 73D 73F-741 743 745 747 749-74A
7EB-7F1 7F3 816-819 81B-823 825-827 829-82D 951 953-954 F82-F83 F86-F87 135D-135F 17DD 193A 1A17 1A75-1A7C 1B6B
1B6D-1B73 1CD0-1CD2 1CDA-1CDB 1CE0 1DC0-1DC1 1DC3-1DC9 1DCB-1DCC 1DD1-1DE6 1DFE 20D0-20D1 20D4-20D7 20DB-20DC 20E1 20E7
20E9 20F0 2CEF-2CF1 2DE0-2DFF
"""


def _diacritics() -> list[str]:
    characters: list[str] = []
    for words in _DIACRITIC_RANGES.split():
        first, _, last = words.partition("-")
        characters += map(chr, range(int(first, 16), int(last or first, 16) + 1))
    return characters


_DIACRITICS = _diacritics()
MAX_PLACEHOLDER_CELLS = len(_DIACRITICS)
"""Cells along a side of the largest picture that placeholders can number."""


def kitty_picture(pixels: Pixels, number: int, columns: int, rows: int) -> str:
    """Send a picture to the terminal under a number; it is shown where its placeholders (`kitty_cells`) stand."""
    height, width, _ = pixels.shape
    data = base64.b64encode(zlib.compress(pixels.tobytes(), 1)).decode()
    chunks = [data[start : start + _KITTY_CHUNK_BYTES] for start in range(0, len(data), _KITTY_CHUNK_BYTES)]
    control = f"a=T,U=1,q=2,f=24,o=z,i={number},s={width},v={height},c={columns},r={rows},"
    return "".join(
        f"\x1b_G{control if i == 0 else ''}m={int(i + 1 < len(chunks))};{chunk}\x1b\\"
        for i, chunk in enumerate(chunks)
    )


def kitty_removal(number: int) -> str:
    """Make the terminal delete a picture."""
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"


def kitty_cells(columns: int, row: int) -> str:
    """The placeholders of one line of a picture; their colour must be the number of the picture."""
    line = _DIACRITICS[row]
    return "".join(f"{_PLACEHOLDER}{line}{_DIACRITICS[column]}" for column in range(columns))


def iterm2_picture(pixels: Pixels, columns: int, rows: int) -> str:
    """Draw a picture at the cursor over some columns and rows."""
    data = base64.b64encode(png(pixels)).decode()
    return f"\x1b]1337;File=inline=1;width={columns};height={rows};preserveAspectRatio=0;doNotMoveCursor=1:{data}\x07"


def sixel_picture(pixels: Pixels) -> str:
    """Draw a picture at the cursor, pixel for pixel, in 252 colours with ordered dithering."""
    height, width, _ = pixels.shape
    indices = _dithered(pixels)
    padded = np.full((-(-height // 6) * 6, width), -1, np.int16)
    padded[:height] = indices
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}', _palette(np.unique(indices))]
    for band in padded.reshape(-1, 6, width):
        colours = np.unique(band[band >= 0])
        # (colours, w): the six bits of each column that have this colour.
        bits = ((band[None] == colours[:, None, None]) * (1 << np.arange(6))[:, None]).sum(axis=1)
        rows = [
            f"#{colour}{_sixel_run_lengths(line)}"
            for colour, line in zip(colours.tolist(), bits, strict=True)
        ]
        parts.append("$".join(rows) + "-")
    return "".join(parts) + "\x1b\\"


def _dithered(pixels: Pixels) -> npt.NDArray[np.int16]:
    """(h, w): the index of each pixel in the palette, after ordered dithering."""
    height, width, _ = pixels.shape
    noise = np.tile(_BAYER_MATRIX, (-(-height // 4), -(-width // 4)))[:height, :width]
    index = np.zeros((height, width), np.int16)
    for channel, levels in enumerate(_SIXEL_LEVELS):
        value = pixels[:, :, channel] * ((levels - 1) / 255) + noise
        index = index * levels + np.clip(np.rint(value), 0, levels - 1).astype(np.int16)
    return index


def _palette(indices: npt.NDArray[np.int16]) -> str:
    _, green, blue = _SIXEL_LEVELS
    words = []
    for index in indices.tolist():
        shades = (index // (green * blue), index // blue % green, index % blue)
        percents = [
            round(100 * shade / (levels - 1)) for shade, levels in zip(shades, _SIXEL_LEVELS, strict=True)
        ]
        words.append(f"#{index};2;{percents[0]};{percents[1]};{percents[2]}")
    return "".join(words)


def _sixel_run_lengths(bits: npt.NDArray[np.int64]) -> str:
    """One colour's row of sixels, run-length encoded."""
    changes = np.flatnonzero(np.diff(bits)) + 1
    starts = [0, *changes.tolist()]
    lengths = np.diff([*starts, len(bits)]).tolist()
    characters = [chr(63 + bit) for bit in bits[starts].tolist()]
    return "".join(
        f"!{length}{character}" if length > 3 else character * length
        for character, length in zip(characters, lengths, strict=True)
    )
