"""Use an installed vtsfind as a person would: index 30 photos, query by a shrunken, badly saved copy of one, look at the first hit.

Reads the checkout's path from its first argument, to find real photos in the folder `shared` beside it; draws photos where there are none.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

PHOTOS = 30
WANTED = 17

checkout = Path(sys.argv[1])
vtsfind = Path(sys.executable).with_name("vtsfind")


def real_photos() -> list[Image.Image]:
    folder = checkout.parent / "shared/data/photos/dev"
    return [
        Image.open(path).convert("RGB") for path in sorted(folder.glob("*.webp"))[:: 598 // PHOTOS][:PHOTOS]
    ]


def drawn_photos() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    coarse = [Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8)) for _ in range(PHOTOS)]
    return [image.resize((640, 480), Image.Resampling.BICUBIC) for image in coarse]


def run(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [vtsfind, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    print(f"$ vtsfind {' '.join(arguments)}\n{done.stdout}{done.stderr}", flush=True)
    if done.returncode:
        sys.exit(f"vtsfind {arguments[0]} ended with {done.returncode}")
    return done.stdout


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    homes = {
        f"VTSFIND_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")
    }
    (folder / "photos").mkdir()
    pictures = real_photos() or drawn_photos()
    for number, picture in enumerate(pictures):
        picture.save(folder / f"photos/{number:02}.jpg", quality=90)
    query = folder / "query.jpg"
    picture = pictures[WANTED]
    picture.resize((picture.width // 2, picture.height // 2)).save(query, quality=40)

    run("index", str(folder / "photos"), **homes)
    for head in ("copy", "scene"):
        lines = run("query", str(query), "--by", head, "--top", "3", "--json", **homes).splitlines()
        hits = [record for record in map(json.loads, lines) if record["type"] == "hit"]
        first = Path(hits[0]["path"]).name
        if first != f"{WANTED:02}.jpg":
            sys.exit(f"by {head} the first hit is {first}, not {WANTED:02}.jpg")
print(f"1 passed, 0 failed: {len(pictures)} photos indexed, the expected photo found first")
