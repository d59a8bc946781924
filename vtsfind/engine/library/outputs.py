"""Files that commands write where their user says, and that are never a photo of a library."""

import os
from pathlib import Path

from vtsfind.base.addresses import Place
from vtsfind.base.errors import LibraryMissing, StorageError, UsageError
from vtsfind.base.settings import Settings, places
from vtsfind.engine.library.access import library_names, library_place
from vtsfind.media.scan import normalised
from vtsfind.store.library import Library, open_library
from vtsfind.store.output_file import OutputKind, is_own
from vtsfind.store.output_file import require_output as require_own_output
from vtsfind.store.output_file import write_output as write_own_output

__all__ = ["CHART", "PNG_SOFTWARE", "OutputKind", "require_output", "write_output"]

PNG_SOFTWARE = "vtsfind"
"""What the charts of vtsfind name as the software that made them."""

CHART = OutputKind("chart", lambda head: b"tEXtSoftware\0" + PNG_SOFTWARE.encode() in head)


def require_output(path: Path, kind: OutputKind, settings: Settings, *, force: bool) -> None:
    """Make sure, before any work is done for it, that a file may be written.

    Raises
    ------
    UsageError
        If it is a file of a library; or, without `force`, is there and not of this kind.
    """
    _require_not_in_library(path, kind, settings)
    require_own_output(path, kind, force=force)


def write_output(path: Path, content: bytes, kind: OutputKind, settings: Settings, *, force: bool) -> None:
    """Write a file as a whole, or into a pipe or a device.

    Raises
    ------
    UsageError
        As `require_output` does.
    DiskFull
        If it cannot be written; a file that was there is as it was.
    """
    _require_not_in_library(path, kind, settings)
    write_own_output(path, content, kind, force=force)


def _require_not_in_library(path: Path, kind: OutputKind, settings: Settings) -> None:
    if not path.is_file():
        return
    places_of_libraries: set[Place] = {
        library_place(settings),
        *(places().library(name) for name in library_names()),
    }
    for place in sorted(places_of_libraries, key=str):
        try:
            with open_library(place) as index:
                known = _is_known(path, index)
        except LibraryMissing:
            continue
        except StorageError as error:
            if is_own(path, kind):
                continue
            raise UsageError(
                f"{path} exists, and whether it is a photo of a library cannot be told: {error.message}",
                "Name another file.",
            ) from error
        if known:
            raise UsageError(f"{path} is a photo of the library {place}.", "Name another file.")


def _is_known(path: Path, index: Library) -> bool:
    """Whether a library has a file, by any name of it."""
    names = {normalised(os.fsencode(path)), os.path.realpath(os.fsencode(path))}
    for known in index.paths_of_file(names, path.stat().st_ino):
        if known in names or (os.path.exists(known) and os.path.samefile(known, path)):
            return True
    return False
