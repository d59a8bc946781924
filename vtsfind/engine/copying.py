"""Copying a library to another place: files, codes, failures, folders, decisions, and the marks of its review.

A copy can be interrupted at any time and goes on. It counts as a library only when all rows of both were read, and are equal.
Features and verdicts, which are derived, go along where both are cached on this machine.
"""

from contextlib import closing
from dataclasses import dataclass

from vtsfind.base.addresses import Place
from vtsfind.base.errors import StorageError, UsageError
from vtsfind.base.progress import Monitor, Phase
from vtsfind.base.settings import local_folder
from vtsfind.engine.library.decisions import known_decisions
from vtsfind.engine.review.shared_log import open_steps
from vtsfind.engine.review.state import EncodedDecision, ReviewStep
from vtsfind.store import evidence_file
from vtsfind.store.copying import RowStore, batches, checksum
from vtsfind.store.library import open_copy, open_rows


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, and verified."""

    contents: int
    files: int
    """Files, those that could not be decoded included."""
    decisions: int
    """Pairs whose decision the other place did not have."""
    marks: int
    """Groups of the review that are decided or marked."""


def copy_library(source: Place, target: Place, monitor: Monitor) -> Copied:
    """Copy a library, or go on with a copy.

    Parameters
    ----------
    source
        Where the library is.
    target
        Where to: a place without a library, or with a copy that was not completed.
    monitor
        Who watches, and may stop the work.

    Raises
    ------
    UsageError
        If both are one place, or there is a library in the target.
    StorageError
        If either cannot be used, or the copy is not equal in the end.
    Cancelled
        If it was stopped; run again, it goes on.
    """
    if source == target:
        raise UsageError("A library cannot be copied onto itself.", "Name another place.")
    with open_rows(source) as rows, open_copy(target, rows.signature) as copy:
        _copy_rows(rows, copy, monitor)
        decisions = known_decisions(target).merge(known_decisions(source))
        marks = _copy_marks(source, target)
        evidence_file.copy(local_folder(source), local_folder(target))
        monitor.progress.start(Phase.CHECK, None)
        found, wanted = checksum(copy), checksum(rows)
        if found != wanted:
            raise StorageError(
                f"The copy {target} is not equal to {source}, which has changed since the copy was begun.",
                "Remove the copy, and begin again while nobody indexes.",
            )
        copy.finish(rows.roots())
        return Copied(found[0], found[1], decisions, marks)


def _copy_rows(source: RowStore, copy: RowStore, monitor: Monitor) -> None:
    """Copy what is behind the last row of the copy."""
    content, path = copy.last()
    monitor.progress.start(Phase.COPY, None)
    for contents in batches(source.content_rows(content)):
        monitor.cancel.check()
        copy.store_contents(contents)
        monitor.progress.advance(len(contents))
    for files in batches(source.file_rows(path)):
        monitor.cancel.check()
        copy.store_files(files)
        monitor.progress.advance(len(files))


def _copy_marks(source: Place, target: Place) -> int:
    """Copy the marks of the review, unless the target has the same."""
    marks, known = ({k: v for k, v in _marks(place).items() if v is not None} for place in (source, target))
    fresh = {key: decision for key, decision in marks.items() if known.get(key) != decision}
    if fresh:
        with closing(open_steps(target)) as steps:
            steps.news()
            steps.append(ReviewStep("copy", fresh))
    return len(marks)


def _marks(place: Place) -> dict[str, EncodedDecision | None]:
    with closing(open_steps(place)) as steps:
        undoable: list[dict[str, EncodedDecision | None]] = []
        marks: dict[str, EncodedDecision | None] = {}
        for step in steps.steps():
            if not step.undoes:
                undoable.append({key: marks.get(key) for key in step.after})
                marks.update(step.after)
            elif undoable:
                marks.update(undoable.pop())
        return marks | dict(steps.news())
