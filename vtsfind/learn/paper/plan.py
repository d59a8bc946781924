"""The plan of a table: which networks are trained for it, and which cells each of them fills.

A cell is a backbone, what is read of it, a method, a number of bits, a data set and a seed. The cells of two protocols with
the same training pictures are filled by one network: CIFAR10@54000 and CIFAR10@All differ in their database alone. So
Table 1 of the paper has 360 cells and 288 trainings for each seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from vtsfind.base.errors import UsageError
from vtsfind.learn.data.protocols import PROTOCOLS, find_protocol
from vtsfind.learn.models.spec import FeatureKind
from vtsfind.learn.objectives import Mode, objective_class
from vtsfind.learn.paper.cells import backbone_label, feature_label
from vtsfind.learn.paper.published import published
from vtsfind.learn.paper.results import PAPER_FRAMEWORKS, TrainingKind, cell_name
from vtsfind.learn.recipes import Recipe, parse_recipe, recipe_text
from vtsfind.learn.training.presets import PresetOptions, Selection, preset_recipe

WHOLE: TrainingKind = "end to end"
_TABLE_BACKBONES = {
    1: ("alexnet", "resnet50", "vts32", "vts16"),
    2: ("vts16", "transhash"),
    3: ("vts32", "vts16"),
}
_TABLE_FEATURES: dict[int, tuple[FeatureKind | None, ...]] = {1: (None,), 2: (None,), 3: ("cls", "all")}
_TABLE_2_METHODS = ("csq", "dhn", "dch", "dfh", "transhash")
"""The paper's own row, and the methods that it is compared with and that are in no other table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOptions:
    """Which cells a plan has, and how their networks are trained."""

    table: int
    """1, 2 or 3."""
    data: Path
    """The folder of all data."""
    backbones: tuple[str, ...] = ()
    """Those of the table unless given; so are the next three."""
    features: tuple[FeatureKind, ...] = ()
    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    bits: tuple[int, ...] = (16, 32, 64)
    seeds: tuple[int, ...] = (1,)
    only: tuple[str, ...] = ()
    """Patterns such as `vts16.*.csq.*`: cells whose name fits none of them are left out."""
    mode: Mode = "fixed"
    epochs: int = 150
    batch: int = 32
    start: str | None = None
    select: Selection | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Other values for every recipe, see `vtsfind.learn.recipes.parse_recipe`."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell to fill."""

    name: str
    """See `vtsfind.learn.paper.results.cell_name`."""
    dataset: str
    """The protocol that it is measured under."""
    seed: int


@dataclass(frozen=True, slots=True)
class PlannedTraining:
    """A network to train, and the cells that it fills."""

    recipe: Recipe
    """Its name is the name of the run folder, too."""
    cells: tuple[PlannedCell, ...]


@dataclass(frozen=True, slots=True)
class PlannedDataset:
    """How many pictures a protocol has here."""

    train: int
    queries: int
    database: int


def table_methods(table: int) -> tuple[str, ...]:
    """The methods of a table.

    Raises
    ------
    UsageError
        When the paper has no such table.
    """
    if table not in _TABLE_BACKBONES:
        raise UsageError(f"There is no table {table} here.", "Use 1, 2 or 3.")
    return _TABLE_2_METHODS if table == 2 else PAPER_FRAMEWORKS


def table_datasets(options: PlanOptions) -> tuple[str, ...]:
    """The protocols of a plan, by name."""
    names = options.datasets or dict.fromkeys(cell.dataset for cell in published(table=1))
    return tuple(dict.fromkeys(find_protocol(name).name for name in names))


def training_protocol(name: str) -> str:
    """The first protocol with the same training pictures and queries.

    >>> training_protocol("cifar10@all"), training_protocol("coco")
    ('cifar10@54000', 'coco@5000')
    """
    own = find_protocol(name)
    if own.sampling is None:
        return own.name
    drawn = own.sampling.query, own.sampling.train
    return next(
        other.name
        for other in PROTOCOLS.values()
        if other.sampling and (other.sampling.query, other.sampling.train) == drawn
    )


def make_plan(options: PlanOptions, sizes: Mapping[str, PlannedDataset]) -> list[PlannedTraining]:
    """List the trainings of a table with their cells, those of one seed after the other.

    Parameters
    ----------
    options
        What is wanted.
    sizes
        Of every protocol in `table_datasets`.

    Raises
    ------
    UsageError
        For a table, backbone, method or recipe that is not possible, or when no cell is left.
    """
    for method in options.methods:
        objective_class(method)
    plan: dict[str, PlannedTraining] = {}
    for preset, dataset in _presets(options):
        recipe = _recipe(preset, options, sizes[dataset].train)
        cell = _cell(preset, recipe, dataset)
        if options.only and not any(fnmatchcase(cell.name, pattern) for pattern in options.only):
            continue
        before = plan.get(recipe.name, PlannedTraining(recipe, ()))
        plan[recipe.name] = replace(before, cells=(*before.cells, cell))
    if not plan:
        raise UsageError(
            "The plan has no cell.", "Give other values to --only, --method, --bits or --dataset."
        )
    return list(plan.values())


def _presets(options: PlanOptions) -> Iterator[tuple[PresetOptions, str]]:
    """What a recipe is made by for each cell, and the cell's protocol."""
    methods = options.methods or table_methods(options.table)
    backbones = options.backbones or _TABLE_BACKBONES[options.table]
    features: Sequence[FeatureKind | None] = options.features or _TABLE_FEATURES[options.table]
    for seed in options.seeds:
        for name in backbones:
            for read in features:
                for method in methods:
                    if not options.backbones and (method == "transhash") != (name == "transhash"):
                        continue
                    for bits in options.bits:
                        for dataset in table_datasets(options):
                            yield (
                                PresetOptions(
                                    dataset=training_protocol(dataset),
                                    method=method,
                                    bits=bits,
                                    backbone=name,
                                    mode=options.mode,
                                    epochs=options.epochs,
                                    batch=options.batch,
                                    seed=seed,
                                    start=options.start,
                                    select=options.select,
                                    features=read,
                                ),
                                dataset,
                            )


def _recipe(preset: PresetOptions, options: PlanOptions, pictures: int) -> Recipe:
    made = preset_recipe(preset, pictures=pictures)
    if options.changes:
        made = parse_recipe(recipe_text(made).encode(), made.name, options.changes)
    label = backbone_label(made.network)
    return replace(made, name=made.name.replace(preset.backbone, label, 1))


def _cell(preset: PresetOptions, recipe: Recipe, dataset: str) -> PlannedCell:
    name = cell_name(
        backbone_label(recipe.network),
        feature_label(recipe.network),
        preset.method,
        dataset,
        preset.bits,
        how=WHOLE,
        mode=preset.mode,
        seed=preset.seed,
    )
    return PlannedCell(name, dataset, preset.seed)
