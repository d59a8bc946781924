"""Finding the photos below some folders, without opening a file.

The scan reads each folder once, first its files, then its folders, both sorted by the bytes of their names, so the order
is the same in every run. Links are not followed, except that a root may be one; a folder that was already read (overlapping
roots, bind mounts, loops of mounts) is skipped. Skipped files are counted by reason; unreadable ones are reported as a
`Failure`.
"""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from vtsfind.base.files import MAX_LINES_BYTES, read_stream
from vtsfind.base.progress import CancelToken
from vtsfind.base.records import Failure, Found, Reason, Stamp
from vtsfind.media import names

EXCLUDED = "excluded"
OTHER_NAME = "not a picture name"
OTHER_FILE_SYSTEM = "other file system"
LINK = "link"
DUPLICATE_FOLDER = "folder already seen"
IRREGULAR = "not a regular file"

_Identity = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What a scan skips."""

    exclude: tuple[str, ...] = ()
    """Shell patterns of names or whole paths of files and folders to skip."""
    include_hidden: bool = False
    """Whether to include names that begin with a dot; trash, thumbnail and tool folders are always skipped."""
    one_file_system: bool = False
    """Whether to skip folders on another file system than their root."""


@dataclass(slots=True)
class ScanReport:
    """Counts of a scan, updated while it runs."""

    found: int = 0
    """Photos found so far."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason in words to the number of files and folders that were skipped for it."""
    unreadable: list[Failure] = field(default_factory=list)
    """Folders that could not be listed and files that could not be examined. Unless the reason is `Reason.VANISHED`, their
    photos may still exist."""


def scan(
    roots: Sequence[bytes], options: ScanOptions, report: ScanReport, cancel: CancelToken
) -> Iterator[Found]:
    """Find every photo below some roots, each once.

    Parameters
    ----------
    roots
        Folders and files, which are never skipped for their names.
    options
        What to skip.
    report
        Updated while the generator runs.
    cancel
        Checked once for each folder.

    Yields
    ------
    Found
        With an absolute path (see `normalised`): first the roots that are files, then folder by folder.

    Raises
    ------
    Cancelled
        When `cancel` is set.
    """
    walk = _Walk(options, report, cancel)
    folders = []
    for root in dict.fromkeys(normalised(root) for root in roots):
        status = walk.stat_path(root)
        if status is None:
            continue
        if stat.S_ISDIR(status.st_mode):
            folders.append((root, status))
        else:
            yield from walk.file_root(root, status)
    for folder, status in folders:
        yield from walk.folder_root(folder, status)


def normalised(root: bytes) -> bytes:
    """The absolute path of a root, in its shortest form; links are not resolved.

    >>> normalised(b"/photos//2021/../2022/")
    b'/photos/2022'
    """
    path = os.path.abspath(root)
    # POSIX lets systems give two leading slashes a meaning of their own; no current system does.
    return path[1:] if os.sep == "/" and path.startswith(b"//") else path


def read_nul_separated(stream: BinaryIO) -> list[bytes]:
    r"""Read file names that are terminated by NUL characters, as `find -print0` writes them.

    >>> import io
    >>> read_nul_separated(io.BytesIO(b"a.jpg\0two\nlines.png\0"))
    [b'a.jpg', b'two\nlines.png']
    """
    return [name for name in read_stream(stream, MAX_LINES_BYTES).split(b"\0") if name]


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp from a stat result; without the inode on Windows, where listing a folder does not give it."""
    return Stamp(status.st_size, status.st_mtime_ns, 0 if os.name == "nt" else status.st_ino)


def failure_of(path: bytes, error: OSError, stamp: Stamp | None = None) -> Failure:
    """An error of the system as a `Failure`: vanished or unreadable."""
    gone = isinstance(error, FileNotFoundError | NotADirectoryError)
    return Failure(path, Reason.VANISHED if gone else Reason.UNREADABLE, error.strerror or str(error), stamp)


class _Walk:
    """The state of one scan."""

    def __init__(self, options: ScanOptions, report: ScanReport, cancel: CancelToken) -> None:
        self._options = options
        self._report = report
        self._cancel = cancel
        self._excluded = names.compile_patterns(options.exclude)
        self._visited: set[_Identity] = set()
        self._file_roots: set[tuple[_Identity, bytes]] = set()

    def stat_path(self, path: bytes) -> os.stat_result | None:
        try:
            return os.stat(path)
        except OSError as error:
            self._report.unreadable.append(failure_of(path, error))
            return None

    def file_root(self, path: bytes, status: os.stat_result) -> Iterator[Found]:
        self._cancel.check()
        if not stat.S_ISREG(status.st_mode):
            self._report.unreadable.append(Failure(path, Reason.UNREADABLE, IRREGULAR))
            return
        folder, name = os.path.split(path)
        parent_status = self.stat_path(folder)
        if parent_status is None:
            return
        key = (_identity(parent_status), name)
        if key not in self._file_roots:
            self._file_roots.add(key)
            self._report.found += 1
            yield Found(path, stamp_of(status))

    def folder_root(self, root: bytes, status: os.stat_result) -> Iterator[Found]:
        device = status.st_dev
        waiting = [root]
        while waiting:
            self._cancel.check()
            folder = waiting.pop()
            identity = self._visit(folder, device)
            if identity is None:
                continue
            files, folders = self._sorted_entries(folder)
            for entry in files:
                if self._file_roots and (identity, entry.name) in self._file_roots:
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError as error:
                    self._report.unreadable.append(failure_of(entry.path, error))
                    continue
                self._report.found += 1
                yield Found(entry.path, stamp_of(status))
            waiting.extend(reversed(folders))

    def _visit(self, folder: bytes, device: int) -> _Identity | None:
        """The identity of a folder; None if it has to be skipped."""
        status = self.stat_path(folder)
        if status is None:
            return None
        if self._options.one_file_system and status.st_dev != device:
            self._report.skipped[OTHER_FILE_SYSTEM] += 1
            return None
        identity = _identity(status)
        if identity in self._visited:
            self._report.skipped[DUPLICATE_FOLDER] += 1
            return None
        if status.st_ino:
            self._visited.add(identity)
        return identity

    def _sorted_entries(self, folder: bytes) -> tuple[list[os.DirEntry[bytes]], list[bytes]]:
        """The photos in a folder and the paths of its folders, both sorted; skipped entries are counted."""
        files: list[os.DirEntry[bytes]] = []
        folders: list[bytes] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    reason = self._skip_reason(folder, entry, is_folder=is_folder)
                    if reason is not None:
                        self._report.skipped[reason] += 1
                    elif is_folder:
                        folders.append(entry.path)
                    else:
                        files.append(entry)
        except OSError as error:
            self._report.unreadable.append(failure_of(folder, error))
        files.sort(key=_name)
        folders.sort()
        return files, folders

    def _skip_reason(self, folder: bytes, entry: os.DirEntry[bytes], *, is_folder: bool) -> str | None:
        name = entry.name
        reason = names.folder_skip_reason(folder, name) if is_folder else None
        if reason is None and name.startswith(b".") and not self._options.include_hidden:
            reason = names.HIDDEN
        if reason is None and self._excluded and self._is_excluded(entry):
            reason = EXCLUDED
        if reason is None and not is_folder:
            reason = _file_skip_reason(entry)
        return reason

    def _is_excluded(self, entry: os.DirEntry[bytes]) -> bool:
        assert self._excluded
        candidates = (os.path.normcase(entry.name), os.path.normcase(entry.path))
        return any(map(self._excluded.match, candidates))


def _file_skip_reason(entry: os.DirEntry[bytes]) -> str | None:
    if entry.is_symlink():
        return LINK
    if not names.is_picture_name(entry.name):
        return OTHER_NAME
    return None if entry.is_file(follow_symlinks=False) else IRREGULAR


def _identity(status: os.stat_result) -> _Identity:
    return status.st_dev, status.st_ino


def _name(entry: os.DirEntry[bytes]) -> bytes:
    return entry.name


def is_missing_or_empty(folder: bytes) -> bool:
    """Whether a folder is missing or has nothing in it, as the place of an unplugged drive is."""
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:  # it is there but cannot be read, which the scan reports
        return False
