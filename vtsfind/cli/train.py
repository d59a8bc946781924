"""`vtsfind train`: make a model from a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.running import running, stopping_cleanly


def train(
    *,
    recipe: Annotated[
        Path, typer.Option(metavar="FILE", help="The recipe: what is learned, from what, and how long.")
    ],
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder of all data that the recipe names.")
    ],
    starts: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of start weights and teachers; the data folder by default.",
            show_default=False,
        ),
    ] = None,
    run_folder: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="Where the run keeps its state and its model; a folder of the recipe's name under `runs` by default.",
            show_default=False,
        ),
    ] = None,
    register: Annotated[
        bool,
        typer.Option("--register", help="In the end, add the model to your own models, for `index --model`."),
    ] = False,
    register_in: Annotated[
        Path | None,
        typer.Option(
            "--register-in",
            metavar="FOLDER",
            help="In the end, add the model to the registry of this folder.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model is trained: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", help="Processes that make pictures for each task; 0 for none of their own."
        ),
    ] = 1,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Train a model by a recipe.

    \b
    vtsfind train --recipe weights/default.toml --data DATA --starts STARTS

    A run that was stopped, or killed, goes on from its last checkpoint when the same command is given again. Its
    losses are in `metrics.jsonl` in the run folder.
    """
    with (
        running(library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, device=device) as run,
        stopping_cleanly(run),
    ):
        from vtsfind.base.settings import places
        from vtsfind.engine import Model
        from vtsfind.learn import trainer
        from vtsfind.learn.publish import adopt
        from vtsfind.learn.weights import registered
        from vtsfind.report.models import write_one
        from vtsfind.report.progress import watching

        where = trainer.Run(
            folder=run_folder or Path("runs") / recipe.stem,
            data=data,
            starts=starts or data,
            device=run.settings.device,
            workers=workers,
        )
        with watching(run.notes) as progress:
            folder = trainer.train(recipe, where, progress, run.cancel)
        (card,) = registered((folder,)).values()
        if register or register_in:
            card = adopt(folder, register_in or places().models)
        write_one(run.output, Model(card, card.path.stat().st_size), json=json)
