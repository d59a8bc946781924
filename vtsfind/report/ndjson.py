"""Answers for programs: one JSON object a line, first a header, last a footer with counts.

Every object has a `type`. Text is UTF-8. A path is text under `path`; if its bytes are not clean UTF-8, the parts that
are not are replaced by U+FFFD there, and the exact bytes stand in base 64 under `path_b64`. Fields are only ever added
within a schema number.
"""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vtsfind
from vtsfind.base.records import Failure
from vtsfind.engine import Answer, Neighbour, RefreshResult, Survey
from vtsfind.report.streams import Output

SCHEMA = 1


def path_fields(path: bytes, name: str = "path") -> dict[str, str]:
    r"""The fields that carry a path.

    >>> path_fields(b"a\xff.jpg", "query")
    {'query': 'a\ufffd.jpg', 'query_b64': 'Yf8uanBn'}
    """
    text = path.decode("utf-8", "replace")
    if text.encode() == path:
        return {name: text}
    return {name: text, f"{name}_b64": base64.b64encode(path).decode()}


def library_fields(folder: Path) -> dict[str, str]:
    """The fields that carry the folder of a library."""
    return path_fields(os.fsencode(folder), "library")


class Lines:
    """A stream of records on standard output; begins with the header."""

    def __init__(self, output: Output, command: str, **facts: Any) -> None:
        self._output = output
        self.write("header", schema=SCHEMA, command=command, vtsfind=vtsfind.__version__, **facts)

    def write(self, kind: str, fields: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Write one record."""
        record = {"type": kind, **(fields or {}), **more}
        self._output.raw(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")

    def footer(self, **counts: Any) -> None:
        """Write the last record."""
        self.write("footer", **counts)

    def failure(self, failure: Failure, name: str = "path") -> None:
        """Write a file that could not be used."""
        self.write(
            "failure", path_fields(failure.path, name), reason=failure.reason.value, detail=failure.detail
        )


def write_hits(lines: Lines, answers: Sequence[Answer]) -> None:
    """Write the answers to a query, and the footer."""
    for answer in answers:
        if answer.failure:
            lines.failure(answer.failure, "query")
        for hit in answer.neighbours:
            lines.write("hit", {**path_fields(answer.question.name, "query"), **_hit(hit)})
    lines.footer(
        queries=len(answers),
        hits=sum(len(answer.neighbours) for answer in answers),
        failed=sum(answer.failure is not None for answer in answers),
    )


def _hit(hit: Neighbour) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        **path_fields(hit.path),
        "distance": hit.distance,
        "bits": hit.bits,
        "verdict": None,
        "width": hit.info.width,
        "height": hit.info.height,
        "size": hit.stamp.size,
        "taken": hit.info.taken,
        "missing": hit.missing,
    }


def write_refresh(lines: Lines, result: RefreshResult) -> None:
    """Write what a refresh did: its failures, and the footer."""
    for failure in result.failures:
        lines.failure(failure)
    for folder, files in result.absent.items():
        lines.write("absent", path_fields(folder), files=files)
    lines.footer(
        new=result.new,
        changed=result.changed,
        moved=result.moved,
        unchanged=result.unchanged,
        removed=result.removed,
        failed=len(result.failures),
        waiting=result.waiting,
        skipped=dict(sorted(result.skipped.items())),
        seconds=round(result.seconds, 3),
        interrupted=result.interrupted,
    )


def write_survey(lines: Lines, seen: Survey) -> None:
    """Write what a refresh would do, and the footer."""
    for found in seen.fresh:
        lines.write("to_read", path_fields(found.path))
    for path in seen.vanished:
        lines.write("to_forget", path_fields(path))
    for failure in seen.failures:
        lines.failure(failure)
    lines.footer(
        to_read=len(seen.fresh),
        to_forget=len(seen.vanished),
        unchanged=seen.unchanged,
        waiting=seen.waiting,
        failed=len(seen.failures),
    )
