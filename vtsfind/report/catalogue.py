"""The photos of a library as a list, as text, paths or JSON."""

from typing import Any

from vtsfind.base.paths import path_fields, show_path_from_home
from vtsfind.base.words import file_size
from vtsfind.engine.search.catalogue import Catalogue, LibraryPhoto
from vtsfind.report import schema
from vtsfind.report.columns import table
from vtsfind.report.ndjson import NdjsonWriter, library_fields
from vtsfind.report.streams import Output


def write_photos(output: Output, found: Catalogue) -> None:
    """Write one line a photo: its day, size in pixels and bytes, and path."""
    rows = [
        [
            photo.day.isoformat() if photo.day else "",
            f"{photo.info.width}x{photo.info.height}",
            file_size(photo.stamp.size),
            show_path_from_home(photo.path) + ("  (gone)" if photo.path in found.missing else ""),
        ]
        for photo in found.photos
    ]
    for line in table(rows, right=[1, 2]) if rows else ():
        output.line(line)


def write_photo_paths(output: Output, found: Catalogue, *, end: bytes) -> None:
    """Write the paths as raw bytes, each followed by `end`."""
    for photo in found.photos:
        output.path(photo.path, end)


def write_photo_records(output: Output, found: Catalogue) -> None:
    """Write the photos, and the footer."""
    lines = NdjsonWriter(output, schema.QUERY_LIST, **library_fields(found.library))
    for photo in found.photos:
        lines.write("photo", {**_fields(photo), "missing": photo.path in found.missing})
    lines.footer(photos=len(found.photos))


def _fields(photo: LibraryPhoto) -> dict[str, Any]:
    return {
        **path_fields(photo.path),
        "day": photo.day.isoformat() if photo.day else None,
        "width": photo.info.width,
        "height": photo.info.height,
        "size": photo.stamp.size,
        "taken": photo.info.taken,
        "camera": photo.info.camera or None,
    }
