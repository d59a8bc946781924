"""Which pairs of photos are asked about: all, those between some folders, or those within one."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from vtsfind.base.errors import UsageError
from vtsfind.base.records import show_path


@dataclass(frozen=True, slots=True)
class Scope:
    """A choice of pairs, made by `scope`. A photo lies in the deepest of the folders that hold it."""

    folders: tuple[bytes, ...] = ()
    """Absolute; none for the whole library."""
    across: bool = False
    """Whether the two photos of a pair must lie in different folders, instead of in the same one."""

    def place(self, path: bytes) -> int | None:
        """The number of the folder that a photo lies in; 0 if there are none, None if it lies in none of them."""
        if not self.folders:
            return 0
        separator = os.fsencode(os.sep)
        holding = [
            (len(folder), number)
            for number, folder in enumerate(self.folders)
            if path == folder or path.startswith(folder.rstrip(separator) + separator)
        ]
        return max(holding)[1] if holding else None

    def includes_photo(self, path: bytes) -> bool:
        """Whether a photo can be one of a pair at all."""
        return self.place(path) is not None

    def includes_pair(self, first: bytes, second: bytes) -> bool:
        """Whether two photos are a pair that is asked about."""
        places = self.place(first), self.place(second)
        return None not in places and (places[0] != places[1]) is self.across


def scope(*, between: Iterable[bytes] = (), within: Iterable[bytes] = ()) -> Scope:
    """Make a choice of pairs; all of them if neither is given.

    Parameters
    ----------
    between
        Two or more folders, absolute: pairs with one photo in one of them and the other in another.
    within
        Folders, absolute: pairs with both photos in the same one.

    Raises
    ------
    UsageError
        If both are given, a folder is named twice, or `between` is only one.
    """
    across, inside = tuple(between), tuple(within)
    if across and inside:
        raise UsageError("--between and --within exclude each other.", "Choose one.")
    folders = across or inside
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise UsageError(f"The folder {show_path(twice)} is named twice.", "Name each folder once.")
    if len(across) == 1:
        raise UsageError(f"--between names only {show_path(across[0])}.", "Name two folders or more.")
    return Scope(folders, bool(across))
