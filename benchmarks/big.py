"""What a library costs from its first index on, and how that grows with the number of files.

    python -m benchmarks.big --photos PHOTOS [--files 1000 10000 100000] [--home HOME] [--write]

PHOTOS are folders of photos. For each number of files, a folder is made of them, and the real command line runs on it: first `index`,
`index` with nothing new, `dupes`, `dupes` again, one file in a hundred changed, `index`, `dupes`, a query by a photo of the library and by a
new one, and the start of `browse` to its groups and its end by `q` (without a terminal, by Textual's headless driver). Two files in a hundred are copies
of others, saved again at another size; the others are parts of photos that do not overlap, enlarged to 240 pixels: real, but small and soft.

Figures are wall seconds, processor seconds of the command and its processes (which say more where the machine does other things), and
its largest memory: the sum of the proportional sizes of all its processes, sampled ten times a second. With --write they go to docs/results/big.json.
HOME keeps the files and libraries; a run that was ended goes on there after its last whole step.
"""

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.commands import Watched
from benchmarks.machine import write_result

SIDE = 240
"""Length of the longer side of the files, in pixels."""
PARTS = 4
"""Parts of a photo along each side."""
MIN_CONTRAST = 12.0
"""Standard deviation of the grey values of a part that is used, of 255: empty ones are all alike."""
COPY_SHARE = 0.02
CHANGED_SHARE = 0.01
PER_FOLDER = 500

_BROWSE = """
import asyncio, sys
from vtsfind.base.settings import load_settings
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.review.session import BrowseSession
from vtsfind.tui.app import BrowseApp
from vtsfind.tui.widgets.group_list import GroupList

async def start():
    with BrowseSession(load_settings(), dedup_options=DedupOptions()) as browsing:
        app = BrowseApp(browsing)
        async with app.run_test(size=(120, 36)) as pilot:
            shown = app.screen.query_one(GroupList)
            while not len(shown.order):
                await pilot.pause(0.02)
            await pilot.press("q")  # bursts are searched meanwhile, until it is told to end

asyncio.run(start())
"""


class Pictures:
    """Pictures by number, all different: parts of photos that do not overlap, in an order that a seed shuffles.

    Parameters
    ----------
    photos
        Files that they are made of.
    """

    def __init__(self, photos: list[Path]) -> None:
        parts = []
        for path in photos:
            photo = Image.open(path).convert("L")
            parts += [
                (path, box) for box in _boxes(photo) if np.asarray(photo.crop(box)).std() >= MIN_CONTRAST
            ]
        order = np.random.default_rng(0).permutation(len(parts))
        self._parts = [parts[place] for place in order]

    def make(self, number: int) -> Image.Image:
        """A picture."""
        path, box = self._parts[number]
        part = Image.open(path).convert("RGB").crop(box)
        return part.resize((SIDE, SIDE * part.height // part.width), Image.Resampling.BICUBIC)

    def __len__(self) -> int:
        return len(self._parts)


def _boxes(photo: Image.Image) -> list[tuple[int, int, int, int]]:
    width, height = photo.width // PARTS, photo.height // PARTS
    return [
        (x * width, y * height, (x + 1) * width, (y + 1) * height) for y in range(PARTS) for x in range(PARTS)
    ]


def lay_out(folder: Path, pictures: Pictures, count: int) -> list[Path]:
    """Make the files that are not there yet; gives all in order, the copies last."""
    copies = int(COPY_SHARE * count)
    files = [folder / f"{number // PER_FOLDER:04}" / f"{number}.jpg" for number in range(count)]
    for number, path in enumerate(files):
        if path.exists():
            continue
        is_copy = number >= count - copies
        picture = pictures.make(number - (count - copies) if is_copy else number)
        if is_copy:
            picture = picture.resize(
                (picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.LANCZOS
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")
        picture.save(beside, "JPEG", quality=80 if is_copy else 90)
        beside.replace(path)
    return files


def measured(home: Path, *command: str) -> dict[str, Any]:
    """Run a command of this interpreter, and say what it cost."""
    run = Watched(home, *command, most=1)  # 1 says that a query found nothing
    return {
        "wall s": round(run.seconds, 2),
        "processor s": round(run.processor_s, 2),
        "peak memory MB": round(run.peak / 1e6),
    }


def life(home: Path, pictures: Pictures, count: int) -> dict[str, Any]:
    """The steps of one library; those that `figures.json` in `home` has are done already."""
    files = lay_out(home / "photos", pictures, count)
    done = home / "figures.json"
    figures: dict[str, Any] = json.loads(done.read_text()) if done.exists() else {}

    def step(name: str, *command: str) -> None:
        if name not in figures:
            figures[name] = measured(home, *command)
            done.write_text(json.dumps(figures))
        print(f"{count:,} files, {name}: {figures[name]}", file=sys.stderr)

    step("first index", "-m", "vtsfind", "index", str(home / "photos"))
    step("index, nothing new", "-m", "vtsfind", "index")
    step("first dupes", "-m", "vtsfind", "dupes")
    step("dupes, nothing new", "-m", "vtsfind", "dupes")
    middle = count // 2  # neither originals of copies nor copies
    if "index, 1 % changed" not in figures:
        for number in range(middle, middle + math.ceil(CHANGED_SHARE * count)):
            pictures.make(count + number - middle).save(files[number], quality=90)
    step("index, 1 % changed", "-m", "vtsfind", "index")
    step("dupes, 1 % changed", "-m", "vtsfind", "dupes")
    new = home / "new.jpg"
    pictures.make(len(pictures) - 1).save(new)
    step("query by a known photo", "-m", "vtsfind", "query", str(files[count // 3]))
    step("query by a new photo", "-m", "vtsfind", "query", str(new))
    step("start of browse", "-c", _BROWSE)
    figures["processor ms a file"] = {
        name: round(1000 * figures[name]["processor s"] / count, 2)
        for name in ("first index", "index, nothing new", "first dupes", "dupes, nothing new")
    }
    figures["dupes after 1 % changed, share of the first beyond a run with nothing new"] = round(
        (figures["dupes, 1 % changed"]["processor s"] - figures["dupes, nothing new"]["processor s"])
        / figures["first dupes"]["processor s"],
        4,
    )
    library = home / "data" / "libraries" / "default"
    figures["library on disk MB"] = {
        path.name: round(path.stat().st_size / 1e6, 1) for path in library.iterdir() if path.is_file()
    }
    return figures


def growth(sizes: list[int], figures: dict[str, Any], name: Callable[[int], str]) -> dict[str, float]:
    """By which power of the number of files each step's processor time grows, from the smallest to the largest library."""
    first, last = min(sizes), max(sizes)
    if first == last:
        return {}
    small, large = figures[name(first)], figures[name(last)]
    return {
        step: round(math.log(large[step]["processor s"] / cost["processor s"]) / math.log(last / first), 2)
        for step, cost in small.items()
        if isinstance(cost, dict) and cost.get("processor s")
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, nargs="+", required=True)
    parser.add_argument("--files", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument(
        "--home", type=Path, help="folder that keeps files and libraries, to go on after an end"
    )
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    pictures = Pictures(
        sorted(path for folder in given.photos for path in folder.rglob("*") if path.is_file())
    )
    needed = math.ceil((1 + CHANGED_SHARE) * max(given.files)) + 1
    if needed > len(pictures):
        sys.exit(f"The photos have {len(pictures):,} parts with contrast; {needed:,} are needed.")

    def name(count: int) -> str:
        return f"{count:,} files"

    figures: dict[str, Any] = {}
    for count in given.files:
        kept = given.home and given.home / str(count)
        with nullcontext(kept) if kept else tempfile.TemporaryDirectory() as home:
            figures[name(count)] = life(Path(home), pictures, count)
    figures["growth, power of the number of files"] = growth(given.files, figures, name)
    if given.write:
        write_result("big", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
