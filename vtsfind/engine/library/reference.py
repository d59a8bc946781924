"""Which folder of a library looks like the archive that a person keeps, beside dumps of phones and cards."""

import os
import re
from collections.abc import Sequence

_DUMP = re.compile(
    rb"dcim|camera roll|i?phone|android|handy|whats ?app|telegram|downloads?|takeout|backups?|imports?|sd ?card|1\d\d[a-z_]{5}",
    re.IGNORECASE,
)
"""Names of folders into which phones, cards and programs are copied as a whole."""
_ARCHIVE = re.compile(rb"archives?|archiv|(my )?(photos|pictures|bilder|fotos)", re.IGNORECASE)
_YEAR = re.compile(rb"(19|20)\d\d\b")
_MIN_YEARS = 2
"""Folders named by years that make a folder an archive."""


def suggested_reference(roots: Sequence[bytes]) -> bytes | None:
    """The one folder that looks like an archive, if another one looks like a dump; None if that is not clear.

    Looks at the folders of a library and those directly in them.
    """
    folders = {folder: _subfolders(folder) for folder in roots}
    folders |= {inner: _subfolders(inner) for inside in list(folders.values()) for inner in inside}
    dumps = {folder for folder in folders if _DUMP.fullmatch(os.path.basename(folder))}
    archives = [
        folder
        for folder, inside in folders.items()
        if folder not in dumps
        and not any(each in dumps for each in inside)
        and os.path.dirname(folder) not in dumps
        and (_ARCHIVE.fullmatch(os.path.basename(folder)) or _years(inside) >= _MIN_YEARS)
    ]
    return archives[0] if dumps and len(archives) == 1 else None


def _years(folders: Sequence[bytes]) -> int:
    return sum(bool(_YEAR.match(os.path.basename(folder))) for folder in folders)


def _subfolders(folder: bytes) -> list[bytes]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
