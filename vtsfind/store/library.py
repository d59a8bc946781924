"""What vtsfind does with a library, wherever it is kept.

That is a folder (`vtsfind.store.index`) or a PostgreSQL server (`vtsfind.store.postgres`). The functions here are the one place
where the two are told apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vtsfind.base.addresses import Place, ServerAddress
from vtsfind.base.errors import LibraryMissing, StorageError, UsageError
from vtsfind.base.records import Claim, Entry, Failure, Found, Signature, Stamp
from vtsfind.store.cameras import Unlooked
from vtsfind.store.copying import EmbeddedRows, RowStore
from vtsfind.store.database import Counts
from vtsfind.store.errors import storage_errors
from vtsfind.store.evidence_file import Row
from vtsfind.store.health import LibraryProblem
from vtsfind.store.index import Index
from vtsfind.store.planes import Planes
from vtsfind.store.rows import FileRecord

__all__ = [
    "Library",
    "create_library",
    "open_copy",
    "open_library",
    "open_rows",
    "rescue_library",
]


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

    @property
    def is_copying(self) -> bool:
        """Whether it is a copy that is not complete; see `vtsfind.store.copying`."""

    def set_copying(self) -> None:
        """Record that it is a copy that is not complete."""

    def close(self) -> None:
        """Close the library; uncommitted changes are dropped."""

    def require(self, signature: Signature) -> None:
        """Check that the library holds codes of this model."""

    def add(self, entry: Entry) -> bool:
        """Record a file with its content; gives whether the content is new, as far as is known before `commit`."""

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

    def lock_model(self) -> None:
        """Make sure that no other run changes the model until the library is closed, and that this one may.

        Raises
        ------
        StorageError
            If it may not, or another run is at it.
        """

    def change_model(self, signature: Signature, codes: Mapping[bytes, bytes]) -> bool:
        """Replace all codes and the model, and publish; False, and nothing is changed, if a photo has no new code."""

    def claim(self, files: Sequence[Found]) -> Claim:
        """Share files that are to be read with other runs; those that the library has by now are left out."""

    def verdicts(self, version: str) -> Iterable[Row]:
        """Verdicts that others have shared, as rows of `vtsfind.store.evidence`; none where a library is not shared."""

    def share_verdicts(self, rows: Iterable[Row]) -> str:
        """Share verdicts with others; gives why that could not be done, in words, or nothing. Not shared: ignored."""

    def planes(self, head: str) -> Planes:
        """The codes of one head for all contents that have a file."""

    def planes_of_rows(self, head: str, rows: npt.NDArray[np.uint32]) -> Planes:
        """The codes of one head for some contents (m,), in any order; of those that have a file."""

    def near(
        self,
        head: str,
        views: npt.NDArray[np.uint8],
        count: int | None,
        radius: int | None = None,
        *,
        approximate: bool = False,
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
        approximate
            Whether some of them may be missing, if there is an index that finds the others faster.
        """

    def has_near_index(self, head: str) -> bool:
        """Whether it has an index for approximate answers by the codes of a head."""

    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path with its size, mtime_ns and inode."""

    def paths_of_file(self, names: Iterable[bytes], inode: int) -> list[bytes]:
        """The known paths that are one of some names, or whose file had a number when it was indexed."""

    def failures(self) -> list[Failure]:
        """The files that could not be decoded, sorted by path."""

    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes; of many, some."""

    def digests_of_paths(self, paths: Iterable[bytes]) -> frozenset[bytes]:
        """SHA-256 of the contents of some files, as they were indexed."""

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

    def cameras(self) -> list[str]:
        """The cameras of all photos, sorted."""

    def count_without_camera(self) -> int:
        """The number of contents that nobody has looked at for a camera."""

    def without_camera(self, after: int, count: int) -> list[Unlooked]:
        """The next of those contents."""

    def set_cameras(self, names: Mapping[int, str]) -> None:
        """Record the cameras of contents, by id; empty for none."""

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
    library = _open(place, write=write)
    if library.is_copying:
        library.close()
        raise StorageError(
            f"The copy of a library to {place} is not complete.",
            "Complete it with the same `vtsfind copy`, or remove it.",
        )
    return library


def _open(place: Place, *, write: bool) -> Library:
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        return PostgresLibrary.open(place, write=write)
    return Index.open(place, write=write)


def create_library(place: Place, signature: Signature, *, copying: bool = False) -> Library:
    """Create an empty library for the codes of one model and open it for writing; errors are those of `open_library`.

    `copying` records that it is a copy that is not complete.
    """
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        return PostgresLibrary.create(place, signature, copying=copying)
    library = Index.create(place, signature)
    if copying:
        library.set_copying()
    return library


@contextmanager
def open_rows(place: Place) -> Iterator[RowStore]:
    """Open a library as rows, for copying it; errors are those of `open_library`."""
    with _as_rows(open_library(place)) as rows:
        yield rows


@contextmanager
def open_copy(place: Place, signature: Signature) -> Iterator[RowStore]:
    """Create a library as rows, or open an empty one, or one whose copy was not completed.

    Raises
    ------
    UsageError
        If there is a library, or a copy of another one.
    """
    try:
        library = _open(place, write=True)
    except LibraryMissing:
        library = create_library(place, signature, copying=True)
    with _as_rows(library) as rows:
        if not library.is_copying:
            if rows.last() != (0, None):
                raise UsageError(f"There is already a library at {place}.", "Name another place.")
            library.set_copying()
        library.require(signature)
        yield rows


@contextmanager
def _as_rows(library: Library) -> Iterator[RowStore]:
    with library:
        if isinstance(library, Index):
            with storage_errors(library.folder):
                yield EmbeddedRows(library)
        else:
            from vtsfind.store.postgres.connection import server_errors
            from vtsfind.store.postgres.copying import ServerRows
            from vtsfind.store.postgres.library import PostgresLibrary

            assert isinstance(library, PostgresLibrary)
            with server_errors(library.place):
                yield ServerRows(library)


def rescue_library(place: Place) -> list[str]:
    """Repair a library; gives sentences on what was done. Errors are those of `open_library`."""
    if isinstance(place, ServerAddress):
        from vtsfind.store.postgres.library import PostgresLibrary

        with PostgresLibrary.open(place, write=True) as library:
            return library.repair()
    return Index.rescue(place)
