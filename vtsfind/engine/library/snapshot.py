"""Snapshot of a library: which of its files are on the disk now as they were indexed, each file once."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from vtsfind.base.groups import Photo
from vtsfind.base.paths import is_below
from vtsfind.base.progress import Monitor, Phase
from vtsfind.base.records import Failure, PictureInfo, Reason
from vtsfind.engine.library.scope import Scope
from vtsfind.engine.library.sidecars import Sidecars
from vtsfind.media.scan import failure_of, is_missing_or_empty, stamp_of
from vtsfind.store.library import Library
from vtsfind.store.rows import FileRecord

_CANCEL_CHECK_EVERY_CONTENTS = 1000


@dataclass(frozen=True, slots=True)
class Content:
    """One content, and the files that have it."""

    digest: bytes
    """SHA-256, 32 bytes."""
    info: PictureInfo
    photos: tuple[Photo, ...]
    """Its files that are there, by path; at least one. Several paths to one file count once, by the first."""


@dataclass(slots=True)
class Snapshot:
    """What was found on the disk."""

    contents: dict[int, Content] = field(default_factory=dict)
    """By content id; those without a file are left out."""
    failures: list[Failure] = field(default_factory=list)
    """Files that are gone, have changed since they were indexed, or cannot be read."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders of the library that are missing or empty, and how many files that would matter were there."""
    aliases: int = 0
    """Paths that lead to a file which is there by another path already: hard links, folders mounted twice."""


def take_snapshot(index: Library, scope: Scope, monitor: Monitor) -> Snapshot:
    """Check all files of a library within a scope; none is opened.

    Raises
    ------
    Cancelled
        If the monitor says so.
    """
    monitor.progress.start(Phase.CHECK, index.counts().files)
    builder = _SnapshotBuilder(index.roots())
    for number, (row, records) in enumerate(index.contents()):
        if number % _CANCEL_CHECK_EVERY_CONTENTS == 0:
            monitor.cancel.check()
        builder.add_content(row, [record for record in records if scope.includes_photo(record.path)])
        monitor.progress.advance(len(records))
    return _without_removed(builder.result)


def _without_removed(snapshot: Snapshot) -> Snapshot:
    """The same without failures for files that vtsfind itself took away."""
    if any(failure.reason is Reason.VANISHED for failure in snapshot.failures):
        from vtsfind.engine.library.removed import removed_by_runs

        removed = removed_by_runs()
        snapshot.failures = [
            failure
            for failure in snapshot.failures
            if failure.reason is not Reason.VANISHED or failure.path not in removed
        ]
    return snapshot


def with_sidecars(content: Content, sidecar_finder: Sidecars) -> Content:
    """The same, with the files that travel with its photos."""
    photos = (replace(photo, sidecars=sidecar_finder.sidecars(photo.path)) for photo in content.photos)
    return replace(content, photos=tuple(photos))


class _SnapshotBuilder:
    def __init__(self, roots: Sequence[bytes]) -> None:
        self.result = Snapshot()
        self._roots = roots
        self._sidecar_finder = Sidecars()
        self._is_root_missing: dict[bytes, bool] = {}

    def add_content(self, row: int, records: list[FileRecord]) -> None:
        photos = self._photos(records)
        if photos:
            self.result.contents[row] = Content(records[0].digest, records[0].info, photos)

    def _photos(self, records: list[FileRecord]) -> tuple[Photo, ...]:
        """The files that are there; two names of one file count once."""
        seen: set[tuple[int, int]] = set()
        photos = []
        for record in records:
            status = self._status(record)
            if status is None or self._sidecar_finder.is_raw_sidecar(record.path):
                continue
            identity = (status.st_dev, status.st_ino)
            if status.st_ino and identity in seen:
                self.result.aliases += 1
                continue
            seen.add(identity)
            photos.append(Photo(record.path, record.stamp, record.digest, record.info))
        return tuple(photos)

    def _status(self, record: FileRecord) -> os.stat_result | None:
        """What the system says of a file that is as it was when it was indexed; None, and noted, for others."""
        try:
            status = os.stat(record.path)
        except OSError as error:
            failure = failure_of(record.path, error)
            away = self._missing_root(record.path) if failure.reason is Reason.VANISHED else None
            if away is None:
                self.result.failures.append(failure)
            else:
                self.result.absent[away] = self.result.absent.get(away, 0) + 1
            return None
        if stamp_of(status) != record.stamp:
            self.result.failures.append(
                Failure(record.path, Reason.CHANGED, "since it was indexed", stamp_of(status))
            )
            return None
        return status

    def _missing_root(self, path: bytes) -> bytes | None:
        """The folder of the library that a file lay in, if that folder is missing or empty as an unplugged drive's is."""
        for root in self._roots:
            if is_below(path, root):
                if root not in self._is_root_missing:
                    self._is_root_missing[root] = is_missing_or_empty(root)
                if self._is_root_missing[root]:
                    return root
        return None
