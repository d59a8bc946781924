"""The paper's tables beside our own results, cell by cell.

A row is a data set, a framework and a number of bits; its columns are the paper's backbones (what the heads read, in
Table 3), and then our own, one for each backbone and way of training. An own cell is the mean over the seeds that were run.
It is compared with the paper's cell of the same backbone where there is one, else with a backbone of the paper's that is
asked for; never with what Table 2 takes from other publications.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from vtsfind.base.errors import UsageError
from vtsfind.learn.data.protocols import PROTOCOLS
from vtsfind.learn.paper.published import PublishedCell as Published
from vtsfind.learn.paper.published import published
from vtsfind.learn.paper.results import FRAMEWORKS, PAPER_FRAMEWORKS, Result, Results, framework_title

DEFAULT_REFERENCE = "alexnet"
"""The paper's backbone that cells without one of their own are compared with: its weakest."""

_BACKBONES = {"alexnet": "AlexNet", "resnet50": "ResNet50", "vts32": "VTS32", "vts16": "VTS16"}
_TABLES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Column:
    """One of the paper's columns, or one of our own."""

    backbone: str
    feature: str
    how: str = ""
    """`frozen` or `end to end`; empty in the paper's columns."""
    mode: str = ""

    @property
    def title(self) -> str:
        """As it stands above the column."""
        if not self.how:
            return self.backbone if self.feature == "na" else f"{self.backbone} {self.feature}"
        return self.backbone + (f" {self.mode}" if self.mode != "fixed" else "")

    def holds(self, result: Result) -> bool:
        """Whether a result belongs into this column of our own."""
        return self == Column(result.backbone, result.feature, result.how, result.mode)


@dataclass(frozen=True, slots=True)
class OwnCell:
    """One of our cells: the results of all its seeds."""

    results: tuple[Result, ...]
    """At least one, by seed."""
    reference: float | None
    """mAP of the paper's cell that it is compared with, in 0..1; None if there is none."""
    against: str
    """Whose cell that is; empty if there is none."""

    @property
    def map(self) -> float:
        """Mean over the seeds, in 0..1."""
        return statistics.fmean(result.map for result in self.results)

    @property
    def deviation(self) -> float | None:
        """Standard deviation of the seeds' results, with n - 1; None for a single one."""
        return statistics.stdev(result.map for result in self.results) if len(self.results) > 1 else None

    @property
    def difference(self) -> float | None:
        """To the paper's cell."""
        return None if self.reference is None else self.map - self.reference

    @property
    def complete(self) -> bool:
        """Whether training set, queries and database are as large as the protocol says, in all results."""
        return all(_is_complete(result) for result in self.results)


@dataclass(frozen=True, slots=True)
class Row:
    """One row."""

    dataset: str
    framework: str
    """As the paper writes it."""
    bits: int
    published: tuple[float | None, ...]
    """mAP in 0..1, by column."""
    own: tuple[OwnCell | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the paper with our cells."""

    number: int
    published: tuple[Column, ...]
    own: tuple[Column, ...]
    rows: tuple[Row, ...]

    @property
    def filled(self) -> int:
        """How many own cells have a result."""
        return sum(own is not None for row in self.rows for own in row.own)


def join_results(number: int, results: Results, *, against: str = DEFAULT_REFERENCE) -> Table:
    """Put our results into a table of the paper.

    Parameters
    ----------
    number
        1, 2 or 3.
    results
        Those at hand.
    against
        The paper's backbone to compare with where a cell has no counterpart; not used in Table 2.

    Raises
    ------
    UsageError
        When the paper has no such table or backbone.
    """
    if number not in _TABLES:
        raise UsageError(f"There is no table {number} here.", "Use 1, 2 or 3.")
    if against.lower() not in _BACKBONES:
        raise UsageError(f"The paper has no backbone '{against}'.", f"Use {', '.join(_BACKBONES)}.")
    found = published(table=number)
    ours = [result for result in results.entries if _is_in_table(number, result)]
    columns = tuple(dict.fromkeys(Column(cell.backbone, _feature(number, cell)) for cell in found))
    if number == 2:
        columns = (Column("paper", "na"),)
    own = tuple(dict.fromkeys(Column(r.backbone, r.feature, r.how, r.mode) for r in ours))
    rows = tuple(
        _row(number, key, columns, own, ours, _BACKBONES[against.lower()]) for key in _keys(found, ours)
    )
    return Table(number, columns, own, rows)


def _is_in_table(number: int, result: Result) -> bool:
    """Whether a result has a place in a table: class tokens alone are Table 3's, which compares them with all tokens."""
    if number == 3:
        return result.framework in PAPER_FRAMEWORKS and result.feature in {"all", "cls"}
    return result.feature != "cls" and (number == 2 or result.framework in PAPER_FRAMEWORKS)


def _is_complete(result: Result) -> bool:
    sizes = PROTOCOLS[result.dataset].sizes
    found = {"train": result.train, "query": result.queries, "database": result.database}
    return all(sizes[part] in {None, count} for part, count in found.items())


def _feature(number: int, cell: Published) -> str:
    return cell.feature if number == 3 else "na"


def _keys(found: Iterable[Published], ours: Iterable[Result]) -> list[tuple[str, str, int]]:
    """Data set, framework and bits of every row: by data set as in the paper, then as in the list of frameworks."""
    titles = list(FRAMEWORKS.values())
    places = list(PROTOCOLS)
    keys = {(cell.dataset, cell.framework, cell.bits) for cell in found}
    keys |= {_key(result) for result in ours}
    order = {
        name: place for place, name in enumerate([*titles, *sorted({key[1] for key in keys} - {*titles})])
    }
    return sorted(keys, key=lambda key: (places.index(key[0]), order[key[1]], key[2]))


def _key(result: Result) -> tuple[str, str, int]:
    return result.dataset, framework_title(result.framework), result.bits


def _row(  # noqa: PLR0917 - one call, of what a row is made of
    number: int,
    key: tuple[str, str, int],
    columns: tuple[Column, ...],
    own: tuple[Column, ...],
    ours: list[Result],
    against: str,
) -> Row:
    dataset, framework, bits = key
    found = published(table=number, dataset=dataset, framework=framework, bits=bits)
    if number == 2:
        # The paper's own row, VTS16 with CSQ, and what it takes from others, never share a method.
        values: tuple[float | None, ...] = (found[0].map if found else None,)
    else:
        by_column = {Column(cell.backbone, _feature(number, cell)): cell.map for cell in found}
        values = tuple(by_column.get(column) for column in columns)
    cells: list[OwnCell | None] = []
    for column in own:
        results = [result for result in ours if _key(result) == key and column.holds(result)]
        results.sort(key=lambda result: result.seed)
        cells.append(_compare(tuple(results), found, against) if results else None)
    return Row(dataset, framework, bits, values, tuple(cells))


def _compare(results: tuple[Result, ...], found: tuple[Published, ...], against: str) -> OwnCell:
    """Compare results with the paper's cell of their own backbone, else of the backbone `against`."""
    same, feature = _BACKBONES.get(results[0].backbone), results[0].feature
    matching = [cell for cell in found if cell.backbone == same and cell.feature in {feature, "na"}]
    rest = [cell for cell in found if cell.backbone == against]
    chosen = next(iter(matching or rest), None)
    if chosen is None:
        return OwnCell(results, None, "")
    return OwnCell(results, chosen.map, chosen.backbone)
