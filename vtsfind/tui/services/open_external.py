"""Open a photo, or its folder, in the desktop's own program."""

import os
import subprocess
import sys
from shutil import which

from textual.screen import Screen

from vtsfind.base.paths import show_path


def open_photo(screen: Screen[None], path: bytes) -> None:
    """Open a photo in the desktop's viewer; `screen` shows what goes wrong."""
    _open_external(screen, path)


def open_folder(screen: Screen[None], path: bytes) -> None:
    """Open the folder of a photo in the desktop's file manager; `screen` shows what goes wrong."""
    _open_external(screen, os.path.dirname(path))


def _open_external(screen: Screen[None], path: bytes) -> None:
    if not os.path.lexists(path):
        screen.notify(f"{show_path(path)} no longer exists.", severity="error")
        return
    program = _opener()
    if program is None:
        screen.notify("xdg-open is not installed; vtsfind opens files with it.", severity="error")
        return
    try:
        subprocess.Popen(  # noqa: S603 - the desktop's own program, and a path as one argument
            [program, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        screen.notify(f"{program} could not be started: {error.strerror}.", severity="error")


def _opener() -> str | None:
    """The program that opens a file as a double click does."""
    if sys.platform == "darwin":
        return which("open")
    if sys.platform == "win32":
        return which("explorer")
    return which("xdg-open")
