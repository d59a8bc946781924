"""What `vtsfind eval --table` and `--figure` do: compute missing results, and show the paper's tables and our curves."""

from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.errors import UsageError
from vtsfind.cli.command import CommandRun
from vtsfind.cli.eval_options import EvalOptions
from vtsfind.cli.options import require_one_of

if TYPE_CHECKING:
    from vtsfind.learn.paper.results import Results


def show_table_or_figure(run: CommandRun, options: EvalOptions) -> None:
    """Compute the results that are missing, if asked to, and show a table or curves.

    Raises
    ------
    UsageError
        When options do not go together, or see `run_grid` and `join_results`.
    """
    _check(options)
    from vtsfind.base.settings import places
    from vtsfind.learn.paper.results import read_results
    from vtsfind.learn.paper.tables import join_results
    from vtsfind.report import tables

    folder = options.results or places().data / "results"
    if options.run_missing:
        _run_missing(run, options, folder)
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


def _check(options: EvalOptions) -> None:
    require_one_of(table=options.table, figure=options.figure)
    if options.figure not in {None, 2}:
        raise UsageError(f"--figure cannot be {options.figure}.", "Use --figure 2.")
    if options.png is not None and options.figure is None:
        raise UsageError("--png needs --figure.", "Add --figure 2.")
    if not options.run_missing:
        return
    if options.table is None:
        raise UsageError("--run needs --table.", "Add --table 1 or --table 2.")
    if options.table == 3:
        raise UsageError(
            "--run cannot compute table 3, which compares networks trained end to end.",
            "Train them with `vtsfind train`, then evaluate them with --results.",
        )
    if not options.backbone or options.data is None or not options.dataset:
        raise UsageError("--run needs --backbone, --dataset and --data.", "Give all three.")


def _run_missing(run: CommandRun, options: EvalOptions, folder: Path) -> None:
    from vtsfind.base.settings import places
    from vtsfind.learn.evaluation.codes import EncodingOptions
    from vtsfind.learn.evaluation.features import frozen
    from vtsfind.learn.paper.grid import GridOptions, run_grid
    from vtsfind.learn.paper.results import FRAMEWORKS, PAPER_FRAMEWORKS
    from vtsfind.report.progress import progress_shown

    assert options.data is not None
    table_methods = (
        PAPER_FRAMEWORKS
        if options.table == 1
        else tuple(name for name in FRAMEWORKS if name not in PAPER_FRAMEWORKS)
    )
    grid_options = GridOptions(
        backbone=frozen(options.backbone, options.starts),
        datasets=_split_list(options.dataset),
        data=options.data,
        results=folder,
        cache=places().cache / "features",
        frameworks=_split_list(options.method.lower()) or table_methods,
        bits=_code_lengths(options.bits),
        seed=options.seed,
    )
    with progress_shown(run.notes) as progress:
        encoding = EncodingOptions(
            run.settings.device, run.settings.batch, run.settings.workers, progress, run.cancel
        )
        for result in run_grid(grid_options, encoding):
            title = f"{FRAMEWORKS[result.framework]}, {result.bits} bits, {result.dataset}"
            run.notes.say(f"{title}: mAP {result.map:.4f}, in {result.seconds:.0f} s")


def _split_list(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _code_lengths(text: str) -> tuple[int, ...]:
    words = _split_list(text)
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"--bits cannot be '{text}'.", "Give numbers separated by commas, such as 16,32,64.")
    return tuple(int(word) for word in words)


def _show_curves(run: CommandRun, options: EvalOptions, found: "Results") -> None:
    """Show the curves of the results that are asked for, and draw them if there is a file to draw into."""
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.paper.results import FRAMEWORKS
    from vtsfind.report import precision_recall as curves

    methods, lengths = _split_list(options.method.lower()), _code_lengths(options.bits)
    datasets = {find_protocol(name).name for name in _split_list(options.dataset)}
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
        curves.write_text(run.output, chosen, FRAMEWORKS)
    if options.png is not None:
        from vtsfind.engine.library.outputs import CHART, write_output
        from vtsfind.report.plots import precision_recall_png

        content = precision_recall_png(chosen, FRAMEWORKS)
        write_output(options.png, content, CHART, run.settings, force=options.force)
        run.notes.say(f"Saved {options.png}.")
