"""`vtsfind eval`: how good a model is under a protocol, and the paper's tables with our own results."""

from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.words import counted
from vtsfind.cli.command import CommandRun, cancel_on_signal, running
from vtsfind.cli.eval_options import EvalOptions
from vtsfind.cli.filling_options import FillingOptions
from vtsfind.cli.options import CommonOptions, require_choice, require_one_of
from vtsfind.cli.tables import TIES, show_table_or_figure

if TYPE_CHECKING:
    from vtsfind.learn.models.registry import ModelCard


def evaluate(*, options: EvalOptions, filling: FillingOptions, common: CommonOptions) -> None:
    """Measure how well a model finds pictures of the same class, as the literature does.

        vtsfind eval --dataset cifar10@54000 --data DATA
        vtsfind eval --dataset folder --data my-photos --model vits14.csq.mine.64 --json
        vtsfind eval --table 1 --results docs/results/cells
        vtsfind eval --table 1 --run --backbone lite2@160=FILE --starts STARTS --dataset cifar10@54000 --data DATA
        vtsfind eval --table 1 --train --seeds 3 --data DATA --results RESULTS
        torchrun --nproc-per-node 4 -m -- vtsfind eval --table 1 --train --data DATA --results RESULTS

    Each query of the protocol is compared with the whole database. mAP is the expectation over the orders of pictures at
    equal distance; the worst and the best order are printed beside it. Codes are cached (see `vtsfind paths`), so that
    evaluating again is fast and an interrupted evaluation continues.

    --table prints our results beside those of the paper. With --run, results that are missing are computed by training
    heads on the features of a frozen backbone. With --train, whole networks are trained: the plan and an estimate of the
    time are printed first, and the same command continues an interrupted plan. Under torchrun, each GPU trains networks of
    its own. Models of `vtsfind train` are added by `vtsfind eval --model NAME --results FOLDER`.
    """
    with running(common, model=options.model, device=options.device) as run, cancel_on_signal(run):
        from vtsfind.base.errors import UsageError

        require_one_of(json=run.json, csv=options.csv)
        if options.data is not None and not options.data.is_dir():
            raise UsageError(f"There is no data folder {options.data}.", "Check the path after --data.")
        if options.wants_table_or_figure or filling.wanted:
            show_table_or_figure(run, options, filling)
        elif options.data is None or not options.dataset:
            raise UsageError(
                "There is nothing to evaluate.", "Give --dataset and --data, or --table or --figure."
            )
        else:
            _measure(run, options.data, options)


def _measure(run: CommandRun, data: Path, options: EvalOptions) -> None:
    """Measure one model."""
    from vtsfind.learn.evaluation import evaluator
    from vtsfind.report import evaluation
    from vtsfind.report.progress import progress_shown

    with progress_shown(run.notes) as progress:
        result = evaluator.evaluate(
            _card(run.settings.model),
            options.dataset,
            data,
            head=options.head,
            seed=options.seed,
            top=options.top,
            ties=require_choice(options.ties, TIES, "--ties"),
            precision=options.precision,
            keep_queries=options.keep_queries,
            device=run.settings.device,
            batch=run.settings.batch,
            workers=run.settings.workers,
            progress=progress,
            cancel=run.cancel,
        )
    if run.json:
        evaluation.write_records(run.output, result)
    elif options.csv:
        evaluation.write_csv(run.output, result)
    else:
        evaluation.write_text(run.output, result)
    if result.cache_error:
        run.notes.warn(result.cache_error)
    kept = len(result.split.query) + len(result.split.database) - result.encoded
    run.notes.detail(
        f"Encoded {counted(result.encoded, 'picture')}; {counted(kept, 'code')} came from the cache."
    )
    if options.results is not None:
        from vtsfind.learn.paper.cells import result_of_evaluation
        from vtsfind.learn.paper.results import write_result

        run.notes.say(f"Saved {write_result(options.results, result_of_evaluation(result))}.")


def _card(model: str) -> "ModelCard":
    """The registered model of that name, or the model of a run folder."""
    from vtsfind.engine.library.access import card_named

    if model and (Path(model) / "registry.toml").is_file():
        from vtsfind.learn.models.register import finished_model

        return finished_model(Path(model))
    return card_named(model)
