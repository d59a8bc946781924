"""All commands, as one Typer application. Each one imports what it needs when it runs."""

from importlib import import_module
from typing import Annotated, NamedTuple

import typer

from vtsfind.cli.typer_commands import CONTEXT_SETTINGS, CommandGroup, add_command

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


class _Listed(NamedTuple):
    """Where a command is."""

    module: str
    """Of `vtsfind.cli`."""
    heading: str | None = None
    """What it stands under in the list of commands."""
    function: str = ""
    """The command, or the application of several, in the module; by default what the module is called."""


_ORGANISE = "Clean up"
_LIBRARY = "Library"
_RESEARCH = "For researchers"
_COMMANDS = {
    "index": _Listed("index"),
    "query": _Listed("query"),
    "dupes": _Listed("dupes"),
    "browse": _Listed("browse"),
    "plan": _Listed("plan", _ORGANISE),
    "apply": _Listed("apply", _ORGANISE),
    "undo": _Listed("undo", _ORGANISE),
    "history": _Listed("undo", _ORGANISE, "history"),
    "missing": _Listed("missing"),
    "calibrate": _Listed("calibrate", _LIBRARY),
    "copy": _Listed("copy", _LIBRARY),
    "decisions": _Listed("decisions", _LIBRARY),
    "doctor": _Listed("doctor", _LIBRARY),
    "paths": _Listed("paths", _LIBRARY),
    "models": _Listed("models", _RESEARCH),
    "train": _Listed("train", _RESEARCH),
    "eval": _Listed("evaluate", _RESEARCH),
}
"""By name, in the order of the list."""


def make_app(only: str = "") -> typer.Typer:
    """The application with all commands, or with that one only if there is one of that name, which is sooner made."""
    app = typer.Typer(
        cls=CommandGroup,
        help=HELP,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings=CONTEXT_SETTINGS,
    )
    app.callback()(vtsfind)
    for name in [only] if only in _COMMANDS else _COMMANDS:
        listed = _COMMANDS[name]
        command = getattr(import_module(f"vtsfind.cli.{listed.module}"), listed.function or listed.module)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=listed.heading)
        else:
            add_command(app, name, command, heading=listed.heading)
    return app


def _show_version(value: bool) -> None:  # noqa: FBT001 - Typer calls it with the option's value
    if not value:
        return
    from vtsfind.cli.version import show_version

    show_version()
    raise typer.Exit


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
