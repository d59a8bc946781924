"""Random numbers of a batch of views, drawn on the CPU so that every device makes the same views."""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from vtsfind.learn.seeds import seed_number

_NUMBERS = 160
"""Random numbers of one view; more than any edits take."""


class Draws:
    """The random numbers of a batch; each edit takes the next ones of every view.

    What a view gets depends on its own numbers alone, so that it is the same in any batch.

    Parameters
    ----------
    numbers
        (b, n) float in 0..1, on the CPU.
    device
        Where the edits run.
    strength
        Multiplies the chance of every edit, 0 to 1.
    """

    def __init__(self, numbers: Tensor, device: torch.device, strength: float = 1.0) -> None:
        self.numbers, self.device, self.strength = numbers, device, strength
        self._next = 0

    @classmethod
    def seeded(cls, views: int, seed: tuple[int, ...], device: torch.device, strength: float = 1.0) -> Self:
        """The numbers of a batch of views, a function of the seed."""
        generator = torch.Generator().manual_seed(seed_number(*seed))
        return cls(torch.rand(views, _NUMBERS, generator=generator), device, strength)

    def of(self, views: slice) -> Self:
        """The same numbers for some of the views, from the first."""
        return type(self)(self.numbers[views], self.device, self.strength)

    def __len__(self) -> int:
        return len(self.numbers)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """A number between `low` and `high` for each view, (b,) float on the CPU."""
        drawn = self.numbers[:, self._next]
        self._next += 1
        return low + (high - low) * drawn

    def happens(self, chance: float) -> Tensor:
        """What happens to a share of the views, (b,) bool on the CPU."""
        return self.uniform() < chance

    def edits(self, chance: float) -> Tensor:
        """The same for an edit, which happens less often at less strength."""
        return self.happens(chance * self.strength)

    def factor(self, low: float, high: float, edited: Tensor) -> Tensor:
        """A number between `low` and `high` where a view is edited, else 1, (b,) float on the CPU."""
        return torch.where(edited, self.uniform(low, high), 1.0)

    def column(self, values: Tensor) -> Tensor:
        """Values of views, (b,), so that they multiply pictures: (b, 1, 1, 1), on the device."""
        return values.to(self.device)[:, None, None, None]


def change(pictures: Tensor, edited: Tensor, edit: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Change some pictures of a batch.

    Parameters
    ----------
    pictures
        (b, c, h, w).
    edited
        (b,) bool on the CPU.
    edit
        A function of these pictures, (m, c, h, w), and of their numbers, (m,) int64 on the CPU.

    Returns
    -------
    (b, c, h, w), another tensor.
    """
    rows = torch.nonzero(edited)[:, 0]
    if not len(rows):
        return pictures
    on_device = rows.to(pictures.device)
    return pictures.index_copy(0, on_device, edit(pictures[on_device], rows).to(pictures.dtype))
