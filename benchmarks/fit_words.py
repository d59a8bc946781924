"""Learn the vocabulary of `vtsfind.find.candidates.visual_words`.

    python -m benchmarks.fit_words --photos FOLDER ... [--measure FOLDER] [--every N] [--write]

The coarse local features of the photos are sampled; k-means finds 512 centres of their halves, and of all sums with signs of a
Hadamard matrix those that vary most about the centres are the signature. With --write they go to
`vtsfind/find/candidates/visual_words.npz`.

With --measure, every N-th photo of that folder and its hard versions (`benchmarks.copies`) are searched for pairs by local features,
and with --write the share of versions that are proposed with their photo goes to docs/results/fit_words.json.
"""

import argparse
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.copies import hard
from benchmarks.families.drawing import Others, photos_in, seed_of
from benchmarks.machine import write_result
from vtsfind.find.candidates import visual_words
from vtsfind.find.candidates.local_features import local_candidates
from vtsfind.find.features.features import Floats, LocalFeatures, features_without_local

SAMPLE_POINTS = 200_000
ROUNDS = 10
JPEG_QUALITY = 85


def coarse(picture: Image.Image) -> LocalFeatures:
    """The coarse local features of a picture."""
    return features_without_local(np.asarray(picture.convert("RGB"))).coarse


def centres(sample: Floats, count: int) -> Floats:
    """Centres (count, 64) of halves (m, 64), by k-means from every so many-th of them."""
    found = sample[np.linspace(0, len(sample) - 1, count).astype(np.int64)]
    for _ in range(ROUNDS):
        near = visual_words.nearest_centre(sample, found)
        order = np.argsort(near, kind="stable")
        taken, starts = np.unique(near[order], return_index=True)
        sums = np.add.reduceat(sample[order].astype(np.int64), starts)
        found[taken] = np.rint(sums / np.diff(np.append(starts, len(near)))[:, None])
    return found


def fit(descriptors: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.uint8]]:
    """The vocabulary for descriptors like these (n, 128)."""
    rng = np.random.default_rng(0)
    kept = np.sort(rng.choice(len(descriptors), min(SAMPLE_POINTS, len(descriptors)), replace=False))
    both = np.concatenate(visual_words.halves(descriptors[kept]))
    found = centres(both, visual_words.CENTRES)
    offsets = both - found[visual_words.nearest_centre(both, found)]
    strength = np.square(offsets @ visual_words.hadamard(), dtype=np.float64).sum(0)
    columns = np.argsort(-strength, kind="stable")[: visual_words.SIGNS_PER_HALF]
    return {"centres": found.astype(np.uint8), "columns": columns.astype(np.uint8)}


def measure(photos: list[Path], every: int) -> dict[str, Any]:
    """The share of versions that are proposed with their photo, by kind of edit."""
    names: list[tuple[str, str]] = []
    found = []
    for path in photos[1::every]:
        other = Others(photos, path, seed_of("hard", path.stem))
        photo = Image.open(path).convert("RGB")
        names.append((path.stem, ""))
        found.append(visual_words.points(coarse(photo)))
        for name, edit in hard([other() for _ in range(4)]).items():
            saved = io.BytesIO()
            edited = edit(photo, np.random.default_rng(seed_of(name, path.stem)))
            edited.convert("RGB").save(saved, "JPEG", quality=JPEG_QUALITY)
            names.append((path.stem, name))
            found.append(visual_words.points(coarse(Image.open(saved))))
    owners = np.unique([owner for owner, _ in names], return_inverse=True)[1]
    is_photo = np.array([not version for _, version in names])
    pairs = local_candidates(
        [hashlib.sha256("/".join(each).encode()).digest() for each in names],
        found.__getitem__,
        wanted=lambda a, b: (
            (owners[a] != owners[b]) | is_photo[a] | is_photo[b]
        ),  # versions come together by others
    )
    proposed = set(zip(pairs.firsts.tolist(), pairs.seconds.tolist(), strict=True))
    photo_of = {owner: place for place, (owner, version) in enumerate(names) if not version}
    hits: dict[str, list[bool]] = {}
    for place, (owner, version) in enumerate(names):
        if version:
            hits.setdefault(version, []).append((photo_of[owner], place) in proposed)
    every_hit = [hit for some in hits.values() for hit in some]
    return {
        "files": len(names),
        "pairs": len(proposed),
        "with their photo": round(float(np.mean(every_hit)), 4),
        "by edit": {name: round(float(np.mean(some)), 4) for name, some in hits.items()},
    }


def main() -> None:
    """Learn, measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, nargs="+")
    parser.add_argument("--measure", type=Path)
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.photos:
        photos = [path for folder in given.photos for path in photos_in(folder)[::2]]
        learned = fit(np.concatenate([coarse(Image.open(path)).descriptors for path in photos]))
        if given.write:
            with visual_words.VOCABULARY.open("wb") as file:
                np.savez_compressed(file, centres=learned["centres"], columns=learned["columns"])
    if given.measure:
        figures = measure(photos_in(given.measure), given.every)
        print(json.dumps(figures, indent=1))
        if given.write:
            write_result("fit_words", figures)


if __name__ == "__main__":
    main()
