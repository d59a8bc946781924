"""Output for programs: one JSON object per line (NDJSON, UTF-8), first a header, last a footer with counts.

Every object has a `type`. Which there are, and their fields, is declared in `vtsfind.report.schema`.
"""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import vtsfind
from vtsfind.base.addresses import Place
from vtsfind.base.paths import path_fields
from vtsfind.report.schema import SCHEMA, Stream

if TYPE_CHECKING:
    from vtsfind.base.records import Failure


def library_fields(place: Place) -> dict[str, str]:
    """The fields that say where a library is."""
    return path_fields(os.fsencode(place), "library")


class ByteSink(Protocol):
    """What takes bytes, such as standard output."""

    def raw(self, data: bytes) -> None:
        """Take bytes."""


class NdjsonWriter:
    """Writes a stream of records, beginning with the header.

    Parameters
    ----------
    output
        Takes the lines: standard output.
    stream
        What is written.
    facts
        The header's own fields.
    """

    def __init__(self, output: ByteSink, stream: Stream, **facts: Any) -> None:
        self.stream = stream
        self._output = output
        self.write("header", schema=SCHEMA, command=stream.command, vtsfind=vtsfind.__version__, **facts)

    def write(self, kind: str, fields: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Write one record."""
        record = {"type": kind, **(fields or {}), **more}
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        if not text.isprintable():
            text = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)
        self._output.raw(text.encode() + b"\n")

    def footer(self, **counts: Any) -> None:
        """Write the last record."""
        self.write("footer", **counts)

    def failure(self, failure: "Failure", name: str = "path") -> None:
        """Write a file that could not be used."""
        self.write(
            "failure", path_fields(failure.path, name), reason=failure.reason.value, detail=failure.detail
        )
