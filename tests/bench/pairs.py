"""How long it takes, and how much memory, to find all close pairs among many codes, beside FAISS.

    python tests/bench/pairs.py [--codes N ...] [--radius R ...] [--write]

Random codes of 256 bits, among them one planted pair for every 50 codes, 0 to R bits apart. Each measurement runs in a
process of its own, so that its peak memory is its own, with two threads. `vtsfind` is exact and finds all pairs. So
is FAISS's flat index, which compares every code with every other; its multi-index hash (16 parts of 16 bits, one bit
flipped) is not. Both are asked for the neighbours of 1,000 of the codes; the neighbours found are counted, and the time
for that is multiplied up to all codes. `candidates` is what `vtsfind dupes` does: it chooses the radius by the library's size, finds the pairs, and keeps
the nearest few of each photo. With --write the figures go to docs/results/pairs.json.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt
from machine import write_result

from vtsfind.base import bits
from vtsfind.find.candidates import candidates
from vtsfind.find.pairs import pairs_within

BITS = 256
THREADS = 2
CODES_PER_PAIR = 50
SAMPLE = 1000

Codes = npt.NDArray[np.uint8]


def planted(n: int, radius: int) -> Codes:
    """Random codes with their planted pairs, in any order."""
    rng = np.random.default_rng(n + radius)
    codes = rng.integers(0, 256, (n, BITS // 8), dtype=np.uint8)
    flips = np.zeros((n // CODES_PER_PAIR, BITS), np.uint8)
    for flip in flips:
        flip[rng.permutation(BITS)[: rng.integers(radius + 1)]] = 1
    codes[-len(flips) :] = codes[: len(flips)] ^ np.packbits(flips, axis=1)
    return codes[rng.permutation(n)]


def by_vtsfind(codes: Codes, radius: int) -> dict[str, Any]:
    """Every pair."""
    planes = bits.planes(codes)
    began = time.perf_counter()
    found = len(pairs_within(planes, radius, threads=THREADS)[0])
    return {"seconds": round(time.perf_counter() - began, 2), "found": found}


def by_candidates(codes: Codes, radius: int) -> dict[str, Any]:
    """The pairs that are worth a look, within a radius of its own choice."""
    del radius
    planes = bits.planes(codes)
    began = time.perf_counter()
    found = candidates(planes, threads=THREADS)
    seconds = round(time.perf_counter() - began, 2)
    return {"seconds": seconds, "found": len(found.firsts), "radius": found.radius, "within": found.within}


def by_flat(codes: Codes, radius: int) -> dict[str, Any]:
    """Every code compared with every other."""
    return sampled(faiss.IndexBinaryFlat(BITS), codes, radius)


def by_hash(codes: Codes, radius: int) -> dict[str, Any]:
    """A multi-index hash with a reach of one bit."""
    index = faiss.IndexBinaryMultiHash(BITS, 16, 16)
    index.nflip = 1
    return sampled(index, codes, radius)


def sampled(index: Any, codes: Codes, radius: int) -> dict[str, Any]:
    """The time for all codes, from that for the first ones, and how many neighbours these have."""
    began = time.perf_counter()
    index.add(codes)
    adding = time.perf_counter() - began
    sample = codes[: min(SAMPLE, len(codes))]
    began = time.perf_counter()
    hits = int(index.range_search(sample, radius + 1)[0][-1])
    asking = (time.perf_counter() - began) * len(codes) / len(sample)
    return {"seconds": round(adding + asking, 2), "of the sample": hits - len(sample)}


def measured(task: tuple[Callable[[Codes, int], dict[str, Any]], int, int]) -> dict[str, Any]:
    """Run one measurement; its peak memory includes the codes and the imports."""
    method, n, radius = task
    faiss.omp_set_num_threads(THREADS)
    result = method(planted(n, radius), radius)
    return {**result, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--radius", type=int, nargs="+", default=[24, 40])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures: dict[str, Any] = {"bits": BITS, "threads": THREADS}
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as alone:
        for n in given.codes:
            figures[f"{n} codes, candidates"] = alone.submit(
                measured, (by_candidates, n, max(given.radius))
            ).result()
        for radius in given.radius:
            for n in given.codes:
                methods = {"vtsfind": by_vtsfind, "faiss flat": by_flat, "faiss multi-hash": by_hash}
                one: dict[str, Any] = {"planted": n // CODES_PER_PAIR}
                for name, method in methods.items():
                    one[name] = alone.submit(measured, (method, n, radius)).result()
                figures[f"{n} codes, radius {radius}"] = one
    if given.write:
        write_result("pairs", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
