"""`vtsfind eval`: how good a model is under a protocol."""

from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.running import running, stopping_cleanly


def evaluate(
    *,
    dataset: Annotated[
        str,
        typer.Option(metavar="NAME", help="The protocol, such as cifar10@54000; docs/protocols.md has all."),
    ],
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The folder of all data, or of this data set alone.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The model to evaluate; the default one if left out.", show_default=False
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The head of the model; `scene`, or else its first, if left out.",
            show_default=False,
        ),
    ] = "",
    seed: Annotated[
        int,
        typer.Option(metavar="N", help="Draws the queries, for protocols that draw: as when it was trained."),
    ] = 1,
    csv: Annotated[bool, typer.Option("--csv", help="Write a line of names and a line of values.")] = False,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where the model runs: auto, cuda, mps or cpu.", show_default=False
        ),
    ] = None,
    library: options.Library = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    r"""Measure how well a model finds pictures of the same class, as the literature does.

    \b
    vtsfind eval --dataset cifar10@54000 --data DATA
    vtsfind eval --dataset folder --data my-photos --model vits14.csq.mine.64 --json

    Each query of the protocol is compared with its whole database. mAP is the expectation over the orders of pictures at
    the same distance, with the worst and the best order beside it. Codes are kept in the cache folder (`vtsfind paths`),
    so that evaluating again, or another head, is done at once, and an evaluation that was stopped goes on.
    """
    with (
        running(
            library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, model=model, device=device
        ) as run,
        stopping_cleanly(run),
    ):
        from vtsfind.base.errors import UsageError
        from vtsfind.engine import card_named
        from vtsfind.learn import evaluator
        from vtsfind.report import evaluation
        from vtsfind.report.progress import watching

        if json and csv:
            raise UsageError("--json and --csv exclude each other.", "Choose one.")
        if not data.is_dir():
            raise UsageError(f"The data folder {data} is not there.", "Check the path after --data.")
        with watching(run.notes) as progress:
            result = evaluator.evaluate(
                card_named(run.settings.model),
                dataset,
                data,
                head=head,
                seed=seed,
                device=run.settings.device,
                batch=run.settings.batch,
                workers=run.settings.workers,
                progress=progress,
                cancel=run.cancel,
            )
        if json:
            evaluation.write_records(run.output, result)
        elif csv:
            evaluation.write_csv(run.output, result)
        else:
            evaluation.write_text(run.output, result)
        if result.not_kept:
            run.notes.warn(result.not_kept)
        kept = len(result.split.query) + len(result.split.database) - result.encoded
        run.notes.detail(f"{result.encoded:,} pictures were encoded, and {kept:,} codes had been kept.")
