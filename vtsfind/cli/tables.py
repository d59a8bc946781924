"""What `vtsfind eval --table` and `--figure` do: compute missing results, and show the paper's tables and our curves."""

from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun
from vtsfind.cli.eval_options import EvalOptions
from vtsfind.cli.filling_options import FillingOptions, split_list
from vtsfind.cli.options import require_choice, require_one_of
from vtsfind.cli.train import default_workers
from vtsfind.cli.train_options import MODES

if TYPE_CHECKING:
    from vtsfind.learn.paper.plan import PlanOptions
    from vtsfind.learn.paper.results import Results

TIES = ("expected", "numpy")


def show_table_or_figure(run: CommandRun, options: EvalOptions, filling: FillingOptions) -> None:
    """Compute the results that are missing, if asked to, and show a table or curves.

    Raises
    ------
    UsageError
        When options do not go together, or see `run_grid`, `fill` and `join_results`.
    """
    _check(options, filling)
    from vtsfind.base.settings import places
    from vtsfind.learn.paper.results import read_results
    from vtsfind.learn.paper.tables import join_results
    from vtsfind.report import tables

    folder = options.results or places().data / "results"
    if filling.run_missing:
        _run_missing(run, options, filling, folder)
    if filling.train_missing and not _train_missing(run, options, filling, folder):
        return
    found = read_results(folder)
    if options.figure is not None:
        _show_curves(run, options, found)
        return
    assert options.table is not None
    paper_table = join_results(options.table, found, against=options.against)
    if run.json:
        tables.write_records(run.output, paper_table)
    elif options.csv:
        tables.write_csv(run.output, paper_table)
    else:
        tables.write_text(run.output, paper_table)


def _check(options: EvalOptions, filling: FillingOptions) -> None:
    require_one_of(table=options.table, figure=options.figure)
    require_one_of(run=filling.run_missing, train=filling.train_missing)
    if options.figure not in {None, 2}:
        raise UsageError(f"--figure cannot be {options.figure}.", "Use --figure 2.")
    if options.png is not None and options.figure is None:
        raise UsageError("--png needs --figure.", "Add --figure 2.")
    if filling.dry_run and not filling.train_missing:
        raise UsageError("--dry-run needs --train.", "Add --train.")
    if filling.run_missing and options.table is None:
        raise UsageError("--run needs --table.", "Add --table 1, --table 2 or --table 3.")
    if filling.train_missing and not options.wants_table_or_figure:
        raise UsageError("--train needs --table or --figure.", "Add --table 1, --table 2 or --table 3.")
    if filling.train_missing and options.data is None:
        raise UsageError("--train needs --data.", "Give the folder of all data sets.")
    if filling.run_missing and not (filling.backbone and options.data and options.dataset):
        raise UsageError("--run needs --backbone, --dataset and --data.", "Give all three.")


def _run_missing(run: CommandRun, options: EvalOptions, filling: FillingOptions, folder: Path) -> None:
    from vtsfind.base.settings import places
    from vtsfind.learn.evaluation.codes import EncodingOptions
    from vtsfind.learn.evaluation.features import frozen
    from vtsfind.learn.paper.grid import GridOptions, run_grid
    from vtsfind.learn.paper.plan import table_methods
    from vtsfind.report.progress import progress_shown

    assert options.data is not None
    assert options.table is not None
    grid_options = GridOptions(
        backbone=frozen(filling.backbone, filling.starts),
        datasets=split_list(options.dataset),
        data=options.data,
        results=folder,
        cache=places().cache / "features",
        frameworks=split_list(options.method.lower()) or table_methods(options.table),
        bits=_code_lengths(options.bits),
        mode=require_choice(filling.mode, MODES, "--mode"),
        seeds=_seeds(options, filling),
        features=filling.feature_kinds() or (("cls", "all") if options.table == 3 else ()),
        views=filling.views,
    )
    with progress_shown(run.notes) as progress:
        encoding = EncodingOptions(
            run.settings.device, run.settings.batch, run.settings.workers, progress, run.cancel
        )
        for result in run_grid(grid_options, encoding):
            run.notes.say(f"{result.title}: mAP {result.map:.4f}, in {result.seconds:.0f} s")


def _train_missing(run: CommandRun, options: EvalOptions, filling: FillingOptions, folder: Path) -> bool:
    """Train and measure what a table lacks; whether this process is to show the table then."""
    from vtsfind.learn.evaluation.codes import EncodingOptions
    from vtsfind.learn.paper.estimate import estimate_seconds
    from vtsfind.learn.paper.plan import make_plan
    from vtsfind.learn.paper.trainings import FillOptions, fill, missing_cells, planned_sizes
    from vtsfind.learn.training.distributed import rank_and_world_size
    from vtsfind.report.progress import progress_shown
    from vtsfind.report.tables import plan_lines

    plan_options, (rank, processes) = _plan_options(options, filling), rank_and_world_size()
    with progress_shown(run.notes) as progress:
        sizes = planned_sizes(plan_options, progress, run.cancel)
    plan = make_plan(plan_options, sizes)
    missing = missing_cells(plan, folder)
    if rank == 0:
        seconds = estimate_seconds(missing, sizes, run.settings.device) / processes
        for line in plan_lines(plan, missing, seconds):
            (run.output.line if filling.dry_run else run.notes.say)(line)
    if filling.dry_run:
        return False
    with progress_shown(run.notes) as progress:
        settings = run.settings
        fill_options = FillOptions(
            data=plan_options.data,
            starts=filling.starts or plan_options.data,
            runs=filling.runs,
            results=folder,
            encoding=EncodingOptions(
                settings.device, settings.batch, settings.workers, progress, run.cancel, options.precision
            ),
            workers=default_workers(),
            ties=require_choice(options.ties, TIES, "--ties"),
        )
        for result in fill(plan, fill_options):
            run.notes.say(f"{result.title}: mAP {result.map:.4f}")
    return rank == 0


def _plan_options(options: EvalOptions, filling: FillingOptions) -> "PlanOptions":
    from vtsfind.learn.paper.plan import PlanOptions

    assert options.data is not None
    return PlanOptions(
        table=options.table or 1,  # figure 2 draws the results of table 1
        data=options.data,
        backbones=split_list(filling.backbone),
        features=filling.feature_kinds(),
        datasets=split_list(options.dataset),
        methods=split_list(options.method.lower()),
        bits=_code_lengths(options.bits),
        seeds=_seeds(options, filling),
        only=split_list(filling.only),
        **filling.training(),
    )


def _seeds(options: EvalOptions, filling: FillingOptions) -> tuple[int, ...]:
    return tuple(range(options.seed, options.seed + filling.seeds))


def _code_lengths(text: str) -> tuple[int, ...]:
    words = split_list(text)
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"--bits cannot be '{text}'.", "Give numbers separated by commas, such as 16,32,64.")
    return tuple(int(word) for word in words)


def _show_curves(run: CommandRun, options: EvalOptions, found: "Results") -> None:
    """Show the curves of the results that are asked for, and draw them if there is a file to draw into."""
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.paper.results import framework_title
    from vtsfind.report import precision_recall as curves

    methods, lengths = split_list(options.method.lower()), _code_lengths(options.bits)
    datasets = {find_protocol(name).name for name in split_list(options.dataset)}
    chosen = [
        result
        for result in found.entries
        if result.bits in lengths
        and (not methods or result.framework in methods)
        and (not datasets or result.dataset in datasets)
        and result.curve
    ]
    if not chosen:
        raise UsageError("No results with curves match.", "Compute some with --table 1 --run.")
    if run.json:
        curves.write_records(run.output, chosen)
    elif options.csv:
        curves.write_csv(run.output, chosen)
    else:
        curves.write_text(run.output, chosen, framework_title)
    if options.png is not None:
        from vtsfind.engine.library.outputs import CHART, write_output
        from vtsfind.report.plots import precision_recall_png

        content = precision_recall_png(chosen, framework_title)
        write_output(options.png, content, CHART, run.settings, force=options.force)
        run.notes.say(f"Saved {options.png}.")
