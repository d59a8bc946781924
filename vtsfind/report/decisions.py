"""Decisions about pairs of photos, as text or JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from vtsfind.base.paths import path_fields, show_path
from vtsfind.engine.library.decisions import Decision, DecisionKind
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.schema import Stream
from vtsfind.report.streams import Output

_CHOICE_LABELS = {DecisionKind.NOT_DUPLICATE: "not duplicates", DecisionKind.KEEP_BOTH: "keep both"}


def write_decisions(output: Output, decisions: Iterable[Decision], paths: Mapping[bytes, bytes]) -> None:
    """Write one line per decision: the day, the decision and the two photos, by SHA-256 where no file is known."""
    rows = [[each.at[:10], _CHOICE_LABELS[each.choice], *_names(each, paths)] for each in decisions]
    for line in table(rows) if rows else []:
        output.line(line)


def _names(decision: Decision, paths: Mapping[bytes, bytes]) -> list[str]:
    first, second = (_name(digest, paths) for digest in decision.pair)
    return [first, "its exact copies" if decision.first == decision.second else second]


def _name(digest: bytes, paths: Mapping[bytes, bytes]) -> str:
    return show_path(paths[digest]) if digest in paths else digest.hex()


def write_records(
    output: Output, stream: Stream, decisions: Iterable[Decision], paths: Mapping[bytes, bytes]
) -> None:
    """Write the decisions as JSON, which `decisions import` reads."""
    lines = NdjsonWriter(output, stream)
    count = 0
    for each in decisions:
        lines.write("decision", {**_fields(each), **_paths(each, paths)})
        count += 1
    lines.footer(decisions=count)


def _fields(decision: Decision) -> dict[str, Any]:
    first, second = decision.first.hex(), decision.second.hex()
    return {"what": decision.choice.value, "a": first, "b": second, "at": decision.at}


def _paths(decision: Decision, paths: Mapping[bytes, bytes]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, digest in (("a_path", decision.first), ("b_path", decision.second)):
        if digest in paths:
            found |= path_fields(paths[digest], name)
    return found
