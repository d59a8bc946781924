"""`vtsfind models`: what models there are, and bringing in others."""

from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import ExitCode, running
from vtsfind.cli.typer_compat import Command, CommandGroup

models = typer.Typer(
    cls=CommandGroup, help="List, show and import models.", no_args_is_help=True, rich_markup_mode=None
)


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


@models.command("import", cls=Command)
def import_model_or_weights(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A run folder, for its model; or a file of start weights: safetensors, npz, pth or onnx.",
            show_default=False,
        ),
    ],
    *,
    name: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What to call it; by default what it is called now.", show_default=False
        ),
    ] = "",
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The backbone that start weights are for: a short name such as vts16, or any name of timm.",
            show_default=False,
        ),
    ] = "",
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Blocks that start weights have, if fewer than the backbone.",
            show_default=False,
        ),
    ] = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Bring in a model, or start weights, from elsewhere.

    \b
    vtsfind models import runs/vts16.csq.cifar10.64
    vtsfind models import ViT-B_16.npz --backbone vts16 --name vit-b16-21k

    The model of a run folder is checked and added to your own models, for `index --model`. Start weights are checked
    against their backbone and kept as safetensors; a recipe then names them, such as `start = "vit-b16-21k.safetensors"`.
    Nothing is ever overwritten.
    """
    with running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug) as run:
        from vtsfind.base.errors import UsageError
        from vtsfind.report.models import write_one, write_start

        if not source.exists():
            raise UsageError(f"There is no {source}.", "Check the path.")
        if not source.is_dir():
            if not backbone:
                raise UsageError(
                    f"Start weights such as {source} need a backbone.", "Say which it is with --backbone."
                )
            from vtsfind.learn.pretrained.importing import import_start

            write_start(
                run.output, import_start(source, name=name, backbone=backbone, depth=depth), json=json
            )
            return
        if backbone or depth is not None:
            raise UsageError(
                f"The model in {source} knows its backbone and depth.", "Leave --backbone and --depth out."
            )
        from vtsfind.engine import Model
        from vtsfind.learn.pretrained.importing import import_model

        card = import_model(source, name=name)
        write_one(run.output, Model(card, card.path.stat().st_size), json=json, command="models import")
