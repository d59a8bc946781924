"""What `vtsfind eval --table` and `--figure` do: run cells, and show the paper's tables and our curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vtsfind.base.errors import DiskFull, UsageError
from vtsfind.cli.command import Run

if TYPE_CHECKING:
    from vtsfind.learn.paper.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
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


def show_grid(run: Run, asked: Asked) -> None:
    """Run the cells that are lacking, if asked to, and show a table or curves.

    Raises
    ------
    UsageError
        When options do not go together, or see `run_grid` and `joined`.
    """
    _check(asked)
    from vtsfind.base.settings import places
    from vtsfind.learn.paper.results import read_results
    from vtsfind.learn.paper.tables import joined
    from vtsfind.report import tables

    folder = asked.results or places().data / "results"
    if asked.run:
        _run_cells(run, asked, folder)
    found = read_results(folder)
    if asked.figure is not None:
        _show_curves(run, asked, found)
        return
    assert asked.table is not None
    made = joined(asked.table, found, against=asked.against)
    if run.json:
        tables.write_records(run.output, made)
    elif asked.csv:
        tables.write_csv(run.output, made)
    else:
        tables.write_text(run.output, made)


def _check(asked: Asked) -> None:
    if asked.table is not None and asked.figure is not None:
        raise UsageError("--table and --figure exclude each other.", "Choose one.")
    if asked.figure not in {None, 2}:
        raise UsageError(f"There is no figure {asked.figure} here.", "Use --figure 2.")
    if asked.png is not None and asked.figure is None:
        raise UsageError("--png draws the curves of --figure.", "Give --figure 2 as well.")
    if not asked.run:
        return
    if asked.table is None:
        raise UsageError("--run runs the cells of a table.", "Give --table 1 or --table 2 as well.")
    if asked.table == 3:
        raise UsageError(
            "Table 3 compares what is read of networks that were trained end to end.",
            "Train them with `vtsfind train`, and evaluate them with --results.",
        )
    if not asked.backbone or asked.data is None or not asked.dataset:
        raise UsageError("--run needs --backbone, --dataset and --data.", "Give all three.")


def _run_cells(run: Run, asked: Asked, folder: Path) -> None:
    from vtsfind.base.settings import places
    from vtsfind.learn.evaluation.codes import Work
    from vtsfind.learn.evaluation.features import frozen
    from vtsfind.learn.paper.grid import Wish, run_grid
    from vtsfind.learn.paper.results import FRAMEWORKS, SIX
    from vtsfind.report.progress import watching

    assert asked.data is not None
    of_table = SIX if asked.table == 1 else tuple(name for name in FRAMEWORKS if name not in SIX)
    wish = Wish(
        backbone=frozen(asked.backbone, asked.starts),
        datasets=_listed(asked.dataset),
        data=asked.data,
        results=folder,
        cache=places().cache / "features",
        frameworks=_listed(asked.method.lower()) or of_table,
        bits=_lengths(asked.bits),
        seed=asked.seed,
    )
    with watching(run.notes) as progress:
        work = Work(run.settings.device, run.settings.batch, run.settings.workers, progress, run.cancel)
        for result in run_grid(wish, work):
            title = f"{FRAMEWORKS[result.framework]}, {result.bits} bits, {result.dataset}"
            run.notes.say(f"{title}: mAP {result.map:.4f}, in {result.seconds:.0f} s")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _lengths(text: str) -> tuple[int, ...]:
    words = _listed(text)
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise UsageError(f"--bits is '{text}'.", "Give numbers joined by commas, such as 16,32,64.")
    return tuple(int(word) for word in words)


def _show_curves(run: Run, asked: Asked, found: "Results") -> None:
    """Show the curves of the results that are asked for, and draw them if there is a file to draw into."""
    from vtsfind.learn.data.protocols import find_protocol
    from vtsfind.learn.paper.results import FRAMEWORKS
    from vtsfind.report import precision_recall as curves
    from vtsfind.store.atomic import replace_file

    methods, lengths = _listed(asked.method.lower()), _lengths(asked.bits)
    datasets = {find_protocol(name).name for name in _listed(asked.dataset)}
    chosen = [
        result
        for result in found.every
        if result.bits in lengths
        and (not methods or result.framework in methods)
        and (not datasets or result.dataset in datasets)
        and result.curve
    ]
    if not chosen:
        raise UsageError("There are no results with curves of that kind.", "Run some with --table 1 --run.")
    if run.json:
        curves.write_records(run.output, chosen)
    elif asked.csv:
        curves.write_csv(run.output, chosen)
    else:
        curves.write_text(run.output, chosen, FRAMEWORKS)
    if asked.png is not None:
        from vtsfind.report.plots import curves_png

        content = curves_png(chosen, FRAMEWORKS)
        try:
            replace_file(asked.png, content)
        except OSError as error:
            raise DiskFull(
                f"The curves could not be written to {asked.png}: {error.strerror or error}.",
                "Give another file with --png.",
            ) from error
        run.notes.say(f"Drawn in {asked.png}.")
