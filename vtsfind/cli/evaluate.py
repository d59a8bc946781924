"""`vtsfind eval`: how good a model is under a protocol, and the paper's tables with our own cells."""

from pathlib import Path
from typing import Annotated

import typer

from vtsfind.cli import options
from vtsfind.cli.command import CommandRun, cancel_on_signal, running
from vtsfind.cli.tables import TableRequest, show_grid


def evaluate(
    *,
    dataset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The protocol, such as cifar10@54000; docs/protocols.md has all. With --run also several, joined by commas.",
            show_default=False,
        ),
    ] = "",
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The folder of all data, or of this data set alone.",
            show_default=False,
        ),
    ] = None,
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
    csv: Annotated[bool, typer.Option("--csv", help="Write a line of names, and lines of values.")] = False,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where results of cells are: `results` in the data folder for --table and --figure. A model's result is "
            "kept there as a cell if this is given.",
            show_default=False,
        ),
    ] = None,
    table: Annotated[
        int | None,
        typer.Option(
            metavar="1|2|3",
            help="Show this table of the paper, with our cells and the differences.",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        int | None,
        typer.Option(metavar="2", help="Show the precision-recall curves of our cells.", show_default=False),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw the curves of --figure into this file.", show_default=False
        ),
    ] = None,
    run_cells: Annotated[
        bool,
        typer.Option(
            "--run", help="First run the cells of --table that have no result yet, on frozen features."
        ),
    ] = False,
    backbone: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The frozen backbone of --run: a model, or BACKBONE@SIZE=FILE; +N reads its last N stages as well.",
            show_default=False,
        ),
    ] = "",
    starts: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where start weights are, for --backbone.", show_default=False),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Only these methods, joined by commas; all of the table if left out.",
            show_default=False,
        ),
    ] = "",
    bits: Annotated[
        str, typer.Option(metavar="N", help="Only these lengths, joined by commas.")
    ] = "16,32,64",
    against: Annotated[
        str,
        typer.Option(metavar="NAME", help="The paper's backbone for cells of a backbone that it has not."),
    ] = "alexnet",
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
    vtsfind eval --table 1 --results docs/results/cells
    vtsfind eval --table 1 --run --backbone lite2@160=FILE --starts STARTS --dataset cifar10@54000 --data DATA

    Each query of the protocol is compared with its whole database. mAP is the expectation over the orders of pictures at
    the same distance, with the worst and the best order beside it. Codes are kept in the cache folder (`vtsfind paths`),
    so that evaluating again, or another head, is done at once, and an evaluation that was stopped goes on.

    --table sets our results beside the paper's. --run trains the heads that are lacking on the features of a backbone that
    is not trained itself; networks trained by `vtsfind train` become cells by `vtsfind eval --model NAME --results FOLDER`.
    """
    with (
        running(
            library=library, json=json, quiet=quiet, verbose=verbose, debug=debug, model=model, device=device
        ) as run,
        cancel_on_signal(run),
    ):
        from vtsfind.base.errors import UsageError

        if json and csv:
            raise UsageError("--json and --csv exclude each other.", "Choose one.")
        if data is not None and not data.is_dir():
            raise UsageError(f"The data folder {data} is not there.", "Check the path after --data.")
        request = TableRequest(
            table=table, figure=figure, png=png, run=run_cells, backbone=backbone, starts=starts, method=method,
            bits=bits, against=against, dataset=dataset, data=data, results=results, seed=seed, csv=csv,
        )  # fmt: skip
        if request.is_grid:
            show_grid(run, request)
        elif data is None or not dataset:
            raise UsageError(
                "There is nothing to measure on.", "Give --dataset and --data, or --table or --figure."
            )
        else:
            _measure(run, dataset, data, head=head, seed=seed, csv=csv, results=results)


def _measure(
    run: CommandRun, dataset: str, data: Path, *, head: str, seed: int, csv: bool, results: Path | None
) -> None:
    """Measure one model."""
    from vtsfind.engine import card_named
    from vtsfind.learn.evaluation import evaluator
    from vtsfind.report import evaluation
    from vtsfind.report.progress import progress_shown

    with progress_shown(run.notes) as progress:
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
    if run.json:
        evaluation.write_records(run.output, result)
    elif csv:
        evaluation.write_csv(run.output, result)
    else:
        evaluation.write_text(run.output, result)
    if result.cache_error:
        run.notes.warn(result.cache_error)
    kept = len(result.split.query) + len(result.split.database) - result.encoded
    run.notes.detail(f"{result.encoded:,} pictures were encoded, and {kept:,} codes had been kept.")
    if results is not None:
        from vtsfind.learn.paper.cells import result_of_evaluation
        from vtsfind.learn.paper.results import write_result

        run.notes.say(f"Kept as {write_result(results, result_of_evaluation(result))}.")
