"""Screens of the real program for the documentation.

    python -m benchmarks.screens

Makes an album of the photos in tests/data with copies of them, indexes it with the default model, runs `vtsfind browse` in a terminal of
tmux, presses keys, and writes what is shown to docs/screens: each screen as text, and the first ones as SVG.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from support.tmux import Terminal

SCREENS = Path(__file__).parents[1] / "docs" / "screens"
ANN = Path("/tmp/ann")
"""Where the album lies meanwhile: its paths are on the screens."""
SIZE = (120, 36)
THEME = TerminalTheme((20, 21, 26), (230, 225, 216), [(0, 0, 0)] * 8)
PHOTOS = Path(__file__).parents[1] / "tests" / "data" / "photos"
NAMES = (
    "temple-1",
    "cat",
    "city-night",
    "spices",
    "astronaut",
    "pavilion",
    "desert",
    "osprey",
    "ridge-1",
    "coffee",
)


def make_album(folder: Path) -> None:
    """Put real photos into a folder, and the copies that people have of them."""
    for place, name in enumerate(NAMES):
        own = folder / "Pictures" / "2024"
        own.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PHOTOS / f"{name}.jpg", own / f"{name}.jpg")
        photo = Image.open(own / f"{name}.jpg").convert("RGB")
        width, height = photo.size
        phone = folder / "Pictures" / "from phone"
        phone.mkdir(parents=True, exist_ok=True)
        photo.resize((width * 2 // 3, height * 2 // 3)).save(
            phone / f"IMG-2024-WA00{place:02}.jpg", quality=72
        )
        if place % 2:
            photo.crop((width // 5, height // 6, width * 5 // 6, height * 6 // 7)).save(
                phone / f"{name} crop.jpg", quality=88
            )
        if place % 3 == 0:
            shutil.copyfile(own / f"{name}.jpg", own / f"{name} (1).jpg")


def write(terminal: Terminal, name: str, *, picture: bool = False) -> None:
    """Write a screen as text, and as a picture."""
    (SCREENS / f"{name}.txt").write_text(terminal.screen, encoding="utf-8")
    if not picture:
        return
    console = Console(
        record=True, width=SIZE[0], file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    shown = Text.from_ansi(terminal.coloured.rstrip("\n"), no_wrap=True, overflow="crop")
    console.print(shown, no_wrap=True, crop=True)
    svg = console.export_svg(title="vtsfind browse", theme=THEME)
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no fonts from elsewhere
    svg = svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    (SCREENS / f"{name}.svg").write_text(svg, encoding="utf-8")


def run(folder: Path) -> None:
    """Index, browse, and write the screens."""
    for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
        os.environ[f"VTSFIND_{kind}_DIR"] = str(folder / ".vtsfind" / kind.lower())
    os.environ["XDG_DATA_HOME"] = str(folder / "share")
    make_album(folder)
    subprocess.run(
        [sys.executable, "-m", "vtsfind", "index", str(folder / "Pictures"), "--quiet"], check=True
    )
    subprocess.run([sys.executable, "-m", "vtsfind", "dupes", "--summary", "--quiet"], check=True)
    terminal = Terminal(folder / ".socket", [sys.executable, "-m", "vtsfind", "browse"], SIZE)
    steps: tuple[tuple[str, tuple[str, ...], str, bool], ...] = (
        ("groups", ("a", "a", "Right"), "2 decided", True),
        ("compare", ("Down", "Enter", "Tab"), "KEEPER", True),
        ("difference", ("d",), "ifference", False),
        ("search", ("Escape", "s"), "similar to", True),
        ("home", ("F2",), "last index", False),
        ("apply", ("F5",), "to the trash", False),
        ("help", ("F3", "?"), "Keys: Groups", False),
    )
    try:
        terminal.until("KEEPER")
        for name, keys, words, picture in steps:
            for key in keys:
                terminal.press(key)
                terminal.rest()
            terminal.until(words)
            terminal.rest()
            write(terminal, name, picture=picture)
    finally:
        terminal.close()


def main() -> None:
    """Make the screens anew."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    ANN.mkdir()
    try:
        run(ANN)
    finally:
        shutil.rmtree(ANN)
    print(*sorted(path.name for path in SCREENS.iterdir()))


if __name__ == "__main__":
    main()
