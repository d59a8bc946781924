"""How often a killed `apply` or `undo` costs a photo: kills a real process at its operations on files, again and again.

    python -m benchmarks.kills [--kills N] [--write]

Each time photos are laid out, a plan with every action (to the trash, a quarantine, another folder or another volume, links,
deletion of copies) is applied, or applied and undone, and the process is killed (SIGKILL) before or after one of its calls on
files. Then the next command settles what it left, everything is undone, and the photos must be what they were, byte for byte
and with their times. The calls are drawn without repetition until all were used. With --write the figures go to
docs/results/kills.json.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from support.killed_apply import Actor, Task, bring_everything_back, build, leftovers, tree

from benchmarks.machine import write_result

WORK = (["apply"], ["apply", "undo"])


def other_volume(folder: Path) -> Path | None:
    """A folder on another volume, if there is one to write to."""
    shared = Path("/dev/shm")
    if shared.is_dir() and os.access(shared, os.W_OK) and shared.stat().st_dev != folder.stat().st_dev:
        return Path(tempfile.mkdtemp(dir=shared))
    return None


def kill_once(actor: Actor, folder: Path, target: Path, work: list[str], step: int) -> str:
    """Kill once; what came of it."""
    before = build(folder, target)
    for each in work[:-1]:
        actor.run(Task(str(folder), each))
    died = not actor.run(Task(str(folder), work[-1], step))
    try:
        bring_everything_back(folder)
        same = tree(folder / "photos") == before and not leftovers(folder, target)
    except Exception as error:  # noqa: BLE001 - each failure is a figure
        print(f"step {step} of {work}: {error!r}", file=sys.stderr)
        same = False
    shutil.rmtree(folder)
    shutil.rmtree(target, ignore_errors=True)
    if not same:
        return "lost"
    return "killed, nothing lost" if died else "came to its end"


def measure(kills: int) -> dict[str, Any]:
    """Kill so often, half of the times at each work, and half of those with moves to another volume."""
    chooser = random.Random(0)
    outcomes: Counter[str] = Counter()
    figures: dict[str, Any] = {"kills": kills}
    actor = Actor()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        volume = other_volume(home)
        places = [None, volume] if volume else [None]
        for work in WORK:
            for place in places:
                build(home / "whole", (place or home / "whole") / "aside")
                steps = [actor.run(Task(str(home / "whole"), each)) for each in work][-1]
                bring_everything_back(home / "whole")
                shutil.rmtree(home / "whole")
                share = kills // (len(WORK) * len(places))
                drawn = chooser.sample(range(1, steps + 1), min(share, steps))
                where = f"{work[-1]}, moves to {'another' if place else 'the same'} volume"
                figures[where] = {"calls on files": steps, "kills": len(drawn)}
                for step in drawn:
                    folder = home / str(step)
                    outcomes[kill_once(actor, folder, (place or folder) / "aside", work, step)] += 1
        if volume:
            shutil.rmtree(volume)
    actor.close()
    return {**figures, **outcomes, "lost": outcomes["lost"], "seconds": round(time.perf_counter() - began)}


def main() -> None:
    """Kill and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    figures = measure(given.kills)
    if given.write:
        write_result("kills", figures)
    print(json.dumps(figures, indent=1))
    sys.exit(1 if figures["lost"] else 0)


if __name__ == "__main__":
    main()
