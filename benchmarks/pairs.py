"""How long it takes, and how much memory, to find all close pairs among many codes, beside FAISS, and what is lost.

    python -m benchmarks.pairs [--codes N ...] [--radius R ...] [--recall DATA] [--every N] [--write]

Random codes of 256 bits, among them one planted pair for every 50 codes, 0 to R bits apart. Each measurement runs in a
process of its own, so that its peak memory is its own, with two threads. `vtsfind` is exact and finds all pairs. So
is FAISS's flat index, which compares every code with every other; its multi-index hash (16 parts of 16 bits, one bit
flipped) is not. Both are asked for the neighbours of 1,000 of the codes; the neighbours found are counted, and the time
for that is multiplied up to all codes. `candidates` is what `vtsfind dupes` does: it chooses the radius by the library's
size, finds the pairs, and keeps the nearest few of each photo. It is also measured on *related* codes: signs of 256
mixtures of 384 independent numbers, so that unrelated codes differ in half of the bits with a deviation of about 9.

With --recall, edits (`benchmarks/edits.py`) of every N-th photo of `photos/train` in DATA are hidden among related codes,
and it is said how many are within the radius, are found (which follows from the plan, without a search), and are among
the `MAX_CANDIDATES_PER_PHOTO` nearest that are found of the edit. With --write the figures go to docs/results/pairs.json.
"""

import argparse
import json
import os
import resource
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from benchmarks.machine import write_result
from vtsfind.base import bits
from vtsfind.find.candidates import hash_codes as choice
from vtsfind.find.candidates.hash_codes import MAX_CANDIDATES_PER_PHOTO, hash_candidates
from vtsfind.find.hamming.all_pairs import close_codes
from vtsfind.find.hamming.mih import exhaustive_cost, plan_substrings

BITS = 256
THREADS = 2
CODES_PER_PAIR = 50
SAMPLE = 1000
MIXED = 384

Codes = npt.NDArray[np.uint8]


def planted(n: int, radius: int) -> Codes:
    """Random codes with their planted pairs, in any order."""
    rng = np.random.default_rng(n + radius)
    return with_pairs(rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8), radius, rng)


def related(n: int, radius: int) -> Codes:
    """The same with codes whose bits correlate a little."""
    rng = np.random.default_rng(n + radius)
    return with_pairs(unrelated(n, rng), radius, rng)


def with_pairs(codes: Codes, radius: int, rng: np.random.Generator) -> Codes:
    """Put near copies in the place of some codes, and shuffle."""
    flips = np.zeros((len(codes) // CODES_PER_PAIR, BITS), np.uint8)
    for flip in flips:
        flip[rng.permutation(BITS)[: rng.integers(radius + 1)]] = 1
    codes[-len(flips) :] = codes[: len(flips)] ^ np.packbits(flips, axis=1)
    return codes[rng.permutation(len(codes))]


def unrelated(n: int, rng: np.random.Generator) -> Codes:
    """Codes of photos that have nothing to do with each other, as bits of a real model are related."""
    mixture = rng.standard_normal((MIXED, BITS), dtype=np.float32)
    starts = range(0, n, 1 << 15)
    parts = [
        rng.standard_normal((min(1 << 15, n - start), MIXED), dtype=np.float32) @ mixture for start in starts
    ]
    return np.concatenate([np.packbits(part > 0, axis=1) for part in parts])


def timed(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What work gives, with the time of the clock and of the processors."""
    began, used = time.perf_counter(), time.process_time()
    result = work()
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    return {"seconds": round(seconds, 2), "processor_seconds": round(processor, 2), **result}


def by_vtsfind(codes: Codes, radius: int) -> dict[str, Any]:
    """Every pair."""
    planes = bits.planes(codes)
    return timed(lambda: {"found": len(close_codes(planes, radius, threads=THREADS).expand()[0])})


def by_candidates(codes: Codes, radius: int) -> dict[str, Any]:
    """The pairs that are worth a look, within a radius of its own choice; the near ones of them are the planted ones."""
    planes = bits.planes(codes)

    def work() -> dict[str, Any]:
        found = hash_candidates(planes)
        return {
            "found": int((found.distances <= radius).sum()),
            "candidates": len(found.firsts),
            "radius": found.radius,
            "complete_within": found.complete,
            "pairs_within": found.within,
        }

    return timed(work)


def by_flat(codes: Codes, radius: int) -> dict[str, Any]:
    """Every code compared with every other."""
    return sampled(faiss.IndexBinaryFlat(BITS), codes, radius)


def by_hash(codes: Codes, radius: int) -> dict[str, Any]:
    """A multi-index hash with a reach of one bit."""
    index = faiss.IndexBinaryMultiHash(BITS, 16, 16)
    index.nflip = 1
    return sampled(index, codes, radius)


def sampled(index: Any, codes: Codes, radius: int) -> dict[str, Any]:
    """The times for all codes, from those for the first ones, and how many neighbours these have."""
    adding = timed(lambda: index.add(codes) or {})
    sample = codes[: min(SAMPLE, len(codes))]
    asking = timed(lambda: {"hits": int(index.range_search(sample, radius + 1)[0][-1])})
    times = {
        name: round(adding[name] + asking[name] * len(codes) / len(sample), 2)
        for name in ("seconds", "processor_seconds")
    }
    return {**times, "of_the_sample": asking["hits"] - len(sample)}


def measured(
    task: tuple[Callable[[Codes, int], dict[str, Any]], Callable[[int, int], Codes], int, int],
) -> dict[str, Any]:
    """Run one measurement; its peak memory includes the codes and the imports."""
    method, make, n, radius = task
    faiss.omp_set_num_threads(THREADS)
    result = method(make(n, radius), radius)
    return {**result, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def edited(data: Path, every: int) -> tuple[Codes, Mapping[str, Codes]]:
    """The copy codes of photos by the default model, and those of their edits, by edit."""
    from PIL import Image

    from benchmarks.edits import HARD, MILD
    from vtsfind.learn.models.encoder import Encoder
    from vtsfind.learn.models.registry import find_card
    from vtsfind.media.decode import decode, prepare

    encoder = Encoder(find_card(""))
    paths = sorted((data / "photos/train").rglob("*.webp"))[::every]
    photos = [Image.fromarray(decode(path.read_bytes(), shortest=224)[0]) for path in paths]

    def code(pictures: list[Image.Image]) -> Codes:
        ready = [prepare(np.asarray(picture), encoder.preprocessing) for picture in pictures]
        parts = [encoder.encode(np.stack(ready[i : i + 32]))["copy"] for i in range(0, len(ready), 32)]
        return np.concatenate(parts)

    edits = {
        f"{kind} {name}": edit for kind, of in (("mild", MILD), ("hard", HARD)) for name, edit in of.items()
    }
    return code(photos), {
        name: code([edit(photo, np.random.default_rng(i)) for i, photo in enumerate(photos)])
        for name, edit in edits.items()
    }


def recall(task: tuple[Codes, Mapping[str, Codes], int]) -> dict[str, Any]:
    """How many edits come to be candidates in a library of n: within the radius, found, among the nearest found."""
    originals, versions, n = task
    planes = bits.planes(np.concatenate([originals, unrelated(n - len(originals), np.random.default_rng(n))]))
    few = exhaustive_cost(n) <= choice._MAX_EFFORT_NS
    radius = choice.adaptive_radius(
        planes, neighbours=choice.TARGET_NEIGHBOURS if few else choice.TARGET_NEIGHBOURS_PARTIAL
    )
    chosen = plan_substrings(planes, radius, choice._MAX_EFFORT_NS)
    parts = [part if chosen.radius == radius else part.widened() for part in chosen.substrings]
    shares: dict[str, Any] = {}
    for name, codes in versions.items():
        hits = np.zeros(3)
        for row, code in enumerate(bits.words(codes)):
            differences = planes ^ code[:, None]
            distances = np.bitwise_count(differences).sum(axis=0, dtype=np.int64)
            near = np.flatnonzero(distances <= radius)
            met = near[np.logical_or.reduce([part.matches(differences[:, near]) for part in parts])]
            ahead = int((distances[met] < distances[row]).sum())
            hits += distances[row] <= radius, row in met, row in met and ahead < MAX_CANDIDATES_PER_PHOTO
        within, found, kept = (hits / len(codes)).round(4).tolist()
        shares[name] = {"within_radius": within, "found": found, "kept": kept}
    for kind in ("mild", "hard"):
        of = [share for name, share in shares.items() if name.startswith(f"{kind} ")]
        shares[kind] = {name: round(float(np.mean([share[name] for share in of])), 4) for name in of[0]}
    return {"photos": len(originals), "radius": radius, "complete_within": chosen.radius, **shares}


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--radius", type=int, nargs="*", default=[24, 40])
    parser.add_argument("--recall", type=Path, metavar="DATA")
    parser.add_argument("--every", type=int, default=80)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    figures: dict[str, Any] = {"bits": BITS, "threads": THREADS}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:

        def told(name: str, figure: dict[str, Any]) -> None:
            print(name, json.dumps(figure), flush=True)
            figures[name] = figure

        most = max(given.radius, default=40)
        for n in given.codes:
            for kind, make in (("", planted), (", related codes", related)):
                one = alone.submit(measured, (by_candidates, make, n, most)).result()
                told(f"{n} codes, candidates{kind}", {"planted": n // CODES_PER_PAIR, **one})
        for radius in given.radius:
            for n in given.codes:
                methods = {"vtsfind": by_vtsfind, "faiss flat": by_flat, "faiss multi-hash": by_hash}
                each = {
                    name: alone.submit(measured, (method, planted, n, radius)).result()
                    for name, method in methods.items()
                }
                told(f"{n} codes, radius {radius}", {"planted": n // CODES_PER_PAIR, **each})
    if given.recall:
        originals, versions = edited(given.recall, given.every)
        for n in given.codes:
            told(f"{n} codes, recall of edits", recall((originals, versions, n)))
    if given.write:
        write_result("pairs", figures)


if __name__ == "__main__":
    main()
