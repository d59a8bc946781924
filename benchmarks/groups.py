"""How well whole groups are found, from nothing: through `vtsfind index` and `vtsfind dupes`, in a folder of photos and versions.

    python -m benchmarks.groups --photos FOLDER [--sets mild hard families A B] [--every N] [--start N] [--each N]
        [--pairs N] [--scenes FOLDER ...] [--most N] [--measure] [--lost] [--write]

For each set a folder is written: every N-th photo with its versions, `mild` or `hard` (`benchmarks.copies`), or --each edits of all
families or of one half (`benchmarks.families`); --pairs pairs of each kind of others (`benchmarks.negatives`, but those that may be
an edit), and photos of real scenes, of at most --most scenes of a folder. Two files in one group are a pair. It is right if both are
versions of one photo. *Precision* is the share of pairs that are right, *recall* the share of right pairs that are found,
`found with the original` the share of versions that are in one group with their photo. With --lost
is told at which stage the others were lost (`benchmarks.lost`). With --write the figures go to
docs/results/groups.json.
"""

import argparse
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, combinations, cycle
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.copies import hard, mild
from benchmarks.dupes import jpeg
from benchmarks.families import edited, names
from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.lost import lost
from benchmarks.machine import write_result
from benchmarks.negatives import CHANGED, KINDS, pair
from benchmarks.negatives.scenes import load_scenes
from benchmarks.peers import Groups, vtsfind

ORIGINAL = "original"
SETS = ("mild", "hard", "families", "A", "B")
Truth = dict[str, tuple[str, str]]
"""Name of a file to what it is a version of, and which version."""
Version = tuple[str, str, bytes]
"""What it is a version of, which version, and its file."""


def versions(kind: str, path: Path, photos: list[Path], each: int) -> Iterator[Version]:
    """A photo and its versions of a set; what they show besides it is drawn from other photos."""
    photo, owner = Image.open(path).convert("RGB"), f"photo {path.stem}"
    yield owner, ORIGINAL, path.read_bytes()
    if kind in {"mild", "hard"}:
        other = Others(photos, path, seed_of("hard", path.stem))
        edits = mild() if kind == "mild" else hard([other() for _ in range(4)])
        for name, edit in edits.items():
            yield owner, name, jpeg(edit(photo, np.random.default_rng(seed_of(name, path.stem))))
        return
    families = names("all" if kind == "families" else kind)
    order = np.random.default_rng(seed_of("families of", path.stem)).permutation(len(families))
    for name in (families[int(number)] for number in order[:each]):
        yield (
            owner,
            name,
            jpeg(edited(name, photo, path.stem, Others(photos, path, seed_of(name, path.stem)))),
        )


def others(photos: list[Path], pairs: int, start: int = 0) -> Iterator[Version]:
    """Pictures of which no two are versions of each other, from pair `start` on: a photo is shown again only after all have been shown."""
    order = np.random.default_rng(seed_of("others", pairs)).permutation(len(photos))
    shown = cycle([photos[int(number)] for number in order])

    def other() -> Image.Image:
        return Image.open(next(shown)).convert("RGB")

    for kind in (kind for kind in KINDS if kind not in CHANGED):
        for number in range(start, start + pairs):
            for place, image in enumerate(pair(kind, number, other)):
                yield f"{kind}: {number}.{place}", kind, jpeg(image)


def scenes(folders: Iterable[Path], most: int, *, measure: bool) -> Iterator[Version]:
    """Photos of real scenes, each a picture of its own."""
    for folder in folders:
        for shown in list(load_scenes(folder, measure=measure).values())[:most]:
            for path in shown:
                yield f"{folder.name}: {path.relative_to(folder)}", folder.name, path.read_bytes()


def write_folder(folder: Path, files: Iterable[Version]) -> Truth:
    """Write files under names that tell nothing."""
    truth: Truth = {}
    for owner, version, content in files:
        name = hashlib.sha256(f"{owner} {version}".encode()).hexdigest()[:16] + ".jpg"
        target = folder / name[:1] / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        truth[name] = owner, version
    return truth


def scored(groups: Groups, truth: Truth) -> dict[str, Any]:
    """Score pairs of files; see the module."""
    said = {tuple(sorted(two)) for group in groups for two in combinations({Path(p).name for p in group}, 2)}
    right = [two for two in said if truth[two[0]][0] == truth[two[1]][0]]
    sizes = Counter(owner for owner, _ in truth.values())
    wanted = sum(n * (n - 1) // 2 for n in sizes.values())
    found, every = Counter[str](), Counter(version for owner, version in truth.values() if sizes[owner] > 1)
    for two in right:
        made = {truth[name][1] for name in two}
        found.update(made - {ORIGINAL} if ORIGINAL in made else ())
    wrong = Counter(" with ".join(sorted({_sort(truth[name]) for name in two})) for two in said - set(right))
    return {
        "files": len(truth),
        "pairs": len(said),
        "precision": round(len(right) / len(said), 4) if said else None,
        "recall": round(len(right) / wanted, 4),
        "found with the original": {
            name: round(found[name] / count, 4) for name, count in sorted(every.items()) if name != ORIGINAL
        },
        "wrong": dict(wrong.most_common(20)),
        "largest wrong group": max((_strangers(group, truth) for group in groups), default=1),
    }


def _sort(told: tuple[str, str]) -> str:
    owner, version = told
    return version if not owner.startswith("photo ") else f"photo: {version}"


def _strangers(group: list[str], truth: Truth) -> int:
    """How many different pictures a group has versions of."""
    return len({truth[Path(path).name][0] for path in group})


def apart(groups: Groups, truth: Truth) -> list[tuple[str, str, str]]:
    """Versions that are in no group with their photo: the names of photo and version, and the kind of the version."""
    group_of = {Path(path).name: number for number, group in enumerate(groups) for path in group}
    photos = {owner: name for name, (owner, version) in truth.items() if version == ORIGINAL}
    return [
        (photos[owner], name, version)
        for name, (owner, version) in truth.items()
        if owner in photos
        and version != ORIGINAL
        and group_of.get(name, name) != group_of.get(photos[owner], photos[owner])
    ]


def measured(folder: Path, library: Path, truth: Truth, *, tell_lost: bool) -> dict[str, Any]:
    """Index a folder, find groups, score them."""
    outcome = vtsfind(library)(folder)
    if outcome.error:
        return {"error": outcome.error}
    times = {"seconds": outcome.seconds, "processor seconds": outcome.processor_seconds}
    told = {"lost": lost(library, apart(outcome.groups, truth))} if tell_lost else {}
    return {**scored(outcome.groups, truth), **told, **times}


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["mild", "hard", "families"])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--each", type=int, default=11, help="edits of families for each photo")
    parser.add_argument("--pairs", type=int, default=0, help="pairs of each kind of others")
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=50, help="scenes of a folder")
    parser.add_argument(
        "--measure", action="store_true", help="open the odd scenes of INRIA Holidays, not the even ones"
    )
    parser.add_argument("--lost", action="store_true", help="tell where versions were lost")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    photos = photos_in(given.photos)
    chosen = photos[given.start :: given.every]
    # A collage that shows a photo of the folder besides its own would be a version of both.
    others_shown = [path for path in photos if path not in chosen]
    figures: dict[str, Any] = {"photos": len(chosen)}
    for kind in given.sets:
        with tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as scratch:
            folder = Path(scratch) / "photos"
            files = chain(
                (one for path in chosen for one in versions(kind, path, others_shown, given.each)),
                others(others_shown, given.pairs),
                scenes(given.scenes, given.most, measure=given.measure),
            )
            truth = write_folder(folder, files)
            figures[kind] = measured(folder, Path(scratch) / "library", truth, tell_lost=given.lost)
        print(kind, json.dumps(figures[kind], indent=1), flush=True)
    if given.write:
        write_result("groups", figures)


if __name__ == "__main__":
    main()
