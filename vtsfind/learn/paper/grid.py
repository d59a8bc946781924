"""The grid of the paper's tables, run on what one machine can do: heads on the features of a frozen backbone.

Cells that have a result already are left as they are, so that a grid that was stopped goes on where it was. A head is
trained once for all data sets that have the same training pictures.
"""

import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vtsfind.base import bits as code_bits
from vtsfind.base.errors import UsageError
from vtsfind.base.progress import Phase
from vtsfind.base.records import Head
from vtsfind.learn.data.formats.pictures import Labels, Pictures, RowNumbers
from vtsfind.learn.data.protocols import find_protocol, open_protocol
from vtsfind.learn.data.splits import Split
from vtsfind.learn.evaluation.codes import SplitCodes, Work, versions
from vtsfind.learn.evaluation.evaluator import Figures, measured
from vtsfind.learn.evaluation.features import FeatureStore, Frozen, Seen
from vtsfind.learn.evaluation.heads import FeatureHead, Knobs, head_outputs, train_head
from vtsfind.learn.objectives import create
from vtsfind.learn.paper.results import (
    FRAMEWORKS,
    SIX,
    CurvePoint,
    How,
    Result,
    cell_file,
    machine,
    write_result,
)
from vtsfind.media.decode import needed_side

VIEWS = 4
"""Views of each training picture: as it is, its mirror image, and two random crops."""

FROZEN: How = "frozen"
_HEAD = "code"

_COMMON = Knobs(hidden=512, dropout=0.3)
_FREE = replace(_COMMON, centred=False)
KNOBS: Mapping[str, Knobs] = {
    **dict.fromkeys(FRAMEWORKS, _COMMON),
    # Methods whose outputs need room: a centred bit varies by 1, which softsign and distances to a margin find too little.
    "dsh": replace(_FREE, options={"quantisation_weight": 3.0}),
    "idhn": replace(_FREE, options={"quantisation_weight": 0.01}),
    "dch": _FREE,
    "greedyhash": replace(_COMMON, options={"quantisation_weight": 1.0}),
}
"""How a head of each framework is trained in the mode `fixed`; docs/results/log.md says how this was found."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which cells to run, and on what."""

    backbone: Frozen
    datasets: tuple[str, ...]
    data: Path
    """The folder of all data."""
    results: Path
    """The folder of results."""
    cache: Path
    """Where features are kept."""
    frameworks: tuple[str, ...] = SIX
    bits: tuple[int, ...] = (16, 32, 64)
    mode: str = "fixed"
    seed: int = 1
    views: int = VIEWS
    again: bool = False
    """Whether cells that have a result are run again."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell to run."""

    framework: str
    bits: int
    dataset: str


def cells(wish: Wish) -> list[Cell]:
    """The cells of a wish that have no result yet, those of one head one after the other.

    Raises
    ------
    UsageError
        For an unknown framework or data set.
    """
    for name in wish.frameworks:
        if name not in FRAMEWORKS:
            raise UsageError(f"There is no method '{name}'.", f"Known: {', '.join(FRAMEWORKS)}.")
    datasets = [find_protocol(name).name for name in wish.datasets]
    every = (
        Cell(framework, bits, dataset)
        for bits in wish.bits
        for framework in wish.frameworks
        for dataset in datasets
    )
    return [cell for cell in every if wish.again or not (wish.results / _file(wish, cell)).is_file()]


def _file(wish: Wish, cell: Cell) -> str:
    return cell_file(wish.backbone.name, cell.framework, cell.dataset, cell.bits, how=FROZEN, mode=wish.mode)


def run_grid(wish: Wish, work: Work) -> Iterator[Result]:
    """Run the cells of a wish that have no result yet, and yield each result once it is written.

    Raises
    ------
    UsageError
        When the data are not there, or a cell is not possible; the cells before it are kept.
    StorageError
        When a result cannot be written.
    Cancelled
        When asked to stop; features and results so far are kept.
    """
    todo = cells(wish)
    if not todo:
        return
    data = {name: _opened(name, wish, work) for name in dict.fromkeys(cell.dataset for cell in todo)}
    work.progress.start(Phase.TRAIN, len(todo))
    trainer = _Trainer(wish, work)
    for cell in todo:
        work.cancel.check()
        began = time.monotonic()
        head, spent = trainer.head(cell, data[cell.dataset])
        figures = data[cell.dataset].measured(head, cell.bits)
        result = _result(wish, cell, data[cell.dataset], figures, spent + time.monotonic() - began)
        write_result(wish.results, result)
        work.progress.advance(
            1, f"{FRAMEWORKS[cell.framework]} {cell.bits} {cell.dataset} {figures.map.expected:.3f}"
        )
        yield result


@dataclass(frozen=True, slots=True, eq=False)
class Seeable:
    """A data set as a frozen backbone sees it."""

    pictures: Pictures
    split: Split
    whole: Seen
    """All of its pictures, as they are."""
    views: tuple[Seen, ...]
    """Its training pictures, in all views."""
    top: int | None

    def training(self) -> tuple[list[np.ndarray[tuple[int, ...], np.dtype[np.float16]]], Labels]:
        """Features, (n, d) a view, and labels, (n, c), of the training set."""
        return [seen.of(self.split.train) for seen in self.views], self.pictures.labels[self.split.train]

    def measured(self, head: FeatureHead, bits: int) -> Figures:
        """What the codes of a head are worth."""

        def codes(rows: RowNumbers) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
            return {_HEAD: code_bits.pack(head_outputs(head, self.whole.of(rows)))}

        made = SplitCodes(codes(self.split.query), codes(self.split.database), "", 0)
        return measured(made, self.pictures, self.split, Head(_HEAD, bits), top=self.top)


def _opened(name: str, wish: Wish, work: Work) -> Seeable:
    shortest = needed_side(wish.backbone.preprocessing)
    pictures, split = open_protocol(
        name, wish.data, seed=wish.seed, shortest=shortest, progress=work.progress, cancel=work.cancel
    )
    store = FeatureStore(wish.backbone, pictures, wish.cache, work)
    # The training pictures first, and by themselves: other data sets may share them, and heads need nothing else.
    views = tuple(store.seen(split.train, view) for view in range(wish.views))
    rest = np.setdiff1d(np.concatenate([split.query, split.database]), split.train)
    whole = views[0].joined(store.seen(rest)) if len(rest) else views[0]
    return Seeable(pictures, split, whole, views, find_protocol(name).top_k)


class _Trainer:
    """Trains heads, and remembers the last one for other data sets of the same training pictures."""

    def __init__(self, wish: Wish, work: Work) -> None:
        self.wish, self.work = wish, work
        self._last: tuple[tuple[str, int, bytes], FeatureHead, float] | None = None

    def head(self, cell: Cell, data: Seeable) -> tuple[FeatureHead, float]:
        """The head of a cell, and the seconds that it took where it was not trained just now."""
        key = (cell.framework, cell.bits, data.split.train.tobytes())
        if self._last is not None and self._last[0] == key:
            return self._last[1], self._last[2]
        began = time.monotonic()
        views, labels = data.training()
        knobs = KNOBS[cell.framework]
        trained = trained_head(
            cell.framework,
            views,
            labels,
            cell.bits,
            knobs,
            mode=self.wish.mode,
            seed=self.wish.seed,
            work=self.work,
        )
        self._last = key, trained, time.monotonic() - began
        return trained, 0.0


def trained_head(
    framework: str,
    views: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float16]]],
    labels: Labels,
    bits: int,
    knobs: Knobs,
    *,
    mode: str = "fixed",
    seed: int = 1,
    work: Work | None = None,
) -> FeatureHead:
    """Train a head by the name of its objective; see `vtsfind.learn.evaluation.heads.train_head`."""
    objective = create(framework, mode=mode, **knobs.options)
    several = bool((labels.sum(axis=1) > 1).any())
    objective.bind(bits=bits, classes=labels.shape[1], rows=len(labels), seed=seed, multilabel=several)
    return train_head(objective, views, labels, knobs, seed=seed, cancel=work.cancel if work else None)


def _result(wish: Wish, cell: Cell, data: Seeable, figures: Figures, seconds: float) -> Result:
    split = data.split
    return Result(
        backbone=wish.backbone.name,
        feature=wish.backbone.network.features,
        framework=cell.framework,
        dataset=cell.dataset,
        bits=cell.bits,
        how=FROZEN,
        mode=wish.mode,
        **measures(figures),
        top=data.top,
        train=len(split.train),
        queries=len(split.query),
        database=len(split.database),
        split_sha256=split.digest,
        data=split.origin,
        findings=tuple(str(finding) for finding in split.findings),
        seed=wish.seed,
        fingerprint=wish.backbone.fingerprint,
        training={
            **asdict(KNOBS[cell.framework]),
            "views": wish.views,
            "features": data.whole.values.shape[1],
        },
        versions={**versions(), "numpy": np.__version__},
        command=command(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine={**machine(), "threads": torch.get_num_threads()},
        seconds=round(seconds, 1),
    )


def measures(figures: Figures) -> dict[str, Any]:
    """The fields of a result that say what was measured."""
    return {
        "map": figures.map.expected,
        "map_best_case": figures.map.best,
        "map_worst_case": figures.map.worst,
        "radius_precision": figures.ball.precision,
        "radius_recall": figures.ball.recall,
        "radius_map": figures.ball.map,
        "curve": tuple(CurvePoint(*astuple(point)) for point in figures.curve),
    }


def command() -> str:
    """The command line that is running, without the folders of this machine."""
    words = (Path(word).name if word.startswith("/") else word for word in sys.argv[1:])
    return shlex.join(["vtsfind", *words])
