"""Answers for people, in lines of text."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import TYPE_CHECKING

from vtsfind.base.records import Failure, show_path
from vtsfind.engine import Answer, Neighbour, RefreshResult, Survey
from vtsfind.report.streams import Notes, Output, Style

if TYPE_CHECKING:
    from vtsfind.report.pictures import Gallery

_BAR = 10
"""Characters of a bar."""
_NAMED = 3
"""Failures of one kind that are named without --verbose."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "photo"), counted(2659, "photo")
    ('1 photo', '2,659 photos')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def table(rows: Sequence[Sequence[str]], *, right: Iterable[int] = ()) -> list[str]:
    """Lay rows out in columns, two blanks apart.

    >>> table([["ab", "1", "x"], ["c", "20", "y"]], right=[1])
    ['ab   1  x', 'c   20  y']
    """
    aligned_right = set(right)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if i in aligned_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def likeness(distance: int, bits: int) -> float:
    """How alike two codes are, from 0 (as unrelated codes are, half of whose bits differ, or worse) to 1 (the same).

    >>> likeness(0, 128), likeness(32, 128), likeness(100, 128)
    (1.0, 0.5, 0.0)
    """
    return max(0.0, 1 - 2 * distance / bits)


def write_answers(output: Output, answers: Sequence[Answer], gallery: "Gallery | None" = None) -> None:
    """Write the hits of each query, with pictures if there is a gallery; the queries are named if there are several."""
    separate = False
    for answer in answers:
        if answer.failure:
            continue
        if len(answers) > 1:
            if separate:
                output.line()
            output.line(output.paint(f"{show_path(answer.question.name)}:", Style.STRONG))
        separate = True
        pictures = gallery.draw(answer.neighbours) if gallery else repeat(None)
        for line, _ in zip(hit_lines(output, answer.neighbours), pictures, strict=False):
            output.line(line)


def write_paths(output: Output, answers: Sequence[Answer], *, end: bytes) -> None:
    """Write the paths of all hits, as they are, each with `end` behind it."""
    for answer in answers:
        for hit in answer.neighbours:
            output.raw(hit.path + end)


def hit_lines(output: Output, hits: Sequence[Neighbour]) -> list[str]:
    """One line a hit: rank, likeness as a bar, bits that differ, size, date and path."""
    if not hits:
        return []
    full, empty = ("\u2588", "\u2591") if output.is_unicode else ("#", ".")
    rows = []
    for hit in hits:
        filled = round(_BAR * likeness(hit.distance, hit.bits))
        rows.append(
            [
                f"{hit.rank}",
                full * filled + empty * (_BAR - filled),
                f"{hit.distance}/{hit.bits}",
                f"{hit.info.width}x{hit.info.height}",
                _date(hit),
                show_path(hit.path) + ("  (gone)" if hit.missing else ""),
            ]
        )
    return table(rows, right=[0, 2, 3])


def _date(hit: Neighbour) -> str:
    """The day of the shot, else the day of the file."""
    if hit.info.taken:
        return hit.info.taken[:10]
    return f"{datetime.fromtimestamp(hit.stamp.mtime_ns / 1e9).astimezone():%Y-%m-%d}"


def write_failures(notes: Notes, failures: Sequence[Failure]) -> None:
    """Say which files could not be used and why: a few of each kind, or all if details are wanted."""
    if notes.verbose:
        for failure in failures:
            notes.warn(str(failure))
        return
    kinds = Counter(failure.reason for failure in failures)
    for reason, number in kinds.most_common():
        named = [show_path(failure.path) for failure in failures if failure.reason is reason][:_NAMED]
        more = f" and {number - _NAMED:,} more (--verbose names all)" if number > _NAMED else ""
        notes.warn(f"{counted(number, 'file')} failed, {reason.value}: {', '.join(named)}{more}")


def write_refresh(notes: Notes, result: RefreshResult, where: str) -> None:
    """Sum up what a refresh did."""
    kinds = {
        "new": result.new,
        "changed": result.changed,
        "moved": result.moved,
        "unchanged": result.unchanged,
        "removed": result.removed,
        "failed": len(result.failures),
    }
    said = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    if said:
        rate = (result.photos + len(result.failures)) / max(result.seconds, 1e-9)
        notes.say(f"{counted(result.photos, 'photo')}: {said}. {result.seconds:.1f} s, {rate:,.0f} files/s.")
    elif not result.interrupted:
        notes.say(f"There are no photos in {where}.")
    if result.skipped:
        parts = ", ".join(f"{number:,} {reason}" for reason, number in result.skipped.most_common())
        notes.say(f"Left out: {parts}.")
    if result.waiting:
        notes.say(
            f"{counted(result.waiting, 'file')} failed earlier and did not change since; --retry-failed tries again."
        )
    for folder, files in result.absent.items():
        notes.warn(
            f"{show_path(folder)} is missing or empty; its {counted(files, 'photo')} stay in the library. "
            "If they are gone for good, add --forget-missing."
        )
    write_failures(notes, result.failures)
    if result.interrupted:
        notes.say("Stopped; what was done is kept. The same command goes on from here.")


def write_survey(notes: Notes, seen: Survey) -> None:
    """Tell what a refresh would do."""
    kinds = {
        "to read": len(seen.fresh),
        "unchanged": seen.unchanged,
        "to forget": len(seen.vanished),
        "failed earlier": seen.waiting,
    }
    said = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items() if number)
    notes.say(f"Nothing was done. There would be: {said or 'nothing'}.")
    for found in seen.fresh:
        notes.detail(f"to read: {show_path(found.path)}")
    for path in seen.vanished:
        notes.detail(f"to forget: {show_path(path)}")
    write_failures(notes, seen.failures)
