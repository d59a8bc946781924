"""What reports look like where a test of a command cannot see it: pictures, progress, terminals."""

import base64
import io
import re
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Phase, SilentProgress
from vtsfind.base.records import PictureInfo, Stamp
from vtsfind.engine import Neighbour
from vtsfind.graphics.png import png
from vtsfind.report.pictures import choose_protocol, downscale, encode_picture
from vtsfind.report.progress import TerminalProgress, progress_shown
from vtsfind.report.query import hit_lines
from vtsfind.report.streams import Notes, Output

PIXELS = np.random.default_rng(1).integers(0, 256, (160, 160, 3), dtype=np.uint8)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put standard output and error on one terminal."""
    stream = Terminal()
    for name in ("NO_COLOR", "FORCE_COLOR", "TMUX", "STY", "KITTY_WINDOW_ID", "TERM_PROGRAM", "LC_TERMINAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def test_a_png_written_here_is_the_picture() -> None:
    image = Image.open(io.BytesIO(png(PIXELS[:50])))
    assert np.array_equal(np.asarray(image), PIXELS[:50])


def test_kitty_gets_the_picture_in_small_chunks() -> None:
    data = encode_picture("kitty", PIXELS, 20, 7)
    chunks = re.findall(rb"\x1b_G([^;]*);([^\x1b]*)\x1b\\", data)
    assert b"s=160,v=160,c=20,r=7" in chunks[0][0]
    assert all(len(chunk) <= 4096 for _, chunk in chunks)
    assert [control.endswith(b"m=1") for control, _ in chunks] == [True] * (len(chunks) - 1) + [False]
    assert zlib.decompress(base64.b64decode(b"".join(chunk for _, chunk in chunks))) == PIXELS.tobytes()


def test_iterm2_gets_a_png_of_the_right_shape() -> None:
    data = encode_picture("iterm2", PIXELS, 20, 7)
    found = re.fullmatch(rb"\x1b\]1337;File=inline=1;width=20;height=7;[^:]*:([^\x07]*)\x07\n", data)
    assert found
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1])))), PIXELS)


def test_blocks_show_two_pixels_a_character() -> None:
    flat = np.zeros((160, 160, 3), np.uint8)
    flat[80:] = (1, 2, 3)
    lines = encode_picture("blocks", flat, 4, 1).decode().splitlines()
    assert lines == ["\x1b[38;2;0;0;0m\x1b[48;2;1;2;3m\u2580" * 4 + "\x1b[0m"]


@pytest.mark.parametrize(("width", "height"), [(160, 160), (20, 14), (1, 1), (7, 160)])
def test_a_shrunk_picture_keeps_its_mean(width: int, height: int) -> None:
    small = downscale(PIXELS, width, height)
    assert small.shape == (height, width, 3)
    assert abs(small.mean() - PIXELS.mean()) < 1


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, "blocks"),
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, "blocks"),
    ],
)
def test_a_terminal_gets_the_best_pictures_that_it_can_show(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], kind: str
) -> None:
    on_terminal(monkeypatch)
    assert choose_protocol("auto", Output(), environment) == kind


def test_no_terminal_gets_no_pictures_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert choose_protocol("auto", Output(), {"TERM": "xterm-kitty"}) is None
    assert choose_protocol("kitty", Output(), {}) == "kitty"
    with pytest.raises(UsageError, match="iterm2"):
        choose_protocol("iterm", Output(), {})


def test_a_long_phase_shows_a_bar_and_a_short_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with progress_shown(Notes()) as progress:
        assert isinstance(progress, TerminalProgress)
        progress.start(Phase.ENCODE, 10)
        progress.advance(4, "a[red]b.jpg")
        progress.start(Phase.PUBLISH, None)
    shown = terminal.getvalue()
    assert "Reading photos" in shown
    assert "Writing the index" not in shown


def test_progress_is_silent_without_a_terminal_or_when_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    with progress_shown(Notes(quiet=True)) as progress:
        assert isinstance(progress, SilentProgress)
    assert terminal.getvalue() == ""
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_shown(Notes()) as progress:
        assert isinstance(progress, SilentProgress)


def test_text_that_the_terminal_cannot_show_becomes_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    stream: Any = io.TextIOWrapper(buffer, encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    output = Output()
    assert not output.is_unicode
    output.line("caf\xe9")
    output.raw(b"\xff\n")
    output.flush()
    assert buffer.getvalue() == b"caf\\xe9\n\xff\n"


@pytest.mark.parametrize("mtime_ns", [0, -(10**9), 10**18, 2**63 - 1, -(2**63)])
def test_a_hit_is_shown_whatever_time_its_file_claims(mtime_ns: int) -> None:
    hit = Neighbour(1, b"/a.jpg", 3, 64, PictureInfo(4, 3), Stamp(9, mtime_ns, 1), missing=True)
    (line,) = hit_lines(Output(), [hit])
    assert line.endswith("/a.jpg  (gone)")
    assert "3/64" in line
