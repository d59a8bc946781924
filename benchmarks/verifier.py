"""What the verifier alone says of pairs: photos and their edits, and pictures that are no versions of each other.

    python -m benchmarks.verifier --photos FOLDER [--families A|B|all|none|NAME ...] [--every N] [--each N]
        [--kinds all|none|NAME ...] [--pairs N] [--scenes FOLDER ...] [--most N] [--measure]
        [--journal FILE] [--sheet SHEET.png] [--processes N] [--write]

*Edits*: every N-th photo is compared with its edits (`benchmarks.families`), of all families or of --each of them, drawn for
each photo. An edit is found if it is called a copy of any kind; one that has something drawn over it must not be called `the same`.

*Others*: --pairs pairs of each kind (`benchmarks.negatives`), made of the same photos, and pairs of real photos of one scene, at
most --most of a scene. `grouped` are those called copies of any kind; `the same` those that a plan may act on: `bytes`, `pixels`,
`resave` and `turned`. Of scenes of INRIA Holidays only even ones are opened, or, with --measure, odd ones.

Pictures are saved as files and go the way that `vtsfind dupes` sends them: decoded, features extracted, verified. With a journal
a run goes on where another one of the same version of the verifier was stopped; it has a line for each pair. With --sheet the
pairs that were said wrongly are drawn. With --write the figures go to docs/results/verifier.json.
"""

import argparse
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image

import vtsfind
from benchmarks.families import FAMILIES, edited, names
from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.families.sheet import sheet
from benchmarks.machine import write_result
from benchmarks.negatives import CHANGED, KINDS, pair
from benchmarks.negatives.scenes import load_scenes, scene_pairs
from vtsfind.base.groups import COPIES, Verdict
from vtsfind.base.settings import Settings
from vtsfind.find.features.extract import ExtractFeatures
from vtsfind.find.features.packed import unpack
from vtsfind.find.verification.verify import PhotoFeatures, verify
from vtsfind.media.work import Setup

SAME = {*COPIES} - {Verdict.EDIT}
"""The verdicts that a plan may act on."""
NOTHING = "none"
LOSSLESS = {"jpeg", "webp", "avif", "compressed again"}
"""Families that say themselves how a picture is saved."""
WRONG_SHOWN = 60
Sort = Literal["edit", "other", "scene"]
Picture = Image.Image


@dataclass(frozen=True, slots=True)
class Task:
    """A pair to compare."""

    sort: Sort
    name: str
    """Of the family, the kind or the folder of scenes."""
    key: str
    """Which of them."""
    paths: tuple[Path, ...] = ()
    """The photo, or both photos of a scene."""


def save(image: Picture, rng: np.random.Generator, *, lossless: bool) -> bytes:
    """A picture as a file: JPEG or WebP of good quality, or PNG."""
    kind = "PNG" if lossless else ("JPEG", "JPEG", "WEBP", "PNG")[int(rng.integers(4))]
    file = io.BytesIO()
    image.save(file, kind, **({} if kind == "PNG" else {"quality": int(rng.integers(80, 97))}))
    return file.getvalue()


def extracted(content: bytes) -> PhotoFeatures:
    """What `verify` is given of a file."""
    settings = Settings()
    setup = Setup(settings.pixel_limit, settings.decode_memory_mb << 20, settings.decode_timeout_s)
    made = ExtractFeatures(full=True)(content, setup)
    assert made.info
    details, features = unpack(made.data)
    return PhotoFeatures(
        features, made.info, hashlib.sha256(content).digest(), details.pixels or None, details.contents
    )


@lru_cache(maxsize=64)
def _extracted_file(path: Path) -> PhotoFeatures:
    return extracted(path.read_bytes())


class Compare:
    """Makes the pictures of a task and compares them; sent to other processes.

    Parameters
    ----------
    photos
        What pictures are made of.
    """

    def __init__(self, photos: list[Path]) -> None:
        self._photos = photos

    def pictures(self, task: Task) -> tuple[Picture, Picture]:
        """Both pictures of a task."""
        if task.sort == "scene":
            return Image.open(task.paths[0]).convert("RGB"), Image.open(task.paths[1]).convert("RGB")
        seed = seed_of(task.name, task.key)
        if task.sort == "other":
            return pair(task.name, int(task.key), Others(self._photos, None, seed))
        photo = Image.open(task.paths[0]).convert("RGB")
        return photo, edited(task.name, photo, task.key, Others(self._photos, task.paths[0], seed))

    def __call__(self, task: Task) -> tuple[Task, str]:
        """The task and what is said of it: a verdict, or that there is none."""
        cv2.setNumThreads(1)
        if task.sort == "scene":
            first, second = (_extracted_file(path) for path in task.paths)
        else:
            rng = np.random.default_rng(seed_of("file", task.name, task.key))
            pictures = self.pictures(task)
            second = extracted(save(pictures[1], rng, lossless=task.name in LOSSLESS))
            own = task.sort == "edit"
            first = (
                _extracted_file(task.paths[0]) if own else extracted(save(pictures[0], rng, lossless=False))
            )
        found = verify(first, second)
        return task, found[0].value if found else NOTHING


def edit_tasks(photos: Iterable[Path], families: list[str], each: int) -> Iterator[Task]:
    """Photos with their edits."""
    for path in photos:
        order = np.random.default_rng(seed_of("families of", path.stem)).permutation(len(families))
        for number in sorted(order[: each or len(families)]):
            yield Task("edit", families[int(number)], path.stem, (path,))


def scene_tasks(folders: Iterable[Path], most: int, *, measure: bool) -> Iterator[Task]:
    """Pairs of photos of one scene."""
    for folder in folders:
        for first, second in scene_pairs(load_scenes(folder, measure=measure), most):
            parts = [path.relative_to(folder).as_posix() for path in (first, second)]
            yield Task("scene", folder.name, " | ".join(parts), (first, second))


def code_version() -> str:
    """What makes a verdict, as a short text: a digest of OpenCV's version, the code and the model, so that each change counts."""
    digest = hashlib.sha256(cv2.__version__.encode())
    package = Path(vtsfind.__file__).parent
    rooms = (package / "find" / room for room in ("features", "verification"))
    code = [path for room in rooms for path in room.iterdir() if path.suffix in {".py", ".npz"}]
    for path in sorted([*code, package / "media" / "quality.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def said(tasks: list[Task], compare: Compare, journal: Path | None, processes: int) -> dict[Task, str]:
    """What is said of each task, from the journal if it is there."""
    version = code_version()
    known: dict[tuple[str, ...], str] = {}
    if journal and journal.exists():
        for line in journal.read_text(encoding="utf-8").splitlines():
            *words, verdict = json.loads(line)
            known[tuple(words)] = verdict
    found = {t: known[k] for t in tasks if (k := (version, t.sort, t.name, t.key)) in known}
    left = [task for task in tasks if task not in found]
    with get_context("fork").Pool(processes) as pool:
        for done, (task, verdict) in enumerate(pool.imap(compare, left, chunksize=8), 1):
            found[task] = verdict
            if journal:
                with journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([version, task.sort, task.name, task.key, verdict]) + "\n")
            if done % 500 == 0:
                print(f"{done} of {len(left)}", flush=True)
    return found


def is_wrong(task: Task, verdict: str) -> bool:
    """Whether a verdict is not what it should be."""
    if task.sort == "edit":
        return verdict not in COPIES
    return verdict in (SAME if task.name in CHANGED else COPIES)


def figures(found: dict[Task, str]) -> dict[str, Any]:
    """Shares by family, half and kind."""
    counts: dict[Sort, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for task, verdict in found.items():
        counts[task.sort][task.name][verdict] += 1
    recall = {name: _share(told, COPIES) for name, told in counts["edit"].items()}
    halves = {half: [recall[name] for name in names(half) if name in recall] for half in ("A", "B", "all")}
    overlays = [told for name, told in counts["edit"].items() if FAMILIES[name].kind == "overlay"]
    others = {
        name: {
            "pairs": told.total(),
            "grouped": sum(told[verdict] for verdict in COPIES),
            "the same": sum(told[verdict] for verdict in SAME),
        }
        for sort in ("other", "scene")
        for name, told in counts[sort].items()
    }
    return {
        "version": code_version(),
        "edits": sum(told.total() for told in counts["edit"].values()),
        "recall": {half: round(float(np.mean(of)), 4) for half, of in halves.items() if of},
        "recall by family": {
            name: {
                "half": FAMILIES[name].half,
                "pairs": counts["edit"][name].total(),
                "recall": recall[name],
                "verdicts": dict(counts["edit"][name].most_common()),
            }
            for name in recall
        },
        "overlays": {
            "pairs": sum(told.total() for told in overlays),
            "the same": sum(told[verdict] for told in overlays for verdict in SAME),
        },
        "others": others,
        "all others": {
            "pairs": sum(told["pairs"] for told in others.values()),
            "wrong": sum(is_wrong(task, verdict) for task, verdict in found.items() if task.sort != "edit"),
        },
    }


def _share(told: Counter[str], verdicts: Iterable[str]) -> float:
    return round(sum(told[verdict] for verdict in verdicts) / told.total(), 4)


def show(found: dict[Task, str]) -> None:
    """Print the figures as a table."""
    told = figures(found)
    for name, one in sorted(told["recall by family"].items(), key=lambda item: item[1]["recall"]):
        print(f"{name:24} {one['half']}  {one['recall']:7.2%} of {one['pairs']:5}  {one['verdicts']}")
    print("recall, mean of families:", told["recall"])
    print("overlays:", told["overlays"])
    for name, one in told["others"].items():
        print(f"{name:24} grouped {one['grouped']:5}, the same {one['the same']:5}, of {one['pairs']:6}")
    print("all others:", told["all others"])


def wrong_sheet(found: dict[Task, str], compare: Compare, path: Path) -> None:
    """Draw pairs that were said wrongly, some of each name."""
    by_name = defaultdict(list)
    order = np.random.default_rng(1).permutation(len(found))
    told = list(found.items())
    for task, verdict in (told[int(n)] for n in order):
        if is_wrong(task, verdict):
            by_name[task.name].append(task)
    most = max(1, WRONG_SHOWN // max(1, len(by_name)))
    rows = [
        (name, [one for task in tasks[:most] for one in compare.pictures(task)])
        for name, tasks in by_name.items()
    ]
    if rows:
        sheet(rows).save(path)


def _listed(words: list[str], every: list[str]) -> list[str]:
    return every if words == ["all"] else [] if words == ["none"] else words


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--families", nargs="+", default=["all"])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--each", type=int, default=0, help="families a photo; 0 for all")
    parser.add_argument("--kinds", nargs="+", default=["all"])
    parser.add_argument("--pairs", type=int, default=40, help="pairs of each kind")
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=60, help="pairs of one scene")
    parser.add_argument(
        "--measure", action="store_true", help="open the odd scenes of INRIA Holidays, not the even ones"
    )
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    photos = photos_in(given.photos)
    half = given.families[0] if given.families[0] in {"A", "B"} else ""
    families = names(half) if half else _listed(given.families, names())
    kinds = _listed(given.kinds, list(KINDS))
    tasks = [
        *edit_tasks(photos[:: given.every], families, given.each),
        *(Task("other", kind, str(number)) for kind in kinds for number in range(given.pairs)),
        *scene_tasks(given.scenes, given.most, measure=given.measure),
    ]
    compare = Compare(photos)
    found = said(tasks, compare, given.journal, given.processes)
    show(found)
    if given.sheet:
        wrong_sheet(found, compare, given.sheet)
    if given.write:
        write_result("verifier", {"photos": len(photos[:: given.every]), **figures(found)})


if __name__ == "__main__":
    main()
