"""Whether mutated files can harm vtsfind: feeds them to the decoder, the stores, and the readers of plans, journals and settings.

    python -m benchmarks.fuzz [--minutes N] [--mutations N] [--replay TARGET:NUMBER] [--write]

Real files of every kind are mutated: bits flipped, bytes replaced, parts removed, doubled, moved or taken from another file, numbers
made huge. Mutation NUMBER of a TARGET follows from these two alone, so that each can be done again. Half of the mutations go to the
decoder. It is a problem if a reader raises anything but an error for people, if the memory or the open files of this process grow, or if
anything takes longer than its limit. A decoder may crash: that is what its process is for. Exit code 1 if there was a problem. With
--write the figures go to docs/results/fuzz.json.
"""

import argparse
import gc
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fuzz_targets import Target, parsers, pictures, resealed
from benchmarks.machine import write_result
from vtsfind.base.errors import VtsfindError
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Failure
from vtsfind.engine.decoding import job_for
from vtsfind.find.features.extract import ExtractFeatures
from vtsfind.media.pool import Job, WorkPool

DECODER = "decoder"
BATCH = 200
"""Mutations between two looks at the clock, the memory and the open files."""
TIMEOUT_S, GRACE_S = 10.0, 5.0
"""Limit of one picture, and what starting a process anew may take longer on a busy machine."""
PARSER_LIMIT_S = 60.0
"""Rescuing what is left of a damaged library may search it in a million steps."""
MAX_GROWTH_MB = 64
"""Of this process, from the end of the first round to the end of the last."""
MAX_MORE_FILES = 4
INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
NUMBERS = (
    b"-1",
    b"0",
    b"1e999",
    b"nan",
    b"99999999999999999999",
    b"0.0000001",
    b"[[[[[[",
    b'"\\u0000"',
    b"true",
)


def mutated(seeds: tuple[bytes, ...], chooser: random.Random) -> bytes:
    """One of the seeds, with one to eight changes."""
    data = bytearray(chooser.choice(seeds))
    for _ in range(chooser.choice((1, 1, 1, 2, 2, 4, 8))):
        if not data:
            break
        _change(data, seeds, chooser)
    return bytes(data)


def _change(data: bytearray, seeds: tuple[bytes, ...], chooser: random.Random) -> None:
    at = min(
        chooser.randrange(len(data)), chooser.randrange(len(data))
    )  # headers more often than what follows
    length = min(len(data) - at, 1 << chooser.randrange(0, 11))
    match chooser.randrange(9):
        case 0 | 1:
            data[at] ^= 1 << chooser.randrange(8)
        case 2:
            data[at] = chooser.randrange(256)
        case 3:
            width = chooser.choice((1, 2, 4, 8))
            value = chooser.choice(INTERESTING) & ((1 << 8 * width) - 1)
            data[at : at + width] = value.to_bytes(width, chooser.choice(("big", "little")))
        case 4:
            del data[at : at + length]
        case 5:
            data[at:at] = data[at : at + length] * chooser.choice((1, 2, 50))
        case 6:
            del data[at:]
        case 7:
            other = chooser.choice(seeds)
            begin = chooser.randrange(len(other))
            data[at : at + length] = other[begin : begin + length]
        case _:
            numbers = [each.span() for each in re.finditer(rb"\d+", data[:100_000])]
            if numbers:
                begin, end = chooser.choice(numbers)
                data[begin:end] = chooser.choice(NUMBERS)


def mutation(name: str, target: Target, number: int) -> bytes:
    """A mutation by its number."""
    chooser = random.Random(f"{name}:{number}")
    data = mutated(target.seeds, chooser)
    return resealed(data) if target.sealed and chooser.random() < 0.7 else data


@dataclass
class Campaign:
    """What came of all mutations."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    longest_s: dict[str, float] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    def note(self, name: str, outcome: str, seconds: float) -> None:
        """Count one mutation."""
        self.outcomes.setdefault(name, Counter())[outcome] += 1
        self.longest_s[name] = max(self.longest_s.get(name, 0), seconds)
        self.done[name] += 1

    def parse(self, name: str, target: Target, count: int, home: Path) -> None:
        """Feed a reader with the next mutations."""
        for number in range(self.done[name], self.done[name] + count):
            data = mutation(name, target, number)
            folder = Path(tempfile.mkdtemp(dir=home))
            began = time.perf_counter()
            try:
                outcome = "understood" if target.read(data, folder) else "refused"
            except VtsfindError:
                outcome = "refused"
            except Exception:  # noqa: BLE001 - what is looked for
                outcome = "PROBLEM"
                self.problems.append(f"{name}:{number} {traceback.format_exc(limit=-3)}")
            seconds = time.perf_counter() - began
            if seconds > PARSER_LIMIT_S:
                self.problems.append(f"{name}:{number} took {seconds:.1f} s")
            self.note(name, outcome, seconds)
            shutil.rmtree(folder, ignore_errors=True)

    def decode(self, target: Target, count: int, home: Path, pool: WorkPool) -> None:
        """Feed the decoder with the next mutations."""
        folder = Path(tempfile.mkdtemp(dir=home))
        paths = []
        for number in range(self.done[DECODER], self.done[DECODER] + count):
            paths.append(folder / f"{number}.jpg")
            paths[-1].write_bytes(mutation(DECODER, target, number))
        jobs = [job_for(os.fsencode(path), ExtractFeatures(full=True)) for path in paths]
        results = pool.done((job for job in jobs if isinstance(job, Job)), CancelToken())
        for path in paths:
            began = time.perf_counter()
            result = next(results)
            seconds = time.perf_counter() - began
            if seconds > TIMEOUT_S + GRACE_S:
                self.problems.append(f"{DECODER}:{path.stem} took {seconds:.1f} s")
            self.note(DECODER, result.reason.value if isinstance(result, Failure) else "decoded", seconds)
        shutil.rmtree(folder)


def memory_mb() -> float:
    """Resident memory of this process now; 0 on systems that do not say it in a file."""
    gc.collect()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return 0


def open_files() -> int:
    """Open files of this process."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def rounds(names: list[str]) -> Iterator[tuple[str, int]]:
    """Which target gets how many mutations next, for ever: half of all go to the decoder."""
    while True:
        yield DECODER, BATCH
        for name in names:
            yield name, BATCH // len(names)


def run(seconds: float, mutations: int) -> dict[str, Any]:
    """Mutate until the time is over, or so many times."""
    began = time.monotonic()
    campaign = Campaign()
    looks: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory(dir=_quick_folder()) as name:
        home = Path(name)
        targets = parsers(home / "seeds")
        decoder = Target(pictures(), lambda _data, _folder: False)
        with WorkPool(workers=1, timeout_s=TIMEOUT_S, memory_bytes=512 << 20, pixel_limit=20_000_000) as pool:
            for target, count in rounds(list(targets)):
                if target == DECODER:
                    campaign.decode(decoder, count, home, pool)
                else:
                    campaign.parse(target, targets[target], count, home)
                if target == list(targets)[-1]:
                    looks.append((memory_mb(), open_files()))
                    total = campaign.done.total()
                    print(
                        f"{total:,} mutations, {len(campaign.problems)} problems", file=sys.stderr, flush=True
                    )
                    if total >= mutations or time.monotonic() - began > seconds:
                        break
    first, last = looks[min(1, len(looks) - 1)], looks[-1]
    if last[0] - first[0] > MAX_GROWTH_MB:
        campaign.problems.append(f"memory grew from {first[0]:.0f} to {last[0]:.0f} MB")
    if last[1] - first[1] > MAX_MORE_FILES:
        campaign.problems.append(f"open files grew from {first[1]} to {last[1]}")
    return {
        "mutations": campaign.done.total(),
        "problems": campaign.problems,
        "memory of the parent, MB, after the second round and at the end": [round(first[0]), round(last[0])],
        "open files of the parent, likewise": [first[1], last[1]],
        "targets": {
            name: {
                "mutations": campaign.done[name],
                "longest, s": round(campaign.longest_s[name], 2),
                **outcomes,
            }
            for name, outcomes in campaign.outcomes.items()
        },
        "seconds": round(time.monotonic() - began),
    }


def _quick_folder() -> str | None:
    """A folder in memory, if there is one: the disk is not what is tried here."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def replay(what: str) -> None:
    """Do one mutation again, in this process."""
    name, _, number = what.partition(":")
    with tempfile.TemporaryDirectory() as folder:
        targets = parsers(Path(folder) / "seeds")
        target = targets.get(name) or Target(pictures(), lambda _data, _folder: False)
        data = mutation(name, target, int(number))
        if name in targets:
            (Path(folder) / "mutation").mkdir()
            print(target.read(data, Path(folder) / "mutation"))
        else:
            sys.stdout.buffer.write(data)


def main() -> None:
    """Mutate and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--mutations", type=int, default=10**9)
    parser.add_argument("--replay", metavar="TARGET:NUMBER")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.replay:
        replay(given.replay)
        return
    figures = run(given.minutes * 60, given.mutations)
    if given.write:
        write_result("fuzz", figures)
    print(json.dumps(figures, indent=1))
    sys.exit(1 if figures["problems"] else 0)


if __name__ == "__main__":
    main()
