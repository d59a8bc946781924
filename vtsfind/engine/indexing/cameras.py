"""Finding out the cameras of photos that an earlier vtsfind indexed, which did not look for them.

Each such file is opened once and its header read, if it is as it was when it was indexed; what was found, even nothing, is kept. A
run that ends early goes on the next time, and so does one that cannot see all files.
"""

import os
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

from vtsfind.base.paths import prefix_below
from vtsfind.base.progress import Phase
from vtsfind.base.records import Failure, Found
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.changes import TRANSIENT_REASONS, Selection
from vtsfind.media.scan import stamp_of
from vtsfind.store.library import Library

if TYPE_CHECKING:
    from vtsfind.media.pool import Job, JobResult

_CONTENTS_AT_ONCE = 1024
"""Contents that are asked for at once."""
_COMMIT_EVERY_S = 2.0
"""Seconds of work that a killed run may lose."""


def find_cameras(index: Library, selection: Selection, context: Context) -> int:
    """Look for the cameras of the photos in a selection that nobody has looked at yet.

    Parameters
    ----------
    index
        The library, open for writing.
    selection
        The folders and files that are indexed.
    context
        Its settings give the limits of reading.

    Returns
    -------
    The number of photos that were looked at, each content once.

    Raises
    ------
    Cancelled
        If asked to stop; what was found is kept.
    StorageError
        If the library cannot be used.
    """
    waiting = index.count_without_camera()
    if not waiting:
        return 0
    context.progress.start(Phase.CAMERAS, waiting)
    looked, since = 0, time.monotonic()
    asked: dict[bytes, tuple[int, Found]] = {}
    names: dict[int, str] = {}
    results = context.workplace.read(
        _jobs(index, selection, asked), waiting, context.settings, context.cancel
    )
    try:
        with closing(results):
            for result in results:
                context.progress.advance()
                path = result.path if isinstance(result, Failure) else result.found.path
                content, found = asked.pop(path)
                name = _camera(result, found)
                if name is not None:
                    names[content] = name
                    looked += 1
                if time.monotonic() - since > _COMMIT_EVERY_S:
                    _keep(index, names)
                    since = time.monotonic()
    finally:
        _keep(index, names)
    return looked


def _jobs(index: Library, selection: Selection, asked: dict[bytes, tuple[int, Found]]) -> "Iterator[Job]":
    """One file of each content to read; what is to be read is put into `asked`."""
    from vtsfind.media.pool import Job
    from vtsfind.media.work import camera_of_photo

    prefixes, names, after = tuple(map(prefix_below, selection.folders)), set(selection.files), 0
    while some := index.without_camera(after, _CONTENTS_AT_ONCE):
        after = some[-1].content
        for each in some:
            for found in each.files:
                chosen = selection.known or found.path in names or found.path.startswith(prefixes)
                if chosen and _is_as_indexed(found):
                    asked[found.path] = each.content, found
                    yield Job(found, camera_of_photo, digest=each.digest)
                    break


def _is_as_indexed(found: Found) -> bool:
    try:
        return stamp_of(os.stat(found.path)) == found.stamp
    except OSError:
        return False


def _camera(result: "JobResult | Failure", found: Found) -> str | None:
    """The camera that was found, empty for none; None if the file has to be looked at another time."""
    if isinstance(result, Failure):
        return None if result.reason in TRANSIENT_REASONS else ""
    return (result.data or b"").decode() if result.found.stamp == found.stamp else None


def _keep(index: Library, names: dict[int, str]) -> None:
    index.set_cameras(names)
    index.commit()
    names.clear()
