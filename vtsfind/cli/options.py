"""Options that several commands share, each declared once, in groups that a command takes as one parameter.

A group is a frozen dataclass whose fields are annotated as Typer wants parameters to be; see
`vtsfind.cli.typer_commands`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from vtsfind.base.errors import UsageError
from vtsfind.base.words import either
from vtsfind.cli.completion import complete_libraries

OUTPUT = "Output"
COMMON = "Common options"

Device = Annotated[
    str | None, typer.Option(metavar="NAME", help="Device for the model: auto, cuda, mps or cpu.")
]
On = Annotated[
    str | None,
    typer.Option(
        metavar="CLUSTER",
        help="Work on a Ray cluster: ray starts one on this machine, ray://HOST:PORT joins one whose machines see the photos "
        "at the same paths (needs ray).",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would be done; change nothing.")]
Yes = Annotated[
    bool,
    typer.Option("--yes", "-y", help="Do not ask for confirmation. Required where there is no terminal."),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Overwrite a file that vtsfind did not write; never a photo of a library.",
        rich_help_panel=OUTPUT,
    ),
]
Html = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a web page with pictures into FILE, to be opened in any browser.",
        rich_help_panel=OUTPUT,
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="Print comma-separated values.", rich_help_panel=OUTPUT)]


@dataclass(frozen=True, kw_only=True)
class ScreenOptions:
    """What every command takes."""

    library: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH|URL",
            help="Library to use: a name, a path that contains a slash, or postgresql://HOST/DATABASE.",
            autocompletion=complete_libraries,
            rich_help_panel=COMMON,
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors only.", rich_help_panel=COMMON)
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose", "-v", help="Print every failed file and every detail.", rich_help_panel=COMMON
        ),
    ] = False
    debug: Annotated[
        bool, typer.Option("--debug", help="Print a traceback with an error.", rich_help_panel=COMMON)
    ] = False


@dataclass(frozen=True, kw_only=True)
class CommonOptions(ScreenOptions):
    """What every command takes that writes to standard output."""

    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line.", rich_help_panel=OUTPUT)
    ] = False


@dataclass(frozen=True, kw_only=True)
class PathOptions:
    """Printing nothing but paths."""

    paths_only: Annotated[
        bool, typer.Option("--paths-only", help="Print paths only, one per line.", rich_help_panel=OUTPUT)
    ] = False
    print0: Annotated[
        bool,
        typer.Option(
            "--print0", "-0", help="Print paths only, each followed by a NUL byte.", rich_help_panel=OUTPUT
        ),
    ] = False

    @property
    def end(self) -> bytes | None:
        """What follows each path; None if more than paths is wanted."""
        if self.print0:
            return b"\0"
        return b"\n" if self.paths_only else None


def require_choice(value: str | None, known: tuple[str, ...], option: str) -> Any:
    """The value of an option, if it is one of those known, or None.

    Raises
    ------
    UsageError
        For another one.
    """
    if value is not None and value not in known:
        raise UsageError(f"{option} cannot be '{value}'.", f"Use {either(known)}.")
    return value


def require_one_of(**given: object) -> None:
    """Refuse options that exclude each other.

    Parameters
    ----------
    given
        Name of the option, with underscores, to its value; false values count as not given.

    Raises
    ------
    UsageError
        If more than one is given.
    """
    names = [f"--{name.replace('_', '-')}" for name, value in given.items() if value]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} cannot be combined.", "Choose one.")
