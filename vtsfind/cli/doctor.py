"""`vtsfind doctor`: check and repair a library."""

from typing import Annotated

import typer

from vtsfind.cli.command import ExitCode, running
from vtsfind.cli.options import CommonOptions


def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what can be repaired, then check.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read the whole library and compare every checksum.")
    ] = False,
    common: CommonOptions,
) -> None:
    """Check a library, and repair it.

    Also checks the model of the library, the journal of what was done to files, and your decisions, and lists the
    picture formats that can be read on this machine. The exit code is 4 if something must be repaired, and 2 if there
    is no such library.

    --repair changes only the library, the journal and the decisions, and finishes runs that were killed. What cannot
    be read any more is left out; of the journal and the decisions a copy is kept as they were. The next `vtsfind index`
    reads the photos again whose entries were dropped.
    """
    with running(common) as run:
        from vtsfind.engine.apply.doctor import examine_journal, repair_journal
        from vtsfind.engine.library import doctor as engine
        from vtsfind.report import health

        repairs = [*repair_journal(), *engine.repair(run.settings)] if repair else []
        diagnosis = engine.examine(run.settings, deep=deep)
        diagnosis.findings += examine_journal()
        if run.json:
            health.write_records(run.output, diagnosis, repairs)
        else:
            health.write_diagnosis(run.output, diagnosis, repairs, verbose=run.notes.verbose)
        health.summarize_diagnosis(run.notes, diagnosis)
        if not diagnosis.sound:
            run.code = ExitCode.STORAGE
        elif diagnosis.is_missing:
            run.code = ExitCode.USAGE
