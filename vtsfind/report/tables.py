"""The paper's tables with our cells, as text, CSV or NDJSON."""

import csv
import io
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtsfind.base.words import counted
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.paper.tables import Column, OwnCell, Row, Table

_TABLE_NOTES = {
    2: "Figures of the literature have other backbones, and some another measure; see vtsfind/learn/paper/published.py.",
}


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
        output.line("There are no results of our own yet; --run computes them.")
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
    return f"{100 * cell.result.map:.1f}{difference}"


def _column_description(paper_table: "Table", column: "Column") -> str:
    """What a column of ours is: what was trained how, on what data, compared with whom."""
    place = paper_table.own.index(column)
    cells = [row.own[place] for row in paper_table.rows]
    filled = [cell for cell in cells if cell is not None]
    how = {"frozen": "heads on frozen features", "end to end": "trained end to end"}[column.how]
    against = ", ".join(sorted({cell.against for cell in filled if cell.against})) or "nothing"
    sources = "; ".join(
        f"{dataset}: {source}"
        for dataset, source in dict.fromkeys((cell.result.dataset, cell.result.data) for cell in filled)
    )
    notes = "".join(f" {note}" for note in dict.fromkeys(c.result.note for c in filled if c.result.note))
    return (
        f"{column.backbone}, reading {column.feature}, {how}, mode {column.mode}; {counted(len(filled), 'cell')}, "
        f"compared with {against}. Data: {sources}.{notes}"
    )


def write_csv(output: Output, paper_table: "Table") -> None:
    """Write a line of names, then a line for each cell, published or our own; measures are in 0..1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell.get(name) for name in _CSV_COLUMNS} for cell in _cells(paper_table))
    output.raw(text.getvalue().encode())


_CSV_COLUMNS = (
    "table", "source", "dataset", "framework", "bits", "backbone", "feature", "how", "mode",
    "map", "map_best_case", "map_worst_case", "difference", "against", "data",
)  # fmt: skip


def write_records(output: Output, paper_table: "Table") -> None:
    """Write a record for each cell, published or our own; our own have all that their files have."""
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
            if own is not None:
                measured = {name: value for name, value in asdict(own.result).items() if name != "framework"}
                compared = {"difference": own.difference, "against": own.against or None}
                cells.append(place | {"source": "vtsfind"} | measured | compared)
    return cells
