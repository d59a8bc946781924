"""Pictures as characters and as the escape sequences of terminals: decoded again, and held to the pixels."""

import base64
import io
import re
import unicodedata
import zlib

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.drawn_photos import scene

from vtsfind.base.errors import UsageError
from vtsfind.base.groups import Box
from vtsfind.graphics.detect import CellSize, Graphics, choose_graphics, supports_sixel
from vtsfind.graphics.protocols import iterm2_picture, kitty_cells, kitty_picture, sixel_picture
from vtsfind.graphics.renderer import PictureRenderer, block_lines
from vtsfind.graphics.scaling import FULL_VIEW, Viewport, resample, window

Pixels = npt.NDArray[np.uint8]

# What each character paints in the colour of the text: upper left, upper right, lower left, lower right.
PAINTED = {
    "\u2580": (1, 1, 0, 0),
    "\u258c": (1, 0, 1, 0),
    "\u259a": (1, 0, 0, 1),
    "\u2598": (1, 0, 0, 0),
    "\u259d": (0, 1, 0, 0),
    "\u2596": (0, 0, 1, 0),
    "\u2597": (0, 0, 0, 1),
}


def picture(width: int = 64, height: int = 48) -> Pixels:
    return np.array(scene(5, width, height))


def seen(pixels: Pixels) -> Pixels:
    """What a terminal shows of the blocks drawn for pixels."""
    shown = np.zeros_like(pixels)
    for row, line in enumerate(block_lines(pixels)):
        column = 0
        for text, style, _ in line:
            assert style
            assert style.color
            assert style.bgcolor
            assert style.color.triplet
            assert style.bgcolor.triplet
            for character in text:
                for place, ink in enumerate(PAINTED[character]):
                    colour = style.color.triplet if ink else style.bgcolor.triplet
                    shown[2 * row + place // 2, 2 * column + place % 2] = colour
                column += 1
        assert column == pixels.shape[1] // 2
    return shown


def test_blocks_show_two_colours_a_character_exactly() -> None:
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (6, 8, 2, 2)).astype(bool)
    colours = rng.integers(0, 256, (6, 8, 2, 3), dtype=np.uint8)
    fours = np.where(masks[..., None], colours[:, :, 0, None, None], colours[:, :, 1, None, None])
    pixels = fours.transpose(0, 2, 1, 3, 4).reshape(12, 16, 3).astype(np.uint8)
    assert np.array_equal(seen(pixels), pixels)


def test_blocks_show_a_photo_better_than_halves_would() -> None:
    pixels = picture()
    halves = pixels.reshape(48, 32, 2, 3).mean(axis=2).repeat(2, axis=1)
    error = np.abs(seen(pixels).astype(float) - pixels).mean()
    assert error < np.abs(halves - pixels).mean()
    assert error < 12


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 90), st.integers(1, 40), st.floats(1, 30))
def test_a_window_stays_within_picture_and_place(
    width: int, height: int, columns: int, rows: int, zoom: float
) -> None:
    where, across, down = window(Viewport(zoom, 0.9, 0.1), (width, height), (columns, rows))
    assert -1e-9 <= where.left < where.right <= 1 + 1e-9
    assert -1e-9 <= where.top < where.bottom <= 1 + 1e-9
    assert 1 <= across <= columns
    assert 1 <= down <= rows


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 60), st.integers(1, 60))
def test_a_part_has_the_size_asked_for_and_no_new_colours(
    height: int, width: int, rows: int, columns: int
) -> None:
    rng = np.random.default_rng(height * 100 + width)
    pixels = rng.integers(50, 60, (height, width, 3), dtype=np.uint8)
    shown = resample(pixels, columns, rows)
    assert shown.shape == (rows, columns, 3)
    assert shown.min() >= pixels.min()
    assert shown.max() <= pixels.max()


def test_a_part_is_the_mean_of_what_it_covers() -> None:
    pixels = picture(64, 48)
    assert (
        np.abs(resample(pixels, 16, 12).astype(float) - pixels.reshape(12, 4, 16, 4, 3).mean((1, 3))).max()
        <= 1
    )
    quarter = resample(pixels, 32, 24, Box(0.5, 0.5, 1.0, 1.0))
    assert np.array_equal(quarter, pixels[24:, 32:])


def test_moving_and_zooming_never_leave_the_picture() -> None:
    viewport = FULL_VIEW.zoomed(4).panned(10, -10)
    assert (viewport.x, viewport.y) == (1 - 0.125, 0.125)
    assert viewport.zoomed(1 / 100) == FULL_VIEW


def sixels(text: str) -> Pixels:
    """Draw a sixel picture."""
    match = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert match
    width, height, body = int(match[1]), int(match[2]), match[3]
    shown = np.zeros((-(-height // 6) * 6, width, 3), np.uint8)
    painted = np.zeros(shown.shape[:2], bool)
    palette: dict[int, tuple[int, ...]] = {}
    row = column = colour = 0
    for token in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", body):
        if token[1]:
            palette[int(token[1])] = tuple(round(int(token[i]) * 2.55) for i in (2, 3, 4))
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            column = 0
        elif token[10]:
            row, column = row + 6, 0
        else:
            count, bits = int(token[6] or 1), ord(token[7] or token[8]) - 63
            for bit in range(6):
                if bits >> bit & 1:
                    shown[row + bit, column : column + count] = palette[colour]
                    painted[row + bit, column : column + count] = True
            column += count
    assert painted[:height].all()
    return shown[:height]


def test_a_sixel_picture_shows_every_pixel_in_about_its_colour() -> None:
    pixels = picture(50, 31)
    shown = sixels(sixel_picture(pixels)).astype(float)
    assert shown.shape == pixels.shape
    assert np.abs(shown.mean((0, 1)) - pixels.mean((0, 1))).max() < 4
    assert np.abs(shown - pixels).mean() < 22


def test_a_kitty_picture_comes_back_pixel_for_pixel() -> None:
    pixels = picture(200, 150)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty_picture(pixels, 7, 20, 10))
    assert parts[0][0].startswith("a=T,U=1,q=2,f=24,o=z,i=7,s=200,v=150,c=20,r=10,m=1")
    assert [control for control, _ in parts[1:]] == ["m=1"] * (len(parts) - 2) + ["m=0"]
    data = zlib.decompress(base64.b64decode("".join(chunk for _, chunk in parts)))
    assert np.array_equal(np.frombuffer(data, np.uint8).reshape(150, 200, 3), pixels)


def test_kitty_cells_are_one_wide_each_and_number_their_row_and_column() -> None:
    first, second = kitty_cells(3, 0), kitty_cells(3, 1)
    assert first.count("\U0010eeee") == 3
    assert unicodedata.name(first[1]) == unicodedata.name(first[2]) == "COMBINING OVERLINE"
    assert second[1] == first[5]


def test_an_iterm2_picture_is_a_png_of_the_pixels() -> None:
    pixels = picture()
    match = re.fullmatch(r"\x1b\]1337;File=(.*):(.*)\x07", iterm2_picture(pixels, 8, 4))
    assert match
    assert "width=8;height=4" in match[1]
    with Image.open(io.BytesIO(base64.b64decode(match[2]))) as image:
        assert np.array_equal(np.array(image), pixels)


@pytest.mark.parametrize("kind", [Graphics.KITTY, Graphics.SIXEL, Graphics.ITERM2, Graphics.BLOCKS])
def test_every_kind_of_drawing_fills_its_place_with_characters(kind: Graphics) -> None:
    drawing = PictureRenderer(kind, CellSize(8, 16)).draw(picture(), 12, 5)
    assert len(drawing.lines) == 5
    for line in drawing.lines:
        assert sum(segment.cell_length for segment in line) == 12
    assert bool(drawing.overlay) == (kind in {Graphics.SIXEL, Graphics.ITERM2})
    assert bool(drawing.before) == bool(drawing.after) == (kind is Graphics.KITTY)


@pytest.mark.parametrize(
    ("environment", "answer", "expected"),
    [
        ({}, b"", Graphics.BLOCKS),
        ({"TERM": "xterm-kitty"}, b"", Graphics.KITTY),
        ({"TERM_PROGRAM": "ghostty"}, b"", Graphics.KITTY),
        ({"TERM_PROGRAM": "WezTerm"}, b"\x1b[?65;4;6c", Graphics.ITERM2),
        ({"TERM": "foot"}, b"\x1b[?62;4;22c", Graphics.SIXEL),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x"}, b"\x1b[?1;2;4c", Graphics.BLOCKS),
        ({"TERM": "xterm-kitty"}, b"\x1bP>|kitty(0.26.5)\x1b\\\x1b[?62;c", Graphics.BLOCKS),
        ({"KITTY_WINDOW_ID": "1"}, b"\x1bP>|kitty(0.28.0)\x1b\\\x1b[?62;c", Graphics.KITTY),
    ],
)
def test_auto_is_the_best_that_the_terminal_is_known_to_understand(
    environment: dict[str, str], answer: bytes, expected: Graphics
) -> None:
    assert choose_graphics("auto", answer, environment) is expected


def test_a_word_for_the_kind_of_pictures_is_checked() -> None:
    assert choose_graphics("off") is Graphics.OFF
    with pytest.raises(UsageError, match="no way") as error:
        choose_graphics("sixels")
    assert "Did you mean 'sixel'?" in error.value.remedy


def test_the_class_of_a_terminal_is_no_sixel() -> None:
    assert not supports_sixel(b"\x1b[?4;6c")
    assert supports_sixel(b"\x1b[6;20;10t\x1b[?4;4c")
