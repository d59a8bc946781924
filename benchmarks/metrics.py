"""How long the evaluator takes and how much memory, at the sizes of CIFAR10@54000 and NUS-WIDE-21@5000.

    python -m benchmarks.metrics [--write]

Random codes of 64 bits and random labels; everything that `vtsfind eval` measures, from codes to curves. Each size runs in a
process of its own, whose largest memory is taken, with what Python and NumPy need before anything is measured beside it.
With --write the figures go to docs/results/metrics.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks.machine import write_result
from vtsfind.learn.evaluation import metrics
from vtsfind.learn.evaluation.evaluator import curve_cutoffs

BITS = 64
SIZES: dict[str, dict[str, Any]] = {
    "cifar10@54000": {"queries": 1_000, "database": 54_000, "classes": 10, "labels": 1, "top": None},
    "nuswide-21@5000": {"queries": 2_100, "database": 193_734, "classes": 21, "labels": 3, "top": 5_000},
}
LIMITS = {"seconds": 60.0, "mib": 1536.0}


def random_collection(random: np.random.Generator, count: int, classes: int, labels: int) -> Any:
    """Codes and labels of some images, drawn."""
    codes = random.integers(0, 256, (count, BITS // 8), np.uint8)
    table = np.zeros((count, classes), np.uint8)
    for _ in range(labels):
        table[np.arange(count), random.integers(0, classes, count)] = 1
    return metrics.labelled_codes(codes, table, bits=BITS)


def peak_mib() -> float:
    """The largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure(name: str) -> dict[str, float]:
    """Measure one size in this process."""
    size = SIZES[name]
    before = peak_mib()
    random = np.random.default_rng(0)
    queries = random_collection(random, size["queries"], size["classes"], size["labels"])
    database = random_collection(random, size["database"], size["classes"], size["labels"])
    began, spent = time.perf_counter(), time.process_time()
    counts = metrics.histograms(queries, database)
    metrics.map_hash(counts, size["top"])
    metrics.map_ir(counts, size["top"])
    metrics.within_radius(counts)
    metrics.precision_recall(counts, curve_cutoffs(counts.size))
    return {
        "seconds": time.perf_counter() - began,
        "processor seconds": time.process_time() - spent,
        "mib before": before,
        "mib": peak_mib(),
    }


def main() -> None:
    """Measure both sizes, and say whether they are within the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--size", choices=SIZES, help="Measure this size alone, here.")
    options = parser.parse_args()
    if options.size:
        print(json.dumps(measure(options.size)))
        return
    figures: dict[str, Any] = {}
    for name, size in SIZES.items():
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.metrics", "--size", name],
            check=True,
            capture_output=True,
            text=True,
        )
        figures[name] = {**size, "bits": BITS, **json.loads(told.stdout)}
        seconds, mib = figures[name]["seconds"], figures[name]["mib"]
        verdict = "within" if seconds <= LIMITS["seconds"] and mib <= LIMITS["mib"] else "BEYOND"
        print(f"{name:16} {seconds:6.1f} s  {mib:6.0f} MiB  {verdict} the limits")
    if options.write:
        write_result("metrics", {**figures, "limits": LIMITS})


if __name__ == "__main__":
    main()
