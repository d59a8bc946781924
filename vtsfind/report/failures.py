"""Files that could not be used, and files that were skipped."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from vtsfind.base.paths import show_path
from vtsfind.base.records import Failure, Reason
from vtsfind.base.words import counted, listed
from vtsfind.media import names, scan
from vtsfind.report.streams import Notes

_MAX_NAMED_PER_REASON = 3
"""Failures of one kind that are named without --verbose."""
_SKIPPED_NOUNS = {
    names.HIDDEN: ("hidden file or folder", "hidden files and folders"),
    names.TRASH: ("trash folder", ""),
    names.THUMBNAILS: ("thumbnail folder", ""),
    names.TOOL: ("folder of a tool", "folders of tools"),
    scan.EXCLUDED: ("excluded file or folder", "excluded files and folders"),
    scan.OTHER_NAME: ("other file", ""),
    scan.LINK: ("symbolic link", ""),
    scan.IRREGULAR: ("special file", ""),
    scan.DUPLICATE_FOLDER: ("folder already visited", "folders already visited"),
    scan.OTHER_FILE_SYSTEM: ("folder on another file system", "folders on other file systems"),
}


def write_failures(notes: Notes, failures: Sequence[Failure]) -> None:
    """Say which files could not be used, why, and what to do: a few for each reason, or all with --verbose."""
    for line in failure_lines(failures, verbose=notes.verbose):
        notes.warn(line)


def failure_lines(failures: Sequence[Failure], *, verbose: bool) -> Iterator[str]:
    """For each reason, the most common first, the files that could not be used, and what to do; with `verbose` a line a file."""
    for reason, number in Counter(failure.reason for failure in failures).most_common():
        own = [failure for failure in failures if failure.reason is reason]
        if verbose:
            yield from map(str, own)
        said = f"{counted(number, 'file')} could not be read ({_why(own, reason)})"
        named = ", ".join(show_path(failure.path) for failure in own[:_MAX_NAMED_PER_REASON])
        more = number - _MAX_NAMED_PER_REASON
        rest = f" and {more:,} more (--verbose names all)" if more > 0 else ""
        yield f"{said}. {reason.remedy}" if verbose else f"{said}: {named}{rest}. {reason.remedy}"


def _why(failures: Sequence[Failure], reason: Reason) -> str:
    """Why files could not be read: what the system said, if it said the same of all that may be readable later."""
    said = {failure.detail for failure in failures}
    return next(iter(said)) if reason is Reason.UNREADABLE and len(said) == 1 and all(said) else reason.label


def summarize_skipped(notes: Notes, skipped: Mapping[str, int]) -> None:
    """Say how many files and folders were skipped, the most common reason first."""
    parts = [
        counted(number, *_SKIPPED_NOUNS[reason])
        for reason, number in sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
        if number
    ]
    if parts:
        notes.say(f"Skipped {listed(parts)}.")
