"""Whether memory, open files and speed stay the same while very many photos are read, some of which are bad.

    python -m benchmarks.soak [--files N] [--write]

Draws small photos, every hundredth of them bad (cut, no picture, empty, of impossible size, unreadable bytes), and indexes them with the
encoder of the tests, so that reading and storing are what is measured. Then indexes again, with nothing changed. The resident memory and
the open files of this process and the time of the processors are sampled at each twentieth of the way. What the library keeps of each photo in memory
grows with the number of photos, so memory is given for each photo, too. With --write the figures go to docs/results/soak.json.
"""

import argparse
import io
import json
import os
import random
import resource
import struct
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from support import block_encoder
from support.real_photos import NAMES, photo

from benchmarks.machine import write_result
from vtsfind.base.progress import Phase
from vtsfind.base.settings import Settings
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.refresh import RefreshResult
from vtsfind.engine.indexing.update import update

BAD_EVERY = 100
SAMPLES = 20
PHOTOS_OF_A_FOLDER = 1000
SIZE_PX = (64, 48)


def bad_files(good: bytes) -> list[bytes]:
    """One of each kind of bad file."""
    huge = bytearray(good)
    at = huge.find(b"\xff\xc0") + 5
    huge[at : at + 4] = struct.pack(">HH", 65500, 65500)
    return [good[: len(good) // 2], b"no picture at all", b"", bytes(huge), b"\xff\xd8\xff" + os.urandom(900)]


def lay_out(folder: Path, count: int) -> int:
    """Draw the files; gives how many are bad."""
    chooser, rng = random.Random(1), np.random.default_rng(1)
    originals = [np.asarray(photo(name).resize(SIZE_PX), np.int16) for name in NAMES]
    bad = 0
    for number in range(count):
        pixels = originals[number % len(originals)] + rng.integers(-40, 40, (SIZE_PX[1], SIZE_PX[0], 1))
        buffer = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
        data = buffer.getvalue()
        if number % BAD_EVERY == BAD_EVERY // 2:
            data, bad = chooser.choice(bad_files(data)), bad + 1
        path = folder / f"{number // PHOTOS_OF_A_FOLDER:04}" / f"{number:06}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return bad


class Watcher:
    """A `vtsfind.base.progress.Progress` that samples this process."""

    def __init__(self, total: int) -> None:
        self._every = max(total // SAMPLES, 1)
        self._total = self._done = 0
        self._phase = Phase.SCAN
        self.samples: list[tuple[int, float, int, float]] = []
        """Photos that were read, memory in MB, open files, seconds of the processors so far."""

    def start(self, phase: Phase, total: int | None) -> None:
        """Begin a phase."""
        self._phase, self._total, self._done = phase, total or 0, 0

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count, and sample."""
        del note
        before, self._done = self._done, self._done + steps
        if self._phase is Phase.ENCODE and before // self._every != self._done // self._every:
            self.samples.append((self._done, memory_mb(), open_files(), processor_seconds()))
            print(*self.samples[-1], file=sys.stderr, flush=True)


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


def processor_seconds() -> float:
    """What this process and those that read photos for it have used, those that ended included: other programs do not change it."""
    here = psutil.Process()
    own = here.cpu_times()
    times = [own, *(each.cpu_times() for each in here.children(recursive=True))]
    ended = float(own.children_user + own.children_system)
    return ended + float(sum(each.user + each.system for each in times))


def open_files() -> int:
    """Open files of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def figures_of(samples: list[tuple[int, float, int, float]]) -> dict[str, Any]:
    """The samples as figures: from the first twentieth, when all is loaded, to the last."""
    photos, memory, files, seconds = (list(column) for column in zip(*samples, strict=True))
    ends = [0, *range(1, len(samples), 2)]
    rates = [
        round((photos[end] - photos[start]) / (seconds[end] - seconds[start]))
        for start, end in pairwise(ends)
    ]
    return {
        "memory, MB": [round(each) for each in memory],
        "growth, bytes a photo": round((memory[-1] - memory[0]) * 2**20 / (photos[-1] - photos[0])),
        "open files": [min(files), max(files)],
        "photos a second of the processors, by tenths (of the first, the second half)": rates,
    }


def run(count: int) -> dict[str, Any]:
    """Index so many files, and again."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as home:
        for part in ("CONFIG", "DATA", "CACHE", "STATE"):
            os.environ[f"VTSFIND_{part}_DIR"] = f"{home}/{part}"
        block_encoder.register()
        block_encoder.install()
        bad = lay_out(Path(home, "photos"), count)
        watcher = Watcher(count)
        settings = Settings(model=block_encoder.NAME, workers=1)
        results: list[RefreshResult] = []
        seconds = []
        for _ in range(2):
            began = time.monotonic()
            results.append(update(Context(settings, progress=watcher), [f"{home}/photos"]))
            seconds.append(round(time.monotonic() - began))
        failed = len(results[0].failures)
        library = sum(path.stat().st_size for path in Path(home, "DATA").rglob("*") if path.is_file())
    return {
        "files": count,
        "bad files": bad,
        "files that could not be read": failed,
        **figures_of(watcher.samples),
        "seconds of the first index and of the second": seconds,
        "memory after the second, MB": round(memory_mb()),
        "open files after the second": open_files(),
        "bytes of the library a photo": round(library / count),
    }


def main() -> None:
    """Soak and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures = run(given.files)
    if given.write:
        write_result("soak", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
