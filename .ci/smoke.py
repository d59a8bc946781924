"""Use an installed vtsfind as a person would: index the photos of a folder, query by a small, badly saved copy of one.

Argument: a folder of JPEG photos. Every command keeps its files in a temporary folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ORIGINAL = "osprey.jpg"

photos = Path(sys.argv[1]).resolve()
vtsfind = Path(sys.executable).with_name("vtsfind")


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
    query = folder / "query.jpg"
    with Image.open(photos / ORIGINAL) as picture:
        picture.resize((picture.width // 2, picture.height // 2)).save(query, quality=40)

    run("index", str(photos), **homes)
    for head in ("copy", "scene"):
        lines = run("query", str(query), "--by", head, "--top", "3", "--json", **homes).splitlines()
        hits = [record for record in map(json.loads, lines) if record["type"] == "hit"]
        first = Path(hits[0]["path"]).name
        if first != ORIGINAL:
            sys.exit(f"by {head} the first hit is {first}, not {ORIGINAL}")
print(f"1 passed, 0 failed: {len(list(photos.iterdir()))} photos indexed, the expected photo found first")
