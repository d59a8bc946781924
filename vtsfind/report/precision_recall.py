"""Precision-recall curves of results as text, CSV or NDJSON."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.paper.results import Result

_RANKS_SHOWN = (1, 100, 1000, 5000, 10_000)
_RESULT_FIELDS = ("dataset", "framework", "bits", "backbone", "feature", "how", "mode", "seed")


def write_text(output: Output, results: "Sequence[Result]", title: Callable[[str], str]) -> None:
    """Write a line for each result: precision and recall, in percent, among so many of the first pictures."""
    ranks = [f"first {top:,}" for top in _RANKS_SHOWN]
    head = ["data set", "method", "bits", "backbone", "reads", "trained", "seed", *ranks]
    rows = [
        [
            r.dataset,
            title(r.framework),
            str(r.bits),
            r.backbone,
            r.feature,
            r.how,
            str(r.seed),
            *(_precision_recall_at(r, top) for top in _RANKS_SHOWN),
        ]
        for r in results
    ]
    output.line("Precision / recall, in percent.")
    for line in table([head, *rows], right=[2, *range(6, 7 + len(_RANKS_SHOWN))]):
        output.line(line)


def _precision_recall_at(result: "Result", top: int) -> str:
    point = next((p for p in result.curve if p.top == top), None)
    return "" if point is None else f"{100 * point.precision:.1f} / {100 * point.recall:.1f}"


def write_csv(output: Output, results: "Sequence[Result]") -> None:
    """Write a line of names and a line for each point."""
    text = io.StringIO()
    writer = csv.DictWriter(text, (*_RESULT_FIELDS, "top", "precision", "recall"), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_points(results))
    output.data(text.getvalue().encode())


def write_records(output: Output, results: "Sequence[Result]") -> None:
    """Write a record for each point."""
    lines = NdjsonWriter(output, schema.EVAL_FIGURE, figure=2)
    points = _points(results)
    for point in points:
        lines.write("point", point)
    lines.footer(results=len(results), points=len(points))


def _points(results: "Sequence[Result]") -> list[dict[str, Any]]:
    return [
        {name: getattr(result, name) for name in _RESULT_FIELDS}
        | {"top": point.top, "precision": point.precision, "recall": point.recall}
        for result in results
        for point in result.curve
    ]
