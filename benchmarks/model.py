"""How good a model's codes are: copies found among strangers, scenes found among scenes, photos a second.

    python -m benchmarks.model --data DATA [--holidays FOLDER] [--models FOLDER] [--model NAME] [--every N] [--thin N]
        [--starts STARTS] [--choose FOLDER] [--write]

Copies: edits of `photos/dev` (`benchmarks/edits.py`) are looked for among `photos/dev`, `photos/train` and
`imagenette/val`. *Found* is the share whose original is among the first five by Hamming distance: of the code alone, and
of the model also by the real outputs of several views, as `vtsfind query` looks for a photo that the library has not. *Recall* is the
share of pairs of versions of one photo within the radius that one in 10,000 pairs of versions of different photos passes: of all, and
of photos of another source (the names of `photos/dev` begin with it), which hardly ever look alike.

Scenes: mean average precision, averaged over ties, of `imagenette/val` looking in `imagenette/train` (classes trained on),
and of the first ten pictures of each of twenty classes of `tiny-imagenet`, every tenth by name, looking in the other ninety of
each; both also by the real outputs of the queries (*floats*). With --holidays, same-scene photos among the odd scenes of INRIA
Holidays by each head, and by likeness, as `query` compares photos: mean average precision, and how many are among the first five. A model whose recipe does not leave these out is not measured on them. And the share of pairs of `photos/dev` whose codes
differ in an eighth of the bits or less: these photos are of many kinds, so a model that has one code for all of which it is
unsure shows here, though its precision may be high.

With --starts, the teachers of the model and a 64-bit pHash are measured beside it, all on every tenth photo of
`photos/dev` and against every fourth stranger, and on every fifth picture of scenes. Of a teacher's real features, SimHash codes (Charikar,
STOC 2002) of 8,192 bits are compared, whose distance is the angle but for half a per cent.

With --choose, only copies are measured, of the photos of that folder, among `photos/train` and `imagenette/train`: to choose between models
without looking at what they are judged by.

Pace: photos a second through each network and from a file of 640 x 480 pixels to all codes, with the instructions that were used.

With --write the figures go to docs/results/model.json.
"""

import argparse
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.edits import HARD, MILD
from benchmarks.machine import write_result
from benchmarks.pace import pace
from vtsfind.base import bits
from vtsfind.find.hamming.likeness import COPY_SHARE
from vtsfind.find.hamming.views import asymmetric_distances, soft_minimum
from vtsfind.learn.data import formats as datasets
from vtsfind.learn.evaluation import metrics
from vtsfind.learn.models.encoder import Encoder
from vtsfind.learn.models.registry import ModelCard, find_card, registered_models
from vtsfind.learn.recipes import Teacher
from vtsfind.learn.training.distillation import teacher_network
from vtsfind.media.decode import decode, prepare
from vtsfind.media.query_views import VIEW_COUNT, views

Pixels = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.uint8]
Outputs = npt.NDArray[np.float32]
Code = Callable[[list[Pixels]], Codes]
CHECKOUT = Path(__file__).parents[1]
STRANGERS = 1e-4
UNSEEN = slice(5, None, 10)
SIMHASH_BITS = 8192
FEWER = 10, 4
"""Every so many photos, and every so many strangers."""
FEWER_SCENES = 5
PACE_PHOTOS = 64


class Coder:
    """Collects pictures and gives the codes of one head of a model, in batches."""

    def __init__(self, encoder: Encoder, head: str) -> None:
        self.encoder, self.head = encoder, head

    def __call__(self, pictures: list[Pixels]) -> Codes:
        """The codes of pictures of any size, (n, b)."""
        return bits.pack(self.outputs(pictures))

    def outputs(self, pictures: list[Pixels]) -> Outputs:
        """The real outputs of pictures of any size, (n, k)."""
        ready = [prepare(pixels, self.encoder.preprocessing) for pixels in pictures]
        parts = [np.stack(ready[i : i + 32]) for i in range(0, len(ready), 32)]
        return np.concatenate([self.encoder.outputs(part, [self.head])[self.head] for part in parts])

    def in_views(self, pictures: list[Pixels]) -> Outputs:
        """The real outputs of the views of pictures of any size, (v, n, k)."""
        parts = []
        for first in range(0, len(pictures), 32):
            ready = [
                views(prepare(pixels, self.encoder.preprocessing)) for pixels in pictures[first : first + 32]
            ]
            seen = self.encoder.outputs(np.concatenate(ready), [self.head])[self.head]
            parts.append(seen.reshape(len(ready), VIEW_COUNT, -1).transpose(1, 0, 2))
        return np.concatenate(parts, axis=1)


class TeacherCoder:
    """The same with what a teacher sees, as SimHash codes."""

    def __init__(self, teacher: Teacher, starts: Path) -> None:
        self.see, self.look = teacher_network(teacher, starts)
        self.planes = np.zeros((0, 0))

    def __call__(self, pictures: list[Pixels]) -> Codes:
        """The codes of pictures of any size, (n, b)."""
        ready = [prepare(pixels, self.look) for pixels in pictures]
        seen = np.concatenate([self.see(np.stack(ready[i : i + 32])) for i in range(0, len(ready), 32)])
        if not len(self.planes):
            self.planes = np.random.default_rng(0).normal(size=(seen.shape[1], SIMHASH_BITS))
        return np.packbits(seen @ self.planes > 0, axis=1)


def phash(pictures: list[Pixels]) -> Codes:
    """The 64-bit perceptual hash: signs of the lowest 8 x 8 cosine coefficients of 32 x 32 grey values, against their median."""
    codes = []
    for pixels in pictures:
        small = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
        low = cv2.dct(np.asarray(small, np.float32))[:8, :8].ravel()
        codes.append(np.packbits(low > np.median(low)))
    return np.stack(codes)


def photos(folder: Path, every: int = 1) -> list[npt.NDArray[np.uint8]]:
    """The photos of a folder, by name."""
    return [decode(path.read_bytes(), shortest=224)[0] for path in photo_paths(folder, every)]


def photo_paths(folder: Path, every: int = 1) -> list[Path]:
    """The files of these photos."""
    return sorted(p for p in folder.rglob("*") if p.suffix in {".webp", ".jpg", ".jpeg", ".png"})[::every]


def copies(code: Code, data: Path, every: int, thin: int = 1, choosing: Path | None = None) -> dict[str, Any]:
    """Measure codes for copies; see the module. Of the strangers, every `thin`-th is there."""
    folder, others = choosing or data / "photos/dev", "imagenette/train" if choosing else "imagenette/val"
    originals = photos(folder, every)
    base = code(originals)
    strangers = [*photos(data / "photos/train", thin), *photos(data / others, thin)]
    database = np.concatenate([base, code(strangers)])
    truth = np.arange(len(base))
    sources = np.array([path.name.split("-")[0] for path in photo_paths(folder, every)])
    found: dict[str, float] = {}
    found_in_views: dict[str, float] = {}
    versions: dict[str, Codes] = {}
    for name, edit in {**MILD, **HARD}.items():
        edited = [
            np.asarray(edit(Image.fromarray(pixels), np.random.default_rng((7, row))))
            for row, pixels in enumerate(originals)
        ]
        if isinstance(code, Coder):
            seen = code.in_views(edited)
            apart = np.stack([asymmetric_distances(bits.planes(database), view) for view in seen])
            found_in_views[name] = in_first_five(soft_minimum(apart), truth)
            versions[name] = bits.pack(seen[0])
        else:
            versions[name] = code(edited)
        found[name] = in_first_five(bits.distances(versions[name], database), truth)
    report: dict[str, Any] = {"photos": len(base), "database": len(database), "found in first 5": found}
    if found_in_views:
        report["found in first 5, by views"] = found_in_views
    for half, names in (("mild", list(MILD)), ("hard", list(HARD))):
        report[half] = {
            "found in first 5": float(np.mean([found[name] for name in names])),
            **pair_recall(np.stack([base, *(versions[name] for name in names)]), sources),
        }
        if found_in_views:
            report[half]["found in first 5, by views"] = float(
                np.mean([found_in_views[name] for name in names])
            )
    if every == 1:
        report["bits"] = bit_health(database)
    return report


def in_first_five(distances: npt.NDArray[Any], truth: npt.NDArray[np.int64]) -> float:
    """The share of rows of distances (q, n) whose true column (q,) is among the five smallest."""
    order = np.argsort(distances, axis=1, kind="stable")[:, :5]
    return float((order == truth[:, None]).any(1).mean())


def pair_recall(codes: npt.NDArray[np.uint8], sources: npt.NDArray[np.str_]) -> dict[str, float]:
    """Recall over all pairs of versions of one photo, at radii that let few strangers pass.

    Parameters
    ----------
    codes
        (versions, photos, b).
    sources
        (photos,) where each photo comes from.
    """
    count, width = codes.shape[:2]
    same, strangers, distant = (np.zeros(SIMHASH_BITS + 1, np.int64) for _ in range(3))
    own = np.eye(width, dtype=bool)
    elsewhere = sources[:, None] != sources[None]
    for a in range(count):
        for b in range(a, count):
            distance = bits.distances(codes[a], codes[b])
            if a != b:
                same += np.bincount(distance[own], minlength=SIMHASH_BITS + 1)
            strangers += np.bincount(distance[~own], minlength=SIMHASH_BITS + 1)
            distant += np.bincount(distance[elsewhere], minlength=SIMHASH_BITS + 1)
    within = np.cumsum(same) / same.sum()
    result: dict[str, float] = {}
    for rate in (1e-2, 1e-3, STRANGERS):
        radius = radius_at(strangers, rate)
        result |= {f"radius at {rate:g}": radius, f"recall at {rate:g}": float(within[radius])}
    radius = radius_at(distant, STRANGERS)
    far = f"{STRANGERS:g}, strangers of another source"
    return {**result, f"radius at {far}": radius, f"recall at {far}": float(within[radius])}


def radius_at(histogram: npt.NDArray[np.int64], rate: float) -> int:
    """The largest radius within which at most a share `rate` of the distances of a histogram are."""
    share = np.cumsum(histogram) / max(1, histogram.sum())
    return int(np.flatnonzero(share <= rate)[-1]) if (share <= rate).any() else 0


def bit_health(codes: Codes) -> dict[str, float]:
    """How far the bits are from balanced and independent."""
    values = np.unpackbits(codes, axis=1).astype(np.float64)
    correlation = np.asarray(np.corrcoef(values.T))
    pairs = np.abs(correlation[np.triu_indices_from(correlation, 1)])
    return {
        "share of ones, least": float(values.mean(0).min()),
        "share of ones, most": float(values.mean(0).max()),
        "mean |correlation| of two bits": float(np.nanmean(pairs)),
        "largest |correlation| of two bits": float(np.nanmax(pairs)),
    }


def has_seen(recipe: Path, classes: list[str]) -> bool:
    """Whether a recipe trains on some of the classes of `tiny-imagenet`."""
    sources = [source for task in tomllib.loads(recipe.read_text())["tasks"] for source in task["data"]]
    return any(set(classes) - set(s.get("leave_out", ())) for s in sources if s["path"] == "tiny-imagenet")


def scenes(code: Code, length: int, data: Path, recipe: Path, thin: int = 1) -> dict[str, float]:
    """Measure codes of `length` bits for scenes; see the module. Of the pictures, every `thin`-th is there."""

    def part(kind: str, path: str, tile: int = 0) -> datasets.Pictures:
        return datasets.load([datasets.Source(kind, path, tile=tile)], data, shortest=224)

    def precision(name: str, queries: datasets.Pictures, asked: list[int], held: list[int]) -> None:
        database = train if queries is val else queries
        pictures = [queries.picture(row) for row in asked]
        outputs = code.outputs(pictures) if isinstance(code, Coder) else None
        packed = code(pictures) if outputs is None else bits.pack(outputs)
        codes = code([database.picture(row) for row in held])
        labels, wanted = database.labels[held], queries.labels[asked]
        report[name] = metrics.map_hash(
            metrics.histograms(
                metrics.labelled_codes(packed, wanted, bits=length),
                metrics.labelled_codes(codes, labels, bits=length),
            )
        )[0]
        if outputs is not None:
            apart = asymmetric_distances(bits.planes(codes), outputs)
            report[f"{name}, floats"] = average_precision(apart, wanted @ labels.T > 0)

    report: dict[str, float] = {}
    train, val = part("classes", "imagenette/train"), part("classes", "imagenette/val")
    precision("imagenette mAP", val, *(list(range(0, len(part), thin)) for part in (val, train)))
    report["photos/dev, pairs within an eighth of the bits"] = crowding(
        code(photos(data / "photos/dev")), length
    )
    tiny = part("mosaics", "tiny-imagenet", tile=64)
    if has_seen(recipe, list(tiny.classes[UNSEEN])):
        return report
    rows = np.flatnonzero(tiny.labels[:, UNSEEN].any(1))
    asked = [int(row) for row in rows if row % 100 < 10][::thin]
    rest = [int(row) for row in rows if row % 100 >= 10][::thin]
    precision("tiny-imagenet, 20 unseen classes, mAP", tiny, asked, rest)
    return report


def average_precision(distances: npt.NDArray[Any], relevant: npt.NDArray[np.bool_]) -> float:
    """Mean average precision by distances (q, n) of queries that have something relevant; equal ones in the order of columns."""
    ranked = np.take_along_axis(relevant, np.argsort(distances, axis=1, kind="stable"), axis=1)
    ranked = ranked[ranked.any(1)]
    precision = np.cumsum(ranked, 1) / np.arange(1, ranked.shape[1] + 1)
    return float(((precision * ranked).sum(1) / ranked.sum(1)).mean())


def holidays(encoder: Encoder, folder: Path) -> dict[str, dict[str, float]]:
    """Same-scene photos among the photos of a folder, whose names begin with four digits of the scene, by each head."""
    paths = photo_paths(folder)
    pictures = [decode(path.read_bytes(), shortest=224)[0] for path in paths]
    scene = np.array([path.name[:4] for path in paths])
    others = ~np.eye(len(paths), dtype=bool)
    relevant = (scene[:, None] == scene[None])[others].reshape(len(paths), -1)
    shares: dict[str, npt.NDArray[np.float64]] = {}
    for head in encoder.signature.heads:
        outputs = Coder(encoder, head.name).outputs(pictures)
        codes = bits.pack(outputs)
        shares[f"{head.name}, bits"] = bits.distances(codes, codes) / head.bits
        shares[f"{head.name}, floats"] = asymmetric_distances(bits.planes(codes), outputs) / head.bits
    for kind in ("bits", "floats"):
        if {f"scene, {kind}", f"copy, {kind}"} <= shares.keys():
            both = (1 - COPY_SHARE) * shares[f"scene, {kind}"] + COPY_SHARE * shares[f"copy, {kind}"]
            shares[f"likeness, {kind}"] = both
    report = {}
    for name, apart in shares.items():
        away = apart[others].reshape(len(paths), -1)
        first = np.argsort(away, axis=1, kind="stable")[:, :5]
        report[name] = {
            "mAP": average_precision(away, relevant),
            "in the first five": int(np.take_along_axis(relevant, first, axis=1).sum()),
            "that could be": int(np.minimum(relevant.sum(1), 5).sum()),
        }
    return report


def crowding(codes: Codes, length: int) -> float:
    """The share of pairs of codes of `length` bits that differ in an eighth of them or less."""
    distances = bits.distances(codes, codes)[np.triu_indices(len(codes), 1)]
    return float((distances <= length // 8).mean())


def beside(card: ModelCard, encoder: Encoder, data: Path, starts: Path) -> dict[str, Any]:
    """The model, its teachers and pHash, all on fewer pictures; see the module."""
    recipe = card.folder / card.recipe
    report: dict[str, Any] = {"model": {}}
    report["model"]["copies"] = copies(Coder(encoder, "copy"), data, *FEWER)
    report["model"]["scenes"] = scenes(
        Coder(encoder, "scene"), _bits(card, "scene"), data, recipe, FEWER_SCENES
    )
    report["pHash, 64 bits"] = {"copies": copies(phash, data, *FEWER)}
    sscd = Teacher(backbone="", start="sscd.onnx", size=224)
    report["SSCD, ResNet50, 512 numbers"] = {"copies": copies(TeacherCoder(sscd, starts), data, *FEWER)}
    lite2 = Teacher(backbone="lite2", start="efficientnet-lite2-9656183e.pth", size=224)
    seen = scenes(TeacherCoder(lite2, starts), SIMHASH_BITS, data, recipe, FEWER_SCENES)
    report["EfficientNet-lite2, 1280 numbers"] = {"scenes": seen}
    return report


def _bits(card: ModelCard, head: str) -> int:
    return next(each.bits for each in card.signature.heads if each.name == head)


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--holidays", type=Path, help="the folder of the odd scenes of INRIA Holidays")
    parser.add_argument("--models", type=Path, help="a folder with a registry, such as a run folder")
    parser.add_argument("--model", default="")
    parser.add_argument(
        "--every", type=int, default=1, help="use every n-th photo of photos/dev for copies; 0 for no copies"
    )
    parser.add_argument("--thin", type=int, default=1, help="use every n-th stranger and picture of scenes")
    parser.add_argument("--choose", type=Path, help="a folder of other photos, to choose between models")
    parser.add_argument("--starts", type=Path, help="the folder of the teachers' files")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    card = next(iter(registered_models((given.models,)).values())) if given.models else find_card(given.model)
    encoder = Encoder(card)
    if given.choose:
        found = copies(Coder(encoder, "copy"), given.data, given.every, given.thin, given.choose)
        print(json.dumps({"model": card.name, "sha256": card.sha256, "copies": found}, indent=1))
        return
    recipe = card.folder / card.recipe
    figures = {
        "model": card.name,
        "sha256": card.sha256,
        "every n-th photo of copies": given.every,
        "every n-th stranger and picture of scenes": given.thin,
        "pace": pace(encoder, photos(given.data / "photos/dev")[:PACE_PHOTOS]),
    }
    if any(head.name == "scene" for head in card.signature.heads):
        figures["scenes"] = scenes(
            Coder(encoder, "scene"), _bits(card, "scene"), given.data, recipe, given.thin
        )
    if given.every:
        figures["copies"] = copies(Coder(encoder, "copy"), given.data, given.every, given.thin)
    if given.holidays:
        figures["INRIA Holidays, odd scenes"] = holidays(encoder, given.holidays)
    if given.starts:
        figures["beside, on fewer pictures"] = beside(card, encoder, given.data, given.starts)
    if given.write:
        write_result("model", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
