"""What `vtsfind eval --table` and `--figure` do: run cells, and show the paper's tables and our curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.cli.command import CommandRun

if TYPE_CHECKING:
    from vtsfind.learn.paper.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRequest:
    """The options of the command, as they were given."""

    table: int | None
    figure: int | None
    png: Path | None
    run: bool
    backbone: str
    starts: Path | None
    method: str
    bits: str
    against: str
    dataset: str
    data: Path | None
    results: Path | None
    seed: int
    csv: bool

    @property
    def is_grid(self) -> bool:
        """Whether a table or a figure is wanted, and not one model's figures."""
        return self.table is not None or self.figure is not None or self.run


def show_grid(run: CommandRun, request: TableRequest) -> None:
    """Run the cells that are lacking, if asked to, and show a table or curves.

    Raises
    ------
    UsageError
        When options do not go together, or see `run_grid` and `join_results`.
    """
    _check(request)
    from vtsfind.base.settings import places
    from vtsfind.learn.paper.results import read_results
    from vtsfind.learn.paper.tables import join_results
    from vtsfind.report import tables

    folder = request.results or places().data / "results"
    if request.run:
        _run_cells(run, request, folder)
    found = read_results(folder)
    if request.figure is not None:
        _show_curves(run, request, found)
        return
    assert request.table is not None
    paper_table = join_results(request.table, found, against=request.against)
    if run.json:
        tables.write_records(run.output, paper_table)
    elif request.csv:
        tables.write_csv(run.output, paper_table)
    else:
        tables.write_text(run.output, paper_table)


def _check(request: TableRequest) -> None:
    if request.table is not None and request.figure is not None:
        raise UsageError("--table and --figure exclude each other.", "Choose one.")
    if request.figure not in {None, 2}:
        raise UsageError(f"There is no figure {request.figure} here.", "Use --figure 2.")
    if request.png is not None and request.figure is None:
        raise UsageError("--png draws the curves of --figure.", "Give --figure 2 as well.")
    if not request.run:
        return
    if request.table is None:
        raise UsageError("--run runs the cells of a table.", "Give --table 1 or --table 2 as well.")
    if request.table == 3:
        raise UsageError(
            "Table 3 compares what is read of networks that were trained end to end.",
            "Train them with `vtsfind train`, and evaluate them with --results.",
        )
    if not request.backbone or request.data is None or not request.dataset:
        raise UsageError("--run needs --backbone, --dataset and --data.", "Give all three.")


def _run_cells(run: CommandRun, request: TableRequest, folder: Path) -> None:
    from vtsfind.base.settings import places
    from vtsfind.learn.evaluation.codes import EncodingOptions
    from vtsfind.learn.evaluation.features import frozen
    from vtsfind.learn.paper.grid import GridOptions, run_grid
    from vtsfind.learn.paper.results import FRAMEWORKS, PAPER_FRAMEWORKS
    from vtsfind.report.progress import progress_shown

    assert request.data is not None
    table_methods = (
        PAPER_FRAMEWORKS
        if request.table == 1
        else tuple(name for name in FRAMEWORKS if name not in PAPER_FRAMEWORKS)
    )
    grid_options = GridOptions(
        backbone=frozen(request.backbone, request.starts),
        datasets=_split_list(request.dataset),
        data=request.data,
        results=folder,
        cache=places().cache / "features",
        frameworks=_split_list(request.method.lower()) or table_methods,
        bits=_code_lengths(request.bits),
        seed=request.seed,
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
        raise UsageError(f"--bits is '{text}'.", "Give numbers joined by commas, such as 16,32,64.")
    return tuple(int(word) for word in words)


def _show_curves(run: CommandRun, request: TableRequest, found: "Results") -> None:
    """Show the curves of the results that are asked for, and draw them if there is a file to draw into."""
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.paper.results import FRAMEWORKS
    from vtsfind.report import precision_recall as curves
    from vtsfind.store.atomic import replace_file

    methods, lengths = _split_list(request.method.lower()), _code_lengths(request.bits)
    datasets = {find_protocol(name).name for name in _split_list(request.dataset)}
    chosen = [
        result
        for result in found.entries
        if result.bits in lengths
        and (not methods or result.framework in methods)
        and (not datasets or result.dataset in datasets)
        and result.curve
    ]
    if not chosen:
        raise UsageError("There are no results with curves of that kind.", "Run some with --table 1 --run.")
    if run.json:
        curves.write_records(run.output, chosen)
    elif request.csv:
        curves.write_csv(run.output, chosen)
    else:
        curves.write_text(run.output, chosen, FRAMEWORKS)
    if request.png is not None:
        from vtsfind.report.plots import curves_png

        content = curves_png(chosen, FRAMEWORKS)
        try:
            replace_file(request.png, content)
        except OSError as error:
            raise DiskFull(
                f"The curves could not be written to {request.png}: {error.strerror or error}.",
                "Give another file with --png.",
            ) from error
        run.notes.say(f"Drawn in {request.png}.")
