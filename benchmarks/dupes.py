"""How well duplicates are told: of pairs by themselves, and from nothing to groups, beside other programs.

    python -m benchmarks.dupes --data DATA [--every N] [--start N] [--only pairs|groups] [--peers PEERS] [--write]

*Pairs*: of every photo of `photos/dev` each edit of `copies.py` is compared with the photo (it should be a copy), as is each
other shot of `shots.py`, as it is and edited (it should not), and every two photos of one kind (clothes with clothes).

*Groups*: two folders are written, of each photo with its mild and with its hard edits, and two other shots in both. Every
program gets the folder; two files that it puts into one group, or names together, are a pair. Pairs of versions of one photo
are right, all others wrong: those with a shot, and of two shots, too. Time is from start to end of all its processes;
memory that of its largest process.

The verdicts' limits were chosen on `photos/train` alone.
"""

import argparse
import hashlib
import io
import json
import shutil
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.copies import hard, mild
from benchmarks.edits import Edit
from benchmarks.machine import write_result
from benchmarks.peers import Groups, Run, peers, vtsfind
from benchmarks.shots import SHOTS
from vtsfind.base.groups import COPIES
from vtsfind.find.features.features import features
from vtsfind.find.verification.verify import PhotoFeatures, verify
from vtsfind.media.decode import decode

Saw = tuple[str, str, str]
"""Kind of pair, name within that kind, verdict ("" for a non-match)."""
Pair = tuple[str, str]


def photos(data: Path, every: int, start: int) -> list[Path]:
    """The photos to measure with."""
    return sorted((data / "photos/dev").glob("*.webp"))[start::every]


def opened(path: Path) -> Image.Image:
    """A photo."""
    return Image.fromarray(decode(path.read_bytes(), shortest=256)[0])


def extracted(image: Image.Image) -> PhotoFeatures:
    """What `verify` is given: the picture as a JPEG of good quality would hold it."""
    content = jpeg(image)
    pixels, info = decode(content, shortest=576)
    return PhotoFeatures(features(pixels), info, hashlib.sha256(content).digest())


def jpeg(image: Image.Image) -> bytes:
    """Encode."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=93)
    return buffer.getvalue()


def fillings(data: Path, count: int) -> list[Path]:
    """Four photos for the collages of each of that many, none of them twice, and none that is measured with."""
    paths = sorted((data / "photos/train").glob("*.webp"))
    order = np.random.default_rng(5).permutation(len(paths))
    return [paths[int(n)] for n in np.resize(order, 4 * count)]


def around(filling: Sequence[Path], row: int) -> list[Image.Image]:
    """The photos that go into collages with a photo."""
    return [opened(path) for path in filling[4 * row : 4 * row + 4]]


def versions(image: Image.Image, row: int, edits: Iterable[tuple[str, Edit]]) -> dict[str, Image.Image]:
    """Each edit of a photo; the same for the same row."""
    return {name: edit(image, np.random.default_rng((11, row, n))) for n, (name, edit) in enumerate(edits)}


def edited_shots(image: Image.Image, row: int, edits: Sequence[tuple[str, Edit]]) -> dict[str, Image.Image]:
    """Each other shot, as it is and with one of the edits."""
    shots = versions(image, row, SHOTS.items())
    for n, (name, taken) in enumerate(tuple(shots.items())):
        _, edit = edits[(row * len(SHOTS) + n) % len(edits)]
        shots[f"{name}, edited"] = edit(taken, np.random.default_rng((12, row, n)))
    return shots


class KnownCopies:
    """Compares the versions of one photo with it; sent to other processes."""

    def __init__(self, filling: Sequence[Path]) -> None:
        self.filling = filling

    def __call__(self, task: tuple[int, Path]) -> list[Saw]:
        """All that was seen of one photo."""
        row, path = task
        image = opened(path)
        halves = {"mild": mild(), "hard": hard(around(self.filling, row))}
        made = {half: versions(image, row, edits.items()) for half, edits in halves.items()}
        made["shot"] = edited_shots(image, row, [*halves["mild"].items(), *halves["hard"].items()])
        original = extracted(image)
        saw = []
        for kind, pictures in made.items():
            for name, picture in pictures.items():
                found = verify(original, extracted(picture))
                saw.append((kind, name, found[0].value if found else ""))
        return saw


def known_copiesd_pairs(data: Path, paths: Sequence[Path], processes: int) -> dict[str, Any]:
    """Compare pairs; see the module."""
    known_copies = KnownCopies(fillings(data, len(paths)))
    with get_context("fork").Pool(processes) as pool:
        saw = [one for part in pool.imap(known_copies, enumerate(paths)) for one in part]
    verdicts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for kind, name, verdict in saw:
        verdicts[kind][name][verdict or "strangers"] += 1
    copies = {kind: {name: copied(said) for name, said in names.items()} for kind, names in verdicts.items()}
    strangers = same_kind(paths, processes)
    right = {
        half: sum(verdicts[half][n][v] for n in verdicts[half] for v in COPIES) for half in ("mild", "hard")
    }
    wrong = sum(verdicts["shot"][n][v] for n in verdicts["shot"] for v in COPIES) + strangers["copies"]
    return {
        "photos": len(paths),
        "recall": {half: float(np.mean(list(copies[half].values()))) for half in ("mild", "hard")},
        "precision": {half: right[half] / max(1, right[half] + wrong) for half in ("mild", "hard")},
        "named copies, by edit": copies,
        "verdicts": {
            kind: {name: dict(said) for name, said in names.items()} for kind, names in verdicts.items()
        },
        "photos of one kind": strangers,
    }


def copied(said: Counter[str]) -> float:
    """The share of pairs named copies."""
    return sum(said[verdict] for verdict in COPIES) / said.total()


def same_kind(paths: Sequence[Path], processes: int) -> dict[str, Any]:
    """Compare all photos of one kind with each other; the kind is the name up to the hyphen."""
    with get_context("fork").Pool(processes) as pool:
        seen = pool.map(_extracted_from, paths)
        kinds = [path.name.partition("-")[0] for path in paths]
        tasks = [
            (a, b) for (a, one), (b, two) in combinations(zip(seen, kinds, strict=True), 2) if one == two
        ]
        started = time.perf_counter()
        said = Counter(pool.imap_unordered(_known_copiesd, tasks, chunksize=64))
    copies = sum(said[verdict] for verdict in COPIES)
    per_pair = (time.perf_counter() - started) * processes / max(1, len(tasks))
    return {"pairs": len(tasks), "copies": copies, "verdicts": dict(said), "ms a pair": 1000 * per_pair}


def _extracted_from(path: Path) -> PhotoFeatures:
    return extracted(opened(path))


def _known_copiesd(pair: tuple[PhotoFeatures, PhotoFeatures]) -> str:
    found = verify(*pair)
    return found[0].value if found else "strangers"


def write_folder(folder: Path, data: Path, paths: Sequence[Path], half: str) -> dict[str, tuple[int, str]]:
    """Write photos, versions and shots under names that tell nothing; file name to (photo, version)."""
    filling = fillings(data, len(paths))
    names = tuple(SHOTS)
    truth: dict[str, tuple[int, str]] = {}
    for row, path in enumerate(paths):
        image = opened(path)
        edits = mild() if half == "mild" else hard(around(filling, row))
        pictures = {"original": image, **versions(image, row, edits.items())}
        shots = versions(image, row, SHOTS.items())
        pictures |= {
            f"shot: {name}": shots[name] for name in (names[row % len(names)], names[(row + 1) % len(names)])
        }
        for version, picture in pictures.items():
            name = hashlib.sha256(f"{half} {row} {version}".encode()).hexdigest()[:16] + ".jpg"
            target = folder / name[:1] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(jpeg(picture))
            truth[name] = row, version
    return truth


def scored(groups: Groups, truth: dict[str, tuple[int, str]]) -> dict[str, Any]:
    """Score pairs of files; see the module."""
    said = {
        tuple(sorted(pair)) for group in groups for pair in combinations({Path(p).name for p in group}, 2)
    }
    right = {pair for pair in said if _same_photo(truth[pair[0]], truth[pair[1]])}
    photos: dict[int, int] = Counter(row for row, version in truth.values() if not version.startswith("shot"))
    wanted = sum(n * (n - 1) // 2 for n in photos.values())
    by_edit: Counter[str] = Counter()
    for pair in right:
        ends = {truth[name][1] for name in pair}
        if "original" in ends:
            by_edit[next(iter(ends - {"original"}))] += 1
    edits = sorted(
        {version for _, version in truth.values() if not version.startswith("shot")} - {"original"}
    )
    wrong = Counter(
        "with another shot" if truth[a][0] == truth[b][0] else "of different photos" for a, b in said - right
    )
    return {
        "pairs": len(said),
        "precision": len(right) / len(said) if said else None,
        "recall": len(right) / wanted,
        "found with the original": {edit: by_edit[edit] / len(photos) for edit in edits},
        "wrong": dict(wrong),
    }


def _same_photo(one: tuple[int, str], two: tuple[int, str]) -> bool:
    return one[0] == two[0] and not one[1].startswith("shot") and not two[1].startswith("shot")


def found_groups(data: Path, paths: Sequence[Path], peers_folder: Path | None) -> dict[str, Any]:
    """Let every program look at both folders; see the module."""
    report: dict[str, Any] = {}
    for half in ("mild", "hard"):
        with tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as scratch:
            folder = Path(scratch) / "photos"
            truth = write_folder(folder, data, paths, half)
            programs = [vtsfind(Path(scratch) / "library"), *(peers(peers_folder) if peers_folder else [])]
            report[half] = {"photos": len(paths), "files": len(truth)}
            for program in programs:
                report[half][program.name] = _measured(program, folder, truth)
                print(half, program.name, json.dumps(report[half][program.name]), file=sys.stderr)
            shutil.rmtree(folder)
    return report


def _measured(program: Run, folder: Path, truth: dict[str, tuple[int, str]]) -> dict[str, Any]:
    outcome = program(folder)
    if outcome.error:
        return {"error": outcome.error}
    return {
        "seconds": outcome.seconds,
        "processor seconds": outcome.processor_seconds,
        "peak MiB": outcome.peak_mib,
        **scored(outcome.groups, truth),
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="use every n-th photo")
    parser.add_argument("--start", type=int, default=0, help="begin at this photo")
    parser.add_argument("--only", choices=("pairs", "groups"))
    parser.add_argument("--peers", type=Path, help="the folder of the peers' environments")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    paths = photos(given.data, given.every, given.start)
    figures: dict[str, Any] = {}
    if given.only != "groups":
        figures["pairs"] = known_copiesd_pairs(given.data, paths, given.processes)
    if given.only != "pairs":
        figures["groups"] = found_groups(given.data, paths, given.peers)
    if given.write:
        write_result("dupes", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
