"""Where things are, as text or NDJSON."""

import os
from collections.abc import Mapping
from pathlib import Path

from vtsfind.base.records import show_path
from vtsfind.report.ndjson import Lines, path_fields
from vtsfind.report.streams import Output
from vtsfind.report.text import table


def write_places(output: Output, places: Mapping[str, Path], *, json: bool) -> None:
    """Write each place with its name."""
    if not json:
        for line in table([[name, show_path(os.fsencode(path))] for name, path in places.items()]):
            output.line(line)
        return
    lines = Lines(output, "paths")
    for name, path in places.items():
        lines.write("place", {"name": name, **path_fields(os.fsencode(path))}, exists=path.exists())
    lines.footer(places=len(places))
