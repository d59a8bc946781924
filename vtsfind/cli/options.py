"""The options that every command has, each said once."""

from typing import Annotated

import typer

Library = Annotated[
    str | None,
    typer.Option(
        "--library",
        metavar="NAME|PATH",
        help="The library to use: a name, or a path with a slash in it.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object a line, for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more: every failed file, every detail.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where in the program an error was raised.")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only tell what there is to do.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask. Needed where there is no terminal.")]
