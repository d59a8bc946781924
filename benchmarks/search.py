"""How fast, and in how much memory, the nearest 20 of 1,000,000 and of 10,000,000 codes are found, beside FAISS IndexBinaryFlat.

    python -m benchmarks.search [--codes N N] [--rounds N] [--write]

Random codes of 64, 128 and 256 bits, one query and 100 at once, two threads each. In every round both take turns, each
after a pause in which the other's threads come to rest and after one call that is not counted; a round's figure is the
median of its calls, the result the median of the rounds, and the ratio the median of the rounds' ratios (below 1:
vtsfind is faster). With more than 1,000,000 codes, there are as many fewer calls and rounds, three at least. Working memory is what vtsfind
allocates beside the codes while it searches; both hold the codes themselves. Random codes are the hardest: no part of a distance tells much about the rest. With --write the
figures go to docs/results/search.json.
"""

import argparse
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np

from benchmarks.machine import write_result
from vtsfind.base import bits
from vtsfind.find.hamming.search import top_k

THREADS = 2
BATCH = 100
FULL_EFFORT_CODES = 1_000_000
"""Codes up to which there are all rounds and calls."""
NEAREST = 20
PAUSE_S = 0.05
TARGETS = {64: 1.0, 128: 1.0, 256: 2.0}


def milliseconds(call: Callable[[], Any], calls: int) -> float:
    """The median time of some calls, after a pause and a first call."""
    time.sleep(PAUSE_S)
    call()
    times = []
    for _ in range(calls):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def compare(codes: Any, planes: Any, queries: Any, rounds: int, calls: int) -> dict[str, Any]:
    """Time both on the same codes, in turns."""
    flat = faiss.IndexBinaryFlat(8 * codes.shape[1])
    flat.add(codes)
    words = bits.words(queries)
    ours = top_k(planes, words, NEAREST, threads=THREADS)[1]
    theirs = flat.search(queries, NEAREST)[0]
    if not np.array_equal(ours, theirs):
        raise AssertionError("The two do not find the same distances.")
    pairs = [
        (
            milliseconds(lambda: top_k(planes, words, NEAREST, threads=THREADS), calls),
            milliseconds(lambda: flat.search(queries, NEAREST), calls),
        )
        for _ in range(rounds)
    ]
    tracemalloc.start()
    top_k(planes, words, NEAREST, threads=THREADS)
    working = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "vtsfind_working_memory_mb": round(working / 1e6, 1),
        "vtsfind_ms": round(statistics.median(a for a, _ in pairs), 3),
        "faiss_ms": round(statistics.median(b for _, b in pairs), 3),
        "ratio": round(statistics.median(a / b for a, b in pairs), 3),
    }


def of_codes(count: int, given_rounds: int) -> dict[str, Any]:
    """Compare the two over so many codes."""
    rng = np.random.default_rng(0)
    fewer = max(count // FULL_EFFORT_CODES, 1)
    rounds, calls = max(given_rounds // fewer, 3), max(20 // fewer, 2)
    figures: dict[str, Any] = {}
    for length, target in TARGETS.items():
        codes = rng.integers(0, 256, (count, length // 8), dtype=np.uint8)
        queries = rng.integers(0, 256, (BATCH, length // 8), dtype=np.uint8)
        planes = bits.planes(codes)
        figures[f"{length} bits"] = {
            "codes_mb": round(codes.nbytes / 1e6),
            "1 query": {**compare(codes, planes, queries[:1], rounds, calls), "target_ratio": target},
            f"{BATCH} queries": compare(codes, planes, queries, max(rounds // 3, 3), 1),
        }
    return figures


def main() -> None:
    """Measure, print and, if asked to, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--codes", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    faiss.omp_set_num_threads(THREADS)
    figures: dict[str, Any] = {"nearest": NEAREST, "threads": THREADS}
    figures |= {f"{count:,} codes": of_codes(count, given.rounds) for count in given.codes}
    if given.write:
        write_result("search", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
