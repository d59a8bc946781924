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
from vtsfind.base.progress import Phase
from vtsfind.base.records import Head
from vtsfind.learn.data.formats.pictures import Labels, Pictures, RowNumbers
from vtsfind.learn.data.protocols import find_protocol, open_protocol
from vtsfind.learn.data.splits import Split
from vtsfind.learn.evaluation.codes import EncodingOptions, SplitCodes, files_digest, versions
from vtsfind.learn.evaluation.evaluator import RetrievalScores, measure
from vtsfind.learn.evaluation.features import FeatureStore, FrozenBackbone, ViewFeatures
from vtsfind.learn.evaluation.heads import FeatureHead, Hyperparameters, head_outputs, train_head
from vtsfind.learn.models.spec import FeatureKind
from vtsfind.learn.objectives import create, objective_class
from vtsfind.learn.paper.results import (
    FRAMEWORKS,
    PAPER_FRAMEWORKS,
    CurvePoint,
    Result,
    TrainingKind,
    cell_name,
    framework_title,
    machine,
    write_result,
)
from vtsfind.media.decode import needed_side

VIEWS = 4
"""Views of each training picture: as it is, its mirror image, and two random crops."""

FROZEN: TrainingKind = "frozen"
_HEAD_NAME = "code"

_DEFAULTS = Hyperparameters(hidden=512, dropout=0.3)
_UNCENTRED = replace(_DEFAULTS, centred=False)
HYPERPARAMETERS: Mapping[str, Hyperparameters] = {
    **dict.fromkeys(FRAMEWORKS, _DEFAULTS),
    # Methods whose outputs need room: a centred bit varies by 1, which softsign and distances to a margin find too little.
    "dsh": replace(_UNCENTRED, options={"quantisation_weight": 3.0}),
    "idhn": replace(_UNCENTRED, options={"quantisation_weight": 0.01}),
    "dch": _UNCENTRED,
    "greedyhash": replace(_DEFAULTS, options={"quantisation_weight": 1.0}),
}
"""How a head of each framework is trained in the mode `fixed`; docs/results/notebook says how this was found."""

_ALL_TOKENS_EPOCHS = 10
"""Of heads that read all tokens: their first layer is tens of times as wide, and ten times as slow."""


def hyperparameters_of(framework: str, feature: FeatureKind) -> Hyperparameters:
    """How a head of a framework is trained on such features."""
    chosen = HYPERPARAMETERS.get(framework, _DEFAULTS)
    return replace(chosen, epochs=min(chosen.epochs, _ALL_TOKENS_EPOCHS)) if feature == "all" else chosen


@dataclass(frozen=True, slots=True)
class GridOptions:
    """Which cells to run, and on what."""

    backbone: FrozenBackbone
    datasets: tuple[str, ...]
    data: Path
    """The folder of all data."""
    results: Path
    """The folder of results."""
    cache: Path
    """Where features are kept."""
    frameworks: tuple[str, ...] = PAPER_FRAMEWORKS
    bits: tuple[int, ...] = (16, 32, 64)
    mode: str = "fixed"
    seeds: tuple[int, ...] = (1,)
    features: tuple[FeatureKind, ...] = ()
    """What is read of the backbone, one cell each; what its model reads unless given."""
    views: int = VIEWS
    rerun: bool = False
    """Whether cells that have a result are run again."""


@dataclass(frozen=True, slots=True)
class GridCell:
    """One cell to run."""

    framework: str
    bits: int
    dataset: str
    feature: FeatureKind
    seed: int


def pending_cells(grid_options: GridOptions) -> list[GridCell]:
    """The cells of a wish that have no result yet, those of one head one after the other.

    Raises
    ------
    UsageError
        For an unknown framework or data set.
    """
    for name in grid_options.frameworks:
        objective_class(name)
    datasets = [find_protocol(name).name for name in grid_options.datasets]
    every = (
        GridCell(framework, bits, dataset, feature, seed)
        for feature in grid_options.features or (grid_options.backbone.network.features,)
        for seed in grid_options.seeds
        for bits in grid_options.bits
        for framework in grid_options.frameworks
        for dataset in datasets
    )
    return [
        cell
        for cell in every
        if grid_options.rerun or not (grid_options.results / _result_file(grid_options, cell)).is_file()
    ]


def _result_file(grid_options: GridOptions, cell: GridCell) -> str:
    name = cell_name(
        grid_options.backbone.name,
        cell.feature,
        cell.framework,
        cell.dataset,
        cell.bits,
        how=FROZEN,
        mode=grid_options.mode,
        seed=cell.seed,
    )
    return f"{name}.json"


def run_grid(grid_options: GridOptions, encoding: EncodingOptions) -> Iterator[Result]:
    """Run the cells of a wish that have no result yet, and yield each result once it is written.

    Raises
    ------
    UsageError
        When the data are not there, or a cell is not possible; the cells before it are kept.
    StorageError
        When a result cannot be written.
    Cancelled
        When it is cancelled; features and results so far are kept.
    """
    todo = pending_cells(grid_options)
    if not todo:
        return
    features = _Features(grid_options, encoding)
    # All features first: they take most of the time, and the progress of the heads then is that of the rest.
    for cell in todo:
        features.of(cell)
    encoding.progress.start(Phase.TRAIN, len(todo))
    trainer = _HeadTrainer(grid_options, encoding)
    for cell in todo:
        encoding.cancel.check()
        started_at, data = time.monotonic(), features.of(cell)
        head, training_s = trainer.head(cell, data)
        scores = data.measure(head, cell.bits)
        result = _result(grid_options, cell, data, scores, training_s + time.monotonic() - started_at)
        write_result(grid_options.results, result)
        encoding.progress.advance(
            1, f"{framework_title(cell.framework)} {cell.bits} {cell.dataset} {scores.map.expected:.3f}"
        )
        yield result


@dataclass(frozen=True, slots=True, eq=False)
class FeatureDataset:
    """A data set as a frozen backbone sees it."""

    pictures: Pictures
    split: Split
    whole: ViewFeatures
    """All of its pictures, as they are."""
    views: tuple[ViewFeatures, ...]
    """Its training pictures, in all other views."""
    top: int | None

    def training(self) -> tuple[list[np.ndarray[tuple[int, ...], np.dtype[np.float16]]], Labels]:
        """Features, (n, d) a view, and labels, (n, c), of the training set."""
        rows = self.split.train
        return [view.of(rows) for view in (self.whole, *self.views)], self.pictures.labels[rows]

    def measure(self, head: FeatureHead, bits: int) -> RetrievalScores:
        """What the codes of a head are worth."""

        def codes(rows: RowNumbers) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
            return {_HEAD_NAME: code_bits.pack(head_outputs(head, self.whole.of(rows)))}

        made = SplitCodes(codes(self.split.query), codes(self.split.database), "", 0)
        return measure(made, self.pictures, self.split, Head(_HEAD_NAME, bits), top=self.top)


class _Features:
    """The features of the cells' data sets, each made once; those of all pictures are shared by seeds and protocols."""

    def __init__(self, grid_options: GridOptions, encoding: EncodingOptions) -> None:
        self.grid_options, self.encoding = grid_options, encoding
        self._stores: dict[tuple[str, str], FeatureStore] = {}
        self._made: dict[tuple[FeatureStore, str, bytes, int], ViewFeatures] = {}
        self._datasets: dict[tuple[str, str, int], FeatureDataset] = {}

    def of(self, cell: GridCell) -> FeatureDataset:
        """The data set of a cell."""
        key = cell.feature, cell.dataset, cell.seed
        if key not in self._datasets:
            self._datasets[key] = self._open(cell)
        return self._datasets[key]

    def _open(self, cell: GridCell) -> FeatureDataset:
        options, encoding = self.grid_options, self.encoding
        pictures, split = open_protocol(
            cell.dataset,
            options.data,
            seed=cell.seed,
            shortest=needed_side(options.backbone.preprocessing),
            progress=encoding.progress,
            cancel=encoding.cancel,
        )
        # All tokens hold what other heads read, so that they alone are made where both are wanted.
        source = "all" if "all" in options.features and not options.backbone.stages else cell.feature
        store = self._stores.setdefault(
            (source, files_digest(pictures)),
            FeatureStore(options.backbone.reading(source), pictures, options.cache, encoding),
        )
        return FeatureDataset(
            pictures,
            split,
            self._of_rows(store, cell.feature, source, np.arange(len(pictures), dtype=np.int64), 0),
            tuple(
                self._of_rows(store, cell.feature, source, split.train, view)
                for view in range(1, options.views)
            ),
            find_protocol(cell.dataset).top_k,
        )

    def _of_rows(
        self, store: FeatureStore, feature: FeatureKind, source: FeatureKind, rows: RowNumbers, view: int
    ) -> ViewFeatures:
        """Features of rows in a view, made once."""
        key = store, feature, rows.tobytes(), view
        if key not in self._made:
            if feature == source:
                self._made[key] = store.view_features(rows, view)
            else:
                tokens = self._of_rows(store, source, source, rows, view)
                self._made[key] = tokens.of_tokens(feature, store.token_width)
        return self._made[key]


class _HeadTrainer:
    """Trains heads, and remembers the last one for other data sets of the same training pictures."""

    def __init__(self, grid_options: GridOptions, encoding: EncodingOptions) -> None:
        self.grid_options, self.encoding = grid_options, encoding
        self._last: tuple[tuple[object, ...], FeatureHead, float] | None = None

    def head(self, cell: GridCell, data: FeatureDataset) -> tuple[FeatureHead, float]:
        """The head of a cell, and the seconds that it took where it was not trained just now."""
        key = (cell.framework, cell.bits, cell.feature, cell.seed, data.split.train.tobytes())
        if self._last is not None and self._last[0] == key:
            return self._last[1], self._last[2]
        started_at = time.monotonic()
        views, labels = data.training()
        hyperparameters = hyperparameters_of(cell.framework, cell.feature)
        trained = train_named_head(
            cell.framework,
            views,
            labels,
            cell.bits,
            hyperparameters,
            mode=self.grid_options.mode,
            seed=cell.seed,
            encoding=self.encoding,
        )
        self._last = key, trained, time.monotonic() - started_at
        return trained, 0.0


def train_named_head(
    framework: str,
    views: Sequence[np.ndarray[tuple[int, ...], np.dtype[np.float16]]],
    labels: Labels,
    bits: int,
    hyperparameters: Hyperparameters,
    *,
    mode: str = "fixed",
    seed: int = 1,
    encoding: EncodingOptions | None = None,
) -> FeatureHead:
    """Train a head by the name of its objective; see `vtsfind.learn.evaluation.heads.train_head`."""
    objective = create(framework, mode=mode, **hyperparameters.options)
    multilabel = bool((labels.sum(axis=1) > 1).any())
    objective.bind(bits=bits, classes=labels.shape[1], rows=len(labels), seed=seed, multilabel=multilabel)
    return train_head(
        objective, views, labels, hyperparameters, seed=seed, cancel=encoding.cancel if encoding else None
    )


def _result(
    grid_options: GridOptions, cell: GridCell, data: FeatureDataset, scores: RetrievalScores, seconds: float
) -> Result:
    split = data.split
    return Result(
        backbone=grid_options.backbone.name,
        feature=cell.feature,
        framework=cell.framework,
        dataset=cell.dataset,
        bits=cell.bits,
        how=FROZEN,
        mode=grid_options.mode,
        **score_fields(scores),
        top=data.top,
        train=len(split.train),
        queries=len(split.query),
        database=len(split.database),
        split_sha256=split.digest,
        data=split.origin,
        findings=tuple(str(finding) for finding in split.findings),
        seed=cell.seed,
        fingerprint=grid_options.backbone.reading(cell.feature).fingerprint,
        training={
            **asdict(hyperparameters_of(cell.framework, cell.feature)),
            "views": grid_options.views,
            "features": data.whole.values.shape[1],
        },
        versions={**versions(), "numpy": np.__version__},
        command=command(),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine={**machine(), "threads": torch.get_num_threads()},
        seconds=round(seconds, 1),
    )


def score_fields(scores: RetrievalScores) -> dict[str, Any]:
    """The fields of a result that say what was measured."""
    return {
        "map": scores.map.expected,
        "map_best_case": scores.map.best,
        "map_worst_case": scores.map.worst,
        "map_published": scores.published,
        "radius_precision": scores.radius_score.precision,
        "radius_recall": scores.radius_score.recall,
        "radius_map": scores.radius_score.map,
        "curve": tuple(CurvePoint(*astuple(point)) for point in scores.curve),
    }


def command() -> str:
    """The command line that is running, without the folders of this machine."""
    words = (Path(word).name if word.startswith("/") else word for word in sys.argv[1:])
    return shlex.join(["vtsfind", *words])
