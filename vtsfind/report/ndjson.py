"""Answers for programs: one JSON object a line, first a header, last a footer with counts.

Every object has a `type`. Text is UTF-8. A path is text under `path`; if its bytes are not clean UTF-8, the parts that
are not are replaced by U+FFFD there, and the exact bytes stand in base 64 under `path_b64`. Fields are only ever added
within a schema number.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vtsfind
from vtsfind.base.paths import path_fields
from vtsfind.report.streams import Output

if TYPE_CHECKING:
    from vtsfind.base.records import Failure

SCHEMA = 1


def library_fields(folder: Path) -> dict[str, str]:
    """The fields that carry the folder of a library."""
    return path_fields(os.fsencode(folder), "library")


class NdjsonWriter:
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

    def failure(self, failure: "Failure", name: str = "path") -> None:
        """Write a file that could not be used."""
        self.write(
            "failure", path_fields(failure.path, name), reason=failure.reason.value, detail=failure.detail
        )
