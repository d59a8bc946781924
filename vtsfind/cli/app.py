"""All commands, as one Typer application. Each one imports what it needs when it runs."""

from typing import Annotated

import typer

from vtsfind.cli.apply import apply
from vtsfind.cli.browse import browse
from vtsfind.cli.calibrate import calibrate
from vtsfind.cli.copy import copy
from vtsfind.cli.decisions import decisions
from vtsfind.cli.doctor import doctor
from vtsfind.cli.dupes import dupes
from vtsfind.cli.evaluate import evaluate
from vtsfind.cli.index import index
from vtsfind.cli.missing import missing
from vtsfind.cli.models import models
from vtsfind.cli.paths import paths
from vtsfind.cli.plan import plan
from vtsfind.cli.query import query
from vtsfind.cli.train import train
from vtsfind.cli.typer_commands import CONTEXT_SETTINGS, CommandGroup, add_command
from vtsfind.cli.undo import history, undo

HELP = """Find similar and duplicate photos, and remove duplicates safely.

    vtsfind index ~/Photos      read each photo once and build a library
    vtsfind query cat.jpg       find photos similar to this one
    vtsfind query "a cat"       find photos that show it
    vtsfind dupes               list groups of duplicates
    vtsfind browse              review duplicates in the terminal
    vtsfind plan > plan.txt     write what would be removed, to read and edit
    vtsfind apply plan.txt      carry out the plan; vtsfind undo reverses it

vtsfind works on this machine only, unless --library names a server. No command but `apply`, `undo` and `browse`
changes a photo. Run `vtsfind COMMAND -h` for help on a command.
"""

_ORGANISE = "Clean up"
_LIBRARY = "Library"
_RESEARCH = "For researchers"

app = typer.Typer(
    cls=CommandGroup,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=CONTEXT_SETTINGS,
)
add_command(app, "index", index)
add_command(app, "query", query)
add_command(app, "dupes", dupes)
add_command(app, "browse", browse)
add_command(app, "plan", plan, heading=_ORGANISE)
add_command(app, "apply", apply, heading=_ORGANISE)
add_command(app, "undo", undo, heading=_ORGANISE)
add_command(app, "history", history, heading=_ORGANISE)
add_command(app, "missing", missing)
add_command(app, "calibrate", calibrate, heading=_LIBRARY)
add_command(app, "copy", copy, heading=_LIBRARY)
app.add_typer(decisions, name="decisions", rich_help_panel=_LIBRARY)
add_command(app, "doctor", doctor, heading=_LIBRARY)
add_command(app, "paths", paths, heading=_LIBRARY)
app.add_typer(models, name="models", rich_help_panel=_RESEARCH)
add_command(app, "train", train, heading=_RESEARCH)
add_command(app, "eval", evaluate, heading=_RESEARCH)


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if not value:
        return
    from vtsfind.cli.version import show_version

    show_version()
    raise typer.Exit


@app.callback()
def vtsfind(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            is_eager=True,
            help="Print the version, the library format and the default model.",
        ),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""
    del version  # its callback has done the work
