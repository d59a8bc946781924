"""What reports look like where a test of a command cannot see it: pictures, progress, terminals."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Phase, SilentProgress
from vtsfind.base.records import Failure, PictureInfo, Reason, Stamp
from vtsfind.engine.search.query import Neighbour
from vtsfind.graphics.detect import Graphics
from vtsfind.graphics.png import png
from vtsfind.graphics.renderer import PictureRenderer
from vtsfind.report.failures import write_failures
from vtsfind.report.pictures import GridCell, grid_row, inline_renderer
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


@pytest.mark.parametrize("graphics", [Graphics.KITTY, Graphics.SIXEL, Graphics.ITERM2, Graphics.BLOCKS])
def test_pictures_side_by_side_end_on_the_line_below_their_captions(graphics: Graphics) -> None:
    renderer = PictureRenderer(graphics)
    pictures = [renderer.draw(PIXELS, 20, 7), renderer.draw(PIXELS, 10, 3)]
    text = grid_row(
        [
            GridCell(pictures[0], ("1. 0/64", "a.jpg")),
            GridCell(None, ("2.", "b.jpg")),
            GridCell(pictures[1], ("3. 9/64", "猫.jpg")),
        ]
    )
    assert text.count("\n") == 9
    assert text.startswith("".join(picture.before for picture in pictures))
    if graphics in {Graphics.SIXEL, Graphics.ITERM2}:
        lines, _, drawn = text.rpartition("\n")
        # Each is drawn from its upper left, over its own lines, whatever had to scroll for them.
        assert drawn == (
            f"\x1b7\x1b[9A{pictures[0].overlay}\x1b8" + f"\x1b7\x1b[5A\x1b[44C{pictures[1].overlay}\x1b8"
        )
    else:
        lines = text.removesuffix("\n")
    assert lines.splitlines()[-2:] == [
        "1. 0/64" + " " * 15 + "2." + " " * 20 + "3. 9/64",
        "a.jpg" + " " * 17 + "b.jpg" + " " * 17 + "猫.jpg",
    ]


def test_blocks_side_by_side_have_two_colours_a_character_and_stand_on_one_line() -> None:
    flat = np.zeros((160, 160, 3), np.uint8)
    flat[80:] = (1, 2, 3)
    renderer = PictureRenderer(Graphics.BLOCKS)
    row = grid_row(
        [GridCell(renderer.draw(flat, 4, 1), ("a", "c")), GridCell(renderer.draw(flat, 2, 2), ("b", "d"))]
    )
    drawn = "\x1b[38;2;0;0;0;48;2;1;2;3m{}\x1b[0m"
    lower = row.splitlines()[1]
    assert lower.startswith(drawn.format("\u2580" * 4) + " " * 18)
    assert row.splitlines()[0].startswith(" " * 22)
    assert row.splitlines()[2] == "a" + " " * 21 + "b"


def test_pictures_of_two_runs_have_different_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    on_terminal(monkeypatch)
    renderers = [inline_renderer("kitty", Output()) for _ in range(2)]
    pictures = [renderer.draw(PIXELS, 4, 2) for renderer in renderers if renderer]
    assert pictures[0].after != pictures[1].after


def test_no_terminal_gets_no_pictures_unless_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert inline_renderer("auto", Output()) is None
    assert inline_renderer("off", Output()) is None
    forced = inline_renderer("kitty", Output())
    assert forced
    assert forced.graphics is Graphics.KITTY
    with pytest.raises(UsageError, match="iterm") as error:
        inline_renderer("iterm", Output())
    assert "iterm2" in error.value.remedy


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


def test_what_the_system_said_of_all_unreadable_files_is_the_reason_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unseen = [Failure(b"/p/%d.jpg" % n, Reason.UNREADABLE, "the machine b does not see it") for n in (1, 2)]
    write_failures(Notes(), unseen)
    assert (
        "2 files could not be read (the machine b does not see it): /p/1.jpg, /p/2.jpg"
        in capsys.readouterr().err
    )
    write_failures(Notes(), [*unseen, Failure(b"/p/3.jpg", Reason.UNREADABLE, "Permission denied")])
    assert "3 files could not be read (no access, or a read error)" in capsys.readouterr().err
