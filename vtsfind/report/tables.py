"""The paper's tables with our cells, as text, CSV or NDJSON."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtsfind.base.words import counted
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.paper.plan import PlannedTraining
    from vtsfind.learn.paper.tables import Column, OwnCell, Row, Table

_TABLE_NOTES = {
    2: "Figures of the literature have other backbones, and some another measure, so that nothing is compared with them; see "
    "vtsfind/learn/paper/published.py.",
}
_INCOMPLETE = "*"
_INCOMPLETE_NOTE = f"{_INCOMPLETE} Measured on another number of pictures than the protocol's: it does not compare with published figures."


def write_text(output: Output, paper_table: "Table") -> None:
    """Write a block for each data set, and below what our columns are."""
    output.line(
        f"Table {paper_table.number} of the paper: mAP in percent. In brackets: our cell less the paper's."
    )
    letters = {column: _column_letter(place) for place, column in enumerate(paper_table.own)}
    titles = [
        *(column.title for column in paper_table.published),
        *(f"[{letters[c]}]" for c in paper_table.own),
    ]
    for dataset, rows in groupby(paper_table.rows, key=lambda row: row.dataset):
        lines = [[row.framework, str(row.bits), *_values(row)] for row in rows]
        output.line()
        for line in table(
            [[dataset, "bits", *titles], *lines], right=[1, *range(2, 2 + len(paper_table.published))]
        ):
            output.line(line)
    output.line()
    for column in paper_table.own:
        output.line(f"[{letters[column]}] {_column_description(paper_table, column)}")
    if not paper_table.own:
        output.line(
            "There are no results of our own yet. Use --run (frozen features) or --train (whole networks)."
        )
    if not all(own.complete for row in paper_table.rows for own in row.own if own):
        output.line(_INCOMPLETE_NOTE)
    if paper_table.number in _TABLE_NOTES:
        output.line(_TABLE_NOTES[paper_table.number])


def _column_letter(place: int) -> str:
    """A, B, ... Z, AA, ..."""
    return ("" if place < 26 else _column_letter(place // 26 - 1)) + chr(ord("A") + place % 26)


def _values(row: "Row") -> list[str]:
    published = ["" if value is None else f"{100 * value:.1f}" for value in row.published]
    return [*published, *(_own_value(cell) for cell in row.own)]


def _own_value(cell: "OwnCell | None") -> str:
    if cell is None:
        return ""
    difference = "" if cell.difference is None else f" ({100 * cell.difference:+.1f})"
    deviation = "" if cell.deviation is None else f"\N{PLUS-MINUS SIGN}{100 * cell.deviation:.1f}"
    return f"{100 * cell.map:.1f}{deviation}{difference}" + ("" if cell.complete else _INCOMPLETE)


def _column_description(paper_table: "Table", column: "Column") -> str:
    """What a column of ours is: what was trained how, on what data, compared with whom."""
    place = paper_table.own.index(column)
    cells = [row.own[place] for row in paper_table.rows]
    filled = [cell for cell in cells if cell is not None]
    how = {"frozen": "heads on frozen features", "end to end": "trained end to end"}[column.how]
    against = ", ".join(sorted({cell.against for cell in filled if cell.against})) or "nothing"
    results = [result for cell in filled for result in cell.results]
    sources = "; ".join(
        f"{dataset}: {source}"
        for dataset, source in dict.fromkeys((result.dataset, result.data) for result in results)
    )
    notes = "".join(f" {note}" for note in dict.fromkeys(result.note for result in results if result.note))
    seeds = counted(len({result.seed for result in results}), "seed")
    return (
        f"{column.backbone}, reading {column.feature}, {how}, mode {column.mode}; {counted(len(filled), 'cell')}, {seeds}, "
        f"compared with {against}. Data: {sources}.{notes}"
    )


def plan_lines(
    plan: "Sequence[PlannedTraining]", missing: "Sequence[PlannedTraining]", seconds: float
) -> Iterator[str]:
    """Say how large a plan is, which trainings are missing for which data sets, and how long they will take."""
    yield f"Plan: {counted(len(plan), 'training')}, {counted(_cell_count(plan), 'result')}."
    for training in missing:
        datasets = ", ".join(dict.fromkeys(cell.dataset for cell in training.cells))
        yield f"  {training.recipe.name}, {training.recipe.schedule.steps:,} steps: {datasets}"
    done = _cell_count(plan) - _cell_count(missing)
    yield f"Missing: {counted(len(missing), 'training')}, {counted(_cell_count(missing), 'result')}; {done:,} there already."
    yield f"Estimated time: {_duration(seconds)}, without the decoding of pictures."


def _cell_count(plan: "Sequence[PlannedTraining]") -> int:
    return sum(len(training.cells) for training in plan)


def _duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> _duration(50), _duration(4000), _duration(200_000), _duration(9_000_000)
    ('1 min', '1.1 h', '56 h', '104 d')
    """
    if seconds < 3600:
        return f"{max(1, round(seconds / 60))} min"
    hours = seconds / 3600
    return f"{hours:.2g} h" if hours < 72 else f"{hours / 24:,.0f} d"


def write_csv(output: Output, paper_table: "Table") -> None:
    """Write a line of names, then a line for each cell, published or our own, of ours for each seed; measures are in 0..1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell.get(name) for name in _CSV_COLUMNS} for cell in _cells(paper_table))
    output.data(text.getvalue().encode())


_CSV_COLUMNS = (
    "table", "source", "dataset", "framework", "bits", "backbone", "feature", "how", "mode",
    "seed", "map", "map_best_case", "map_worst_case", "mean", "deviation", "difference", "against", "complete", "data",
)  # fmt: skip


def write_records(output: Output, paper_table: "Table") -> None:
    """Write a record for each cell, published or our own, of ours for each seed with all that its file has."""
    lines = NdjsonWriter(output, schema.EVAL_TABLE, table=paper_table.number)
    for cell in _cells(paper_table):
        lines.write("cell", cell)
    lines.footer(rows=len(paper_table.rows), cells=paper_table.filled)


def _cells(paper_table: "Table") -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    for row in paper_table.rows:
        place = {
            "table": paper_table.number,
            "dataset": row.dataset,
            "framework": row.framework,
            "bits": row.bits,
        }
        for column, value in zip(paper_table.published, row.published, strict=True):
            if value is not None:
                published_cell = {
                    "source": "paper",
                    "backbone": column.backbone,
                    "feature": column.feature,
                    "map": value,
                }
                cells.append(place | published_cell)
        for own in row.own:
            cells += [place | record for record in _own_records(own)] if own else []
    return cells


def _own_records(own: "OwnCell") -> list[dict[str, Any]]:
    """A record for each seed of a cell, each with what holds for all of them."""
    of_all = {
        "mean": own.map,
        "deviation": own.deviation,
        "difference": own.difference,
        "against": own.against or None,
        "complete": own.complete,
    }
    return [
        {name: value for name, value in asdict(result).items() if name != "framework"}
        | {"source": "vtsfind"}
        | of_all
        for result in own.results
    ]
