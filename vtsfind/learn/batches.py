"""Batches of views for training, each a function of the seed and the step alone: a run that resumes sees the same ones."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vtsfind.base.records import Preprocessing
from vtsfind.learn import datasets
from vtsfind.learn.recipes import Task
from vtsfind.media import edits
from vtsfind.media.decode import prepare

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Batch:
    """Views of some pictures; several of one picture share its row."""

    pixels: Tensor
    """(b, size, size, 3) uint8."""
    labels: Tensor
    """(b, c) float32, 0 or 1."""
    rows: Tensor
    """(b,) int64."""

    def pin_memory(self) -> "Batch":
        """Move to page-locked memory; the loader calls it where that speeds up the way to a GPU."""
        return Batch(self.pixels.pin_memory(), self.labels.pin_memory(), self.rows.pin_memory())


class Batches(Dataset[Batch]):
    """The batches of one task, by step.

    Every picture is shown once before any is shown again; the order is drawn anew for every pass.

    Parameters
    ----------
    task
        What to show and how.
    root
        The folder of all data.
    preprocessing
        Of the network.
    steps
        How many batches there are.
    seed
        Of everything random here.
    """

    def __init__(
        self, task: Task, root: Path, preprocessing: Preprocessing, *, steps: int, seed: int
    ) -> None:
        self.task, self.root, self.preprocessing, self.steps, self.seed = (
            task,
            root,
            preprocessing,
            steps,
            seed,
        )

    @cached_property
    def pictures(self) -> datasets.Pictures:
        """The task's pictures, opened when first used, so in each process that makes batches."""
        return datasets.load(self.task.data, self.root, shortest=self.task.shortest)

    def __len__(self) -> int:
        return self.steps

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "pictures"}

    def __getitem__(self, step: int) -> Batch:
        count = self.task.pictures
        chosen = [self._row(step * count + place) for place in range(count)]
        pixels, rows = [], []
        for place, row in enumerate(chosen):
            whole = self.pictures.picture(row)
            for view in range(self.task.views_each):
                rng = np.random.default_rng((self.seed, step, place, view))
                pixels.append(prepare(self._shown(whole, rng), self.preprocessing))
                rows.append(row)
        index = np.array(rows, np.int64)
        return Batch(
            torch.from_numpy(np.stack(pixels)),
            torch.from_numpy(self.pictures.labels[index]),
            torch.from_numpy(index),
        )

    def _row(self, position: int) -> int:
        n = len(self.pictures)
        return int(_order(self.seed, position // n, n)[position % n])

    def _shown(self, whole: Pixels, rng: np.random.Generator) -> Pixels:
        if self.task.views == "plain":
            return whole
        if self.task.views == "mild":
            return edits.mild(whole, rng)

        def other() -> Pixels:
            return self.pictures.picture(int(rng.integers(len(self.pictures))))

        return edits.edited(whole, rng, other=other, strength=self.task.strength)


@lru_cache(maxsize=8)
def _order(seed: int, epoch: int, n: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(n)
