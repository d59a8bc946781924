"""A real terminal (tmux) with a program in it."""

import os
import subprocess
import time
from pathlib import Path

PATIENCE_S = 240


class Terminal:
    """A terminal of tmux with one program in it."""

    def __init__(self, socket: Path, command: list[str], size: tuple[int, int] = (100, 30)) -> None:
        self._socket = socket
        width, height = size
        # The shell notes the exit code: tmux does not always hear of a program's end.
        self._code = socket.with_name(f"{socket.name}.code")
        program = " ".join(f"'{word}'" for word in command) + f"; echo $? > '{self._code}'"
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
        """What is on the screen, and above it: tmux moves all up by a line when the program has ended."""
        return self._tmux("capture-pane", "-p", "-S", "-")

    @property
    def coloured(self) -> str:
        """What is on the screen, with the escape sequences of its colours."""
        return self._tmux("capture-pane", "-p", "-e")

    def until(self, words: str) -> str:
        """Wait until some words are on the screen; gives it."""
        end = time.monotonic() + PATIENCE_S
        while words not in (screen := self.screen):
            assert time.monotonic() < end, f"'{words}' never came:\n{screen}"
            time.sleep(0.1)
        return screen

    def rest(self) -> None:
        """Wait until the screen has stayed as it is for a while."""
        before, same = "", 0
        while same < 10:
            time.sleep(0.1)
            now = self.coloured
            same = same + 1 if now == before else 0
            before = now

    def until_ended(self) -> int:
        """Wait until the program has ended; gives its exit code."""
        end = time.monotonic() + PATIENCE_S
        while not (self._code.exists() and (code := self._code.read_text().strip())):
            assert time.monotonic() < end, f"the program goes on:\n{self.screen}"
            time.sleep(0.1)
        return int(code)

    def close(self) -> None:
        """End it all."""
        self._tmux("kill-server")
