"""An open library in a folder. `vtsfind.store.schema` specifies what is in the folder."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import LibraryDamaged, LibraryMissing
from vtsfind.base.records import Claim, Entry, Failure, Found, Signature, Stamp
from vtsfind.store import cameras, health, planes, schema
from vtsfind.store.atomic import make_private_folder
from vtsfind.store.cameras import Unlooked
from vtsfind.store.database import Counts, Database
from vtsfind.store.errors import storage_errors, translates_errors, translates_read_errors
from vtsfind.store.evidence_file import Row
from vtsfind.store.folders import LIBRARY, claim_folder, remove_leftovers
from vtsfind.store.health import LibraryProblem
from vtsfind.store.lock import WriterLock
from vtsfind.store.model_change import change_model
from vtsfind.store.plane_cache import PublishedPlanes
from vtsfind.store.planes import Planes
from vtsfind.store.rows import FileRecord, split_codes
from vtsfind.store.salvage import salvage
from vtsfind.store.upgrade import upgrade

__all__ = ["Counts", "FileRecord", "Index", "LibraryProblem", "Planes"]


class Index(AbstractContextManager["Index"]):
    """An open library, from `open` or `create`. Use it from one thread at a time.

    Every method raises a `vtsfind.base.errors.StorageError` when the library cannot be used: `LibraryDamaged`,
    `DiskFull`, `LibraryLocked`, and never an error of SQLite or of the system. Committed changes are kept. The
    methods that change it (`add`, `add_failure`, `forget`, `add_roots`) share one transaction, which `commit` commits and
    an error or `close` rolls back.
    """

    def __init__(self, folder: Path, lock: WriterLock | None) -> None:
        self.folder = folder
        """The folder of the library."""
        self._lock = lock
        self._database = self._open_database()
        self._planes = PublishedPlanes(self._database)

    def _open_database(self) -> Database:
        connection = schema.connect(self.folder, write=self._lock is not None)
        try:
            database = Database(connection, self.folder)
            if self._lock is not None:
                upgrade(database)
        except BaseException:
            connection.close()
            raise
        return database

    @property
    def place(self) -> Path:
        """Where the library is: its folder."""
        return self.folder

    @classmethod
    def create(cls, folder: Path, signature: Signature) -> Self:
        """Create an empty library for the codes of one model and open it for writing.

        Raises
        ------
        UsageError
            If the library exists, the folder has other files, or the signature cannot be stored.
        LibraryLocked, DiskFull
        """
        planes.check_signature(signature)
        with storage_errors(folder):
            make_private_folder(folder)
            lock = _lock(folder)
            try:
                schema.create(folder, signature)
                return cls(folder, lock)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Self:
        """Open a library for reading, in any number of processes, or for writing, in one.

        Raises
        ------
        LibraryMissing, LibraryLocked, LibraryDamaged, LibraryTooNew, DiskFull
        UsageError
            If it is to be written, and the files in the folder are not those of a library.
        """
        with storage_errors(folder):
            if not (folder / schema.NAME).exists():
                raise LibraryMissing(
                    f"There is no library in {folder}.", "Create one with `vtsfind index FOLDER`."
                )
            lock = _lock(folder) if write else None
            try:
                return cls(folder, lock)
            except BaseException:
                if lock:
                    lock.release()
                raise

    def close(self) -> None:
        """Close the library; uncommitted changes are rolled back. Calling it again does nothing."""
        with storage_errors(self.folder):
            try:
                self._database.close()
            finally:
                if self._lock:
                    self._lock.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def signature(self) -> Signature:
        """The model whose codes the library holds."""
        return self._database.signature

    def require(self, signature: Signature) -> None:
        """Check that the library holds codes of this model.

        Raises
        ------
        ModelMismatch
        """
        planes.require_codes_of(self.folder, self.signature, signature)

    @translates_errors
    def add(self, entry: Entry) -> bool:
        """Record a file with its content, in place of any earlier record of that path.

        Parameters
        ----------
        entry
            `info` and `codes` may be None if the content is known (see `digests_of_size`); for a known content they are
            ignored.

        Returns
        -------
        Whether the content is new.

        Raises
        ------
        ValueError
            If the content is new and lacks its info or codes, or a code does not have the shape of the model's codes.
        """
        return self._writable().add(entry)

    @translates_errors
    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be decoded, in place of any earlier record of that path."""
        self._writable().add_failure(failure)

    @translates_errors
    def forget(self, paths: Iterable[bytes]) -> None:
        """Delete the records of files that are gone. Their contents stay known, so that a restored file is not decoded."""
        self._writable().forget(paths)

    @translates_errors
    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""
        self._writable().add_roots(roots)

    def _writable(self) -> Database:
        if self._lock is None:
            raise RuntimeError("the library was opened for reading")
        return self._database

    @property
    def database(self) -> Database:
        """Its statements, for `vtsfind.store.copying`."""
        return self._database

    @property
    @translates_read_errors
    def is_copying(self) -> bool:
        """Whether it is a copy that is not complete; see `vtsfind.store.copying`."""
        return self._database.meta("copying") is not None

    @translates_errors
    def set_copying(self) -> None:
        """Record that it is a copy that is not complete, and commit."""
        self._writable().set_meta("copying", 1)
        self._database.commit()

    def verdicts(self, version: str) -> Iterable[Row]:
        """Verdicts that others have shared: none, since the cache in its folder has all."""
        del version
        return ()

    def share_verdicts(self, rows: Iterable[Row]) -> str:
        """Share verdicts with others: there are none."""
        del rows
        return ""

    def claim(self, files: Sequence[Found]) -> Claim:
        """Share files with other runs: there are none, since one process writes."""
        return Claim(files)

    @translates_errors
    def commit(self) -> None:
        """Commit the changes: a killed process does not lose them from here on."""
        self._writable().commit()

    @translates_errors
    def publish(self) -> None:
        """Commit, record the time, and write the planes file if it is out of date."""
        database = self._writable()
        database.set_meta("indexed", int(datetime.now(UTC).timestamp()))
        database.commit()
        self._planes.refresh()

    def lock_model(self) -> None:
        """Make sure that no other process changes the model: that it is open for writing does so."""
        self._writable()

    @translates_errors
    def change_model(self, signature: Signature, codes: Mapping[bytes, bytes]) -> bool:
        """Replace all codes and the model whose codes they are, and publish: all of it or nothing.

        Parameters
        ----------
        signature
            Of the other model.
        codes
            Its codes of all heads, concatenated, by the SHA-256 of their content.

        Returns
        -------
        Whether that was done: if a photo has no new code, nothing is changed.
        """
        planes.check_signature(signature)
        if not change_model(self._writable(), signature, codes):
            return False
        self._database.close()
        self._database = self._open_database()
        self._planes = PublishedPlanes(self._database)
        self.publish()
        return True

    @translates_read_errors
    def planes(self, head: str) -> Planes:
        """The codes of one head for all contents that have a file; uncommitted changes included.

        The planes file is used if it is intact and up to date, which takes one pass over it. Otherwise the planes are
        built from the database and the file is written again, if possible. The arrays do not change when the library
        does.

        Raises
        ------
        UsageError
            If the library's model has no such head.
        """
        return self._planes.of_head(head)

    def planes_of_rows(self, head: str, rows: npt.NDArray[np.uint32]) -> Planes:
        """The codes of one head for some contents (m,), in any order; of those that have a file."""
        return self.planes(head).of_rows(rows)

    def near(
        self,
        head: str,
        views: npt.NDArray[np.uint8],
        count: int | None,
        radius: int | None = None,
        *,
        approximate: bool = False,
    ) -> Planes:
        """Codes of one head among which are those nearest to a photo: all of them, as `planes` gives them."""
        del views, count, radius, approximate
        return self.planes(head)

    def has_near_index(self, head: str) -> bool:
        """Whether it has an index for approximate answers: all of its answers are exact."""
        del head
        return False

    @translates_read_errors
    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path, usable or not, with its size, mtime_ns and inode; each -1 if the file could not be examined."""
        return self._database.stamps()

    @translates_read_errors
    def paths_of_file(self, names: Iterable[bytes], inode: int) -> list[bytes]:
        """The known paths that are one of some names, or whose file had a number when it was indexed."""
        return self._database.paths_of_file(names, inode)

    @translates_read_errors
    def failures(self) -> list[Failure]:
        """The files that could not be decoded, sorted by path."""
        return self._database.failures()

    @translates_read_errors
    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes, including those without a file; the latest `MAX_DIGESTS_OF_SIZE`."""
        return self._database.digests_of_size(size)

    @translates_read_errors
    def digests_of_paths(self, paths: Iterable[bytes]) -> frozenset[bytes]:
        """SHA-256 of the contents of some files, as they were indexed; of those that are known."""
        return self._database.digests_of_paths(paths)

    @translates_read_errors
    def codes_of_path(self, path: bytes, stamp: Stamp) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a file; None unless it is known with exactly this stamp."""
        codes = self._database.codes_of_path(path, stamp)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @translates_read_errors
    def codes_of_digest(self, digest: bytes) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a content; None unless it is known."""
        codes = self._database.codes_of_digest(digest)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @translates_read_errors
    def files_of_rows(self, rows: Sequence[int] | npt.NDArray[np.uint32]) -> list[list[FileRecord]]:
        """The files of some contents.

        Parameters
        ----------
        rows
            Content ids, as in `Planes.rows`: `index.files_of_rows(planes.rows[columns])`.

        Returns
        -------
        For each of `rows`, its files sorted by path; an empty list if they are gone since the planes were read.
        """
        return [self._database.files_of_content(int(row)) for row in rows]

    @translates_read_errors
    def files_of_digest(self, digest: bytes) -> list[FileRecord]:
        """The files with the content of this SHA-256, sorted by path; empty if it is unknown or its files are gone."""
        return self._database.files_of_digest(digest)

    @translates_read_errors
    def contents(self) -> list[tuple[int, list[FileRecord]]]:
        """Every content that has a file, by id: the id, as in `Planes.rows`, and the files sorted by path."""
        return list(self._database.contents_with_files())

    @translates_read_errors
    def cameras(self) -> list[str]:
        """The cameras of all photos, sorted."""
        return cameras.cameras(self._database)

    @translates_read_errors
    def count_without_camera(self) -> int:
        """The number of contents that nobody has looked at for a camera, as an earlier vtsfind did not."""
        return cameras.count_without_camera(self._database)

    @translates_read_errors
    def without_camera(self, after: int, count: int) -> list[Unlooked]:
        """The next of those contents, at most `count`, with a higher id than `after`."""
        return cameras.without_camera(self._database, after, count)

    @translates_errors
    def set_cameras(self, names: Mapping[int, str]) -> None:
        """Record the cameras of contents, by id; empty for none."""
        cameras.set_cameras(self._writable(), names)

    @translates_read_errors
    def roots(self) -> list[bytes]:
        """The folders (or files) that the library covers, sorted."""
        return self._database.roots()

    @translates_read_errors
    def counts(self) -> Counts:
        """The size of the library."""
        return self._database.counts()

    @translates_read_errors
    def check(self, *, deep: bool = False) -> list[LibraryProblem]:
        """Find all faults of the library; an empty list if there are none.

        Parameters
        ----------
        deep
            Whether to read every page, index and checksum of the database as well, and to compare the planes with it
            bit by bit.
        """
        return health.check(self._database, deep=deep)

    @translates_errors
    def repair(self) -> list[str]:
        """Repair the faults that `check` finds, and commit.

        Codes with a wrong checksum are deleted with their files, so that the next run reads these again; the planes file
        is rebuilt. If SQLite cannot read the whole database, every readable row is copied to a new one, and the damaged
        database is kept in the library's folder. Call it before any other change.

        Returns
        -------
        Sentences on what was done; empty if there was nothing to do.
        """
        report = []
        if not health.is_sound(self._writable()):
            signature = self.signature
            self._database.close()
            report += salvage(self.folder, signature)
            self._database = self._open_database()
            self._planes = PublishedPlanes(self._database)
        report += health.repair_rows(self._database)
        problem = self._planes.refresh(compare=True)
        if problem:
            report.append(f"Rebuilt the file of packed codes: {problem}.")
        self.publish()
        return report

    @classmethod
    def rescue(cls, folder: Path) -> list[str]:
        """Repair a library that may be too damaged to be opened; see `repair`.

        Returns
        -------
        Sentences on what was done. If not even the library's model can be read, the damaged database is moved away and
        the library is gone.

        Raises
        ------
        LibraryMissing, LibraryLocked, LibraryTooNew, DiskFull
        """
        report = []
        try:
            index = cls.open(folder, write=True)
        except LibraryDamaged:
            with storage_errors(folder):
                lock = _lock(folder)
                try:
                    report = salvage(folder)
                finally:
                    lock.release()
            if not (folder / schema.NAME).exists():
                return report
            index = cls.open(folder, write=True)
        with index:
            return report + index.repair()


def _lock(folder: Path) -> WriterLock:
    """Lock a folder that is a library or may become one, for writing."""
    claim_folder(folder, LIBRARY, lambda: schema.is_own(folder))
    lock = WriterLock(folder)
    try:
        remove_leftovers(folder, LIBRARY)
    except BaseException:
        lock.release()
        raise
    return lock
