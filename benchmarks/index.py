"""How fast, and in how much memory, photos are indexed, re-indexed and queried.

    python -m benchmarks.index --photos PHOTOS [--write]

Runs the real command line in processes of its own: a first index of PHOTOS, a second one with nothing changed (on PHOTOS
and on a tree of 20,000 small files), a query by a photo of the library and by a new one; then makes a library of 200,000
photos with random codes to measure its size and a cold query. Memory is the largest sum of the resident sizes of the
command and its workers, sampled ten times a second. With --write the figures go to docs/results/index.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.commands import vtsfind
from benchmarks.machine import write_result
from vtsfind.base.records import Entry, PictureInfo, Stamp
from vtsfind.learn.models.registry import find_card
from vtsfind.store.index import Index

REPEATS = 5


def first_index(home: Path, photos: Path) -> dict[str, Any]:
    """Index real photos from nothing."""
    count = sum(1 for p in photos.rglob("*") if p.is_file())
    run = vtsfind(home, "index", str(photos))
    return {
        "photos": count,
        "seconds, process start to end": round(run.seconds, 2),
        "photos/s, process start to end": round(count / run.seconds, 1),
        "peak memory, MB": round(run.peak / 1e6),
    }


def unchanged(home: Path, folder: Path, count: int) -> dict[str, Any]:
    """Index again with nothing changed."""
    times = [vtsfind(home, "index", str(folder)).seconds for _ in range(REPEATS)]
    empty = statistics.median(vtsfind(home, "paths").seconds for _ in range(REPEATS))
    seconds = statistics.median(times)
    return {
        "files": count,
        "seconds, process start to end": round(seconds, 3),
        "files/s, process start to end": round(count / seconds),
        "seconds of a command that does nothing": round(empty, 3),
    }


def queries(home: Path, photos: Path, outside: Path) -> dict[str, Any]:
    """Query by a photo of the library, and by a new one."""
    inside = sorted(p for p in photos.rglob("*") if p.is_file())[10]
    known = [vtsfind(home, "query", str(inside), "--top", "20").seconds for _ in range(REPEATS)]
    new = [vtsfind(home, "query", str(outside), "--top", "20").seconds for _ in range(REPEATS)]
    load = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", _LOAD], check=True)
        load.append(time.perf_counter() - began)
    return {
        "by a photo of the library, seconds": round(statistics.median(known), 3),
        "by a new photo, seconds": round(statistics.median(new), 3),
        "a process that only loads the model, seconds": round(statistics.median(load), 3),
        "by a new photo, beyond loading the model, seconds": round(
            statistics.median(new) - statistics.median(load), 3
        ),
    }


_LOAD = "from vtsfind.engine.library.access import *; load_encoder(card_named(''), Settings(), 1_000)"


def many_files(folder: Path, count: int) -> None:
    """Lay out a tree of tiny pictures, 1,000 a folder, each of 200 a hundred times or so."""
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)) for _ in range(200)]
    for number in range(count):
        place = folder / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        pictures[number % len(pictures)].save(place / f"{number}.bmp")


def large_library(home: Path, count: int, photo: Path) -> dict[str, Any]:
    """Make a library of random codes and one real file, and query it cold."""
    card = find_card()
    folder = home / "data/libraries/large"
    rng = np.random.default_rng(1)
    stat = photo.stat()
    with Index.create(folder, card.signature) as index:
        for number in range(count):
            codes = {h.name: rng.integers(0, 256, h.bits // 8, np.uint8) for h in card.network.heads}
            path = os.fsencode(photo) if number == count // 2 else b"/photos/%d.jpg" % number
            own = path == os.fsencode(photo)
            stamp = Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ino) if own else Stamp(1000, number, number)
            index.add(Entry(path, stamp, rng.bytes(32), PictureInfo(640, 480), codes))
        index.commit()
        index.publish()
    command = ("query", str(photo), "--library", "large", "--top", "20")
    times = [vtsfind(home, *command).seconds for _ in range(2 * REPEATS)]
    planes = sum(p.stat().st_size for p in folder.glob("*") if "planes" in p.name)
    return {
        "photos": count,
        "planes on disk, MB": round(planes / 1e6, 2),
        "whole library on disk, MB": round(
            sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1
        ),
        "query by a photo of the library, cold process, seconds": round(statistics.median(times), 3),
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=200_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        figures: dict[str, Any] = {"model": find_card().name}
        figures["first index"] = first_index(home / "a", given.photos)
        figures["second index"] = unchanged(home / "a", given.photos, figures["first index"]["photos"])
        outside = home / "outside.jpg"
        some = sorted(p for p in given.photos.rglob("*") if p.is_file())[100]
        Image.open(some).convert("RGB").resize((300, 200)).save(outside)
        figures["query"] = queries(home / "a", given.photos, outside)
        many_files(home / "many", given.files)
        vtsfind(home / "b", "index", str(home / "many"))
        figures["second index of many files"] = unchanged(home / "b", home / "many", given.files)
        figures["large library"] = large_library(home / "c", given.large, some)
    if given.write:
        write_result("index", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
