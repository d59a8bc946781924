"""How fast the terminal UI starts and answers over many groups, and in how much memory.

    python -m benchmarks.browse [--groups 100000] [--write]

Each run is a process of its own without a terminal (Textual's headless driver, which draws all the same): it makes
synthetic groups, which is not counted, then starts the UI over them and presses keys. Counted are wall time, and the
processor time of the process, which hardly depends on what else the machine does. A key's time is from the key to the
first and to the last drawing that it causes; the photos are not there, so no decoding is part of it. With --write the figures go to docs/results/browse.json.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

REPEATS = 3
KEYS = {
    "page down": ["pagedown"] * 40,
    "line down": ["down"] * 40,
    "end and home": ["end", "home"] * 10,
    "accept": ["a"] * 40,
    "keep or drop": ["right", *["space"] * 20],
    "undo": ["u"] * 40,
    "next photo": ["right", "left"] * 10,
}


def memory_mb() -> float:
    """The resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Clock:
    """Wall and processor time since it was made, in milliseconds."""

    def __init__(self) -> None:
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        """Both times."""
        return 1000 * (time.perf_counter() - self._wall), 1000 * (time.process_time() - self._processor)


def noting(app: Any) -> list[float]:
    """Note when the application has drawn something; gives the list that the times are added to."""
    times: list[float] = []
    display = app._display

    def noted(*arguments: Any) -> None:
        display(*arguments)
        times.append(time.perf_counter())

    app._display = noted
    return times


async def measure(count: int) -> dict[str, Any]:
    """Start the UI over so many groups and press keys."""
    import gc

    from support.made_groups import many

    groups = many(count)
    gc.collect()
    gc.freeze()  # what was made for the measurement is not gone through again and again
    groups_mb = memory_mb()
    clock = Clock()
    from vtsfind.base.groups import Verdict
    from vtsfind.base.settings import Settings
    from vtsfind.engine.review.session import BrowseSession
    from vtsfind.tui.app import BrowseApp
    from vtsfind.tui.widgets.group_list import GroupList

    imported = clock.read()
    with BrowseSession(
        Settings(), lambda _, asked: [] if asked.kinds == {Verdict.BURST} else groups
    ) as browsing:
        app = BrowseApp(browsing)
        drawn_at = noting(app)
        async with app.run_test(size=(120, 36)) as pilot:
            drawn = clock.read()
            shown = app.screen.query_one("#groups", GroupList)
            while not len(shown.order):
                await pilot.pause(0.005)
            await pilot.pause()
            there = clock.read()
            keys = {name: await pressed(pilot, names, drawn_at) for name, names in KEYS.items()}
            bulk = Clock()
            assert browsing.review
            browsing.review.accept_all(range(count))
            in_bulk = bulk.read()
            return {
                "ms to import": imported,
                "ms to the first frame": drawn,
                "ms to the groups": there,
                "memory of the groups alone, MB": groups_mb,
                "memory, MB": memory_mb(),
                "torch was imported": "torch" in sys.modules,
                "ms to accept all groups": in_bulk,
                "keys": keys,
            }


async def pressed(pilot: Any, names: list[str], drawn_at: list[float]) -> dict[str, float]:
    """The times of some keys: until the first drawing after them, until the last one, and of the processor."""
    first, last, processor = [], [], []
    for name in names:
        drawn_at.clear()
        began, worked = time.perf_counter(), time.process_time()
        await pilot.press(name)
        processor.append(1000 * (time.process_time() - worked))
        drawn = [1000 * (at - began) for at in drawn_at] or [0.0]
        first.append(drawn[0])
        last.append(drawn[-1])
    return {
        "ms to the first drawing, median": round(statistics.median(first), 1),
        "ms to the last drawing, median": round(statistics.median(last), 1),
        "ms to the last drawing, 95 of 100": round(sorted(last)[int(0.95 * (len(last) - 1))], 1),
        "processor ms, median": round(statistics.median(processor), 1),
    }


def child(count: int) -> dict[str, Any]:
    """One run in a process of its own."""
    with tempfile.TemporaryDirectory() as home:
        places = {f"VTSFIND_{kind}_DIR": f"{home}/{kind}" for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.browse", "--child", "--groups", str(count)],
            capture_output=True,
            check=False,
            text=True,
            env={**os.environ, **places, "OMP_NUM_THREADS": "1"},
        )
    if done.returncode:
        sys.exit(f"the run ended with {done.returncode}: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def interpreter_ms() -> float:
    """What a process takes that does nothing."""
    times = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", ""], check=True)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def best(runs: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Of several runs, the least wall time and the least processor time: the rest is the machine's other work."""
    return {
        "wall": round(min(run[name][0] for run in runs)),
        "processor": round(min(run[name][1] for run in runs)),
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--groups", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", action="store_true")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(asyncio.run(measure(given.groups))))
        return
    runs = [child(given.groups) for _ in range(REPEATS)]
    figures = {
        "groups": given.groups,
        "an empty process, ms": round(interpreter_ms()),
        **{
            name: best(runs, name)
            for name in (
                "ms to import",
                "ms to the first frame",
                "ms to the groups",
                "ms to accept all groups",
            )
        },
        "memory of the groups alone, MB": round(min(run["memory of the groups alone, MB"] for run in runs)),
        "memory at the end, MB": round(max(run["memory, MB"] for run in runs)),
        "torch was imported": any(run["torch was imported"] for run in runs),
        "keys, of the best run": min(
            runs, key=lambda run: run["keys"]["page down"]["ms to the last drawing, median"]
        )["keys"],
    }
    print(json.dumps(figures, indent=1))
    if given.write:
        from benchmarks.machine import write_result

        print(write_result("browse", figures))


if __name__ == "__main__":
    main()
