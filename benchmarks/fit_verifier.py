"""Fits the model that decides whether two pictures are versions of one photo, and says what it does with what it has not seen.

    python -m benchmarks.fit_verifier --photos FOLDER --scenes FOLDER ... [--every N] [--each N] [--pairs N] [--most N] [--samples N]
        [--cache FILE] [--known] [--processes N] [--write]

Versions are photos and their edits, and drawn pages and their edits; others are pages and pictures of `benchmarks.negatives`, pages
beside edits of other pages, real photos of one scene, and such photos beside edits of the other one. Edits, and photos of scenes, are
also made small: what passes through many hands is, and parallax shrinks, too. Photos of both sides are passed around as well: cropped,
drawn over, made small and saved badly at once. Everything is saved as a file and goes the way that
`vtsfind dupes` sends it. Of scenes of INRIA Holidays only even ones are opened.

The figures are of models that have seen neither the family of an edit nor the photo, the scene or the page: each half of the
families is fitted on one half of the photos, and measured on the other half of both. The model that ships is fitted to all. With
--known, pairs that are not in the cache yet are left out. With --write it goes to vtsfind/find/verification/decision.npz, and the
figures to docs/results/fit_verifier.json.
"""

import argparse
import io
import pickle
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.families import FAMILIES, PASSED_AROUND, edited, names
from benchmarks.families.drawing import Others, log_uniform, photos_in, seed_of
from benchmarks.machine import write_result
from benchmarks.negatives import CHANGED, KINDS, pair
from benchmarks.negatives.documents import PAGES
from benchmarks.negatives.scenes import load_scenes, scene_pairs
from benchmarks.verifier import LOSSLESS, save
from vtsfind.find.features.features import Features, features
from vtsfind.find.verification.comparison import compare
from vtsfind.find.verification.decision import MODEL
from vtsfind.find.verification.enlarged import enlarged
from vtsfind.find.verification.measures import MEASURE_NAMES
from vtsfind.find.verification.registration import align
from vtsfind.find.verification.trees import BoostedTrees

WHOLE_PANORAMA = "pano"
"""Is made of the photos beside it."""
LONG_SIDE_PX = 800
"""Scenes are made as small as other photos are."""
SMALL_SIDES_PX = (140, 400)
"""Longer side of what is made smaller still."""
CHAINS = tuple(name for name, family in FAMILIES.items() if family.kind == "chain")
PAGE_KINDS = (
    *PAGES,
    *(kind for kind in KINDS if kind.startswith(("screens", "memes", "posters", "products"))),
)
PAGE_FAMILIES = tuple(
    name
    for name, family in FAMILIES.items()
    if family.kind in {"photometric", "geometric", "screen"}
    and name not in {"pixelated", "within", "collage", "blended"}
)
"""What leaves a page the page that it is."""
TREES = 800
DEPTH = 4
RATE = 0.06
SCENES_WEIGHT = 2.0
"""Of other shots: one that is taken for a copy costs more than an edit that is missed."""
OVERLAY_WEIGHT = 4.0
"""Of photos with something drawn over, the edits that look most like things that moved."""
PASSED_WEIGHT = 2.0
"""Of photos that were passed around, and of those on screens, pages and in collages: the hardest of the other edits, and few."""
VERSIONS = ("edit", "edit small", "edit passed", "page")
OTHERS = (
    *("other", "scene", "scene small", "scene edit", "scene edit small", "scene passed"),
    *("page other", "other passed"),
)
PASSED_PER_1000 = (1, 2, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Sample:
    """A pair of pictures."""

    sort: str
    """One of `VERSIONS` or `OTHERS`."""
    name: str
    """Of the family or the kind."""
    key: str
    paths: tuple[Path, ...] = ()

    @property
    def is_version(self) -> bool:
        """Whether the two are versions of one photo."""
        return self.sort in VERSIONS

    @property
    def is_overlay(self) -> bool:
        """Whether the one is the other with something drawn over it, at full size."""
        return self.sort == "edit" and FAMILIES[self.name].kind == "overlay"

    @property
    def weight(self) -> float:
        """How much it counts when the trees are fitted."""
        if self.is_overlay:
            return OVERLAY_WEIGHT
        if self.sort == "edit passed" or (
            self.sort.startswith("edit") and FAMILIES[self.name].kind == "screen"
        ):
            return PASSED_WEIGHT
        return SCENES_WEIGHT if self.sort.startswith("scene") else 1.0

    @property
    def half(self) -> str:
        """Of the families; empty if there is no edit in it."""
        family = {**FAMILIES, **PASSED_AROUND}.get(self.name.rpartition("|")[2])
        return family.half if family else ""

    @property
    def fold(self) -> int:
        """0 or 1: pairs that share a photo, a scene or a page are in one."""
        return crc32(self.key.partition("#")[0].encode()) % 2


def samples(photos: list[Path], scenes: list[Path], each: int, pairs: int, most: int) -> list[Sample]:
    """All pairs."""
    return [
        *_edits(photos, each),
        *(
            Sample("other", kind, str(number))
            for kind, number in product(KINDS, range(pairs))
            if kind not in CHANGED
        ),
        *_scenes(scenes, most),
        *_pages(pairs // 2),
        *_passed_around(photos, scenes, pairs // 5, most),
    ]


def _edits(photos: list[Path], each: int) -> Iterator[Sample]:
    for path in photos:
        rng = np.random.default_rng(seed_of("fit", path.stem))
        order = [names()[int(n)] for n in rng.permutation(len(FAMILIES))]
        chains = [CHAINS[int(n)] for n in rng.permutation(len(CHAINS))]
        large = dict.fromkeys(order[:each] + chains[:2])
        small = dict.fromkeys(order[each : each + each // 4] + chains[2:])
        for sort, families in (("edit", large), ("edit small", small)):
            yield from (Sample(sort, name, path.stem, (path,)) for name in families)


def _scenes(folders: list[Path], most: int) -> Iterator[Sample]:
    for folder in folders:
        for first, second in scene_pairs(load_scenes(folder), most):
            if _is_bracket(first) or first.stem == WHOLE_PANORAMA:
                continue
            scene = first.stem[:4] if first.stem.isdigit() else first.parent.name
            key = f"{folder.name}/{scene}#{first.name}|{second.name}"
            rng = np.random.default_rng(seed_of("fit", key))
            yield Sample("scene", folder.name, key, (first, second))
            yield Sample("scene small", folder.name, key, (first, second))
            for sort in ("scene edit", "scene edit small"):
                yield Sample(sort, names()[int(rng.integers(len(FAMILIES)))], key, (first, second))


def _is_bracket(path: Path) -> bool:
    """Whether a photo is of an exposure series: such shots differ as edits do, and only the camera's clock tells them apart."""
    return any(part.startswith("exposures") for part in path.parts)


def _pages(pairs: int) -> Iterator[Sample]:
    for kind, number in product(PAGE_KINDS, range(1000, 1000 + pairs)):
        rng = np.random.default_rng(seed_of("fit", kind, number))
        for family in rng.permutation(len(PAGE_FAMILIES))[:2]:
            for sort in ("page", "page other"):
                yield Sample(sort, f"{kind}|{PAGE_FAMILIES[int(family)]}", f"{kind} {number}#{family}")


def _passed_around(photos: list[Path], folders: list[Path], pairs: int, most: int) -> Iterator[Sample]:
    """Photos that were passed around, and other shots and pictures that were, see `benchmarks.families.PASSED_AROUND`."""
    for path in photos:
        yield from (Sample("edit passed", name, path.stem, (path,)) for name in PASSED_AROUND)
    for sample in _scenes(folders, most):
        if sample.sort == "scene":
            yield from (replace(sample, sort="scene passed", name=name) for name in PASSED_AROUND)
    for kind, number, name in product(KINDS, range(2000, 2000 + pairs), PASSED_AROUND):
        if kind not in {*CHANGED, *PAGE_KINDS}:
            yield Sample("other passed", f"{kind}|{name}", f"{kind} {number}#{name}")


class Measure:
    """Makes the pictures of a sample and measures them; sent to other processes."""

    def __init__(self, photos: list[Path]) -> None:
        self._photos = photos

    def __call__(self, sample: Sample) -> npt.NDArray[np.float32] | None:
        """The vector of measures; None if nothing carries one picture onto the other."""
        cv2.setNumThreads(1)
        rng = np.random.default_rng(seed_of("file", sample.sort, sample.name, sample.key))
        first, second = (
            _features(save(picture, rng, lossless=lossless))
            for picture, lossless in zip(
                self._pictures(sample),
                (False, sample.name.rpartition("|")[2] in {*LOSSLESS, *PASSED_AROUND}),
                strict=True,
            )
        )
        alignment = None if first.flat or second.flat else align(first, second)
        compared = alignment and compare(*enlarged(first, second, alignment))
        return compared.measures.vector() if compared else None

    def _pictures(self, sample: Sample) -> tuple[Image.Image, Image.Image]:
        others = Others(self._photos, None, seed_of(sample.name, sample.key))
        small_px = round(log_uniform(np.random.default_rng(seed_of("small", sample.key)), *SMALL_SIDES_PX))
        if sample.sort == "other":
            return pair(sample.name, int(sample.key), others)
        if sample.paths:
            side_px = small_px if sample.sort == "scene small" else LONG_SIDE_PX
            first, second = (_opened(path, side_px) for path in (sample.paths[0], sample.paths[-1]))
            if sample.name in FAMILIES or sample.name in PASSED_AROUND:
                second = edited(sample.name, second, sample.key, others)
            if sample.sort.endswith("edit small"):
                second.thumbnail((small_px, small_px))
            return first, second
        kind, _, family = sample.name.partition("|")
        page, other = pair(kind, int(sample.key.partition("#")[0].rpartition(" ")[2]), others)
        return page if sample.is_version else other, edited(family, page, sample.key, others)


def _features(file: bytes) -> Features:
    with Image.open(io.BytesIO(file)) as image:
        return features(np.asarray(image.convert("RGB")))


def _opened(path: Path, side_px: int) -> Image.Image:
    image = Image.open(path).convert("RGB")
    image.thumbnail((side_px, side_px))
    return image


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Samples with their measures: those for which there are any."""

    samples: list[Sample]
    vectors: npt.NDArray[np.float32]

    def where(self, mask: npt.NDArray[np.bool_]) -> "Measured":
        """Some of them."""
        return Measured([s for s, kept in zip(self.samples, mask, strict=True) if kept], self.vectors[mask])

    @property
    def versions(self) -> npt.NDArray[np.bool_]:
        """(n,) whether each is a version."""
        return np.array([sample.is_version for sample in self.samples])


def fit(measured: Measured) -> BoostedTrees:
    """Fit the trees."""
    from sklearn.ensemble import GradientBoostingClassifier

    weights = [sample.weight for sample in measured.samples]
    fitted = GradientBoostingClassifier(
        n_estimators=TREES, learning_rate=RATE, max_depth=DEPTH, min_samples_leaf=12, subsample=0.6, max_features=0.12,
        random_state=0,
    ).fit(measured.vectors, measured.versions, sample_weight=np.array(weights))  # fmt: skip
    prior = float(fitted.init_.class_prior_[1])
    return _as_arrays([tree.tree_ for tree in fitted.estimators_[:, 0]], float(np.log(prior / (1 - prior))))


def _as_arrays(trees: list[Any], start: float) -> BoostedTrees:
    sizes = np.array([tree.node_count for tree in trees])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    own = np.arange(int(sizes.sum()))

    def children(side: str) -> npt.NDArray[np.int32]:
        there = np.concatenate([getattr(tree, side) + root for tree, root in zip(trees, roots, strict=True)])
        return np.where(leaf, own, there).astype(np.int32)

    return BoostedTrees(
        inputs=MEASURE_NAMES,
        start=start,
        roots=roots.astype(np.int32),
        feature=np.where(leaf, -1, np.concatenate([tree.feature for tree in trees])).astype(np.int16),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float32),
        left=children("children_left"),
        right=children("children_right"),
        value=(RATE * np.concatenate([tree.value[:, 0, 0] for tree in trees])).astype(np.float32),
        depth=DEPTH,
    )


def held_out(measured: Measured, missing: list[Sample]) -> dict[str, Any]:
    """What models do with families and photos that they were not fitted to."""
    halves = np.array([sample.half for sample in measured.samples])
    folds = np.array([sample.fold for sample in measured.samples])
    scores: list[float] = []
    tested: list[Sample] = []
    for half, fold in product("AB", (0, 1)):
        seen = np.isin(halves, ["", half]) & (folds == fold)
        unseen = np.isin(halves, ["", {"A": "B", "B": "A"}[half]]) & (folds != fold)
        model = fit(measured.where(seen))
        test = measured.where(unseen)
        scores += [model.score(vector) for vector in test.vectors]
        tested += test.samples
    return _figures(np.array(scores), tested, missing)


def _figures(scores: npt.NDArray[np.float64], tested: list[Sample], missing: list[Sample]) -> dict[str, Any]:
    sorts = np.array([sample.sort for sample in tested])
    versions = np.array([sample.is_version for sample in tested])
    others = np.sort(scores[~versions])[::-1]
    unregistered = {sort: sum(sample.sort == sort for sample in missing) for sort in VERSIONS}
    unaligned = sum(not sample.is_version for sample in missing)
    rows = {}
    for rate in PASSED_PER_1000:
        limit = float(others[min(int(rate / 1000 * (len(others) + unaligned)), len(others) - 1)])
        rows[f"{rate} of 1,000"] = {
            "score": round(limit, 2),
            **{
                f"{sort} recall": round(
                    float((scores[sorts == sort] > limit).sum())
                    / max(1, int((sorts == sort).sum()) + unregistered[sort]), 4,
                )
                for sort in VERSIONS
            },
            **{
                f"{sort} passed per 1,000": round(1000 * float((scores[sorts == sort] > limit).mean()), 2)
                for sort in OTHERS
            },
        }  # fmt: skip
    limit = rows["1 of 1,000"]["score"]
    families = {}
    for name in names():
        own = np.array([s.sort == "edit" and s.name == name for s in tested])
        lost = sum(s.sort == "edit" and s.name == name for s in missing)
        if own.any():
            families[name] = round(float((scores[own] > limit).sum()) / (int(own.sum()) + lost), 3)
    return {"others passed": rows, "recall by family at 1 of 1,000": families, "pairs": len(tested)}


def _measured(wanted: list[Sample], measure: Measure, cache: Path | None, processes: int) -> list[Any]:
    known: dict[Sample, Any] = pickle.loads(cache.read_bytes()) if cache and cache.exists() else {}
    left = [sample for sample in wanted if sample not in known]
    with get_context("fork").Pool(processes) as pool:
        for done, (sample, vector) in enumerate(
            zip(left, pool.imap(measure, left, chunksize=4), strict=True), 1
        ):
            known[sample] = vector
            if done % 500 == 0 or done == len(left):
                print(f"{done} of {len(left)}", flush=True)
                if cache:
                    cache.write_bytes(pickle.dumps(known))
    return [known[sample] for sample in wanted]


def main() -> None:
    """Measure, fit, print, and write."""
    parser = argparse.ArgumentParser(description="Fit the verifier's decision.")
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--each", type=int, default=8)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--most", type=int, default=20)
    parser.add_argument("--samples", type=int, default=None, help="at most so many pairs, drawn at random")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--known", action="store_true", help="only the pairs that the cache has")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    photos = photos_in(options.photos)
    wanted = samples(photos[:: options.every], options.scenes, options.each, options.pairs, options.most)
    order = np.random.default_rng(0).permutation(len(wanted))
    wanted = [wanted[int(n)] for n in order[: options.samples]]
    if options.known:
        known = pickle.loads(options.cache.read_bytes())
        wanted = [sample for sample in wanted if sample in known]
    vectors = _measured(wanted, Measure(photos), options.cache, options.processes)
    found = [vector is not None for vector in vectors]
    measured = Measured(
        [s for s, there in zip(wanted, found, strict=True) if there],
        np.array([v for v in vectors if v is not None]),
    )
    result: dict[str, Any] = {"fitted on": dict(Counter(sample.sort for sample in measured.samples))}
    result |= held_out(measured, [s for s, there in zip(wanted, found, strict=True) if not there])
    print(result)
    if options.write:
        fit(measured).save(MODEL)
        write_result("fit_verifier", result)


if __name__ == "__main__":
    main()
