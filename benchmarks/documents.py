"""Documents, screens and pictures of one template: whether different ones are proposed to go, and whether true copies are found.

    python -m benchmarks.documents --photos FOLDER [--each N] [--start N] [--kinds KIND ...] [--write]

For each kind of `benchmarks.negatives`, N pairs are written as PNG or JPEG: invoices that differ in a number, terminal windows, chats,
frames of a still camera, memes of one photo, and so on. Beside the first of each pair lie two true copies of it, one of half the size,
one encoded again. Then `vtsfind index`, `dupes` and `plan` see all at once. *Different ones proposed* counts files that a default
plan removes for one that shows something else; *copies found* is the share of copies in one group with their original. With --write
the figures go to docs/results/documents.json.
"""

import argparse
import hashlib
import io
import json
import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.machine import write_result
from benchmarks.negatives import KINDS, pair
from vtsfind.base.addresses import Place
from vtsfind.base.groups import Group
from vtsfind.base.settings import Settings
from vtsfind.engine.apply.plans import plan_for_groups
from vtsfind.engine.context import Context
from vtsfind.engine.duplicates.options import DedupOptions
from vtsfind.engine.duplicates.pipeline import duplicates
from vtsfind.engine.indexing.update import update

Truth = dict[str, tuple[str, str]]
"""Path to the kind, and a name for what the file shows: two pairs may have one picture in common."""
COPIES = ("half.jpg", "again.jpg")


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()


def write_tree(folder: Path, kinds: Sequence[str], numbers: Sequence[int], photos: list[Path]) -> Truth:
    """Write all pairs and copies."""
    truth: Truth = {}
    for kind in kinds:
        for number in numbers:
            first, second = pair(kind, number, Others(photos, None, seed_of(kind, number)))
            half = first.resize((first.width // 2, first.height // 2), Image.Resampling.LANCZOS)
            ending, options = ("png", {}) if number % 2 else ("jpg", {"quality": 93})
            names = {
                f"a.{ending}": ("a", saved(first, "PNG" if number % 2 else "JPEG", **options)),
                f"b.{ending}": ("b", saved(second, "PNG" if number % 2 else "JPEG", **options)),
                "half.jpg": ("a", saved(half, "JPEG", quality=88)),
                "again.jpg": ("a", saved(first, "JPEG", quality=75)),
            }
            for name, (shown, content) in names.items():
                path = folder / kind.replace(":", "").replace("%", "percent") / f"{number} {name}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                image = first if shown == "a" else second
                truth[str(path)] = (kind, hashlib.sha256(image.tobytes()).hexdigest()[:12])
    return truth


def scored(groups: Sequence[Group], library: Place, truth: Truth) -> dict[str, Any]:
    """Count what is proposed and what is found; see the module."""
    by_kind = {kind: Counter[str]() for kind, _ in truth.values()}
    wrong = []
    plan, _ = plan_for_groups(groups, library=library, command="benchmark")
    for planned in plan.groups:
        for file in planned.files:
            keeper = planned.keeper_of(file)
            if not file.is_changed or keeper is None:
                continue
            (kind, shown), (_, kept) = (truth[os.fsdecode(each.path)] for each in (file, keeper))
            by_kind[kind]["proposed"] += 1
            if shown != kept:
                by_kind[kind]["different ones proposed"] += 1
                wrong.append(
                    f"{os.path.basename(os.fsdecode(file.path))} of {shown} for {kept}: {file.reason}"
                )
    found = {
        os.fsdecode(member.photo.path): number
        for number, group in enumerate(groups)
        for member in group.members
    }
    originals = {shown: path for path, (_, shown) in truth.items() if not path.endswith(COPIES)}
    for path, (kind, shown) in truth.items():
        if path.endswith(COPIES):
            by_kind[kind]["copies"] += 1
            by_kind[kind]["copies found"] += path in found and found[path] == found.get(originals[shown])
    total = sum(by_kind.values(), Counter[str]())
    return {
        "files": len(truth),
        "different ones proposed": total["different ones proposed"],
        "copies": total["copies"],
        "copies found": round(total["copies found"] / total["copies"], 4),
        "copies proposed": round((total["proposed"] - total["different ones proposed"]) / total["copies"], 4),
        "by kind": {kind: dict(count) for kind, count in by_kind.items()},
        "wrong": wrong,
    }


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--each", type=int, default=4, help="pairs of each kind")
    parser.add_argument("--start", type=int, default=0, help="the first pair")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS), metavar="KIND")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vtsfind-bench-") as scratch:
        folder = Path(scratch) / "documents"
        numbers = range(given.start, given.start + given.each)
        truth = write_tree(folder, given.kinds, numbers, photos_in(given.photos))
        context = Context(Settings(library=str(Path(scratch) / "library"), workers=2))
        update(context, [str(folder)])
        found = duplicates(context, DedupOptions())
        figures = scored(found.groups, found.library, truth)
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if given.write:
        write_result("documents", figures)


if __name__ == "__main__":
    main()
