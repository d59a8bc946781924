"""Folders that a person names, found in a library by what they are, whatever they are called.

A folder may be reached by symbolic links, be mounted twice, or be spelt in another case. It is known by its device and
number, and so are the folders that the library's photos lie in.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import show_path
from vtsfind.media.scan import normalised

_Identity = tuple[int, int]
"""Device and number of a folder."""


def library_folders(names: Sequence[str | bytes], paths: Iterable[bytes]) -> list[tuple[bytes, ...]]:
    """Find out what a library calls some folders.

    Parameters
    ----------
    names
        As the user calls them.
    paths
        The files of the library.

    Returns
    -------
    For each name, the paths of the folder, or of folders in it, below which the library's files in it are known.

    Raises
    ------
    UsageError
        If a name is that of no folder, of the same folder as another, or of one without a file of the library.
    """
    if not names:
        return []
    numbers = _numbers_by_identity(names)
    found: list[dict[bytes, None]] = [{} for _ in names]
    inside = cache(lambda folder: [numbers[each] for each in _identities_above(folder) if each in numbers])
    for folder in {os.path.dirname(path) for path in paths}:
        known: set[int] = set()
        for above in _from_the_top(folder):
            for number in inside(above):
                if number not in known:
                    known.add(number)
                    found[number][above] = None
    for name, places in zip(names, found, strict=True):
        if not places:
            raise UsageError(
                f"The library has no photo in {show_path(os.fsencode(name))}.",
                "Check the name, or index the folder first: vtsfind index FOLDER",
            )
    return [tuple(sorted(places)) for places in found]


def _numbers_by_identity(names: Sequence[str | bytes]) -> dict[_Identity, int]:
    """The folders' places in the list, by what they are."""
    numbers: dict[_Identity, int] = {}
    for number, name in enumerate(names):
        path = normalised(os.fsencode(name))
        if not os.path.isdir(path):
            raise UsageError(
                f"There is no folder {show_path(path)}.", "Check the name, and quote it if it has spaces."
            )
        if numbers.setdefault(_identity(path), number) != number:
            raise UsageError(f"The folder {show_path(path)} is named twice.", "Name each folder once.")
    return numbers


def _identity(folder: bytes) -> _Identity:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _from_the_top(folder: bytes) -> list[bytes]:
    """A folder and all above it by name, the outermost first."""
    chain = [folder]
    while (above := os.path.dirname(chain[-1])) != chain[-1]:
        chain.append(above)
    return chain[::-1]


def _identities_above(folder: bytes) -> Iterator[_Identity]:
    """What a folder is, and those that really hold it; nothing if it is not there."""
    with suppress(OSError):
        for above in reversed(_from_the_top(os.path.realpath(folder))):
            yield _identity(above)
