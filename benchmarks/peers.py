"""Programs that look for duplicates, run as their users run them, and what they say about a folder.

A peer's environment is a folder `PEERS/NAME` made by `python -m venv`, with the package of that name installed; `immaculate`
needs `pip install "immaculate[sscd]"` and Python 3.12. One that is not there is left out.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Groups = list[list[str]]

_HASHES = """
import json, sys
from pathlib import Path
import imagehash
from PIL import Image
seen = {}
for path in sorted(Path(sys.argv[1]).rglob("*.jpg")):
    seen.setdefault(str(imagehash.phash(Image.open(path))), []).append(str(path))
json.dump([group for group in seen.values() if len(group) > 1], sys.stdout)
"""

_DIFPY = """
import json, sys
import difPy
if __name__ == "__main__":
    built = difPy.build(sys.argv[1], show_progress=False)
    found = difPy.search(built, similarity="similar", same_dim=False, show_progress=False)
    json.dump([[key, *(match[0] for match in matches)] for key, matches in found.result.items()], sys.stdout)
"""

# The system counts the memory of the process that starts another as the other's: so a small one starts it, and tells.
_LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
with open(sys.argv[1], "wb") as out, open(sys.argv[2], "wb") as err:
    process = subprocess.Popen(sys.argv[3:], stdout=out, stderr=err, stdin=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
took = time.perf_counter() - started
print(json.dumps([os.waitstatus_to_exitcode(status), took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True)
class Outcome:
    """What came of a run."""

    groups: Groups = field(default_factory=list)
    seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_mib: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Run:
    """A program: its commands, of which the last one's output holds the groups."""

    name: str
    commands: Callable[[Path], Sequence[Sequence[str]]]
    groups: Callable[[str], Groups]

    def __call__(self, folder: Path) -> Outcome:
        """Let it look at a folder."""
        seconds = processor = peak = 0.0
        with tempfile.TemporaryDirectory() as scratch:
            out, err = Path(scratch) / "out", Path(scratch) / "err"
            for command in self.commands(folder):
                launcher = [sys.executable, "-S", "-c", _LAUNCHER, str(out), str(err), *command]
                told = subprocess.run(launcher, capture_output=True, check=True, text=True).stdout
                code, took, used, most = json.loads(told)
                seconds, processor, peak = seconds + took, processor + used, max(peak, most)
                if code not in {0, 1}:
                    return Outcome(error=(err.read_text()[-500:] or f"exit code {code}"))
            output = out.read_text(encoding="utf-8", errors="surrogateescape")
        return Outcome(self.groups(output), round(seconds, 2), round(processor, 2), round(peak, 1))


def vtsfind(library: Path, *options: str, name: str = "vtsfind") -> Run:
    """Index and group with vtsfind, from nothing."""
    start = [sys.executable, "-m", "vtsfind"]
    tail = ["--library", str(library), "--json", *options]
    return Run(
        name,
        lambda folder: [
            [*start, "index", str(folder), "--library", str(library), "-q"],
            [*start, "dupes", *tail],
        ],
        _ndjson,
    )


def peers(environments: Path) -> list[Run]:
    """The peers that are installed."""
    scripts = {"imagehash": _HASHES, "difpy": _DIFPY}
    runs = [_script(environments / name, program) for name, program in scripts.items()]
    runs.append(_command(environments / "image-dedup-ai", [], ["--json"], _dedup_ai))
    runs += [
        _command(environments / "immaculate", ["--json", "--method", method], [], _immaculate, method)
        for method in ("sscd", "sscd_distilled")
    ]
    return [run for place, run in runs if (place / "bin").is_dir()]


def _script(place: Path, program: str) -> tuple[Path, Run]:
    path = Path(tempfile.gettempdir()) / f"vtsfind-bench-{place.name}.py"
    path.write_text(program, encoding="utf-8")
    python = str(place / "bin" / "python")
    return place, Run(place.name, lambda folder: [[python, str(path), str(folder)]], _plain)


def _command(
    place: Path, before: list[str], after: list[str], groups: Callable[[str], Groups], note: str = ""
) -> tuple[Path, Run]:
    program = str(place / "bin" / place.name)
    name = f"{place.name} {note}".strip()
    return place, Run(name, lambda folder: [[program, *before, str(folder), *after]], groups)


def _plain(output: str) -> Groups:
    groups: Groups = json.loads(output[output.index("[") :])
    return groups


def _ndjson(output: str) -> Groups:
    lines = [json.loads(line) for line in output.splitlines()]
    return [[member["path"] for member in line["members"]] for line in lines if line["type"] == "group"]


def _dedup_ai(output: str) -> Groups:
    found: dict[str, Any] = json.loads(output)
    return [list(map(str, group)) for group in found["groups"]]


def _immaculate(output: str) -> Groups:
    found: dict[str, Groups] = json.loads(output)
    return found["exact"] + found["near"]
