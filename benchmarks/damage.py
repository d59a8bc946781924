"""What becomes of photos with damaged copies: one bit of a copy is changed, and duplicates are searched.

    python -m benchmarks.damage [--copies N] [--against KIND] [--write]

Each copy of a photo of `tests/data/photos` gets one changed bit in its picture data, and lies in a folder with an intact version:
the photo itself, or one that is smaller, saved again or a PNG. The damaged one has the older time, so that only
its damage can cost it its place. With --write the figures go to docs/results/damage.json.
"""

import argparse
import io
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support import block_encoder
from support.copies import groups
from support.real_photos import FILES
from typer.testing import CliRunner

from benchmarks.machine import write_result

OLD, NEW = 1_500_000_000, 1_600_000_000
VISIBLE_LEVELS = 8
"""A pixel that changed by more, of 255, can be seen to have changed."""
VISIBLE_SHARE = 0.01
"""Of the pixels, from which the damage is seen at a glance; one block of JPEG has 0.0004 of those of these photos."""
ROUND = 30
"""Photos of one library."""


def _saved(data: bytes, share: float, kind: str, **options: Any) -> bytes:
    with Image.open(io.BytesIO(data)) as opened:
        image = opened.convert("RGB")
    out = io.BytesIO()
    image.resize((round(image.width * share), round(image.height * share))).save(out, kind, **options)
    return out.getvalue()


INTACT: dict[str, Callable[[bytes], bytes]] = {
    "the photo itself": lambda data: data,
    "smaller": lambda data: _saved(data, 0.75, "JPEG", quality=90),
    "saved again": lambda data: _saved(data, 1, "JPEG", quality=80),
    "a PNG": lambda data: _saved(data, 1, "PNG"),
}


def damaged(data: bytes, chooser: random.Random) -> bytes:
    """A JPEG with one changed bit in its picture data."""
    changed = bytearray(data)
    changed[chooser.randrange(data.find(b"\xff\xda") + 14, len(data) - 2)] ^= 1 << chooser.randrange(8)
    return bytes(changed)


def extent(data: bytes, changed: bytes) -> str:
    """How much of a picture changed so that it can be seen, in words; all of it if it cannot be decoded any more."""
    try:
        with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(changed)) as after:
            pixels = [np.asarray(image.convert("RGB"), np.int16) for image in (before, after)]
    except (OSError, SyntaxError):
        return "not decoded"
    share = float((np.abs(pixels[1] - pixels[0]).max(2) > VISIBLE_LEVELS).mean())
    if share == 0:
        return "no pixel visibly changed"
    return "visible" if share >= VISIBLE_SHARE else "a block or two visible"


def _is_intact(path: str) -> bool:
    return Path(path).stem == "intact"


def outcome(folder: Path, found: list[dict[str, Any]]) -> str:
    """What becomes of a damaged copy and the intact version in its folder."""
    for group in found:
        members = [each for each in group["members"] if Path(each["path"]).parent == folder]
        if len(members) < 2:
            continue
        keeper, other = members
        if other["stays"]:
            told = "said that one is damaged" if "damaged" in other["stays"] else "for another reason"
            return f"both stay, {told}"
        if other["verdict"] in {"bytes", "pixels"}:
            return "one goes, they show the same"
        if _is_intact(other["path"]):
            return "the intact one goes"
        return "the damaged one goes, " + (
            "said to be damaged" if "is damaged: " in keeper["reason"] else "as the lesser copy"
        )
    return "not found to be copies, both stay"


def measure(copies: int, kinds: list[str]) -> dict[str, Any]:
    """Damage so many copies for each kind of intact version."""
    from vtsfind.cli.app import make_app

    figures: dict[str, Any] = {"copies of each kind": copies}
    for name in kinds:
        made, chooser, outcomes = INTACT[name], random.Random(1), Counter[str]()
        for start in range(0, copies, ROUND):
            with tempfile.TemporaryDirectory() as home:
                for place in ("CONFIG", "DATA", "CACHE", "STATE"):
                    os.environ[f"VTSFIND_{place}_DIR"] = f"{home}/{place}"
                block_encoder.register()
                folders: dict[Path, str] = {}
                for number in range(start, min(start + ROUND, copies)):
                    data = FILES[number % len(FILES)].read_bytes()
                    folder = Path(home, "photos", str(number))
                    folder.mkdir(parents=True)
                    changed = damaged(data, chooser)
                    for file, content, when in (
                        ("damaged.jpg", changed, OLD),
                        ("intact.png" if name == "a PNG" else "intact.jpg", made(data), NEW),
                    ):
                        (folder / file).write_bytes(content)
                        os.utime(folder / file, (when, when))
                    folders[folder] = extent(data, changed)
                CliRunner().invoke(make_app(), ["index", f"{home}/photos"])
                found = groups(CliRunner().invoke(make_app(), ["dupes", "--json"]))
                outcomes.update(f"{seen}: {outcome(folder, found)}" for folder, seen in folders.items())
        figures[name] = dict(sorted(outcomes.items()))
        print(name, figures[name], file=sys.stderr)
    return figures


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--copies", type=int, default=165)
    parser.add_argument("--against", action="append", choices=list(INTACT), help="by default all")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    block_encoder.install()
    os.environ |= {"VTSFIND_MODEL": block_encoder.NAME, "VTSFIND_WORKERS": "1"}
    figures = measure(given.copies, given.against or list(INTACT))
    if given.write:
        write_result("damage", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
