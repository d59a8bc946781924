"""The folders that vtsfind uses, as text or JSON."""

import os
from collections.abc import Mapping
from pathlib import Path

from vtsfind.base.addresses import Place
from vtsfind.base.paths import path_fields
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter
from vtsfind.report.streams import Output


def write_places(output: Output, places: Mapping[str, Place], *, json: bool) -> None:
    """Write each folder with its name."""
    if not json:
        for line in table([[name, str(path)] for name, path in places.items()]):
            output.line(line)
        return
    lines = NdjsonWriter(output, schema.PATHS)
    for name, path in places.items():
        exists = path.exists() if isinstance(path, Path) else None
        lines.write("place", {"name": name, **path_fields(os.fsencode(path))}, exists=exists)
    lines.footer(places=len(places))
