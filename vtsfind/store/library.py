"""What vtsfind does with a library, wherever it is kept.

That is a folder (`vtsfind.store.index`) or a PostgreSQL server (`vtsfind.store.postgres`). The functions here are the one place
where the two are told apart.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.records import Claim, Entry, Failure, Found, Signature, Stamp
from vtsfind.base.settings import places
from vtsfind.store.database import Counts
from vtsfind.store.health import LibraryProblem
from vtsfind.store.index import Index
from vtsfind.store.planes import Planes
from vtsfind.store.rows import FileRecord

__all__ = ["Library", "create_library", "local_folder", "open_library", "rescue_library"]


class Library(AbstractContextManager["Library"], Protocol):
    """An open library. `vtsfind.store.index.Index` says of each method what it does."""

    @property
    def place(self) -> Place:
        """Where it is."""

    @property
    def folder(self) -> Path:
        """The folder of this machine for what is derived from it."""

    @property
    def signature(self) -> Signature:
        """The model whose codes the library holds."""

    def close(self) -> None:
        """Close the library; uncommitted changes are dropped."""

    def require(self, signature: Signature) -> None:
        """Check that the library holds codes of this model."""

    def add(self, entry: Entry) -> None:
        """Record a file with its content."""

    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be decoded."""

    def forget(self, paths: Iterable[bytes]) -> None:
        """Delete the records of files that are gone."""

    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""

    def commit(self) -> None:
        """Commit the changes."""

    def publish(self) -> None:
        """Commit, and record the time."""

    def change_model(self, signature: Signature, codes: Mapping[bytes, bytes]) -> None:
        """Replace all codes and the model whose codes they are: all of it or nothing."""

    def claim(self, files: Sequence[Found]) -> Claim:
        """Share files that are to be read with other runs; those that the library has by now are left out."""

    def planes(self, head: str) -> Planes:
        """The codes of one head for all contents that have a file."""

    def near(
        self, head: str, views: npt.NDArray[np.uint8], count: int | None, radius: int | None = None
    ) -> Planes:
        """Codes of one head among which are those nearest to a photo; at most all of them.

        Parameters
        ----------
        head
            Whose codes.
        views
            (v, b) uint8: the packed codes of the views of the photo, that of the photo as it is first.
        count
            How many of the nearest must be among them: by the distance from the one view, or by the soft minimum of the
            distances from all (`vtsfind.find.hamming.views`). None for all within the radius.
        radius
            Only codes at most so many bits away from the photo as it is need to be among them.
        """

    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path with its size, mtime_ns and inode."""

    def paths_of_file(self, names: Iterable[bytes], inode: int) -> list[bytes]:
        """The known paths that are one of some names, or whose file had a number when it was indexed."""

    def failures(self) -> list[Failure]:
        """The files that could not be decoded, sorted by path."""

    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes."""

    def codes_of_path(self, path: bytes, stamp: Stamp) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code of a file."""

    def codes_of_digest(self, digest: bytes) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code of a content."""

    def files_of_rows(self, rows: Sequence[int] | npt.NDArray[np.uint32]) -> list[list[FileRecord]]:
        """The files of some contents."""

    def files_of_digest(self, digest: bytes) -> list[FileRecord]:
        """The files with the content of this SHA-256."""

    def contents(self) -> list[tuple[int, list[FileRecord]]]:
        """Every content that has a file, by id."""

    def roots(self) -> list[bytes]:
        """The folders (or files) that the library covers, sorted."""

    def counts(self) -> Counts:
        """The size of the library."""

    def check(self, *, deep: bool = False) -> list[LibraryProblem]:
        """Find all faults of the library."""


def open_library(place: Place, *, write: bool = False) -> Library:
    """Open a library.

    Raises
    ------
    LibraryMissing, LibraryLocked, LibraryDamaged, LibraryTooNew, DiskFull, StorageError
        As `vtsfind.store.index.Index.open` does.
    UsageError
        If psycopg, which a server needs, is not installed.
    """
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        return PostgresLibrary.open(place, write=write)
    return Index.open(place, write=write)


def create_library(place: Place, signature: Signature) -> Library:
    """Create an empty library for the codes of one model and open it for writing; errors are those of `open_library`."""
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        return PostgresLibrary.create(place, signature)
    return Index.create(place, signature)


def local_folder(place: Place) -> Path:
    """The folder of this machine for what is derived from a library; it may not exist."""
    return places().data / "servers" / place.slug if isinstance(place, ServerAddress) else place


def rescue_library(place: Place) -> list[str]:
    """Repair a library; gives sentences on what was done. Errors are those of `open_library`."""
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        with PostgresLibrary.open(place, write=True) as library:
            return library.repair()
    return Index.rescue(place)
