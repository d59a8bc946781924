"""All commands, as one Typer application. Each one imports what it needs when it runs."""

from typing import Annotated

import typer

from vtsfind.cli.apply import apply
from vtsfind.cli.browse import browse
from vtsfind.cli.calibrate import calibrate
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
from vtsfind.cli.typer_compat import Command, CommandGroup
from vtsfind.cli.undo import history, undo

HELP = """Find photos that look alike.

\b
vtsfind index ~/Photos             look at every photo, once
vtsfind query cat.jpg              what looks like this one?
vtsfind dupes                      which photos are copies of each other?
vtsfind browse                     look at them, decide, tidy up: all in the terminal
vtsfind plan > plan.txt            what to do with them, to read and change
vtsfind apply plan.txt             do it; vtsfind undo brings photos back

Everything happens on this machine, and only `apply` and `undo` ever touch a photo. `vtsfind COMMAND -h` explains a
command.
"""

app = typer.Typer(
    cls=CommandGroup,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("index", cls=Command)(index)
app.command("query", cls=Command)(query)
app.command("dupes", cls=Command)(dupes)
app.command("browse", cls=Command)(browse)
app.command("plan", cls=Command)(plan)
app.command("apply", cls=Command)(apply)
app.command("undo", cls=Command)(undo)
app.command("history", cls=Command)(history)
app.command("missing", cls=Command)(missing)
app.add_typer(models, name="models")
app.command("calibrate", cls=Command)(calibrate)
app.add_typer(decisions, name="decisions")
app.command("doctor", cls=Command)(doctor)
app.command("train", cls=Command)(train)
app.command("eval", cls=Command)(evaluate)
app.command("paths", cls=Command)(paths)


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
            help="Show the version, the library format and the default model.",
        ),
    ] = False,
) -> None:
    """Hold the options that stand before a command."""
    del version  # its callback has done the work
