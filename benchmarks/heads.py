"""How the knobs of heads on frozen features are chosen: on a part of the training set that is held out, never on queries.

    python -m benchmarks.heads --backbone NAME [--starts FOLDER] --dataset NAME --data FOLDER [--method NAMES] [--bits N]

A fifth of the training pictures of each class is held out, and each of these is looked for among the others of them. Every
method is trained with each of the knobs below; the mean average precisions are printed, best last. Features are those that
`vtsfind eval --run` keeps.
"""

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from vtsfind.base import bits as code_bits
from vtsfind.base.settings import places
from vtsfind.learn.data.protocols import open_protocol
from vtsfind.learn.evaluation import metrics
from vtsfind.learn.evaluation.codes import EncodingOptions
from vtsfind.learn.evaluation.features import FeatureStore, frozen
from vtsfind.learn.evaluation.heads import Hyperparameters, head_outputs
from vtsfind.learn.paper.grid import HYPERPARAMETERS, VIEWS, train_named_head
from vtsfind.learn.paper.results import PAPER_FRAMEWORKS
from vtsfind.media.decode import needed_side

HELD_OUT = 5
GENERAL = {"rate": (1e-3, 3e-3), "hidden": (0, 512), "dropout": (0.0, 0.3)}
OWN: dict[str, dict[str, tuple[Any, ...]]] = {
    "dsh": {"centred": (True, False), "quantisation_weight": (0.1, 3.0)},
    "hashnet": {"centred": (True, False), "batches_per_step": (50, 200)},
    "greedyhash": {"quantisation_weight": (0.01, 0.1, 1.0)},
    "idhn": {"centred": (True, False), "quantisation_weight": (0.01, 0.1)},
    "dhn": {"centred": (True, False)},
    "dch": {"centred": (True, False)},
    "dfh": {"centred": (True, False)},
    "transhash": {"centred": (True, False)},
}
"""Knobs of the head and options of the objective; a method without any is tried as it is."""


def held_out(labels: Any) -> Any:
    """Which rows are queries: every fifth of each class, by the first label."""
    chosen = np.zeros(len(labels), bool)
    numbers = labels.argmax(axis=1)
    for number in np.unique(numbers):
        chosen[np.flatnonzero(numbers == number)[::HELD_OUT]] = True
    return chosen


def choices(method: str, *, general: bool) -> Iterator[Hyperparameters]:
    """The knobs to try: those of all methods, or a method's own options beside what it has now."""
    start = HYPERPARAMETERS[method]
    table = GENERAL if general else OWN.get(method, {})
    for values in product(*table.values()):
        chosen = dict(zip(table, values, strict=True))
        of_head = {name: chosen.pop(name) for name in [*chosen] if name in Hyperparameters.__slots__}
        yield replace(start, **of_head, options={**start.options, **chosen})


def worth(method: str, views: list[Any], labels: Any, bits: int, hyperparameters: Hyperparameters) -> float:
    """The mean average precision of held-out training pictures, each looked for among the others of them."""
    asked = held_out(labels)
    head = train_named_head(method, [view[~asked] for view in views], labels[~asked], bits, hyperparameters)
    codes = code_bits.pack(head_outputs(head, views[0][asked]))
    own = metrics.labelled_codes(codes, labels[asked], bits=bits)
    counts = metrics.histograms(own, own)
    others = np.eye(1, bits + 1, dtype=np.int64)  # each picture finds itself at distance 0
    return metrics.map_hash(metrics.Histograms(counts.items - others, counts.relevant - others))[0]


def main() -> None:
    """Print what each choice is worth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", required=True)
    parser.add_argument("--starts", type=Path)
    parser.add_argument("--dataset", default="cifar10@54000")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--method", default=",".join(PAPER_FRAMEWORKS))
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--views", type=int, default=VIEWS)
    parser.add_argument("--own", action="store_true", help="Try the methods' own options.")
    options = parser.parse_args()
    backbone = frozen(options.backbone, options.starts)
    shortest = needed_side(backbone.preprocessing)
    pictures, split = open_protocol(options.dataset, options.data, seed=1, shortest=shortest)
    folder = options.cache or places().cache / "features"
    store = FeatureStore(backbone, pictures, folder, EncodingOptions(batch=16))
    views = [store.view_features(split.train, view).of(split.train) for view in range(options.views)]
    labels = pictures.labels[split.train]
    for method in options.method.split(","):
        tried = [
            (worth(method, views, labels, options.bits, hyperparameters), hyperparameters)
            for hyperparameters in choices(method, general=not options.own)
        ]
        for value, hyperparameters in sorted(tried, key=lambda each: each[0]):
            changed = {
                name: of
                for name, of in asdict(hyperparameters).items()
                if of != asdict(Hyperparameters())[name]
            }
            print(f"{method:10} {value:.4f} {changed}", flush=True)


if __name__ == "__main__":
    main()
