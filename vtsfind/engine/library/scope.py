"""Which pairs of photos are asked about: all, those between some folders, or those within one."""

from collections.abc import Sequence
from dataclasses import dataclass

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import is_below


@dataclass(frozen=True, slots=True)
class Scope:
    """A choice of pairs, made by `scope`. A photo lies in the deepest of the folders that hold it."""

    folders: tuple[tuple[bytes, ...], ...] = ()
    """The paths of each folder, absolute; none for the whole library."""
    across: bool = False
    """Whether the two photos of a pair must lie in different folders, instead of in the same one."""

    def place(self, path: bytes) -> int | None:
        """The number of the folder that a photo lies in; 0 if there are none, None if it lies in none of them."""
        if not self.folders:
            return 0
        holding = [
            (len(folder), number)
            for number, paths in enumerate(self.folders)
            for folder in paths
            if is_below(path, folder)
        ]
        return max(holding)[1] if holding else None

    def includes_photo(self, path: bytes) -> bool:
        """Whether a photo can be one of a pair at all."""
        return self.place(path) is not None

    def includes_pair(self, first: bytes, second: bytes) -> bool:
        """Whether two photos are a pair that is asked about."""
        places = self.place(first), self.place(second)
        return None not in places and (places[0] != places[1]) is self.across


def scope(*, between: Sequence[tuple[bytes, ...]] = (), within: Sequence[tuple[bytes, ...]] = ()) -> Scope:
    """Make a choice of pairs; all of them if neither is given.

    Parameters
    ----------
    between
        Two or more folders, each by all its paths (`vtsfind.engine.library.folders`): pairs with one photo in one of them
        and the other in another.
    within
        Folders: pairs with both photos in the same one.

    Raises
    ------
    UsageError
        If both are given, or `between` is only one.
    """
    if between and within:
        raise UsageError("--between and --within exclude each other.", "Choose one.")
    if len(between) == 1:
        raise UsageError("--between names only one folder.", "Name two folders or more.")
    return Scope(tuple(between or within), bool(between))
