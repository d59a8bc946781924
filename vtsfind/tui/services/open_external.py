"""Handing a photo to the desktop: its viewer, or the folder that it lies in."""

import os
import subprocess
import sys
from shutil import which

from textual.screen import Screen

from vtsfind.base.records import show_path


def show_file(screen: Screen[None], path: bytes) -> None:
    """Open a photo in the desktop's viewer."""
    _open_external(screen, path)


def show_folder(screen: Screen[None], path: bytes) -> None:
    """Open the folder that a photo lies in."""
    _open_external(screen, os.path.dirname(path))


def _open_external(screen: Screen[None], path: bytes) -> None:
    if not os.path.lexists(path):
        screen.notify(f"{show_path(path)} is gone.", severity="error")
        return
    program = _opener()
    if program is None:
        screen.notify("This system has no xdg-open to show files with.", severity="error")
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
