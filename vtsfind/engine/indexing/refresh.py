"""Bringing a library up to date with the disk: find changes, then read, encode and keep what is new.

Work is committed every few seconds, so that a run that ends early, however it ends, loses no more than that, and the
next one continues. Contents that the library knows are neither decoded nor encoded again, wherever they are found. The
encoder is loaded only when a new content is certain, while the first photos are decoded.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from vtsfind.base.progress import Cancelled, Phase, Progress
from vtsfind.base.records import Entry, Failure, Found, Reason
from vtsfind.engine.context import Context
from vtsfind.engine.indexing.cameras import find_cameras
from vtsfind.engine.indexing.changes import (
    TRANSIENT_REASONS,
    Changes,
    RefreshOptions,
    Selection,
    StampTuple,
    scan_changes,
)
from vtsfind.engine.library.access import ModelLike
from vtsfind.store.library import Library
from vtsfind.store.rows import MAX_DIGESTS_OF_SIZE

if TYPE_CHECKING:
    from vtsfind.media.pool import DecodeTask

COMMIT_EVERY_S = 2.0
"""Seconds of work that a killed run may lose."""
_CLAIM_FILES = 32
"""Files that are claimed at once where several runs fill one library."""
_WAIT_FOR_OTHERS_S = 0.5
"""Seconds until files are claimed again that another run is reading."""


@dataclass(slots=True)
class RefreshResult:
    """What a refresh found and did; the counts are of files."""

    new: int = 0
    """Photos that the library did not have."""
    changed: int = 0
    """Photos of the library whose content was another."""
    moved: int = 0
    """Photos that were in the library under another path, which is gone."""
    unchanged: int = 0
    removed: int = 0
    """Files taken out of the library since they are gone, or left out now."""
    waiting: int = 0
    """Files that failed in an earlier run, have not changed, and were not tried again."""
    cameras: int = 0
    """Photos that an earlier vtsfind had indexed, and that were looked at for their camera."""
    failures: list[Failure] = field(default_factory=list)
    """Files and folders that could not be used in this run."""
    skipped: Counter[str] = field(default_factory=Counter)
    """What the scan left out, by reason."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders that are missing or empty, and how many photos the library keeps for them."""
    interrupted: bool = False
    """Whether the user stopped the run; what was done until then is kept."""
    seconds: float = 0.0

    @property
    def photos(self) -> int:
        """Photos that the run saw and that can be used."""
        return self.new + self.changed + self.moved + self.unchanged


def refresh(
    index: Library,
    selection: Selection,
    model: ModelLike,
    context: Context,
    options: RefreshOptions = RefreshOptions(),
) -> RefreshResult:
    """Bring a library up to date.

    Parameters
    ----------
    index
        The library, open for writing.
    selection
        What to scan; its folders become folders of the library.
    model
        The library's; its encoder is asked for only if there are new contents.
    context
        Its settings say what is left out, and the limits of decoding.
    options
        What to do with files that failed before, and under missing folders.

    Raises
    ------
    StorageError
        If the library cannot be written (what was committed before stays), or the model does not load or fit.
    """
    began = time.monotonic()
    result = RefreshResult()
    index.add_roots(selection.folders)
    stamps = index.stamps()
    failed = frozenset(failure.path for failure in index.failures())
    known = stamps.keys() - failed
    try:
        changes = scan_changes(stamps, failed, selection, context, options)
        _copy_changes(result, changes)
        if changes.fresh:
            ingestion = _Ingestion(index, result, model, known=known, vanished=changes.vanished)
            ingestion.run(changes.fresh, context)
        _forget(index, result, changes)
        result.cameras = find_cameras(index, selection, context)
    except Cancelled:
        result.interrupted = True
    index.commit()
    context.progress.start(Phase.PUBLISH, None)
    index.publish()
    result.seconds = time.monotonic() - began
    return result


def _copy_changes(result: RefreshResult, changes: Changes) -> None:
    result.unchanged = changes.unchanged
    result.waiting = changes.waiting
    result.skipped = changes.report.skipped
    result.absent = changes.absent
    result.failures = list(changes.failures)


def _forget(index: Library, result: RefreshResult, changes: Changes) -> None:
    """Remove what has vanished from the library; files that were moved are counted already."""
    if changes.vanished:
        index.forget(changes.vanished)
    result.removed = len(changes.vanished) - result.moved


class _Ingestion:
    """Reads new files into the library."""

    def __init__(
        self,
        index: Library,
        result: RefreshResult,
        model: ModelLike,
        *,
        known: set[bytes],
        vanished: dict[bytes, StampTuple],
    ) -> None:
        self._index = index
        self._result = result
        self._model = model
        self._known = known
        # A moved file keeps its size and time; its inode only within one file system.
        self._vanished: dict[tuple[int, int], list[bytes]] = {}
        """Size and time to the files of the library that are gone, of which no new place was found yet."""
        for path, (size, mtime_ns, _) in vanished.items():
            self._vanished.setdefault((size, mtime_ns), []).append(path)
        self._held_by_others: list[Found] = []
        self._last_commit_s = time.monotonic()

    def run(self, files: list[Found], context: Context) -> None:
        """Read all files, and store their codes or why they cannot be used."""
        progress = context.progress
        progress.start(Phase.ENCODE, len(files))
        left = files
        while left:
            self._held_by_others = []
            results = context.workplace.encoded(
                self._tasks(left, progress),
                len(left),
                self._model,
                self._index.require,
                settings=context.settings,
                monitor=context,
            )
            with closing(results):
                for result in results:
                    self._store(result)
            left = self._held_by_others
            if left:
                self._index.commit()
                context.cancel.wait(_WAIT_FOR_OTHERS_S)

    def _tasks(self, files: list[Found], progress: Progress) -> "Iterator[DecodeTask]":
        """What this run has to read: not what another run reads, or has read since the scan."""
        from vtsfind.media.pool import DecodeTask

        for start in range(0, len(files), _CLAIM_FILES):
            some = files[start : start + _CLAIM_FILES]
            claim = self._index.claim(some)
            self._held_by_others += claim.others
            done_by_others = len(some) - len(claim.own) - len(claim.others)
            if done_by_others:
                self._result.unchanged += done_by_others
                progress.advance(done_by_others)
            for found in claim.own:
                yield DecodeTask(found, self._likely_digests(found))

    def _likely_digests(self, found: Found) -> frozenset[bytes]:
        """Contents of the library that a file may have: not all where many have its size, but that of its path or a moved file."""
        stamp = found.stamp
        digests = self._index.digests_of_size(stamp.size)
        if len(digests) < MAX_DIGESTS_OF_SIZE:
            return digests
        moved = self._vanished.get((stamp.size, stamp.mtime_ns), [])[-MAX_DIGESTS_OF_SIZE:]
        return digests | self._index.digests_of_paths([found.path, *moved])

    def _store(self, result: Entry | Failure) -> None:
        if isinstance(result, Failure):
            self._fail(result)
        else:
            self._count(result, is_new=self._index.add(result))
        if time.monotonic() - self._last_commit_s > COMMIT_EVERY_S:
            self._index.commit()
            self._last_commit_s = time.monotonic()

    def _fail(self, failure: Failure) -> None:
        self._result.failures.append(failure)
        if failure.reason is Reason.VANISHED:
            self._index.forget([failure.path])
        elif failure.reason in TRANSIENT_REASONS:
            self._index.add_failure(replace(failure, stamp=None))
        else:
            self._index.add_failure(failure)

    def _count(self, entry: Entry, *, is_new: bool) -> None:
        """Count a stored file; one with a content that the library had was moved, copied, or only touched."""
        if entry.path in self._known:
            if is_new:
                self._result.changed += 1
            else:
                self._result.unchanged += 1
            return
        moved = self._vanished.get((entry.stamp.size, entry.stamp.mtime_ns))
        if moved and not is_new:
            moved.pop()
            self._result.moved += 1
        else:
            self._result.new += 1
