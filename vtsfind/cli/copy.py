"""`vtsfind copy`: copy a library to another place."""

import os
from typing import Annotated

import typer

from vtsfind.cli.command import cancel_on_signal, running
from vtsfind.cli.completion import complete_libraries
from vtsfind.cli.options import CommonOptions


def copy(
    source: Annotated[
        str, typer.Argument(metavar="SRC", help="Library to copy.", autocompletion=complete_libraries)
    ],
    target: Annotated[
        str, typer.Argument(metavar="DST", help="Where to: a name, a path or an address without a library.")
    ],
    *,
    common: CommonOptions,
) -> None:
    """Copy a library, into a database of a PostgreSQL server or back.

        vtsfind copy default postgresql://nas/photos
        vtsfind copy postgresql://nas/photos ./photos-library

    Everything but the photos themselves goes along: files, codes, failures, folders, decisions and marks of the review.
    An interrupted copy goes on with the same command. All rows of both are compared in the end; before that, the copy
    is not used by any other command.
    """
    with running(common) as run, cancel_on_signal(run):
        from dataclasses import asdict, replace

        from vtsfind.base.words import counted
        from vtsfind.engine.copying import copy_library
        from vtsfind.engine.library.access import library_place

        library, place = (library_place(replace(run.settings, library=name)) for name in (source, target))
        with run.context() as context:
            copied = copy_library(library, place, context)
        if run.json:
            from vtsfind.base.paths import path_fields
            from vtsfind.report.ndjson import NdjsonWriter, library_fields
            from vtsfind.report.schema import COPY

            lines = NdjsonWriter(
                run.output, COPY, **library_fields(library), **path_fields(os.fsencode(place), "to")
            )
            lines.footer(**asdict(copied))
        run.notes.say(
            f"Copied {counted(copied.contents, 'content')}, {counted(copied.files, 'file')}, "
            f"{counted(copied.decisions, 'decision')} and {counted(copied.marks, 'mark')} to {place}. "
            "Counts and checksums are equal."
        )
