"""Filling a table: its networks are trained and measured, as far as that has not been done.

A cell that has a result is left as it is; a network whose run has ended is measured only; a run that was stopped goes on
from its checkpoint. Where torchrun started several processes, each trains whole networks of its own: with many networks to
train, no GPU waits for another.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from vtsfind.base.progress import CancelToken, Progress, SilentProgress
from vtsfind.learn.data.protocols import open_protocol
from vtsfind.learn.evaluation.codes import EncodingOptions
from vtsfind.learn.evaluation.evaluator import TieTreatment, evaluate
from vtsfind.learn.models.register import finished_model
from vtsfind.learn.paper.cells import result_of_evaluation
from vtsfind.learn.paper.plan import PlannedCell, PlannedDataset, PlannedTraining, PlanOptions, table_datasets
from vtsfind.learn.paper.results import Result, read_results, write_result
from vtsfind.learn.recipes import recipe_text
from vtsfind.learn.training.distributed import rank_and_world_size
from vtsfind.learn.training.loop import train_recipe
from vtsfind.learn.training.runs import RunFolder, RunOptions

_LONGEST_WAIT = timedelta(days=30)
"""How long a process that is done waits for the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FillOptions:
    """Where trainings and results go, and what they run on."""

    data: Path
    starts: Path
    runs: Path
    """The folder of run folders."""
    results: Path
    encoding: EncodingOptions
    workers: int
    """Processes that make batches, for each training."""
    ties: TieTreatment = "expected"


def planned_sizes(
    options: PlanOptions, progress: Progress | None = None, cancel: CancelToken | None = None
) -> dict[str, PlannedDataset]:
    """Open every data set of a plan, and count its pictures.

    Raises
    ------
    UsageError, StorageError, Cancelled
        See `vtsfind.learn.data.protocols.open_protocol`.
    """
    sizes = {}
    for name in table_datasets(options):
        _, split = open_protocol(
            name,
            options.data,
            seed=options.seeds[0],
            progress=progress or SilentProgress(),
            cancel=cancel or CancelToken(),
        )
        sizes[name] = PlannedDataset(len(split.train), len(split.query), len(split.database))
    return sizes


def missing_cells(plan: Sequence[PlannedTraining], results: Path) -> list[PlannedTraining]:
    """What is left of a plan: the cells without a result, and the networks that they need."""
    known = {result.cell for result in read_results(results).entries}
    left = [replace(one, cells=tuple(cell for cell in one.cells if cell.name not in known)) for one in plan]
    return [one for one in left if one.cells]


def fill(plan: Sequence[PlannedTraining], options: FillOptions) -> Iterator[Result]:
    """Train what is missing, measure it, and yield each result once it is written.

    With several processes, each yields the results of its own share, and returns when all are done.

    Raises
    ------
    UsageError, StorageError, Cancelled
        See `vtsfind.learn.training.loop.train_recipe` and `vtsfind.learn.evaluation.evaluator.evaluate`; what was done is
        kept.
    """
    with _joined() as (rank, count):
        missing = missing_cells(plan, options.results)[rank::count]
        if count > 1:
            distributed.barrier()  # so that none has written a result before another has looked
        for training in missing:
            yield from _fill_one(training, options)


@contextmanager
def _joined() -> Iterator[tuple[int, int]]:
    """Number of this process and how many there are; leaves when all of them do."""
    rank, count = rank_and_world_size()
    if count == 1:
        yield 0, 1
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("gloo", timeout=_LONGEST_WAIT)
    try:
        yield rank, count
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _fill_one(training: PlannedTraining, options: FillOptions) -> Iterator[Result]:
    folder, content = options.runs / training.recipe.name, recipe_text(training.recipe).encode()
    encoding = options.encoding
    run = RunOptions(folder, options.data, options.starts, encoding.device, options.workers, alone=True)
    train_recipe(content, training.recipe.name, run, encoding.progress, encoding.cancel)
    for cell in training.cells:
        result = _measured(cell, folder, options)
        write_result(options.results, result)
        yield result
    RunFolder(folder, content).drop_checkpoint()


def _measured(cell: PlannedCell, folder: Path, options: FillOptions) -> Result:
    encoding = options.encoding
    evaluation = evaluate(
        finished_model(folder),
        cell.dataset,
        options.data,
        seed=cell.seed,
        device=encoding.device,
        batch=encoding.batch,
        workers=encoding.workers,
        precision=encoding.precision,
        ties=options.ties,
        progress=encoding.progress,
        cancel=encoding.cancel,
    )
    made = RunFolder(folder, b"").result()
    result = result_of_evaluation(evaluation)
    assert result.cell == cell.name, (result.cell, cell.name)
    return replace(
        result, training={**result.training, **{key: made[key] for key in ("steps", "views_per_s")}}
    )
