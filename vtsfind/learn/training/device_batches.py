"""Batches whose views are made on the training device, from pictures that lie there; see `vtsfind.learn.augment`.

As with `vtsfind.learn.training.batches`, a batch is a function of the seed and the step alone, and is the same on every device but
for rounding.
"""

from functools import cached_property
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from vtsfind.base.errors import UsageError
from vtsfind.base.progress import CancelToken, Progress
from vtsfind.base.records import Preprocessing
from vtsfind.learn.augment import views
from vtsfind.learn.augment.draws import Draws
from vtsfind.learn.augment.pool import PicturePool, fill_pool
from vtsfind.learn.data import formats as datasets
from vtsfind.learn.recipes import TrainingTask
from vtsfind.learn.training.batches import Batch, Batches


class DeviceBatches(Batches):
    """The batches of one task, by step, made on a device.

    Parameters
    ----------
    task, root, preprocessing, steps, seed, share, given
        As for `Batches`.
    device
        Where the pictures lie and the views are made.
    progress, cancel
        Of decoding the pictures, at first use.

    Raises
    ------
    UsageError
        When the model crops pictures, or the task wants views that are made by worker processes alone.
    """

    def __init__(
        self,
        task: TrainingTask,
        root: Path,
        preprocessing: Preprocessing,
        *,
        steps: int,
        seed: int,
        device: torch.device,
        progress: Progress,
        cancel: CancelToken,
        share: tuple[int, int] = (0, 1),
        given: datasets.Pictures | None = None,
    ) -> None:
        if task.views == "window" or preprocessing.fit == "crop":
            raise UsageError(
                "Windows of pictures cannot be made on the device.",
                "Use --augment workers for this data set.",
            )
        super().__init__(task, root, preprocessing, steps=steps, seed=seed, share=share, given=given)
        self.device, self.progress, self.cancel = device, progress, cancel

    @cached_property
    def pool(self) -> PicturePool:
        """The task's pictures, decoded at first use."""
        return fill_pool(self.pictures, self.task.shortest, self.device, self.progress, self.cancel)

    def derive(self, *, steps: int, seed: int, task: TrainingTask | None = None) -> Self:
        """See `Batches.derive`; the pool is shared."""
        derived = type(self)(
            task or self.task,
            self.root,
            self.preprocessing,
            steps=steps,
            seed=seed,
            device=self.device,
            progress=self.progress,
            cancel=self.cancel,
            given=self.pictures,
        )
        derived.pool = self.pool
        return derived

    def __getitem__(self, step: int) -> Batch:
        positions, own = self.places(step)
        rows = torch.tensor([self.row(positions[place]) for place in own])
        rows = rows.repeat_interleave(self.task.views_each)
        each = self.task.views_each
        draws = Draws.seeded(len(positions) * each, (self.seed, step), self.device, self.task.strength).of(
            slice(own.start * each, own.stop * each)
        )
        labels = torch.from_numpy(self.pictures.labels[rows.numpy()])
        return Batch(self._views(rows, draws), labels, rows)

    @torch.no_grad()
    def _views(self, rows: Tensor, draws: Draws) -> Tensor:
        size = self.preprocessing.size
        if self.task.views == "plain":
            made = views.plain(self.pool, rows, size)
        elif self.task.views == "mild":
            made = views.mild(self.pool, rows, draws, size)
        else:
            made = views.edited(self.pool, rows, draws, size)
        return views.as_pixels(made)
