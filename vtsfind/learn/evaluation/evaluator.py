"""Evaluating a model under a protocol: the retrieval metrics of its codes of queries and database.

A result means nothing without its conditions, so an `Evaluation` has the model's checksum, the protocol, the digest of the
split, the origin of the pictures, the faults found in them, and the versions of the packages.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress, SilentProgress
from vtsfind.base.records import Head, Preprocessing
from vtsfind.base.settings import places
from vtsfind.learn.data.formats.pictures import Pictures
from vtsfind.learn.data.protocols import Protocol, find_protocol, open_protocol
from vtsfind.learn.data.splits import Split
from vtsfind.learn.evaluation import metrics
from vtsfind.learn.evaluation.codes import EncodingOptions, SplitCodes, encode_split, versions
from vtsfind.learn.models.registry import ModelCard
from vtsfind.learn.models.spec import NetworkSpec
from vtsfind.learn.paper.published import PublishedCell, published_counterpart
from vtsfind.learn.recipes import Goal, Recipe, read_recipe
from vtsfind.media.decode import needed_side

RADIUS = 2
"""The Hamming radius of the field's figures."""

TieTreatment = Literal["expected", "numpy"]
"""What is reported of images at the same distance: the expectation over all orders, or the published code's order as well."""

_DEFAULT_HEAD = "scene"
_SHORT_CUTOFFS = (1, 2, 5, 10, 20, 50, 100, 200)
_PUBLISHED_CUTOFFS = range(500, 10_001, 500)


@dataclass(frozen=True, slots=True)
class MapOverTies:
    """Mean average precision over the orders of tied images, in 0..1."""

    expected: float
    best: float
    worst: float


@dataclass(frozen=True, slots=True)
class RadiusScore:
    """Means over all queries for the images within a Hamming radius, in 0..1; see `vtsfind.learn.evaluation.metrics.Balls`."""

    radius: int
    precision: float
    recall: float
    map: float


@dataclass(frozen=True, slots=True)
class PrecisionRecallPoint:
    """Expected precision and recall among the first images, means over all queries, in 0..1."""

    top: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class RetrievalScores:
    """The metrics."""

    map: MapOverTies
    """As the hashing literature has it, over the first images that the protocol says."""
    textbook: MapOverTies
    """As textbooks have it, over the same; differs only where not all images count."""
    radius_score: RadiusScore
    curve: tuple[PrecisionRecallPoint, ...]
    """The precision-recall curve, by how many of the first images are taken."""
    published: float | None = None
    """mAP as the published code computes it, in 0..1; None unless asked for. See `published_map`."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of one head, and the conditions of the measurement."""

    scores: RetrievalScores
    model: str
    sha256: str
    """Of the model's weights, in hex."""
    fingerprint: str
    """Of all that the codes depend on, in hex; see `vtsfind.base.records.Signature`."""
    head: Head
    preprocessing: Preprocessing
    network: NetworkSpec
    method: str | None
    """The objectives that trained the head, joined by `+`; None if the model's recipe is not known."""
    mode: str
    """The objectives' modes, `fixed` or `paper`, joined by `+`; empty if the model's recipe is not known."""
    paper: PublishedCell | None
    """The paper's figure of the same backbone, method, data set and bits."""
    protocol: Protocol
    split: Split
    top: int | None
    """How many answers count; None for all."""
    seed: int | None
    """What the model was trained with; None if its recipe is not known."""
    made_on: str
    """Device and precision that made the codes."""
    encoded: int
    """Pictures that were encoded now; the codes of the others were in the cache."""
    versions: dict[str, str]
    selected_on: str
    """What the state of the model that was kept was chosen on, in words; empty if it is not known, or was the last."""
    trained_by: str
    """Whether the model was trained by the training set that goes with these queries, in words; empty if that is not known."""
    cache_error: str
    """Why the codes could not be cached; empty if they were."""


def evaluate(
    card: ModelCard,
    protocol: str,
    data: Path,
    *,
    head: str = "",
    seed: int = 1,
    device: str = "auto",
    batch: int = 32,
    workers: int = 0,
    precision: str = "auto",
    top: int | None = None,
    ties: TieTreatment = "expected",
    keep_queries: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Measure one head of a model under a protocol.

    Codes are cached for all heads, so that a second evaluation, also of another head, makes none.

    Parameters
    ----------
    card
        The model.
    protocol, data, seed, keep_queries
        See `vtsfind.learn.data.protocols.open_protocol`.
    head
        Name of the head; by default `scene`, or else the first.
    device, batch, workers, precision, progress, cancel
        See `vtsfind.learn.evaluation.codes.EncodingOptions`.
    top
        How many answers count, in place of the protocol's number.
    ties
        `numpy` for the published code's mAP besides.
    cache
        The folder of cached codes; by default `codes` in the user's cache folder.

    Raises
    ------
    UsageError
        When the model has no such head, there is no such protocol or device, the data cannot be used, or the model was
        trained on another split of the protocol, whose training pictures may be queries here.
    StorageError
        When the model is damaged, or a download fails.
    Cancelled
        When it is cancelled; the codes made so far are kept.
    """
    chosen = chosen_head(card, head)
    progress, cancel = progress or SilentProgress(), cancel or CancelToken()
    pictures, split = open_protocol(
        protocol,
        data,
        seed=seed,
        shortest=needed_side(card.preprocessing),
        keep_queries=keep_queries,
        progress=progress,
        cancel=cancel,
    )
    found = find_protocol(protocol)
    trained_by = _training_split_text(card, found, split)
    encoding = EncodingOptions(device, batch, workers, progress, cancel, precision)
    top = top or found.top_k
    codes = encode_split(card, pictures, split, cache or places().cache / "codes", encoding)
    recipe = _recipe(card)
    goals = _goals_of_head(recipe, chosen.name)
    return Evaluation(
        scores=measure(codes, pictures, split, chosen, top=top, ties=ties),
        model=card.name,
        sha256=card.sha256,
        fingerprint=card.signature.fingerprint,
        head=chosen,
        preprocessing=card.preprocessing,
        network=card.network,
        method="+".join(dict.fromkeys(goal.objective for goal in goals)) or None,
        mode="+".join(dict.fromkeys(goal.mode for goal in goals)),
        paper=_paper_cell(card, goals, found, chosen.bits),
        protocol=found,
        split=split,
        top=top,
        seed=recipe.seed if recipe else None,
        made_on=codes.made_on,
        encoded=codes.encoded,
        versions={**versions(), "numpy": np.__version__},
        selected_on=str(card.metrics.get("selected on", "")),
        trained_by=trained_by,
        cache_error=codes.cache_error,
    )


def chosen_head(card: ModelCard, name: str) -> Head:
    """The head of a model by name; for an empty name `scene`, else the first.

    Raises
    ------
    UsageError
        When the model has no such head; lists those it has.
    """
    heads = {head.name: head for head in card.network.heads}
    if name and name not in heads:
        raise UsageError(f"The model '{card.name}' has no head '{name}'.", f"It has: {', '.join(heads)}.")
    return heads[name] if name else heads.get(_DEFAULT_HEAD, card.network.heads[0])


def measure(
    codes: SplitCodes,
    pictures: Pictures,
    split: Split,
    head: Head,
    *,
    top: int | None,
    ties: TieTreatment = "expected",
) -> RetrievalScores:
    """Measure the codes of one head; the first `top` images count for mean average precision, or all."""
    queries, database = (
        metrics.labelled_codes(of[head.name], pictures.labels[rows], bits=head.bits)
        for of, rows in ((codes.queries, split.query), (codes.database, split.database))
    )
    counts = metrics.histograms(queries, database)
    by_radius = metrics.within_radius(counts)
    radius = min(RADIUS, head.bits)
    cutoffs = curve_cutoffs(counts.size)
    points = zip(cutoffs, *metrics.precision_recall(counts, cutoffs), strict=True)
    return RetrievalScores(
        map=MapOverTies(*metrics.map_hash(counts, top)),
        textbook=MapOverTies(*metrics.map_ir(counts, top)),
        radius_score=RadiusScore(
            radius, *(float(of[radius]) for of in (by_radius.precision, by_radius.recall, by_radius.map))
        ),
        curve=tuple(
            PrecisionRecallPoint(at, float(precision), float(recall)) for at, precision, recall in points
        ),
        published=published_map(queries, database, top) if ties == "numpy" else None,
    )


def published_map(queries: metrics.LabelledCodes, database: metrics.LabelledCodes, top: int | None) -> float:
    """Mean average precision as the published code computes it, in 0..1.

    Images at the same distance stand in the order that NumPy's default sort of the float32 distances leaves them in, which
    differs between versions of NumPy and processors. Each sum is divided by the number k of hits among the first `top`; where
    all images count, the published code's `topK = -1` leaves the last one out.
    """
    count = metrics.published_top(-1 if top is None else top, len(database))
    return float(metrics.ranked_precision(queries, database, top=count, ties="numpy").mean())


def curve_cutoffs(size: int) -> list[int]:
    """How many of the first images the points of a curve take, for a database of `size` images.

    Those of the published code (1, 500, 1,000, ... 10,000), some below 500, and the whole database.

    >>> curve_cutoffs(600)
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 600]
    """
    return [*(top for top in (*_SHORT_CUTOFFS, *_PUBLISHED_CUTOFFS) if top < size), size]


def _goals_of_head(recipe: Recipe | None, head: str) -> list[Goal]:
    """The goals of a head in training; empty if the model's recipe is not known."""
    return [goal for task in recipe.tasks for goal in task.goals if goal.head == head] if recipe else []


def _recipe(card: ModelCard) -> Recipe | None:
    """The model's recipe; None if it is missing or cannot be read."""
    if not card.recipe:
        return None
    try:
        return read_recipe(card.folder / card.recipe)
    except UsageError:
        return None


def _training_split_text(card: ModelCard, protocol: Protocol, split: Split) -> str:
    """Compare the split of a model's training with that of an evaluation; refuse one whose queries it was trained on."""
    if not card.split:
        return ""
    if card.split == split.training_digest:
        return "the training set of this split"
    if protocol.sampling is not None and _same_training_set(card, protocol):
        recipe = _recipe(card)
        seeds = {task.split_seed for task in recipe.tasks if task.protocol} if recipe else set[int]()
        raise UsageError(
            f"The model '{card.name}' was not trained on the split of {protocol.title} with seed {split.seed}: "
            "some of these queries may be its training pictures.",
            f"Evaluate with --seed {seeds.pop()}." if seeds else "Evaluate with the seed of its training.",
        )
    return "another data set or split"


def _paper_cell(card: ModelCard, goals: list[Goal], protocol: Protocol, bits: int) -> PublishedCell | None:
    """The paper's figure, where the model is of the paper's kind and was trained on this protocol's training set."""
    if len(goals) != 1 or goals[0].teacher is not None or not _same_training_set(card, protocol):
        return None
    return published_counterpart(card.network, framework=goals[0].objective, dataset=protocol.name, bits=bits)


def _same_training_set(card: ModelCard, protocol: Protocol) -> bool:
    """Whether the model's name, `backbone.objective.dataset.bits...`, has a data set of the same training pictures."""
    parts = card.name.split(".")
    try:
        own = find_protocol(parts[2] if len(parts) >= 4 else "")
    except UsageError:
        return False
    if own.sampling is None or protocol.sampling is None:
        return own.name == protocol.name
    return (own.sampling.query, own.sampling.train) == (protocol.sampling.query, protocol.sampling.train)
