"""A library: what vtsfind knows of a collection of photos. This text is the specification of its format, version 1.

A library is a folder::

    library.db      the truth: an SQLite database (with library.db-wal and library.db-shm while it is in use)
    planes.vtp      made from it: all codes, laid out for scanning; `vtsfind.store.planes` specifies its bytes
    lock            locked by the one process that writes; owner.json says which, for messages only
    vtsfind-library marks the folder as one of vtsfind's; without it only an empty folder becomes a library
    .*.tmp          left by a killed process; removed by the next writer
    damaged-*/      databases that a repair set aside

Invariants
----------
Must hold, or data is lost or answers are wrong:

* A change is in the library once `commit` returned: the process may be killed at any point after that. A power cut can
  lose the changes of the last commits (SQLite in WAL mode, `synchronous = NORMAL`), but leaves a whole database.
* A new database, and every planes file, is written under another name, flushed and renamed: it is never seen in parts.
* The planes file is used only if it names the database's present state and all checksums hold.
* A log (`-wal`) is removed before another database takes the place of the one it belongs to.
* Only the holder of the lock changes the database. Readers wait for nobody; they may replace the planes file.

Should hold, or space or time is wasted: the planes file is there and up to date; every content has a file.

The database
------------
`application_id` is 0x56545346 and `user_version` the version of the format, 1. A higher version is refused. All tables
are STRICT; files and meta and roots are WITHOUT ROWID.

=========== ============== =======================================================================================
meta        name, value    `signature`: JSON `{"model", "fingerprint", "heads": [{"name", "bits"}, ...]}`, the model
                           whose codes these are, its heads in the order in which their codes are stored;
                           `signature_crc`: CRC-32 of that text;
                           `state`: 16 random bytes, drawn anew by each commit that changes which codes belong to the
                           files; `indexed`: seconds since 1970 at the last `publish`, absent before the first
roots       path           absolute path, bytes
contents    id             ascending, never used again, below 2^32
            sha256         of the whole file, 32 bytes, unique
            size           bytes of the file
            width, height  pixels, upright; orientation: EXIF, 1 to 8; taken: text or NULL; format: text
            codes          packed codes (`vtsfind.base.bits`) of all heads side by side, each ceil(bits / 8) bytes
            crc            CRC-32 of sha256 followed by codes
files       path           absolute path, bytes
            size           bytes; mtime_ns: nanoseconds since 1970; inode: all three modulo 2^64 as signed numbers, NULL
                           if the file could not be looked at
            content        the id in contents, NULL for a file that cannot be used
            reason, detail why it cannot: a value of `vtsfind.base.records.Reason` (one that is not known counts as
                           "cannot be read") and words; NULL for a file with a content
=========== ============== =======================================================================================

A content stays when its last file goes, so that a file that was moved, renamed or brought back is not decoded again.

Changes of the format
---------------------
1: the first.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import LibraryDamaged, LibraryMissing, ModelMismatch
from vtsfind.base.records import Entry, Failure, Signature, Stamp
from vtsfind.store import health, planes, schema
from vtsfind.store.database import Counts, Database
from vtsfind.store.errors import storage_errors, translates_errors, translates_read_errors
from vtsfind.store.folders import LIBRARY, claim_folder, remove_leftovers
from vtsfind.store.health import LibraryProblem
from vtsfind.store.lock import WriterLock
from vtsfind.store.plane_cache import PublishedPlanes
from vtsfind.store.planes import Planes
from vtsfind.store.rows import FileRecord, split_codes
from vtsfind.store.salvage import salvage

__all__ = ["Counts", "FileRecord", "Index", "LibraryProblem", "Planes"]


class Index(AbstractContextManager["Index"]):
    """An open library; `open` and `create` make one. Use it from one thread at a time.

    Every method raises a `vtsfind.base.errors.StorageError` when the library cannot be used: `LibraryDamaged`,
    `DiskFull`, `LibraryLocked`, and never an error of SQLite or of the system. What was committed before stays. The
    changing methods (`add`, `add_failure`, `forget`, `add_roots`) take part in one transaction, which `commit` keeps;
    an error or `close` takes it back.
    """

    def __init__(self, folder: Path, lock: WriterLock | None) -> None:
        self.folder = folder
        """Where the library lies."""
        self._lock = lock
        self._database = self._open_database()
        self._planes = PublishedPlanes(self._database)

    def _open_database(self) -> Database:
        connection = schema.connect(self.folder, write=self._lock is not None)
        try:
            return Database(connection, self.folder)
        except BaseException:
            connection.close()
            raise

    @classmethod
    def create(cls, folder: Path, signature: Signature) -> Self:
        """Make an empty library for the codes of one model and open it for writing.

        Raises
        ------
        UsageError
            If there is a library already, other files are in the folder, or the signature cannot be stored.
        LibraryLocked, DiskFull
        """
        planes.check_signature(signature)
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = _lock(folder)
            try:
                schema.create(folder, signature)
                return cls(folder, lock)
            except BaseException:
                lock.release()
                raise

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Self:
        """Open a library to read it, which any number of processes may do, or to write it, which one may.

        Raises
        ------
        LibraryMissing, LibraryLocked, LibraryDamaged, LibraryTooNew, DiskFull
        UsageError
            If it is to be written, and the files in the folder are not those of a library.
        """
        with storage_errors(folder):
            if not (folder / schema.NAME).exists():
                raise LibraryMissing(
                    f"There is no library in {folder}.", "Make one with: vtsfind index FOLDER"
                )
            lock = _lock(folder) if write else None
            try:
                return cls(folder, lock)
            except BaseException:
                if lock:
                    lock.release()
                raise

    def close(self) -> None:
        """Close the library; changes that were not committed are taken back. A second time does nothing."""
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

    @property
    def library_version(self) -> int:
        """The version of the library's format."""
        return schema.VERSION

    def require(self, signature: Signature) -> None:
        """Make sure that the library holds codes of this model.

        Raises
        ------
        ModelMismatch
        """
        own = self.signature
        if (own.fingerprint, own.heads) != (signature.fingerprint, signature.heads):
            raise ModelMismatch(
                f"The library {self.folder} holds codes of the model {own.model} ({own.fingerprint[:12]}),"
                f" not of {signature.model} ({signature.fingerprint[:12]}).",
                "Choose the library's model with --model, or another library with --library.",
            )

    @translates_errors
    def add(self, entry: Entry) -> None:
        """Record a file with its content, in place of whatever was known of that path.

        Parameters
        ----------
        entry
            `info` and `codes` may be None if the content is known (see `digests_of_size`); if they are given for
            a known content, what is known stays.

        Raises
        ------
        ValueError
            If the content is new and lacks its info or codes, or a code is not of the shape that the model says.
        """
        self._writable().add(entry)

    @translates_errors
    def add_failure(self, failure: Failure) -> None:
        """Record a file that cannot be used, in place of whatever was known of that path."""
        self._writable().add_failure(failure)

    @translates_errors
    def forget(self, paths: Iterable[bytes]) -> None:
        """Drop files that are gone. Their contents stay known, so that a file that comes back is not decoded."""
        self._writable().forget(paths)

    @translates_errors
    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""
        self._writable().add_roots(roots)

    def _writable(self) -> Database:
        if self._lock is None:
            raise RuntimeError("the library was opened for reading")
        return self._database

    @translates_errors
    def commit(self) -> None:
        """Keep the changes made so far: a process killed from here on does not lose them."""
        self._writable().commit()

    @translates_errors
    def publish(self) -> None:
        """Commit, note the time, and write the planes file if it is not up to date."""
        known = self._writable()
        known.set_meta("indexed", int(datetime.now(UTC).timestamp()))
        known.commit()
        self._planes.refresh()

    @translates_read_errors
    def planes(self, head: str) -> Planes:
        """The codes of one head for all contents that have a file; pending changes included.

        The planes file is used if it is whole and up to date, which costs one pass over it. Otherwise the planes are
        made from the database and the file is written again, if that can be done. The arrays stay as they are while
        the library changes.

        Raises
        ------
        UsageError
            If the library's model has no such head.
        """
        return self._planes.of_head(head)

    @translates_read_errors
    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path, usable or not, with its size, mtime_ns and inode; three times -1 if none was seen."""
        return self._database.stamps()

    @translates_read_errors
    def failures(self) -> list[Failure]:
        """The files that could not be used, sorted by path."""
        return self._database.failures()

    @translates_read_errors
    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes, those without a file included."""
        return self._database.digests_of_size(size)

    @translates_read_errors
    def codes_of_path(self, path: bytes, stamp: Stamp) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a file; None unless it is known with this very stamp."""
        codes = self._database.codes_of_path(path, stamp)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @translates_read_errors
    def codes_of_digest(self, digest: bytes) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a content; None unless it is known."""
        codes = self._database.codes_of_digest(digest)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @translates_read_errors
    def files_of_rows(self, rows: Sequence[int] | npt.NDArray[np.uint32]) -> list[list[FileRecord]]:
        """The files with each of some contents.

        Parameters
        ----------
        rows
            Content ids, as `Planes.rows` gives them: `index.files_of_rows(planes.rows[columns])`.

        Returns
        -------
        For each of `rows`, its files sorted by path; none if they are gone since the planes were taken.
        """
        return [self._database.files_of_content(int(row)) for row in rows]

    @translates_read_errors
    def files_of_digest(self, digest: bytes) -> list[FileRecord]:
        """The files with the content of that SHA-256, sorted by path; none if it is unknown or its files are gone."""
        return self._database.files_of_digest(digest)

    @translates_read_errors
    def contents(self) -> list[tuple[int, list[FileRecord]]]:
        """Every content that has a file: its id, as in `Planes.rows`, and its files sorted by path; by id."""
        return list(self._database.contents_with_files())

    @translates_read_errors
    def roots(self) -> list[bytes]:
        """The folders (or files) that the library covers, sorted."""
        return self._database.roots()

    @translates_read_errors
    def counts(self) -> Counts:
        """How much is in the library."""
        return self._database.counts()

    @translates_read_errors
    def check(self, *, deep: bool = False) -> list[LibraryProblem]:
        """Look for everything that can be wrong with the library; an empty list if nothing is.

        Parameters
        ----------
        deep
            Whether to read every page, index and checksum of the database too, and to compare the planes with it
            bit by bit.
        """
        return health.check(self._database, deep=deep)

    @translates_errors
    def repair(self, *, prune: bool = False) -> list[str]:
        """Put right what `check` finds, and commit.

        Codes that contradict their checksum are dropped with their files, so that the next run reads these again; the
        planes are written anew. If SQLite cannot read the database through, what can be read is saved into
        a new one, and the damaged one is set aside in the library's folder. Call it before any change is made.

        Parameters
        ----------
        prune
            Whether to drop the codes of photos that have no file any more, too.

        Returns
        -------
        Sentences on what was done; none if there was nothing to do.
        """
        report = []
        if not health.is_sound(self._writable()):
            signature = self.signature
            self._database.close()
            report += salvage(self.folder, signature)
            self._database = self._open_database()
            self._planes = PublishedPlanes(self._database)
        report += health.repair_rows(self._database, prune=prune)
        problem = self._planes.refresh(compare=True)
        if problem:
            report.append(f"The file of packed codes was written again: {problem}.")
        self.publish()
        return report

    @classmethod
    def rescue(cls, folder: Path, *, prune: bool = False) -> list[str]:
        """Repair a library that may be too damaged to be opened; see `repair`.

        Returns
        -------
        Sentences on what was done. If not even the library's model could be read, the damaged database was set aside
        and there is no library any more.

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
            return report + index.repair(prune=prune)


def _lock(folder: Path) -> WriterLock:
    """Take the right to write in a folder that is a library's, or may become one."""
    claim_folder(folder, LIBRARY, lambda: schema.is_own(folder))
    lock = WriterLock(folder)
    try:
        remove_leftovers(folder, LIBRARY)
    except BaseException:
        lock.release()
        raise
    return lock
