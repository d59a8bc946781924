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

    Also checks the model of the library, and lists the picture formats that can be read on this machine. The exit code
    is 4 if something must be repaired.

    --repair changes only the library: entries that cannot be read any more are dropped, and the next `vtsfind index`
    reads those photos again.
    """
    with running(common) as run:
        from vtsfind.engine.library import doctor as engine
        from vtsfind.report import health

        repairs = engine.repair(run.settings) if repair else []
        diagnosis = engine.examine(run.settings, deep=deep)
        if run.json:
            health.write_records(run.output, diagnosis, repairs)
        else:
            health.write_diagnosis(run.output, diagnosis, repairs, verbose=run.notes.verbose)
        health.summarize_diagnosis(run.notes, diagnosis)
        if not diagnosis.sound:
            run.code = ExitCode.STORAGE
