"""The results of queries, as text, paths or JSON."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vtsfind.base.groups import Verdict
from vtsfind.base.paths import path_fields, show_path, show_path_from_home
from vtsfind.engine.search.query import Answer, Neighbour, Similar
from vtsfind.engine.search.query_image import QueryImage
from vtsfind.engine.search.query_words import QueryWords
from vtsfind.engine.search.where import day_of
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Output, Style

if TYPE_CHECKING:
    from vtsfind.report.pictures import InlinePictures

_BAR_WIDTH = 10
"""Characters of a bar."""


def write_answers(
    output: Output, answers: Sequence[Answer], inline_pictures: "InlinePictures | None" = None
) -> None:
    """Write the hits of each query, below a grid of their pictures if wanted; several queries are named."""
    separate = False
    for answer in answers:
        if answer.failure:
            continue
        if len(answers) > 1:
            if separate:
                output.line()
            output.line(output.paint(f"{query_title(answer.query)}:", Style.STRONG))
        separate = True
        if inline_pictures:
            inline_pictures.draw(answer.neighbours)
        for line in hit_lines(output, answer.neighbours):
            output.line(line)


def query_title(query: QueryImage | QueryWords) -> str:
    """What was asked for, in one line."""
    title = show_path(query.name)
    if isinstance(query, QueryWords):
        title += f", {query.text}" if query.image and query.text else ""
        title += f", not {query.without}" if query.without else ""
    return title


def write_paths(output: Output, answers: Sequence[Answer], *, end: bytes) -> None:
    """Write the paths of all hits as raw bytes, each followed by `end`."""
    for answer in answers:
        for hit in answer.neighbours:
            output.path(hit.path, end)


def hit_lines(output: Output, hits: Sequence[Neighbour]) -> list[str]:
    """One line a hit: rank, likeness as a bar, bits that differ, size, date and path."""
    if not hits:
        return []
    full, empty = ("\u2588", "\u2591") if output.is_unicode else ("#", ".")
    rows = []
    for hit in hits:
        filled = hit.bar_cells(_BAR_WIDTH)
        rows.append(
            [
                f"{hit.rank}",
                full * filled + empty * (_BAR_WIDTH - filled),
                f"{hit.distance}/{hit.bits}",
                f"{hit.info.width}x{hit.info.height}",
                _date(hit),
                show_path_from_home(hit.path) + ("  (gone)" if hit.missing else ""),
            ]
        )
    return table(rows, right=[0, 2, 3])


def _date(hit: Neighbour) -> str:
    day = day_of(hit.info, hit.stamp)
    return day.isoformat() if day else ""


def write_records(output: Output, found: Similar) -> None:
    """Write the answers to a query, and the footer."""
    facts = {"model": found.model, "by": found.head.name, "bits": found.head.bits}
    lines = NdjsonWriter(output, schema.QUERY, **library_fields(found.library), **facts)
    answers = found.answers
    for answer in answers:
        if answer.failure:
            lines.failure(answer.failure, "query")
        for hit in answer.neighbours:
            lines.write("hit", {**_query(answer.query), **_hit(hit)})
    lines.footer(
        queries=len(answers),
        hits=sum(len(answer.neighbours) for answer in answers),
        failed=sum(answer.failure is not None for answer in answers),
    )


def _query(query: QueryImage | QueryWords) -> dict[str, Any]:
    text, without = (query.text, query.without) if isinstance(query, QueryWords) else ("", "")
    return {**path_fields(query.name, "query"), "text": text or None, "not": without or None}


def _hit(hit: Neighbour) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        **path_fields(hit.path),
        "distance": hit.distance,
        "bits": hit.bits,
        "verdict": Verdict.BYTES.value if hit.same_content else None,
        "width": hit.info.width,
        "height": hit.info.height,
        "size": hit.stamp.size,
        "taken": hit.info.taken,
        "camera": hit.info.camera or None,
        "missing": hit.missing,
    }
