"""First stage: the contents of a library that have a file now, numbered, with their codes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vtsfind.base.progress import Monitor
from vtsfind.base.records import Head
from vtsfind.engine.library.heads import COPY_HEAD
from vtsfind.engine.library.scope import Scope
from vtsfind.engine.library.snapshot import Content, Snapshot, take_snapshot
from vtsfind.find.hamming.distance import Integers, Words, count_bits
from vtsfind.find.pairs import Pair
from vtsfind.store.library import Library

_SEVERAL_FOLDERS = -1


@dataclass(frozen=True, slots=True, eq=False)
class ScopeFilter:
    """Says of pairs of contents whether they can be pairs that are asked about, by the folders that their files lie in."""

    folders: Integers
    """(n,) the number of the folder that all files of a content lie in, or -1 if they lie in several."""
    across: bool
    """Whether the two contents of a pair must lie in different folders."""

    def __call__(self, firsts: Integers, seconds: Integers) -> npt.NDArray[np.bool_]:
        """Of pairs (p,), (p,), which are of interest, (p,) bool."""
        a, b = self.folders[firsts], self.folders[seconds]
        open_pairs = (a == _SEVERAL_FOLDERS) | (b == _SEVERAL_FOLDERS)
        wanted: npt.NDArray[np.bool_] = open_pairs | ((a != b) == self.across)
        return wanted


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """The contents that are compared; all stages call them by their number here."""

    contents: tuple[Content, ...]
    """(n,)"""
    head: Head
    """The head whose codes propose pairs."""
    words: Words
    """(w, n) its codes."""
    second_words: Words | None
    """(w', n) the codes of another head, which rank pairs of equal distance; None if there is none."""
    snapshot: Snapshot
    """What was found on the disk."""

    def __len__(self) -> int:
        return len(self.contents)

    def distance(self, pair: Pair) -> int:
        """In bits of the codes."""
        first, second = pair
        return int(count_bits(self.words[:, first] ^ self.words[:, second]))

    def scope_filter(self, scope: Scope) -> ScopeFilter | None:
        """What keeps pairs within a scope; None if that is the whole library."""
        if not scope.folders:
            return None
        held = [{scope.place(photo.path) for photo in content.photos} for content in self.contents]
        numbers = [_SEVERAL_FOLDERS if len(each) > 1 else each.pop() for each in held]
        return ScopeFilter(np.array(numbers, np.int64), scope.across)


def read_collection(index: Library, scope: Scope, monitor: Monitor) -> Collection:
    """Take stock of a library; no file is opened.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    heads = {head.name: head for head in index.signature.heads}
    head = heads.get(COPY_HEAD, index.signature.heads[0])
    others = [name for name in heads if name != head.name] if head.name == COPY_HEAD else []
    snapshot = take_snapshot(index, scope, monitor)
    planes = index.planes(head.name)
    columns = np.flatnonzero(np.isin(planes.rows, list(snapshot.contents)))
    return Collection(
        tuple(snapshot.contents[int(row)] for row in planes.rows[columns]),
        head,
        np.ascontiguousarray(planes.words[:, columns]),
        index.planes(others[0]).words[:, columns] if others else None,
        snapshot,
    )
