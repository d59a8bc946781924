"""How good a model is under a protocol, as text, CSV or NDJSON."""

import csv
import io
from typing import TYPE_CHECKING, Any

from vtsfind.base.words import counted
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.learn.evaluation.evaluator import Evaluation, MapOverTies


def write_text(output: Output, result: "Evaluation") -> None:
    """Write a small table: the figures, then what they were measured on."""
    scores, radius_score, split = result.scores, result.scores.radius_score, result.split
    top = result.top
    rows = [
        ["data set", f"{result.protocol.title} (`{result.protocol.name}`)"],
        ["model", f"{result.model}, head {result.head.name}, {counted(result.head.bits, 'bit')}"],
        ["method", result.method or "not known"],
        [f"mAP@{top:,}" if top else "mAP", _spread_text(scores.map)],
    ]
    if scores.published is not None:
        rows.append(["as published", f"{scores.published:.4f}  (ties as NumPy's argsort leaves them)"])
    if top:
        rows.append([f"textbook mAP@{top:,}", _spread_text(scores.textbook)])
    if result.paper:
        paper = result.paper
        rows.append(["in the paper", f"{paper.map:.3f}  (Table {paper.table}: {_paper_cell_text(result)})"])
    rows += [
        [
            f"within radius {radius_score.radius}",
            f"precision {radius_score.precision:.4f}, recall {radius_score.recall:.4f}, mAP {radius_score.map:.4f}",
        ],
        ["queries", f"{len(split.query):,}"],
        ["database", f"{len(split.database):,}"],
        ["data from", split.origin],
        ["split", f"SHA-256 {split.digest[:16]}" + ("" if split.seed is None else f", seed {split.seed}")],
        *([["trained by", result.trained_by]] if result.trained_by else []),
        ["codes made on", result.made_on],
        *(["found", str(finding)] for finding in split.findings),
    ]
    for line in table(rows):
        output.line(line)


def write_records(output: Output, result: "Evaluation") -> None:
    """Write one record of the result, and one for each point of the precision-recall curve."""
    lines = NdjsonWriter(output, schema.EVAL, model=result.model, versions=result.versions)
    lines.write("result", fields(result))
    for point in result.scores.curve:
        lines.write("point", top=point.top, precision=point.precision, recall=point.recall)
    lines.footer(results=1, points=len(result.scores.curve), encoded=result.encoded)


def write_csv(output: Output, result: "Evaluation") -> None:
    """Write a line of names and a line of values; several values in one are joined by semicolons."""
    flat: dict[str, Any] = {}
    for name, value in fields(result).items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": each for inner, each in value.items()}
        else:
            flat[name] = "; ".join(value) if isinstance(value, list) else value
    text = io.StringIO()
    writer = csv.DictWriter(text, flat, lineterminator="\n")
    writer.writeheader()
    writer.writerow(flat)
    output.data(text.getvalue().encode())


def fields(result: "Evaluation") -> dict[str, Any]:
    """The result as plain values; measures are in 0..1."""
    scores, radius_score = result.scores, result.scores.radius_score
    about = result.split.report()
    sizes: Any = about["sizes"]
    return {
        "dataset": result.protocol.name,
        "method": result.method,
        "bits": result.head.bits,
        "map": scores.map.expected,
        "map_best_case": scores.map.best,
        "map_worst_case": scores.map.worst,
        "paper": result.paper and result.paper.map,
        "map_published": scores.published,
        "top": result.top,
        "textbook_map": scores.textbook.expected,
        "textbook_map_best_case": scores.textbook.best,
        "textbook_map_worst_case": scores.textbook.worst,
        "radius": radius_score.radius,
        "radius_precision": radius_score.precision,
        "radius_recall": radius_score.recall,
        "radius_map": radius_score.map,
        "model": result.model,
        "head": result.head.name,
        "sha256": result.sha256,
        "fingerprint": result.fingerprint,
        "input": {"size": result.preprocessing.size, "fit": result.preprocessing.fit},
        "made_on": result.made_on,
        "queries": sizes["query"],
        "database": sizes["database"],
        "seed": about["seed"],
        "split_sha256": about["split_sha256"],
        "trained_by": result.trained_by,
        "data": about["data"],
        "findings": about["findings"],
    }


def _spread_text(spread: "MapOverTies") -> str:
    return f"{spread.expected:.4f}  ({spread.worst:.4f} to {spread.best:.4f} by the order of ties)"


def _paper_cell_text(result: "Evaluation") -> str:
    paper = result.paper
    assert paper is not None
    feature = "" if paper.feature == "na" else f" ({paper.feature})"
    return f"{paper.backbone}{feature}, {paper.framework}, {paper.bits} bits"
