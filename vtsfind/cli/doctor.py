"""`vtsfind doctor`: check and repair a library."""

from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import ExitCode, running


def doctor(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Put right what can be put right, then check.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read all of the library and compare every checksum.")
    ] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Check and repair a library.

    Also checks the library's model and says which picture formats can be read here.

    The exit code is 4 if something must be put right, else 0. --repair changes nothing but the library: what cannot be
    read any more is dropped, and the next `vtsfind index` reads those photos again.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind import engine
        from vtsfind.report import health

        repairs = engine.repair(run.settings) if repair else []
        diagnosis = engine.examine(run.settings, deep=deep)
        if json:
            health.write_records(run.output, diagnosis, repairs)
        else:
            health.write_diagnosis(run.output, diagnosis, repairs, verbose=run.notes.verbose)
        health.summarize_diagnosis(run.notes, diagnosis)
        if not diagnosis.sound:
            run.code = ExitCode.STORAGE
