"""What has changed on the disk since the library was last refreshed: every file is listed, none is opened.

A file of the library that the scan no longer finds has vanished, unless the scan could not know: files under a
folder that could not be read, under a root that is missing, or under a folder that is empty now (as the place of an
unplugged drive is) stay in the library.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vtsfind.base.errors import UsageError
from vtsfind.base.paths import prefix_below, show_path
from vtsfind.base.progress import Phase, Progress
from vtsfind.base.records import Failure, Found, Reason
from vtsfind.engine.context import Context
from vtsfind.engine.library.removed import removed_by_runs
from vtsfind.media.scan import ScanOptions, ScanReport, is_missing_or_empty, normalised, scan

StampTuple = tuple[int, int, int]
"""Size in bytes, time of the last change in nanoseconds, inode."""
TRANSIENT_REASONS = {Reason.UNREADABLE, Reason.VANISHED, Reason.CHANGED}
"""Reasons that may not hold the next time although the file's stamp is the same."""
_PROGRESS_EVERY_FILES = 512
"""Files between two words to the watcher."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What to scan. All paths are absolute."""

    folders: tuple[bytes, ...] = ()
    """Folders, scanned with everything below them."""
    files: tuple[bytes, ...] = ()
    """Single files, named by the user."""
    known: bool = False
    """Whether this is all that the library knows: then its files outside the folders are checked, too."""


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """What is done beyond new and changed files."""

    retry_failed: bool = False
    """Whether files that failed before and have not changed are tried again."""
    forget_missing: bool = False
    """Whether files under folders that are missing or empty count as gone."""


@dataclass(slots=True)
class Changes:
    """What has to be done to bring a library up to date with the disk."""

    fresh: list[Found] = field(default_factory=list)
    """Files that are new or have changed, or that are to be tried again."""
    unchanged: int = 0
    """Photos of the library whose file is as it was."""
    waiting: int = 0
    """Files that failed before, have not changed, and are not tried again."""
    vanished: dict[bytes, StampTuple] = field(default_factory=dict)
    """Files of the library that are not there any more."""
    absent: dict[bytes, int] = field(default_factory=dict)
    """Folders that are missing or empty now where files were, and how many: their drive may not be there."""
    failures: list[Failure] = field(default_factory=list)
    """Folders and files that could not be read."""
    report: ScanReport = field(default_factory=ScanReport)


def select(folders: Iterable[str | bytes], names: Iterable[bytes], known: Sequence[bytes]) -> Selection:
    """Decide what to scan.

    Parameters
    ----------
    folders
        Folders or files from the command line; each must exist.
    names
        Files from a list; whether they exist shows later.
    known
        The library's own folders: scanned if nothing else is given, or if they lie below what is given.

    Raises
    ------
    UsageError
        If one of `folders` does not exist, or if there is nothing to scan.
    """
    given_names = [os.fsencode(folder) for folder in folders]
    if b"" in given_names:
        raise UsageError("A folder has an empty name.", "Name a folder; `.` is the current one.")
    paths = [normalised(name) for name in given_names]
    for path in paths:
        if _does_not_exist(path):
            raise UsageError(
                f"There is no folder {show_path(path)}.", "Check the name, and quote it if it has spaces."
            )
    files = [path for path in paths if not os.path.isdir(path)]
    files += [normalised(name) for name in names]
    if paths or files:
        given = [path for path in paths if os.path.isdir(path)]
        # A folder of the library may lie where a scan from above does not come, such as below a hidden one.
        inside = [
            folder
            for folder in known
            if folder.startswith(tuple(map(prefix_below, given))) and folder not in given
        ]
        return Selection((*given, *inside), tuple(files))
    if not known:
        raise UsageError(
            "No folder has been indexed yet, so there is nothing to refresh.",
            "Type `vtsfind index FOLDER`, with the folder where your photos are.",
        )
    return Selection(tuple(known), known=True)


def scan_changes(
    stamps: dict[bytes, StampTuple],
    failed: frozenset[bytes],
    selection: Selection,
    context: Context,
    options: RefreshOptions,
) -> Changes:
    """Compare the disk with a library.

    Parameters
    ----------
    stamps
        Every file that the library knows; used up by this call.
    failed
        Those of them that could not be used.
    selection
        What to scan.
    context
        Its settings say what is left out.
    options
        What to do with files that failed before, and under missing folders.

    Raises
    ------
    Cancelled
        If the scan was stopped: half a scan does not show what has vanished.
    """
    result = Changes()
    files = list(selection.files)
    if selection.known:
        prefixes = tuple(map(prefix_below, selection.folders))
        files += [path for path in stamps if not path.startswith(prefixes)]
    roots = [path for path in (*selection.folders, *files) if not _does_not_exist(path)]
    settings = context.settings
    scan_options = ScanOptions(
        exclude=settings.exclude,
        include_hidden=settings.include_hidden,
        one_file_system=settings.one_file_system,
    )
    retried = failed if options.retry_failed else frozenset()
    context.progress.start(Phase.SCAN, None)
    scanned = scan(roots, scan_options, result.report, context.cancel)
    for found in _with_progress(scanned, context.progress):
        stamp = found.stamp
        known = stamps.pop(found.path, None)
        if known != (stamp.size, stamp.mtime_ns, stamp.inode) or found.path in retried:
            result.fresh.append(found)
        elif found.path in failed:
            result.waiting += 1
        else:
            result.unchanged += 1
    context.cancel.check()
    result.failures = _failures(result.report, set(selection.files).difference(stamps, roots))
    _find_vanished(result, stamps, selection.folders, set(files), forget_missing=options.forget_missing)
    return result


def _failures(report: ScanReport, missing: Iterable[bytes]) -> list[Failure]:
    """What could not be read, and which files of a list are missing. What vanished during the scan is no failure."""
    failures = [failure for failure in report.unreadable if failure.reason is not Reason.VANISHED]
    return failures + [Failure(path, Reason.VANISHED) for path in sorted(missing)]


def _find_vanished(
    result: Changes,
    not_found: dict[bytes, StampTuple],
    folders: Sequence[bytes],
    files: set[bytes],
    *,
    forget_missing: bool,
) -> None:
    """Sort the known files that the scan did not find into vanished and absent ones; leave out those that are unknown."""
    scanned_prefixes = tuple(map(prefix_below, folders))
    unknown_paths = {failure.path for failure in result.failures}
    unknown_prefixes = tuple(map(prefix_below, unknown_paths))
    absent = {folder: prefix_below(folder) for folder in folders if is_missing_or_empty(folder)}
    empty: dict[bytes, bool] = {}
    nearest: dict[bytes, bytes] = {}
    removed = removed_by_runs() if not_found else frozenset()
    for path, stamp in not_found.items():
        named = path in files
        if (
            not (named or path.startswith(scanned_prefixes))
            or path in unknown_paths
            or path.startswith(unknown_prefixes)
        ):
            continue
        if path in removed:
            result.vanished[path] = stamp
            continue
        away = next((folder for folder, prefix in absent.items() if path.startswith(prefix)), None)
        is_forgotten = forget_missing
        if away is None:
            place = os.path.dirname(path) if named else _nearest_folder(path, nearest)
            if place not in empty:
                empty[place] = is_missing_or_empty(place)
            # Another drive may belong into an empty folder: only who names that folder forgets what was in it.
            away, is_forgotten = place if empty[place] else None, forget_missing and named
        if away is not None and not is_forgotten:
            result.absent[away] = result.absent.get(away, 0) + 1
        else:
            result.vanished[path] = stamp


def _nearest_folder(path: bytes, known: dict[bytes, bytes]) -> bytes:
    """The innermost folder above a path that is there; `known` is filled with those of all folders that were looked at."""
    passed = []
    folder = os.path.dirname(path)
    while folder not in known and _does_not_exist(folder) and folder != os.path.dirname(folder):
        passed.append(folder)
        folder = os.path.dirname(folder)
    found = known.get(folder, folder)
    known.update(dict.fromkeys(passed, found))
    return found


def _does_not_exist(path: bytes) -> bool:
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # it may be there; the scan reports the error
        return False
    return False


def _with_progress(found: Iterable[Found], progress: Progress) -> Iterator[Found]:
    count = 0
    for count, each in enumerate(found, 1):
        if count % _PROGRESS_EVERY_FILES == 0:
            progress.advance(_PROGRESS_EVERY_FILES)
        yield each
    progress.advance(count % _PROGRESS_EVERY_FILES)
