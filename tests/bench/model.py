"""How good a model's codes are: copies found among strangers, scenes found among scenes, photos a second.

    python tests/bench/model.py --data DATA [--models FOLDER] [--model NAME] [--photos N] [--write]

Copies: edits of `photos/dev` (`tests/bench/edits.py`) are looked for among `photos/dev`, `photos/train` and
`imagenette/val`. *Found* is the share whose original is among the first five by Hamming distance. *Recall* is the share of
pairs of versions of one photo within the radius that one in 10,000 pairs of versions of different photos passes.

Scenes: mean average precision, averaged over ties, of `imagenette/val` looking in `imagenette/train` (classes trained on),
and of the first ten pictures of each of twenty classes of `tiny-imagenet`, every tenth by name, looking in the other ninety of
each. A model whose recipe does not leave these out is not measured on them.

With --write the figures go to docs/results/model.json.
"""

import argparse
import json
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from edits import HARD, MILD
from machine import write_result
from PIL import Image

from vtsfind.base import bits
from vtsfind.base.records import Signature
from vtsfind.learn import datasets, metrics
from vtsfind.learn.encoder import Encoder
from vtsfind.learn.weights import Card, find_card, registered
from vtsfind.media.decode import decode, prepare

Codes = npt.NDArray[np.uint8]
CHECKOUT = Path(__file__).parents[2]
STRANGERS = 1e-4
UNSEEN = slice(5, None, 10)


class Coder:
    """Collects pictures and gives their codes, in batches."""

    def __init__(self, card: Card) -> None:
        self.encoder = Encoder(card)
        self.signature: Signature = card.signature

    def codes(self, pictures: list[npt.NDArray[np.uint8]]) -> dict[str, Codes]:
        """The codes of pictures of any size, head name to (n, b)."""
        ready = [prepare(pixels, self.encoder.preprocessing) for pixels in pictures]
        parts = [self.encoder.encode(np.stack(ready[i : i + 32])) for i in range(0, len(ready), 32)]
        return {
            head.name: np.concatenate([part[head.name] for part in parts]) for head in self.signature.heads
        }


def photos(folder: Path, every: int = 1) -> list[npt.NDArray[np.uint8]]:
    """The photos of a folder, by name."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix == ".webp")[::every]
    return [decode(path.read_bytes(), shortest=224)[0] for path in paths]


def copies(coder: Coder, data: Path, every: int) -> dict[str, Any]:
    """Measure the copy head; see the module."""
    originals = photos(data / "photos/dev", every)
    base = coder.codes(originals)["copy"]
    strangers = [*photos(data / "photos/train"), *photos(data / "imagenette/val")]
    database = np.concatenate([base, coder.codes(strangers)["copy"]])
    truth = np.arange(len(base))
    found: dict[str, float] = {}
    versions: dict[str, Codes] = {}
    for name, edit in {**MILD, **HARD}.items():
        views = [
            np.asarray(edit(Image.fromarray(pixels), np.random.default_rng((7, row))))
            for row, pixels in enumerate(originals)
        ]
        versions[name] = coder.codes(views)["copy"]
        order = np.argsort(bits.distances(versions[name], database), axis=1, kind="stable")[:, :5]
        found[name] = float((order == truth[:, None]).any(1).mean())
    report: dict[str, Any] = {"photos": len(base), "database": len(database), "found in first 5": found}
    for half, names in (("mild", list(MILD)), ("hard", list(HARD))):
        report[half] = {
            "found in first 5": float(np.mean([found[name] for name in names])),
            **pair_recall(np.stack([base, *(versions[name] for name in names)])),
        }
    report["bits"] = bit_health(database)
    return report


def pair_recall(codes: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Recall over all pairs of versions of one photo, at radii that let few strangers pass.

    Parameters
    ----------
    codes
        (versions, photos, b).
    """
    count, width = codes.shape[:2]
    same, other = np.zeros(2049, np.int64), np.zeros(2049, np.int64)
    for a in range(count):
        for b in range(a, count):
            distance = bits.distances(codes[a], codes[b])
            own = np.eye(width, dtype=bool)
            if a != b:
                same += np.bincount(distance[own], minlength=2049)
            other += np.bincount(distance[~own], minlength=2049)
    within, strangers = np.cumsum(same) / same.sum(), np.cumsum(other) / other.sum()
    result: dict[str, float] = {}
    for rate in (1e-2, 1e-3, STRANGERS):
        radius = int(np.flatnonzero(strangers <= rate)[-1]) if (strangers <= rate).any() else 0
        result |= {f"radius at {rate:g}": radius, f"recall at {rate:g}": float(within[radius])}
    return result


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


def scenes(coder: Coder, data: Path, recipe: Path) -> dict[str, float]:
    """Measure the scene head; see the module."""

    def part(kind: str, path: str, tile: int = 0) -> datasets.Pictures:
        return datasets.load([datasets.Source(kind, path, tile=tile)], data, shortest=224)

    def codes(pictures: datasets.Pictures, rows: list[int]) -> Codes:
        return coder.codes([pictures.picture(row) for row in rows])["scene"]

    length = {head.name: head.bits for head in coder.signature.heads}["scene"]

    def precision(queries: Codes, wanted: Any, database: Codes, labels: Any) -> float:
        asked = metrics.collection(queries, wanted, bits=length)
        held = metrics.collection(database, labels, bits=length)
        return metrics.map_hash(metrics.histograms(asked, held))[0]

    train, val = part("classes", "imagenette/train"), part("classes", "imagenette/val")
    report = {
        "imagenette mAP": precision(
            codes(val, list(range(len(val)))), val.labels, codes(train, list(range(len(train)))), train.labels
        )
    }
    tiny = part("mosaics", "tiny-imagenet", tile=64)
    if has_seen(recipe, list(tiny.classes[UNSEEN])):
        return report
    rows = np.flatnonzero(tiny.labels[:, UNSEEN].any(1))
    asked = [int(row) for row in rows if row % 100 < 10]
    rest = [int(row) for row in rows if row % 100 >= 10]
    report["tiny-imagenet, 20 unseen classes, mAP"] = precision(
        codes(tiny, asked), tiny.labels[asked], codes(tiny, rest), tiny.labels[rest]
    )
    return report


def pace(coder: Coder) -> float:
    """Prepared pictures a second through the model, the median of five runs of 128."""
    size = coder.encoder.preprocessing.size
    pixels = np.random.default_rng(0).integers(0, 256, (128, size, size, 3), np.uint8)
    times = []
    for _ in range(6):
        started = time.perf_counter()
        for first in range(0, 128, 32):
            coder.encoder.encode(pixels[first : first + 32])
        times.append(time.perf_counter() - started)
    return 128 / float(np.median(times[1:]))


def main() -> None:
    """Measure and print; write if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="a folder with a registry, such as a run folder")
    parser.add_argument("--model", default="")
    parser.add_argument("--every", type=int, default=1, help="use every n-th photo of photos/dev")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    card = next(iter(registered((given.models,)).values())) if given.models else find_card(given.model)
    coder = Coder(card)
    figures = {
        "model": card.name,
        "sha256": card.sha256,
        "copies": copies(coder, given.data, given.every),
        "scenes": scenes(coder, given.data, card.folder / card.recipe),
        "model alone, photos/s": pace(coder),
    }
    if given.write:
        write_result("model", figures)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
