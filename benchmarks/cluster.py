"""What Ray costs on one machine: indexing, joining and comparing on a local cluster beside the embedded run.

    python -m benchmarks.cluster [--pictures N] [--codes N] [--compared N] [--folder FOLDER [--seconds S]] [--write]

Makes N small pictures by crops and tones of the 30 real photos of tests/data/photos, and indexes them; finds all pairs
within 24 bits of N related codes (`benchmarks.pairs`); and compares the pictures of a library of N for duplicates. Each is done
embedded and then `--on ray`, with the same number of processors, in processes of their own. Processor seconds and memory (the
proportional set size, sampled four times a second) are those of a run and all of its processes; the start of the cluster is told
apart. Since other programs may be running, processor seconds compare better than seconds. Answers are compared, too.

Pictures are indexed 2,000 at a time, embedded and on Ray in turns, into one library each. With --folder the pictures and what was
measured stay there, so that another run goes on; with --seconds a run ends after the part in which that time is over.

`bytes` is what travels between the machines of a cluster, by photo, code or pair, measured on what is sent here. With
--write the figures go to docs/results/cluster.json.
"""

import argparse
import hashlib
import json
import os
import pickle
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil
from PIL import Image, ImageEnhance

from benchmarks.machine import write_result
from benchmarks.pairs import related
from vtsfind.base import bits
from vtsfind.base.settings import Settings
from vtsfind.cluster import crew
from vtsfind.cluster.connect import workplace
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.indexing.update import update
from vtsfind.find.candidates.hash_codes import hash_candidates
from vtsfind.store.evidence_file import NAME as EVIDENCE

PHOTOS = Path(__file__).parents[1] / "tests" / "data" / "photos"
LONGER_SIDE_PX = 320
RADIUS = 24
"""Bits within which codes are joined."""
CPUS = 2
INDEX = "index pictures "
"""Beginning of the names of some parts."""
SAMPLE_INTERVAL_S = 0.25
PER_FOLDER = 1000
FOLDERS_AT_ONCE = 2

Work = Callable[[Context], dict[str, Any]]


class Meter(AbstractContextManager[Any]):
    """Processor seconds and the largest memory of this process and all below it, without those of the meter."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        self._used: dict[psutil.Process, float] = {}
        """Processor seconds of each process when it was seen last: Ray does not wait for its own, so that they would be lost."""
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self._look()
        self._used_before = sum(self._used.values())
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._done.set()
        self._watcher.join()
        self.processor_seconds = sum(self._used.values()) - self._used_before - self._watching_seconds

    def _watch(self) -> None:
        while not self._done.wait(SAMPLE_INTERVAL_S):
            self._look()
        self._look()
        self._watching_seconds = time.thread_time()

    def _look(self) -> None:
        own, memory = psutil.Process(), 0
        for process in [own, *own.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                self._used[process] = sum(process.cpu_times()[:2])
                memory += process.memory_full_info().pss
        self.peak_bytes = max(self.peak_bytes, memory)

    def figures(self) -> dict[str, Any]:
        """What was measured, for people."""
        return {
            "seconds": round(self.seconds, 1),
            "processor_seconds": round(self.processor_seconds, 1),
            "peak_mib": self.peak_bytes >> 20,
        }


def pictures(folder: Path, n: int) -> None:
    """Make pictures that are not there yet: crops of the photos, in other tones."""
    photos = [Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.jpg"))]
    for number in range(len(list(folder.rglob("*.jpg"))), n):
        rng = np.random.default_rng(number)
        photo = photos[number % len(photos)]
        width, height = (int(side * rng.uniform(0.4, 0.9)) for side in photo.size)
        left, top = (
            int(rng.uniform(0, whole - part)) for whole, part in zip(photo.size, (width, height), strict=True)
        )
        made = photo.crop((left, top, left + width, top + height))
        made.thumbnail((LONGER_SIDE_PX, LONGER_SIDE_PX))
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Color, ImageEnhance.Contrast):
            made = enhance(made).enhance(rng.uniform(0.7, 1.3))
        place = folder / f"{number // PER_FOLDER:03d}"
        place.mkdir(parents=True, exist_ok=True)
        made.save(place / f"{number:06d}.jpg", quality=85)


def measured(task: tuple[Callable[..., dict[str, Any]], tuple[Any, ...], Settings, bool]) -> dict[str, Any]:
    """One run; gives its figures, and what the work says."""
    work, arguments, settings, on_ray = task
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with Meter() as starting:
        place = workplace("ray", settings) if on_ray else nullcontext(None)
        found = place.__enter__()
    context = Context(settings, workplace=found) if found is not None else Context(settings)
    with Meter() as meter:
        said = work(context, *arguments)
    figures = meter.figures() | said
    if on_ray:
        figures["start_seconds"] = round(starting.seconds, 1)
    place.__exit__(None, None, None)
    return figures


def indexed(context: Context, folders: list[Path]) -> dict[str, Any]:
    """Index folders."""
    sent = {"tasks": 0, "results": 0}
    counted = crew.Crew.results

    def counting(self: crew.Crew, *arguments: Any) -> Any:
        for batch, results, host in counted(self, *arguments):
            sent["tasks"] += len(pickle.dumps(batch))
            sent["results"] += len(pickle.dumps(results))
            yield batch, results, host

    setattr(crew.Crew, "results", counting)  # noqa: B010 - it counts what is sent
    made = update(context, list(map(str, folders)))
    return {
        "photos": made.new,
        "failures": len(made.failures),
        "bytes_per_photo": sum(sent.values()) // max(made.new, 1),
    }


def joined(context: Context, n: int) -> dict[str, Any]:
    """Find candidate pairs."""
    planes = bits.planes(related(n, RADIUS))
    search_radii: list[int] = []

    def finder(planes: Any, substrings: Any, *more: Any) -> Any:
        search_radii.extend(each.search_radius for each in substrings)
        return context.workplace.find_pairs(planes, substrings, *more)

    with Meter() as meter:
        found = hash_candidates(planes, radius=RADIUS, finder=finder)
    answer = hashlib.sha256(
        b"".join(part.tobytes() for part in (found.firsts, found.seconds, found.distances))
    )
    return {
        **meter.figures(),
        "candidates": len(found.firsts),
        "radius": found.radius,
        "complete_within": found.complete,
        "search_radii": search_radii,
        "answer": answer.hexdigest()[:16],
    }


def compared(context: Context) -> dict[str, Any]:
    """Find duplicates."""
    found = duplicates(context, DedupOptions())
    assert isinstance(found.library, Path)
    connection = sqlite3.connect(found.library / EVIDENCE)
    [[size]] = connection.execute("SELECT avg(length(data)) FROM features").fetchall()
    connection.close()
    answer = hashlib.sha256(repr(found.groups).encode())
    return {
        "photos": found.stats.photos,
        "extracted": found.stats.extracted,
        "pairs": found.stats.compared,
        "feature_bytes_per_photo": round(size),
        "answer": answer.hexdigest()[:16],
    }


def beside(
    alone: ProcessPoolExecutor,
    work: Callable[..., dict[str, Any]],
    arguments: tuple[Any, ...],
    libraries: tuple[Path, Path],
) -> dict[str, Any]:
    """The same embedded and on Ray."""
    each = {
        name: alone.submit(
            measured, (work, arguments, Settings(library=str(library), workers=CPUS), name == "ray")
        ).result()
        for name, library in zip(("embedded", "ray"), libraries, strict=True)
    }
    return each | overheads(each)


def overheads(each: dict[str, Any]) -> dict[str, float]:
    """What Ray costs more."""
    return {
        f"overhead_{measure}_percent": round(100 * (each["ray"][measure] / each["embedded"][measure] - 1), 1)
        for measure in ("seconds", "processor_seconds", "peak_mib")
    }


def total(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Several runs as one: the sums, but the largest memory and the mean of what travels."""
    each: dict[str, Any] = {}
    for name in ("embedded", "ray"):
        figures = [run[name] for run in runs]
        each[name] = {key: round(sum(figure[key] for figure in figures), 1) for key in figures[0]}
        each[name]["peak_mib"] = max(figure["peak_mib"] for figure in figures)
        each[name]["bytes_per_photo"] //= len(runs)
    return each | overheads(each)


def parts(
    alone: ProcessPoolExecutor, folder: Path, given: argparse.Namespace
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """What is measured, each with its name."""

    def compare() -> dict[str, Any]:
        pictures(folder / "few", given.compared)
        libraries = folder / "few-1", folder / "few-2"
        update(Context(Settings(library=str(libraries[0]), workers=CPUS)), [str(folder / "few")])
        shutil.copytree(*libraries)
        return beside(alone, compared, (), libraries)

    def index(first: int, last: int) -> dict[str, Any]:
        pictures(folder / "many", last)
        folders = sorted((folder / "many").iterdir())[first // PER_FOLDER : -(-last // PER_FOLDER)]
        run = beside(alone, indexed, (folders,), (folder / "many-1", folder / "many-2"))
        if not last - first == run["embedded"]["photos"] == run["ray"]["photos"]:
            raise AssertionError("Begin again: an interrupted run has indexed some of the pictures.")
        return run

    yield f"compare {given.compared} pictures", compare
    yield (
        f"join {given.codes} codes",
        lambda: beside(alone, joined, (given.codes,), (folder / "no-1", folder / "no-2")),
    )
    for first in range(0, given.pictures, PER_FOLDER * FOLDERS_AT_ONCE):
        last = min(first + PER_FOLDER * FOLDERS_AT_ONCE, given.pictures)
        yield f"{INDEX}{first} to {last}", partial(index, first, last)


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--codes", type=int, default=2_000_000)
    parser.add_argument("--compared", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with (
        nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as name,
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone,
    ):
        folder = Path(name).absolute()
        folder.mkdir(exist_ok=True)
        for place in ("CONFIG", "DATA", "CACHE", "STATE"):
            os.environ[f"VTSFIND_{place}_DIR"] = str(folder / place)
        kept = folder / "figures.json"
        known = json.loads(kept.read_text()) if kept.exists() else {}
        figures: dict[str, Any] = {"processors": CPUS}
        runs: list[dict[str, Any]] = []
        began = time.monotonic()
        for part, work in parts(alone, folder, given):
            if part not in known:
                if time.monotonic() - began > given.seconds:
                    break
                known[part] = work()
                kept.write_text(json.dumps(known))
            if part.startswith(INDEX):
                runs.append(known[part])
            else:
                figures[part] = known[part]
        if runs:
            figures[f"index {sum(run['ray']['photos'] for run in runs)} pictures"] = total(runs)
        print(json.dumps(figures, indent=1))
        if given.write:
            write_result("cluster", figures)


if __name__ == "__main__":
    main()
