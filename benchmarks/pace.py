"""The pace of a model: photos a second through each of its networks, and from files to all codes.

    python -m benchmarks.pace --photos PHOTOS [--write]

`benchmarks.model` measures it, too. With --write the figures of the default model on some of PHOTOS go to docs/results/pace.json.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import kernels, write_result
from vtsfind.base.machine import processors
from vtsfind.base.records import PIXEL_LIMIT
from vtsfind.base.settings import Settings
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.registry import find_card
from vtsfind.media.decode import Pixels, decode
from vtsfind.media.reading import read
from vtsfind.media.work import PreparePhoto, Setup

BATCH = Settings().batch
PHOTOS = 64
SIZE = (640, 480)
ROUNDS = 3


def pace(encoder: Encoder, pictures: Sequence[Pixels]) -> dict[str, Any]:
    """Photos a second, the best of three runs: prepared ones through each network, and from a file of 640 x 480 to all codes.

    Files are read, hashed, decoded and prepared as an index does it, on all processors beside the encoder. Pace by the time of the
    processor is that of all threads together, so that what else runs on the machine counts less; the other is by the clock.
    """
    with tempfile.TemporaryDirectory() as name:
        files = [_saved(pixels, Path(name) / f"{number}.jpg") for number, pixels in enumerate(pictures)]
        return _measured(encoder, files)


def _measured(encoder: Encoder, files: Sequence[bytes]) -> dict[str, Any]:
    work, setup = PreparePhoto(encoder.preprocessing), Setup(PIXEL_LIMIT, 0, 60.0)
    side = encoder.preprocessing.size

    def prepared(file: bytes) -> Pixels:
        data = read(file, frozenset(), work, setup).data
        return np.frombuffer(data or b"", np.uint8).reshape(side, side, 3)

    def from_files() -> None:
        with ThreadPoolExecutor(processors()) as threads:
            ready = threads.map(prepared, files)
            while some := list(islice(ready, BATCH)):
                encoder.encode(np.stack(some))

    pixels = np.stack([prepared(file) for file in files])
    other = [head.name for head in encoder.signature.heads if head.name != "copy"]
    report: dict[str, Any] = {"precision": str(encoder.precision).removeprefix("torch."), **kernels()}
    works: dict[str, Callable[[], object]] = {"copy, prepared": lambda: encoder.outputs(pixels, ["copy"])}
    if other:
        works[f"{' and '.join(other)}, prepared"] = lambda: encoder.outputs(pixels, other)
    works["all codes, from files of 640x480"] = from_files
    for name, run in works.items():
        report[name] = _photos_per_second(run, len(files))
    return report


def _saved(pixels: Pixels, path: Path) -> bytes:
    Image.fromarray(pixels).resize(SIZE, Image.Resampling.LANCZOS).save(path, quality=90)
    return os.fsencode(path)


def _photos_per_second(work: Callable[[], object], count: int) -> dict[str, float]:
    clock, processor = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began[0])
        processor.append(time.process_time() - began[1])
    return {"a core-second": round(count / min(processor), 1), "a second": round(count / min(clock), 1)}


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    card = find_card()
    files = sorted(path for path in given.photos.rglob("*") if path.is_file())[:PHOTOS]
    pictures = [decode(path.read_bytes(), shortest=min(SIZE))[0] for path in files]
    figures = {"model": card.name, "photos": len(files), **pace(Encoder(card), pictures)}
    if given.write:
        write_result("pace", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
