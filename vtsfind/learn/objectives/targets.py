"""Which code each image of a batch is to get: the vote of its classes' centres, or its own."""

import numpy as np
import torch
from torch import Tensor, nn

from vtsfind.base.errors import UsageError
from vtsfind.learn.objectives.centres import Codes


class ClassTargets(nn.Module):
    """The sign of the sum of the centres of an image's classes; where they cancel, a fixed random bit.

    Parameters
    ----------
    centres
        (c, k) of -1 and +1.
    random
        Draws the bits that stand where centres cancel.
    first_only
        Whether only the first class of an image counts; for one without any class, that is the first of all.
    """

    centres: Tensor
    ties: Tensor

    def __init__(self, centres: Codes, random: np.random.Generator, *, first_only: bool = False) -> None:
        super().__init__()
        self.first_only = first_only
        ties = random.choice(np.array([-1, 1], np.int8), centres.shape[1])
        self.register_buffer("centres", torch.from_numpy(np.ascontiguousarray(centres)))
        self.register_buffer("ties", torch.from_numpy(ties))

    def forward(self, labels: Tensor, rows: Tensor) -> Tensor:  # noqa: ARG002 - one signature for both kinds
        """Return the targets (b, k) of -1 and +1, in the type of `labels` (b, c)."""
        if self.first_only:
            return self.centres[labels.argmax(dim=1)].to(labels.dtype)
        votes = labels @ self.centres.to(labels.dtype)
        return torch.where(votes == 0, self.ties.to(labels.dtype), votes.sign())


class RowTargets(nn.Module):
    """A given code for each row of the training set.

    Parameters
    ----------
    codes
        (n, k) of -1 and +1, of any number type.

    Raises
    ------
    UsageError
        When the codes are not a table of -1 and +1.
    """

    codes: Tensor

    def __init__(self, codes: Tensor) -> None:
        super().__init__()
        if codes.ndim != 2 or not codes.numel() or not bool((codes.abs() == 1).all()):
            raise UsageError(
                "The target codes are not a table of -1 and +1.", "Give one row of signs per image."
            )
        self.register_buffer("codes", codes.to(torch.int8))

    def forward(self, labels: Tensor, rows: Tensor) -> Tensor:
        """Return the targets (b, k) of the images at `rows` (b,), in the type of `labels`."""
        return self.codes[rows].to(labels.dtype)
