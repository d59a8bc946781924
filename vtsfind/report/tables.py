"""The paper's tables with our cells, as text, CSV or NDJSON."""

import csv
import io
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vtsfind.report.columns import counted, table
from vtsfind.report.ndjson import Lines
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.paper.tables import Column, Own, Row, Table

_NOTES = {
    2: "Figures of the literature have other backbones, and some another measure; see vtsfind/learn/paper/published.py.",
}


def write_text(output: Output, made: "Table") -> None:
    """Write a block for each data set, and below what our columns are."""
    output.line(f"Table {made.number} of the paper: mAP in percent. In brackets: our cell less the paper's.")
    letters = {column: _letter(place) for place, column in enumerate(made.own)}
    titles = [*(column.title for column in made.published), *(f"[{letters[c]}]" for c in made.own)]
    for dataset, rows in groupby(made.rows, key=lambda row: row.dataset):
        lines = [[row.framework, str(row.bits), *_values(row)] for row in rows]
        output.line()
        for line in table(
            [[dataset, "bits", *titles], *lines], right=[1, *range(2, 2 + len(made.published))]
        ):
            output.line(line)
    output.line()
    for column in made.own:
        output.line(f"[{letters[column]}] {_about(made, column)}")
    if not made.own:
        output.line("There are no results of our own yet; --run makes them.")
    if made.number in _NOTES:
        output.line(_NOTES[made.number])


def _letter(place: int) -> str:
    """A, B, ... Z, AA, ..."""
    return ("" if place < 26 else _letter(place // 26 - 1)) + chr(ord("A") + place % 26)


def _values(row: "Row") -> list[str]:
    theirs = ["" if value is None else f"{100 * value:.1f}" for value in row.published]
    return [*theirs, *(_own(cell) for cell in row.own)]


def _own(cell: "Own | None") -> str:
    if cell is None:
        return ""
    difference = "" if cell.difference is None else f" ({100 * cell.difference:+.1f})"
    return f"{100 * cell.result.map:.1f}{difference}"


def _about(made: "Table", column: "Column") -> str:
    """What a column of ours is: what was trained how, on what data, compared with whom."""
    place = made.own.index(column)
    cells = [row.own[place] for row in made.rows]
    there = [cell for cell in cells if cell is not None]
    how = {"frozen": "heads on frozen features", "end to end": "trained end to end"}[column.how]
    against = ", ".join(sorted({cell.against for cell in there if cell.against})) or "nothing"
    sources = "; ".join(
        f"{dataset}: {source}"
        for dataset, source in dict.fromkeys((cell.result.dataset, cell.result.data) for cell in there)
    )
    notes = "".join(f" {note}" for note in dict.fromkeys(c.result.note for c in there if c.result.note))
    return (
        f"{column.backbone}, reading {column.feature}, {how}, mode {column.mode}; {counted(len(there), 'cell')}, "
        f"compared with {against}. Data: {sources}.{notes}"
    )


def write_csv(output: Output, made: "Table") -> None:
    """Write a line of names, then a line for each cell, published or our own; measures are in 0..1."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell.get(name) for name in _CSV} for cell in _cells(made))
    output.raw(text.getvalue().encode())


_CSV = (
    "table", "source", "dataset", "framework", "bits", "backbone", "feature", "how", "mode",
    "map", "map_best_case", "map_worst_case", "difference", "against", "data",
)  # fmt: skip


def write_records(output: Output, made: "Table") -> None:
    """Write a record for each cell, published or our own; our own have all that their files have."""
    lines = Lines(output, "eval", table=made.number)
    for cell in _cells(made):
        lines.write("cell", cell)
    lines.footer(rows=len(made.rows), cells=made.filled)


def _cells(made: "Table") -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = []
    for row in made.rows:
        place = {"table": made.number, "dataset": row.dataset, "framework": row.framework, "bits": row.bits}
        for column, value in zip(made.published, row.published, strict=True):
            if value is not None:
                of = {"source": "paper", "backbone": column.backbone, "feature": column.feature, "map": value}
                cells.append(place | of)
        for own in row.own:
            if own is not None:
                told = {name: value for name, value in asdict(own.result).items() if name != "framework"}
                compared = {"difference": own.difference, "against": own.against or None}
                cells.append(place | {"source": "vtsfind"} | told | compared)
    return cells
