"""How long it takes to apply and undo a plan of many small files.

    python -m benchmarks.apply [--files N] [--write]

Lays out N copies of N photos of 4 kB, makes a plan and runs the real command line in processes of its own: a dry run, the
run, the undoing of it. Every file and every keeper is read through and hashed. With --write the figures go to
docs/results/apply.json.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from support.made_plans import ORIGIN, group, photo

from benchmarks.machine import write_result
from vtsfind.act.make_plan import make_plan
from vtsfind.engine.apply.plans import save_plan

SIZE = 4096


def lay_out(folder: Path, count: int) -> Path:
    """Make photos with a copy each, and a plan that trashes the copies."""
    groups = []
    for number in range(count):
        place = folder / "photos" / f"{number // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        content = hashlib.sha256(str(number).encode()).digest() * (SIZE // 32)
        paths = [place / f"{number}.jpg", place / f"{number} copy.jpg"]
        for path in paths:
            path.write_bytes(content)
        groups.append(group(number + 1, *map(photo, paths)))
    plan = folder / "plan.txt"
    save_plan(make_plan(groups, ORIGIN), plan)
    return plan


def timed(folder: Path, *arguments: str) -> tuple[float, int]:
    """Run the command; seconds from start to end of the process, and lines it printed."""
    places = {
        f"VTSFIND_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")
    }
    environment = {**os.environ, **places, "XDG_DATA_HOME": str(folder / "share")}
    began = time.perf_counter()
    command = [sys.executable, "-m", "vtsfind", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return round(time.perf_counter() - began, 2), done.stdout.count(b"\n")


def measure(count: int) -> dict[str, Any]:
    """Time a dry run, the run and its undoing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = str(lay_out(folder, count))
        figures: dict[str, Any] = {"operations": count, "bytes of each file": SIZE}
        for label, arguments in (
            ("dry run", ("apply", plan, "--dry-run", "--outside")),
            ("apply", ("apply", plan, "--yes", "--outside")),
            ("history", ("history",)),
            ("undo", ("undo", "--yes")),
        ):
            seconds, lines = timed(folder, *arguments)
            figures[f"{label}, seconds, process start to end"] = seconds
            if lines not in {count, 1}:
                sys.exit(f"{label} printed {lines} lines")
        copies = sum(1 for path in (folder / "photos").rglob("* copy.jpg"))
        if copies != count:
            sys.exit(f"{copies} of {count} copies came back")
        journal = sum(path.stat().st_size for path in (folder / "state" / "journal").iterdir())
        return {**figures, "journal, MB": round(journal / 1e6, 1)}


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures = measure(given.files)
    if given.write:
        write_result("apply", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
