"""`vtsfind models`: list, show and import models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli.command import CommandRun, ExitCode, running
from vtsfind.cli.completion import complete_models
from vtsfind.cli.options import CommonOptions
from vtsfind.cli.typer_commands import CommandGroup, add_command

models = typer.Typer(
    cls=CommandGroup, help="List, show and import models.", no_args_is_help=True, rich_markup_mode=None
)


def list_models(*, common: CommonOptions) -> None:
    """List the models."""
    with running(common) as run:
        from vtsfind.engine.library import models as engine
        from vtsfind.report.models import write_list

        known = engine.models()
        write_list(run.output, known, json=run.json)
        if not known:
            run.notes.say("There are no models. Install vtsfind again.")


def show_model(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="Model to show; by default the default model.",
            autocompletion=complete_models,
        ),
    ] = "",
    *,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Check the SHA-256 of the file; the exit code is 4 if it does not match."
        ),
    ] = False,
    common: CommonOptions,
) -> None:
    """Show a model: its file, heads, input size, licence, origin and measured accuracy."""
    with running(common) as run:
        from vtsfind.engine.library import models as engine
        from vtsfind.report.models import write_one

        model = engine.model(name, verify=verify)
        write_one(run.output, model, json=run.json)
        if model.damage:
            run.notes.warn(model.damage)
            run.code = ExitCode.STORAGE


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How what is imported is called, and what start weights are for."""

    name: Annotated[
        str, typer.Option(metavar="NAME", help="Name to import it under; by default its present name.")
    ] = ""
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Backbone that the start weights belong to: a short name such as vts16, or any timm model.",
        ),
    ] = ""
    depth: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Number of blocks in the start weights, if fewer than in the backbone."
        ),
    ] = None


def import_model_or_weights(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A run folder, to import its model; or a file of start weights: safetensors, npz, pth or onnx.",
        ),
    ],
    *,
    options: ImportOptions,
    common: CommonOptions,
) -> None:
    """Import a model, or start weights for training.

        vtsfind models import runs/vts16.csq.cifar10.64
        vtsfind models import ViT-B_16.npz --backbone vts16 --name vit-b16-21k

    The model of a run folder is checked and added to your own models, for `index --model`. Start weights are checked
    against their backbone and saved as safetensors; a recipe then names them, such as
    `start = "vit-b16-21k.safetensors"`.
    """
    with running(common) as run:
        from vtsfind.base.errors import UsageError

        if not source.exists():
            raise UsageError(f"There is no {source}.", "Check the path.")
        (_import_model if source.is_dir() else _import_weights)(run, source, options)


def _import_model(run: CommandRun, source: Path, options: ImportOptions) -> None:
    from vtsfind.base.errors import UsageError
    from vtsfind.engine.library.models import Model
    from vtsfind.learn.pretrained.importing import import_model
    from vtsfind.report.models import write_one
    from vtsfind.report.schema import MODELS_IMPORT

    if options.backbone or options.depth is not None:
        raise UsageError(
            f"The model in {source} names its own backbone and depth.", "Leave out --backbone and --depth."
        )
    card = import_model(source, name=options.name)
    model = Model(card, card.path.stat().st_size)
    write_one(run.output, model, json=run.json, stream=MODELS_IMPORT)


def _import_weights(run: CommandRun, source: Path, options: ImportOptions) -> None:
    from vtsfind.base.errors import UsageError
    from vtsfind.learn.pretrained.importing import import_start
    from vtsfind.report.models import write_start

    if not options.backbone:
        raise UsageError(f"{source} is a file of start weights.", "Name its backbone with --backbone.")
    start = import_start(source, name=options.name, backbone=options.backbone, depth=options.depth)
    write_start(run.output, start, json=run.json)


add_command(models, "list", list_models)
add_command(models, "show", show_model)
add_command(models, "import", import_model_or_weights)
