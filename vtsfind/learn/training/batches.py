"""Batches of views for training, each a function of the seed and the step alone: a resumed run sees the same ones."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vtsfind.base.records import Preprocessing
from vtsfind.learn.data import formats as datasets
from vtsfind.learn.recipes import TrainingTask
from vtsfind.media import edits
from vtsfind.media.decode import prepare

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Batch:
    """Views of some pictures; the views of one picture have the same row number."""

    pixels: Tensor
    """(b, size, size, 3) uint8."""
    labels: Tensor
    """(b, c) float32, 0 or 1."""
    rows: Tensor
    """(b,) int64."""

    def pin_memory(self) -> "Batch":
        """Move to page-locked memory, from which copies to a GPU are faster; the loader calls it."""
        return Batch(self.pixels.pin_memory(), self.labels.pin_memory(), self.rows.pin_memory())


class Batches(Dataset[Batch]):
    """The batches of one task, by step.

    Every picture is shown once before any is shown again; each pass has a new random order.

    Parameters
    ----------
    task
        What to show and how.
    root
        The folder of all data.
    preprocessing
        Of the network.
    steps
        Number of batches.
    seed
        Of everything random here.
    share
        Index of this share of every batch, and the number of shares. All shares, concatenated, are the batch that a single
        process would make.
    given
        The pictures; by default those of the task's data.
    """

    def __init__(
        self,
        task: TrainingTask,
        root: Path,
        preprocessing: Preprocessing,
        *,
        steps: int,
        seed: int,
        share: tuple[int, int] = (0, 1),
        given: datasets.Pictures | None = None,
    ) -> None:
        self.task, self.root, self.preprocessing = task, root, preprocessing
        self.steps, self.seed, self.share, self.given = steps, seed, share, given

    @cached_property
    def pictures(self) -> datasets.Pictures:
        """The task's pictures, opened at first use, so in each process that makes batches."""
        return self.given or datasets.load(self.task.data, self.root, shortest=self.task.shortest)

    def derive(self, *, steps: int, seed: int, task: TrainingTask | None = None) -> "Batches":
        """Other batches of the same pictures, not shared between processes; of another task if one is given."""
        return Batches(
            task or self.task, self.root, self.preprocessing, steps=steps, seed=seed, given=self.pictures
        )

    def epoch(self, step: int) -> int:
        """The number of complete passes before the batch of this step."""
        if self.task.short_batches:
            return step // self._steps_per_epoch
        return step * self.task.pictures // len(self.pictures)

    @property
    def _steps_per_epoch(self) -> int:
        """Batches of an epoch that ends with a short one."""
        return -(-len(self.pictures) // self.task.pictures)

    def _positions(self, step: int) -> range:
        """The places of a batch in the order in which pictures are shown, one epoch after the other."""
        count = self.task.pictures
        if not self.task.short_batches:
            return range(step * count, (step + 1) * count)
        epoch, batch = divmod(step, self._steps_per_epoch)
        n = len(self.pictures)
        return range(epoch * n + batch * count, epoch * n + min((batch + 1) * count, n))

    def __len__(self) -> int:
        return self.steps

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "pictures"}

    def __getitem__(self, step: int) -> Batch:
        positions, own = self.places(step)
        pixels, rows = [], []
        for place in own:
            row = self.row(positions[place])
            whole = self.pictures.picture(row)
            for view in range(self.task.views_each):
                rng = np.random.default_rng((self.seed, step, place, view))
                pixels.append(self._augmented_view(whole, rng))
                rows.append(row)
        index = np.array(rows, np.int64)
        return Batch(
            torch.from_numpy(np.stack(pixels)),
            torch.from_numpy(self.pictures.labels[index]),
            torch.from_numpy(index),
        )

    def places(self, step: int) -> tuple[range, range]:
        """The places of a batch in the order in which pictures are shown, and which of these are of this share."""
        positions = self._positions(step)
        number, shares = self.share
        count = len(positions)
        return positions, range(number * count // shares, (number + 1) * count // shares)

    def row(self, position: int) -> int:
        """The row of the picture that is shown at a place in the order."""
        n = len(self.pictures)
        return int(_epoch_order(self.seed, position // n, n)[position % n])

    def _augmented_view(self, whole: Pixels, rng: np.random.Generator) -> Pixels:
        if self.task.views == "plain":
            return prepare(whole, self.preprocessing)
        if self.task.views == "window":
            window = prepare(whole, self.preprocessing, at=(float(rng.random()), float(rng.random())))
            return window[:, ::-1] if rng.random() < 0.5 else window
        if self.task.views == "mild":
            return prepare(edits.mild(whole, rng), self.preprocessing)

        def other() -> Pixels:
            return self.pictures.picture(int(rng.integers(len(self.pictures))))

        edited = edits.edited(whole, rng, other=other, strength=self.task.strength)
        return prepare(edited, self.preprocessing)


@lru_cache(maxsize=8)
def _epoch_order(seed: int, epoch: int, n: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng((seed, epoch)).permutation(n)
