"""How fast, and in how much memory, photos are indexed, re-indexed and queried.

    python -m benchmarks.index --photos PHOTOS [--write]

Runs the real command line in processes of its own: a first index of PHOTOS, a second one with nothing changed (on PHOTOS
and on a tree of 20,000 small files), a query by a photo of the library and by a new one; then makes a library of 200,000
photos with random codes to measure its size and a cold query. Where the processor's time of the first index goes is measured part by
part in one process, on some of the photos; handing over, storing, and starting processes is what is left. Memory is the largest sum of the proportional sizes of the
command and its workers, sampled ten times a second. With --write the figures go to docs/results/index.json.
"""

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.commands import LOAD_MODEL, Watched, vtsfind
from benchmarks.decoding import least_ms
from benchmarks.machine import write_result
from vtsfind.base.records import PIXEL_LIMIT, Entry, PictureInfo, Stamp
from vtsfind.base.settings import Settings
from vtsfind.engine.library.access import load_encoder
from vtsfind.learn.models.registry import find_card
from vtsfind.media.reading import read
from vtsfind.media.work import PreparePhoto, Setup
from vtsfind.store.index import Index

REPEATS = 5
SAMPLE_PHOTOS = 128
"""Photos on which the parts of an index are measured."""


def first_index(home: Path, photos: Path) -> dict[str, Any]:
    """Index real photos from nothing."""
    count = sum(1 for p in photos.rglob("*") if p.is_file())
    run = vtsfind(home, "index", str(photos))
    loading = min(Watched(home, "-c", LOAD_MODEL).processor_s for _ in range(2))
    return {
        "photos": count,
        "processor ms a photo": stages(photos, 1000 * run.processor_s / count, 1000 * loading / count),
        "seconds, process start to end": round(run.seconds, 2),
        "processor s": round(run.processor_s, 2),
        "photos/s, process start to end": round(count / run.seconds, 1),
        "peak memory, MB": round(run.peak / 1e6),
    }


def stages(photos: Path, whole_ms: float, loading_ms: float) -> dict[str, float]:
    """Where the processor's time of an index goes, a photo."""
    card, setup = find_card(), Setup(PIXEL_LIMIT, 0, 60.0)
    work = PreparePhoto(card.preprocessing)
    files = sorted(path for path in photos.rglob("*") if path.is_file())
    some = [os.fsencode(path) for path in files[:: -(-len(files) // SAMPLE_PHOTOS)]]
    prepared = [read(path, frozenset(), work, setup).data for path in some]
    side = card.preprocessing.size
    pixels = np.stack([np.frombuffer(each or b"", np.uint8).reshape(side, side, 3) for each in prepared])
    encoder, batch = load_encoder(card, Settings(), len(files)), Settings().batch

    def encode_all() -> None:
        for start in range(0, len(pixels), batch):
            encoder.encode(pixels[start : start + batch])

    reading = least_ms(lambda: [read(path, frozenset(), work, setup) for path in some]) / len(some)
    encoding = least_ms(encode_all) / len(some)
    parts = {
        "reading, hashing, decoding, resizing": reading,
        "encoding": encoding,
        "loading the model": loading_ms,
        "all else": whole_ms - reading - encoding - loading_ms,
    }
    return {"all": round(whole_ms, 2), **{name: round(value, 2) for name, value in parts.items()}}


def unchanged(home: Path, folder: Path, count: int) -> dict[str, Any]:
    """Index again with nothing changed."""
    runs = [vtsfind(home, "index", str(folder)) for _ in range(REPEATS)]
    empty = statistics.median(vtsfind(home, "paths").seconds for _ in range(REPEATS))
    seconds = statistics.median(run.seconds for run in runs)
    return {
        "files": count,
        "seconds, process start to end": round(seconds, 3),
        "processor s": round(min(run.processor_s for run in runs), 3),
        "files/s, process start to end": round(count / seconds),
        "seconds of a command that does nothing": round(empty, 3),
    }


def queries(home: Path, photos: Path, outside: Path) -> dict[str, Any]:
    """Query by a photo of the library, and by a new one."""
    inside = sorted(p for p in photos.rglob("*") if p.is_file())[10]
    photos_asked = {"by a photo of the library": inside, "by a new photo": outside}
    figures: dict[str, Any] = {}
    for title, photo in photos_asked.items():
        runs = [vtsfind(home, "query", str(photo), "--top", "20") for _ in range(REPEATS)]
        figures[f"{title}, seconds"] = round(statistics.median(run.seconds for run in runs), 3)
        figures[f"{title}, processor s"] = round(min(run.processor_s for run in runs), 3)
    return figures


def many_files(folder: Path, count: int) -> None:
    """Lay out a tree of tiny pictures, 1,000 a folder, each of 200 a hundred times or so, and each of these of another size."""
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (4 + rows, 4, 3), np.uint8)) for rows in range(200)]
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
    runs = [vtsfind(home, *command) for _ in range(2 * REPEATS)]
    planes = sum(p.stat().st_size for p in folder.glob("*") if "planes" in p.name)
    return {
        "photos": count,
        "planes on disk, MB": round(planes / 1e6, 2),
        "whole library on disk, MB": round(
            sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6, 1
        ),
        "query by a photo of the library, cold process, seconds": round(
            statistics.median(run.seconds for run in runs), 3
        ),
        "the same, processor s": round(min(run.processor_s for run in runs), 3),
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
