"""A library: what vtsfind knows of a collection of photos."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from vtsfind.base.errors import LibraryMissing, ModelMismatch, UsageError
from vtsfind.base.records import Entry, Failure, Signature, Stamp
from vtsfind.store import database, planes
from vtsfind.store.atomic import remove_leftovers
from vtsfind.store.database import Database
from vtsfind.store.errors import guarded, translated
from vtsfind.store.lock import WriterLock
from vtsfind.store.planes import Planes, PlanesUnusable
from vtsfind.store.rows import FileRecord, split_codes

__all__ = ["Counts", "FileRecord", "Index", "Planes"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is in a library."""

    files: int
    """Files with a code."""
    contents: int
    """Different contents of those files."""
    failures: int
    """Files that could not be used."""
    bytes: int
    """Size of the files with a code."""
    roots: int
    indexed: datetime | None
    """When the library was last published, in UTC; None if never."""


class Index(AbstractContextManager["Index"]):
    """An open library; `open` and `create` make one. Use it from one thread at a time.

    Every method raises a `vtsfind.base.errors.StorageError` when the library cannot be used: `LibraryDamaged`,
    `DiskFull`, `LibraryLocked`, and never an error of SQLite or of the system. What was committed before stays. The
    changing methods (`add`, `fail`, `forget`, `add_roots`) take part in one transaction, which `commit` keeps;
    an error or `close` takes it back.
    """

    def __init__(self, folder: Path, lock: WriterLock | None) -> None:
        self.folder = folder
        """Where the library lies."""
        self._lock = lock
        self._database = self._connected()
        self._state = b""
        self._planes: dict[str, Planes] = {}

    def _connected(self) -> Database:
        connection = database.connect(self.folder, write=self._lock is not None)
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
            If there is a library already, or the signature cannot be stored.
        LibraryLocked, DiskFull
        """
        planes.check_signature(signature)
        with translated(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = WriterLock(folder)
            try:
                remove_leftovers(folder)
                database.create(folder, signature)
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
        """
        with translated(folder):
            if not (folder / database.NAME).exists():
                raise LibraryMissing(
                    f"There is no library in {folder}.", "Make one with: vtsfind index FOLDER"
                )
            lock = WriterLock(folder) if write else None
            try:
                if lock:
                    remove_leftovers(folder)
                return cls(folder, lock)
            except BaseException:
                if lock:
                    lock.release()
                raise

    def close(self) -> None:
        """Close the library; changes that were not committed are taken back. A second time does nothing."""
        with translated(self.folder):
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
        return database.VERSION

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

    @guarded
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

    @guarded
    def fail(self, failure: Failure) -> None:
        """Record a file that cannot be used, in place of whatever was known of that path."""
        self._writable().fail(failure)

    @guarded
    def forget(self, paths: Iterable[bytes]) -> None:
        """Drop files that are gone. Their contents stay known, so that a file that comes back is not decoded."""
        self._writable().forget(paths)

    @guarded
    def add_roots(self, roots: Iterable[bytes]) -> None:
        """Record folders (or files) that the library covers."""
        self._writable().add_roots(roots)

    def _writable(self) -> Database:
        if self._lock is None:
            raise RuntimeError("the library was opened for reading")
        return self._database

    @guarded
    def commit(self) -> None:
        """Keep the changes made so far: a process killed from here on does not lose them."""
        self._writable().commit()

    @guarded
    def publish(self) -> None:
        """Commit, note the time, and write the planes file if it is not up to date."""
        known = self._writable()
        known.set_meta("indexed", int(datetime.now(UTC).timestamp()))
        known.commit()
        try:
            state = known.state()
            for head in self.signature.heads:
                planes.read(self.folder / planes.NAME, head, state, self.signature)
        except PlanesUnusable:
            state, built = self._built()
            planes.write(self.folder / planes.NAME, built, state, self.signature)

    @guarded
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
        heads = {known.name: known for known in self.signature.heads}
        if head not in heads:
            raise UsageError(
                f"The library {self.folder} has no codes '{head}'.", f"It has: {', '.join(heads)}."
            )
        if self._database.altered:
            return self._built()[1][head]
        state = self._database.state()
        if state != self._state:
            self._state, self._planes = state, {}
        if head not in self._planes:
            try:
                found = planes.read(self.folder / planes.NAME, heads[head], state, self.signature)
                self._planes[head] = found
            except PlanesUnusable:
                self._state, self._planes = self._built()
                with suppress(OSError):
                    planes.write(self.folder / planes.NAME, self._planes, self._state, self.signature)
        return self._planes[head]

    def _built(self) -> tuple[bytes, dict[str, Planes]]:
        """The planes of all heads from the database, and the state of the database that they show."""
        with self._database.snapshot():
            state = self._database.state()
            rows, codes = self._database.live_codes()
        return state, planes.build(self.signature.heads, rows, codes)

    @guarded
    def stamps(self) -> dict[bytes, tuple[int, int, int]]:
        """Every known path, usable or not, with its size, mtime_ns and inode; three times -1 if none was seen."""
        return self._database.stamps()

    @guarded
    def failures(self) -> list[Failure]:
        """The files that could not be used, sorted by path."""
        return self._database.failures()

    @guarded
    def digests_of_size(self, size: int) -> frozenset[bytes]:
        """SHA-256 of the known contents of `size` bytes, those without a file included."""
        return self._database.digests_of_size(size)

    @guarded
    def codes_of_path(self, path: bytes, stamp: Stamp) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a file; None unless it is known with this very stamp."""
        codes = self._database.codes_of_path(path, stamp)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @guarded
    def codes_of_digest(self, digest: bytes) -> dict[str, npt.NDArray[np.uint8]] | None:
        """Head name to packed code (b,) uint8 of a content; None unless it is known."""
        codes = self._database.codes_of_digest(digest)
        return None if codes is None else split_codes(self.signature.heads, codes)

    @guarded
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

    @guarded
    def roots(self) -> list[bytes]:
        """The folders (or files) that the library covers, sorted."""
        return self._database.roots()

    @guarded
    def counts(self) -> Counts:
        """How much is in the library."""
        with self._database.snapshot():
            files, size, contents, failures = self._database.tally()
            indexed = self._database.meta("indexed")
            roots = len(self._database.roots())
        time = datetime.fromtimestamp(indexed, UTC) if isinstance(indexed, int) else None
        return Counts(files, contents, failures, size, roots, time)
