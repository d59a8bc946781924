"""Whether the journal of what was done to the user's files is whole, and all that was begun has come to an end."""

from collections.abc import Iterator

from vtsfind.base.errors import StorageError
from vtsfind.base.paths import show_path
from vtsfind.base.words import counted
from vtsfind.engine.apply.recovery import recover_locked, user_journal
from vtsfind.engine.library.doctor import Finding
from vtsfind.store.run_record import UNFINISHED_STATES, RunRecord


def examine_journal() -> list[Finding]:
    """Look through every run. Changes nothing."""
    try:
        return [finding for record in user_journal().read_all() for finding in _run_findings(record)]
    except StorageError as error:
        return [Finding("must", error.message, error.remedy)]


def _run_findings(record: RunRecord) -> Iterator[Finding]:
    if record.problem:
        yield Finding("must", f"The journal of run {record.run} cannot be read.", record.problem)
    if record.damaged:
        yield Finding(
            "must",
            f"The journal of run {record.run} has {counted(record.damaged, 'damaged line')}: what only these name does"
            " not come back.",
            f"Run `vtsfind undo {record.run}`, look for the other files in the trash, then run `vtsfind doctor --repair`.",
        )
    unfinished = [one.operation for one in record.op_records.values() if one.state in UNFINISHED_STATES]
    if unfinished:
        yield Finding(
            "must",
            f"Run {record.run} was killed and is not finished: {counted(len(unfinished), 'file')} may be between two"
            f" places, such as {show_path(unfinished[0].path)}.",
            "Connect its drive, then run `vtsfind doctor --repair`.",
        )


def repair_journal() -> list[str]:
    """Finish or roll back what was killed, and leave damaged lines out, of which copies are kept.

    Returns
    -------
    Sentences on what was done.

    Raises
    ------
    JournalLocked
        If another vtsfind changes files at this moment.
    StorageError
        If the journal cannot be written.
    """
    journal = user_journal()
    if not journal.runs():
        return []
    with journal.lock():
        journal.mark(record.run for record in journal.read_all() if not record.is_settled)
        settled = recover_locked(journal).operations
        report = [f"Run {one.run}: {show_path(one.operation.path)}: {one.note}." for one in settled]
        for record in journal.read_all():
            if record.damaged:
                aside = journal.set_damage_aside(record.run)
                report.append(
                    f"Left {counted(record.damaged, 'damaged line')} out of the journal of run {record.run};"
                    f" it is kept as it was in {aside}."
                )
    return report
