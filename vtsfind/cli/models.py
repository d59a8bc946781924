"""`vtsfind models`: what models there are."""

from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.parsing import Command, Group
from vtsfind.cli.running import ExitCode, running

models = typer.Typer(cls=Group, help="List and show models.", no_args_is_help=True, rich_markup_mode=None)


@models.command("list", cls=Command)
def list_models(
    *,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """List the models."""
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind import engine
        from vtsfind.report.models import write_list

        known = engine.models()
        write_list(run.output, known, json=json)
        if not known:
            run.notes.say("There are no models. Install vtsfind again.")


@models.command("show", cls=Command)
def show_model(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="The model; the default one if left out.", show_default=False),
    ] = "",
    *,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compare the file with its SHA-256; the exit code is 4 if it is wrong."
        ),
    ] = False,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show what is known of a model.

    Its file, heads, input, licence, where it comes from, and how good it is.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind import engine
        from vtsfind.report.models import write_one

        model = engine.model(name, verify=verify)
        write_one(run.output, model, json=json)
        if model.damage:
            run.notes.warn(model.damage)
            run.code = ExitCode.STORAGE
