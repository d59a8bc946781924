"""Iterating over the batches of all tasks, made by worker processes, in this process or on the training device."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Subset

from vtsfind.learn.training.batches import Batch, Batches
from vtsfind.learn.training.device_batches import DeviceBatches


def load_batches(
    sources: Sequence[Batches], steps: range, workers: int, *, pin: bool
) -> Iterator[tuple[Batch, ...]]:
    """The batches of all tasks for some steps.

    Parameters
    ----------
    sources
        Of each task.
    steps
        The steps, in order.
    workers
        Processes for each task whose batches are not made on the device; 0 makes them in this one.
    pin
        Whether to move batches from processes to page-locked memory.
    """
    return zip(*(_load(source, steps, workers, pin=pin) for source in sources), strict=True)


def _load(source: Batches, steps: range, workers: int, *, pin: bool) -> Iterable[Batch]:
    if isinstance(source, DeviceBatches):
        return (source[step] for step in steps)
    # Workers are spawned, not forked, because torch has threads already.
    options: dict[str, Any] = {"multiprocessing_context": "spawn", "prefetch_factor": 2} if workers else {}
    subset: Subset[Batch] = Subset(source, steps)
    return DataLoader(subset, batch_size=None, num_workers=workers, pin_memory=pin, **options)
