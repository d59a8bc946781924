"""The real program in a real terminal (tmux): start, page through groups, accept, quit, resume."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import blocks
import pytest
from drawn import write
from textured import photograph

from vtsfind.base.settings import Settings
from vtsfind.engine import update

PATIENCE_S = 90

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """A terminal of tmux with one program in it."""

    def __init__(self, socket: Path, command: list[str], size: tuple[int, int] = (100, 30)) -> None:
        self._socket = socket
        width, height = size
        program = " ".join(f"'{word}'" for word in command)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), program)
        self._tmux("set-option", "-g", "remain-on-exit", "on")

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            capture_output=True,
            check=False,
            text=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Press keys."""
        self._tmux("send-keys", *keys)

    @property
    def screen(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p")

    def until(self, words: str) -> str:
        """Wait until some words are on the screen; gives it."""
        end = time.monotonic() + PATIENCE_S
        while words not in (screen := self.screen):
            assert time.monotonic() < end, f"'{words}' never came:\n{screen}"
            time.sleep(0.1)
        return screen

    def until_ended(self) -> int:
        """Wait until the program has ended; gives its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self._tmux("display", "-p", "#{pane_dead}").strip() != "1":
            assert time.monotonic() < end, f"the program goes on:\n{self.screen}"
            time.sleep(0.1)
        return int(self._tmux("display", "-p", "#{pane_dead_status}"))

    def close(self) -> None:
        """End it all."""
        self._tmux("kill-server")


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of six scenes, each with a smaller copy."""
    blocks.register()
    blocks.install(monkeypatch.setattr)
    for seed in range(6):
        whole = photograph(seed, 480, 360)
        write(tmp_path / "photos" / f"scene-{seed}.jpg", whole)
        write(tmp_path / "photos" / f"scene-{seed}-small.jpg", whole.resize((240, 180)), quality=70)
    update(
        Settings(library=str(tmp_path / "library"), workers=1), [str(tmp_path / "photos")], model=blocks.NAME
    )
    return tmp_path / "library"


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    started: list[Terminal] = []
    yield started
    for terminal in started:
        terminal.close()


def test_a_review_in_a_real_terminal_goes_on_after_quitting(
    library: Path, tmp_path: Path, terminals: list[Terminal]
) -> None:
    command = [sys.executable, "-m", "vtsfind", "browse", "--library", str(library)]
    first = Terminal(tmp_path / "first", command)
    terminals.append(first)
    first.until("0/6 decided")
    first.until("KEEPER")
    first.press("Down")
    first.press("Down")
    first.press("a")
    first.until("1/6 decided")
    first.press("a")
    first.until("2/6 decided")
    first.press("q")
    assert first.until_ended() == 0

    second = Terminal(tmp_path / "second", command)
    terminals.append(second)
    second.until("2/6 decided")
    second.until("\u2713")
    second.press("u")
    second.until("1/6 decided")
    second.press("C-c")
    assert second.until_ended() == 0
    assert len(list((tmp_path / "photos").iterdir())) == 12


def test_a_library_that_is_not_there_opens_at_home(tmp_path: Path, terminals: list[Terminal]) -> None:
    library = str(tmp_path / "nothing")
    terminal = Terminal(
        tmp_path / "socket", [sys.executable, "-m", "vtsfind", "browse", "--library", library]
    )
    terminals.append(terminal)
    terminal.until("not made yet")
    terminal.press("q")
    assert terminal.until_ended() == 0


def test_without_a_terminal_browse_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vtsfind", "browse"],
        capture_output=True,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
