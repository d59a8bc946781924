"""Screens of the real program for the documentation.

    python -m benchmarks.screens

Draws an album of landscapes with copies of them, indexes it with the default model, runs `vtsfind browse` in a terminal of
tmux, presses keys, and writes what is shown to docs/screens: each screen as text, and the first ones as SVG.
"""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
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
SKIES = (
    ((24, 34, 78), (214, 106, 82), (250, 208, 130)),
    ((70, 140, 205), (160, 205, 230), (236, 240, 226)),
    ((14, 18, 46), (48, 62, 116), (120, 130, 170)),
    ((96, 74, 130), (226, 132, 132), (252, 214, 178)),
    ((58, 120, 150), (150, 200, 190), (245, 235, 200)),
)
NAMES = (
    "Dolomites",
    "Lofoten",
    "Skye",
    "Tatra",
    "Picos",
    "Rila",
    "Jotunheimen",
    "Verdon",
    "Bernina",
    "Kepler",
)


def landscape(seed: int, width: int = 1200, height: int = 800) -> Image.Image:
    """Draw a sky with a sun, and ridges before it, nearer ones darker."""
    rng = np.random.default_rng(seed)
    top, middle, low = (np.array(colour, float) for colour in SKIES[seed % len(SKIES)])
    y, x = np.mgrid[0:height, 0:width] / height
    share = np.clip(y / 0.7, 0, 1)[..., None]
    sky = np.where(share < 0.5, top + (middle - top) * 2 * share, middle + (low - middle) * (2 * share - 1))
    sun = np.hypot(x - rng.uniform(0.2, 1.3), y - rng.uniform(0.2, 0.45))
    sky += (np.exp(-((sun / 0.05) ** 4)) * 110 + np.exp(-sun * 6) * 60)[..., None]
    for ridge in range(5):
        base = 0.36 + 0.13 * ridge
        line = base + _rough(rng, width, 0.20 - 0.025 * ridge)
        depth = np.clip((y - line[None, :]) * 14, 0, 1)[..., None]
        near = (ridge + 1) / 5
        colour = low * (1 - near) * 0.75 + np.array([18, 34, 30]) * near
        grain = rng.normal(0, 6 + 10 * near, (height, width, 1)) * depth
        light = 1 + 0.35 * np.gradient(_rough(rng, width, 0.5))[None, :, None] * 90
        sky = sky * (1 - depth) + (colour * light + grain) * depth
    return Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8))


def _rough(rng: np.random.Generator, width: int, high: float) -> npt.NDArray[np.float64]:
    """A mountain's outline: noise of every length, the longer the higher."""
    total = np.zeros(width)
    for octave in range(2, 9):
        points = rng.normal(0, 1, 2**octave + 1)
        total += np.interp(np.linspace(0, 2**octave, width), np.arange(2**octave + 1), points) / 2 ** (
            0.9 * octave
        )
    scaled: npt.NDArray[np.float64] = total * high
    return scaled


def draw_album(folder: Path) -> None:
    """Draw photos, and the copies that people have of them."""
    for place, name in enumerate(NAMES):
        photo = landscape(place)
        exif = Image.Exif()
        exif[306] = f"2024:0{place % 9 + 1}:1{place % 9} 18:2{place % 6}:05"
        own = folder / "Pictures" / "2024"
        own.mkdir(parents=True, exist_ok=True)
        photo.save(own / f"{name}.jpg", quality=94, exif=exif)
        phone = folder / "Pictures" / "from phone"
        phone.mkdir(parents=True, exist_ok=True)
        photo.resize((800, 533)).save(phone / f"IMG-2024-WA00{place:02}.jpg", quality=72)
        if place % 2:
            photo.crop((260, 130, 1010, 690)).save(phone / f"{name} crop.jpg", quality=88)
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
    draw_album(folder)
    subprocess.run(
        [sys.executable, "-m", "vtsfind", "index", str(folder / "Pictures"), "--quiet"], check=True
    )
    subprocess.run([sys.executable, "-m", "vtsfind", "dupes", "--summary", "--quiet"], check=True)
    terminal = Terminal(folder / ".socket", [sys.executable, "-m", "vtsfind", "browse"], SIZE)
    steps: tuple[tuple[str, tuple[str, ...], str, bool], ...] = (
        ("groups", ("a", "a", "Right"), "2/10 decided", True),
        ("compare", ("Down", "Down", "Enter", "Tab"), "of the other", True),
        ("difference", ("d",), "difference of", False),
        ("search", ("Escape", "s"), "photos like", True),
        ("home", ("F2",), "last index", False),
        ("apply", ("F5",), "go to the trash", False),
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
